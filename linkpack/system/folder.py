"""What the gate does to the disk by itself: it opens a tarball."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Opened(NamedTuple):
    """An open regular file, its *size* in bytes and its *stamp*, which changes when it is written to."""

    source: BinaryIO
    size: int
    stamp: tuple[int, int, int]


@contextlib.contextmanager
def opened(path: str) -> Iterator[Opened]:
    """The regular file at *path*; `OSError` when it is none, EINVAL for what could block or has no size."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError as err:  # a NUL in the path
        raise OSError(errno.EINVAL, "no path can have such a name", path) from err
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", path)
    with open(handle, "rb") as source:
        yield Opened(source, status.st_size, _stamp(status))


def is_unchanged(file: Opened) -> bool:
    """Whether nobody wrote to *file* since it was opened."""
    return _stamp(os.fstat(file.source.fileno())) == file.stamp


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
