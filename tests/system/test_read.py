"""Reading the disk: what is no regular file, what is too large, what changes while it is read."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

import pytest

from linkpack.errors import SourceChanged
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def planned(path: Path) -> tuple[str, int, int, int]:
    """What a plan knows of the file at *path*."""
    status = path.stat()
    return str(path), status.st_dev, status.st_ino, status.st_size


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of 600,000 bytes: three pieces."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 600_000)
    return path


@pytest.mark.parametrize("size", [0, 1, fs.CHUNK, fs.CHUNK + 1])
def test_a_file_is_read_up_to_the_very_limit(tmp_path: Path, size: int) -> None:
    """A file is read whole up to the very limit, through links too, and refused one byte beyond."""
    (tmp_path / "f").write_bytes(b"y" * size)
    (tmp_path / "link").symlink_to("f")
    assert fs.read_file(str(tmp_path / "link"), size) == b"y" * size
    with pytest.raises(OSError, match=f"more than {size - 1} bytes") as caught:
        fs.read_file(str(tmp_path / "f"), size - 1)
    assert caught.value.errno == errno.EFBIG


def make_socket(path: Path) -> None:
    """A socket at *path*, by a relative name: long ones do not fit."""
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (os.mkfifo, errno.EINVAL),
        (os.mkdir, errno.EISDIR),
        (make_socket, errno.ENXIO),
        (lambda path: path.symlink_to("/dev/zero"), errno.EINVAL),
        (lambda path: path.symlink_to(path.name), errno.ELOOP),
        (lambda _: None, errno.ENOENT),
    ],
    ids=["fifo", "folder", "socket", "device", "loop", "missing"],
)
def test_read_file_never_waits(tmp_path: Path, make: Callable[[Path], None], code: int) -> None:
    """What is no regular file is refused with the system's number for it, and never waited for."""
    make(tmp_path / "f")
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number says it
        fs.read_file(str(tmp_path / "f"), 100)
    assert caught.value.errno == code


def in_pieces(path: str, dev: int, ino: int, size: int) -> bytes:
    """What the reader in pieces gives, together."""
    return b"".join(fs.read_planned(path, dev, ino, size))


readers = pytest.mark.parametrize("read", [in_pieces, fs.read_small])


@readers
@pytest.mark.parametrize("size", [0, 1, 1000])
def test_both_readers_give_all_bytes_of_a_planned_file(
    tmp_path: Path, size: int, read: Callable[[str, int, int, int], bytes]
) -> None:
    (tmp_path / "f").write_bytes(bytes(range(250)) * 4)
    os.truncate(tmp_path / "f", size)
    assert read(*planned(tmp_path / "f")) == (tmp_path / "f").read_bytes()


def test_a_planned_file_comes_in_pieces_of_the_promised_size(file: Path) -> None:
    pieces = list(fs.read_planned(*planned(file)))
    assert [len(piece) for piece in pieces] == [fs.CHUNK, fs.CHUNK, 600_000 - 2 * fs.CHUNK]


def replace(path: Path, make: Callable[[Path], object]) -> None:
    """Put something new at *path* while the old file lives on, so that its inode is not used again."""
    path.rename(path.with_name("old"))
    make(path)


BEFORE: dict[str, tuple[Callable[[Path], object], str]] = {
    "removed": (lambda p: p.unlink(), "can no longer be read"),
    "a link": (lambda p: replace(p, lambda new: new.symlink_to("old")), "can no longer be read"),
    "a fifo": (lambda p: replace(p, os.mkfifo), "was replaced"),
    "a folder": (lambda p: replace(p, os.mkdir), "was replaced"),
    "a new file": (lambda p: replace(p, lambda new: new.write_bytes(b"x" * 600_000)), "was replaced"),
    "grown": (lambda p: p.write_bytes(b"x" * 600_001), "had 600000 bytes and now has 600001"),
    "shrunk": (lambda p: p.write_bytes(b""), "had 600000 bytes and now has 0"),
}


@readers
@pytest.mark.parametrize("change", BEFORE)
def test_changes_before_reading(file: Path, change: str, read: Callable[[str, int, int, int], bytes]) -> None:
    """Whatever took the place of a planned file, the error names the file and says what happened."""
    act, message = BEFORE[change]
    plan = planned(file)
    act(file)
    with pytest.raises(SourceChanged, match=message) as caught:
        read(*plan)
    assert (caught.value.path, caught.value.code) == (str(file), "ECHANGED")


DURING: dict[str, tuple[Callable[[Path], object], str]] = {
    "shrunk": (lambda p: os.truncate(p, 300_000), "became shorter"),
    "grown": (lambda p: os.truncate(p, 700_000), "was written to"),
    "rewritten": (lambda p: os.utime(p, ns=(1, 1)), "was written to"),
}


