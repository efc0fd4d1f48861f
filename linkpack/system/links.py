"""Swap links, move directories and keep the state files of the link commands.

Each function that changes something makes one step, which the system does or does not do. It opens the folder of
its path first and acts through that descriptor. The path must be absolute, and no folder on it a link: one that
somebody put there after planning is an error (ELOOP, ENOTDIR), and nothing behind it is changed. `OSError` is
raised as the system gives it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from typing import TYPE_CHECKING, Any

from linkpack.notices import tell
from linkpack.system.read import answer, read_open
from linkpack.system.signals import uninterrupted
from linkpack.system.tree import open_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EXCHANGE = 2  # RENAME_EXCHANGE on Linux and RENAME_SWAP on macOS
# EXDEV: a folder of a lower layer of an overlayfs cannot be renamed at all, nor anything across mounts.
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EXDEV}
_SILENCE = 1.0  # seconds that a command waits for another without a word
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_FILE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe in a file's place must not be waited for
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY


@contextlib.contextmanager
def entry_at(path: str) -> Iterator[tuple[int, str]]:
    """Open the folder that the absolute *path* is in, and give its descriptor and the last name of the path.

    Raises `OSError` when there is no such folder, or when a link is part of the way to it.
    """
    folder, _, name = path.rpartition("/")
    handle = open_plain(folder or "/", _FOLDER)
    try:
        yield handle, name
    finally:
        with contextlib.suppress(OSError):  # which says nothing about what was done
            os.close(handle)


def status_at(path: str) -> os.stat_result | None:
    """Return the status of what is at *path*, a link not followed; None when nothing is.

    Raises `OSError` as `entry_at`, but for a folder that does not exist: then nothing is there.
    """
    try:
        with entry_at(path) as (folder, name):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def link_at(path: str) -> str | None:
    """Return the text of the link at *path*, or None when something else, or nothing, is there."""
    try:
        with entry_at(path) as (folder, name):
            return os.readlink(name, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as err:
        if err.errno != errno.EINVAL:  # what the system says of anything but a link
            raise
        return None


def file_at(path: str, limit: int) -> tuple[bytes, int] | None:
    """Return the bytes and the permission bits of the regular file at *path*, or None when there is none.

    Raises `OSError` as `read_file`, for a link (ELOOP) too.
    """
    try:
        with entry_at(path) as (folder, name):
            handle = os.open(name, os.O_RDONLY | _FILE, dir_fd=folder)
    except FileNotFoundError:
        return None
    try:
        return read_open(handle, path, limit), stat.S_IMODE(os.fstat(handle).st_mode)
    finally:
        os.close(handle)


def executable(path: str) -> bool:
    """True if this process may run the file at *path*."""
    return os.access(path, os.X_OK)


def current_umask() -> int:
    """Return the permission bits that new files are made without."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def exists(path: str) -> bool:
    """True if anything is at *path*, a broken link included."""
    return answer(os.lstat, path) is not None


def may_write(folder: str) -> bool:
    """True if this process may make and remove entries of the directory *folder*."""
    return os.access(folder, os.W_OK | os.X_OK)


def privacy_fault(folder: str) -> str:
    """Return why *folder* is not this user's alone: "belongs to …"; empty if it is, or if there is none."""
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


def read_own(path: str, limit: int) -> bytes:
    """Return the bytes of the regular file at *path*, which must be this user's.

    Raises `OSError` as `read_file`, with EPERM for a file that belongs to somebody else.
    """
    with entry_at(path) as (folder, name):
        handle = os.open(name, os.O_RDONLY | _FILE, dir_fd=folder)
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "it belongs to another user", path)
        return read_open(handle, path, limit)
    finally:
        os.close(handle)


def make_link(target: str, path: str) -> None:
    """Make a link at *path*, where nothing may be."""
    with entry_at(path) as (folder, name):
        os.symlink(target, name, dir_fd=folder)


def make_dir(path: str, mode: int = 0o777) -> None:
    """Make the directory *path*; one that is there already is fine, a link to one included."""
    with entry_at(path) as (folder, name):
        try:
            os.mkdir(name, mode, dir_fd=folder)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(name, dir_fd=folder).st_mode):
                raise


def drop_dir(path: str) -> None:
    """Remove the directory *path* if it is empty; do nothing if it is not, or is no directory, or is mounted."""
    try:
        with entry_at(path) as (folder, name):
            os.rmdir(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError as err:
        if err.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EBUSY}:
            raise


def remove(path: str) -> None:
    """Remove the link or file at *path*; that nothing is there is fine."""
    with contextlib.suppress(FileNotFoundError), entry_at(path) as (folder, name):
        os.unlink(name, dir_fd=folder)


def move(old: str, new: str) -> None:
    """Rename *old* to *new*; a link or file that is there is replaced in the same step."""
    with entry_at(old) as (source, name), entry_at(new) as (target, other):
        os.rename(name, other, src_dir_fd=source, dst_dir_fd=target)


def set_mode(path: str, mode: int) -> None:
    """Set the permission bits of the regular file at *path*."""
    with entry_at(path) as (folder, name):
        try:
            handle = os.open(name, os.O_RDONLY | _FILE, dir_fd=folder)
        except PermissionError:  # it may be ours all the same
            handle = os.open(name, os.O_WRONLY | _FILE, dir_fd=folder)
    try:
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


