"""Write files that appear under their names whole or not at all.

A file is written beside its target as a draft (see `temporary`) and renamed into place. Only regular files are
replaced. Links, pipes and devices are written to or refused.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import stat
from typing import TYPE_CHECKING, BinaryIO

from linkpack.notices import drop_output, note_output
from linkpack.system.dir_entries import sync_dir
from linkpack.system.signals import delay_signals
from linkpack.system.temporary import draft_path, new_draft_file, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_LINKS = 40  # links in a row that Linux follows (path_resolution(7))


@contextlib.contextmanager
def make_folders(path: str) -> Iterator[None]:
    """Make the directory *path* and its missing parents.

    What was made is removed again when the block fails. Raises `OSError` when something else is in the way, or
    when no disk can hold such a name.
    """
    missing = []
    folder = path
    while folder and not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    try:
        _make_dirs(path)
        yield
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError, ValueError):  # another process put something there meanwhile
                os.rmdir(folder)
        raise


def _make_dirs(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except ValueError as err:  # a NUL, or half a character
        raise OSError(errno.EINVAL, "no path can have such a name", path) from err


def check_replaceable(target: str) -> None:
    """Raise `OSError` if *target* is there and no regular file.

    Renaming a file over a link, a pipe or a device (`/dev/stdout`, `/dev/null`) would remove it. The error's
    `strerror` says what is there.
    """
    try:
        mode = os.lstat(target).st_mode
    except (OSError, ValueError):
        return  # nothing is there, or writing will say why not
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    if not stat.S_ISREG(mode):
        what = "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
        raise FileExistsError(errno.EEXIST, f"it is {what}, which is not replaced", target)


@contextlib.contextmanager
def open_draft(target: str, *, is_output: bool = True) -> Iterator[BinaryIO]:
    """Open a draft of *target*, which becomes *target* when the block ends.

    The block may write the file and read it back. On any exception, an interrupt included, the draft is removed
    and *target* stays what it was. An output is noted (`note_output`), unlike the file of a cache. Raises
    `OSError` when the directory cannot be written to, and as `check_replaceable`.
    """
    check_replaceable(target)
    folder = os.path.dirname(target) or "."
    sweep(folder)
    path = ""
    try:
        with delay_signals():
            handle, path = new_draft_file(folder)
        with open(handle, "w+b") as out:
            yield out
            out.flush()
            os.fsync(handle)  # before the name: after a crash of the machine the new name has all the bytes
            check_replaceable(target)  # again: something else may have been put there meanwhile
            with delay_signals():
                os.rename(path, target)
                if is_output:
                    note_output(target)
    except BaseException:
        with delay_signals(), contextlib.suppress(FileNotFoundError):
            if path:
                os.unlink(path)
        raise
    sync_dir(folder)


def check_output(target: str) -> None:
    """Raise `OSError` if `write_output` would refuse what is at *target*."""
    if not _is_stream(target):
        check_replaceable(target)


def write_output(target: str, text: bytes) -> None:
    """Write *text* to the file or stream *target*.

    Streams are pipes, terminals and this process's own descriptors, such as `/dev/stdout`. Missing folders of a
    file are made. Raises `OSError`, also for a pipe that no process reads.
    """
    if _is_stream(target):
        _write_stream(target, text)
        return
    with make_folders(os.path.dirname(target) or "."), open_draft(target) as out:
        out.write(text)


def _is_stream(target: str) -> bool:
    """Return True if *target* is a pipe, a device or an own descriptor.

    Of devices only those of characters count, such as a terminal.
    """
    try:
        mode = os.stat(target).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or _find_own_descriptor(target) is not None


def _find_own_descriptor(path: str) -> int | None:
    """Return the number of the own descriptor that *path* leads to, or None.

    `/dev/stdout` is a link to `/proc/self/fd/1`, which is 1. It must not be opened again, since that would start
    at the beginning of a file that the shell appends to.
    """
    for _ in range(_MOST_LINKS):
        folder, name = os.path.split(path)
        if name.isdecimal() and os.path.realpath(folder) in {"/dev/fd", f"/proc/{os.getpid()}/fd"}:
            return int(name)
        if not os.path.islink(path):
            return None
        path = os.path.join(folder, os.readlink(path))
    return None


def _write_stream(target: str, text: bytes) -> None:
    own = _find_own_descriptor(target)
    try:
        # O_NONBLOCK: a pipe that nothing reads from must not hold us up.
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        handle = os.open(target, flags) if own is None else os.dup(own)
    except OSError as err:
        if err.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nothing reads from this pipe", target) from err
        raise
    try:
        mode = os.fstat(handle).st_mode
        if own is None and not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
            raise FileExistsError(errno.EEXIST, "another file was put there meanwhile", target)
        left = memoryview(text)
        while left:
            select.select((), (handle,), ())
            left = left[os.write(handle, left) :]
    finally:
        os.close(handle)


@contextlib.contextmanager
def restore_on_failure(target: str) -> Iterator[None]:
    """Restore the file *target* when the block fails.

    The old file is kept meanwhile under a second name beside it. Without an old file, the new one is removed. On a
    file system without hard links nothing is restored. What the block moved elsewhere stays there.
    """
    folder = os.path.dirname(target) or "."
    try:
        handle = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        handle = -1  # there is no file
    kept = draft_path(folder)  # a draft's name, so that a later run removes it if this one is killed
    try:
        if handle >= 0:
            with contextlib.suppress(OSError):
                # Without a lock, the sweep of another run would take the second name for a dead run's draft.
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                os.link(target, kept, follow_symlinks=False)
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            if handle < 0:
                os.unlink(target)
            else:
                os.rename(kept, target)  # rename(2) does nothing when both are still one file
            drop_output(target)
        raise
    finally:
        if handle >= 0:
            with delay_signals(), contextlib.suppress(OSError):
                os.unlink(kept)
            os.close(handle)
