"""Folders that are not finished yet: locked, swept when dead, and never shipped."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from linkpack.packlist.packlist import PackageFolder, read_packlist
from linkpack.system import temporary as drafts
from linkpack.system import write as fswrite
from tests.packlist.test_packlist import View

DEAD = ".linkpack-00112233445566ff.tmp"


def names(folder: Path) -> list[str]:
    """What is in *folder*."""
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_goes_unless_it_was_renamed(tmp_path: Path) -> None:
    """What is left of a draft at its end goes; what was moved away stays, and the whole folder may be."""
    with drafts.draft_folder(str(tmp_path)) as path:
        (Path(path) / "kept").mkdir()
        (Path(path) / "kept").rename(tmp_path / "kept")
        (Path(path) / "left").touch()
    with drafts.draft_folder(str(tmp_path)) as path:
        Path(path).rename(tmp_path / "whole")
    assert names(tmp_path) == ["kept", "whole"]


def test_living_folders_stay(tmp_path: Path) -> None:
    """A draft inside of another's time does not take it for a dead run's."""
    with drafts.draft_folder(str(tmp_path)) as first, drafts.draft_folder(str(tmp_path)) as second:
        assert names(tmp_path) == sorted(Path(each).name for each in (first, second))
    assert names(tmp_path) == []


def test_folders_of_dead_runs_go(tmp_path: Path) -> None:
    """The folder of a killed run, with all that is in it, is removed by the next run that writes beside it."""
    script = (
        "import os, sys; from linkpack.system import temporary as drafts\n"
        "with drafts.draft_folder(sys.argv[1]) as at:\n"
        "    os.mkdir(at + '/package'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert len(names(tmp_path)) == 1
    drafts.sweep(str(tmp_path))
    assert names(tmp_path) == []


def test_a_deep_folder_of_a_dead_run_goes(tmp_path: Path) -> None:
    """A tree deeper than the stack and longer than any path is removed, and links in it are not followed."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    dead = Path(drafts.draft_path(str(tmp_path)))
    dead.mkdir()
    at = os.open(dead, os.O_RDONLY)
    for _ in range(sys.getrecursionlimit() + 100):
        os.symlink(tmp_path / "kept", "link", dir_fd=at)
        os.mkdir("folder", dir_fd=at)
        below = os.open("folder", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    drafts.sweep(str(tmp_path))
    assert names(tmp_path) == ["kept"]
    assert names(tmp_path / "kept") == ["file"]


def test_what_cannot_be_removed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the system keeps is left with the folders above it; everything else goes."""
    real = os.unlink

    def unlink(path: str, *, dir_fd: int | None = None) -> None:
        if path == "stays":
            raise PermissionError(errno.EPERM, "no")
        real(path, dir_fd=dir_fd)

    for path in ("a/b/stays", "a/goes", "goes"):
        (tmp_path / "top" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "top" / path).touch()
    monkeypatch.setattr(os, "unlink", unlink)
    drafts.discard_tree(str(tmp_path / "top"))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["stays"]


@pytest.mark.parametrize("how", ["gone", "locked"])
def test_a_sweep_that_is_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A new folder that a sweep got hold of before it was locked is given up for another one."""
    real = os.mkdir
    held: list[int] = []

    def mkdir(name: str, mode: int, *, dir_fd: int) -> None:
        real(name, mode, dir_fd=dir_fd)
        if not held:
            held.append(os.open(name, os.O_RDONLY, dir_fd=dir_fd))
            fcntl.flock(held[0], fcntl.LOCK_EX)
            if how == "gone":
                shutil.rmtree(tmp_path / name)

    monkeypatch.setattr(os, "mkdir", mkdir)
    with drafts.draft_folder(str(tmp_path)) as path:
        assert os.fstat(held[0]).st_ino != Path(path).stat().st_ino or how == "gone"
        assert Path(path).is_dir()
    os.close(held[0])


def test_a_folder_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new folder cannot be opened, it goes, and the error says why."""
    real = os.open

    def refuse(path: str, flags: int, *, dir_fd: int | None = None) -> int:
        if drafts.is_draft(path):
            raise OSError(errno.EMFILE, "too many")
        return real(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OSError, match="too many"), drafts.draft_folder(str(tmp_path)):
        pass
    assert names(tmp_path) == []


def test_a_draft_that_was_removed_meanwhile(tmp_path: Path) -> None:
    """A file that was removed is no draft any more; without locks, every file is taken for ours."""
    with (tmp_path / DEAD).open("w") as out:
        assert drafts.claim(out.fileno())
        (tmp_path / DEAD).unlink()
        assert not drafts.claim(out.fileno())
    reading, writing = os.pipe()
    os.close(writing)
    os.close(reading)
    assert drafts.claim(reading)


def test_left_overs_do_not_ship(tmp_path: Path) -> None:
    """The unfinished tree of a run that was cut off is no part of the package that it lies in."""
    for path in ("package.json", f"{DEAD}/package/a.js", f"lib/{DEAD}/b.js", "lib/c.js"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("{}", encoding="utf-8")
    packlist = read_packlist(PackageFolder(str(tmp_path.resolve()), View(), "root", "12"))
    assert [file.path for file in packlist.files] == ["lib/c.js", "package.json"]
    assert {omission.reason for omission in packlist.omissions} == {"left by an earlier run that was cut off"}


def test_a_draft_that_cannot_be_claimed_goes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the status of a new draft cannot be had, the draft is removed."""

    def fail(_: int) -> bool:
        raise OSError(errno.EIO, "fails")

    monkeypatch.setattr(drafts, "claim", fail)
    with pytest.raises(OSError, match="fails"), drafts.draft_folder(str(tmp_path)):
        pass
    with pytest.raises(OSError, match="fails"), fswrite.open_draft(str(tmp_path / "x")):
        pass
    assert list(tmp_path.iterdir()) == []
