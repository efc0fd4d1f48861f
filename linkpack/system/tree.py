"""Reads what lies below a directory, following no link on the way: what is read is what was listed.

A directory is opened once; what is in it is reached through that descriptor. Somebody who swaps a folder for a
link while a package is being packed gains nothing: each directory below is known by the number (inode) that its
parent's listing gave, and where that cannot tell, it is opened portion by portion, links refused.
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
    """The directory at the absolute *root*, a path without links, and all below it.

    Paths are relative to it and "/"-separated. Every function raises `OSError`, also where a link stands on the
    way. At most four descriptors are open at a time, however deep the tree is.
    """

    def __init__(self, root: str) -> None:
        self._handle = open_plain(root, _FOLDER)
        self._device = os.fstat(self._handle).st_dev

    def close(self) -> None:
        """Give the descriptor back; nothing more can be read then."""
        os.close(self._handle)

    @contextlib.contextmanager
    def listed(self, path: str, number: int) -> Iterator[list[Listed]]:
        """The entries of the directory *path*, whose inode is *number*; "" is the root, whatever its number.

        They are in no particular order, and may be asked for their status inside the block only.
        """
        handle = self._folder(path, number) if path else os.dup(self._handle)
        try:
            with os.scandir(handle) as entries:
                found = list(entries)
            yield found
        finally:
            os.close(handle)

    def status(self, path: str) -> Status:
        """The status of what is at *path*, a link not followed."""
        folder, _, name = path.rpartition("/")
        handle = _stepwise(self._handle, folder)
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
        return _stepwise(self._handle, path)


def open_plain(path: str, flags: int) -> int:
    """A descriptor of what is at the absolute *path*; `OSError` (ELOOP, ENOTDIR) when a link is part of it."""
    handle = os.open(path, flags | os.O_NOFOLLOW)
    if _name(handle) == path:
        return handle
    try:  # no /proc, a file system that ignores case, or a link on the way
        there = _opened_stepwise(path, flags)
    finally:
        os.close(handle)
    return there


def read_beneath(folder: str, name: str, limit: int) -> bytes:
    """The bytes of the regular file *name* in *folder*, an absolute path without links; *limit* as in `read_file`.

    A link to a file inside *folder* is followed. `OSError` with EXDEV when one leads out of it.
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


def _name(handle: int) -> str:
    """Where what *handle* stands for is, as the system knows it; "" when it does not say."""
    try:
        return os.readlink(f"/proc/self/fd/{handle}")
    except OSError:
        return ""


def _opened_stepwise(path: str, flags: int) -> int:
    folder, _, name = path.rstrip("/").rpartition("/")
    at = os.open("/", _FOLDER)
    try:
        above = _stepwise(at, folder.strip("/"))
    finally:
        os.close(at)
    try:
        return os.open(name or ".", flags | os.O_NOFOLLOW, dir_fd=above)
    finally:
        os.close(above)


def _stepwise(start: int, path: str) -> int:
    """A descriptor of the directory *path* below the one open as *start*, each portion opened by itself."""
    at = os.dup(start)
    for portion in path.split("/") if path else ():
        below = at
        try:
            at = os.open(portion, _FOLDER, dir_fd=below)
        finally:
            os.close(below)
    return at
