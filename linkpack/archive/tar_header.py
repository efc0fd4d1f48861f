"""Write and read tar headers and pax records.

Writing follows npm byte for byte. `read_written` and `read_written_records` read that back. `read_strict` and
`read_records` refuse whatever two real readers could understand differently.

Sources: POSIX pax, "ustar Interchange Format" and "pax Header Block"; the GNU tar manual, "Basic Tar Format";
node-tar 7.5 (`header.js`, `pax.js`, `parse.js`, `write-entry.js`) with pacote's options; pnpm 8 to 11
(`parseTarball.js`); tar-rs 0.4, which pnpm 12 uses; and the differential campaign of docs/security.md.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from zlib import adler32

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 512  # bytes
MTIME = 499162500  # 1985-10-26T08:15:00Z, for every entry: npm's constant
OCTAL_MAX = 0o77777777777  # the largest size in octal digits: 8 GiB - 1
EXTENDED_MAX = 1 << 20  # bytes of one extended header: node-tar passes over a longer one

# The fields of a header, from POSIX's table of ustar. Magic and version are one field here, since GNU tar writes
# them as one text.
_NAME_FIELD = slice(0, 100)
_MODE_FIELD = slice(100, 108)
_UID_FIELD = slice(108, 116)
_GID_FIELD = slice(116, 124)
_OWNER_FIELDS = slice(108, 124)  # both
_SIZE_FIELD = slice(124, 136)
_MTIME_FIELD = slice(136, 148)
_CHECKSUM_FIELD = slice(148, 156)
_KIND_FIELD = slice(156, 157)
_LINK_FIELD = slice(157, 257)
_MAGIC_FIELD = slice(257, 265)
_KIND_TO_NAMES = slice(156, 329)  # these three, and the names of owner and group
_MAJOR_FIELD = slice(329, 337)
_MINOR_FIELD = slice(337, 345)
_PREFIX_FIELD = slice(345, 500)
_REST_FIELD = slice(500, BLOCK)

_NAME = 100  # bytes of the name field
_PREFIX = 155  # bytes of the prefix field
_HALF = 256  # bytes whose sum adler32 holds whole
_BASE_256 = 0x80  # the first byte of a number that is not in octal digits

_POSIX = b"ustar\x0000"
_GNU = b"ustar  \0"
_NO_OWNER = bytes(16)  # uid and gid: npm leaves them empty
_MTIME_TEXT = b"%010o \0" % MTIME
_NO_LINK = bytes(100)
_NO_OWNER_NAMES = bytes(64)
_FROM_MAGIC = _POSIX + _NO_OWNER_NAMES + b"000000 \0" * 2  # up to the prefix: the devices are 0
_REST = bytes(BLOCK - 500)
_ANONYMOUS_FILE = b"0" + _NO_LINK + _POSIX + _NO_OWNER_NAMES
# The sum of what is the same in every header, with eight spaces for the checksum: so it is taken once.
_FIXED = sum(_NO_OWNER) + sum(_MTIME_TEXT) + 8 * 0x20 + sum(_NO_LINK) + sum(_FROM_MAGIC) + sum(_REST)


class BadHeader(ValueError):
    """A header that is damaged, or that readers do not agree on.

    *code* is that of the finding, *why* a clause that goes on after the header's name.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


class Header(Record):
    """The fields of a header that readers use.

    *name* includes the prefix, *kind* is one byte, *size* is in bytes, *mode* as written. *is_big* is true if the
    size is in base 256.
    """

    name: bytes
    kind: bytes
    size: int
    mode: int
    link: bytes
    is_big: bool


class Records(Record):
    """The records of a pax header by key.

    *path_is_long* is true if some reader may lose the path that is among them.
    """

    values: Mapping[bytes, bytes]
    path_is_long: bool


# --- Writing --------------------------------------------------------------------------------------


def entry_header(path: str, size: int, mode: int) -> bytes:
    """Write the header of a regular file, after a pax header where needed.

    The header is one block, the pax header two or more. *path* is the whole name in the archive, *size* in bytes,
    *mode* the octal permission bits.
    """
    if len(path) < _NAME and size <= OCTAL_MAX and path.isascii():
        return _write_header(path.encode(), b"", size, mode, b"0")
    name, prefix, pax = split_path(path)
    header = _write_header(_encode_cut(name, _NAME), _encode_cut(prefix, _PREFIX), size, mode, b"0")
    if not (pax or not path.isascii() or size > OCTAL_MAX):
        return header
    return _write_pax(path, size) + header


