"""Temporary files and folders: their names, their locks, and the removal of those that dead runs left.

A draft is a file or folder under a temporary name, locked by the run that makes it. The next run in that folder
removes the drafts that nobody locks. The name holds a check of the folder's inode, so that a file of a clone or an
archive that only looks like a draft is never removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import zlib
from typing import TYPE_CHECKING

from linkpack.system.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = ".linkpack-"
_TEMPORARY = r"\.linkpack-[0-9a-f]{16}\.tmp"
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def draft_path(folder: str) -> str:
    """Return a path in *folder* for a new draft; raises `OSError` when the folder cannot be looked at.

    Nothing is made there.
    """
    return os.path.join(folder, draft_name(os.stat(folder).st_ino))


def draft_name(inode: int) -> str:
    """Return a name for a new draft in the folder with the number *inode*.

    That is eight random digits, and the CRC-32 of these and the number: `.linkpack-8a1f00c33d9b27e4.tmp`
    """
    random = os.urandom(4).hex()
    return f"{_START}{random}{_check(inode, random)}.tmp"


def _check(inode: int, random: str) -> str:
    return f"{zlib.crc32(f'{inode} {random}'.encode()):08x}"


def is_draft(name: str) -> bool:
    """True if *name*, a last portion, looks like one that a draft gets, here or elsewhere."""
    return name.startswith(_START) and re.fullmatch(_TEMPORARY, name) is not None


def _was_made_in(inode: int, name: str) -> bool:
    """True if *name* is one that `draft_name` gives for the folder with the number *inode*."""
    digits = name[len(_START) : -len(".tmp")]
    return is_draft(name) and digits[8:] == _check(inode, digits[:8])


def claim(handle: int) -> bool:
    """Lock the new draft that is open as *handle*; False when a sweep was faster and removes it, or has."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return os.fstat(handle).st_nlink > 0


def sweep(folder: str) -> None:
    """Remove the drafts that killed runs of this user left in *folder*.

    Living runs hold a lock on theirs. Nothing is done in a folder that cannot be listed, nor to links, nor to what
    was made in another folder, whatever its name: a clone may hold such a file.
    """
    names: list[str] = []
    inode = 0
    with contextlib.suppress(OSError):
        # Many tarballs can lie in one folder, and it is swept before each: the quick question comes first.
        names = [name for name in os.listdir(folder) if name.startswith(_START)]
        inode = os.stat(folder).st_ino if names else 0
    for name in names:
        if _was_made_in(inode, name):
            with contextlib.suppress(OSError):
                _remove_dead(os.path.join(folder, name))


def _remove_dead(path: str) -> None:
    """Remove the draft at *path*, unless a run holds it; raises `OSError` then."""
    handle = os.open(path, _OPEN)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(handle)
        if status.st_uid != os.geteuid():
            return
        if stat.S_ISDIR(status.st_mode):
            remove_tree(path)
        elif stat.S_ISREG(status.st_mode):
            os.unlink(path)
    finally:
        os.close(handle)


@contextlib.contextmanager
def draft_folder(parent: str, mode: int = 0o777) -> Iterator[str]:
    """Make a new folder in *parent*, locked, and remove it at the end with what is still in it.

    One that the block renamed stays. Yields its path.
    """
    sweep(parent)
    path, handle = "", -1
    try:
        with uninterrupted():
            path, handle = _new_folder(parent, mode)
        yield path
    finally:
        with uninterrupted():
            if path:
                _drop(path)
            if handle >= 0:
                os.close(handle)


def _new_folder(parent: str, mode: int) -> tuple[str, int]:
    while True:
        path = draft_path(parent)
        os.mkdir(path, mode)
        try:
            handle = os.open(path, _OPEN | os.O_DIRECTORY)
        except FileNotFoundError:
            continue  # another run's sweep took it between its making and its lock
        except OSError:
            os.rmdir(path)
            raise
        try:
            if claim(handle):
                return path, handle
        except OSError:
            os.rmdir(path)
            os.close(handle)
            raise
        os.close(handle)


def remove_tree(folder: str, around: int | None = None) -> None:
    """Remove *folder* and all that is in it, however deep, following no link.

    *around* is a descriptor that a relative path starts at. What cannot be removed stays, without an error. Each
    folder inside is moved up into *folder* before it is looked into, so that neither the stack nor a path grows
    with the depth: `shutil.rmtree` recurses on Python 3.10 and 3.11, and its paths grow past what a system takes.
    """
    with contextlib.suppress(OSError):
        top = os.open(folder, _OPEN | os.O_DIRECTORY, dir_fd=around)
        try:
            _remove_below(top)
        finally:
            os.close(top)
        os.rmdir(folder, dir_fd=around)


def _remove_below(top: int) -> None:
    prefix = f"{_START}{os.urandom(8).hex()}-"
    moved = 0
    waiting = ["."]
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(OSError):
            handle = os.open(name, _OPEN | os.O_DIRECTORY, dir_fd=top)
            try:
                with os.scandir(handle) as listing:
                    entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing]
                for inner, is_folder in entries:
                    with contextlib.suppress(OSError):
                        if not is_folder:
                            os.unlink(inner, dir_fd=handle)
                            continue
                        moved += 1
                        os.rename(inner, f"{prefix}{moved}", src_dir_fd=handle, dst_dir_fd=top)
                        waiting.append(f"{prefix}{moved}")
            finally:
                os.close(handle)
            if name != ".":
                os.rmdir(name, dir_fd=top)


def _drop(folder: str) -> None:
    """Remove *folder*, when it is not there already, in a second try if need be; the next run makes a third."""
    for _ in range(2):
        with contextlib.suppress(OSError):  # of closing a handle: that is not among the errors ignored
            if os.path.lexists(folder):
                remove_tree(folder)