def write_new(path: str, text: bytes, mode: int) -> None:
    """Make the file *path* with exactly these permission bits, and store it safely; all of it or nothing."""
    handle = -1
    with entry_at(path) as (folder, name):
        try:
            with uninterrupted():
                handle = os.open(name, _NEW, 0o600, dir_fd=folder)
            with open(handle, "wb") as out:
                out.write(text)
                out.flush()
                os.fchmod(handle, mode)
                os.fsync(handle)
        except BaseException:
            with uninterrupted(), contextlib.suppress(OSError):
                if handle >= 0:
                    os.unlink(name, dir_fd=folder)
            raise


def overwrite(path: str, text: bytes, mode: int) -> None:
    """Write *text* over the regular file at *path*, from its beginning, and cut off what is left of it.

    For a file that is mounted, which cannot be replaced. What stops it leaves the beginning of *text* and then
    the rest of what was there.
    """
    with entry_at(path) as (folder, name):
        handle = os.open(name, os.O_WRONLY | _FILE, dir_fd=folder)
    with open(handle, "wb") as out:
        out.write(text)
        out.flush()
        out.truncate()
        os.fchmod(handle, mode)
        os.fsync(handle)


def sync_dir(path: str) -> None:
    """Store the names in the directory *path* safely, where the file system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def exchange(left: str, right: str) -> bool:
    """Swap what is at the two paths in one step; False, and nothing done, where the system cannot."""
    import ctypes  # noqa: PLC0415 - 8 ms that only the swap of a directory needs

    swap = exchanger(ctypes.CDLL(None, use_errno=True))
    with entry_at(left) as (source, name), entry_at(right) as (target, other):
        code = swap(source, os.fsencode(name), target, os.fsencode(other))
    if code in _NO_EXCHANGE:
        return False
    if code:
        raise OSError(code, os.strerror(code), left, None, right)
    return True


def exchanger(libc: Any) -> Callable[[int, bytes, int, bytes], int]:  # noqa: ANN401 - functions that come by name
    """Return the function of *libc* that swaps two entries, each the descriptor of a folder and a name.

    It answers with an error number: 0 when it is done, ENOSYS when *libc* has no such function. Source:
    renameat2(2) of Linux, renameatx_np(2) of macOS.
    """
    import ctypes  # noqa: PLC0415 - as above

    for name in ("renameat2", "renameatx_np"):
        if hasattr(libc, name):
            call = getattr(libc, name)
            call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
            return lambda a, old, b, new: ctypes.get_errno() if call(a, old, b, new, _EXCHANGE) else 0
    return lambda *_: errno.ENOSYS


@contextlib.contextmanager
def locked(path: str, place: str) -> Iterator[None]:
    """Hold the lock file *path*, which is made when missing, for the folder *place*.

    Waits while another process holds it; after a second the user is told for whom.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if not _lock_soon(handle):
            tell(f"waiting for {_holder(handle)}, which is at work in {place}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _lock_soon(handle: int) -> bool:
    """Lock the open file *handle* within `_SILENCE`; False if another process still holds it then."""
    waited, pause = 0.0, 0.001
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waited >= _SILENCE:
                return False
        else:
            return True
        time.sleep(pause)
        waited += pause
        pause = min(2 * pause, 0.05)


def _holder(handle: int) -> str:
    """Return who holds the lock on the open file *handle*, as far as the system says (Linux: /proc/locks)."""
    inode = os.fstat(handle).st_ino
    try:
        with open("/proc/locks", encoding="ascii") as file:
            rows = [line.split() for line in file]
        # 1: FLOCK ADVISORY WRITE 1234 fd:01:5678 0 EOF; a waiting process has "->" in the second column
        pids = [row[4] for row in rows if row[1] == "FLOCK" and row[5].rpartition(":")[2] == str(inode)]
        with open(f"/proc/{pids[0]}/comm", encoding="utf-8", errors="replace") as file:
            return f"process {pids[0]} ({file.read().strip()})"
    except (OSError, IndexError, ValueError):
        return "another process"


def device_of(path: str) -> int:
    """Return the number of the file system of *path*, or of its nearest parent that exists."""
    at = path
    while not os.path.exists(at) and os.path.dirname(at) != at:
        at = os.path.dirname(at)
    return os.stat(at).st_dev


def canonical(path: str) -> str:
    """Return *path* without links, as far as it exists; what does not exist is taken as written."""
    return os.path.realpath(path)


def new_run() -> str:
    """Return a name for a run that no other run has; it begins with this process's number."""
    return f"{os.getpid()}-{os.urandom(8).hex()}"


def alive(run: str) -> bool:
    """True if the process that made the name *run* may still be running."""
    number = run.partition("-")[0]
    if not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def is_link(path: str) -> bool:
    """True if a symbolic link is at *path*."""
    return os.path.islink(path)


def may_change(path: str) -> bool:
    """True if this process may set the permission bits of the file at *path*."""
    return os.geteuid() in {0, os.stat(path).st_uid}


def read_head(path: str, size: int) -> bytes:
    """Return the first *size* bytes of the regular file at *path*; empty for anything else."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return os.read(handle, size) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    finally:
        os.close(handle)


def environment() -> dict[str, str]:
    """Return this process's environment."""
    return dict(os.environ)
