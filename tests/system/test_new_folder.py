"""A folder that is written below descriptors: whole or not there, and never anywhere else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from linkpack.system.new_folder import new_folder

OPEN = Path("/proc/self/fd")  # where Linux shows what a process has open


def made(target: Path, *, replaces_empty: bool = False, mode: int | None = 0o755) -> None:
    """Make *target* with two files in it."""
    with new_folder(str(target), mode=mode, replaces_empty=replaces_empty) as folder:
        folder.write("a", [b"one"], 0o644)
        folder.write("lib/deep/b", [b"t", b"wo"], 0o755, 1000)
        folder.make("lib/empty")


def test_what_is_written_is_there(tmp_path: Path) -> None:
    """Files and folders have their contents, modes and times, and nothing else is left."""
    made(tmp_path / "to")
    there = {str(path.relative_to(tmp_path / "to")): path.stat() for path in (tmp_path / "to").rglob("*")}
    assert {name: status.st_mode & 0o7777 for name, status in there.items()} == {
        "a": 0o644,
        "lib": 0o755,
        "lib/deep": 0o755,
        "lib/deep/b": 0o755,
        "lib/empty": 0o755,
    }
    assert there["lib/deep/b"].st_mtime == 1000
    assert (tmp_path / "to" / "lib" / "deep" / "b").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["to"]


def test_the_umask_decides_without_a_mode(tmp_path: Path) -> None:
    """Without a mode folders get what the process's umask leaves."""
    before = os.umask(0o27)
    try:
        made(tmp_path / "to", mode=None)
    finally:
        os.umask(before)
    assert (tmp_path / "to").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "to" / "lib").stat().st_mode & 0o777 == 0o750


def test_many_folders_need_few_descriptors(tmp_path: Path) -> None:
    """Folders beside each other and in each other, more than a process may have open."""
    names = [f"{i}/{'d/' * (i % 5)}x" for i in range(300)] + ["deep/" * 300 + "x"]
    with new_folder(str(tmp_path / "to"), mode=0o755, replaces_empty=False) as folder:
        most = 0
        for name in names:
            folder.write(name, [name.encode()], 0o644)
            most = max(most, len(list(OPEN.iterdir())) if OPEN.is_dir() else 0)
    assert most < 200
    assert {name: (tmp_path / "to" / name).read_text() for name in names} == {name: name for name in names}


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling"])
def test_what_comes_meanwhile_stays(kind: str, tmp_path: Path) -> None:
    """Whatever takes the folder's place while it is filled is not replaced, and nothing is written through it."""
    target, outside = tmp_path / "to", tmp_path / "outside"
    outside.mkdir()

    def make() -> None:
        with new_folder(str(target), mode=0o755, replaces_empty=False) as folder:
            folder.write("a", [b"one"], 0o644)
            if kind == "file":
                target.write_text("mine")
            elif kind == "folder":
                target.mkdir()
            else:
                target.symlink_to(outside if kind == "link" else "nowhere")

    with pytest.raises(FileExistsError):
        make()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["outside", "to"]
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("swapped", ["", "lib"])
def test_a_folder_that_is_swapped_for_a_link(swapped: str, tmp_path: Path) -> None:
    """Whoever puts a link where a folder was makes the run fail; nothing is written where it leads."""
    outside = tmp_path / "outside"
    outside.mkdir()

    def make() -> None:
        with new_folder(str(tmp_path / "to"), mode=0o755, replaces_empty=False) as folder:
            folder.write("lib/a", [b"one"], 0o644)
            for number in range(70):  # so that lib is opened once more
                folder.write(f"{number}/a", [b""], 0o644)
            draft = next(each for each in tmp_path.iterdir() if each.name.startswith("."))
            place = draft / swapped if swapped else draft
            place.rename(tmp_path / "aside")
            place.symlink_to(outside)
            folder.write("lib/b", [b"two"], 0o644)

    with pytest.raises(OSError, match=r"Not a directory|symbolic|something else|Too many levels"):
        make()
    assert list(outside.iterdir()) == []
    assert not (tmp_path / "to").exists()


def test_the_folder_around_is_swapped(tmp_path: Path) -> None:
    """Where the folder around is swapped for a link, what was begun ends where it began."""
    around, outside = tmp_path / "around", tmp_path / "outside"
    around.mkdir()
    outside.mkdir()
    with new_folder(str(around / "to"), mode=0o755, replaces_empty=False) as folder:
        around.rename(tmp_path / "aside")
        around.symlink_to(outside)
        folder.write("a", [b"one"], 0o644)
    assert list(outside.iterdir()) == []
    assert (tmp_path / "aside" / "to" / "a").read_text() == "one"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    """An interrupt or error while files are written takes them away again, links among them as links."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "mine").write_text("mine")

    def make() -> None:
        with new_folder(str(tmp_path / "to"), mode=0o755, replaces_empty=False) as folder:
            folder.write("lib/a", [b"one"], 0o644)
            draft = next(each for each in tmp_path.iterdir() if each.name.startswith("."))
            (draft / "lib" / "link").symlink_to(tmp_path / "outside")
            raise error

    with pytest.raises(error):
        make()
    assert [each.name for each in tmp_path.iterdir()] == ["outside"]
    assert (tmp_path / "outside" / "mine").read_text() == "mine"


def test_a_lock_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that fails to lock the new folder is an error, and the folder goes."""

    def fail(_: int) -> bool:
        raise OSError(errno.EIO, "fails")

    monkeypatch.setattr("linkpack.system.temporary.claim", fail)
    with pytest.raises(OSError, match="fails"):
        made(tmp_path / "to")
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_that_was_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another run's sweep has the new folder, another is made."""
    answers = iter([False, True])
    monkeypatch.setattr("linkpack.system.temporary.claim", lambda _: next(answers))
    made(tmp_path / "to")
    assert (tmp_path / "to" / "a").read_text() == "one"


@pytest.mark.parametrize("kind", ["empty", "full", "file", "link"])
def test_an_empty_folder_may_be_replaced(kind: str, tmp_path: Path) -> None:
    """Where that is wanted an empty folder is replaced, and nothing else is."""
    target = tmp_path / "to"
    if kind == "file":
        target.write_text("mine")
    elif kind == "link":
        target.symlink_to(tmp_path)
    else:
        target.mkdir()
        if kind == "full":
            (target / "mine").write_text("mine")
    if kind == "empty":
        made(target, replaces_empty=True)
        assert (target / "a").read_text() == "one"
    else:
        with pytest.raises(OSError, match="not empty" if kind == "full" else "Not a directory"):
            made(target, replaces_empty=True)
        assert not (target / "a").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["to"]
