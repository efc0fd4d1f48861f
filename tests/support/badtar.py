"""Tarballs made by hand, block by block: what no honest tool writes."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

END = bytes(1024)


def octal(value: int, width: int) -> bytes:
    """A tar number in octal digits, or from what they hold on in base 256."""
    text = b"%0*o" % (width - 1, value)
    return text + b"\0" if len(text) < width else b"\x80" + value.to_bytes(width - 1, "big")


def header(
    name: bytes,
    size: int | bytes = 0,
    kind: bytes = b"0",
    link: bytes = b"",
    *,
    mode: int = 0o644,
    mtime: bytes = b"03560116604\0",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    device: bytes = bytes(16),
    checksum: int | None = None,
) -> bytes:
    """One header block; fields that are bytes are written as they are."""
    sized = octal(size, 12) if isinstance(size, int) else size
    fields = name.ljust(100, b"\0") + octal(mode, 8) + bytes(16) + sized + mtime + b" " * 8 + kind
    block = (fields + link.ljust(100, b"\0") + magic + bytes(64) + device + prefix).ljust(512, b"\0")
    total = sum(block) if checksum is None else checksum
    return block[:148] + b"%06o\0 " % total + block[156:]


def summed(block: bytes, form: bytes = b"%06o\0 ") -> bytes:
    """*block* with its checksum in the *form*."""
    return block[:148] + form % sum(block[:148] + b" " * 8 + block[156:]) + block[156:]


def patched(block: bytes, at: int, data: bytes) -> bytes:
    """*block* with *data* written over it, and its checksum right."""
    return summed(block[:at] + data + block[at + len(data) :])


def padded(data: bytes, fill: bytes = b"\0") -> bytes:
    """*data* up to the next block."""
    return data + fill * (-len(data) % 512)


def member(name: str | bytes, data: str | bytes = b"x\n", kind: bytes = b"0", *, mode: int = 0o644) -> bytes:
    """A file: its header and contents."""
    contents = data.encode() if isinstance(data, str) else data
    raw = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
    return header(raw, len(contents), kind, mode=mode) + padded(contents)


def cut(path: str, data: str = "x\n") -> bytes:
    """A file whose own header has the beginning of *path*, as behind a pax header with all of it."""
    return member(path.encode()[:99], data)


def record(key: bytes, value: bytes) -> bytes:
    """One pax record."""
    rest = b" " + key + b"=" + value + b"\n"
    size = len(rest) + len(str(len(rest)))
    return b"%d" % (len(rest) + len(str(size))) + rest


def pax(records: dict[bytes, bytes] | bytes, kind: bytes = b"x") -> bytes:
    """A pax header with *records*, or with that body."""
    body = b"".join(record(key, value) for key, value in records.items()) if isinstance(records, dict) else records
    return header(b"PaxHeader/x", len(body), kind) + padded(body)


def gnu(kind: bytes, value: bytes) -> bytes:
    """GNU's header for a long name or link."""
    return header(b"././@LongLink", len(value), kind, magic=b"ustar  \0") + padded(value)


def gz(stream: bytes) -> bytes:
    """*stream* as a gzip member."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(stream) + packer.flush()


def flagged(flags: int, extra: bytes) -> bytes:
    """A good stream in a gzip member with *flags*, and with *extra* where they announce it."""
    plain = gz(BODY + END)
    return plain[:3] + bytes([flags]) + plain[4:10] + extra + plain[10:]


def manifest(path: str = "package/package.json", **fields: object) -> bytes:
    """The entry of a package.json; `evil` 1.0.0 under the MIT license unless *fields* say otherwise."""
    found = {"name": "evil", "version": "1.0.0", "license": "MIT", **fields}
    return member(path, json.dumps({key: value for key, value in found.items() if value is not None}))


BODY = manifest() + member("package/index.js", "module.exports = 1\n")


def write(folder: Path, stream: bytes, name: str = "evil-1.0.0.tgz") -> Path:
    """The tarball *name* in *folder* that holds *stream* and the end mark."""
    return write_raw(folder, gz(stream + END), name)


def write_raw(folder: Path, raw: bytes, name: str = "evil-1.0.0.tgz") -> Path:
    """The file *name* in *folder* that holds *raw*."""
    path = folder / name
    path.write_bytes(raw)
    return path
