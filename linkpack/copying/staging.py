"""Write the copies of a link plan beside their places.

The plan then moves them there.
"""

from __future__ import annotations

import contextlib
import posixpath
from typing import TYPE_CHECKING

from linkpack.archive.entry import ROOT
from linkpack.linking.command import environment_of
from linkpack.linking.record import find_store
from linkpack.linking.states import Change, Copied, CopyItem, Edit
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkpack.archive.entry import Entry
    from linkpack.copying.digests import FileDigest
    from linkpack.copying.snapshot import Snapshot
    from linkpack.errors import Problem
    from linkpack.linking.command import LinkOptions
    from linkpack.linking.states import LinkPlan, RecordedLink


class SnapshotCopier:
    """A `Copier` that fills copies with what `pack` would ship.

    *options* are those of the command. A plan without copies costs nothing.
    """

    def __init__(self, options: LinkOptions) -> None:
        self._options = options
        self._snapshots: dict[str, Snapshot] = {}  # by path

    def read(self, plan: LinkPlan, project: str) -> LinkPlan:
        """Read the files of the copies of *plan*, and report them in it.

        *project* is the root of the project. Raises as `read_snapshot`.
        """
        links = [edit.after for edit in plan.edits if edit.after is not None]
        unfilled = [link for link in links if link.copied is not None and not link.copied.inode]
        if not unfilled or plan.conflicts:
            return plan
        from linkpack.copying.snapshot import ProjectPackages, read_snapshot  # noqa: PLC0415 - 40 ms: packing

        planned = {link.path: link.version for link in links}
        items: list[CopyItem] = []
        warnings: list[Problem] = []
        for link in unfilled:
            modules = link.path.removesuffix(f"/{link.name}")
            snapshot = read_snapshot(link.target, ProjectPackages(modules, project, planned))
            self._snapshots[link.path] = snapshot
            warnings += snapshot.warnings
            items.append(
                CopyItem(
                    name=link.name,
                    path=link.path,
                    source=link.target,
                    files=len(snapshot.entries),
                    nested=snapshot.nested,
                    peers=snapshot.peers,
                )
            )
        return plan._replace(copies=tuple(items), warnings=(*plan.warnings, *warnings))

    @contextlib.contextmanager
    def write(self, plan: LinkPlan) -> Iterator[LinkPlan]:
        """Write the copies of *plan* as drafts while the block runs.

        Gives the plan that moves them into place. Drafts that were not moved are removed at the end, those of a
        killed process by the next one there. When the block succeeds, what the copies hold is recorded.
        """
        if not self._snapshots:
            yield plan
            return
        from linkpack.copying.digests import write_digests  # noqa: PLC0415 - as above
        from linkpack.system.temporary import draft_folder, sweep  # noqa: PLC0415 - as above

        store = find_store(environment_of(self._options))
        staged: dict[str, Copied] = {}
        digests: dict[str, dict[str, FileDigest]] = {}
        with contextlib.ExitStack() as drafts:
            for path, snapshot in self._snapshots.items():
                sweep(path.rpartition("/node_modules/")[0])  # a killed run may have begun without a node_modules
                draft = drafts.enter_context(draft_folder(_nearest_folder(posixpath.dirname(path))))
                digests[path] = write_copy(draft, snapshot.entries)
                staged[path] = Copied(draft, fs.lstat(draft).st_ino)
            yield _with_copies(plan, staged)
        for path, files in digests.items():
            write_digests(store, path, files)


def write_copy(draft: str, entries: Iterable[Entry]) -> dict[str, FileDigest]:
    """Write *entries* into the empty folder *draft*, and return their digests.

    These are by path, relative to the copy. Raises `SourceChanged` when a file is no longer what was planned.
    """
    from linkpack.copying.digests import Digester, FileDigest, stamp_of  # noqa: PLC0415 - as above
    from linkpack.packing.staged_tree import fill_folder  # noqa: PLC0415 - as above
    from linkpack.system.new_folder import fill_draft  # noqa: PLC0415 - as above

    digester = Digester()
    with fill_draft(draft) as folder:
        fill_folder(folder, entries, lambda entry: digester.watch(entry.path[len(ROOT) :], entry.read()))
    return {
        name: FileDigest(digest, stamp_of(fs.lstat(f"{draft}/{name}")))
        for name, digest in digester.digests.items()
    }


def _nearest_folder(path: str) -> str:
    """Return the folder *path*, or the nearest one above it that exists.

    A draft there is on the file system of its place, unless the folder between is a mount point, which exists.
    """
    while not fs.is_dir(path):
        path = posixpath.dirname(path)
    return path


def _with_copies(plan: LinkPlan, staged: dict[str, Copied]) -> LinkPlan:
    """Return *plan* with the copies *staged*, by path."""
    return plan._replace(
        changes=tuple(_with_copy(change, staged) for change in plan.changes),
        edits=tuple(edit._replace(after=_record_copy(edit, staged)) for edit in plan.edits),
    )


def _with_copy(change: Change, staged: dict[str, Copied]) -> Change:
    is_copy = isinstance(change.after, Copied) and change.path in staged
    return change._replace(after=staged[change.path]) if is_copy else change


def _record_copy(edit: Edit, staged: dict[str, Copied]) -> RecordedLink | None:
    link = edit.after
    if link is None or link.copied is None or link.path not in staged:
        return link
    return link._replace(owned=tuple(_with_copy(change, staged) for change in link.owned))
