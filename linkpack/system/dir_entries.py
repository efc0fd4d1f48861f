"""Look at and change one directory entry at a time.

Each function that changes something makes one step, which the system does or does not do. It opens the folder of
its path first and acts through that descriptor. The path must be absolute, and no folder on it a link. A link that
another process put there after planning is an error (ELOOP, ENOTDIR), and nothing behind it is changed. `OSError`
is raised as the system gives it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from linkpack.system.read import read_open
from linkpack.system.signals import delay_signals
from linkpack.system.tree import open_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

# EXDEV: a folder of a lower layer of an overlayfs cannot be renamed at all, nor anything across mounts.
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EXDEV}
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_FILE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # O_NONBLOCK: a pipe in a file's place must not be waited for
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY  # `open_plain` adds O_NOFOLLOW


@contextlib.contextmanager
def open_parent(path: str) -> Iterator[tuple[int, str]]:
    """Open the folder of *path*, and yield its descriptor and the last name.

    Raises `OSError` when there is no such folder, or when a link is part of the way to it.
    """
    folder, _, name = path.rpartition("/")
    handle = open_plain(folder or "/", _FOLDER)
    try:
        yield handle, name
    finally:
        with contextlib.suppress(OSError):  # an error of closing says nothing about what was done
            os.close(handle)


# --- Looking -----------------------------------------------------------------------------------------


def status_at(path: str) -> os.stat_result | None:
    """Return the status of what is at *path*, a link not followed, or None.

    Raises `OSError` as `open_parent`, but for a folder that does not exist: then nothing is there.
    """
    try:
        with open_parent(path) as (folder, name):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def link_at(path: str) -> str | None:
    """Return the text of the link at *path*, if any.

    None is for anything that is no link, and for nothing.
    """
    try:
        with open_parent(path) as (folder, name):
            return os.readlink(name, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as err:
        if err.errno != errno.EINVAL:  # readlink(2) answers EINVAL for anything but a link
            raise
        return None


def file_at(path: str, limit: int) -> tuple[bytes, int] | None:
    """Return the bytes and permission bits of the file at *path*, or None.

    Raises `OSError` as `read.read_file`, for a link (ELOOP) too.
    """
    try:
        with open_parent(path) as (folder, name):
            handle = os.open(name, os.O_RDONLY | _FILE, dir_fd=folder)
    except FileNotFoundError:
        return None
    try:
        return read_open(handle, path, limit), stat.S_IMODE(os.fstat(handle).st_mode)
    finally:
        os.close(handle)


def read_own(path: str, limit: int) -> bytes:
    """Return the bytes of the file at *path*, which must belong to this user.

    Raises `OSError` as `read.read_file`, with EPERM for a file of another user.
    """
    with open_parent(path) as (folder, name):
        handle = os.open(name, os.O_RDONLY | _FILE, dir_fd=folder)
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "it belongs to another user", path)
        return read_open(handle, path, limit)
    finally:
        os.close(handle)


def privacy_fault(folder: str) -> str:
    """Return why other users may get at *folder*, such as "belongs to …".

    Empty if it is this user's alone, or if there is none.
    """
    try:
        handle = open_plain(folder, _FOLDER)
    except FileNotFoundError:
        return ""
    except OSError as err:
        return f"cannot be opened ({err.strerror})"
    status = os.fstat(handle)
    os.close(handle)
    if status.st_uid != os.geteuid():
        return f"belongs to another user (number {status.st_uid})"
    mode = stat.S_IMODE(status.st_mode)
    return f"is open to other users (mode {mode:o})" if mode & 0o077 else ""


# --- Changing ----------------------------------------------------------------------------------------


def make_link(target: str, path: str) -> None:
    """Make a link to *target* at the free path *path*."""
    with open_parent(path) as (folder, name):
        os.symlink(target, name, dir_fd=folder)


def make_dir(path: str, mode: int = 0o777) -> None:
    """Make the directory *path*, unless there is one.

    A link to a directory is as good as one.
    """
    with open_parent(path) as (folder, name):
        try:
            os.mkdir(name, mode, dir_fd=folder)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(name, dir_fd=folder).st_mode):
                raise


def drop_dir(path: str) -> None:
    """Remove the directory *path* if it is empty.

    Nothing is done, and nothing raised, when it is not empty, is no directory or is a mount point.
    """
    try:
        with open_parent(path) as (folder, name):
            os.rmdir(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError as err:
        if err.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EBUSY}:
            raise


def remove(path: str) -> None:
    """Remove the link or file at *path*, if any."""
    with contextlib.suppress(FileNotFoundError), open_parent(path) as (folder, name):
        os.unlink(name, dir_fd=folder)


def move(old: str, new: str) -> None:
    """Rename *old* to *new*, replacing a link or file there in the same step."""
    with open_parent(old) as (source, name), open_parent(new) as (target, other):
        os.rename(name, other, src_dir_fd=source, dst_dir_fd=target)


def set_mode(path: str, mode: int) -> None:
    """Set the permission bits of the regular file at *path*."""
    with open_parent(path) as (folder, name):
        try:
            handle = os.open(name, os.O_RDONLY | _FILE, dir_fd=folder)
        except PermissionError:  # the owner may lack the right to read, and have the one to write
            handle = os.open(name, os.O_WRONLY | _FILE, dir_fd=folder)
    try:
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


def write_new(path: str, text: bytes, mode: int) -> None:
    """Write the new file *path* with these permission bits, and fsync it.

    The umask does not matter. On any failure the file is removed again.
    """
    handle = -1
    with open_parent(path) as (folder, name):
        try:
            with delay_signals():
                handle = os.open(name, _NEW, 0o600, dir_fd=folder)  # private until its mode is set
            with open(handle, "wb") as out:
                out.write(text)
                out.flush()
                os.fchmod(handle, mode)
                os.fsync(handle)
        except BaseException:
            with delay_signals(), contextlib.suppress(OSError):
                if handle >= 0:
                    os.unlink(name, dir_fd=folder)
            raise


def overwrite(path: str, text: bytes, mode: int) -> None:
    """Write *text* over the regular file at *path*, in place.

    For a file that is mounted, which cannot be replaced. A failure leaves the beginning of *text*, followed by the
    rest of what was there.
    """
    with open_parent(path) as (folder, name):
        handle = os.open(name, os.O_WRONLY | _FILE, dir_fd=folder)
    with open(handle, "wb") as out:
        out.write(text)
        out.flush()
        out.truncate()  # last, so that a failure before leaves no less than there was
        os.fchmod(handle, mode)
        os.fsync(handle)


def sync_dir(path: str) -> None:
    """Store the names in the directory *path* durably, where that is possible."""
    with contextlib.suppress(
        OSError
    ):  # some file systems refuse fsync(2) of a directory, or a user may not read it
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def exchange(left: str, right: str) -> bool:
    """Swap what is at the two paths in one step.

    Returns False, with nothing done, where the system cannot.
    """
    from linkpack.system.libc import find_exchange, load_libc  # noqa: PLC0415 - ctypes: 2 ms, to swap a directory

    swap = find_exchange(load_libc())
    with open_parent(left) as (source, name), open_parent(right) as (target, other):
        code = swap(source, os.fsencode(name), target, os.fsencode(other))
    if code in _NO_EXCHANGE:
        return False
    if code:
        raise OSError(code, os.strerror(code), left, None, right)  # None stands where Windows has its own number
    return True
