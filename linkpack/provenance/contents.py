"""Read the written tarball back, for the digests of its files."""

from __future__ import annotations

import hashlib
import io
import posixpath
import tarfile
from typing import TYPE_CHECKING

from linkpack.archive.entry import ROOT
from linkpack.archive.integrity import to_integrity
from linkpack.errors import SourceChanged
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from _typeshed import WriteableBuffer

    from linkpack.archive.writer import Tarball


class Shipped(Record):
    """The digests of a tarball and of its files, in hexadecimal.

    *files* maps the path below `package/` to SHA-256.
    """

    sha1: str
    sha256: str
    sha512: str
    files: Mapping[str, str]


class _Hashing(io.RawIOBase):
    """A file to read that consists of *pieces*, and hashes them on the way."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._left = b""
        self.sha256 = hashlib.sha256()
        self.sha512 = hashlib.sha512()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill *buffer*, or its start, and return the number of bytes."""
        if not self._left:
            self._left = next(self._pieces, b"")
            self.sha256.update(self._left)
            self.sha512.update(self._left)
        view = memoryview(buffer).cast("B")  # as bytes, whatever the buffer is made of
        size = min(len(view), len(self._left))
        view[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def finish(self) -> None:
        """Hash the rest of the file, which `tarfile` does not read."""
        for piece in self._pieces:
            self.sha256.update(piece)
            self.sha512.update(piece)


def read_shipped(tarball: Tarball) -> Shipped:
    """Read the file of *tarball*, which has just been written.

    Raises `SourceChanged` when it is no longer what was written: the record would be of something else.
    """
    try:
        status = fs.lstat(tarball.path)
    except OSError as err:
        raise _report_changed(tarball, f"cannot be read: {err.strerror}") from err
    source = _Hashing(fs.read_planned(tarball.path, status.st_dev, status.st_ino, status.st_size))
    files = {}
    try:
        archive: Any  # its types do not know `members`
        # As a stream, so that the file is read once and hashed on the way.
        with tarfile.open(fileobj=source, mode="r|gz", errors="surrogateescape") as archive:
            for member in archive:
                contents = archive.extractfile(member)
                digest = hashlib.sha256()
                while contents is not None and (piece := contents.read(fs.CHUNK)):
                    digest.update(piece)
                files[member.name[len(ROOT) :]] = digest.hexdigest()
                archive.members = []  # tarfile keeps every header, which takes memory
    except (tarfile.TarError, OSError, EOFError) as err:
        raise _report_changed(tarball, f"is no tarball any more: {err}") from err
    source.finish()  # tarfile stops at the end mark, and the digests are of the whole file
    # Its name may lead to another tarball by now, which would be read without any error.
    if to_integrity(source.sha512.digest()) != tarball.integrity:
        raise _report_changed(tarball, "is no longer what was written")
    return Shipped(tarball.shasum, source.sha256.hexdigest(), source.sha512.hexdigest(), files)


def group_by_slot(files: Mapping[str, str], slots: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """Return the own files of the package in each of *slots*.

    *files* are those of `Shipped`, and "" is among the slots. The result maps paths below the slot to SHA-256, in
    the order of their bytes.

    >>> files = {"a.js": "1", "node_modules/b/b.js": "2"}
    >>> group_by_slot(files, ["", "node_modules/b"])
    {'': {'a.js': '1'}, 'node_modules/b': {'b.js': '2'}}
    """
    grouped: dict[str, dict[str, str]] = {slot: {} for slot in slots}
    # By bytes, as `sort` in the locale C: the digests are then the same on every machine.
    for path in sorted(files, key=_encode_path):
        slot = posixpath.dirname(path)
        while slot not in grouped:  # ends at "", which is the project's
            slot = posixpath.dirname(slot)
        grouped[slot][path[len(slot) + bool(slot) :]] = files[path]
    return grouped


def _encode_path(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def digest_files(own: Mapping[str, str]) -> str:
    """Return the digest of a package, by its *own* files.

    *own* is as `group_by_slot` gives it. The digest is SHA-256 in hexadecimal over a line `<SHA-256>  <path>` for
    each file, by path in the order of its bytes: what `sha256sum` prints, and in-toto's `dirHash`.
    """
    lines = "".join(f"{digest}  {path}\n" for path, digest in own.items())
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _report_changed(tarball: Tarball, fault: str) -> SourceChanged:
    return SourceChanged(f"{tarball.path} {fault}", path=tarball.path, hint="pack again when nothing writes to it")
