"""Any bytes as a tarball: as the file itself, as the tar stream in it, and as a stream with good checksums."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import tarsafe

from linkpack.archive.findings import only_errors
from linkpack.archive.reader import Archive, Wanted, read_archive
from linkpack.limits import Limits
from linkpack.verifying.manifests import is_manifest, read_manifests

if TYPE_CHECKING:
    import tarfile

LIMITS = Limits(entries=1000, file=1 << 20, unpacked=4 << 20, ratio=1 << 20, path=512, depth=32, manifest=1 << 16)
BLOCK = 512


def one_input(data: bytes) -> None:
    """A verdict, whatever the bytes; what is found to be good, Python's tarfile reads the same way."""
    kind, rest = data[:1], data[1:]
    if kind == b"f":
        _check(rest)
    else:
        _check(gzip.compress(mended(rest) if kind == b"c" else rest, 1, mtime=0))


def mended(stream: bytes) -> bytes:
    """*stream* with the checksum of every block that has a header's mark put right."""
    found = bytearray(stream)
    for at in range(0, len(found) - BLOCK + 1, BLOCK):
        if found[at + 257 : at + 262] == b"ustar":
            found[at + 148 : at + 156] = b" " * 8
            found[at + 148 : at + 156] = b"%06o\0 " % sum(found[at : at + BLOCK])
    return bytes(found)


def _check(raw: bytes) -> None:
    archive = read_archive(io.BytesIO(raw), len(raw), Wanted(is_manifest, scan=True), LIMITS)
    manifests = read_manifests(archive, "evil-1.0.0.tgz")
    found = (*archive.findings, *manifests.findings)
    assert all(each.message and each.code[0] in "EW" for each in found), found
    assert bool(archive.integrity) or only_errors(found)
    assert archive.unpacked <= LIMITS.unpacked
    if not only_errors(archive.findings):
        _same(raw, archive)


def _same(raw: bytes, archive: Archive) -> None:
    """Compare with the reader that `unpack` extracts with."""
    with tarsafe.TarSafe.open(
        fileobj=io.BytesIO(raw), mode="r:gz", encoding="utf-8", errors="surrogateescape"
    ) as reader:
        members: list[tarfile.TarInfo] = reader.getmembers()
    files = [(member.name, member.size) for member in members if member.isreg()]
    folders = [member.name for member in members if member.isdir()]
    assert files == [(member.name, member.size) for member in archive.members]
    assert folders == [name.rstrip("/") for name in archive.folders]
    assert len(files) + len(folders) == len(members)
