"""Tells what is linked and how it fares, and plans to restore links that were dropped."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fs, fslinks
from linkpack.errors import LinkpackError
from linkpack.linking.linkdraft import PlanBuilder, disk_state
from linkpack.linking.linkpackage import read_loose, read_source, resolve_link
from linkpack.linking.linkplace import place_link
from linkpack.linking.linkrecord import read_record
from linkpack.linking.linkstate import Displaced, Link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.linking.linkown import LinkLocation
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
    """The links of the project, or with *shared* those of the global folder, by path."""
    place = context.shared_place if shared else context.project.root
    modules = context.config.modules if shared else f"{context.project.root}/node_modules"
    record = read_record(context.store, place)
    found = {entry.path: _recorded(entry) for entry in record.values()}
    for name in link_names(modules):
        location = context.shared_location(name) if shared else context.local_location(modules, name)
        state = disk_state(location.path)
        if (
            location.path not in found
            and isinstance(state, Link)
            and not is_installed_link(context, location, state)
        ):
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


def link_names(modules: str) -> Iterator[str]:
    """The names of the symbolic links to packages in the node_modules folder *modules*, scoped ones included."""
    if not fs.is_dir(modules):
        return
    for entry in sorted(fs.scan(modules), key=lambda one: one.name):
        if entry.name.startswith("@") and entry.is_dir(follow_symlinks=False):
            inner = sorted(fs.scan(entry.path), key=lambda one: one.name)
            yield from (f"{entry.name}/{each.name}" for each in inner if each.is_symlink())
        elif entry.is_symlink() and not entry.name.startswith("."):
            yield entry.name


def is_installed_link(context: LinkContext, location: LinkLocation, found: Link) -> bool:
    """Whether the link *found* at *location* was made by an install: into a store, or to a workspace."""
    if location.shared:
        return False
    parent = fslinks.canonical(posixpath.dirname(location.path))
    real = resolve_link(location.path, found.target)
    lexical = posixpath.normpath(posixpath.join(parent, found.target))
    inside = fslinks.canonical(location.modules)
    if real.startswith(f"{inside}/") or lexical.startswith((f"{inside}/.pnpm/", f"{inside}/.store/")):
        return True
    root = context.project.root
    if not real.startswith(f"{root}/"):
        return False
    if "/node_modules/" in real.removeprefix(root):
        return True
    from linkpack.bundle.workspace import member_folders, read_workspace  # noqa: PLC0415 - seldom needed

    workspace = read_workspace(root)
    return workspace is not None and real in member_folders(workspace)


def plan_relink(context: LinkContext, names: Sequence[str] = (), *, shared: bool = False) -> LinkPlan:
    """The plan that restores the recorded links, or those called *names*, where they were dropped.

    A link whose package is gone, or that was never made, stays undone and is a warning with the code
    ESOURCEGONE or ENOTLINKED.
    """
    place = context.shared_place if shared else context.project.root
    record = read_record(context.store, place)
    builder = PlanBuilder(context.writable_roots, windows=context.rules.windows)
    for name in names:
        if all(entry.name != name for entry in record.values()):
            message = f"{name} is not among the links of {place}"
            builder.warn("ENOTLINKED", place, message, f"run linkpack link {name}")
    for entry in record.values():
        if not names or entry.name in names:
            _relink(builder, context, entry, record, shared=shared)
    return builder.plan()


def _relink(
    builder: PlanBuilder,
    context: LinkContext,
    entry: RecordedLink,
    record: Mapping[str, RecordedLink],
    *,
    shared: bool,
) -> None:
    modules = entry.path.removesuffix(f"/{entry.name}")
    location = context.shared_location(entry.name) if shared else context.local_location(modules, entry.name)
    rules = context.rules._replace(bin_links=entry.bin_links, absolute=entry.literal.startswith("/"), gentle=True)
    try:
        source = read_source(entry.target)
    except LinkpackError as err:
        message = f"{entry.name} cannot be linked again: {err.message}"
        hint = f"bring {entry.target} back, or run linkpack unlink {entry.name}"
        builder.warn("ESOURCEGONE", entry.target, message, hint)
        return
    place_link(builder, location, source, rules, record)
