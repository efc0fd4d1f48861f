"""Write tar headers and pax records, and read back what was written.

Writing follows npm byte for byte. `strict_header` reads headers that anybody may have written.

Sources: POSIX pax, "ustar Interchange Format" and "pax Header Block"; the GNU tar manual, "Basic Tar Format";
node-tar 7.5 (`header.js`, `pax.js`, `write-entry.js`) with pacote's options.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from zlib import adler32

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 512  # bytes
MTIME = 499162500  # 1985-10-26T08:15:00Z, for every entry: npm's constant
OCTAL_MAX = 0o77777777777  # the largest size in octal digits: 8 GiB - 1
EXTENDED_MAX = 1 << 20  # bytes of one extended header: node-tar passes over a longer one
FIRST_PIECE = BLOCK  # bytes of an extended header that node-tar surely has in one piece
# Bytes of the largest file that pnpm 8 to 11 read: beyond it their 32-bit sums miss the next header.
FILE_MAX = (1 << 31) - 1

# The fields of a header, from POSIX's table of ustar. Magic and version are one field here, since GNU tar writes
# them as one text.
NAME_FIELD = slice(0, 100)
MODE_FIELD = slice(100, 108)
UID_FIELD = slice(108, 116)
GID_FIELD = slice(116, 124)
_OWNER_FIELDS = slice(108, 124)  # both
SIZE_FIELD = slice(124, 136)
MTIME_FIELD = slice(136, 148)
CHECKSUM_FIELD = slice(148, 156)
KIND_FIELD = slice(156, 157)
LINK_FIELD = slice(157, 257)
MAGIC_FIELD = slice(257, 265)
_KIND_TO_NAMES = slice(156, 329)  # these three, and the names of owner and group
MAJOR_FIELD = slice(329, 337)
MINOR_FIELD = slice(337, 345)
PREFIX_FIELD = slice(345, 500)
REST_FIELD = slice(500, BLOCK)

_NAME = 100  # bytes of the name field
_PREFIX = 155  # bytes of the prefix field
_HALF = 256  # bytes whose sum adler32 holds whole
BASE_256 = 0x80  # the first byte of a number that is not in octal digits

POSIX = b"ustar\x0000"
GNU = b"ustar  \0"
_NO_OWNER = bytes(16)  # uid and gid: npm leaves them empty
_MTIME_TEXT = b"%010o \0" % MTIME
_NO_LINK = bytes(100)
_NO_OWNER_NAMES = bytes(64)
_FROM_MAGIC = POSIX + _NO_OWNER_NAMES + b"000000 \0" * 2  # up to the prefix: the devices are 0
_REST = bytes(BLOCK - 500)
_ANONYMOUS_FILE = b"0" + _NO_LINK + POSIX + _NO_OWNER_NAMES
# The sum of what is the same in every header, with eight spaces for the checksum: so it is taken once.
_FIXED = sum(_NO_OWNER) + sum(_MTIME_TEXT) + 8 * 0x20 + sum(_NO_LINK) + sum(_FROM_MAGIC) + sum(_REST)


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


def may_be_lost(path: str) -> bool:
    """Return True if node-tar may lose the name *path*.

    See `strict_header.read_records` for the reason.
    """
    return (
        not path.isascii()
        and not pax_record(b"path", path.encode("utf-8", "surrogateescape"))[FIRST_PIECE:].isascii()
    )


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
    if checksum(block) != _read_octal(block[CHECKSUM_FIELD]):
        raise ValueError("a header has a wrong checksum")
    name, prefix = block[NAME_FIELD].rstrip(b"\0"), block[PREFIX_FIELD].rstrip(b"\0")
    size = block[SIZE_FIELD]
    is_big = size[0] == BASE_256
    return Header(
        name=b"/".join((prefix, name)) if prefix else name,
        kind=block[KIND_FIELD],
        size=int.from_bytes(size[1:], "big") if is_big else _read_octal(size),
        mode=_read_octal(block[MODE_FIELD]),
        link=block[LINK_FIELD],
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
