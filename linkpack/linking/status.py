"""List links, and tell whether they and their commands work."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.linking.builder import disk_state
from linkpack.linking.command_scripts import has_crlf_shebang, read_script_head
from linkpack.linking.declared import is_uninstalled
from linkpack.linking.installed import list_linked_names
from linkpack.linking.package import is_in_place, resolve_inside, resolve_parent, target_exists, target_is_inside
from linkpack.linking.package_tree import PlacedLink
from linkpack.linking.record import read_saved
from linkpack.linking.states import Absent, Displaced, Link
from linkpack.project.package_json import read_loose
from linkpack.project.source import read_source_package
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkpack.linking.context import LinkContext
    from linkpack.linking.states import RecordedLink
    from linkpack.npm.manifest import Manifest


class Status(Record):
    """One link of a project or of the global folder.

    *state* is `linked`, `dropped` (an install took the link away; `relink` brings it back), `uninstalled` (it
    is gone, and package.json does not name the package any more) or `dangling` (the package is gone). *ours* is
    false for a link that linkpack did not make. *displaced* are the stashes of displaced content. *saved* are the
    files that the link is saved in. *elsewhere* is the folder that the global link of that name leads to, if it is
    another one. *copy* is true for a copy of the package.
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
    copy: bool = False

    @property
    def is_in_order(self) -> bool:
        """Return True if neither the link nor a command of it needs a repair."""
        if self.state == "uninstalled":
            return True
        return self.state == "linked" and all(command.is_in_order for command in self.commands)


class Command(Record):
    """A command of a linked package.

    *path* is that of the command, *script* that of the file inside of the package. *state* is `ok`, `unbuilt` (the
    script does not exist), `missing` (nothing is at the path, or a broken link), `taken` (another file is there),
    or `not executable` (the script's mode or first line keeps it from running).
    """

    name: str
    path: str
    script: str
    state: str

    @property
    def is_in_order(self) -> bool:
        """Return True if nothing needs a repair.

        A command that something else took is not ours any more.
        """
        return self.state in {"ok", "taken"}


def list_links(context: LinkContext, *, shared: bool = False) -> tuple[Status, ...]:
    """Return the links of the project, or with *shared* the global ones.

    They are sorted by path. The project's include the links of all workspaces, or of the chosen ones.
    """
    # Recorded links. Several checkouts may have a link at one path of a shared node_modules: the link that is in
    # place is listed, or without any this checkout's own.
    by_path: dict[str, Status] = {}
    saved = {} if shared else _list_saved_files(context)
    for _, _, link in context.recorded(shared=shared):
        status = _check_recorded(context, link, saved.get(link.path, ()))
        known = by_path.get(link.path)
        if known is None or (known.state != "linked" and (status.state == "linked" or context.is_own(link))):
            by_path[link.path] = status
    # Unrecorded links, of `npm link`, other tools or the user. Those of a package manager are no links to work on.
    for place in context.places(shared=shared):
        for name in list_linked_names(place):
            location = context.shared_location(name) if shared else context.local_location(place, name)
            state = disk_state(location.path)
            if location.path in by_path or not isinstance(state, Link):
                continue
            if shared or not context.installed.reason(location.path, state.target):
                by_path[location.path] = _check_foreign(context, location.path, name, shared=shared)
    return tuple(by_path[path] for path in sorted(by_path))


def _list_saved_files(context: LinkContext) -> dict[str, tuple[str, ...]]:
    """Return the files in which links are saved, by path."""
    root = context.project.root
    saved = read_saved(context.store, root)
    return {resolve_parent(f"{root}/{key}"): tuple(edit.path for edit in edits) for key, edits in saved.items()}


