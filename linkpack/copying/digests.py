"""Remember the contents of a copy's files by their digests.

Files that have not been touched since need not be read again.

    copies/<name made of the copy's path>.json   for each file the digest of its content, and the stamp of the file

A file with the recorded stamp is taken to have the recorded content. Any other file is read. So a record that is
lost, damaged or behind the disk costs time, and nothing else.
"""

from __future__ import annotations

import contextlib
import json
from hashlib import blake2b
from typing import TYPE_CHECKING

from linkpack.linking.record import DAMAGED
from linkpack.record import Record
from linkpack.system import dir_entries, own_process

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from linkpack.linking.record import Store
    from linkpack.system.tree import Status


_SIZE = 16  # bytes of a digest


class FileDigest(Record):
    """The *digest* of a file's content, and its *stamp*.

    The stamp is (inode, bytes, time of the last change in ns).
    """

    digest: str
    stamp: tuple[int, int, int]


def stamp_of(status: Status) -> tuple[int, int, int]:
    """Return the stamp of the file with this *status*."""
    return status.st_ino, status.st_size, status.st_mtime_ns


def digest_of(pieces: Iterable[bytes]) -> str:
    """Return the digest of a content in *pieces*."""
    hasher = blake2b(digest_size=_SIZE)
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest()


class Digester:
    """Contents that are hashed while they are read, by name."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}

    def watch(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield *pieces*, and keep their digest as that of *name*."""
        hasher = blake2b(digest_size=_SIZE)
        for piece in pieces:
            hasher.update(piece)
            yield piece
        self.digests[name] = hasher.hexdigest()


def read_digests(store: Store, path: str) -> dict[str, FileDigest]:
    """Return what is recorded of the copy at *path*, by relative path.

    Empty without a record that can be read.
    """
    try:
        values = json.loads(store.read(store.file("copies", path)))["files"]
        # `FileDigest` is a tuple, which JSON has as a list: [digest, [inode, size, mtime]].
        return {
            name: FileDigest(str(digest), (int(inode), int(size), int(mtime)))
            for name, (digest, (inode, size, mtime)) in values.items()
        }
    except DAMAGED:  # each file is read then (tests/copying/test_sync.py, test_without_the_record_of_digests_…)
        return {}


def write_digests(store: Store, path: str, digests: Mapping[str, FileDigest]) -> None:
    """Record *digests* of the copy at *path*, if the disk allows it."""
    target = store.file("copies", path)
    draft = f"{target}.{own_process.new_run()}"
    # By a rename: a `sync --check`, which takes no lock, may read the record at the same time.
    with contextlib.suppress(OSError):
        dir_entries.write_new(draft, json.dumps({"path": path, "files": digests}).encode(), 0o600)
        dir_entries.move(draft, target)
