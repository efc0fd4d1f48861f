"""One change of the disk at a time: made, and taken back from wherever it stopped."""

from __future__ import annotations

import contextlib
import ctypes
import errno
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from linkpack.linking import steps as linkstep
from linkpack.linking.states import ABSENT, Change, CreatedDirectory, Displaced, File, Link, Mode, State
from linkpack.system import links as fslinks

if TYPE_CHECKING:
    from pathlib import Path

FILE, OTHER = File(b"x", 0o640), File(b"y", 0o755)
KINDS = ["absent", "link", "other link", "file", "other file", "kept", "kept file"]


def listing(folder: Path) -> list[str]:
    """The names in *folder*, sorted."""
    return sorted(path.name for path in folder.iterdir())


def put(root: Path, kind: str, *, stands: bool) -> State:
    """The state of *kind* at root/p; when it *stands*, it is put there, and else ready at its place."""
    path, place = root / "p", root / "place"
    simple: dict[str, State] = {
        "absent": ABSENT, "link": Link("a"), "other link": Link("b"), "file": FILE, "other file": OTHER,
    }  # fmt: skip
    if kind in simple:
        state = simple[kind]
        if stands and isinstance(state, Link):
            path.symlink_to(state.target)
        elif stands and isinstance(state, File):
            path.write_bytes(state.content)
            path.chmod(state.mode)
        return state
    real = path if stands else place
    if kind == "kept":
        real.mkdir()
        (real / "inner").write_text("precious")
    else:
        real.write_text("precious")
    return Displaced(str(place), real.lstat().st_ino)


PAIRS = [
    (before, after)
    for before in KINDS
    for after in KINDS
    if before != after and not (before.startswith("kept") and after.startswith("kept"))
]


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_change_can_be_taken_back(
    tmp_path: Path, before: str, after: str, monkeypatch: pytest.MonkeyPatch, *, exchange: bool
) -> None:
    """Done or not, taking it back leaves what was there."""
    if not exchange:
        monkeypatch.setattr(fslinks, "exchange", lambda left, right: bool(left == right == ""))
    change = Change(str(tmp_path / "p"), put(tmp_path, before, stands=True), put(tmp_path, after, stands=False))
    temp = str(tmp_path / "temp")
    names = listing(tmp_path)
    assert linkstep.matches(change.path, change.before)
    linkstep.take_back(change, temp)
    assert linkstep.matches(change.path, change.before)
    assert listing(tmp_path) == names
    linkstep.perform(change, temp)
    assert linkstep.matches(change.path, change.after)
    assert not linkstep.matches(change.path, change.before)
    linkstep.take_back(change, temp)
    assert linkstep.matches(change.path, change.before)
    assert listing(tmp_path) == names


class Cut(Exception):
    """The run stops here."""


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_change_that_is_cut_off_anywhere_can_be_taken_back(
    tmp_path: Path, before: str, after: str, *, exchange: bool
) -> None:
    for stop in range(1, 6):
        root = tmp_path / str(stop)
        root.mkdir()
        change = Change(str(root / "p"), put(root, before, stands=True), put(root, after, stands=False))
        names = listing(root)
        with pytest.MonkeyPatch.context() as patch:
            left = stop

            def counted(name: str) -> None:
                real = getattr(fslinks, name)

                def call(*args: object) -> object:
                    nonlocal left
                    left -= 1
                    if left == 0:
                        raise Cut
                    return False if name == "exchange" and not exchange else real(*args)

                patch.setattr(fslinks, name, call)

            for name in ("make_link", "remove", "move", "write_new", "exchange"):
                counted(name)
            with contextlib.suppress(Cut):
                linkstep.perform(change, str(root / "temp"))
        if not exchange:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(fslinks, "exchange", lambda left, right: bool(left == right == ""))
                linkstep.take_back(change, str(root / "temp"))
        else:
            linkstep.take_back(change, str(root / "temp"))
        assert linkstep.matches(change.path, change.before)
        assert listing(root) == names


