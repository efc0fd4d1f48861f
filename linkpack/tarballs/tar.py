"""The tar stream, byte for byte as npm writes it.

ustar headers with constant times and no owners, a pax header where a name does not fit or is not ASCII, and two
zero blocks at the end, without tar's usual padding to 10,240 bytes.
Source: node-tar 7.5 (`header.js`, `pax.js`, `write-entry.js`) with pacote's options (`portable`, `mtime`), and
comparison with npm 11.19.1's own streams.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from zlib import adler32

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from linkpack.tarballs.archive import Entry

BLOCK = 512  # bytes
MTIME = 499162500  # 1985-10-26T08:15:00Z, for every entry: npm's constant

_WHOLE = 1 << 18  # bytes of a file that is given in one piece with its header
_NAME = 100  # bytes of the name field
_PREFIX = 155  # bytes of the prefix field
_OCTAL_MAX = 0o77777777777  # the largest size in octal digits: 8 GiB - 1

_END = bytes(2 * BLOCK)
_OWNER = bytes(16)  # uid and gid: npm leaves them empty
_MTIME_FIELD = b"%010o \0" % MTIME
_LINK = bytes(100)
# magic and version, no uname, no gname, devmajor and devminor
_MAGIC = b"ustar\x0000" + bytes(64) + b"000000 \0" * 2
_TAIL = bytes(BLOCK - 345 - _PREFIX)
_FIXED = sum(_OWNER) + sum(_MTIME_FIELD) + 8 * 0x20 + sum(_LINK) + sum(_MAGIC) + sum(_TAIL)


def tar_blocks(entries: Iterable[Entry], read: Callable[[Entry], Iterable[bytes]]) -> Iterator[bytes]:
    """The stream that holds *entries* in the order given, in pieces.

    *read* gives an entry's contents, exactly as many bytes as its size says.
    """
    for entry in entries:
        header = entry_header(entry.path, entry.size, entry.mode)
        padding = bytes(-entry.size % BLOCK)
        if entry.size <= _WHOLE:
            yield b"".join((header, *read(entry), padding))
        else:
            yield header
            yield from read(entry)
            yield padding
    yield _END


def entry_header(path: str, size: int, mode: int) -> bytes:
    """The header of a regular file: one block, or a pax header (two or more blocks) and one block.

    *path* is the whole name in the archive, *size* in bytes, *mode* the octal permission bits.
    """
    if len(path) < _NAME and size <= _OCTAL_MAX and path.isascii():
        return _header(path.encode(), b"", size, mode, b"0")
    name, prefix, pax = split_path(path)
    header = _header(_cut(name, _NAME), _cut(prefix, _PREFIX), size, mode, b"0")
    if not (pax or not path.isascii() or size > _OCTAL_MAX):
        return header
    return _pax(path, size) + header


def split_path(path: str) -> tuple[str, str, bool]:
    """The texts of the name and prefix fields for *path*, and whether they fall short of it.

    Lengths are counted as npm counts them: what fits in UTF-8 bytes, what is cut off in UTF-16 units.
    """
    if _bytes(path) < _NAME:
        return path, "", False
    prefix, name = posixpath.split(path)
    while prefix:
        if _bytes(prefix) <= _PREFIX:
            if _bytes(name) <= _NAME:
                return name, prefix, False
            return _units(name, _NAME - 1), prefix, True
        prefix, last = posixpath.split(prefix)
        name = f"{last}/{name}"
    return _units(path, _NAME - 1), "", True


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _units(text: str, count: int) -> str:
    """The first *count* UTF-16 units of *text*; half a pair becomes U+FFFD, as when node encodes it."""
    cut = text.encode("utf-16-le", "surrogatepass")[: 2 * count]
    return cut.decode("utf-16-le", "replace")


def _cut(text: str, size: int) -> bytes:
    """*text* in UTF-8, as many whole characters as *size* bytes hold."""
    return text.encode()[:size].decode("utf-8", "ignore").encode()


def _header(name: bytes, prefix: bytes, size: int, mode: int, kind: bytes) -> bytes:
    mode_field = b"%06o \0" % mode
    size_field = _size_field(size)
    total = _FIXED + kind[0] + sum(mode_field) + _sum(name) + sum(size_field) + _sum(prefix)
    return b"".join(
        (
            name.ljust(_NAME, b"\0"),
            mode_field,
            _OWNER,
            size_field,
            _MTIME_FIELD,
            b"%06o \0" % total,
            kind,
            _LINK,
            _MAGIC,
            prefix.ljust(_PREFIX, b"\0"),
            _TAIL,
        )
    )


def _sum(text: bytes) -> int:
    """The sum of the bytes of *text*, at most 256 of them, by adler32: a fifth of `sum`'s time."""
    return (adler32(text) & 0xFFFF) - 1


def _size_field(size: int) -> bytes:
    """Ten octal digits and a space, eleven digits when needed, base 256 from 8 GiB on."""
    if size > _OCTAL_MAX:
        return b"\x80" + size.to_bytes(11, "big")
    return (b"%010o " % size)[:11] + b"\0"


def _pax(path: str, size: int) -> bytes:
    """The pax header entry that carries *path* whole, with its own header and padding."""
    body = b"".join(
        _record(key, value)
        for key, value in (
            (b"path", path.encode()),
            (b"mtime", b"%d" % MTIME),
            (b"size", b"%d" % size),
        )
    )
    title, prefix, _ = split_path(_units(f"PaxHeader/{posixpath.basename(path)}", _NAME - 1))
    header = _header(_cut(title, _NAME), _cut(prefix, _PREFIX), len(body), 0o644, b"x")
    return header + body + bytes(-len(body) % BLOCK)


def _record(key: bytes, value: bytes) -> bytes:
    """One pax record; its length counts its own digits."""
    rest = b" %b=%b\n" % (key, value)
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length += 1
    return b"%d%b" % (length, rest)
