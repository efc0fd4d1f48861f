"""One tar header, read strictly: what two readers could take for two things is refused.

Source: POSIX pax "ustar Interchange Format", the GNU tar manual ("Basic Tar Format"), and where node-tar 7 and
Python's tarfile differ on a field.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from linkpack.gate.findings import Refused
from linkpack.tarballs.tar import BLOCK

_OCTAL = re.compile(rb"[ ]*([0-7]*)[ \0]*")
_MAGICS = {b"ustar\x0000", b"ustar  \0", bytes(8)}
_POSIX = b"ustar\x0000"
_TWO_TIMES = re.compile(rb"\0(?:[0-7]{11}[ \0]){2}")
_BASE_256 = 0x80  # the first byte of a number that is not in octal digits
_TIMES = 1 << 34  # seconds: the year 2514


class Header(NamedTuple):
    """What a header says: *name* and *link* as bytes, *kind* one byte, *size* in bytes, *mode* 12 bits."""

    name: bytes
    kind: bytes
    size: int
    mode: int
    link: bytes


def parse_header(block: bytes, after: str) -> Header:
    """The header in *block*; *after* is the entry before it, for messages.

    Raises `Refused`: ECHECKSUM when it is not what was written, EHEADER for numbers, names or magic that readers
    do not agree on.
    """
    where = f"the header after {after}" if after else "the first header"
    written = _OCTAL.fullmatch(block[148:156])
    total = sum(block) - sum(block[148:156]) + 8 * 0x20
    if written is None or not written[1] or int(written[1], 8) != total:
        raise Refused("ECHECKSUM", after, f"{where} has a wrong checksum, or is no tar header")
    magic = block[257:265]
    if magic not in _MAGICS:
        raise Refused("EHEADER", after, f"{where} has an unknown magic: {magic!r}")
    name = _text(block[:100], where, "name")
    if magic == _POSIX:
        prefix = _text(_prefix(block), where, "prefix")
        name = prefix + b"/" + name if prefix else name
    elif any(block[345:500]):
        raise Refused("EHEADER", after, f"{where} has bytes where only some readers see a name prefix")
    shown = name.decode("utf-8", "surrogateescape") or where
    size = _number(block[124:136], shown, "size", 1 << 63)
    numbers = (("uid", 108, 116), ("gid", 116, 124), ("device number", 329, 337), ("device number", 337, 345))
    for field, start, end in numbers:
        _number(block[start:end], shown, field, 1 << 63)
    _number(block[136:148], shown, "mtime", _TIMES)
    mode = _number(block[100:108], shown, "mode", 1 << 63)
    return Header(name, block[156:157], size, mode & 0o7777, _text(block[157:257], shown, "link"))


def padding(size: int) -> int:
    """Bytes between the end of contents of *size* bytes and the next block."""
    return -size % BLOCK


def _prefix(block: bytes) -> bytes:
    """The field before the name, without the two times that star and node-tar keep at its end, behind a NUL.

    What DefinitelyTyped publishes has them; every reader ends the prefix at the NUL or before it.
    """
    return block[345:475] if _TWO_TIMES.fullmatch(block[475:500]) else block[345:500]


def _text(field: bytes, where: str, what: str) -> bytes:
    """The text before the first NUL, after which there may only be more of them."""
    text, _, rest = field.partition(b"\0")
    if any(rest):
        name = text.decode("utf-8", "surrogateescape")
        raise Refused("EHEADER", name, f"{where} has bytes after the NUL that ends its {what} {name}")
    return text


def _number(field: bytes, shown: str, what: str, most: int) -> int:
    """An octal number, or one in base 256 with a leading 0x80; an empty field is 0."""
    if field[0] == _BASE_256:
        value = int.from_bytes(field[1:], "big")
    else:
        octal = _OCTAL.fullmatch(field)
        if octal is None:
            raise Refused("EHEADER", shown, f"the header of {shown} has no number as its {what}: {field!r}")
        value = int(octal[1] or b"0", 8)
    if value >= most:
        raise Refused("EHEADER", shown, f"the header of {shown} has an absurd number as its {what}: {value}")
    return value
