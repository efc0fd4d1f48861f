"""Write a folder that appears under its name whole or not at all.

It is filled beside its place as a draft (see `temporary`) and renamed into place. The folder around it is opened
once, and everything in it is reached through descriptors, one portion at a time, no link followed. So another
process that swaps a folder for a link makes the run fail, and nothing is written outside.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from linkpack.notices import note_output
from linkpack.system.own_process import current_umask
from linkpack.system.signals import delay_signals
from linkpack.system.temporary import discard_draft, new_draft_folder, sweep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY
_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_MOST_OPEN = 64  # descriptors of folders that stay open, so that files side by side cost one call each
_HIDDEN = 0o700  # no other user looks into a folder that is not finished
_ACCESSIBLE = 0o777


class NewFolder:
    """A folder that is being filled.

    Paths are relative to it and "/"-separated. *mode* is that of the folder and of those in it, or None for what
    the process's umask leaves. Every method raises `OSError`.
    """

    def __init__(self, handle: int, mode: int | None) -> None:
        self._handle = handle
        self._mode = mode
        self._folders: dict[str, int] = {}  # descriptors by path
        self._made: set[str] = set()

    def write(self, path: str, pieces: Iterable[bytes], mode: int, mtime: int | None = None) -> None:
        """Write the new file *path*, and make its folders.

        *pieces* are its contents. *mtime* is the time that it gets, in seconds, or None for now.
        """
        above, _, name = path.rpartition("/")
        handle = os.open(name, _FILE, 0o600, dir_fd=self._folder(above))
        with open(handle, "wb") as out:
            out.writelines(pieces)
            os.fchmod(handle, mode)
            if mtime is not None:
                out.flush()  # before the time is set, as writing sets it again
                os.utime(handle, (mtime, mtime))

    def make(self, path: str) -> None:
        """Make the folder *path*, unless this run has."""
        self._folder(path)

    def close(self) -> None:
        """Close the descriptors of folders."""
        while self._folders:
            os.close(self._folders.popitem()[1])

    def _folder(self, path: str) -> int:
        """Return a descriptor of the folder *path*, which may be new.

        It stays open until the next call at least.
        """
        if not path:
            return self._handle
        folder, names = path, []
        while folder and folder not in self._folders:
            folder, _, name = folder.rpartition("/")
            names.append(name)
        handle = self._folders[folder] if folder else self._handle
        for name in reversed(names):
            below = f"{folder}/{name}" if folder else name
            if len(self._folders) >= _MOST_OPEN:
                self._close_all_but(folder)
            handle = self._folders[below] = self._enter(below, name, handle)
            folder = below
        return handle

    def _enter(self, path: str, name: str, above: int) -> int:
        """Open the folder *name* in the open folder *above*, making it first.

        A folder that this run has made is opened only. *path* is its path from the top.
        """
        if path not in self._made:
            os.mkdir(name, _ACCESSIBLE if self._mode is None else self._mode, dir_fd=above)
            self._made.add(path)
        handle = os.open(name, _FOLDER, dir_fd=above)
        try:
            if self._mode is not None:  # mkdir(2) has taken the umask away from it
                os.fchmod(handle, self._mode)
        except OSError:
            os.close(handle)
            raise
        return handle

    def _close_all_but(self, path: str) -> None:
        kept = {path: self._folders.pop(path)} if path in self._folders else {}
        self.close()
        self._folders.update(kept)


@contextlib.contextmanager
def new_folder(target: str, *, mode: int | None, replaces_empty: bool) -> Iterator[NewFolder]:
    """Yield a folder to fill, which becomes *target* when the block ends.

    The folder around *target* must exist. In any other case the draft is removed, as are those that killed runs
    left. Raises `OSError`: EEXIST when something is at *target*. With *replaces_empty* an empty folder may be
    there, and the error is ENOTEMPTY or ENOTDIR for anything else. ESTALE means that another process put something
    in the folder's place.
    """
    parent, name = os.path.split(os.path.abspath(target))
    around = os.open(parent, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    handle, draft = -1, ""
    try:
        _check_free(name, around, target, replaces_empty=replaces_empty)
        sweep(parent)
        with delay_signals():
            handle, draft = new_draft_folder(around, _HIDDEN)
        folder = NewFolder(handle, mode)
        try:
            yield folder
        finally:
            folder.close()
        os.fchmod(handle, _ACCESSIBLE & ~current_umask() if mode is None else mode)
        _check_free(name, around, target, replaces_empty=replaces_empty)
        _check_same(draft, around, handle, target)
        with delay_signals():
            os.rename(draft, name, src_dir_fd=around, dst_dir_fd=around)
            draft = ""
            note_output(target)
        _check_same(name, around, handle, target)  # the draft may have been swapped just before the rename
    finally:
        with delay_signals():
            if draft:
                discard_draft(draft, around)
            for descriptor in (handle, around):
                if descriptor >= 0:
                    with contextlib.suppress(OSError):
                        os.close(descriptor)


@contextlib.contextmanager
def fill_draft(path: str) -> Iterator[NewFolder]:
    """Yield the empty draft folder at *path*, to fill it.

    Its folders get what the process's umask leaves.
    """
    handle = os.open(path, _FOLDER)
    folder = NewFolder(handle, None)
    try:
        yield folder
    finally:
        folder.close()
        os.close(handle)


def _check_free(name: str, around: int, target: str, *, replaces_empty: bool) -> None:
    """Raise `OSError` unless the folder may get *name* in the folder *around*."""
    try:
        status = os.stat(name, dir_fd=around, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not replaces_empty:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), target)
    handle = os.open(name, _FOLDER, dir_fd=around)
    try:
        with os.scandir(handle) as entries:
            if next(entries, None) is not None:
                raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), target)
    finally:
        os.close(handle)


def _check_same(name: str, around: int, handle: int, target: str) -> None:
    """Raise `OSError` (ESTALE) unless *name* is the folder open as *handle*."""
    named, opened = os.stat(name, dir_fd=around, follow_symlinks=False), os.fstat(handle)
    if not os.path.samestat(named, opened):
        raise OSError(errno.ESTALE, "another process put something else in its place", target)
