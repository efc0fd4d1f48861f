"""Names and locks of what is not finished yet, and the removal of what dead runs left.

A draft is a file or folder under a temporary name, locked by the run that makes it. One that nobody locks is a
dead run's: the next run in that directory removes it, whatever it was for. Without locks only that is lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
from typing import TYPE_CHECKING

from linkpack.disk.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = ".linkpack-"
_TEMPORARY = r"\.linkpack-[0-9a-f]{16}\.(?:tmp|unpack)"
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def draft_path(folder: str, ending: str = "tmp") -> str:
    """A path in *folder* for a draft; nothing is made there."""
    return os.path.join(folder, f"{_START}{os.urandom(8).hex()}.{ending}")


def is_draft(name: str) -> bool:
    """Whether *name*, a last portion, is one that a draft gets."""
    return name.startswith(_START) and re.fullmatch(_TEMPORARY, name) is not None


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
    """Remove the drafts that killed runs left in *folder*; living runs hold a lock on theirs.

    Nothing is done in a folder that cannot be listed, nor to links, whatever their names.
    """
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = os.listdir(folder)
    # Many tarballs can lie in one folder, which is looked at before each further one: the quick question first.
    for name in filter(is_draft, [each for each in names if each.startswith(_START)]):
        path = os.path.join(folder, name)
        with contextlib.suppress(OSError):
            handle = os.open(path, _OPEN)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path, os.fstat(handle).st_mode)
            finally:
                os.close(handle)


@contextlib.contextmanager
def draft_folder(parent: str, mode: int = 0o777) -> Iterator[str]:
    """A new folder in *parent*, locked, which goes at the end with what is still in it, unless it was renamed."""
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


def _remove_tree(folder: str) -> None:
    import shutil  # noqa: PLC0415 - few runs remove a folder

    shutil.rmtree(folder, ignore_errors=True)


def _drop(folder: str) -> None:
    """Remove *folder*, when it is not there already, in a second try if need be; the next run makes a third."""
    for _ in range(2):
        with contextlib.suppress(OSError):  # of closing a handle: that is not among the errors ignored
            if os.path.lexists(folder):
                _remove_tree(folder)


def _remove(path: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        _remove_tree(path)
    elif stat.S_ISREG(mode):
        os.unlink(path)
