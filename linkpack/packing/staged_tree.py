"""Write the staged tree: a folder with exactly the files of the tarball.

Tools that take a folder and no tarball can publish it.
"""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from linkpack.archive.entry import ROOT, Entry
from linkpack.errors import SnapshotError
from linkpack.system import read as fs
from linkpack.system import write as fswrite
from linkpack.system.new_folder import new_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from linkpack.system.new_folder import NewFolder


def write_tree(entries: Sequence[Entry], target: str) -> None:
    """Write *entries* below the new folder *target*, all or nothing.

    Missing folders above it are made. Raises `SourceChanged` when a file is no longer what was planned, and
    `SnapshotError`: EDIRNOTEMPTY when *target* is not empty, EWRITE when it cannot be written.
    """
    try:
        with (
            fswrite.make_folders(posixpath.dirname(posixpath.abspath(target))),
            new_folder(target, mode=None, replaces_empty=True) as folder,
        ):
            fill_folder(folder, entries)
    # An entry that changed raises `SourceChanged`, so an OSError is about the target.
    except OSError as err:
        raise _report_failure(target, err) from err


def fill_folder(
    folder: NewFolder, entries: Iterable[Entry], read: Callable[[Entry], Iterable[bytes]] = Entry.read
) -> None:
    """Write *entries* into the new *folder*, with their modes.

    *read* gives the content of an entry in pieces.
    """
    for entry in entries:
        folder.write(entry.path[len(ROOT) :], read(entry), entry.mode)


def check_target(target: str) -> None:
    """Raise `SnapshotError` (EDIRNOTEMPTY) if *target* is not empty."""
    if fs.is_dir(target) and fs.scan(target):
        raise _report_failure(target, OSError(errno.ENOTEMPTY, ""))


def _report_failure(target: str, err: OSError) -> SnapshotError:
    if err.errno == errno.ENOTEMPTY:
        message, code, hint = f"{target} is not an empty folder", "EDIRNOTEMPTY", "remove it, or name another"
    else:
        message, code, hint = f"{target} cannot be written: {err.strerror}", "EWRITE", "choose another --dir"
    return SnapshotError(message, code=code, path=target, hint=hint)
