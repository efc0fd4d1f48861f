"""Everything linkpack writes to the disk goes through these functions.

A file appears under its name whole or not at all: it is written beside its target under a temporary name,
locked by its writer, and renamed into place. A temporary file that nobody locks is a dead run's: the next
run in that directory removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
from typing import TYPE_CHECKING, BinaryIO

from linkpack.disk.fslinks import sync_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEMPORARY = re.compile(r"\.linkpack-[0-9a-f]{16}\.tmp")


@contextlib.contextmanager
def made_dirs(path: str) -> Iterator[None]:
    """The directory *path*, made with its missing parents; what was made goes again when the block fails.

    `OSError` when something else is in the way, or when no disk can hold such a name.
    """
    made = []
    at = path
    while at and not os.path.lexists(at):
        made.append(at)
        at = os.path.dirname(at)
    try:
        _make_dirs(path)
        yield
    except BaseException:
        for folder in made:
            with contextlib.suppress(OSError, ValueError):  # somebody else put something there meanwhile
                os.rmdir(folder)
        raise


def _make_dirs(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except ValueError as err:  # a NUL, or half a character
        raise OSError(errno.EINVAL, "no path can have such a name", path) from err


@contextlib.contextmanager
def draft(target: str) -> Iterator[BinaryIO]:
    """A new file beside *target*, open for writing and reading; it becomes *target* when the block ends well.

    In between the caller may write it and read it back. On any exception, an interrupt included, it is
    removed and *target* stays what it was. `OSError` when the directory cannot be written to.
    """
    folder = os.path.dirname(target) or "."
    sweep(folder)
    handle, path = _new_file(folder)
    try:
        with open(handle, "w+b") as out:
            yield out
            out.flush()
            os.fsync(handle)
            os.rename(path, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        raise
    sync_dir(folder)


def is_draft(name: str) -> bool:
    """Whether *name*, a last portion, is one that `draft` gives to what it has not finished."""
    return _TEMPORARY.fullmatch(name) is not None


@contextlib.contextmanager
def put_back(target: str) -> Iterator[None]:
    """Take back what the block did to the file *target* when the block fails: an older file is there again.

    It is kept meanwhile under a second name beside it; on a file system without hard links nothing is taken back.
    What the block moved elsewhere stays there.
    """
    folder = os.path.dirname(target) or "."
    try:
        handle = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        handle = -1  # nothing there
    kept = os.path.join(folder, f".linkpack-{secrets.token_hex(8)}.tmp")
    try:
        if handle >= 0:
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # or a sweep would take it for a dead run's
                os.link(target, kept, follow_symlinks=False)
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            if handle < 0:
                os.unlink(target)
            else:
                os.rename(kept, target)  # does nothing when both are still one file
        raise
    finally:
        if handle >= 0:
            with contextlib.suppress(OSError):
                os.unlink(kept)
            os.close(handle)


def sweep(folder: str) -> None:
    """Remove the temporary files that killed runs left in *folder*; living runs hold a lock on theirs.

    Nothing is done in a folder that cannot be listed.
    """
    left = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        left = [entry.path for entry in entries if _TEMPORARY.fullmatch(entry.name)]
    for path in left:
        with contextlib.suppress(OSError):
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
            finally:
                os.close(handle)


def _new_file(folder: str) -> tuple[int, str]:
    """The handle and path of a new, empty, locked temporary file in *folder*."""
    while True:
        path = os.path.join(folder, f".linkpack-{secrets.token_hex(8)}.tmp")
        # 0o666: the process's umask decides, as for any file that a user makes.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        if _is_ours(handle):
            return handle, path
        os.close(handle)  # another run's sweep took it between its making and its lock


def _is_ours(handle: int) -> bool:
    """Lock a new file; False when a sweep was faster and removes it, or has."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks loses only the sweeping of dead runs' files
    return os.fstat(handle).st_nlink > 0