def split_path(path: str) -> tuple[str, str, bool]:
    """Return the name and prefix fields for *path*, and if they cut it short.

    npm measures in UTF-8 bytes whether a name fits, and in UTF-16 units where it cuts one off (node-tar,
    header.js).

    >>> split_path("package/a.js")
    ('package/a.js', '', False)
    >>> split_path("package/" + "d" * 60 + "/" + "f" * 90) == ("f" * 90, "package/" + "d" * 60, False)
    True
    >>> split_path("package/" + "f" * 120) == ("f" * 99, "package", True)
    True
    """
    if _bytes(path) < _NAME:
        return path, "", False
    prefix, name = posixpath.split(path)
    while prefix:
        if _bytes(prefix) <= _PREFIX:
            if _bytes(name) <= _NAME:
                return name, prefix, False
            return _cut_units(name, _NAME - 1), prefix, True
        prefix, last = posixpath.split(prefix)
        name = f"{last}/{name}"
    return _cut_units(path, _NAME - 1), "", True


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _cut_units(text: str, count: int) -> str:
    """Return the first *count* UTF-16 units of *text*.

    Half a surrogate pair becomes U+FFFD, as when node encodes it.
    """
    cut = text.encode("utf-16-le", "surrogatepass")[: 2 * count]
    return cut.decode("utf-16-le", "replace")


def _encode_cut(text: str, size: int) -> bytes:
    """Encode *text* in UTF-8, as many whole characters as *size* bytes hold."""
    return text.encode()[:size].decode("utf-8", "ignore").encode()


def _write_header(name: bytes, prefix: bytes, size: int, mode: int, kind: bytes) -> bytes:
    mode_field = b"%06o \0" % mode
    size_field = _write_size(size)
    total = _FIXED + kind[0] + sum(mode_field) + _sum(name) + sum(size_field) + _sum(prefix)
    return b"".join(
        (
            name.ljust(_NAME, b"\0"),
            mode_field,
            _NO_OWNER,
            size_field,
            _MTIME_TEXT,
            b"%06o \0" % total,
            kind,
            _NO_LINK,
            _FROM_MAGIC,
            prefix.ljust(_PREFIX, b"\0"),
            _REST,
        )
    )


def _write_size(size: int) -> bytes:
    """Write ten octal digits and a space, or more digits.

    Eleven digits are for 1 GiB and more, base 256 for 8 GiB and more.
    """
    if size > OCTAL_MAX:
        return b"\x80" + size.to_bytes(11, "big")
    return (b"%010o " % size)[:11] + b"\0"


def _write_pax(path: str, size: int) -> bytes:
    """Write the pax header that carries *path* whole.

    It is filled up to whole blocks.
    """
    body = b"".join(
        pax_record(key, value)
        for key, value in (
            (b"path", path.encode()),
            (b"mtime", b"%d" % MTIME),
            (b"size", b"%d" % size),
        )
    )
    title, prefix, _ = split_path(_cut_units(f"PaxHeader/{posixpath.basename(path)}", _NAME - 1))
    header = _write_header(_encode_cut(title, _NAME), _encode_cut(prefix, _PREFIX), len(body), 0o644, b"x")
    return header + body + bytes(padding(len(body)))


def pax_record(key: bytes, value: bytes) -> bytes:
    r"""Write a pax record, which begins with its own length.

    >>> pax_record(b"path", b"package/a")
    b'18 path=package/a\n'
    """
    rest = b" %b=%b\n" % (key, value)
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length += 1
    return b"%d%b" % (length, rest)


# --- What writing and reading share ---------------------------------------------------------------


def padding(size: int) -> int:
    """Return how many bytes fill the last block of *size* bytes of contents.

    >>> [padding(size) for size in (0, 1, 512, 513)]
    [0, 511, 0, 511]
    """
    return -size % BLOCK


def checksum(block: bytes) -> int:
    """Return the sum of the header's bytes, with spaces for the checksum."""
    plain = b"".join((block[:148], b" " * 8, block[156:]))
    # adler32's lower half is the sum of the bytes, less than 65521, and 1.
    return (adler32(plain[:_HALF]) & 0xFFFF) + (adler32(plain[_HALF:]) & 0xFFFF) - 2


def _sum(text: bytes) -> int:
    """Return the sum of at most 256 bytes.

    By adler32, which takes a fifth of the time of `sum`.
    """
    return (adler32(text) & 0xFFFF) - 1


# --- Reading back what was written ----------------------------------------------------------------


def read_written(block: bytes) -> Header:
    """Read one header as this module writes it.

    Raises ValueError when its checksum is wrong, or where digits should be and are not.
    """
    if checksum(block) != _read_octal(block[_CHECKSUM_FIELD]):
        raise ValueError("a header has a wrong checksum")
    name, prefix = block[_NAME_FIELD].rstrip(b"\0"), block[_PREFIX_FIELD].rstrip(b"\0")
    size = block[_SIZE_FIELD]
    is_big = size[0] == _BASE_256
    return Header(
        name=b"/".join((prefix, name)) if prefix else name,
        kind=block[_KIND_FIELD],
        size=int.from_bytes(size[1:], "big") if is_big else _read_octal(size),
        mode=_read_octal(block[_MODE_FIELD]),
        link=block[_LINK_FIELD],
        is_big=is_big,
    )


def is_anonymous_file(block: bytes) -> bool:
    """Return True if a header is of a regular file without an owner.

    It must also name no user, group or target of a link.
    """
    return block[_OWNER_FIELDS] == _NO_OWNER and block[_KIND_TO_NAMES] == _ANONYMOUS_FILE


