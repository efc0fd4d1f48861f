"""Read tar headers and pax records that anybody may have written.

Whatever two real readers could understand differently is refused.

Sources: those of `tar_header`; node-tar 7.5 (`parse.js`); pnpm 8 to 11 (`parseTarball.js`); tar-rs 0.4, which
pnpm 12 uses; and the differential campaign of docs/security.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from linkpack.archive.tar_header import (
    BASE_256,
    CHECKSUM_FIELD,
    FIRST_PIECE,
    GID_FIELD,
    GNU,
    KIND_FIELD,
    LINK_FIELD,
    MAGIC_FIELD,
    MAJOR_FIELD,
    MINOR_FIELD,
    MODE_FIELD,
    MTIME_FIELD,
    NAME_FIELD,
    POSIX,
    PREFIX_FIELD,
    REST_FIELD,
    SIZE_FIELD,
    UID_FIELD,
    Header,
    checksum,
)
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


class BadHeader(ValueError):
    """A header that is damaged, or that readers do not agree on.

    *code* is that of the finding, *why* a clause that goes on after the header's name.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


class Records(Record):
    """The records of a pax header by key.

    *path_is_long* is true if some reader may lose the path that is among them.
    """

    values: Mapping[bytes, bytes]
    path_is_long: bool


SAFE_MAX = (1 << 53) - 1
"""The largest number that node-tar reads. It drops a header with a larger one, and takes contents for headers."""

# A number ends within its field: node-tar reads twelve bytes as the checksum, the type and the link among them.
_NUMBER = re.compile(rb" *([0-7]*)[ \0]+")
_TIMES = 1 << 34  # seconds: the year 2514


class _NumberField(Record):
    """A number of the header, and how real tarballs may have it."""

    name: str
    field: slice
    may_be_empty: bool
    may_be_big: bool  # in base 256


# pnpm 12 gives up on a mode that is empty or in base 256. Old npm wrote owners above 2,097,151 in base 256.
_NUMBERS = (
    _NumberField("mode", MODE_FIELD, may_be_empty=False, may_be_big=False),
    _NumberField("uid", UID_FIELD, may_be_empty=True, may_be_big=True),
    _NumberField("gid", GID_FIELD, may_be_empty=True, may_be_big=True),
    _NumberField("size", SIZE_FIELD, may_be_empty=False, may_be_big=True),
    _NumberField("mtime", MTIME_FIELD, may_be_empty=True, may_be_big=True),
    _NumberField("device number", MAJOR_FIELD, may_be_empty=True, may_be_big=False),
    _NumberField("device number", MINOR_FIELD, may_be_empty=True, may_be_big=False),
)
_TWO_TIMES = re.compile(rb"\0(?:[0-7]{11}[ \0]){2}")
_TWO_TIMES_SIZE = 25  # bytes


def read_strict(block: bytes) -> Header:
    """Read one header on which all readers agree.

    Raises BadHeader otherwise: ECHECKSUM when it is not what was written, EHEADER for numbers, texts and magic.
    """
    written = _NUMBER.fullmatch(block[CHECKSUM_FIELD])
    if written is None or not written[1] or int(written[1], 8) != checksum(block):
        raise BadHeader("ECHECKSUM", "has a wrong checksum, or is no tar header")
    name = _whole_name(block)
    numbers = {number.name: _read_number(block[number.field], number) for number in _NUMBERS}
    kind = block[KIND_FIELD]
    if kind not in {b"1", b"2"} and any(block[LINK_FIELD]):
        raise BadHeader("EHEADER", "has a link name, and is no link: node-tar would take its contents for headers")
    return Header(
        name=name,
        kind=kind,
        size=numbers["size"],
        mode=numbers["mode"],
        link=block[LINK_FIELD].partition(b"\0")[0],
        is_big=block[SIZE_FIELD][0] == BASE_256,
    )


