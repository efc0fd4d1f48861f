"""tar headers: the one owner of their fields, numbers, checksums and pax records.

Writing follows npm byte for byte. `written_name` and its neighbours read that back. `read_strict` and
`read_records` refuse whatever two real readers could take for two things.

Sources: POSIX pax, "ustar Interchange Format" and "pax Header Block"; the GNU tar manual, "Basic Tar Format";
node-tar 7.5 (`header.js`, `pax.js`, `parse.js`, `write-entry.js`) with pacote's options; pnpm 8 to 11
(`parseTarball.js`); tar-rs 0.4, which pnpm 12 uses; and the differential campaign of docs/security.md.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple
from zlib import adler32

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 512  # bytes
MTIME = 499162500  # 1985-10-26T08:15:00Z, for every entry: npm's constant
OCTAL_MAX = 0o77777777777  # the largest size in octal digits: 8 GiB - 1
EXTENDED_MAX = 1 << 20  # bytes of one extended header: node-tar passes over a longer one

_NAME = 100  # bytes of the name field
_PREFIX = 155  # bytes of the prefix field
_HALF = 256  # bytes whose sum adler32 holds whole

_POSIX = b"ustar\x0000"
_GNU = b"ustar  \0"
_OWNER = bytes(16)  # uid and gid: npm leaves them empty
_MTIME_FIELD = b"%010o \0" % MTIME
_LINK = bytes(100)
# magic and version, no uname, no gname, devmajor and devminor
_MAGIC = _POSIX + bytes(64) + b"000000 \0" * 2
_TAIL = bytes(BLOCK - 345 - _PREFIX)
_FIXED = sum(_OWNER) + sum(_MTIME_FIELD) + 8 * 0x20 + sum(_LINK) + sum(_MAGIC) + sum(_TAIL)


class BadHeader(ValueError):
    """A header that is damaged, or that readers do not agree on.

    *code* is the gate's, *why* a clause that goes on after the header's name.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


class Header(NamedTuple):
    """What a header says: *name* and *link* in bytes, *kind* one byte, *size* in bytes, *mode* as written.

    *is_big* says that the size stands in base 256.
    """

    name: bytes
    kind: bytes
    size: int
    mode: int
    link: bytes
    is_big: bool


class Records(NamedTuple):
    """The records of a pax header by key. *path_is_long*: some reader may fail to take the path for one."""

    values: Mapping[bytes, bytes]
    path_is_long: bool


# --- Writing --------------------------------------------------------------------------------------


def entry_header(path: str, size: int, mode: int) -> bytes:
    """Write the header of a regular file: one block, or a pax header (two or more blocks) and one block.

    *path* is the whole name in the archive, *size* in bytes, *mode* the octal permission bits.
    """
    if len(path) < _NAME and size <= OCTAL_MAX and path.isascii():
        return _header(path.encode(), b"", size, mode, b"0")
    name, prefix, pax = split_path(path)
    header = _header(_cut(name, _NAME), _cut(prefix, _PREFIX), size, mode, b"0")
    if not (pax or not path.isascii() or size > OCTAL_MAX):
        return header
    return _pax(path, size) + header


def split_path(path: str) -> tuple[str, str, bool]:
    """Return the texts of the name and prefix fields for *path*, and whether they fall short of it.

    Lengths are counted as npm counts them: what fits in UTF-8 bytes, what is cut off in UTF-16 units.

        package/a.js                   ->  ("package/a.js", "", False)
        package/<60 d>/<90 f>.js       ->  ("<90 f>.js", "package/<60 d>", False)
        package/<120 n>.js             ->  (the first 99 units of the file's name, "package", True)
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
    """Return the first *count* UTF-16 units of *text*; half a pair becomes U+FFFD, as when node encodes it."""
    cut = text.encode("utf-16-le", "surrogatepass")[: 2 * count]
    return cut.decode("utf-16-le", "replace")


def _cut(text: str, size: int) -> bytes:
    """Return *text* in UTF-8, as many whole characters as *size* bytes hold."""
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


def _size_field(size: int) -> bytes:
    """Write ten octal digits and a space, eleven digits when needed, base 256 from 8 GiB on."""
    if size > OCTAL_MAX:
        return b"\x80" + size.to_bytes(11, "big")
    return (b"%010o " % size)[:11] + b"\0"


def _pax(path: str, size: int) -> bytes:
    """Write the pax header entry that carries *path* whole, with its own header and padding."""
    body = b"".join(
        record(key, value)
        for key, value in (
            (b"path", path.encode()),
            (b"mtime", b"%d" % MTIME),
            (b"size", b"%d" % size),
        )
    )
    title, prefix, _ = split_path(_units(f"PaxHeader/{posixpath.basename(path)}", _NAME - 1))
    header = _header(_cut(title, _NAME), _cut(prefix, _PREFIX), len(body), 0o644, b"x")
    return header + body + bytes(padding(len(body)))


def record(key: bytes, value: bytes) -> bytes:
    r"""Write one pax record; its length counts its own digits.

    ("path", "package/a")  ->  "18 path=package/a\n"
    """
    rest = b" %b=%b\n" % (key, value)
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length += 1
    return b"%d%b" % (length, rest)


# --- What writing and reading share ---------------------------------------------------------------


def padding(size: int) -> int:
    """Return how many bytes stand between the end of contents of *size* bytes and the next block."""
    return -size % BLOCK


def checksum(block: bytes) -> int:
    """Return the sum of the bytes of the header *block*, its checksum field taken for eight spaces."""
    plain = b"".join((block[:148], b" " * 8, block[156:]))
    # adler32's lower half is the sum of the bytes, less than 65521, and 1.
    return (adler32(plain[:_HALF]) & 0xFFFF) + (adler32(plain[_HALF:]) & 0xFFFF) - 2


def _sum(text: bytes) -> int:
    """Return the sum of the bytes of *text*, at most 256 of them, by adler32: a fifth of `sum`'s time."""
    return (adler32(text) & 0xFFFF) - 1


