"""Write the planned tarball, read it back, and put it in place.

The bytes depend on the entries and the level alone: order and modes are planned (`linkpack.bundle.entries`), times
and owners are constants (`tar_header`), and one compressor is pinned (`gzip`). Whatever stops the writing, even an
interrupt, leaves the older file or none (`linkpack.system.write.open_draft`).
"""

from __future__ import annotations

import hashlib
import posixpath
from typing import TYPE_CHECKING, BinaryIO, Protocol

from zlib_ng.zlib_ng import crc32

from linkpack.archive.content_scan import ContentScan
from linkpack.archive.entry import ROOT
from linkpack.archive.follower import follow
from linkpack.archive.gzip import COMPRESSOR, describe_compressor, gzip_stream
from linkpack.archive.integrity import to_integrity
from linkpack.archive.readback import check_tarball
from linkpack.archive.tar_writer import tar_blocks
from linkpack.errors import Problem, SnapshotError
from linkpack.notices import current_meter
from linkpack.record import Record
from linkpack.system import own_process
from linkpack.system import write as fswrite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.archive.entry import Entry
    from linkpack.archive.gzip import GzipLevel

_MOST_THREADS = 8  # that compress unless the caller says: more would wait for files to be read
# Reading back meanwhile gains nothing for few bytes or small files: both threads then run Python all the time,
# which only one can at once. Measured on two processors: 0.9 to 1.03 of the time for files of 6 kB, 0.99 to 1.23
# for 400 bytes.
_SMALL = 1 << 20  # bytes of contents
_SMALL_FILE = 1 << 11  # bytes


class TarballFile(Record):
    """A file of the tarball.

    *path* is below `package/`, *size* in bytes, *mode* 0o644 or 0o755.
    """

    path: str
    size: int
    mode: int


class Tarball(Record):
    """A written and verified tarball.

    *path* is where it is, *filename* its last portion, *files* its entries in order. *size* and *unpacked_size*
    are in bytes. *shasum*, SHA-1 in hexadecimal, and *integrity*, `sha512-` and base64, are what the npm registry
    records of it. *compressor* is what made its bytes of the tar stream. *warnings* are of secrets in its
    contents. When `linkpack.pack` or `linkpack.write_pack` made it, those of the plan come before them.
    """

    path: str
    filename: str
    files: tuple[TarballFile, ...]
    size: int
    unpacked_size: int
    shasum: str
    integrity: str
    compressor: str = COMPRESSOR
    warnings: tuple[Problem, ...] = ()


def list_files(entries: Iterable[Entry]) -> tuple[TarballFile, ...]:
    """Return the files that a consumer sees, *entries* without `package/`."""
    return tuple(TarballFile(entry.path[len(ROOT) :], entry.size, entry.mode) for entry in entries)


def write_tarball(
    entries: Sequence[Entry], target: str, *, threads: int = 0, gzip_level: GzipLevel = "default"
) -> Tarball:
    """Write the tarball, verify it and rename it into place.

    It becomes *target*. *threads* compress at a time, 0 means one a processor, at most eight. On any failure
    nothing is left behind, and an older file at *target* stays as it was. Raises `SourceChanged` when a file is no
    longer what was planned, `VerifyFailed` when the bytes on disk are not, and `SnapshotError` (EWRITE) when
    *target* cannot be written.
    """
    try:
        with fswrite.open_draft(target) as out:
            return _write_checked(entries, target, out, threads or _usual_threads(), gzip_level)
    except OSError as err:
        raise _unwritable(target, err) from err


def measure_tarball(
    entries: Sequence[Entry], filename: str, *, threads: int = 0, gzip_level: GzipLevel = "default"
) -> Tarball:
    """Return what `write_tarball` would, writing nothing.

    *filename* takes the place of its path. Raises `SourceChanged` when a file is no longer what was planned.
    """
    return _write(entries, filename, _Nowhere(), threads or _usual_threads(), gzip_level)[0]


def _usual_threads() -> int:
    """Return how many threads compress unless the caller says."""
    return min(own_process.count_processors(), _MOST_THREADS)


def _write_checked(
    entries: Sequence[Entry], target: str, out: BinaryIO, threads: int, level: GzipLevel
) -> Tarball:
    """Write the tarball to *out* and read it back.

    A large one is read back meanwhile, if there are threads for it.
    """
    if threads > 1 and sum([entry.size for entry in entries]) > max(_SMALL, _SMALL_FILE * len(entries)):
        with follow(out, entries) as file:
            if file is not None:
                tarball, crc = _write(entries, target, file, threads, level)
                file.check(tarball.shasum, crc)
                return tarball
    tarball, crc = _write(entries, target, out, threads, level)
    out.flush()
    check_tarball(out, entries, tarball.shasum, crc)
    return tarball


class _Sink(Protocol):
    def write(self, piece: bytes, /) -> int: ...


class _Nowhere:
    def write(self, piece: bytes, /) -> int:
        return len(piece)


def _write(
    entries: Sequence[Entry], target: str, out: _Sink, threads: int, level: GzipLevel
) -> tuple[Tarball, int]:
    """Write the gzip stream to *out*.

    Returns the tarball and the CRC-32 of the tar stream.
    """
    sha1 = hashlib.sha1(usedforsecurity=False)
    sha512 = hashlib.sha512()
    scan = ContentScan()
    stream = _Summed(tar_blocks(entries, lambda entry: scan.pass_on(entry, entry.read())))
    size = 0
    unpacked_size = sum(entry.size for entry in entries)
    filename = posixpath.basename(target)
    meter = current_meter()
    for piece in gzip_stream(stream, threads, level):
        if meter is not None:
            meter(f"packing {filename}", stream.size, unpacked_size, "bytes")
        out.write(piece)
        sha1.update(piece)
        sha512.update(piece)
        size += len(piece)
    tarball = Tarball(
        path=target,
        filename=filename,
        files=list_files(entries),
        size=size,
        unpacked_size=unpacked_size,
        shasum=sha1.hexdigest(),
        integrity=to_integrity(sha512.digest()),
        compressor=describe_compressor(level),
        warnings=scan.warnings(),
    )
    return tarball, stream.crc


class _Summed:
    """A stream of pieces, passed on, with the size and CRC-32 of those so far."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.crc = 0
        self.size = 0  # bytes

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.crc = crc32(piece, self.crc)
            self.size += len(piece)
            yield piece


def _unwritable(target: str, err: OSError) -> SnapshotError:
    in_the_way = isinstance(err, FileExistsError | IsADirectoryError)
    remedy = "another --out" if in_the_way else "make room and permission there"
    return SnapshotError(
        f"{target} cannot be written: {err.strerror or err}",
        code="EWRITE",
        path=target,
        hint=f"choose another --pack-destination, or {remedy}",
    )
