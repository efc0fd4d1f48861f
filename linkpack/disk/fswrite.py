"""Everything linkpack writes to the disk goes through these functions.

A file appears under its name whole or not at all: it is written beside its target under a temporary name,
locked by its writer, and renamed into place. What dead runs left is removed by the next (see `drafts`).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from typing import TYPE_CHECKING, BinaryIO

from linkpack.disk.drafts import claim, draft_path, sweep
from linkpack.disk.fslinks import sync_dir
from linkpack.disk.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    path = ""
    try:
        with uninterrupted():
            handle, path = _new_file(folder)
        with open(handle, "w+b") as out:
            yield out
            out.flush()
            os.fsync(handle)
            os.rename(path, target)
    except BaseException:
        with uninterrupted(), contextlib.suppress(FileNotFoundError):
            if path:
                os.unlink(path)
        raise
    sync_dir(folder)


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
    kept = draft_path(folder)
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
            with uninterrupted(), contextlib.suppress(OSError):
                os.unlink(kept)
            os.close(handle)


def _new_file(folder: str) -> tuple[int, str]:
    """The handle and path of a new, empty, locked temporary file in *folder*."""
    while True:
        path = draft_path(folder)
        # 0o666: the process's umask decides, as for any file that a user makes.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            if claim(handle):
                return handle, path
        except OSError:
            os.unlink(path)
            os.close(handle)
            raise
        os.close(handle)  # another run's sweep took it between its making and its lock
