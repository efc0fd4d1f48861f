"""Reads a written tarball back, and compares it with what was planned; shares no code with what wrote it.

Source of the format: POSIX, pax "ustar Interchange Format" and "pax Header Block". The tests hold it against
tarsafe, whose import and reading would cost as much as packing a small project.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol
from zlib import adler32

from zlib_ng import zlib_ng

from linkpack.errors import VerifyFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.tarballs.archive import Entry

_READ = 1 << 16  # bytes of the tarball decompressed at a time
_PIECE = 1 << 20  # bytes of the stream at most in a piece
_BLOCK = 512
_HALF = 256  # bytes whose sum adler32 holds whole
_END = bytes(2 * _BLOCK)


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
    block = stream.take(_BLOCK)
    if not any(block):
        raise _failed(f"it ends before {entry.path}")
    path, size, block = _named(stream, block)
    numbers = (_octal(block[100:108]), _octal(block[108:116]), _octal(block[116:124]))
    rest = (block[156:157], block[157:257], block[257:329])
    if (path, size, numbers, rest) != (entry.path, entry.size, (entry.mode, 0, 0), _REST):
        raise _failed(f"its entry {path} differs from the planned {entry.path}")
    stream.skip(size + -size % _BLOCK)


# A regular file, no link, ustar, no names of owners.
_REST = (b"0", bytes(100), b"ustar\x0000" + bytes(64))


def _named(stream: _Stream, block: bytes) -> tuple[str, int, bytes]:
    """The path and size of the member that begins with *block*, and its own header, behind a pax header or not."""
    _check_sum(block)
    records: Mapping[bytes, bytes] = {}
    if block[156:157] == b"x":
        size = _octal(block[124:136])
        records = _records(stream.take(size))
        stream.skip(-size % _BLOCK)
        block = stream.take(_BLOCK)
        _check_sum(block)
    name, prefix = block[:100].rstrip(b"\0"), block[345:500].rstrip(b"\0")
    path = records.get(b"path", b"/".join((prefix, name)) if prefix else name)
    size = int(records[b"size"]) if b"size" in records else _octal(block[124:136])
    return path.decode("utf-8", "surrogateescape"), size, block


def _check_sum(block: bytes) -> None:
    """ValueError unless *block* is a header whose checksum is right; one cut short fails where it is read on."""
    plain = b"".join((block[:148], b" " * 8, block[156:]))
    # adler32's lower half is the sum of the bytes, less than 65521, and 1.
    total = (adler32(plain[:_HALF]) & 0xFFFF) + (adler32(plain[_HALF:]) & 0xFFFF) - 2
    if total != _octal(block[148:156]):
        raise ValueError("a header has a wrong checksum")


def _octal(field: bytes) -> int:
    """The number in octal digits, 0 when there are none; ValueError for anything else."""
    digits = field.strip(b" \0")
    return int(digits, 8) if digits else 0


def _records(body: bytes) -> Mapping[bytes, bytes]:
    """The records of a pax header by key; ValueError when they are not well formed."""
    found: dict[bytes, bytes] = {}
    while body:
        length = int(body[: body.index(b" ")])
        key, equals, value = body[body.index(b" ") + 1 : length - 1].partition(b"=")
        if length < 1 or not equals or body[length - 1 : length] != b"\n":
            raise ValueError("a pax header has a broken record")
        found[key] = value
        body = body[length:]
    return found


def _at_end(stream: _Stream) -> None:
    """Nothing where the end mark stands; `VerifyFailed` or ValueError when there is something else."""
    block = stream.take(_BLOCK)
    if any(block):
        raise _failed(f"it holds {_named(stream, block)[0]}, which was not planned")
    if block + stream.take(_BLOCK) != _END:
        raise ValueError("the tar stream has no end")


def _failed(why: str) -> VerifyFailed:
    return VerifyFailed(
        f"the tarball failed verification: {why}",
        hint="nothing was written; if packing again fails as well, report it",
    )
