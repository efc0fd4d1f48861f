"""Tarballs that are nearly right: real ones with one to three things changed in their structure.

What is changed is every field of a header, the kind of an entry,
extended headers of every kind with every record,
names, order, padding, the end and the gzip member around it. Checksums are set right again, but for some.
"""

from __future__ import annotations

import io
import struct
import tarfile
import unicodedata
import zlib
from typing import TYPE_CHECKING, NamedTuple

from linkpack.archive.entry import Entry
from linkpack.archive.tar_writer import tar_blocks
from tests.support.badtar import gnu, header, manifest, member, octal, padded, pax, record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

BLOCK = 512
HIDDEN = member("package/index.js", "module.exports = 'other'\n") + member("package/new.js", "new\n")
LONG = "package/" + "d" * 60 + "/" + "e" * 60 + "/file.js"
UNICODE = "package/übung/" + "ö" * 20 + ".js"
LONG_UNICODE = "package/" + "ü" * 60 + "/" + "é" * 40 + ".js"

# Field: first byte and the byte behind its last.
FIELDS = {
    "name": (0, 100),
    "mode": (100, 108),
    "uid": (108, 116),
    "gid": (116, 124),
    "size": (124, 136),
    "mtime": (136, 148),
    "link": (157, 257),
    "magic": (257, 263),
    "version": (263, 265),
    "uname": (265, 297),
    "gname": (297, 329),
    "devmajor": (329, 337),
    "devminor": (337, 345),
    "prefix": (345, 500),
    "atime": (476, 488),
    "ctime": (488, 500),
    "tail": (500, 512),
}
_NUMBERS = ("mode", "uid", "gid", "size", "mtime", "devmajor", "devminor", "atime", "ctime")
_TEXTS = ("name", "link", "uname", "gname", "prefix", "tail", "magic", "version")
_KINDS = [bytes([each]) for each in b"\x000123456 7xgXLKNSVDMAIu\xff"]
_KEYS = (
    b"path", b"path", b"path", b"path", b"size", b"size", b"size", b"linkpath", b"mode", b"type", b"uid", b"gid",
    b"uname",
    b"gname", b"mtime", b"atime", b"ctime", b"comment", b"comment", b"charset", b"hdrcharset", b"dev", b"ino",
    b"nlink",
    b"GNU.sparse.major", b"GNU.sparse.name", b"GNU.sparse.size", b"GNU.sparse.realsize", b"GNU.sparse.map",
    b"GNU.volume.label", b"GNU.dumpdir", b"SCHILY.dev", b"SCHILY.ino", b"SCHILY.nlink", b"SCHILY.realsize",
    b"SCHILY.filetype", b"SCHILY.xattr.user.x", b"SUN.holesdata", b"LIBARCHIVE.symlinktype",
    b"LIBARCHIVE.creationtime",
    b"Path", b"PATH", b"path ", b"", b"a\0b", b"realtime.x", b"security.x", b"NODETAR.type", b"\xff", b"x" * 600,
)  # fmt: skip


class Part(NamedTuple):
    """A header, the contents behind it, and what fills their last block."""

    head: bytearray
    body: bytes
    fill: bytes


def parts_of(stream: bytes) -> list[Part]:
    """The headers and contents of a well-formed *stream*, up to its end mark."""
    found = []
    at = 0
    while at + BLOCK <= len(stream) and any(stream[at : at + BLOCK]):
        head = bytearray(stream[at : at + BLOCK])
        field = bytes(head[124:136])
        size = int.from_bytes(field[1:], "big") if field[0] == 0x80 else int(field.strip(b" \0") or b"0", 8)
        if head[156:157] in b"5":
            size = 0
        end = at + BLOCK + size
        found.append(Part(head, stream[at + BLOCK : end], bytes(-size % BLOCK)))
        at = end + -size % BLOCK
    return found


