"""Bring copies up to date: the public `sync`, and its plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from linkpack.arguments import check_texts
from linkpack.copying.digests import read_digests, write_digests
from linkpack.copying.snapshot import ProjectPackages, read_snapshot
from linkpack.copying.stale_files import apply_copy, compare_copy
from linkpack.errors import LinkError, LinkMissing, Problem
from linkpack.linking.command import DEFAULTS, LinkOptions, guard_command, open_context
from linkpack.linking.journal import lock_places
from linkpack.linking.package import is_in_place
from linkpack.linking.record import read_record
from linkpack.linking.request import parse_specs
from linkpack.read_cache import remembering
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.copying.stale_files import CopyState
    from linkpack.linking.context import LinkContext
    from linkpack.linking.request import LinkSpec
    from linkpack.linking.states import RecordedLink


class Synced(Record):
    """How a copy differs from its source, or differed before `sync`.

    *path* is the copy, *source* the package's folder. *written*, *removed* and *modes* are the files that `sync`
    writes, removes, and gives other permission bits, relative to the copy. *unchanged* is the number of others.
    """

    name: str
    path: str
    source: str
    written: tuple[str, ...]
    removed: tuple[str, ...]
    modes: tuple[str, ...]
    unchanged: int
    warnings: tuple[Problem, ...] = ()

    @property
    def is_stale(self) -> bool:
        """Return True if the copy differs."""
        return bool(self.written or self.removed or self.modes)


@guard_command
def sync(names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS) -> tuple[Synced, ...]:
    """Bring the copies of *project* up to date with their sources.

    *names* are packages or their folders, by default all. Only files with other content are written, each in one
    step, so that no reader sees half a file. Content decides, not time. If a step fails (ESYNC), the files before
    it are new and the others old, and the next `sync` does the rest. Raises `LinkMissing` (ENOTLINKED) for a
    name that has no copy, and as `pack` does for a source that cannot be packed.
    """
    context = open_context(project, options, picking=False, needs_prefix=False)
    with lock_places(context.store, context.owners(context.every_package)), remembering({}):
        # All are compared before one is written: a source that cannot be packed leaves every copy as it was.
        states = _compare(context, names, project)
        for _, state in states:
            apply_copy(state)
            write_digests(context.store, state.path, state.digests())
    return tuple(_describe(link, state) for link, state in states)


@guard_command
def plan_sync(
    names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS
) -> tuple[Synced, ...]:
    """Return what `sync` would do, which is read from the disk alone."""
    context = open_context(project, options, picking=False, needs_prefix=False)
    with remembering({}):
        return tuple(_describe(link, state) for link, state in _compare(context, names, project))


def _compare(context: LinkContext, names: Sequence[str], project: str) -> list[tuple[RecordedLink, CopyState]]:
    """Compare the copies that *names* mean with their sources."""
    specs = parse_specs(
        check_texts(names, "names"), context.project, fs.canonical_path(project), context.config.user_home
    )
    states = []
    for link in _choose_copies(context, specs):
        # Not the parent folder, which is that of the scope for `@scope/name`.
        modules = link.path.removesuffix(f"/{link.name}")
        if not fs.is_dir(link.target):
            raise LinkError(
                f"{link.name} was copied from {link.target}, which does not exist",
                code="ESOURCEGONE",
                path=link.target,
                hint=f"bring it back, or run linkpack unlink {link.name}",
            )
        snapshot = read_snapshot(link.target, ProjectPackages(modules, context.project.root, {}))
        states.append((link, compare_copy(link.path, snapshot, read_digests(context.store, link.path))))
    return states


def _choose_copies(context: LinkContext, specs: Sequence[LinkSpec]) -> list[RecordedLink]:
    """Return the copies in place that *specs* mean, all of them without specs."""
    copies = [
        link
        for place in context.places(shared=False)
        for link in read_record(context.store, place).values()
        if link.copied is not None and context.is_own(link) and is_in_place(link)
    ]
    if not specs:
        return copies
    chosen: dict[str, RecordedLink] = {}
    for spec in specs:
        meant = [link for link in copies if _is_meant(spec, link)]
        if not meant:
            name = spec.folder or spec.name
            raise LinkMissing(
                f"{context.project.root} has no copy of {name}",
                code="ENOTLINKED",
                path=context.project.root,
                hint="make one with linkpack link --copy, or bring a dropped one back with linkpack relink",
            )
        chosen.update({link.path: link for link in meant})
    return list(chosen.values())


def _is_meant(spec: LinkSpec, link: RecordedLink) -> bool:
    return link.target == fs.canonical_path(spec.folder) if spec.folder else link.name == spec.name


def _describe(link: RecordedLink, state: CopyState) -> Synced:
    return Synced(
        name=link.name,
        path=link.path,
        source=link.target,
        written=tuple(sorted(state.written)),
        removed=tuple(sorted(state.removed)),
        modes=tuple(sorted(state.modes)),
        unchanged=len(state.entries) - len(state.written) - len(state.modes),
        warnings=state.warnings,
    )
