"""Look at paths and read files.

Paths are `str`, as the caller gives them. Names that are not UTF-8 hold surrogate escapes. Nothing here waits for
a pipe or a device, and nothing writes. `OSError` is raised as the system gives it. Callers turn it into a
`LinkpackError` that says what the path was needed for.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat as _stat
import sys
from typing import TYPE_CHECKING, BinaryIO

from linkpack.errors import SourceChanged
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

NAMES_ARE_UTF8 = sys.getfilesystemencoding() == "utf-8"
"""Whether names come as they are in a tarball. If not, bytes above 127 come as other characters."""
CHUNK = 1 << 18  # bytes asked for at once

# O_NONBLOCK: opening a pipe that took a file's place must not wait for a writer.
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
# The system could not answer, which does not mean that nothing is there or that we may not look.
_FAILING = {errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENOBUFS, errno.ETIMEDOUT}


# --- What is at a path -------------------------------------------------------------------------------


def scan(path: str) -> list[os.DirEntry[str]]:
    """List the entries of the directory *path*, unsorted."""
    with os.scandir(path) as entries:
        return list(entries)


def lstat(path: str) -> os.stat_result:
    """Return the status of *path*, a link not followed."""
    return os.lstat(path)


def stat(path: str) -> os.stat_result:
    """Return the status of what *path* leads to."""
    return os.stat(path)


def answer(ask: Callable[[str], os.stat_result], path: str) -> os.stat_result | None:
    """Return what *ask*, `os.stat` or `os.lstat`, says about *path*, or None.

    None means that nothing is there, or that we may not look. An error that leaves the question open is raised: a
    file must not be taken for absent because the disk failed.
    """
    try:
        return ask(path)
    except ValueError:  # a NUL in the path
        return None
    except OSError as err:
        if err.errno in _FAILING:
            raise
        return None


def exists(path: str) -> bool:
    """Return True if anything is at *path*, even a broken link. See `answer`."""
    return answer(os.lstat, path) is not None


def is_dir(path: str) -> bool:
    """Return True if *path* leads to a directory. See `answer`."""
    status = answer(os.stat, path)
    return status is not None and _stat.S_ISDIR(status.st_mode)


def is_file(path: str) -> bool:
    """Return True if *path* leads to a regular file. See `answer`."""
    status = answer(os.stat, path)
    return status is not None and _stat.S_ISREG(status.st_mode)


def is_link(path: str) -> bool:
    """Return True if a symbolic link is at *path*."""
    return os.path.islink(path)


def read_link(path: str) -> str:
    """Return the text of the link at *path*."""
    return os.readlink(path)


def device_of(path: str) -> int:
    """Return the number of the file system that *path* is on, or would be."""
    nearest = next((above for above in walk_up(path) if os.path.exists(above)), path)
    return os.stat(nearest).st_dev


# --- Paths -------------------------------------------------------------------------------------------


def real_path(path: str) -> str:
    """Return *path* without links.

    Raises `OSError` for a broken link or a ring of links.
    """
    return os.path.realpath(path, strict=True)


def canonical_path(path: str) -> str:
    """Return *path* without links, as far as it exists.

    The rest of it stays as written.
    """
    return os.path.realpath(path)


def is_within(path: str, folder: str) -> bool:
    """Return True if the real path *path* is *folder* or below it.

    >>> is_within("/a/b", "/a"), is_within("/a", "/a"), is_within("/ab", "/a"), is_within("/a", "/")
    (True, True, False, True)
    """
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def walk_up(start: str) -> Iterator[str]:
    """Yield the folder *start* and all those above it.

    /a/b  ->  /a/b, /a, /
    """
    folder = start
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


# --- What this process may do ------------------------------------------------------------------------


def is_readable(path: str) -> bool:
    """Return True if this process may open *path* for reading."""
    return _may(path, os.R_OK)


def is_executable(path: str) -> bool:
    """Return True if this process may run the file at *path*."""
    return _may(path, os.X_OK)


def is_writable_dir(path: str) -> bool:
    """Return True if this process may make entries in the folder *path*.

    It may remove them too. False for anything that leads to no folder.
    """
    return is_dir(path) and _may(path, os.W_OK | os.X_OK)


def may_change(path: str) -> bool:
    """Return True if this process may set the permission bits of *path*."""
    return os.geteuid() in {0, os.stat(path).st_uid}


def _may(path: str, mode: int) -> bool:
    # access(2) asks for the real user, while open(2) goes by the effective one.
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


# --- Contents ----------------------------------------------------------------------------------------


def read_file(path: str, limit: int) -> bytes:
    """Return the bytes of the file that *path* leads to.

    Raises `OSError`: EISDIR for a directory, EINVAL for anything else that is no regular file, EFBIG for more than
    *limit* bytes.
    """
    handle = os.open(path, _READ)
    try:
        return read_open(handle, path, limit)
    finally:
        os.close(handle)


def read_open(handle: int, path: str, limit: int) -> bytes:
    """Return the bytes of the regular file open as *handle*.

    Errors name it *path*, and are those of `read_file`.
    """
    status = os.fstat(handle)
    if _stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not _stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    pieces = []
    left = limit + 1  # the byte too many says that the file is too large
    while left > 0 and (piece := os.read(handle, min(left, CHUNK))):
        pieces.append(piece)
        left -= len(piece)
    if left <= 0:
        raise OSError(errno.EFBIG, f"more than {limit} bytes", path)
    return b"".join(pieces)


def read_head(path: str, size: int) -> bytes:
    """Return the first *size* bytes of the file at *path*.

    b"" for anything but a regular file.
    """
    handle = os.open(path, _READ)
    try:
        return os.read(handle, size) if _stat.S_ISREG(os.fstat(handle).st_mode) else b""
    finally:
        os.close(handle)


def read_at(handle: int, size: int, start: int) -> bytes:
    """Return *size* bytes or fewer from *start* on.

    *handle* is an open file, and its own position does not move.
    """
    return os.pread(handle, size, start)


class OpenFile(Record):
    """An open regular file.

    *size* is in bytes. *stamp* changes when the file is written to.
    """

    source: BinaryIO
    size: int
    stamp: tuple[int, int, int]


@contextlib.contextmanager
def open_regular(path: str) -> Iterator[OpenFile]:
    """Open the regular file at *path*.

    Raises `OSError`, with EINVAL for a pipe, device or directory and for a path with a NUL.
    """
    try:
        handle = os.open(path, _READ)
    except ValueError as err:
        raise OSError(errno.EINVAL, "no path can have such a name", path) from err
    status = os.fstat(handle)
    if not _stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", path)
    with open(handle, "rb") as source:
        yield OpenFile(source, status.st_size, _make_stamp(status))


def is_unchanged(file: OpenFile) -> bool:
    """Return True if *file* was not written to since it was opened."""
    return _make_stamp(os.fstat(file.source.fileno())) == file.stamp


def _make_stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


# --- Contents of a file that a plan names ------------------------------------------------------------


def read_pieces(path: str, dev: int, ino: int, size: int) -> Iterable[bytes]:
    """Return the bytes of a planned file in pieces.

    A small one comes in one piece, which takes less time. Raises as `read_planned`, for a small file at once.
    """
    return (read_small(path, dev, ino, size),) if size <= CHUNK else read_planned(path, dev, ino, size)


def read_planned(path: str, dev: int, ino: int, size: int) -> Iterator[bytes]:
    """Yield the bytes of a planned file in pieces.

    A piece has at most `CHUNK` bytes. *dev*, *ino* and *size* (bytes) are what planning saw. Raises
    `SourceChanged` when the path now leads to another file, when the size differs, or when the file was written to
    while it was read. The pieces already given are worthless then.
    """
    handle = _open_planned(path)
    try:
        written = _check_planned(os.fstat(handle), path, dev, ino, size)
        left = size
        while left > 0:
            piece = os.read(handle, min(left, CHUNK))
            if not piece:
                raise _report_change(path, "became shorter while it was read")
            left -= len(piece)
            yield piece
        _check_unwritten(os.fstat(handle), path, size, written)
    except OSError as err:
        raise _report_change(path, f"cannot be read ({err.strerror})") from err
    finally:
        os.close(handle)


def read_small(path: str, dev: int, ino: int, size: int) -> bytes:
    """Return the bytes of a small planned file.

    Raises as `read_planned`.
    """
    handle = _open_planned(path)
    try:
        written = _check_planned(os.fstat(handle), path, dev, ino, size)
        text = os.read(handle, size) if size else b""  # mostly all of it, in one call
        while len(text) < size:
            piece = os.read(handle, size - len(text))
            if not piece:
                raise _report_change(path, "became shorter while it was read")
            text += piece
        _check_unwritten(os.fstat(handle), path, size, written)
    except OSError as err:
        raise _report_change(path, f"cannot be read ({err.strerror})") from err
    finally:
        os.close(handle)
    return text


def _open_planned(path: str) -> int:
    try:
        return os.open(path, _READ | os.O_NOFOLLOW)
    except OSError as err:
        raise _report_change(path, f"can no longer be read ({err.strerror})") from err


def _check_planned(status: os.stat_result, path: str, dev: int, ino: int, size: int) -> int:
    """Raise `SourceChanged` unless *status* is of the planned file.

    Returns the time at which the file was last written to, in nanoseconds.
    """
    if status.st_ino != ino or status.st_dev != dev:
        raise _report_change(path, "was replaced by another file")
    if status.st_size != size:
        raise _report_change(path, f"had {size} bytes and now has {status.st_size}")
    return status.st_mtime_ns


def _check_unwritten(status: os.stat_result, path: str, size: int, written: int) -> None:
    """Raise `SourceChanged` if the file changed while it was read.

    *status* is that after reading, *written* the time of the last write before.
    """
    if status.st_size != size or status.st_mtime_ns != written:
        raise _report_change(path, "was written to while it was read")


def _report_change(path: str, how: str) -> SourceChanged:
    return SourceChanged(f"{path} {how}", path=path, hint="pack again when nothing writes to it")
