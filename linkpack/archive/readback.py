"""Reads a written tarball back, and compares it with what was planned.

The fields of headers are those of `archive.tar_header`. The tests hold the result against tarsafe, whose import
and reading would cost as much as packing a small project, and against the installers' own readers.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from zlib_ng import zlib_ng

from linkpack.archive.tar_header import BLOCK, check_sum, padding, read_octal, read_written_records, written_name
from linkpack.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.archive.entry import Entry

_READ = 1 << 16  # bytes of the tarball decompressed at a time
_PIECE = 1 << 20  # bytes of the stream at most in a piece
_END = bytes(2 * BLOCK)


class Found(NamedTuple):
    """What was read: the SHA-1 of the file in hexadecimal, and the CRC-32 of the tar stream in it."""

    shasum: str
    crc: int


class Source(Protocol):
    """A tarball to be read from where it stands."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most *size*; none at the end."""


def check_tarball(tarball: BinaryIO, entries: Sequence[Entry], shasum: str, crc: int) -> None:
    """Nothing when *tarball*, read from its start, has that *shasum* and unpacks to *entries* in their order.

    *shasum* is SHA-1 in hexadecimal, which is the cheapest of the digests that are known of it and finds what a
    disk does to it; *crc* is the CRC-32 of the whole tar stream. `VerifyFailed` names what differs.
    """
    tarball.seek(0)
    compare(read_back(tarball, entries), shasum, crc)


def read_back(tarball: Source, entries: Sequence[Entry]) -> Found:
    """What there is in *tarball*; `VerifyFailed` when it does not unpack to *entries* in their order."""
    stream = _Stream(tarball)
    try:
        for entry in entries:
            _same(stream, entry)
        _at_end(stream)
        for _ in stream.pieces:
            pass
    except (ValueError, LookupError) as err:
        raise _failed(f"it cannot be read back: {err}") from err
    return Found(stream.digest.hexdigest(), stream.crc)


def compare(found: Found, shasum: str, crc: int) -> None:
    """Nothing when what was *found* has that *shasum* and *crc*; `VerifyFailed` otherwise."""
    if found.crc != crc:
        raise _failed("its contents are not what was written")
    if found.shasum != shasum:
        raise _failed("its bytes are not what was written")


class _Stream:
    """The tar stream inside a gzip file, with the digest of the one and the CRC-32 of the other on the way."""

    def __init__(self, source: Source) -> None:
        self.digest = hashlib.sha1(usedforsecurity=False)
        self.crc = 0
        self.pieces = self._unzipped(source)
        self._piece = b""
        self._at = 0

    def _unzipped(self, source: Source) -> Iterator[bytes]:
        """The stream in pieces; ValueError when it is no gzip, has no end, or something follows it."""
        unzip = zlib_ng.decompressobj(31)
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
        """The next *size* bytes; fewer at the end."""
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
        """Pass over *size* bytes, or what there is."""
        self._at += size
        while self._at > len(self._piece) and (piece := next(self.pieces, None)) is not None:
            self._at -= len(self._piece)
            self._piece = piece


def _same(stream: _Stream, entry: Entry) -> None:
    """Read one member and compare it with *entry*; `VerifyFailed` when they differ."""
    block = stream.take(BLOCK)
    if not any(block):
        raise _failed(f"it ends before {entry.path}")
    path, size, block = _named(stream, block)
    numbers = (read_octal(block[100:108]), read_octal(block[108:116]), read_octal(block[116:124]))
    rest = (block[156:157], block[157:257], block[257:329])
    if (path, size, numbers, rest) != (entry.path, entry.size, (entry.mode, 0, 0), _REST):
        raise _failed(f"its entry {path} differs from the planned {entry.path}")
    stream.skip(size + padding(size))


# A regular file, no link, ustar, no names of owners.
_REST = (b"0", bytes(100), b"ustar\x0000" + bytes(64))


def _named(stream: _Stream, block: bytes) -> tuple[str, int, bytes]:
    """Return the path and size of the member that begins with *block*, and its own header.

    A pax header may stand before that.
    """
    check_sum(block)
    records: Mapping[bytes, bytes] = {}
    if block[156:157] == b"x":
        size = read_octal(block[124:136])
        records = read_written_records(stream.take(size))
        stream.skip(padding(size))
        block = stream.take(BLOCK)
        check_sum(block)
    path = records[b"path"] if b"path" in records else written_name(block)
    size = int(records[b"size"]) if b"size" in records else read_octal(block[124:136])
    return path.decode("utf-8", "surrogateescape"), size, block


def _at_end(stream: _Stream) -> None:
    """Nothing where the end mark stands; `VerifyFailed` or ValueError when there is something else."""
    block = stream.take(BLOCK)
    if any(block):
        raise _failed(f"it holds {_named(stream, block)[0]}, which was not planned")
    if block + stream.take(BLOCK) != _END:
        raise ValueError("the tar stream has no end")


def _failed(why: str) -> VerifyFailed:
    return VerifyFailed(
        f"the tarball failed verification: {why}",
        hint="nothing was written; if packing again fails as well, report it",
    )