def shown_name(block: bytes) -> str:
    """Return the header's name field for a message.

    Whatever is in the header, the name ends at the first NUL.
    """
    return block[NAME_FIELD].partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _whole_name(block: bytes) -> bytes:
    magic = block[MAGIC_FIELD]
    if magic not in {POSIX, GNU}:
        raise BadHeader("EHEADER", f"has an unknown magic: {magic!r}")
    name = _read_text(block[NAME_FIELD], "name")
    if not name:
        raise BadHeader("EHEADER", "has no name: pnpm ends there, and node-tar passes over it")
    if any(block[REST_FIELD]):
        raise BadHeader("EHEADER", "has bytes behind its last field")
    if magic == GNU:
        if any(block[PREFIX_FIELD]):
            raise BadHeader("EHEADER", "has bytes where only some readers see a name prefix")
        return name
    # star and node-tar keep two times at the prefix's end, behind a NUL; what DefinitelyTyped publishes has them.
    field = block[PREFIX_FIELD]
    if _TWO_TIMES.fullmatch(field[-_TWO_TIMES_SIZE:]):
        field = field[:-_TWO_TIMES_SIZE]
    prefix = _read_text(field, "prefix")
    return prefix + b"/" + name if prefix else name


def _read_text(field: bytes, what: str) -> bytes:
    """Return the text before the first NUL, after which only more may follow."""
    text, _, rest = field.partition(b"\0")
    if any(rest):
        shown = text.decode("utf-8", "surrogateescape")
        raise BadHeader("EHEADER", f"has bytes after the NUL that ends its {what} {shown}")
    return text


def _read_number(text: bytes, number: _NumberField) -> int:
    """Read an octal number that ends within its field, or one in base 256.

    Base 256 has a leading byte 0x80. An empty field is 0.
    """
    if text[0] == BASE_256 and number.may_be_big:
        value = int.from_bytes(text[1:], "big")
    else:
        octal = _NUMBER.fullmatch(text)
        if octal is None or not (octal[1] or number.may_be_empty):
            raise BadHeader("EHEADER", f"has no number as its {number.name}: {text!r}")
        value = int(octal[1] or b"0", 8)
    if value > (_TIMES if number.name == "mtime" else SAFE_MAX):
        raise BadHeader("EHEADER", f"has an absurd number as its {number.name}: {value}")
    return value


_RECORD = re.compile(rb"([1-9][0-9]{0,9}) ")
_KEY = re.compile(rb"[\x21-\x3c\x3e-\x7e]+")
_SIZE = rb"[0-9]{1,16}"
_TIME = rb"-?[0-9]{1,17}(?:\.[0-9]{1,30})?"
# POSIX's own keys, and what their values look like. node-tar heeds `mode` and `type` as well, others do not.
_STANDARD = {
    b"path": rb"(?s).+",
    b"linkpath": rb"(?s).+",
    b"size": _SIZE,
    b"uid": _SIZE,
    b"gid": _SIZE,
    b"mtime": _TIME,
    b"atime": _TIME,
    b"ctime": _TIME,
    b"uname": rb"(?s).+",
    b"gname": rb"(?s).+",
    b"comment": rb"(?s).+",
    b"charset": rb"(?s).+",
    # bun says BINARY of names that are UTF-8; that they are is asked of all.
    b"hdrcharset": rb"ISO-IR 10646 2000 UTF-8|BINARY",
}
_MARKS_GLOBAL = {b"path", b"linkpath", b"size", b"hdrcharset"}
# Vendors' keys that make another file, or none, of the next entry for those who know them.
_ALTERING = (b"GNU.", b"SUN.", b"SCHILY.realsize", b"SCHILY.filetype", b"SCHILY.vol", b"LIBARCHIVE.symlinktype")
# npm 1 and 2 wrote the whole manifest as such records, the README with its line breaks.
_OLD_NPM = b"NODETAR."
# What node-tar and tar-rs, which split at line breaks, could take for a record of their own.
_INNER_RECORD = re.compile(
    rb"\n\s*[+-]?[0-9][^=\n]*?(?:path|size|type|mode|charset|comment|time|uid|gid|uname|gname|dev|ino|nlink|GNU|SCHILY)"
)


def read_records(body: bytes) -> Records:
    """Read the records of a pax header on which readers agree.

    Raises BadHeader otherwise: EPAX for lengths, keys and values, ESPARSE for GNU's sparse files.

    node-tar turns an extended header into text piece by piece, as they come. A character that is cut in two spoils
    its record, which is then passed over. Only the first 512 bytes come in one piece whatever the connection does.
    """
    if not body:
        raise BadHeader("EPAX", "is empty, after which tar-stream reads contents as headers")
    values: dict[bytes, bytes] = {}
    path_is_long = False
    start = 0
    while start < len(body):
        length = _RECORD.match(body, start)
        end = start + int(length[1]) if length else 0
        if length is None or end > len(body) or end <= length.end() or body[end - 1 : end] != b"\n":
            raise BadHeader("EPAX", "has a record whose length is wrong")
        key, equals, value = body[length.end() : end - 1].partition(b"=")
        if not equals or not _KEY.fullmatch(key):
            raise BadHeader("EPAX", "has a record that is not key=value")
        if key in values and (key in _STANDARD or not key.startswith(_OLD_NPM)):
            raise BadHeader("EPAX", f"has {key.decode()} twice")
        _check_record(key, value)
        if key == b"path":
            path_is_long = not body[max(start, FIRST_PIECE) : end].isascii()
        values[key] = value
        start = end
    return Records(values, path_is_long)


