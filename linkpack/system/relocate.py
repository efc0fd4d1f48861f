"""Move a file or folder, by a copy where the system cannot rename it.

rename(2) does not promise to move a folder. In a container, a folder of an earlier layer of the image cannot be
renamed (overlayfs without redirect_dir: EXDEV), nor can anything be renamed across mounts, bind mounts of one file
system included. Then it is copied, the copy is compared, and only then is the original removed.

Everything happens below descriptors of the folders: no link is followed, not even one that appears meanwhile.
`OSError` is raised as the system gives it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from linkpack.record import Record
from linkpack.system.dir_entries import move, open_parent, status_at
from linkpack.system.read import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY
_MOUNTS = "/proc/self/mountinfo"
_POINT_COLUMN = 4  # in mountinfo, counted from 0


class MountPoint(OSError):
    """A mount point that cannot be moved or removed, named by *filename*."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EBUSY, "it is a mount point", path)


def relocate(old: str, new: str, scratch: str) -> None:
    """Move what is at *old* to *new*, where nothing may be.

    A copy is made at *scratch*, beside *new*, and gets its name when it is complete. Wherever this stops, *old* or
    *new* is complete, and `is_part_of` says which.
    """
    try:
        move(old, new)
    except OSError as err:
        if err.errno != errno.EXDEV:
            raise explain_busy(old, err) from err
        duplicate(old, new, scratch)
        remove_tree(old)


def duplicate(old: str, new: str, scratch: str) -> None:
    """Copy *old* to *new*, with modes, times and owners.

    The copy is made at *scratch*, beside *new*. Raises `MountPoint` when something is mounted in *old*, `OSError`
    with EINVAL for a pipe, socket or device in it, and with EIO when the copy is not like the original. Part of
    the copy may be left at *scratch* then.
    """
    inside = mounts_below(old)
    if inside:
        raise MountPoint(inside[0])
    _copy(old, scratch)
    if not (is_part_of(old, scratch) and is_part_of(scratch, old)):
        raise OSError(errno.EIO, "its copy is not like it", old)
    # One call instead of one for each file: the copy has to be stored before the original is removed.
    os.sync()
    move(scratch, new)


def explain_busy(path: str, err: OSError) -> OSError:
    """Return *err*, or `MountPoint` if that is its reason."""
    if err.errno == errno.EBUSY and path in mounts_below(path):
        return MountPoint(path)
    return err


def mounts_below(path: str) -> list[str]:
    """Return the mount points at or below *path*.

    The nearest comes first. Where the system does not list them, *path* itself is the only one that can be found.
    """
    try:
        with open(_MOUNTS, "rb") as file:
            return mount_points(file.read(), path)
    except OSError:
        return [path] if os.path.ismount(path) else []


def mount_points(table: bytes, path: str) -> list[str]:
    r"""Return the mount points at or below *path* in *table*.

    *table* is a mountinfo of Linux (proc_pid_mountinfo(5)). The nearest comes first.

    >>> table = b"36 35 98:0 /root /mnt/a\\040b rw,noatime master:1 - ext3 /dev/root rw"
    >>> mount_points(table, "/mnt"), mount_points(table, "/mn")
    (['/mnt/a b'], [])
    """
    rows = (line.split(b" ") for line in table.splitlines())
    points = [os.fsdecode(_unescape(row[_POINT_COLUMN])) for row in rows if len(row) > _POINT_COLUMN]
    return sorted((point for point in points if f"{point}/".startswith(f"{path}/")), key=len)


def _unescape(text: bytes) -> bytes:
    """Replace the octal escapes of mountinfo in *text*."""
    for code, character in ((rb"\040", b" "), (rb"\011", b"\t"), (rb"\012", b"\n"), (rb"\134", b"\\")):
        text = text.replace(code, character)
    return text


# --- Two trees, walked side by side -------------------------------------------------------------------


class _Pair(Record):
    """A folder and its counterpart, both open.

    *names* are the entries still to be visited, *status* is that of the *left* one.
    """

    left: int
    right: int
    names: Iterator[str]
    status: os.stat_result  # of the left one

    def close(self) -> None:
        """Close both descriptors."""
        try:
            os.close(self.left)
        finally:
            os.close(self.right)


def _open_pair(source: int, name: str, target: int, other: str, status: os.stat_result) -> _Pair:
    """Open a folder in each of two open folders.

    *status* is that of the first, *name* in *source*.
    """
    left = os.open(name, _FOLDER, dir_fd=source)
    try:
        names = iter(os.listdir(left))
        return _Pair(left, os.open(other, _FOLDER, dir_fd=target), names, status)
    except OSError:
        os.close(left)
        raise


@contextlib.contextmanager
def _close_at_end(stack: list[_Pair]) -> Iterator[None]:
    """Close the folders that are still on *stack* at the end."""
    try:
        yield
    finally:
        while stack:
            stack.pop().close()


