"""Tells what is linked and how it fares, and plans to restore links that were dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fs, fslinks
from linkpack.errors import LinkpackError
from linkpack.linking.installed import link_names
from linkpack.linking.linkdraft import disk_state
from linkpack.linking.linkpackage import read_loose, read_source
from linkpack.linking.linkplace import place_link
from linkpack.linking.linkrecord import read_record
from linkpack.linking.linkstate import Displaced, Link

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.linking.linkdraft import PlanBuilder
    from linkpack.linking.linkhome import Spec
    from linkpack.linking.linkscene import LinkContext
    from linkpack.linking.linkstate import LinkPlan, RecordedLink


class Status(NamedTuple):
    """One link of a project or of the global folder.

    *state* is `linked`, `dropped` (an install took the link away; `relink` brings it back) or `dangling` (the
    package is gone). *ours* is false for a link that linkpack did not make. *displaced* are the places of what
    the link displaced.
    """

    name: str
    version: str
    path: str
    target: str
    state: str
    ours: bool
    displaced: tuple[str, ...]


def list_links(context: LinkContext, *, shared: bool = False) -> tuple[Status, ...]:
    """Return the links of the project, or with *shared* those of the global folder, by path.

    Several checkouts may share a node_modules: of their links at one path the one in place is told.
    """
    found: dict[str, Status] = {}
    places = (context.shared_place,) if shared else context.local_places(context.every_package)
    for place in places:
        for entry in read_record(context.store, place).values():
            if bool(entry.project) == (not shared):
                status = _recorded(entry)
                known = found.get(entry.path)
                if known is None or (
                    known.state != "linked" and (status.state == "linked" or context.is_own(entry))
                ):
                    found[entry.path] = status
        for name in link_names(place):
            location = context.shared_location(name) if shared else context.local_location(place, name)
            state = disk_state(location.path)
            if location.path in found or not isinstance(state, Link):
                continue
            if shared or not context.installed.reason(location.path, state.target):
                found[location.path] = _foreign(location.path, name)
    return tuple(found[path] for path in sorted(found))


def _recorded(entry: RecordedLink) -> Status:
    manifest = read_loose(entry.target)
    found = disk_state(entry.path)
    there = isinstance(found, Link) and fslinks.canonical(entry.path) == entry.target
    state = "dangling" if not fs.is_dir(entry.target) else "linked" if there else "dropped"
    kept = [change.before.stash for change in entry.owned if isinstance(change.before, Displaced)]
    version = manifest.version if manifest is not None else entry.version
    places = tuple(place for place in (*kept, *entry.older) if fslinks.exists(place))
    return Status(entry.name, version, entry.path, entry.target, state, ours=True, displaced=places)


def _foreign(path: str, name: str) -> Status:
    manifest = read_loose(path)
    version = manifest.version if manifest is not None else ""
    state = "linked" if fs.is_dir(path) else "dangling"
    return Status(name, version, path, fslinks.canonical(path), state, ours=False, displaced=())


def plan_relink(context: LinkContext, wanted: Sequence[Spec] = (), *, shared: bool = False) -> LinkPlan:
    """Return the plan that restores the recorded links, or those that *wanted* names, where they were dropped.

    A link whose package is gone, or that was never made, stays undone and is a warning with the code
    ESOURCEGONE or ENOTLINKED.
    """
    places = (context.shared_place,) if shared else context.local_places(context.every_package)
    builder = context.builder() if shared else context.builder(context.every_package)
    linked = [
        (record, key, entry)
        for record in (read_record(context.store, place) for place in places)
        for key, entry in record.items()
        if bool(entry.project) == (not shared) and (shared or context.is_own(entry))
    ]
    for spec in wanted:
        if not any(_is_meant(spec, entry) for _, _, entry in linked):
            where = places[0] if shared else context.project.root
            name = spec.folder or spec.name
            message = f"{name} is not among the links of {where}"
            builder.warn("ENOTLINKED", where, message, f"run linkpack link {name}")
    for record, key, entry in linked:
        if not wanted or any(_is_meant(spec, entry) for spec in wanted):
            _relink(builder, context, entry, key, record)
    return builder.plan()


def _is_meant(spec: Spec, entry: RecordedLink) -> bool:
    return entry.target == fslinks.canonical(spec.folder) if spec.folder else entry.name == spec.name


def _relink(
    builder: PlanBuilder,
    context: LinkContext,
    entry: RecordedLink,
    key: str,
    record: Mapping[str, RecordedLink],
) -> None:
    modules = entry.path.removesuffix(f"/{entry.name}")
    location = (
        context.local_location(modules, entry.name) if entry.project else context.shared_location(entry.name)
    )
    location = location._replace(key=key, project=entry.project)
    rules = context.rules._replace(bin_links=entry.bin_links, absolute=entry.literal.startswith("/"), gentle=True)
    try:
        source = read_source(entry.target)
    except LinkpackError as err:
        message = f"{entry.name} cannot be linked again: {err.message}"
        hint = f"bring {entry.target} back, or run linkpack unlink {entry.name}"
        builder.warn("ESOURCEGONE", entry.target, message, hint)
        return
    place_link(builder, location, source, rules, record)
