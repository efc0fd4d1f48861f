"""Swaps links, moves directories and keeps the state files of the link commands.

Each function makes one step that the system either does or does not do. Paths are absolute `str`. `OSError` is
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

from linkpack.disk.fs import answer
from linkpack.disk.signals import uninterrupted
from linkpack.notices import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_AT_FDCWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE on Linux and RENAME_SWAP on macOS
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}
_SILENCE = 1.0  # seconds that a command waits for another without a word
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


def executable(path: str) -> bool:
    """Whether this process may run the file at *path*."""
    return os.access(path, os.X_OK)


def current_umask() -> int:
    """The bits that new files lose."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def exists(path: str) -> bool:
    """Whether anything, a dangling link included, stands at *path*."""
    return answer(os.lstat, path) is not None


def may_write(folder: str) -> bool:
    """Whether this process may make and remove entries of the directory *folder*."""
    return os.access(folder, os.W_OK | os.X_OK)


def make_link(target: str, path: str) -> None:
    """Make a link at *path*, where nothing may stand."""
    os.symlink(target, path)


def make_dir(path: str) -> None:
    """Make the directory *path*; one that is there already is fine."""
    try:
        os.mkdir(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def drop_dir(path: str) -> None:
    """Remove the directory *path* when nothing is in it; nothing is done when something is."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return
    except OSError as err:
        if err.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise


def remove(path: str) -> None:
    """Remove the link or file at *path*; that nothing is there is fine."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def move(old: str, new: str) -> None:
    """Give what stands at *old* the name *new*; a link or file there is replaced in the same step."""
    os.rename(old, new)


def set_mode(path: str, mode: int) -> None:
    """Set the permission bits of the file at *path*, which is no link."""
    os.chmod(path, mode)


def write_new(path: str, text: bytes, mode: int) -> None:
    """Make the file *path* with exactly these permission bits, and see it safely stored; all of it or nothing."""
    handle = -1
    try:
        with uninterrupted():
            handle = os.open(path, _NEW, 0o600)
        with open(handle, "wb") as out:
            out.write(text)
            out.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
    except BaseException:
        with uninterrupted(), contextlib.suppress(OSError):
            if handle >= 0:
                os.unlink(path)
        raise


def sync_dir(path: str) -> None:
    """See the names in the directory *path* safely stored, where the file system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def exchange(left: str, right: str) -> bool:
    """Swap what stands at the two paths in one step; False, and nothing done, where the system cannot."""
    import ctypes  # noqa: PLC0415 - 8 ms that only the swap of a directory needs

    code = exchanger(ctypes.CDLL(None, use_errno=True))(os.fsencode(left), os.fsencode(right))
    if code in _NO_EXCHANGE:
        return False
    if code:
        raise OSError(code, os.strerror(code), left, None, right)
    return True


def exchanger(libc: Any) -> Callable[[bytes, bytes], int]:  # noqa: ANN401 - functions that come by name
    """The function of *libc* that swaps two paths; it answers with an error number, ENOSYS without one.

    Source: renameat2(2) of Linux, renamex_np(2) of macOS.
    """
    import ctypes  # noqa: PLC0415 - as above

    if hasattr(libc, "renameat2"):
        call = libc.renameat2
        call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
        return lambda a, b: ctypes.get_errno() if call(_AT_FDCWD, a, _AT_FDCWD, b, _EXCHANGE) else 0
    if hasattr(libc, "renamex_np"):
        swap = libc.renamex_np
        swap.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint]
        return lambda a, b: ctypes.get_errno() if swap(a, b, _EXCHANGE) else 0
    return lambda _a, _b: errno.ENOSYS


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


def remove_tree(path: str) -> None:
    """Remove what stands at *path*, a directory with all that is in it; no link is followed."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(status.st_mode):
        remove(path)
        return
    import shutil  # noqa: PLC0415 - seldom needed, and slow to import

    shutil.rmtree(path, ignore_errors=True)


def same_trees(left: str, right: str) -> bool:
    """Whether two directories hold the same names, links, permission bits and bytes."""
    pairs = [(left, right)]
    while pairs:
        a, b = pairs.pop()
        mine, theirs = os.lstat(a), os.lstat(b)
        if mine.st_mode != theirs.st_mode:
            return False
        if stat.S_ISLNK(mine.st_mode):
            same = os.readlink(a) == os.readlink(b)
        elif stat.S_ISDIR(mine.st_mode):
            names = sorted(os.listdir(a))
            same = names == sorted(os.listdir(b))
            pairs += [(os.path.join(a, name), os.path.join(b, name)) for name in names]
        else:
            same = stat.S_ISREG(mine.st_mode) and mine.st_size == theirs.st_size and _same_bytes(a, b)
        if not same:
            return False
    return True


def _same_bytes(left: str, right: str) -> bool:
    with open(left, "rb") as a, open(right, "rb") as b:
        while True:
            piece = a.read(1 << 18)
            if piece != b.read(1 << 18):
                return False
            if not piece:
                return True


def device_of(path: str) -> int:
    """The number of the file system that holds *path*, or its nearest parent that exists."""
    at = path
    while not os.path.exists(at) and os.path.dirname(at) != at:
        at = os.path.dirname(at)
    return os.stat(at).st_dev


def canonical(path: str) -> str:
    """*path* without links, as far as it exists; what does not exist is taken as written."""
    return os.path.realpath(path)


def new_run() -> str:
    """A name for a run that no other run has; it begins with this process's number."""
    return f"{os.getpid()}-{os.urandom(8).hex()}"


def alive(run: str) -> bool:
    """Whether the process that made the name *run* may still be there."""
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
    """Whether a symbolic link stands at *path*."""
    return os.path.islink(path)


def may_change(path: str) -> bool:
    """Whether this process may set the permission bits of the file at *path*."""
    return os.geteuid() in {0, os.stat(path).st_uid}


def read_head(path: str, size: int) -> bytes:
    """The first *size* bytes of the regular file at *path*; empty for anything else."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return os.read(handle, size) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    finally:
        os.close(handle)


def environment() -> dict[str, str]:
    """This process's environment."""
    return dict(os.environ)
