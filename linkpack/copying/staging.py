"""Write the copies of a link plan as drafts, for the plan to move.

A plan has changes that are renames. A draft beside its place makes a copy one of them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from linkpack.linking.command import environment_of
from linkpack.linking.record import find_store
from linkpack.linking.states import Change, Copied, CopyItem, Edit
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        # A copy that is to be written has no inode yet. One that stays as it is has the inode of its folder.
        unfilled = [link for link in links if link.copied is not None and not link.copied.inode]
        if not unfilled or plan.conflicts:
            return plan
        from linkpack.copying import snapshot as reading  # noqa: PLC0415 - 40 ms: packing

        planned = {link.path: link.version for link in links}
        items: list[CopyItem] = []
        warnings: list[Problem] = []
        for link in unfilled:
            # Not the parent folder, which is that of the scope for `@scope/name`.
            modules = link.path.removesuffix(f"/{link.name}")
            snapshot = reading.read_snapshot(link.target, reading.ProjectPackages(modules, project, planned))
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

        Gives the plan that moves them into place. Drafts that were not moved are removed at the end. When the
        block succeeds, the digests of the copies' files are recorded.
        """
        if not self._snapshots:
            yield plan
            return
        from linkpack.copying import copy_drafts  # noqa: PLC0415 - as above

        store = find_store(environment_of(self._options))
        staged: dict[str, Copied] = {}
        digests: dict[str, dict[str, FileDigest]] = {}
        with contextlib.ExitStack() as drafts:
            for path, snapshot in self._snapshots.items():
                draft, digests[path] = drafts.enter_context(copy_drafts.draft_copy(path, snapshot.entries))
                staged[path] = Copied(draft, fs.lstat(draft).st_ino)
            yield _with_copies(plan, staged)
        # Last, and not part of the plan: without a record `sync` reads the files (`digests`).
        for path, files in digests.items():
            copy_drafts.write_digests(store, path, files)


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
