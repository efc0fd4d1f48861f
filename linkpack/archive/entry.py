"""One planned file of a tarball, and the folder that all of them are in."""

from __future__ import annotations

from collections.abc import Iterable

from linkpack.record import Record
from linkpack.system.read import read_pieces

ROOT = "package/"  # the one folder of an npm tarball


class Entry(Record):
    """A regular file of the tarball.

    *path* is its whole name there, *source* the path to read or the very bytes, *size* in bytes, *mode* 0o644 or
    0o755. *dev* and *ino* say which file *source* was when it was planned. *own* files come from a source
    directory, not from an installed package.
    """

    path: str
    source: str | bytes
    size: int
    mode: int
    dev: int = 0
    ino: int = 0
    own: bool = False

    def read(self) -> Iterable[bytes]:
        """Return the contents in pieces.

        Raises `SourceChanged` when the file is no longer what was planned, a small one at once.
        """
        if isinstance(self.source, bytes):
            return (self.source,)
        return read_pieces(self.source, self.dev, self.ino, self.size)
