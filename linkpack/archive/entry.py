"""One file of a tarball, and the folder that all of them lie in."""

from __future__ import annotations

from typing import NamedTuple

ROOT = "package/"  # the one folder of an npm tarball


class Entry(NamedTuple):
    """A regular file of the tarball.

    *path* is its whole name there, *source* the path to read or the very bytes, *size* in bytes, *mode* 0o644 or
    0o755; *dev* and *ino* say which file *source* was when it was planned. *own* files come from a source
    directory, not from an installed package.
    """

    path: str
    source: str | bytes
    size: int
    mode: int
    dev: int = 0
    ino: int = 0
    own: bool = False