@readers
@pytest.mark.parametrize("change", DURING)
def test_changes_while_reading(
    file: Path, change: str, monkeypatch: pytest.MonkeyPatch, read: Callable[[str, int, int, int], bytes]
) -> None:
    """A file that is written to between two reads is noticed at the end at the latest."""
    act, message = DURING[change]
    plan = planned(file)
    real = os.read
    reads = []

    def slowly(handle: int, size: int) -> bytes:
        reads.append(size)
        found = real(handle, min(size, fs.CHUNK))
        if len(reads) == 1:
            act(file)
        return found

    monkeypatch.setattr(os, "read", slowly)
    with pytest.raises(SourceChanged, match=message):
        read(*plan)


@readers
def test_a_folder_of_the_planned_number(tmp_path: Path, read: Callable[[str, int, int, int], bytes]) -> None:
    """Should a folder get the file's own number, reading it fails as a change and not as a crash."""
    status = tmp_path.stat()
    with pytest.raises(SourceChanged, match="cannot be read"):
        read(str(tmp_path), status.st_dev, status.st_ino, status.st_size)


def test_a_path_that_cannot_be_is_neither_file_nor_folder(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    (tmp_path / "to-f").symlink_to("f")
    (tmp_path / "to-dir").symlink_to(".")
    (tmp_path / "loop").symlink_to("loop")
    names = ("f", "to-f", "to-dir", "loop", "f/x", "n\0l", "n" * 300)
    assert [fs.is_file(f"{tmp_path}/{name}") for name in names] == [True, True, *[False] * 5]
    assert [fs.is_dir(f"{tmp_path}/{name}") for name in names] == [False, False, True, *[False] * 4]


def test_names_that_are_not_utf_8_lead_back_to_their_files(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.js")
    (tmp_path / name).write_bytes(b"abc")
    (tmp_path / "link").symlink_to(name)
    assert sorted(entry.name for entry in fs.scan(str(tmp_path))) == ["link", name]
    assert fs.stat(f"{tmp_path}/link").st_size == 3
    assert fs.lstat(f"{tmp_path}/link") != fs.stat(f"{tmp_path}/link")
    assert fs.read_link(f"{tmp_path}/link") == name
    assert fs.real_path(f"{tmp_path}/link") == os.path.realpath(tmp_path / name)


@pytest.mark.parametrize("target", ["link", "missing", "f/x"])
def test_a_broken_link_has_no_real_path(tmp_path: Path, target: str) -> None:
    """A link that is broken, leads through a file or to itself has no real path."""
    (tmp_path / "f").touch()
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(OSError):  # noqa: PT011 - which one is the system's business
        fs.real_path(str(tmp_path / "link"))


def test_what_is_open_to_this_user_is_readable(tmp_path: Path) -> None:
    """What exists and is open to this user is readable; only a folder is a place for files."""
    (tmp_path / "f").touch()
    assert [fs.is_readable(f"{tmp_path}{name}") for name in ("", "/f", "/missing")] == [True, True, False]
    assert [fs.is_writable_dir(f"{tmp_path}{name}") for name in ("", "/f", "/missing")] == [True, False, False]


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.ENOMEM])
def test_a_system_that_cannot_answer_is_an_error(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the system cannot say what is at a path, that is an error."""

    def fail(*_: object) -> os.stat_result:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "stat", fail)
    monkeypatch.setattr(os, "lstat", fail)
    for ask in (fs.is_dir, fs.is_file, fs.exists):
        with pytest.raises(OSError, match=r"\[Errno") as caught:
            ask("/somewhere")
        assert caught.value.errno == code


def test_what_is_not_there_is_answered_with_no(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in ("none", "file/below", "n" * 300, "nul\0"):
        assert not fs.is_dir(f"{tmp_path}/{path}")
        assert not fs.is_file(f"{tmp_path}/{path}")
        assert not fs.exists(f"{tmp_path}/{path}")


def test_only_a_file_has_first_bytes(tmp_path: Path) -> None:
    """The first bytes of a file come; what is no file has none."""
    (tmp_path / "file").write_bytes(b"#!/bin/sh")
    assert fs.read_head(f"{tmp_path}/file", 2) == b"#!"
    assert fs.read_head("/dev/null", 5) == b""


def test_a_file_that_is_written_to_while_it_is_open(tmp_path: Path) -> None:
    """The stamp of an open file changes when another process writes to it."""
    (tmp_path / "file").write_bytes(b"one")
    with fs.open_regular(f"{tmp_path}/file") as file:
        assert (file.source.read(), file.size, fs.is_unchanged(file)) == (b"one", 3, True)
        (tmp_path / "file").write_bytes(b"longer")
        assert not fs.is_unchanged(file)


@pytest.mark.parametrize("path", ["/dev/null", "/", "/nul\0"])
def test_only_regular_files_are_opened(path: str) -> None:
    """A device, a directory and a path that cannot be are refused at once."""
    with pytest.raises(OSError, match=r"\[Errno") as caught, fs.open_regular(path):
        pass
    assert caught.value.errno == errno.EINVAL
