"""What the gate does to the disk: it opens a tarball, and makes one folder whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_DRAFT = re.compile(r"\.linkpack-[0-9a-f]{16}\.unpack")


class Opened(NamedTuple):
    """An open regular file, its *size* in bytes and its *stamp*, which changes when it is written to."""

    source: BinaryIO
    size: int
    stamp: tuple[int, int, int]


@contextlib.contextmanager
def opened(path: str) -> Iterator[Opened]:
    """The regular file at *path*; `OSError` when it is none, EINVAL for what could block or has no size."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError as err:  # a NUL in the path
        raise OSError(errno.EINVAL, "no path can have such a name", path) from err
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", path)
    with open(handle, "rb") as source:
        yield Opened(source, status.st_size, _stamp(status))


def is_unchanged(file: Opened) -> bool:
    """Whether nobody wrote to *file* since it was opened."""
    return _stamp(os.fstat(file.source.fileno())) == file.stamp


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def exists(path: str) -> bool:
    """Whether anything is at *path*, a link that leads nowhere included."""
    return os.path.lexists(path)


@contextlib.contextmanager
def folder_draft(target: str) -> Iterator[str]:
    """A new folder beside *target*, which becomes *target* when the block ends well and goes when it does not.

    Folders that killed runs left there are removed first. `OSError` (EEXIST) when something is at *target*.
    """
    parent = os.path.dirname(target) or "."
    _sweep(parent)
    draft = os.path.join(parent, f".linkpack-{secrets.token_hex(8)}.unpack")
    os.mkdir(draft, 0o700)
    try:
        with _locked(draft):
            yield draft
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
            os.rename(os.path.join(draft, os.path.basename(target)), target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Hold a lock on *folder*; a file system without locks loses only the sweeping of dead runs' folders."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _sweep(parent: str) -> None:
    """Remove the drafts of dead runs in *parent*: those that nobody locks."""
    left = []
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        left = [entry.path for entry in entries if _DRAFT.fullmatch(entry.name)]
    for path in left:
        with contextlib.suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(handle)
