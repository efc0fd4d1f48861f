"""Writes the planned tarball, reads it back, and puts it in place when it is what was planned."""

from __future__ import annotations

import base64
import hashlib
import posixpath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from linkpack.archive.content_scan import Watch
from linkpack.archive.entry import ROOT
from linkpack.archive.follower import followed
from linkpack.archive.gzip import COMPRESSOR, compressor, gzip_stream
from linkpack.archive.readback import check_tarball
from linkpack.archive.tar_writer import tar_blocks
from linkpack.errors import Problem, SnapshotError
from linkpack.system import own_process
from linkpack.system import read as fs
from linkpack.system import write as fswrite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.archive.entry import Entry
    from linkpack.archive.gzip import GzipLevel

_MOST_THREADS = 8
# A thread that follows the writer gains nothing on few bytes, nor on small files: then both run Python always,
# which only one can at a time. Measured on two processors: 0.9 to 1.03 of the time for files of 6 kB, 0.99 to 1.23
# for 400 bytes.
_SMALL = 1 << 20  # bytes of contents
_SMALL_FILE = 1 << 11  # bytes


class TarballFile(NamedTuple):
    """A file of the tarball: path below `package/`, size in bytes, mode 0o644 or 0o755."""

    path: str
    size: int
    mode: int


class Tarball(NamedTuple):
    """A written and verified tarball.

    *path* is where it is, *filename* its last portion, *files* its entries in order, *size* and
    *unpacked_size* bytes, *shasum* SHA-1 in hexadecimal, *integrity* `sha512-` and base64: what the npm
    registry records of it. *compressor* is what made its bytes of the tar stream. *warnings* are of secrets in its
    contents, behind those of the plan when `linkpack.pack` or `linkpack.write_pack` made it.
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


def listed(entries: Iterable[Entry]) -> tuple[TarballFile, ...]:
    """The *entries* as the files that a consumer sees, without the archive's one folder."""
    return tuple(TarballFile(entry.path[len(ROOT) :], entry.size, entry.mode) for entry in entries)


def write_tarball(
    entries: Sequence[Entry], target: str, *, threads: int = 0, gzip_level: GzipLevel = "default"
) -> Tarball:
    """The tarball at *target*, written, verified and renamed into place.

    *threads* compress at a time; 0: one a processor, at most eight. On any failure nothing is left behind and an
    older file at *target* is what it was. `SourceChanged` when a file is no longer what was planned,
    `VerifyFailed` when the bytes on disk are not, `SnapshotError` with the system's reason when *target* cannot be
    written.
    """
    try:
        with fswrite.draft(target) as out:
            return _checked(entries, target, out, threads or _usual(), gzip_level)
    except OSError as err:
        raise _unwritable(target, err) from err


def measure_tarball(
    entries: Sequence[Entry], filename: str, *, threads: int = 0, gzip_level: GzipLevel = "default"
) -> Tarball:
    """The tarball that `write_tarball` would write, sizes and digests included, without writing it.

    *filename* stands for its path. `SourceChanged` when a file is no longer what was planned.
    """
    return _write(entries, filename, _Nowhere(), threads or _usual(), gzip_level)[0]


def _usual() -> int:
    """How many threads compress when nobody says: more than so many would wait for what is to be compressed."""
    return min(own_process.processors(), _MOST_THREADS)


def _checked(entries: Sequence[Entry], target: str, out: BinaryIO, threads: int, level: GzipLevel) -> Tarball:
    """Write the tarball to *out* and read it back: a large one meanwhile, where there are threads for it."""
    if threads > 1 and sum([entry.size for entry in entries]) > max(_SMALL, _SMALL_FILE * len(entries)):
        with followed(out, entries) as file:
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
    """Write the gzip stream; what it is, and the tar stream's CRC-32."""
    sha1 = hashlib.sha1(usedforsecurity=False)
    sha512 = hashlib.sha512()
    watch = Watch()
    stream = _Summed(tar_blocks(entries, lambda entry: watch.over(entry, _contents(entry))))
    size = 0
    for piece in gzip_stream(stream, threads, level):
        out.write(piece)
        sha1.update(piece)
        sha512.update(piece)
        size += len(piece)
    integrity = "sha512-" + base64.b64encode(sha512.digest()).decode()
    tarball = Tarball(
        target,
        posixpath.basename(target),
        listed(entries),
        size,
        sum(entry.size for entry in entries),
        sha1.hexdigest(),
        integrity,
        compressor(level),
        watch.warnings(),
    )
    return tarball, stream.crc


class _Summed:
    """The pieces of a stream, passed on, and their CRC-32 so far."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.crc = 0

    def __iter__(self) -> Iterator[bytes]:
        from zlib_ng.zlib_ng import crc32  # noqa: PLC0415 - only packing needs it

        for piece in self._pieces:
            self.crc = crc32(piece, self.crc)
            yield piece


def _contents(entry: Entry) -> Iterable[bytes]:
    if isinstance(entry.source, bytes):
        return (entry.source,)
    if entry.size <= fs.CHUNK:
        return (fs.read_small(entry.source, entry.dev, entry.ino, entry.size),)
    return fs.read_planned(entry.source, entry.dev, entry.ino, entry.size)


def _unwritable(target: str, err: OSError) -> SnapshotError:
    in_the_way = isinstance(err, FileExistsError | IsADirectoryError)
    remedy = "another --out" if in_the_way else "make room and permission there"
    return SnapshotError(
        f"{target} cannot be written: {err.strerror or err}",
        code="EWRITE",
        path=target,
        hint=f"choose another --pack-destination, or {remedy}",
    )
