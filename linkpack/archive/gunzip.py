"""Unpack the tar stream of a gzip file, in bounded pieces.

The file must be one complete gzip member with nothing after it.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, BinaryIO

from linkpack.archive.findings import Refused
from linkpack.archive.integrity import to_integrity
from linkpack.archive.tar_header import BLOCK
from linkpack.notices import current_meter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.limits import Limits

CHUNK = 1 << 18  # bytes given at a time
_SLACK = 1 << 16  # unpacked bytes that a ratio below npm's allows in any case
_ZEROS = 1 << 20  # bytes after the end mark, with which tar fills its last record
_MAGIC = b"\x1f\x8b"
# Nothing before the contents, or the file's name, as gzip writes it: not all readers know the rest.
_FLAGS = (0, 8)
_RATIO = 1000  # npm stops when it has unpacked more than so many times what it received (node-tar, parse.js)


class Unzipped:
    """The stream inside *source*, a gzip file of *size* bytes.

    Raises `Refused` for everything that is wrong with it.
    """

    def __init__(self, source: BinaryIO, size: int, limits: Limits) -> None:
        self._source = source
        self._unzip = zlib.decompressobj(31)  # 15 for the largest window, 16 for gzip
        self._packed = hashlib.sha512()
        self._first = True
        self._left = b""  # packed bytes that were read and not unpacked
        self._size = size
        self._taken = 0  # packed bytes so far
        self._meter = current_meter()
        slack = _SLACK if limits.ratio < _RATIO else 0
        self._most = min(limits.unpacked, limits.ratio * size + slack)
        self._limits = limits
        self.given = 0  # unpacked bytes so far

    @property
    def integrity(self) -> str:
        """Return the file's integrity, after `finish`."""
        return to_integrity(self._packed.digest())

    def exactly(self, size: int, place: str) -> bytes:
        """Return *size* bytes, or raise as `pieces`."""
        return b"".join(self.pieces(size, place))

    def pieces(self, size: int, place: str) -> Iterator[bytes]:
        """Yield *size* bytes in pieces.

        Raises `Refused` (ETRUNCATED), which names *place*, when the stream ends before.
        """
        left = size
        while left:
            piece = self.read(min(left, CHUNK))
            if not piece:
                self._refuse_more()
                raise Refused("ETRUNCATED", place, f"the tar stream ends inside {place}: it is truncated")
            left -= len(piece)
            yield piece

    def read(self, size: int) -> bytes:
        """Return at most *size* bytes, b"" at the end."""
        while not self._unzip.eof:
            packed = self._left or self._next()
            try:
                piece = self._unzip.decompress(packed, size)
            except zlib.error as err:
                raise Refused("EGZIP", "", f"the gzip stream is damaged: {err}") from err
            self._left = self._unzip.unconsumed_tail
            if piece:
                return self._count(piece)
            if not packed:
                raise Refused("EGZIP", "", "the gzip stream is truncated: it ends before its trailer")
        return b""

    def _next(self) -> bytes:
        packed = self._source.read(CHUNK)
        self._taken += len(packed)
        if self._meter is not None:
            self._meter("reading the tarball", self._taken, self._size, "bytes")
        if self._first:
            self._first = False
            if not packed.startswith(_MAGIC):
                what = "it is empty" if not packed else "it does not begin as one"
                raise Refused("EGZIP", "", f"this is not a gzip file: {what}")
            if packed[3:4] and packed[3] not in _FLAGS:
                raise Refused("EGZIP", "", f"the gzip header has flags that readers do not agree on: {packed[3]}")
        self._packed.update(packed)
        return packed

    def _count(self, piece: bytes) -> bytes:
        self.given += len(piece)
        if self.given > self._most:
            limit = (
                f"{self._limits.unpacked} bytes"
                if self.given > self._limits.unpacked
                else f"{self._limits.ratio} times its size"
            )
            raise Refused(
                "ELIMIT",
                "",
                f"it unpacks to more than {limit}: too large, or a decompression bomb",
                "raise --max-unpacked or --max-ratio if you trust it",
            )
        return piece

    def finish(self) -> None:
        """Read to the end of the file.

        Raises `Refused` when there is anything but zeros, or more of them than tar writes.
        """
        zeros = 0
        while piece := self.read(CHUNK):
            zeros += len(piece)
            if zeros > _ZEROS or any(piece):
                raise Refused("EAFTEREND", "", "there is data after the end mark of the tar stream")
        self._refuse_more()
        if self.given % BLOCK:
            raise Refused("ETRUNCATED", "", "the tar stream ends inside a block: yarn takes it for truncated")

    def _refuse_more(self) -> None:
        if self._unzip.unused_data or self._source.read(1):
            raise Refused("EGZIP", "", "something follows the gzip member: a second member, or trailing bytes")
