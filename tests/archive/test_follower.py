"""Reading a tarball back while it is written: never ahead of the writer, and over when the writer is."""

from __future__ import annotations

import gzip
import signal
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO

import pytest

from linkpack.archive import follower as following
from linkpack.archive import writer as tarball
from linkpack.archive.entry import Entry
from linkpack.archive.follower import Follower, follow
from linkpack.archive.readback import Digests, check_tarball
from linkpack.archive.writer import write_tarball
from linkpack.errors import SnapshotError, VerifyFailed
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from linkpack.archive.readback import Readable

LARGE = Entry("package/a", bytes(range(256)) * 8192, 256 * 8192, 0o644)


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    """Every thread that a test starts is over at its end."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(10)  # it has said its last word, and may still be on its way out
    assert set(threading.enumerate()) <= before


def test_a_piece_can_be_read_once_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece can be read once it is written, before the next one is, and nothing beyond it."""
    got: SimpleQueue[bytes] = SimpleQueue()

    def reads(source: Readable, _: Sequence[Entry]) -> Digests:
        while piece := source.read(7):
            got.put(piece)
        return Digests("sum", 1)

    monkeypatch.setattr(following, "read_back", reads)
    with (tmp_path / "f").open("w+b") as out, follow(out, []) as file:
        assert file is not None
        out.write(bytes(100))  # what is there already, but was not written for the reader
        out.flush()
        out.seek(0)
        for count in range(1, 20):
            piece = bytes([count]) * count
            file.write(piece)
            back = b""
            while len(back) < count:
                back += got.get(timeout=60)
            assert back == piece
        out.truncate()
        file.check("sum", 1)
    assert got.empty()


def test_a_file_that_other_hands_let_grow_fails(tmp_path: Path) -> None:
    """A file that has grown by other hands fails, as it does when it is read back afterwards."""
    with (tmp_path / "f").open("w+b") as out, follow(out, []) as file:
        assert file is not None
        out.write(bytes(2000))
        out.seek(0)
        file.write(gzip.compress(bytes(1024)))
        with pytest.raises(VerifyFailed, match="something follows"):
            file.check("sum", 1)


@pytest.mark.parametrize("place", ["start", "write", "check"])
def test_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """An interrupt at any of the places where the threads meet comes out, and the reader is at its end then."""
    monkeypatch.setattr(fs, "read_at", slowly(fs.read_at))
    real = getattr(Follower, place)

    def struck(self: Follower, *given: object) -> object:
        signal.setitimer(signal.ITIMER_REAL, 0.005)
        return real(self, *given)

    monkeypatch.setattr(Follower, place, struck)

    def until_struck() -> None:
        for number in range(1000):
            write_tarball([LARGE], str(tmp_path / f"{number}.tgz"), threads=2)

    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with pytest.raises(KeyboardInterrupt):
            until_struck()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".tgz"]


@pytest.mark.parametrize("which", [1, 2, 3], ids=["reader", "first", "second"])
def test_an_interrupt_as_a_thread_begins_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    """Whichever thread has just begun when the interrupt comes, it is at its end when that comes out."""
    start = threading.Thread.start
    begun: list[threading.Thread] = []

    def struck(thread: threading.Thread) -> None:
        start(thread)
        begun.append(thread)
        if len(begun) == which:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(threading.Thread, "start", struck)
    with pytest.raises(KeyboardInterrupt):
        write_tarball([LARGE], str(tmp_path / "p.tgz"), threads=2)
    for thread in begun:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert list(tmp_path.iterdir()) == []


def slowly(read: Callable[[int, int, int], bytes]) -> Callable[[int, int, int], bytes]:
    """*read*, a few bytes at a time."""
    return lambda handle, size, start: read(handle, min(size, 500), start)


def test_the_error_of_the_writer_comes_out(tmp_path: Path) -> None:
    """When writing fails, that error comes out, and not what the reader makes of half a file."""

    def stopped() -> None:
        with (tmp_path / "f").open("w+b") as out, follow(out, []) as file:
            assert file is not None
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()


def test_a_disk_that_cannot_be_read_back_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def fails(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(fs, "read_at", fails)
    with pytest.raises(SnapshotError, match="cannot be written: Input/output error"):
        write_tarball([LARGE], str(tmp_path / "p.tgz"), threads=2)
    assert list(tmp_path.iterdir()) == []


def test_without_a_thread_the_tarball_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system gives no thread, the tarball is read back afterwards, and is the same."""
    with_threads = write_tarball([LARGE], str(tmp_path / "p.tgz"), threads=2)

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    checked: list[str] = []

    def noted(file: BinaryIO, entries: Sequence[Entry], shasum: str, crc: int) -> None:
        checked.append(shasum)
        check_tarball(file, entries, shasum, crc)

    monkeypatch.setattr(tarball, "check_tarball", noted)
    monkeypatch.setattr(threading.Thread, "start", refused)
    assert write_tarball([LARGE], str(tmp_path / "p.tgz"), threads=2) == with_threads
    assert checked == [with_threads.shasum]
