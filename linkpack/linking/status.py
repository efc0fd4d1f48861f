"""Tell what is linked and how it fares, and plan to restore links that were dropped."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from linkpack.linking.builder import disk_state
from linkpack.linking.command_scripts import CRLF_SHEBANG, head_of
from linkpack.linking.declared import is_uninstalled
from linkpack.linking.installed import list_linked_names
from linkpack.linking.package import inside, is_standing, resolve_parent, target_exists, target_is_inside
from linkpack.linking.package_tree import Standing
from linkpack.linking.record import read_saved
from linkpack.linking.states import Absent, Displaced, Link
from linkpack.project.source import read_loose, source_of
from linkpack.system import links as fslinks
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkpack.linking.context import LinkContext
    from linkpack.linking.states import RecordedLink
    from linkpack.npm.manifest import Manifest


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
        for name in list_linked_names(place):
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
    state = link_state(entry)
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
        displaced=tuple(place for place in (*kept, *entry.older) if fslinks.exists(place)),
        commands=commands,
        saved=saved,
        elsewhere="" if shared else _global_target(context, entry.name, entry.target),
    )


def link_state(entry: RecordedLink) -> str:
    """Return the `Status.state` of a recorded link."""
    if not fs.is_dir(entry.target):
        return "dangling"
    if is_standing(entry):
        return "linked"
    return "uninstalled" if is_uninstalled(entry) else "dropped"


def _foreign(context: LinkContext, path: str, name: str, *, shared: bool) -> Status:
    manifest = read_loose(path)
    target = fslinks.canonical(path)
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
    if not context.config.modules or not fslinks.is_link(path):
        return ""
    leads = fslinks.canonical(path)
    return "" if leads == target else leads


def standing_links(context: LinkContext, *, shared: bool = False) -> list[Standing]:
    """Return the links of the project, or with *shared* of the global folder, that lead somewhere."""
    bare = {entry.path for _, _, entry in context.recorded(shared=shared) if not entry.bin_links}
    links = [each for each in list_links(context, shared=shared) if each.state == "linked"]
    return [Standing(each.name, each.target, each.path, each.ours and each.path not in bare) for each in links]


class Command(NamedTuple):
    """A command of a linked package: its *name*, its *path*, and the *script* inside of the package.

    *state* is `ok`, `unbuilt` (the script does not exist), `missing` (nothing stands at the path, or a link to
    nowhere), `taken` (something else stands there), or `not executable` (the script's mode or first line keeps
    it from running).
    """

    name: str
    path: str
    script: str
    state: str

    @property
    def is_in_order(self) -> bool:
        """True if nothing has to be mended: a command that something else took is not ours any more."""
        return self.state in {"ok", "taken"}


def command_states(folder: str, manifest: Manifest, link: str, bins: str, *, windows: bool) -> tuple[Command, ...]:
    """Return the commands of the package in *folder*, linked at *link*, as they are in the folder *bins*."""
    found = []
    for name, script in sorted(source_of(folder, manifest).commands.items()):
        real = inside(folder, script)
        if real is not None:  # one outside of the package is never linked
            path = posixpath.join(bins, name)
            found.append(Command(name, path, script, _command_state(path, real, link, windows=windows)))
    return tuple(found)


def _command_state(path: str, script: str, link: str, *, windows: bool) -> str:
    if not fs.is_file(script):
        return "unbuilt"
    there = disk_state(path, windows=windows)
    if isinstance(there, Absent) or (target_is_inside(path, there, link) and not target_exists(path, there)):
        return "missing"
    if not target_is_inside(path, there, link):
        return "taken"
    broken = re.match(CRLF_SHEBANG, head_of(script)) is not None
    return "ok" if windows or (fslinks.executable(script) and not broken) else "not executable"


def described(commands: Iterable[Command]) -> str:
    """Return *commands* for a person: names, with what is wrong in parentheses.

    "tool, other (unbuilt: dist/other.js)"
    """
    return ", ".join(
        each.name if each.state == "ok" else f"{each.name} ({each.state}: {each.script})" for each in commands
    )