# --- Reading back what was written ----------------------------------------------------------------


def read_octal(field: bytes) -> int:
    """Return the number in octal digits, 0 when there are none; ValueError for anything else."""
    digits = field.strip(b" \0")
    return int(digits, 8) if digits else 0


def check_sum(block: bytes) -> None:
    """Raise ValueError unless *block* is a header whose checksum is right."""
    if checksum(block) != read_octal(block[148:156]):
        raise ValueError("a header has a wrong checksum")


def written_name(block: bytes) -> bytes:
    """Return the whole name in the header *block*, without what a pax header says."""
    name, prefix = block[:100].rstrip(b"\0"), block[345:500].rstrip(b"\0")
    return b"/".join((prefix, name)) if prefix else name


def read_written_records(body: bytes) -> Mapping[bytes, bytes]:
    """Return the records of a pax header by key; ValueError when they are not well formed."""
    found: dict[bytes, bytes] = {}
    while body:
        length = int(body[: body.index(b" ")])
        key, equals, value = body[body.index(b" ") + 1 : length - 1].partition(b"=")
        if length < 1 or not equals or body[length - 1 : length] != b"\n":
            raise ValueError("a pax header has a broken record")
        found[key] = value
        body = body[length:]
    return found


# --- Strict reading -------------------------------------------------------------------------------

SAFE_MAX = (1 << 53) - 1
"""The largest number that node-tar reads. It drops a header with a larger one, and takes contents for headers."""

FILE_MAX = (1 << 31) - 1
"""Bytes of the largest file that pnpm 8 to 11 read: beyond it their 32-bit sums miss the next header."""

# A number ends within its field: node-tar reads twelve bytes as the checksum, the type and the link among them.
_NUMBER = re.compile(rb" *([0-7]*)[ \0]+")
_TIMES = 1 << 34  # seconds: the year 2514
_BASE_256 = 0x80  # the first byte of a number that is not in octal digits
# Name, first byte, byte behind the last, may it be empty, may it be in base 256: as real tarballs have them.
# pnpm 12 gives up on a mode that is empty or in base 256. Old npm wrote owners above 2,097,151 in base 256.
_NUMBERS = (
    ("mode", 100, 108, False, False),
    ("uid", 108, 116, True, True),
    ("gid", 116, 124, True, True),
    ("size", 124, 136, False, True),
    ("mtime", 136, 148, True, True),
    ("device number", 329, 337, True, False),
    ("device number", 337, 345, True, False),
)
_TWO_TIMES = re.compile(rb"\0(?:[0-7]{11}[ \0]){2}")


def read_strict(block: bytes) -> Header:
    """Read one header; BadHeader when readers do not agree on it.

    Codes: ECHECKSUM when it is not what was written; EHEADER for numbers, texts and magic.
    """
    written = _NUMBER.fullmatch(block[148:156])
    if written is None or not written[1] or int(written[1], 8) != checksum(block):
        raise BadHeader("ECHECKSUM", "has a wrong checksum, or is no tar header")
    name = _whole_name(block)
    numbers = {what: _number(block[start:end], what, *rules) for what, start, end, *rules in _NUMBERS}
    kind = block[156:157]
    if kind not in {b"1", b"2"} and any(block[157:257]):
        raise BadHeader("EHEADER", "has a link name, and is no link: node-tar would take its contents for headers")
    link = block[157:257].partition(b"\0")[0]
    return Header(name, kind, numbers["size"], numbers["mode"], link, block[124] == _BASE_256)


def _whole_name(block: bytes) -> bytes:
    magic = block[257:265]
    if magic not in {_POSIX, _GNU}:
        raise BadHeader("EHEADER", f"has an unknown magic: {magic!r}")
    name = _text(block[:100], "name")
    if not name:
        raise BadHeader("EHEADER", "has no name: pnpm ends there, and node-tar passes over it")
    if any(block[500:]):
        raise BadHeader("EHEADER", "has bytes behind its last field")
    if magic == _GNU:
        if any(block[345:500]):
            raise BadHeader("EHEADER", "has bytes where only some readers see a name prefix")
        return name
    # star and node-tar keep two times at the prefix's end, behind a NUL; what DefinitelyTyped publishes has them.
    field = block[345:475] if _TWO_TIMES.fullmatch(block[475:500]) else block[345:500]
    prefix = _text(field, "prefix")
    return prefix + b"/" + name if prefix else name