def test_folders_and_modes_change_back_and_forth(tmp_path: Path) -> None:
    """Folders are removed only while they are empty."""
    path, file = tmp_path / "d", tmp_path / "f"
    made = Change(str(path), ABSENT, CreatedDirectory())
    linkstep.perform(made, "")
    assert linkstep.matches(str(path), CreatedDirectory())
    (path / "x").write_text("")
    linkstep.take_back(made, str(tmp_path / "t"))
    assert path.is_dir()
    (path / "x").unlink()
    linkstep.perform(made.inverse(), "")
    linkstep.perform(made.inverse(), "")
    assert not path.exists()
    linkstep.take_back(made.inverse(), str(tmp_path / "t"))
    assert path.is_dir()
    file.write_text("")
    file.chmod(0o600)
    mode = Change(str(file), Mode(0o600), Mode(0o755))
    linkstep.perform(mode, "")
    assert linkstep.matches(str(file), Mode(0o755))
    linkstep.take_back(mode, str(tmp_path / "t"))
    assert linkstep.matches(str(file), Mode(0o600))


def test_what_others_put_there_stays(tmp_path: Path) -> None:
    """A path that is neither before nor after belongs to somebody else."""
    path = tmp_path / "p"
    path.write_text("theirs")
    linkstep.take_back(Change(str(path), ABSENT, Link("a")), str(tmp_path / "t"))
    linkstep.take_back(Change(str(path), Displaced(str(tmp_path / "no"), 1), Link("a")), str(tmp_path / "t"))
    assert path.read_text() == "theirs"
    path.unlink()
    linkstep.take_back(Change(str(path), Displaced(str(tmp_path / "no"), 1), Link("a")), str(tmp_path / "t"))
    assert not path.exists()
    linkstep.take_back(Change(str(path), Link("old"), Displaced(str(tmp_path / "no"), 1)), str(tmp_path / "t"))
    assert str(path.readlink()) == "old"
    path.unlink()
    linkstep.take_back(Change(str(path), Mode(0o644), Mode(0o755)), str(tmp_path / "t"))
    assert listing(tmp_path) == []


# --- the functions below


def test_two_entries_swap_in_one_step(tmp_path: Path) -> None:
    """If one is missing, nothing is swapped."""
    left, right = tmp_path / "l", tmp_path / "r"
    left.symlink_to("x")
    right.mkdir()
    if fslinks.exchange(str(left), str(right)):
        assert left.is_dir()
        assert right.is_symlink()
        with pytest.raises(FileNotFoundError) as caught:
            fslinks.exchange(str(left), str(tmp_path / "none"))
        assert caught.value.errno == errno.ENOENT


def test_a_swap_that_the_system_refuses_changes_nothing(tmp_path: Path) -> None:
    inner = tmp_path / "outer/inner"
    inner.mkdir(parents=True)
    assert not fslinks.exchange(str(tmp_path / "outer"), str(inner))
    assert inner.is_dir()


def test_the_swap_of_macos_is_found() -> None:
    """A system without any has an error number for it."""
    asked = []

    def swap(*given: object) -> int:
        asked.append(given)
        ctypes.set_errno(errno.ENOENT)
        return -1 if given[1] == b"none" else 0

    call = fslinks.exchanger(SimpleNamespace(renameatx_np=swap))
    assert (call(3, b"a", 4, b"b"), call(3, b"none", 4, b"b")) == (0, errno.ENOENT)
    assert asked == [(3, b"a", 4, b"b", 2), (3, b"none", 4, b"b", 2)]
    assert fslinks.exchanger(SimpleNamespace())(3, b"a", 4, b"b") == errno.ENOSYS


def test_making_a_folder_over_a_file_fails(tmp_path: Path) -> None:
    """Removing a file as a folder does nothing."""
    file = tmp_path / "f"
    file.write_text("")
    with pytest.raises(FileExistsError):
        fslinks.make_dir(str(file))
    fslinks.drop_dir(str(file))
    fslinks.drop_dir(str(tmp_path / "none"))
    assert file.exists()
    fslinks.sync_dir(str(tmp_path / "none"))


def test_the_name_of_a_run_tells_whether_it_may_be_alive() -> None:
    run = fslinks.new_run()
    assert fslinks.alive(run)
    assert fslinks.new_run() != run
    assert not fslinks.alive("x")
    assert not fslinks.alive("999999999-x")
    assert fslinks.alive("9" * 30)
    assert fslinks.read_head("/dev/null", 5) == b""