def seeds() -> list[list[Part]]:
    """Archives to begin with: as npm and we write them, as Python does in its three formats, and by hand."""
    about = b'{"name":"evil","version":"1.0.0","license":"MIT"}'
    contents = {
        "package/package.json": about,
        "package/index.js": b"module.exports = 1\n",
        "package/data.bin": HIDDEN,
        LONG: b"long\n",
        UNICODE: b"",
        LONG_UNICODE: b"u" * 512,
    }
    ours = [Entry(name, data, len(data), 0o755 if name == LONG else 0o644) for name, data in contents.items()]
    streams = [b"".join(tar_blocks(ours, lambda entry: (entry.source,)))]  # type: ignore[arg-type, return-value]
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
            for name, data in contents.items():
                if form == tarfile.USTAR_FORMAT and name == LONG_UNICODE:
                    continue
                info = tarfile.TarInfo(name)
                info.size, info.mode, info.mtime = len(data), 0o644, 1_700_000_000
                info.uid, info.uname = 501, "me"
                archive.addfile(info, io.BytesIO(data))
        streams.append(buffer.getvalue())
    streams.append(
        header(b"package/", 0, b"5", mode=0o755)
        + manifest()
        + member("package/index.js", "module.exports = 1\n")
        + header(b"package/lib", 0, b"5", mode=0o755)
        + member("package/lib/run", "#!/bin/sh\n", mode=0o755)
        + member("package/.gitignore", "x\n")
        + member("package/data.bin", HIDDEN)
    )
    streams.append(
        pax({b"comment": b"c0ffee2525" * 4}, b"g")
        + manifest("evil-1.0.0/package.json")
        + gnu(b"L", b"evil-1.0.0/" + b"n" * 120 + b"\0")
        + member(b"evil-1.0.0/" + b"n" * 89, HIDDEN)
    )
    return [parts_of(stream) for stream in streams]


def with_sum(head: bytearray, form: int = 0) -> None:
    """Set the checksum of *head* right, written in one of several ways."""
    head[148:156] = b" " * 8
    total = sum(head)
    forms = (b"%06o\0 ", b"%06o \0", b"%07o\0", b"%08o", b" %06o\0", b"%6o\0 ", b"%o\0", b"%06o\0\0", b"%07o ")
    text = forms[form % len(forms)] % total
    head[148:156] = text[:8].ljust(8, b"\0")