def _text(field: bytes, what: str) -> bytes:
    """Return the text before the first NUL, after which there may only be more of them."""
    text, _, rest = field.partition(b"\0")
    if any(rest):
        shown = text.decode("utf-8", "surrogateescape")
        raise BadHeader("EHEADER", f"has bytes after the NUL that ends its {what} {shown}")
    return text


def _number(field: bytes, what: str, may_be_empty: bool, may_be_big: bool) -> int:  # noqa: FBT001 - rows of _NUMBERS
    """Read an octal number that ends within *field*, or one in base 256 with a leading 0x80; an empty one is 0."""
    if field[0] == _BASE_256 and may_be_big:
        value = int.from_bytes(field[1:], "big")
    else:
        octal = _NUMBER.fullmatch(field)
        if octal is None or not (octal[1] or may_be_empty):
            raise BadHeader("EHEADER", f"has no number as its {what}: {field!r}")
        value = int(octal[1] or b"0", 8)
    if value > (_TIMES if what == "mtime" else SAFE_MAX):
        raise BadHeader("EHEADER", f"has an absurd number as its {what}: {value}")
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
_FIRST = BLOCK  # bytes of an extended header that node-tar surely has in one piece


def read_records(body: bytes) -> Records:
    """Read the records of a pax header; BadHeader when readers do not agree on them.

    Codes: EPAX for lengths, keys and values; ESPARSE for GNU's sparse files.

    node-tar turns an extended header into text piece by piece, as they come: a character that is cut in two spoils
    its record, which is then passed over. Only the first 512 bytes come in one piece whatever the connection does.
    """
    if not body:
        raise BadHeader("EPAX", "is empty, after which tar-stream reads contents as headers")
    values: dict[bytes, bytes] = {}
    path_is_long = False
    at = 0
    while at < len(body):
        length = _RECORD.match(body, at)
        end = at + int(length[1]) if length else 0
        if length is None or end > len(body) or end <= length.end() or body[end - 1 : end] != b"\n":
            raise BadHeader("EPAX", "has a record whose length is wrong")
        key, equals, value = body[length.end() : end - 1].partition(b"=")
        if not equals or not _KEY.fullmatch(key):
            raise BadHeader("EPAX", "has a record that is not key=value")
        if key in values and (key in _STANDARD or not key.startswith(_OLD_NPM)):
            raise BadHeader("EPAX", f"has {key.decode()} twice")
        _check_record(key, value)
        if key == b"path":
            path_is_long = not body[max(at, _FIRST) : end].isascii()
        values[key] = value
        at = end
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
    """Raise BadHeader (EPAX) when a global header changes what the entries are.

    Comments, times and owners may stand in it.
    """
    bad = sorted(key for key in values if key in _MARKS_GLOBAL or key.startswith(_OLD_NPM))
    if bad:
        raise BadHeader("EPAX", f"is global and sets {bad[0].decode()} for every entry")


def read_long_name(body: bytes) -> bytes:
    """Read the name in GNU's header for a long name.

    BadHeader (EHEADER) when readers do not agree on it: tar-rs takes away one NUL at the end, node-tar cuts at the
    first, and spoils a character that comes in two pieces, as in `read_records`.
    """
    name, _, rest = body.partition(b"\0")
    if not name or rest:  # a single NUL at the end leaves no rest
        raise BadHeader("EHEADER", "is not one plain name")
    if not body[_FIRST:].isascii():
        raise BadHeader("EHEADER", f"is not ASCII behind its first {_FIRST} bytes, where node-tar may spoil it")
    return name


def may_be_lost(path: str) -> bool:
    """True if node-tar may lose the name *path* of an entry that `entry_header` writes: see `read_records`."""
    return not path.isascii() and not record(b"path", path.encode("utf-8", "surrogateescape"))[_FIRST:].isascii()


def is_short_for(own: bytes, path: bytes) -> bool:
    """True if some packer puts *own* into an entry's own header where its name is *path*.

    npm, GNU tar and Python cut the end off. bsdtar and bun leave folders out. pnpm 12 writes the first folder
    twice. Python puts a question mark for a character that is not ASCII. tar-stream (yarn) writes `PaxHeader`.

        package/nnnnnn    for  package/nnnnnnnnnn.js  ->  True
        package/x.js      for  package/dddddddd/x.js  ->  True
        package/index.js  for  package/docs/data.txt  ->  False
    """
    if own in {path, b"PaxHeader"}:
        return True
    short, whole = _skeleton(own), _skeleton(path)
    same = next((at for at in range(min(len(short), len(whole))) if short[at] != whole[at]), None)
    return same is None or short[same:] in whole


_REPLACED = re.compile(rb"[^\x20-\x7e]|[?_]")


def _skeleton(name: bytes) -> bytes:
    return _REPLACED.sub(b"", name).rstrip(b"/")