def _check_record(key: bytes, value: bytes) -> None:
    shown = key.decode()
    if key.startswith(b"GNU.sparse"):
        raise BadHeader("ESPARSE", "makes the next entry a sparse file")
    if key.startswith(_ALTERING):
        raise BadHeader("EPAX", f"has {shown}, with which some readers make another file of the next entry")
    if b"\0" in value:
        raise BadHeader("EPAX", f"has a NUL in its {shown}")
    if not key.startswith(_OLD_NPM):
        _check_value(key, value)
    elif _INNER_RECORD.search(value):
        raise BadHeader("EPAX", f"has a line in its {shown} that some readers take for a record")


def _check_value(key: bytes, value: bytes) -> None:
    shown = key.decode()
    if b"\n" in value:
        raise BadHeader("EPAX", f"has a line break in its {shown}, where some readers begin another record")
    if not value:
        raise BadHeader("EPAX", f"has an empty {shown}")
    form = _STANDARD.get(key)
    if form is None and b"." not in key:
        raise BadHeader("EPAX", f"has {shown}, which is no key of pax and which only some readers heed")
    if form is not None and not re.fullmatch(form, value):
        raise BadHeader("EPAX", f"has no fit value as its {shown}: {value[:40]!r}")
    if form == _SIZE and int(value) > SAFE_MAX:
        raise BadHeader("EPAX", f"has an absurd number as its {shown}: {int(value)}")
    if key == b"path" and not _is_utf8(value):
        raise BadHeader("EPAX", "has a path that is not UTF-8")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_global(values: Mapping[bytes, bytes]) -> None:
    """Raise BadHeader (EPAX) if a global header changes what the entries are.

    Comments, times and owners may be in it.
    """
    bad = sorted(key for key in values if key in _MARKS_GLOBAL or key.startswith(_OLD_NPM))
    if bad:
        raise BadHeader("EPAX", f"is global and sets {bad[0].decode()} for every entry")


def read_long_name(body: bytes) -> bytes:
    """Read the name in GNU's header for a long name.

    Raises BadHeader (EHEADER) when readers do not agree on it. tar-rs takes away one NUL at the end, node-tar cuts
    at the first, and spoils a character that comes in two pieces, as in `read_records`.
    """
    name, _, rest = body.partition(b"\0")
    if not name or rest:  # a single NUL at the end leaves no rest
        raise BadHeader("EHEADER", "is not one plain name")
    if not body[FIRST_PIECE:].isascii():
        raise BadHeader(
            "EHEADER", f"is not ASCII behind its first {FIRST_PIECE} bytes, where node-tar may spoil it"
        )
    return name


def is_short_for(own: bytes, path: bytes) -> bool:
    """Return True if some packer writes *own* as the short form of *path*.

    npm, GNU tar and Python cut the end off. bsdtar and bun leave folders out. pnpm 12 writes the first folder
    twice. Python puts a question mark for a character that is not ASCII. tar-stream (yarn) writes `PaxHeader`.

    >>> is_short_for(b"package/nnnnnn", b"package/nnnnnnnnnn.js")
    True
    >>> is_short_for(b"package/x.js", b"package/dddddddd/x.js")
    True
    >>> is_short_for(b"package/index.js", b"package/docs/data.txt")
    False
    """
    if own in {path, b"PaxHeader"}:
        return True
    short, long = _skeleton(own), _skeleton(path)
    differs = next((place for place in range(min(len(short), len(long))) if short[place] != long[place]), None)
    return differs is None or short[differs:] in long


_REPLACED = re.compile(rb"[^\x20-\x7e]|[?_]")


def _skeleton(name: bytes) -> bytes:
    return _REPLACED.sub(b"", name).rstrip(b"/")
