"""Writes the planned tarball, reads it back, and puts it in place when it is what was planned."""

from __future__ import annotations

import base64
import hashlib
import posixpath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from linkpack.disk import fs, fswrite
from linkpack.errors import SnapshotError, VerifyFailed
from linkpack.tarballs.archive import ROOT
from linkpack.tarballs.deflate import gzip_stream
from linkpack.tarballs.tar import tar_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from tarfile import TarInfo

    from linkpack.tarballs.archive import Entry

_READ = 1 << 20  # bytes of the tarball decompressed at a time


class TarballFile(NamedTuple):
    """A file of the tarball: path below `package/`, size in bytes, mode 0o644 or 0o755."""

    path: str
    size: int
    mode: int


class Tarball(NamedTuple):
    """A written and verified tarball.

    *path* is where it is, *filename* its last portion, *files* its entries in order, *size* and
    *unpacked_size* bytes, *shasum* SHA-1 in hexadecimal, *integrity* `sha512-` and base64: what the npm
    registry records of it.
    """

    path: str
    filename: str
    files: tuple[TarballFile, ...]
    size: int
    unpacked_size: int
    shasum: str
    integrity: str


def listed(entries: Iterable[Entry]) -> tuple[TarballFile, ...]:
    """The *entries* as the files that a consumer sees, without the archive's one folder."""
    return tuple(TarballFile(entry.path[len(ROOT) :], entry.size, entry.mode) for entry in entries)


def write_tarball(entries: Sequence[Entry], target: str, *, threads: int = 2) -> Tarball:
    """The tarball at *target*, written, verified and renamed into place.

    On any failure nothing is left behind and an older file at *target* is what it was. `SourceChanged` when a
    file is no longer what was planned, `VerifyFailed` when the bytes on disk are not, `SnapshotError` with the
    system's reason when *target* cannot be written.
    """
    try:
        with fswrite.draft(target) as out:
            tarball, stream = _write(entries, target, out, threads)
            out.flush()
            _verify(out, entries, stream)
    except OSError as err:
        raise _unwritable(target, err) from err
    return tarball


def measure_tarball(entries: Sequence[Entry], filename: str, *, threads: int = 2) -> Tarball:
    """The tarball that `write_tarball` would write, sizes and digests included, without writing it.

    *filename* stands for its path. `SourceChanged` when a file is no longer what was planned.
    """
    return _write(entries, filename, _Nowhere(), threads)[0]


class _Sink(Protocol):
    def write(self, piece: bytes, /) -> int: ...


class _Nowhere:
    def write(self, piece: bytes, /) -> int:
        return len(piece)


def _write(entries: Sequence[Entry], target: str, out: _Sink, threads: int) -> tuple[Tarball, str]:
    """Write the gzip stream; what it is, and the tar stream's SHA-256."""
    sha1 = hashlib.sha1(usedforsecurity=False)
    sha512 = hashlib.sha512()
    stream = hashlib.sha256()
    size = 0
    for piece in gzip_stream(_hashed(tar_blocks(entries, _contents), stream), threads):
        out.write(piece)
        sha1.update(piece)
        sha512.update(piece)
        size += len(piece)
    integrity = "sha512-" + base64.b64encode(sha512.digest()).decode()
    unpacked = sum(entry.size for entry in entries)
    name = posixpath.basename(target)
    return Tarball(target, name, listed(entries), size, unpacked, sha1.hexdigest(), integrity), stream.hexdigest()


def _hashed(pieces: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _contents(entry: Entry) -> Iterable[bytes]:
    if isinstance(entry.source, bytes):
        return (entry.source,)
    return fs.read_planned(entry.source, entry.dev, entry.ino, entry.size)


class _Unzipped:
    """The tar stream inside a gzip file, for `tarfile` to read; digests it on the way."""

    def __init__(self, source: BinaryIO) -> None:
        from zlib_ng import zlib_ng  # noqa: PLC0415 - only packing needs it

        self._source = source
        self._unzip = zlib_ng.decompressobj(31)
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        """At most *size* bytes of the stream; none at its end. ValueError when it is no gzip."""
        while not self._unzip.eof:
            packed = self._unzip.unconsumed_tail or self._source.read(_READ)
            try:
                piece = self._unzip.decompress(packed, size)
            except Exception as err:  # zlib_ng.error, which its type stubs do not call a class
                raise ValueError(str(err)) from err
            self.digest.update(piece)
            if piece or not packed:
                return piece
        return b""

    def finish(self) -> None:
        """Read to the end; ValueError when the member does not end there or something follows it."""
        while self.read(_READ):
            pass
        if not self._unzip.eof:
            raise ValueError("the gzip member has no end")
        if self._unzip.unused_data or self._source.read(1):
            raise ValueError("something follows the gzip member")


def _verify(out: BinaryIO, entries: Sequence[Entry], stream: str) -> None:
    """Read the file back as a consumer does and compare it with the plan; `VerifyFailed` names what differs."""
    import tarsafe  # noqa: PLC0415 - its import costs more than packing a small project

    out.seek(0)
    unzipped = _Unzipped(out)
    try:
        with tarsafe.TarSafe.open(fileobj=unzipped, mode="r|", errors="surrogateescape") as archive:
            planned = iter(entries)
            for member in archive:
                _same(member, next(planned, None))
                archive.members = []  # tarfile keeps every header it has seen
            missing = next(planned, None)
        unzipped.finish()
    except (tarsafe.TarError, ValueError, EOFError) as err:
        raise _failed(f"it cannot be read back: {err}") from err
    if missing is not None:
        raise _failed(f"it ends before {missing.path}")
    if unzipped.digest.hexdigest() != stream:
        raise _failed("its contents are not what was written")


def _same(member: TarInfo, entry: Entry | None) -> None:
    """Compare one member with the plan's next entry; `VerifyFailed` when they differ."""
    if entry is None:
        raise _failed(f"it holds {member.name}, which was not planned")
    found = (member.name, member.size, member.mode, member.type, member.uid, member.gid, member.uname)
    if found != (entry.path, entry.size, entry.mode, b"0", 0, 0, ""):
        raise _failed(f"its entry {member.name} differs from the planned {entry.path}")


def _failed(why: str) -> VerifyFailed:
    return VerifyFailed(
        f"the tarball failed verification: {why}",
        hint="nothing was written; if packing again fails as well, report it",
    )


def _unwritable(target: str, err: OSError) -> SnapshotError:
    return SnapshotError(
        f"{target} cannot be written: {err.strerror or err}",
        code="EWRITE",
        path=target,
        hint="choose another --pack-destination, or make room and permission there",
    )
