"""Make drafts: locked files and folders under temporary names.

The next run in a folder removes the drafts there that no run locks. A draft's name holds a checksum of its
folder's inode, so that a file that came with a clone or an archive, and only looks like a draft, is never removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import zlib
from typing import TYPE_CHECKING

from linkpack.system.signals import delay_signals

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = ".linkpack-"
_TEMPORARY = r"\.linkpack-[0-9a-f]{16}\.tmp"
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = _OPEN | os.O_DIRECTORY
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


# --- Names -------------------------------------------------------------------------------------------


def draft_path(folder: str) -> str:
    """Return a path in *folder* for a new draft.

    Nothing is made there. Raises `OSError` when the folder cannot be looked at.
    """
    return os.path.join(folder, _make_name(os.stat(folder).st_ino))


def is_draft(name: str) -> bool:
    """Return True if *name* looks like a draft's name.

    >>> is_draft(".linkpack-8a1f00c33d9b27e4.tmp"), is_draft(".linkpack-notes.tmp")
    (True, False)
    """
    return name.startswith(_START) and re.fullmatch(_TEMPORARY, name) is not None


def _make_name(inode: int) -> str:
    """Return a name for a new draft in the folder with the number *inode*.

    It has eight random digits, and the CRC-32 of these and the number: `.linkpack-8a1f00c33d9b27e4.tmp`.
    """
    random = os.urandom(4).hex()
    return f"{_START}{random}{_sum_name(inode, random)}.tmp"


def _sum_name(inode: int, random: str) -> str:
    return f"{zlib.crc32(f'{inode} {random}'.encode()):08x}"


def _was_made_in(inode: int, name: str) -> bool:
    """Return True if *name* is of a draft made in the folder *inode*."""
    digits = name[len(_START) : -len(".tmp")]
    return is_draft(name) and digits[8:] == _sum_name(inode, digits[:8])


# --- Making ------------------------------------------------------------------------------------------


def new_draft_file(folder: str) -> tuple[int, str]:
    """Make an empty draft in *folder*, and return its descriptor and path."""
    while True:
        path = draft_path(folder)
        handle = os.open(path, _NEW, 0o666)  # the umask decides, as for any file that a user makes
        try:
            if claim(handle):
                return handle, path
        except OSError:
            os.unlink(path)
            os.close(handle)
            raise
        os.close(handle)


def new_draft_folder(around: int, mode: int) -> tuple[int, str]:
    """Make a draft folder in *around*, and return its descriptor and name.

    *around* is the descriptor of a folder.
    """
    while True:
        name = _make_name(os.fstat(around).st_ino)
        os.mkdir(name, mode, dir_fd=around)
        try:
            handle = os.open(name, _FOLDER, dir_fd=around)
        except FileNotFoundError:
            continue  # another run's sweep took it between its making and its lock
        except OSError:
            os.rmdir(name, dir_fd=around)
            raise
        try:
            if claim(handle):
                return handle, name
        except OSError:
            os.rmdir(name, dir_fd=around)
            os.close(handle)
            raise
        os.close(handle)


def claim(handle: int) -> bool:
    """Lock the new draft open as *handle*.

    Returns False when the sweep of another run has removed it, or is about to.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, where no sweep removes anything either
        return True
    return os.fstat(handle).st_nlink > 0


@contextlib.contextmanager
def draft_folder(parent: str, mode: int = 0o777) -> Iterator[str]:
    """Make a draft folder in *parent* and yield its path.

    It is removed at the end, unless the block renamed it.
    """
    sweep(parent)
    around = os.open(parent, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    handle, name = -1, ""
    try:
        with delay_signals():
            handle, name = new_draft_folder(around, mode)
        yield os.path.join(parent, name)
    finally:
        with delay_signals():
            if name:
                discard_draft(name, around)
                os.close(handle)
            os.close(around)


# --- Removing ----------------------------------------------------------------------------------------


def sweep(folder: str) -> None:
    """Remove the drafts that killed runs left in *folder*.

    Living runs hold a lock on theirs. Links stay, as do drafts of other users, and those that were made in another
    folder and came here with a clone or a copy. Nothing is done in a folder that cannot be listed.
    """
    names: list[str] = []
    inode = 0
    with contextlib.suppress(OSError):
        # Many tarballs can be in one folder, which is swept before each: the quick question comes first.
        names = [name for name in os.listdir(folder) if name.startswith(_START)]
        inode = os.stat(folder).st_ino if names else 0
    for name in names:
        if _was_made_in(inode, name):
            with contextlib.suppress(OSError):
                _remove_dead(os.path.join(folder, name))


def _remove_dead(path: str) -> None:
    """Remove the draft at *path*.

    Raises `OSError` while a run holds it.
    """
    handle = os.open(path, _OPEN)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(handle)
        if status.st_uid != os.geteuid():  # root may remove the drafts of others, and does not
            return
        if stat.S_ISDIR(status.st_mode):
            discard_tree(path)
        elif stat.S_ISREG(status.st_mode):
            os.unlink(path)
    finally:
        os.close(handle)


def discard_draft(name: str, around: int) -> None:
    """Remove the draft folder *name* of the folder *around*, trying twice.

    What still stays goes with the next run's `sweep`.
    """
    for _ in range(2):
        discard_tree(name, around)


def discard_tree(folder: str, around: int | None = None) -> None:
    """Remove as much as possible of *folder*, however deep, following no link.

    *around* is a descriptor that a relative path starts at. What cannot be removed stays, without an error. Each
    folder inside is moved up into *folder* before it is looked into, so that neither the stack nor a path grows
    with the depth. `shutil.rmtree` recurses on Python 3.10 and 3.11, and its paths grow past what a system takes.
    `relocate.remove_tree` is for what must be gone, or else stay where it is.
    """
    with contextlib.suppress(OSError):
        top = os.open(folder, _FOLDER, dir_fd=around)
        try:
            _discard_below(top)
        finally:
            os.close(top)
        os.rmdir(folder, dir_fd=around)


def _discard_below(top: int) -> None:
    prefix = f"{_START}{os.urandom(8).hex()}-"  # a name that no entry of the folder has
    moved = 0
    waiting = ["."]
    while waiting:
        name = waiting.pop()
        with contextlib.suppress(OSError):
            handle = os.open(name, _FOLDER, dir_fd=top)
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
