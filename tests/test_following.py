"""Reading a tarball back while it is written: never ahead of the writer, and over when the writer is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, BinaryIO

import pytest

from linkpack.disk import fs
from linkpack.errors import SnapshotError
from linkpack.tarballs import following, tarball
from linkpack.tarballs.archive import Entry
from linkpack.tarballs.following import followed
from linkpack.tarballs.readback import Found, check_tarball
from linkpack.tarballs.tarball import write_tarball

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from linkpack.tarballs.readback import Source

LARGE = Entry("package/a", bytes(range(256)) * 8192, 256 * 8192, 0o644)


@pytest.fixture(autouse=True)
def _no_thread_stays() -> object:
    """Every thread that a test starts is over at its end."""
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def test_as_far_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader gets the bytes in order and all of them, though it asks for more than there are."""
    got: list[bytes] = []

    def reads(source: Source, _: Sequence[Entry]) -> Found:
        while piece := source.read(7):
            got.append(piece)
        return Found("sum", 1)

    monkeypatch.setattr(following, "read_back", reads)
    with (tmp_path / "f").open("w+b") as out, followed(out, []) as file:
        assert file is not None
        for count in range(1, 40):
            file.write(bytes([count]) * count)
        file.check("sum", 1)
    assert b"".join(got) == (tmp_path / "f").read_bytes()
    assert max(map(len, got)) <= 7


def test_a_writer_that_fails(tmp_path: Path) -> None:
    """When writing fails, that error comes out, and not what the reader makes of half a file."""

    def stopped() -> None:
        with (tmp_path / "f").open("w+b") as out, followed(out, []) as file:
            assert file is not None
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()


def test_a_reader_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that cannot be read back is an error of the tarball, and nothing is left behind."""

    def fails(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(fs, "read_at", fails)
    with pytest.raises(SnapshotError, match="cannot be written: Input/output error"):
        write_tarball([LARGE], str(tmp_path / "p.tgz"))
    assert list(tmp_path.iterdir()) == []


def test_no_thread_is_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system gives no thread, the tarball is read back afterwards, and is the same."""
    with_threads = write_tarball([LARGE], str(tmp_path / "p.tgz"))

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    checked: list[str] = []

    def noted(file: BinaryIO, entries: Sequence[Entry], shasum: str, crc: int) -> None:
        checked.append(shasum)
        check_tarball(file, entries, shasum, crc)

    monkeypatch.setattr(tarball, "check_tarball", noted)
    monkeypatch.setattr(threading.Thread, "start", refused)
    assert write_tarball([LARGE], str(tmp_path / "p.tgz")) == with_threads
    assert checked == [with_threads.shasum]
