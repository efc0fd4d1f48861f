"""Tell what is linked and how it fares, and plan to restore links that were dropped."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fs, fslinks
from linkpack.errors import LinkpackError
from linkpack.linking.check import is_uninstalled, warn_of_state_after
from linkpack.linking.command_status import Command, command_states
from linkpack.linking.linkdraft import Draft, disk_state
from linkpack.linking.linkpackage import led_to, read_loose, read_source
from linkpack.linking.linkplace import place_link
from linkpack.linking.linkrecord import read_record
from linkpack.linking.linkstate import Kept, Link
from linkpack.linking.linkwarn import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.linking.linkown import Spot
    from linkpack.linking.linkscene import Scene
    from linkpack.linking.linkstate import Linked, LinkPlan


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


def list_links(scene: Scene, *, shared: bool = False) -> tuple[Status, ...]:
    """Return the links of the project and its workspaces, or with *shared* of the global folder, by path."""
    place = scene.place(shared=shared)
    record = read_record(scene.store, place)
    found = {entry.path: _recorded(scene, entry, shared=shared) for entry in record.values()}
    for spot, name in _spots(scene, shared=shared):
        state = disk_state(spot.path)
        if spot.path not in found and isinstance(state, Link) and not is_installed_link(scene, spot, state):
            found[spot.path] = _foreign(scene, spot.path, name, shared=shared)
    return tuple(found[path] for path in sorted(found))


def _spots(scene: Scene, *, shared: bool) -> Iterator[tuple[Spot, str]]:
    """Yield where symbolic links to packages are, in the global folder or the project and its workspaces."""
    if shared:
        yield from ((scene.shared_spot(name), name) for name in link_names(scene.config.modules))
        return
    for folder in (scene.home.root, *member_roots(scene.home.root)):
        modules = f"{folder}/node_modules"
        yield from ((scene.local_spot(modules, name), name) for name in link_names(modules))


def member_roots(root: str) -> list[str]:
    """Return the member folders of the workspace whose root *root* is."""
    if not (fs.is_file(f"{root}/package.json") or fs.is_file(f"{root}/pnpm-workspace.yaml")):
        return []
    from linkpack.bundle.workspace import member_folders, read_workspace  # noqa: PLC0415 - seldom needed

    workspace = read_workspace(root)
    return member_folders(workspace) if workspace is not None else []


def _recorded(scene: Scene, entry: Linked, *, shared: bool) -> Status:
    manifest = read_loose(entry.target)
    state = _state(entry)
    kept = [change.before.place for change in entry.owned if isinstance(change.before, Kept)]
    commands: tuple[Command, ...] = ()
    if state == "linked" and entry.bin_links and manifest is not None:
        bins = scene.config.bins if shared else f"{entry.path.removesuffix(f'/{entry.name}')}/.bin"
        windows = scene.rules.windows
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
        saved=tuple(saved.path for saved in entry.saved),
        elsewhere="" if shared else _global_target(scene, entry.name, entry.target),
    )


def _state(entry: Linked) -> str:
    if not fs.is_dir(entry.target):
        return "dangling"
    if isinstance(disk_state(entry.path), Link) and fslinks.canonical(entry.path) == entry.target:
        return "linked"
    return "uninstalled" if is_uninstalled(entry) else "dropped"


def _foreign(scene: Scene, path: str, name: str, *, shared: bool) -> Status:
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
        elsewhere="" if shared else _global_target(scene, name, target),
    )


def _global_target(scene: Scene, name: str, target: str) -> str:
    """Return where the global link *name* leads, empty if there is none or it leads to *target*."""
    path = f"{scene.config.modules}/{name}"
    if not scene.config.modules or not fslinks.is_link(path):
        return ""
    leads = fslinks.canonical(path)
    return "" if leads == target else leads


def link_names(modules: str) -> Iterator[str]:
    """Yield the names of the symbolic links to packages in the node_modules folder *modules*, scoped ones, too."""
    if not fs.is_dir(modules):
        return
    for entry in sorted(fs.scan(modules), key=lambda one: one.name):
        if entry.name.startswith("@") and entry.is_dir(follow_symlinks=False):
            inner = sorted(fs.scan(entry.path), key=lambda one: one.name)
            yield from (f"{entry.name}/{each.name}" for each in inner if each.is_symlink())
        elif entry.is_symlink() and not entry.name.startswith("."):
            yield entry.name


def is_installed_link(scene: Scene, spot: Spot, found: Link) -> bool:
    """Whether the link *found* at *spot* was made by an install: into a store, or to a workspace."""
    if spot.shared:
        return False
    parent = fslinks.canonical(posixpath.dirname(spot.path))
    real = led_to(spot.path, found.target)
    lexical = posixpath.normpath(posixpath.join(parent, found.target))
    inside = fslinks.canonical(spot.modules)
    if real.startswith(f"{inside}/") or lexical.startswith((f"{inside}/.pnpm/", f"{inside}/.store/")):
        return True
    root = scene.home.root
    if not real.startswith(f"{root}/"):
        return False
    if "/node_modules/" in real.removeprefix(root):
        return True
    from linkpack.bundle.workspace import member_folders, read_workspace  # noqa: PLC0415 - seldom needed

    workspace = read_workspace(root)
    return workspace is not None and real in member_folders(workspace)


def standing_links(scene: Scene, *, shared: bool = False) -> list[Standing]:
    """Return the links of the project, or with *shared* of the global folder, that stand and lead somewhere."""
    place = scene.place(shared=shared)
    bare = {entry.path for entry in read_record(scene.store, place).values() if not entry.bin_links}
    links = [each for each in list_links(scene, shared=shared) if each.state == "linked"]
    return [Standing(each.name, each.target, each.path, each.ours and each.path not in bare) for each in links]


def plan_relink(scene: Scene, names: Sequence[str] = (), *, shared: bool = False) -> LinkPlan:
    """Plan to restore the recorded links, or those called *names*, where they were dropped.

    What stays undone is a warning: WSOURCEGONE for a package that is gone, WNOTLINKED for a name that was never
    linked, WUNINSTALLED for a package that left package.json since (unless it is named), WNOLINKS if there is
    no link at all.
    """
    place = scene.place(shared=shared)
    record = read_record(scene.store, place)
    draft = Draft(scene.homes, windows=scene.rules.windows)
    for name in names:
        if all(entry.name != name for entry in record.values()):
            message = f"{name} is not among the links of {place}"
            draft.warn("WNOTLINKED", place, message, f"run linkpack link {name}")
    if not record and not names:
        draft.warn("WNOLINKS", place, f"no links are recorded for {place}", "make them with linkpack link")
    for entry in record.values():
        if not names or entry.name in names:
            _relink(draft, scene, entry, record, shared=shared, named=bool(names))
    warn_of_state_after(draft, scene, standing_links(scene, shared=shared), shared=shared)
    return draft.plan()


def _relink(
    draft: Draft, scene: Scene, entry: Linked, record: Mapping[str, Linked], *, shared: bool, named: bool
) -> None:
    if not named and _state(entry) == "uninstalled":
        message = f"{entry.name} left package.json since it was linked, so that its link is not brought back"
        hint = f"to forget the link: linkpack unlink {entry.name}; to have it back: linkpack relink {entry.name}"
        draft.warn("WUNINSTALLED", entry.path, message, hint)
        return
    modules = entry.path.removesuffix(f"/{entry.name}")
    spot = scene.shared_spot(entry.name) if shared else scene.local_spot(modules, entry.name)
    rules = scene.rules._replace(bin_links=entry.bin_links, absolute=entry.literal.startswith("/"), gentle=True)
    try:
        source = read_source(entry.target)
    except LinkpackError as err:
        message = f"{entry.name} cannot be linked again: {err.message}"
        hint = f"bring {entry.target} back, or run linkpack unlink {entry.name}"
        draft.warn("WSOURCEGONE", entry.target, message, hint)
        return
    place_link(draft, spot, source, rules, record)
