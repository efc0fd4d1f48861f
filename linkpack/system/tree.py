"""Read what is below a directory, following no link on the way.

A directory is opened once, and what is in it is reached through that descriptor. So what is read is what was
listed, even if another process swaps a folder for a link meanwhile. A directory below is opened by its path, and
known by the inode that its parent's listing gave. Where that differs, it is opened portion by portion, links
refused.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from linkpack.system.read import read_open

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    Listed: TypeAlias = os.DirEntry[str]
    Status: TypeAlias = os.stat_result

# O_NONBLOCK: opening a pipe that took a file's place must not wait for a writer.
_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY


class Tree:
    """The directory at the absolute *root*, a path without links.

    Paths are relative to it and "/"-separated. Every method raises `OSError`, also where a link is on the way. At
    most four descriptors are open at a time, however deep the tree is.
    """

    def __init__(self, root: str) -> None:
        self._handle = open_plain(root, _FOLDER)
        self._device = os.fstat(self._handle).st_dev

    def close(self) -> None:
        """Close the tree, after which nothing can be read."""
        os.close(self._handle)

    @contextlib.contextmanager
    def listed(self, path: str, number: int) -> Iterator[list[Listed]]:
        """List the entries of the directory *path*, unsorted.

        *number* is its inode. "" is the root, whatever its number. Entries may be asked for their status inside
        the block only.
        """
        handle = self._folder(path, number) if path else os.dup(self._handle)
        try:
            with os.scandir(handle) as entries:
                listed = list(entries)
            yield listed
        finally:
            os.close(handle)

    def status(self, path: str) -> Status:
        """Return the status of *path*, a link not followed."""
        folder, _, name = path.rpartition("/")
        handle = _open_stepwise(self._handle, folder)
        try:
            return os.stat(name, dir_fd=handle, follow_symlinks=False)
        finally:
            os.close(handle)

    def _folder(self, path: str, number: int) -> int:
        handle = os.open(path, _FOLDER, dir_fd=self._handle)
        status = os.fstat(handle)
        if (status.st_ino, status.st_dev) == (number, self._device):
            return handle
        os.close(handle)  # a mount, a file system whose listings number otherwise, or a link on the way
        return _open_stepwise(self._handle, path)


def open_plain(path: str, flags: int) -> int:
    """Open the absolute *path*, and return its descriptor.

    Raises `OSError` (ELOOP, ENOTDIR) when a link is part of the path.
    """
    handle = os.open(path, flags | os.O_NOFOLLOW)
    if _find_path(handle) == path:
        return handle
    try:  # no /proc, a file system that ignores case, or a link on the way
        there = _open_plain_stepwise(path, flags)
    finally:
        os.close(handle)
    return there


def read_beneath(folder: str, name: str, limit: int) -> bytes:
    """Return the bytes of the file *name* in *folder*.

    *folder* is an absolute path without links, *limit* as in `read.read_file`. A link to a file inside *folder* is
    followed. Raises `OSError` with EXDEV when one leads out of it.
    """
    path = f"{folder.rstrip('/')}/{name}"
    try:
        handle = open_plain(path, _FILE)
    except OSError as err:
        if err.errno != errno.ELOOP:
            raise
        target = os.path.realpath(path, strict=True)
        if not target.startswith(f"{folder.rstrip('/')}/"):
            raise OSError(errno.EXDEV, "it is a link that leads out of the package", path) from err
        handle = open_plain(target, _FILE)
    try:
        return read_open(handle, path, limit)
    finally:
        os.close(handle)


def _find_path(handle: int) -> str:
    """Return the path of an open *handle*, "" without /proc."""
    try:
        return os.readlink(f"/proc/self/fd/{handle}")
    except OSError:
        return ""


def _open_plain_stepwise(path: str, flags: int) -> int:
    folder, _, name = path.rstrip("/").rpartition("/")
    root = os.open("/", _FOLDER)
    try:
        above = _open_stepwise(root, folder.strip("/"))
    finally:
        os.close(root)
    try:
        return os.open(name or ".", flags | os.O_NOFOLLOW, dir_fd=above)
    finally:
        os.close(above)


def _open_stepwise(start: int, path: str) -> int:
    """Open the directory *path* below the open *start*, a portion at a time."""
    handle = os.dup(start)
    for portion in path.split("/") if path else ():
        above = handle
        try:
            handle = os.open(portion, _FOLDER, dir_fd=above)
        finally:
            os.close(above)
    return handle
