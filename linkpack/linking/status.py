"""Tell what is linked and how it fares, and plan to restore links that were dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import LinkpackError
from linkpack.linking.builder import disk_state
from linkpack.linking.check import is_uninstalled, warn_of_state_after
from linkpack.linking.command_status import Command, command_states
from linkpack.linking.installed import link_names
from linkpack.linking.package import is_standing, read_source, resolve_parent
from linkpack.linking.place import place_link
from linkpack.linking.record import read_record, read_saved
from linkpack.linking.states import Displaced, Link
from linkpack.linking.warnings import Standing
from linkpack.project.source import read_loose
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.linking.places import Spec
    from linkpack.linking.states import LinkPlan, RecordedLink


class Status(NamedTuple):
    """One link of a project or of the global folder.

    *state* is `linked`, `dropped` (an install took the link away; `relink` brings it back), `uninstalled` (it
    is gone, and package.json does not name the package any more) or `dangling` (the package is gone). *ours* is
    false for a link that linkpack did not make. *displaced* are the places of what the link displaced. *saved*
    are the files that the link is saved in. *elsewhere* is where the global link of that name leads, if that is
    another folder.
    """

    name: str
    version: str
    path: str
    target: str
    state: str
    ours: bool
    displaced: tuple[str, ...]
    commands: tuple[Command, ...] = ()
    saved: tuple[str, ...] = ()
    elsewhere: str = ""

    @property
    def is_in_order(self) -> bool:
        """True if neither the link nor a command of it has to be mended."""
        if self.state == "uninstalled":
            return True
        return self.state == "linked" and all(command.is_in_order for command in self.commands)


def list_links(context: LinkContext, *, shared: bool = False) -> tuple[Status, ...]:
    """Return the links of the project and its workspaces, or with *shared* of the global folder, by path.

    Several checkouts may share a node_modules: of their links at one path the one in place is told.
    """
    found: dict[str, Status] = {}
    saved = {} if shared else _saved_files(context)
    for _, _, entry in context.recorded(shared=shared):
        status = _recorded(context, entry, saved.get(entry.path, ()))
        known = found.get(entry.path)
        if known is None or (known.state != "linked" and (status.state == "linked" or context.is_own(entry))):
            found[entry.path] = status
    for place in context.places(shared=shared):
        for name in link_names(place):
            location = context.shared_location(name) if shared else context.local_location(place, name)
            state = disk_state(location.path)
            if location.path in found or not isinstance(state, Link):
                continue
            if shared or not context.installed.reason(location.path, state.target):
                found[location.path] = _foreign(context, location.path, name, shared=shared)
    return tuple(found[path] for path in sorted(found))


def _saved_files(context: LinkContext) -> dict[str, tuple[str, ...]]:
    """Return the manifests and lockfiles in which links of the project are saved, by the path of the link."""
    root = context.project.root
    saved = read_saved(context.store, root)
    return {resolve_parent(f"{root}/{key}"): tuple(edit.path for edit in edits) for key, edits in saved.items()}


def _recorded(context: LinkContext, entry: RecordedLink, saved: tuple[str, ...]) -> Status:
    shared = not entry.project
    manifest = read_loose(entry.target)
    state = _state(entry)
    kept = [change.before.stash for change in entry.owned if isinstance(change.before, Displaced)]
    commands: tuple[Command, ...] = ()
    if state == "linked" and entry.bin_links and manifest is not None:
        bins = context.config.bins if shared else f"{entry.path.removesuffix(f'/{entry.name}')}/.bin"
        windows = context.rules.windows
        commands = command_states(entry.target, manifest, entry.path, bins, windows=windows)
    return Status(
        name=entry.name,
        version=manifest.version if manifest is not None else entry.version,
        path=entry.path,
        target=entry.target,
        state=state,
        ours=True,
        displaced=tuple(place for place in (*kept, *entry.older) if fs.exists(place)),
        commands=commands,
        saved=saved,
        elsewhere="" if shared else _global_target(context, entry.name, entry.target),
    )


def _state(entry: RecordedLink) -> str:
    if not fs.is_dir(entry.target):
        return "dangling"
    if is_standing(entry):
        return "linked"
    return "uninstalled" if is_uninstalled(entry) else "dropped"


def _foreign(context: LinkContext, path: str, name: str, *, shared: bool) -> Status:
    manifest = read_loose(path)
    target = fs.canonical(path)
    return Status(
        name=name,
        version=manifest.version if manifest is not None else "",
        path=path,
        target=target,
        state="linked" if fs.is_dir(path) else "dangling",
        ours=False,
        displaced=(),
        elsewhere="" if shared else _global_target(context, name, target),
    )


def _global_target(context: LinkContext, name: str, target: str) -> str:
    """Return where the global link *name* leads, empty if there is none or it leads to *target*."""
    path = f"{context.config.modules}/{name}"
    if not context.config.modules or not fs.is_link(path):
        return ""
    leads = fs.canonical(path)
    return "" if leads == target else leads


def standing_links(context: LinkContext, *, shared: bool = False) -> list[Standing]:
    """Return the links of the project, or with *shared* of the global folder, that lead somewhere."""
    bare = {entry.path for _, _, entry in context.recorded(shared=shared) if not entry.bin_links}
    links = [each for each in list_links(context, shared=shared) if each.state == "linked"]
    return [Standing(each.name, each.target, each.path, each.ours and each.path not in bare) for each in links]


def plan_relink(context: LinkContext, wanted: Sequence[Spec] = (), *, shared: bool = False) -> LinkPlan:
    """Plan to restore the recorded links, or those that *wanted* names, where they were dropped.

    What stays undone is a warning: WSOURCEGONE for a package that is gone, WNOTLINKED for a name that was never
    linked, WUNINSTALLED for a package that left package.json since (unless it is named), WNOLINKS if there is
    no link at all.
    """
    builder = context.builder() if shared else context.builder(context.every_package)
    linked = [each for each in context.recorded(shared=shared) if shared or context.is_own(each[2])]
    where = context.shared_place if shared else context.project.root
    for spec in wanted:
        if not any(_is_meant(spec, entry) for _, _, entry in linked):
            name = spec.folder or spec.name
            message = f"{name} is not among the links of {where}"
            builder.warn("WNOTLINKED", where, message, f"run linkpack link {name}")
    if not linked and not wanted:
        builder.warn("WNOLINKS", where, f"no links are recorded for {where}", "make them with linkpack link")
    for place, key, entry in linked:
        if not wanted and _state(entry) == "uninstalled":
            message = f"{entry.name} left package.json since it was linked, so that its link is not brought back"
            hint = (
                f"to forget the link: linkpack unlink {entry.name}; to have it back: linkpack relink {entry.name}"
            )
            builder.warn("WUNINSTALLED", entry.path, message, hint)
        elif not wanted or any(_is_meant(spec, entry) for spec in wanted):
            _relink(builder, context, entry, key, read_record(context.store, place))
    warn_of_state_after(builder, context, standing_links(context, shared=shared), shared=shared)
    return builder.plan()


def _is_meant(spec: Spec, entry: RecordedLink) -> bool:
    return entry.target == fs.canonical(spec.folder) if spec.folder else entry.name == spec.name


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
        builder.warn("WSOURCEGONE", entry.target, message, hint)
        return
    place_link(builder, location, source, rules, record)
