"""Tells what is linked and how it fares, and plans to restore links that were dropped."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fs, fslinks
from linkpack.errors import LinkpackError
from linkpack.linking.check import warn_of_state_after
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


def list_links(scene: Scene, *, shared: bool = False) -> tuple[Status, ...]:
    """The links of the project, or with *shared* those of the global folder, by path."""
    place = scene.shared_place if shared else scene.home.root
    modules = scene.config.modules if shared else f"{scene.home.root}/node_modules"
    record = read_record(scene.store, place)
    found = {entry.path: _recorded(entry) for entry in record.values()}
    for name in link_names(modules):
        spot = scene.shared_spot(name) if shared else scene.local_spot(modules, name)
        state = disk_state(spot.path)
        if spot.path not in found and isinstance(state, Link) and not is_installed_link(scene, spot, state):
            found[spot.path] = _foreign(spot.path, name)
    return tuple(found[path] for path in sorted(found))


def _recorded(entry: Linked) -> Status:
    manifest = read_loose(entry.target)
    found = disk_state(entry.path)
    there = isinstance(found, Link) and fslinks.canonical(entry.path) == entry.target
    state = "dangling" if not fs.is_dir(entry.target) else "linked" if there else "dropped"
    kept = [change.before.place for change in entry.owned if isinstance(change.before, Kept)]
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
    place = scene.shared_place if shared else scene.home.root
    bare = {entry.path for entry in read_record(scene.store, place).values() if not entry.bin_links}
    links = [each for each in list_links(scene, shared=shared) if each.state == "linked"]
    return [Standing(each.name, each.target, each.path, each.ours and each.path not in bare) for each in links]


def plan_relink(scene: Scene, names: Sequence[str] = (), *, shared: bool = False) -> LinkPlan:
    """The plan that restores the recorded links, or those called *names*, where they were dropped.

    A link whose package is gone, or that was never made, stays undone and is a warning with the code
    ESOURCEGONE or ENOTLINKED.
    """
    place = scene.shared_place if shared else scene.home.root
    record = read_record(scene.store, place)
    draft = Draft(scene.homes, windows=scene.rules.windows)
    for name in names:
        if all(entry.name != name for entry in record.values()):
            message = f"{name} is not among the links of {place}"
            draft.warn("ENOTLINKED", place, message, f"run linkpack link {name}")
    for entry in record.values():
        if not names or entry.name in names:
            _relink(draft, scene, entry, record, shared=shared)
    warn_of_state_after(draft, scene, standing_links(scene, shared=shared), shared=shared)
    return draft.plan()


def _relink(draft: Draft, scene: Scene, entry: Linked, record: Mapping[str, Linked], *, shared: bool) -> None:
    modules = entry.path.removesuffix(f"/{entry.name}")
    spot = scene.shared_spot(entry.name) if shared else scene.local_spot(modules, entry.name)
    rules = scene.rules._replace(bin_links=entry.bin_links, absolute=entry.literal.startswith("/"), gentle=True)
    try:
        source = read_source(entry.target)
    except LinkpackError as err:
        message = f"{entry.name} cannot be linked again: {err.message}"
        hint = f"bring {entry.target} back, or run linkpack unlink {entry.name}"
        draft.warn("ESOURCEGONE", entry.target, message, hint)
        return
    place_link(draft, spot, source, rules, record)