def _check_recorded(context: LinkContext, link: RecordedLink, saved: tuple[str, ...]) -> Status:
    shared = not link.project
    state = find_state(link)
    # A copy may be behind its source.
    folder = link.path if link.copied is not None and state == "linked" else link.target
    manifest = read_loose(folder)
    stashes = [change.before.stash for change in link.owned if isinstance(change.before, Displaced)]
    commands: tuple[Command, ...] = ()
    if state == "linked" and link.bin_links and manifest is not None:
        bins = context.config.bins if shared else f"{link.path.removesuffix(f'/{link.name}')}/.bin"
        commands = _check_commands(link, folder, manifest, bins, windows=context.rules.windows)
    return Status(
        name=link.name,
        version=manifest.version if manifest is not None else link.version,
        path=link.path,
        target=link.target,
        state=state,
        ours=True,
        displaced=tuple(stash for stash in (*stashes, *link.older) if fs.exists(stash)),
        commands=commands,
        saved=saved,
        elsewhere="" if shared else _find_other_global(context, link.name, link.target),
        copy=link.copied is not None,
    )


def find_state(link: RecordedLink) -> str:
    """Return the `Status.state` of a recorded link."""
    if not fs.is_dir(link.target):
        return "dangling"
    if is_in_place(link):
        return "linked"
    return "uninstalled" if is_uninstalled(link) else "dropped"


def _check_foreign(context: LinkContext, path: str, name: str, *, shared: bool) -> Status:
    """Return the status of a link that linkpack did not make."""
    manifest = read_loose(path)
    target = fs.canonical_path(path)
    return Status(
        name=name,
        version=manifest.version if manifest is not None else "",
        path=path,
        target=target,
        state="linked" if fs.is_dir(path) else "dangling",
        ours=False,
        displaced=(),
        elsewhere="" if shared else _find_other_global(context, name, target),
    )


def _find_other_global(context: LinkContext, name: str, target: str) -> str:
    """Return the folder that the global link leads to, or "" for *target*."""
    path = f"{context.config.modules}/{name}"
    if not context.config.modules or not fs.is_link(path):
        return ""
    other = fs.canonical_path(path)
    return "" if other == target else other


def _check_commands(
    link: RecordedLink, folder: str, manifest: Manifest, bins: str, *, windows: bool
) -> tuple[Command, ...]:
    """Return the commands of the package in *folder*, as they are in *bins*."""
    commands = []
    for name, script in sorted(read_source_package(folder, manifest).commands.items()):
        real = resolve_inside(folder, script)
        if real is not None:  # a script outside of the package is never linked
            path = posixpath.join(bins, name)
            state = _find_command_state(path, real, link.path, windows=windows)
            commands.append(Command(name=name, path=path, script=script, state=state))
    return tuple(commands)


def _find_command_state(path: str, script: str, link: str, *, windows: bool) -> str:
    if not fs.is_file(script):
        return "unbuilt"
    state = disk_state(path, windows=windows)
    if isinstance(state, Absent) or (target_is_inside(path, state, link) and not target_exists(path, state)):
        return "missing"
    if not target_is_inside(path, state, link):
        return "taken"
    # On Windows the shim names the interpreter, so neither mode nor line end of the script matters.
    can_run = windows or (fs.is_executable(script) and not has_crlf_shebang(read_script_head(script)))
    return "ok" if can_run else "not executable"


def describe_commands(commands: Iterable[Command]) -> str:
    """Return the names of *commands*, each with its fault.

    >>> tool = Command(name="tool", path="/p/bin/tool", script="tool.js", state="ok")
    >>> describe_commands([tool, tool._replace(name="other", script="dist/other.js", state="unbuilt")])
    'tool, other (unbuilt: dist/other.js)'
    """
    return ", ".join(
        command.name if command.state == "ok" else f"{command.name} ({command.state}: {command.script})"
        for command in commands
    )


def list_placed_links(context: LinkContext, *, shared: bool = False) -> list[PlacedLink]:
    """Return the links of the project that are in place, or the global ones."""
    # Commands of a link that others made are not ours to check.
    bare = {link.path for _, _, link in context.recorded(shared=shared) if not link.bin_links}
    return [
        PlacedLink(
            name=status.name,
            folder=status.target,
            path=status.path,
            bin_links=status.ours and status.path not in bare,
        )
        for status in list_links(context, shared=shared)
        if status.state == "linked"
    ]
