"""One directory entry at a time: each step is done or not done, and no link on the way is followed."""

from __future__ import annotations

import ctypes
import errno
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from linkpack.system import dir_entries, libc

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_nothing_at_a_path_is_none(tmp_path: Path) -> None:
    """Status, text of a link, and contents are None where there is nothing of that kind."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("gone")
    for name in ("file", "link"):
        assert dir_entries.status_at(f"{tmp_path}/{name}") is not None
    assert dir_entries.status_at(f"{tmp_path}/none") is None
    assert [dir_entries.link_at(f"{tmp_path}/{name}") for name in ("link", "file", "none")] == ["gone", None, None]
    assert dir_entries.file_at(f"{tmp_path}/file", 9) == (b"x", 0o640)
    assert dir_entries.file_at(f"{tmp_path}/none", 9) is None


CALLS: dict[str, Callable[[str], object]] = {
    "status": dir_entries.status_at,
    "link": dir_entries.link_at,
    "file": lambda path: dir_entries.file_at(path, 9),
    "make a link": lambda path: dir_entries.make_link("x", path),
    "make a folder": dir_entries.make_dir,
    "remove": dir_entries.remove,
    "move": lambda path: dir_entries.move(path, path),
    "set a mode": lambda path: dir_entries.set_mode(path, 0o600),
    "write": lambda path: dir_entries.write_new(path, b"x", 0o600),
    "overwrite": lambda path: dir_entries.overwrite(path, b"x", 0o600),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_link_on_the_way_is_an_error(tmp_path: Path, call: str) -> None:
    """What is behind a link is neither read nor changed."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("x")
    (tmp_path / "way").symlink_to("real")
    with pytest.raises(OSError, match=r"\[Errno") as caught:
        CALLS[call](f"{tmp_path}/way/a")
    assert caught.value.errno in {errno.ELOOP, errno.ENOTDIR}
    dir_entries.drop_dir(f"{tmp_path}/way/a")  # for which anything but an empty folder is no error
    assert (tmp_path / "real" / "a").read_text() == "x"


def test_a_file_of_another_user_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state file must be this user's own."""
    (tmp_path / "file").write_text("x")
    assert dir_entries.read_own(f"{tmp_path}/file", 9) == b"x"
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with pytest.raises(PermissionError, match="belongs to another user"):
        dir_entries.read_own(f"{tmp_path}/file", 9)
    assert dir_entries.privacy_fault(str(tmp_path)) == f"belongs to another user (number {user})"


def test_a_folder_that_is_open_to_others_has_a_fault(tmp_path: Path) -> None:
    """A private folder, and one that is not there, have no fault."""
    (tmp_path / "link").symlink_to(tmp_path)
    tmp_path.chmod(0o700)
    assert dir_entries.privacy_fault(str(tmp_path)) == ""
    assert dir_entries.privacy_fault(f"{tmp_path}/none") == ""
    assert dir_entries.privacy_fault(f"{tmp_path}/link").startswith("cannot be opened (")
    tmp_path.chmod(0o750)
    assert dir_entries.privacy_fault(str(tmp_path)) == "is open to other users (mode 750)"


@pytest.mark.parametrize("step", ["fsync", "fchmod"])
def test_a_new_file_that_fails_goes_again(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be finished is not there, and one that was there before stays."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    (tmp_path / "old").write_text("old")
    monkeypatch.setattr(os, step, fail)
    for name in ("new", "old"):
        with pytest.raises(OSError, match=r"full|exists"):
            dir_entries.write_new(str(tmp_path / name), b"x", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "old"


def test_two_entries_swap_in_one_step(tmp_path: Path) -> None:
    """Two entries swap in one step; a missing one is an error, not a half-done swap."""
    left, right = tmp_path / "l", tmp_path / "r"
    left.symlink_to("x")
    right.mkdir()
    if dir_entries.exchange(str(left), str(right)):
        assert left.is_dir()
        assert right.is_symlink()
        with pytest.raises(FileNotFoundError) as caught:
            dir_entries.exchange(str(left), str(tmp_path / "none"))
        assert caught.value.errno == errno.ENOENT


def test_a_swap_that_the_system_refuses_changes_nothing(tmp_path: Path) -> None:
    """Where the system does not swap two entries it says so, and both are as they were."""
    inner = tmp_path / "outer/inner"
    inner.mkdir(parents=True)
    assert not dir_entries.exchange(str(tmp_path / "outer"), str(inner))
    assert inner.is_dir()


def test_the_swap_of_macos_is_found() -> None:
    """The swap is macOS's where that is what the system has; a system without any says that."""
    asked = []

    def swap(*given: object) -> int:
        asked.append(given)
        ctypes.set_errno(errno.ENOENT)
        return -1 if given[1] == b"none" else 0

    call = libc.find_exchange(SimpleNamespace(renameatx_np=swap))
    assert (call(3, b"a", 4, b"b"), call(3, b"none", 4, b"b")) == (0, errno.ENOENT)
    assert asked == [(3, b"a", 4, b"b", 2), (3, b"none", 4, b"b", 2)]
    assert libc.find_exchange(SimpleNamespace())(3, b"a", 4, b"b") == errno.ENOSYS


def test_making_a_folder_over_a_file_fails(tmp_path: Path) -> None:
    """Making a folder where a file is fails, and dropping a file does nothing."""
    file = tmp_path / "f"
    file.write_text("")
    with pytest.raises(FileExistsError):
        dir_entries.make_dir(str(file))
    dir_entries.drop_dir(str(file))
    dir_entries.drop_dir(str(tmp_path / "none"))
    assert file.exists()
    dir_entries.sync_dir(str(tmp_path / "none"))
