"""Read a written tarball back, and compare it with what was planned.

The tests hold the result against the installers' own readers and against tarsafe. To use tarsafe here would cost
as much as packing a small project.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, Protocol

from zlib_ng import zlib_ng

from linkpack.archive.tar_header import BLOCK, is_anonymous_file, padding, read_written, read_written_records
from linkpack.errors import VerifyFailed
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.archive.entry import Entry
    from linkpack.archive.tar_header import Header

_READ = 1 << 16  # bytes of the tarball decompressed at a time
_PIECE = 1 << 20  # bytes of the stream at most in a piece
_END = bytes(2 * BLOCK)


class Digests(Record):
    """What was read: the SHA-1 of the file and the CRC-32 of its tar stream.

    *shasum* is in hexadecimal.
    """

    shasum: str
    crc: int


class Readable(Protocol):
    """A tarball that can be read from its current position on."""

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes, b"" at the end."""


def check_tarball(tarball: BinaryIO, entries: Sequence[Entry], shasum: str, crc: int) -> None:
    """Raise `VerifyFailed` unless *tarball* is the file that was written.

    It is read from its start, and must unpack to *entries* in their order. *shasum* is its SHA-1 in hexadecimal,
    the cheapest of the known digests that finds what a disk does to it. *crc* is the CRC-32 of the whole tar
    stream.
    """
    tarball.seek(0)
    compare(read_back(tarball, entries), shasum, crc)


def read_back(tarball: Readable, entries: Sequence[Entry]) -> Digests:
    """Read *tarball*, and return its digests.

    Raises `VerifyFailed` when it does not unpack to *entries* in their order.
    """
    stream = _Stream(tarball)
    try:
        for entry in entries:
            _check_member(stream, entry)
        _check_end(stream)
        for _ in stream.pieces:
            pass
    except (ValueError, LookupError) as err:
        raise _report_failure(f"it cannot be read back: {err}") from err
    return Digests(stream.digest.hexdigest(), stream.crc)


def compare(digests: Digests, shasum: str, crc: int) -> None:
    """Raise `VerifyFailed` unless *digests* are this *shasum* and this *crc*."""
    if digests.crc != crc:
        raise _report_failure("its contents are not what was written")
    if digests.shasum != shasum:
        raise _report_failure("its bytes are not what was written")


class _Stream:
    """The tar stream inside a gzip file.

    *digest* is of the file and *crc* of the stream, each as far as it was read.
    """

    def __init__(self, source: Readable) -> None:
        # *usedforsecurity*: a Python with FIPS rules refuses SHA-1 without it. npm's registry still records it.
        self.digest = hashlib.sha1(usedforsecurity=False)
        self.crc = 0
        self.pieces = self._unzipped(source)
        self._piece = b""
        self._at = 0

    def _unzipped(self, source: Readable) -> Iterator[bytes]:
        """Yield the stream in pieces.

        Raises ValueError when the file is not gzip, has no end, or something follows it.
        """
        unzip = zlib_ng.decompressobj(31)  # 15 for the largest window, 16 for gzip
        packed = b""
        while not unzip.eof:
            if not packed:
                packed = source.read(_READ)
                self.digest.update(packed)
                if not packed:
                    raise ValueError("the gzip member has no end")
            try:
                piece = unzip.decompress(packed, _PIECE)
            except Exception as err:  # zlib_ng.error, which its type stubs do not call a class
                raise ValueError(str(err)) from err
            packed = unzip.unconsumed_tail
            self.crc = zlib_ng.crc32(piece, self.crc)
            yield piece
        if unzip.unused_data or source.read(1):
            raise ValueError("something follows the gzip member")

    def take(self, size: int) -> bytes:
        """Return the next *size* bytes, fewer at the end."""
        start, self._at = self._at, self._at + size
        if self._at <= len(self._piece):
            return self._piece[start : self._at]
        held = [self._piece[start:]]
        left = size - len(held[0])
        while left > 0 and (piece := next(self.pieces, None)) is not None:
            self._piece, self._at = piece, min(left, len(piece))
            held.append(piece[:left])
            left -= self._at
        return b"".join(held)

    def skip(self, size: int) -> None:
        """Pass over *size* bytes, or what is left."""
        self._at += size
        while self._at > len(self._piece) and (piece := next(self.pieces, None)) is not None:
            self._at -= len(self._piece)
            self._piece = piece


def _check_member(stream: _Stream, entry: Entry) -> None:
    """Read one member, which must be *entry*.

    Raises `VerifyFailed` otherwise.
    """
    block = stream.take(BLOCK)
    if not any(block):
        raise _report_failure(f"it ends before {entry.path}")
    path, size, header, block = _read_member(stream, block)
    if (path, size, header.mode) != (entry.path, entry.size, entry.mode) or not is_anonymous_file(block):
        raise _report_failure(f"its entry {path} differs from the planned {entry.path}")
    stream.skip(size + padding(size))


def _read_member(stream: _Stream, block: bytes) -> tuple[str, int, Header, bytes]:
    """Read the headers of a member from *block* on.

    Returns its path, its size, and its own header, read and raw. A pax header may come before that.
    """
    header = read_written(block)
    records: Mapping[bytes, bytes] = {}
    if header.kind == b"x":
        records = read_written_records(stream.take(header.size))
        stream.skip(padding(header.size))
        block = stream.take(BLOCK)
        header = read_written(block)
    path = records.get(b"path", header.name).decode("utf-8", "surrogateescape")
    size = int(records[b"size"]) if b"size" in records else header.size
    return path, size, header, block


def _check_end(stream: _Stream) -> None:
    """Read the end mark, and raise `VerifyFailed` or ValueError without one."""
    block = stream.take(BLOCK)
    if any(block):
        raise _report_failure(f"it holds {_read_member(stream, block)[0]}, which was not planned")
    if block + stream.take(BLOCK) != _END:
        raise ValueError("the tar stream has no end")


def _report_failure(why: str) -> VerifyFailed:
    return VerifyFailed(
        f"the tarball failed verification: {why}",
        hint="nothing was written; if packing again fails as well, report it",
    )
