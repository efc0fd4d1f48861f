"""A directory tree that appears whole or not at all: written beside its place, then renamed into it."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from linkpack.disk.drafts import draft_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@contextlib.contextmanager
def draft_dir(target: str) -> Iterator[str]:
    """A new, empty folder beside *target*; it becomes *target* when the block ends well, else it goes.

    Missing folders above are made. `OSError` with ENOTEMPTY when *target* holds something already, ENOTDIR when it
    is no folder; an empty folder is replaced.
    """
    target = os.path.abspath(target)
    if os.path.lexists(target):
        with os.scandir(target) as entries:
            if next(entries, None) is not None:
                raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), target)
    parent = os.path.dirname(target)
    os.makedirs(parent, exist_ok=True)
    with draft_folder(parent) as folder:
        yield folder
        os.rename(folder, target)


def write_file(folder: str, path: str, pieces: Iterable[bytes], mode: int) -> None:
    """Write *pieces* to the new file at *path*, relative to *folder*, with *mode*; its folders are made."""
    where = os.path.join(folder, path)
    os.makedirs(os.path.dirname(where), exist_ok=True)
    handle = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(handle, "wb") as out:
        out.writelines(pieces)
        os.fchmod(handle, mode)
