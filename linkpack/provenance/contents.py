"""The written tarball, read back for the record: its digests, and the digest of every file in it."""

from __future__ import annotations

import hashlib
import io
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.archive.entry import ROOT
from linkpack.archive.integrity import to_integrity
from linkpack.errors import SourceChanged
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from _typeshed import WriteableBuffer

    from linkpack.archive.writer import Tarball


class Shipped(NamedTuple):
    """A tarball's digests in hexadecimal, and its *files*: path below `package/` to SHA-256 in hexadecimal."""

    sha1: str
    sha256: str
    sha512: str
    files: Mapping[str, str]


class _Hashing(io.RawIOBase):
    """The bytes of *pieces* as a file to read, hashed on the way."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._left = b""
        self.sha256 = hashlib.sha256()
        self.sha512 = hashlib.sha512()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill *buffer*, or its start; how many bytes that were, 0 at the end."""
        if not self._left:
            self._left = next(self._pieces, b"")
            self.sha256.update(self._left)
            self.sha512.update(self._left)
        view = memoryview(buffer).cast("B")
        size = min(len(view), len(self._left))
        view[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def finish(self) -> None:
        """Hash what is left: `tarfile` stops reading where the archive ends."""
        for piece in self._pieces:
            self.sha256.update(piece)
            self.sha512.update(piece)


def read_shipped(tarball: Tarball) -> Shipped:
    """What is in the file of *tarball*, which has just been written.

    `SourceChanged` when it is no longer what was written: the record would be of something else.
    """
    import tarfile  # noqa: PLC0415 - slow to import, and only records need it

    try:
        status = fs.lstat(tarball.path)
    except OSError as err:
        raise _changed(tarball, f"cannot be read: {err.strerror}") from err
    source = _Hashing(fs.read_planned(tarball.path, status.st_dev, status.st_ino, status.st_size))
    files = {}
    try:
        archive: Any  # its types do not know `members`
        with tarfile.open(fileobj=source, mode="r|gz", errors="surrogateescape") as archive:
            for member in archive:
                held = archive.extractfile(member)
                digest = hashlib.sha256()
                while held is not None and (piece := held.read(fs.CHUNK)):
                    digest.update(piece)
                files[member.name[len(ROOT) :]] = digest.hexdigest()
                archive.members = []  # tarfile keeps every header it has seen
    except (tarfile.TarError, OSError, EOFError) as err:
        raise _changed(tarball, f"is no tarball any more: {err}") from err
    source.finish()
    if to_integrity(source.sha512.digest()) != tarball.integrity:
        raise _changed(tarball, "is no longer what was written")
    return Shipped(tarball.shasum, source.sha256.hexdigest(), source.sha512.hexdigest(), files)


def by_slot(files: Mapping[str, str], slots: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """The own files of the package in each of *slots*: path below the slot to SHA-256, by path in order of bytes.

    *files* are those of `Shipped`, and "" is among the slots. A file is its innermost slot's.
    """
    held: dict[str, dict[str, str]] = {slot: {} for slot in slots}
    for path in sorted(files, key=lambda path: path.encode("utf-8", "surrogateescape")):
        slot = posixpath.dirname(path)
        while slot not in held:
            slot = posixpath.dirname(slot)
        held[slot][path[len(slot) + bool(slot) :]] = files[path]
    return held


def content_digest(own: Mapping[str, str]) -> str:
    """The digest of a package by its *own* files, as `by_slot` gives them.

    SHA-256 in hexadecimal over a line `<SHA-256>  <path>` for each file, by path in the order of its bytes: what
    `sha256sum` prints, the `dirHash` of in-toto.
    """
    lines = "".join(f"{digest}  {path}\n" for path, digest in own.items())
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _changed(tarball: Tarball, how: str) -> SourceChanged:
    return SourceChanged(f"{tarball.path} {how}", path=tarball.path, hint="pack again when nothing writes to it")
