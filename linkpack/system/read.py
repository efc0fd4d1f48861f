"""Everything linkpack reads from the disk goes through these functions.

Paths are `str`, as given by the caller; names that are not UTF-8 hold surrogate escapes. Nothing here follows
a path that could block (a pipe, a device) and nothing writes. `OSError` is raised as the system gives it;
callers turn it into a `LinkpackError` that says what the path was needed for.
"""

from __future__ import annotations

import errno
import os
import stat as _stat
import sys
from typing import TYPE_CHECKING

from linkpack.errors import SourceChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES_ARE_UTF8 = sys.getfilesystemencoding() == "utf-8"
"""Whether names come as they are in a tarball; elsewhere bytes above 127 would come as other characters."""
CHUNK = 1 << 18  # bytes asked for at once when a file is read to be packed

# O_NONBLOCK: opening a pipe that took a file's place must not wait for a writer.
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
# What a system says that cannot answer now, as opposed to one that has nothing there or does not let us look.
_FAILING = {errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENOBUFS, errno.ETIMEDOUT}


def scan(path: str) -> list[os.DirEntry[str]]:
    """The entries of the directory *path*, in no particular order."""
    with os.scandir(path) as entries:
        return list(entries)


def lstat(path: str) -> os.stat_result:
    """The status of *path* itself, a link not followed."""
    return os.lstat(path)


def stat(path: str) -> os.stat_result:
    """The status of what *path* leads to."""
    return os.stat(path)


def answer(ask: Callable[[str], os.stat_result], path: str) -> os.stat_result | None:
    """What *ask*, `os.stat` or `os.lstat`, says about *path*; None when there is nothing that can be looked at.

    A system that fails has not answered: what could be there must not be taken for absent. Its error is raised.
    """
    try:
        return ask(path)
    except ValueError:  # a NUL in the path
        return None
    except OSError as err:
        if err.errno in _FAILING:
            raise
        return None


def is_dir(path: str) -> bool:
    """Whether *path* leads to a directory; False for anything that cannot be looked at. See `answer`."""
    found = answer(os.stat, path)
    return found is not None and _stat.S_ISDIR(found.st_mode)


def is_file(path: str) -> bool:
    """Whether *path* leads to a regular file; False for anything that cannot be looked at. See `answer`."""
    found = answer(os.stat, path)
    return found is not None and _stat.S_ISREG(found.st_mode)


def real_path(path: str) -> str:
    """The absolute path without links that *path* leads to; `OSError` when it leads nowhere or in a ring."""
    return os.path.realpath(path, strict=True)


def read_link(path: str) -> str:
    """The text of the link at *path*."""
    return os.readlink(path)


def upward(start: str) -> Iterator[str]:
    """Yield the folder *start* and those above it, up to the file system's root.

    /a/b  ->  /a/b, /a, /
    """
    at = start
    while True:
        yield at
        above = os.path.dirname(at)
        if above == at:
            return
        at = above


def is_within(path: str, folder: str) -> bool:
    """True if the real path *path* is *folder* or below it.

    >>> is_within("/a/b", "/a"), is_within("/a", "/a"), is_within("/ab", "/a"), is_within("/a", "/")
    (True, True, False, True)
    """
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def readable(path: str) -> bool:
    """Whether this process may open *path* for reading."""
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)


def writable_dir(path: str) -> bool:
    """Whether this process may make files in the directory *path*."""
    return is_dir(path) and os.access(
        path, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids
    )


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_file(path: str, limit: int) -> bytes:
    """The bytes of the regular file that *path* leads to.

    `OSError` with EINVAL when it is no regular file, EISDIR when a directory, EFBIG when it has more than
    *limit* bytes.
    """
    handle = os.open(path, _READ)
    try:
        return read_open(handle, path, limit)
    finally:
        os.close(handle)


def read_head(path: str, size: int) -> bytes:
    """Return the first *size* bytes of the file at *path*, or all of a smaller one; raises as `read_file`."""
    handle = os.open(path, _READ)
    try:
        return os.pread(handle, size, 0)
    finally:
        os.close(handle)


def read_open(handle: int, path: str, limit: int) -> bytes:
    """The bytes of the regular file open as *handle*, called *path* in errors; raises as `read_file`."""
    status = os.fstat(handle)
    if _stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not _stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    pieces = []
    left = limit + 1
    while left > 0 and (piece := os.read(handle, min(left, CHUNK))):
        pieces.append(piece)
        left -= len(piece)
    if left <= 0:
        raise OSError(errno.EFBIG, f"more than {limit} bytes", path)
    return b"".join(pieces)


def read_at(handle: int, size: int, start: int) -> bytes:
    """At most *size* bytes of the file open as *handle* from *start* on, its own position left where it is."""
    return os.pread(handle, size, start)


def read_planned(path: str, dev: int, ino: int, size: int) -> Iterator[bytes]:
    """The bytes of a file that a plan named, in pieces of at most `CHUNK` bytes.

    *dev*, *ino* and *size* (bytes) are what planning saw. `SourceChanged` when the path now leads to another
    file, when the size differs, or when the file was written to while it was read; pieces already given are
    then worthless.
    """
    handle = _open_planned(path)
    try:
        written = _same(os.fstat(handle), path, dev, ino, size)
        left = size
        while left > 0:
            piece = os.read(handle, min(left, CHUNK))
            if not piece:
                raise _changed(path, "became shorter while it was read")
            left -= len(piece)
            yield piece
        _unwritten(os.fstat(handle), path, size, written)
    except OSError as err:
        raise _changed(path, f"cannot be read ({err.strerror})") from err
    finally:
        os.close(handle)


def read_small(path: str, dev: int, ino: int, size: int) -> bytes:
    """What `read_planned` gives, in one piece and less time; raises the same. For files of few bytes."""
    handle = _open_planned(path)
    try:
        written = _same(os.fstat(handle), path, dev, ino, size)
        held = os.read(handle, size) if size else b""
        while len(held) < size:
            piece = os.read(handle, size - len(held))
            if not piece:
                raise _changed(path, "became shorter while it was read")
            held += piece
        _unwritten(os.fstat(handle), path, size, written)
    except OSError as err:
        raise _changed(path, f"cannot be read ({err.strerror})") from err
    finally:
        os.close(handle)
    return held


def _open_planned(path: str) -> int:
    try:
        return os.open(path, _READ | os.O_NOFOLLOW)
    except OSError as err:
        raise _changed(path, f"can no longer be read ({err.strerror})") from err


def _same(status: os.stat_result, path: str, dev: int, ino: int, size: int) -> int:
    """When the file was last written to, in nanoseconds; `SourceChanged` unless it is the one that was planned."""
    if status.st_ino != ino or status.st_dev != dev:
        raise _changed(path, "was replaced by another file")
    if status.st_size != size:
        raise _changed(path, f"had {size} bytes and now has {status.st_size}")
    return status.st_mtime_ns


def _unwritten(status: os.stat_result, path: str, size: int, written: int) -> None:
    """`SourceChanged` when *status*, after reading, tells another size or time than before."""
    if status.st_size != size or status.st_mtime_ns != written:
        raise _changed(path, "was written to while it was read")


def _changed(path: str, how: str) -> SourceChanged:
    return SourceChanged(f"{path} {how}", path=path, hint="pack again when nothing writes to it")