class Mutant:
    """One archive while it is changed, by the choices of *random*."""

    def __init__(self, base: Sequence[Part], random: Random) -> None:
        self.parts = [Part(bytearray(part.head), part.body, part.fill) for part in base]
        self.random = random
        self.wrong: set[int] = set()  # ids of headers whose checksum stays wrong
        self.tail = bytes(1024)

    def stream(self) -> bytes:
        """The tar stream."""
        held = []
        for part in self.parts:
            if id(part.head) not in self.wrong:
                with_sum(part.head, self.random.choice((0, 0, 0, 0, 0, 0, self.random.randrange(9))))
            held += [bytes(part.head), part.body, part.fill]
        return b"".join((*held, self.tail))

    def _some(self) -> int:
        return self.random.randrange(len(self.parts))

    def number(self) -> None:
        """Write a number of a header in another way, or another number."""
        part = self.parts[self._some()]
        name = self.random.choice(_NUMBERS)
        start, end = FIELDS[name]
        width = end - start
        held = bytes(part.head[start:end]).strip(b" \0")
        value = int(held, 8) if held and all(48 <= each < 56 for each in held) else 0
        if self.random.random() < 0.3:
            value = self.random.choice((0, 1, 511, 512, 1024, 0o755, 0o4755, 0o100644, 2**31, 2**33 - 1, 2**53))
        plain = b"%o" % value
        big = value.to_bytes(width + 1, "big")
        ways = (
            plain.ljust(width, b"\0"), plain.rjust(width, b"0"), plain.rjust(width, b" "),
            (plain + b" ").rjust(width, b"0"),
            (plain + b"\0").rjust(width, b" "), b"\x80" + big[-width + 1 :], b"\xff" * width,
             b"\x80" + b"\x7f" * (width - 1),
            b"\x80\0\0" + b"\xff" * (width - 3), b"\x81" + big[-width + 1 :], b"\xff" + bytes(width - 1),
            bytes(width),
            b" " * width, b"\0" + plain.ljust(width - 1, b"\0"), b"\t" + plain.ljust(width - 1, b"\0"),
            b"+" + plain.ljust(width - 1, b"\0"), b"-" + plain.ljust(width - 1, b"\0"),
            b"0x" + plain.ljust(width - 2, b"\0"),
            b"0o" + plain.ljust(width - 2, b"\0"), (plain + b"\0" + plain).ljust(width, b"\0"),
            (plain + b"8").ljust(width, b"\0"),
            (plain + b" 7").ljust(width, b"\0"), (plain + b"\n").ljust(width, b"\0"),
             (plain + b"\0\n").ljust(width, b"\0"),
            b"\xc2\xa0" + plain.ljust(width - 2, b"\0"), (plain + b"\0 ").ljust(width, b" "),
            b"\x80" + big[-width + 2 :] + b"\0",
            (plain + b"_0").ljust(width, b"\0"), b"zzzz".ljust(width, b"z"), (plain + b"\r").ljust(width, b"\0"),
            (plain + b"\x0b").ljust(width, b"\0"), (b"0" * (width - len(plain) - 1) + plain + b";"),
        )  # fmt: skip
        part.head[start:end] = self.random.choice(ways)[:width].ljust(width, b"\0")

    def text(self) -> None:
        """Change a text of a header."""
        part = self.parts[self._some()]
        name = self.random.choice(_TEXTS)
        start, end = FIELDS[name]
        width = end - start
        held = bytes(part.head[start:end]).partition(b"\0")[0]
        ways = (
            b"", b"x", held + b"\0x", held + b"\0\nx", held + b"\n", held + b"/", b"/" + held, held + b"\xff",
            b"\0" + held,
            b"\0" * (width - 1) + b"x", held.rjust(width, b"x"), held.ljust(width, b"x"), b"ustar ", b"ustar\0",
            b"00", b" \0",
            b"0\0", b"ustar", b"USTAR\0", b"package", b"package/", b"package/lib", b".", b"..",
            b"package/index.js", b"\x80",
            held.upper(), held[:-1], b"p" * 130, b"p" * 131, b"package/" + b"p" * 123 + b"\xff", b"tar\0", b"\n",
        )  # fmt: skip
        part.head[start:end] = self.random.choice(ways)[:width].ljust(width, b"\0")

    def kind(self) -> None:
        """Give a header another type."""
        self.parts[self._some()].head[156:157] = self.random.choice(_KINDS)

    def name(self) -> None:
        """Change the name of an entry, or how it is split."""
        part = self.parts[self._some()]
        held = bytes(part.head[:100]).rstrip(b"\0")
        head, _, rest = held.partition(b"/")
        folded = unicodedata.normalize("NFD", held.decode("utf-8", "replace")).encode()
        ways = (
            held.replace(b"/", b"/./", 1), held.replace(b"/", b"//", 1), held + b"/", b"./" + held, b"/" + held,
            head + b"/../" + rest,
            head + b"/c:/" + rest, head + b"/c:" + rest, head + b"/C:", b"c:/" + held, head + b"\\" + rest,
            held.swapcase(), folded,
            head + b"/index.js", head + b"/INDEX.js", head + b"/package.json", head, head + b"/", b"", rest,
            held + b"\n", held + b"\r",
            held + b" ", held + b".", head + b"/lib", head + b"/index.js/x", head + b"/.gitignore",
            head + b"/.npmignore", held[:-1],
            head + b"/a./b", head + b"/a/.", head + b"/.", head + b"/./index.js", head + b"/x\xff",
            head + b"/x\x80\x80", held + b"\\",
            head + b"/aux.js", head + b"/a:b", head + b"/index.js::$DATA", head + b"/lib/c:/x", head + b"/...",
            head + b"/x/../y",
            head + b"/\xe2\x80\xae", head + b"/\xef\xbb\xbfx", head + b"/a\tb", b"other/x", head + b"/d:e:f",
            head + b"/node_modules/a/index.js",
        )  # fmt: skip
        part.head[:100] = self.random.choice(ways)[:100].ljust(100, b"\0")
        if self.random.random() < 0.1:
            part.head[345:500] = self.random.choice((b"package", b"package/a", b"p" * 140, b"package\0")).ljust(
                155, b"\0"
            )

    def extend(self) -> None:
        """Put an extended header before an entry, or change one that is there."""
        at = self._some()
        follower = self.parts[at]
        kind = self.random.choice((b"x", b"x", b"x", b"x", b"x", b"g", b"L", b"K", b"X", b"N"))
        body = self._long(follower) if kind in {b"L", b"K", b"N"} else self._records(follower)
        title = self.random.choice(
            (
                b"PaxHeader/x",
                b"PaxHeader/x",
                b"PaxHeader/x",
                b"././@LongLink",
                b"",
                b"x/",
                b"/",
                b"package/x",
                b"\xff",
            )
        )
        magic = self.random.choice((b"ustar\x0000", b"ustar\x0000", b"ustar\x0000", b"ustar  \0", bytes(8)))
        size = (
            len(body)
            if self.random.random() < 0.9
            else max(0, len(body) + self.random.choice((-1, 1, 511, 512, -10)))
        )
        head = bytearray(header(title, size, kind, magic=magic))
        if self.random.random() < 0.05:
            head[157:158] = b"x"
        if self.random.random() < 0.05:
            head[345:352] = b"package"
        self.parts.insert(at, Part(head, body, bytes(-len(body) % BLOCK)))

    def _long(self, part: Part) -> bytes:
        held = bytes(part.head[:100]).rstrip(b"\0")
        return self.random.choice(
            (held + b"\0", held, held + b"\0\0", held + b"/\0", b"package/other\0",
             b"package/" + b"n" * 150 + b"\0", b"\0", b"",
             held + b"\nx\0", held + b"\0x", held + b"\0\nx", b"package/./index.js\0", b"package/\xff\0",
             b"p/" + b"\xc3\xbc" * 400 + b"\0",
             b"package/data.bin\0".ljust(600, b"\0"), b"package/c:/x\0")
        )  # fmt: skip

    def _records(self, part: Part) -> bytes:
        records = [self._record(part) for _ in range(self.random.choice((0, 1, 1, 1, 2, 2, 3)))]
        if self.random.random() < 0.1:
            records.insert(0, record(b"comment", b"c" * self.random.choice((400, 480, 505, 600, 1100))))
        body = b"".join(records)
        if self.random.random() < 0.08:
            body = self.random.choice(
                (
                    body[:-1],
                    body + b"\0",
                    body + b"\n",
                    b"0" + body,
                    b" " + body,
                    body + b"5 x=",
                    body.replace(b" ", b"  ", 1),
                )
            )
        return body

    def _record(self, part: Part) -> bytes:
        key = self.random.choice(_KEYS)
        value = self._value(key, part)
        whole = record(key, value)
        if self.random.random() < 0.05:
            digits, _, rest = whole.partition(b" ")
            length = int(digits) + self.random.choice((-1, 1, 2, 10, 0, -len(whole)))
            whole = (
                self.random.choice(
                    (b"%d " % length, b"+%d " % length, b"0%d " % length, b"%d\t" % length, b"%de0 " % length)
                )
                + rest
            )
        return whole

    def _value(self, key: bytes, part: Part) -> bytes:
        name = bytes(part.head[:100]).rstrip(b"\0")
        size = len(part.body)
        if key == b"path":
            return self.random.choice(
                (name, name, name, name + b"/", name + b"\n", name + b"\0x", b"package/other.js",
                 b"package/" + b"n" * 150, b"", b"/" + name,
                 b"package/index.js", b"package/\xff.js", b"package/\xc3\xbc.js",
                 b"package/./" + name.partition(b"/")[2], b"package/" + b"\xc3\xbc" * 300,
                 b"package/c:/x", b"package/a=b", b"package/x\n20 path=package/y.js", name.replace(b"/", b"//"),
                 b"package/" + b"d/" * 60 + b"f",
                 LONG.encode(), LONG_UNICODE.encode(), name[:-1], b"package/dir/", b" " + name, name + b" ")
            )  # fmt: skip
        if key == b"size":
            return self.random.choice(
                (b"%d" % size, b"%d" % size, b"%d" % size, b"%d" % (size + 512), b"%d" % max(0, size - 1), b"0",
                 b"0%d" % size, b"+%d" % size,
                 b" %d" % size, b"%d " % size, b"%d.0" % size, b"%de0" % size, b"0x%x" % size, b"-1", b"",
                 b"%dx" % size, b"9" * 25, b"1_0")
            )  # fmt: skip
        if key in {b"mtime", b"atime", b"ctime"}:
            return self.random.choice(
                (b"1", b"1.5", b"-1", b"nan", b"inf", b"1e400", b"x", b"", b"9" * 40, b"1700000000.123456789")
            )
        return self.random.choice(
            (b"1", b"x", b"", b"0", b"0755", b"Directory", b"SymbolicLink", b"package/y",
             b"a\n" + record(b"path", b"package/y.js")[:-1], b"a\0b",
             b"\xff", b"BINARY", b"ISO-IR 10646 2000 UTF-8", b"\xc3\xbc" * 40, b"-1", b"1,512", b"9" * 30, b"a=b",
             b"\n")
        )  # fmt: skip

    def order(self) -> None:
        """Repeat, remove, move or swap a part."""
        at, other = self._some(), self._some()
        part = self.parts[at]
        choice = self.random.randrange(4)
        if choice == 0:
            copied = Part(bytearray(part.head), part.body, part.fill)
            self.parts.insert(other, copied)
        elif choice == 1 and len(self.parts) > 1:
            del self.parts[at]
        elif choice == 2:
            self.parts[at], self.parts[other] = self.parts[other], self.parts[at]
        else:
            self.parts.insert(other, self.parts.pop(at))

    def contents(self) -> None:
        """Change what is in an entry, not what its header says of it."""
        at = self._some()
        part = self.parts[at]
        fill, body = part.fill, part.body
        choice = self.random.randrange(4)
        if choice == 0:
            fill = fill[:-1] + b"x" if fill else b""
        elif choice == 1:
            body = HIDDEN
        elif choice == 2:
            body += bytes(BLOCK)
        else:
            fill = b""
        self.parts[at] = Part(part.head, body, fill)

    def resize(self) -> None:
        """Make an entry's contents longer or empty, and say so in its header."""
        at = self._some()
        part = self.parts[at]
        body = self.random.choice((b"", HIDDEN, b"y" * 511, b"y" * 512, b"y" * 513, bytes(512), bytes(1024)))
        part.head[124:136] = octal(len(body), 12)
        self.parts[at] = Part(part.head, body, bytes(-len(body) % BLOCK))

    def flip(self) -> None:
        """Write any byte anywhere in a header."""
        head = self.parts[self._some()].head
        head[self.random.randrange(BLOCK)] = self.random.choice(
            (0, 0x20, 0x30, 0x37, 0x2F, 0x0A, 0x80, 0xFF, self.random.randrange(256))
        )

    def unchecked(self) -> None:
        """Leave a checksum as it is, or break it."""
        head = self.parts[self._some()].head
        self.wrong.add(id(head))
        with_sum(head, self.random.randrange(9))
        if self.random.random() < 0.5:
            ways = (
                b"        ",
                bytes(8),
                b"\x80" + bytes(7),
                head[148:155] + b"7",
                b"0" + bytes(head[148:155]),
                bytes(head[148:156]).replace(b"\0", b"\n"),
            )
            head[148:156] = self.random.choice(ways)[:8].ljust(8, b"\0")

    def end(self) -> None:
        """Change the end mark, or what follows."""
        self.tail = self.random.choice(
            (bytes(512), b"", bytes(1023), bytes(1025), bytes(1536), bytes(10240),
             bytes(512) + HIDDEN + bytes(1024), bytes(1024) + HIDDEN,
             bytes(1024) + HIDDEN + bytes(1024), bytes(1024) + b"x", bytes(1024) + b"x" * 512,
             bytes(511) + b"x" + bytes(512), HIDDEN + bytes(1024))
        )  # fmt: skip