def read_written_records(body: bytes) -> Mapping[bytes, bytes]:
    """Read a pax header's records as `entry_header` writes them.

    Raises ValueError when they are not well formed.
    """
    records: dict[bytes, bytes] = {}
    while body:
        length = int(body[: body.index(b" ")])
        key, equals, value = body[body.index(b" ") + 1 : length - 1].partition(b"=")
        if length < 1 or not equals or body[length - 1 : length] != b"\n":
            raise ValueError("a pax header has a broken record")
        records[key] = value
        body = body[length:]
    return records


def _read_octal(field: bytes) -> int:
    """Return the number in octal digits, 0 if there are none.

    Raises ValueError for anything else.
    """
    digits = field.strip(b" \0")
    return int(digits, 8) if digits else 0


# --- Strict reading -------------------------------------------------------------------------------

SAFE_MAX = (1 << 53) - 1
"""The largest number that node-tar reads. It drops a header with a larger one, and takes contents for headers."""

FILE_MAX = (1 << 31) - 1
"""Bytes of the largest file that pnpm 8 to 11 read: beyond it their 32-bit sums miss the next header."""

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
    _NumberField("mode", _MODE_FIELD, may_be_empty=False, may_be_big=False),
    _NumberField("uid", _UID_FIELD, may_be_empty=True, may_be_big=True),
    _NumberField("gid", _GID_FIELD, may_be_empty=True, may_be_big=True),
    _NumberField("size", _SIZE_FIELD, may_be_empty=False, may_be_big=True),
    _NumberField("mtime", _MTIME_FIELD, may_be_empty=True, may_be_big=True),
    _NumberField("device number", _MAJOR_FIELD, may_be_empty=True, may_be_big=False),
    _NumberField("device number", _MINOR_FIELD, may_be_empty=True, may_be_big=False),
)
_TWO_TIMES = re.compile(rb"\0(?:[0-7]{11}[ \0]){2}")
_TWO_TIMES_SIZE = 25  # bytes


def read_strict(block: bytes) -> Header:
    """Read one header on which all readers agree.

    Raises BadHeader otherwise: ECHECKSUM when it is not what was written, EHEADER for numbers, texts and magic.
    """
    written = _NUMBER.fullmatch(block[_CHECKSUM_FIELD])
    if written is None or not written[1] or int(written[1], 8) != checksum(block):
        raise BadHeader("ECHECKSUM", "has a wrong checksum, or is no tar header")
    name = _whole_name(block)
    numbers = {number.name: _read_number(block[number.field], number) for number in _NUMBERS}
    kind = block[_KIND_FIELD]
    if kind not in {b"1", b"2"} and any(block[_LINK_FIELD]):
        raise BadHeader("EHEADER", "has a link name, and is no link: node-tar would take its contents for headers")
    return Header(
        name=name,
        kind=kind,
        size=numbers["size"],
        mode=numbers["mode"],
        link=block[_LINK_FIELD].partition(b"\0")[0],
        is_big=block[_SIZE_FIELD][0] == _BASE_256,
    )


def shown_name(block: bytes) -> str:
    """Return the header's name field for a message.

    Whatever is in the header, the name ends at the first NUL.
    """
    return block[_NAME_FIELD].partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _whole_name(block: bytes) -> bytes:
    magic = block[_MAGIC_FIELD]
    if magic not in {_POSIX, _GNU}:
        raise BadHeader("EHEADER", f"has an unknown magic: {magic!r}")
    name = _read_text(block[_NAME_FIELD], "name")
    if not name:
        raise BadHeader("EHEADER", "has no name: pnpm ends there, and node-tar passes over it")
    if any(block[_REST_FIELD]):
        raise BadHeader("EHEADER", "has bytes behind its last field")
    if magic == _GNU:
        if any(block[_PREFIX_FIELD]):
            raise BadHeader("EHEADER", "has bytes where only some readers see a name prefix")
        return name
    # star and node-tar keep two times at the prefix's end, behind a NUL; what DefinitelyTyped publishes has them.
    field = block[_PREFIX_FIELD]
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
    if text[0] == _BASE_256 and number.may_be_big:
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
_FIRST = BLOCK  # bytes of an extended header that node-tar surely has in one piece


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
            path_is_long = not body[max(start, _FIRST) : end].isascii()
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
    if not body[_FIRST:].isascii():
        raise BadHeader("EHEADER", f"is not ASCII behind its first {_FIRST} bytes, where node-tar may spoil it")
    return name


def may_be_lost(path: str) -> bool:
    """Return True if node-tar may lose the name *path* that `entry_header` writes.

    See `read_records` for the reason.
    """
    return (
        not path.isascii() and not pax_record(b"path", path.encode("utf-8", "surrogateescape"))[_FIRST:].isascii()
    )


def is_short_for(own: bytes, path: bytes) -> bool:
    """Return True if some packer shortens *path* to *own* in the entry's own header.

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
