"""Bring a copy up to date, file by file."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING

from linkpack.archive.entry import ROOT
from linkpack.copying.digests import FileDigest, digest_of, stamp_of
from linkpack.errors import LinkpackError
from linkpack.record import Record
from linkpack.system import dir_entries, own_process
from linkpack.system import read as fs
from linkpack.system.relocate import remove_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.archive.entry import Entry
    from linkpack.copying.snapshot import Snapshot
    from linkpack.errors import Problem
    from linkpack.system.tree import Status


class CopyState(Record):
    """How the copy at *path* differs from what it should hold.

    *entries* are the files that it should hold and *contents* their digests, by relative path. *written* are the
    files to write: those that are missing or have other content. *modes* are those with other permission bits
    alone. *removed* are files and links to remove, and *folders* are the folders that stay. *stamps* are those of
    the files that are not written, when they were compared.
    """

    path: str
    entries: Mapping[str, Entry]
    contents: Mapping[str, str]
    written: tuple[str, ...]
    modes: tuple[str, ...]
    removed: tuple[str, ...]
    folders: frozenset[str]
    stamps: Mapping[str, tuple[int, int, int]]
    warnings: tuple[Problem, ...]

    def digests(self) -> dict[str, FileDigest]:
        """Return the digests to record, with the stamps of the files.

        Files that were written have new stamps. The others keep those of `compare_copy`: what another process
        changes after it is found by the next run.
        """
        present, _ = _list_tree(self.path)
        stamps = {**self.stamps, **{name: stamp_of(present[name]) for name in self.written if name in present}}
        return {name: FileDigest(digest, stamps[name]) for name, digest in self.contents.items() if name in stamps}


def compare_copy(path: str, snapshot: Snapshot, known: Mapping[str, FileDigest]) -> CopyState:
    """Compare the copy at *path* with *snapshot*, by content.

    Each file of the source is read. A file of the copy is read unless its stamp is the one in *known*.
    """
    entries = {entry.path[len(ROOT) :]: entry for entry in snapshot.entries}
    present, _ = _list_tree(path)
    contents: dict[str, str] = {}
    stamps: dict[str, tuple[int, int, int]] = {}
    written, modes = [], []
    for name, entry in entries.items():
        # No stamp decides about the source: a build may write other content with the same size and time
        # (tests/copying/test_sync.py, test_contents_decide_and_times_do_not).
        contents[name] = digest_of(entry.read())
        status = present.get(name)
        if status is None or not _holds(f"{path}/{name}", status, contents[name], known.get(name)):
            written.append(name)
            continue
        stamps[name] = stamp_of(status)
        if stat.S_IMODE(status.st_mode) != entry.mode:
            modes.append(name)
    return CopyState(
        path=path,
        entries=entries,
        contents=contents,
        written=tuple(written),
        modes=tuple(modes),
        removed=tuple(name for name in present if name not in entries),
        folders=frozenset(above for name in entries for above in _folders_above(name)),
        stamps=stamps,
        warnings=snapshot.warnings,
    )


def _holds(path: str, status: Status, digest: str, known: FileDigest | None) -> bool:
    """Return True if the file at *path* has the content with this *digest*."""
    if not stat.S_ISREG(status.st_mode):
        return False
    if known is not None and known.stamp == stamp_of(status):
        return known.digest == digest
    return digest_of(fs.read_pieces(path, status.st_dev, status.st_ino, status.st_size)) == digest


def _list_tree(root: str) -> tuple[dict[str, Status], list[str]]:
    """List the files, links and folders below *root*.

    Files and links come with their status. Outer folders come before those in them. No link is followed.
    """
    files: dict[str, Status] = {}
    folders: list[str] = []
    waiting = [""]
    while waiting:
        above = waiting.pop()
        for entry in fs.scan(f"{root}/{above}"):
            name = f"{above}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
                waiting.append(f"{name}/")
            else:
                files[name] = entry.stat(follow_symlinks=False)
    return files, folders


def _folders_above(name: str) -> list[str]:
    """Return the folders around *name*, inner ones first.

    >>> _folders_above("a/b/c.js")
    ['a/b', 'a']
    """
    folders = []
    while above := posixpath.dirname(name):
        folders.append(above)
        name = above
    return folders


def apply_copy(state: CopyState) -> None:
    """Bring the copy of *state* up to date.

    Files are written before others are removed, so that a running program finds what it needs. Raises
    `LinkpackError` (ESYNC) when the system refuses a step. Each file is old or new then.
    """
    if not (state.written or state.modes or state.removed):
        return
    # Stopped anywhere, each file is old or new (tests/copying/test_cut_off.py).
    try:
        _make_way(state)
        run = own_process.new_run()
        for number, name in enumerate(state.written):
            _replace_file(state, name, f".linkpack-{run}-{number}.tmp")
        for name in state.modes:
            dir_entries.set_mode(f"{state.path}/{name}", state.entries[name].mode)
        written = set(state.written)
        for name in state.removed:
            # A folder that took a file's place, or a file that took a folder's, has been dealt with.
            if name not in state.folders and written.isdisjoint(_folders_above(name)):
                dir_entries.remove(f"{state.path}/{name}")
        _drop_folders(state)
    except OSError as err:
        where = str(err.filename or state.path)
        raise LinkpackError(
            f"{where}: {err.strerror}; the copy in {state.path} is up to date in part",
            code="ESYNC",
            path=where,
            hint="check the permissions and the space there, then run linkpack sync again",
        ) from err


def _make_way(state: CopyState) -> None:
    """Make the folders, and remove what is in the way of them or of a file."""
    # Outer folders first. A link to a folder is removed as well: files below it would be written elsewhere.
    for folder in sorted(state.folders):
        path = f"{state.path}/{folder}"
        status = dir_entries.status_at(path)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            dir_entries.remove(path)
        dir_entries.make_dir(path)
    for name in state.written:
        status = dir_entries.status_at(f"{state.path}/{name}")
        if status is not None and stat.S_ISDIR(status.st_mode):
            remove_tree(f"{state.path}/{name}")


def _replace_file(state: CopyState, name: str, draft: str) -> None:
    """Write the file *name* as *draft* beside its place, and move it there."""
    entry = state.entries[name]
    path = f"{state.path}/{name}"
    scratch = posixpath.join(posixpath.dirname(path), draft)
    dir_entries.write_new(scratch, b"".join(entry.read()), entry.mode)
    try:
        dir_entries.move(scratch, path)
    except OSError:
        dir_entries.remove(scratch)  # the next sync would too, as a file that does not ship
        raise


def _drop_folders(state: CopyState) -> None:
    """Remove the folders that hold nothing any more, inner ones first."""
    _, folders = _list_tree(state.path)
    for folder in reversed(folders):
        if folder not in state.folders:
            dir_entries.drop_dir(f"{state.path}/{folder}")  # no error if another process put a file there