def _copy(old: str, new: str) -> None:
    with open_parent(old) as (source, name), open_parent(new) as (target, other):
        status = os.stat(name, dir_fd=source, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            _copy_entry(source, name, target, other, status)
            return
        os.mkdir(other, 0o700, dir_fd=target)
        stack = [_open_pair(source, name, target, other, status)]
    with _close_at_end(stack):
        while stack:
            left, right, names, status = stack[-1]
            name = next(names, "")
            if not name:
                _set_status(left, right, status)
                stack.pop().close()
                continue
            status = os.stat(name, dir_fd=left, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                os.mkdir(name, 0o700, dir_fd=right)
                stack.append(_open_pair(left, name, right, name, status))
            else:
                _copy_entry(left, name, right, name, status)


def _copy_entry(source: int, name: str, target: int, new: str, status: os.stat_result) -> None:
    """Copy the file or link *name* of one open folder to *new* in another."""
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), new, dir_fd=target)
        made = os.stat(new, dir_fd=target, follow_symlinks=False)
        if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
            os.chown(new, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
        os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=target, follow_symlinks=False)
        return
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "neither a file, a folder nor a link, so it cannot be copied", name)
    with _open_file(source, name) as handle:
        copy = os.open(new, _WRITE, 0o600, dir_fd=target)
        try:
            while piece := os.read(handle, CHUNK):
                view = memoryview(piece)
                while view:
                    view = view[os.write(copy, view) :]
            _set_status(handle, copy, status)
        finally:
            os.close(copy)


def _set_status(source: int, target: int, status: os.stat_result) -> None:
    """Give a copy what its original has beside contents.

    That is the owner, extended attributes, mode and times.
    """
    made = os.fstat(target)
    # The owner first: chown(2) takes set-user-id bits away. The times last: all else changes them.
    if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
        os.fchown(target, status.st_uid, status.st_gid)
    if hasattr(os, "listxattr"):
        # Most file systems and containers lack some of them, and nothing that npm installs uses any.
        with contextlib.suppress(OSError):
            for key in os.listxattr(source):
                os.setxattr(target, key, os.getxattr(source, key))
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def is_part_of(part: str, whole: str) -> bool:
    """Return True if everything at *part* is at *whole* too.

    Compared are bytes, modes and texts of links. So a copy that was made only in part is part of its original, and
    an original that was removed only in part is part of its copy. Of folders the names are compared, not the
    modes, which removing changes.
    """
    mine, theirs = status_at(part), status_at(whole)
    if mine is None or theirs is None:
        return False
    with open_parent(part) as (source, name), open_parent(whole) as (target, other):
        if not stat.S_ISDIR(mine.st_mode) or not stat.S_ISDIR(theirs.st_mode):
            return _is_same_entry(source, name, target, other)
        stack = [_open_pair(source, name, target, other, mine)]
    with _close_at_end(stack):
        while stack:
            left, right, names, _ = stack[-1]
            name = next(names, "")
            if not name:
                stack.pop().close()
                continue
            status = os.stat(name, dir_fd=left, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode):
                if not _is_same_entry(left, name, right, name):
                    return False
                continue
            try:
                stack.append(_open_pair(left, name, right, name, status))
            except (FileNotFoundError, NotADirectoryError):
                return False
    return True


def _is_same_entry(source: int, name: str, target: int, other: str) -> bool:
    """Return True if two entries that are no folders are alike.

    They are if both are links with one text, or files with one mode and content.
    """
    try:
        mine = os.stat(name, dir_fd=source, follow_symlinks=False)
        theirs = os.stat(other, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if mine.st_mode != theirs.st_mode:
        return False
    if stat.S_ISLNK(mine.st_mode):
        return os.readlink(name, dir_fd=source) == os.readlink(other, dir_fd=target)
    return (
        stat.S_ISREG(mine.st_mode)
        and mine.st_size == theirs.st_size
        and _have_same_bytes(source, name, target, other)
    )


def _have_same_bytes(source: int, name: str, target: int, other: str) -> bool:
    with _open_file(source, name) as mine, _open_file(target, other) as theirs:
        while True:
            piece = os.read(mine, CHUNK)
            if piece != os.read(theirs, CHUNK):
                return False
            if not piece:
                return True


@contextlib.contextmanager
def _open_file(folder: int, name: str) -> Iterator[int]:
    """Open the regular file *name* of an open folder."""
    handle = os.open(name, _READ, dir_fd=folder)
    try:
        yield handle
    finally:
        os.close(handle)


def are_alike(left: str, right: str) -> bool:
    """Return True if what is at the two paths is alike.

    Compared are names, kinds, texts of links, bytes, and the modes of files.
    """
    return is_part_of(left, right) and is_part_of(right, left)


# --- Removing -----------------------------------------------------------------------------------------


def remove_tree(path: str) -> None:
    """Remove what is at *path*, and all that is in it.

    There may be nothing. Entries go one by one from where they are, so that what is left of a copied original
    stays part of its copy (`is_part_of`). `temporary.discard_tree` is for drafts, which need not keep their shape.
    """
    try:
        with open_parent(path) as (folder, name):
            if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=folder)
                return
            _empty(os.open(name, _FOLDER, dir_fd=folder))
            os.rmdir(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError as err:
        raise explain_busy(path, err) from err


def _empty(top: int) -> None:
    """Remove all that is in the open folder *top*.

    *top* is closed.
    """
    stack = [(top, iter(_list_removable(top)), "")]
    try:
        while stack:
            folder, names, own = stack[-1]
            name = next(names, "")
            if not name:
                stack.pop()
                os.close(folder)
                if stack:
                    os.rmdir(own, dir_fd=stack[-1][0])
            elif stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                below = os.open(name, _FOLDER, dir_fd=folder)
                stack.append((below, iter(_list_removable(below)), name))
            else:
                os.unlink(name, dir_fd=folder)
    finally:
        for folder, _, _ in stack:
            os.close(folder)


def _list_removable(folder: int) -> list[str]:
    """Return the names in an open folder, making it writable for its owner."""
    mode = os.fstat(folder).st_mode
    if mode & stat.S_IRWXU != stat.S_IRWXU:
        with contextlib.suppress(OSError):  # another user's: the removal will say so
            os.fchmod(folder, stat.S_IMODE(mode) | stat.S_IRWXU)
    return os.listdir(folder)