CHANGES: tuple[Callable[[Mutant], None], ...] = (
    Mutant.number, Mutant.number, Mutant.number, Mutant.text, Mutant.text, Mutant.kind, Mutant.name, Mutant.name,
    Mutant.extend,
    Mutant.extend, Mutant.extend, Mutant.extend, Mutant.order, Mutant.contents, Mutant.resize, Mutant.flip,
    Mutant.unchecked, Mutant.end,
)  # fmt: skip


def mutant(bases: Sequence[Sequence[Part]], random: Random) -> bytes:
    """A tarball made from one of *bases* by one to three changes."""
    changed = Mutant(random.choice(bases), random)
    for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
        random.choice(CHANGES)(changed)
    return packed(changed.stream(), random)


def packed(stream: bytes, random: Random) -> bytes:
    """*stream* as a gzip file, mostly a plain one."""
    way = random.randrange(120)
    if way > 14:
        return member_of(stream, level=1)
    body = stream
    half = random.randrange(len(stream) + 1)
    level = random.choice((0, 1, 6, 9))
    plain = member_of(body, level=level)
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: plain,
        lambda: member_of(body, level=level, flags=8, extra=b"name.tar\0"),
        lambda: member_of(body, level=level, flags=16, extra=b"comment\0"),
        lambda: member_of(body, level=level, flags=4, extra=b"\4\0abcd"),
        lambda: member_of(body, level=level, flags=2, extra=b"\0\0"),
        lambda: member_of(
            body,
            level=level,
            flags=2,
            extra=struct.pack("<H", zlib.crc32(plain[:3] + b"\2" + plain[4:10]) & 0xFFFF),
        ),
        lambda: member_of(body, level=level, flags=1),
        lambda: member_of(body, level=level, flags=0x20),
        lambda: member_of(body[:half]) + member_of(body[half:]),
        lambda: plain + random.choice((b"\0", bytes(512), b"x", b"\x1f\x8b", plain[:20])),
        lambda: member_of(b"") + plain,
        lambda: plain + member_of(HIDDEN + bytes(1024)),
        lambda: plain[:-8] + struct.pack("<I", random.getrandbits(32)) + plain[-4:],
        lambda: plain[:-4] + struct.pack("<I", random.choice((0, 17, len(body) + 512, len(body) - 512))),
        lambda: plain[: -random.randrange(1, 12)],
    )
    return ways[way]()


def member_of(stream: bytes, *, level: int = 6, flags: int = 0, extra: bytes = b"") -> bytes:
    """*stream* as a gzip member with *flags* and what they announce, *extra*."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    body = packer.compress(stream) + packer.flush()
    start = b"\x1f\x8b\x08" + bytes([flags]) + bytes(4) + b"\0\xff"
    return start + extra + body + struct.pack("<II", zlib.crc32(stream), len(stream) & 0xFFFFFFFF)


def hidden(data: bytes) -> bytes:
    """*data* as the contents of an entry, up to the next block."""
    return padded(data)
