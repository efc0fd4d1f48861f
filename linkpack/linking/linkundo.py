"""Plans `unlink`: takes links away and puts back what they displaced."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.disk import fs, fslinks
from linkpack.errors import LinkMissing
from linkpack.linking.claims import handed_down, heir
from linkpack.linking.linkdraft import Draft
from linkpack.linking.linklist import is_installed_link
from linkpack.linking.linkpackage import leads_through, read_loose
from linkpack.linking.linkrecord import file_state, read_record
from linkpack.linking.linkstate import ABSENT, Absent, Change, Edit, File, Folder, Item, Kept, Link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.linking.linkown import Spot
    from linkpack.linking.linkscene import Scene
    from linkpack.linking.linkstate import Linked, LinkPlan, State

_SHIMS = ("", ".cmd", ".ps1")
_SHIM_LIMIT = 1 << 20  # bytes


class _Undoing:
    """The planning of one `unlink`; *record* is what will still be linked afterwards."""

    def __init__(self, scene: Scene, place: str) -> None:
        self.scene = scene
        self.place = place
        self.draft = Draft(scene.homes)
        self.record = read_record(scene.store, place)
        self.first = dict(self.record)

    # --- links in the record

    def take_away(self, key: str) -> None:
        """Take the recorded link *key* away."""
        entry = self.record.pop(key)
        there = self._is_there(entry)
        for change in entry.owned:
            self._hand_down(entry, change)
        self._sweep_dead(entry.path, self._spot(entry))
        self._drop_folders(entry)
        if entry.saved:
            from linkpack.linking.linksave import plan_unsave  # noqa: PLC0415 - few links are saved

            plan_unsave(self.draft, entry, self.record)
        if there:
            self.draft.removed.append(Item(entry.name, entry.version, entry.path))

    def _hand_down(self, entry: Linked, change: Change) -> None:
        """Put back what *entry* displaced at one path, or leave that to the link that displaced it there."""
        now = self._now(change.path, change.after)
        above = heir(change, self.record, now)
        self._put_back(entry, change, now, inherited=above is not None)
        if above is not None:
            self.record[above] = handed_down(self.record[above], change)

    def _is_there(self, entry: Linked) -> bool:
        found = self.draft.state(entry.path)
        return isinstance(found, Link) and self._leads(entry.path, found) == entry.target

    def _leads(self, path: str, found: Link) -> str:
        parent = fslinks.canonical(posixpath.dirname(path))
        return fslinks.canonical(posixpath.join(parent, found.target))

    def _put_back(self, entry: Linked, change: Change, now: State, *, inherited: bool) -> None:
        """Bring one path to what was there first, when what is there *now* is still ours.

        *inherited*: another link has displaced ours, and puts back what ours had displaced.
        """
        path, before, after = change
        if now != after and self._ours(entry, path, now):
            after = now
        if now == after:
            self._restore(path, after, before)
        elif isinstance(before, Link):
            if isinstance(now, Absent) and path == entry.path:
                self._restore(path, ABSENT, before)
        elif isinstance(before, Kept) and fslinks.exists(before.place):
            if isinstance(now, Absent):
                self._restore(path, ABSENT, before)
            elif not inherited:
                self._superseded(path, before)

    def _now(self, path: str, after: State) -> State:
        now = self.draft.state(path)
        if isinstance(after, File) and isinstance(now, Kept) and fs.is_file(path):
            return file_state(path)
        return now

    def _ours(self, entry: Linked, path: str, now: State) -> bool:
        """Whether a link that is not written as we wrote it still is the one to take away."""
        if not isinstance(now, Link):
            return False
        if path == entry.path:
            return self._leads(path, now) == entry.target
        return leads_through(path, now.target, entry.path) and self._is_there(entry)

    def _restore(self, path: str, after: State, before: State) -> None:
        if isinstance(before, Kept):
            if not fslinks.exists(before.place):
                message = f"what the link displaced at {path} is gone from {before.place} (npm ci removes it)"
                self.draft.warn("WDISPLACED", path, message, "run your package manager's install")
                before = ABSENT
            else:
                before = Kept(before.place, fs.lstat(before.place).st_ino)
        if before != after:
            if not isinstance(before, Absent):
                self.draft.folder(posixpath.dirname(path))
            self.draft.replace(path, after, before)

    def _superseded(self, path: str, before: Kept) -> None:
        """Something else has taken the link's place since, so what it displaced is not put back."""
        if fslinks.exists(path) and fslinks.same_trees(before.place, path):
            self.draft.discard.append(before.place)
        else:
            message = f"{path} was replaced since; what the link had displaced stays in {before.place}"
            self.draft.warn("WSUPERSEDED", before.place, message, "remove it when you do not need it")

    def _drop_folders(self, gone: Linked) -> None:
        """Remove the folders that were made for *gone*; one that others still use becomes theirs."""
        folders = [change for change in gone.owned if isinstance(change.after, Folder)]
        for change in sorted(folders, key=lambda one: one.path, reverse=True):
            heir = next((key for key, entry in self.record.items() if _uses(entry, change.path)), None)
            if heir is not None:
                entry = self.record[heir]
                self.record[heir] = entry._replace(owned=(*entry.owned, change))
            elif fs.is_dir(change.path) and not fslinks.is_link(change.path):
                self.draft.replace(change.path, Folder(), ABSENT)

    # --- links that somebody else made

    def take_foreign(self, spot: Spot, name: str) -> None:
        """Take away a link that is not in the record; refuse what is installed, pass over what is absent."""
        found = self.draft.state(spot.path)
        if isinstance(found, Absent):
            return
        if not isinstance(found, Link) or is_installed_link(self.scene, spot, found):
            message = f"{name} is installed in {posixpath.dirname(spot.path)}, not linked"
            where = "npm uninstall -g" if spot.shared else "npm uninstall"
            self.draft.refuse("ENOTLINK", spot.path, message, f"to remove it, run {where} {name}")
            return
        manifest = read_loose(spot.path)
        version = manifest.version if manifest is not None else ""
        place = f"{spot.modules}/.linkpack/{name.replace('/', '+')}"
        after: State = Kept(place, fs.lstat(place).st_ino) if fslinks.exists(place) else ABSENT
        self.draft.replace(spot.path, found, after)
        self._sweep_dead(spot.path, spot)
        self.draft.removed.append(Item(name, version, spot.path))

    def _spot(self, entry: Linked) -> Spot:
        if self.place == self.scene.shared_place:
            return self.scene.shared_spot(entry.name)
        modules = entry.path.removesuffix(f"/{entry.name}")
        return self.scene.local_spot(modules, entry.name)

    def _sweep_dead(self, path: str, spot: Spot) -> None:
        """Remove commands and man pages that lead through the link at *path*, when nothing will be there."""
        if not isinstance(self.draft.state(path), Absent):
            return
        for each in _entries(spot):
            if each not in self.draft.changes and self._leads_into(each, path):
                now = self.draft.state(each)
                self.draft.replace(each, file_state(each) if isinstance(now, Kept) else now, ABSENT)

    def _leads_into(self, each: str, path: str) -> bool:
        now = self.draft.state(each)
        if isinstance(now, Link):
            return leads_through(each, now.target, path)
        if self.scene.config.windows and isinstance(now, Kept) and fs.is_file(each):
            from linkpack.linking.shims import read_shim  # noqa: PLC0415 - for Windows only

            ending = next(end for end in reversed(_SHIMS) if each.endswith(end))
            target = read_shim(ending, fslinks.read_head(each, _SHIM_LIMIT))
            return target is not None and leads_through(each, target, path)
        return False

    def plan(self) -> LinkPlan:
        """The finished plan."""
        for key in self.first.keys() | self.record.keys():
            self.draft.edits[self.place, key] = Edit(self.place, key, self.first.get(key), self.record.get(key))
        return self.draft.plan()


def _uses(entry: Linked, folder: str) -> bool:
    """Whether something of *entry* lies below *folder*."""
    paths = [entry.path, *(change.path for change in entry.owned)]
    paths += [change.before.place for change in entry.owned if isinstance(change.before, Kept)]
    return any(path.startswith(f"{folder}/") for path in paths)


def _entries(spot: Spot) -> Iterator[str]:
    """The paths in the folders of commands and man pages."""
    for folder in (spot.bins, *_sections(spot.mans)):
        if fs.is_dir(folder):
            yield from sorted(entry.path for entry in fs.scan(folder))


def _sections(mans: str) -> list[str]:
    return sorted(entry.path for entry in fs.scan(mans)) if mans and fs.is_dir(mans) else []


def plan_unlink(scene: Scene, names: Sequence[str], *, every: bool = False) -> LinkPlan:
    """The plan of `unlink name…` in the project, or with *every* of all its links.

    A name that is installed, not linked, is in the conflicts; one that is absent changes nothing.
    """
    work = _Undoing(scene, scene.home.root)
    for name in names:
        keys = _local_keys(work, scene, name)
        for key in keys:
            work.take_away(key)
        if not keys:
            for modules in scene.local_modules(name):
                work.take_foreign(scene.local_spot(modules, name), name)
    if every:
        for key in list(work.record):
            work.take_away(key)
        for spot, name in _foreign(scene):
            if isinstance(disk := work.draft.state(spot.path), Link) and not is_installed_link(scene, spot, disk):
                work.take_foreign(spot, name)
    return work.plan()


def _foreign(scene: Scene) -> Iterator[tuple[Spot, str]]:
    from linkpack.linking.linklist import link_names  # noqa: PLC0415 - only for --all

    modules = f"{scene.home.root}/node_modules"
    for name in link_names(modules):
        yield scene.local_spot(modules, name), name


def _local_keys(work: _Undoing, scene: Scene, name: str) -> list[str]:
    """The keys of the project's links called *name*: in the chosen workspaces, or else anywhere."""
    keys = [key for key, entry in work.record.items() if entry.name == name]
    if not scene.picked:
        return keys
    chosen = [key for key in keys if any(work.record[key].path.startswith(f"{at}/") for at in scene.picked)]
    return chosen or [key for key in keys if key == f"node_modules/{name}"]


def plan_unregister(scene: Scene, names: Sequence[str], *, every: bool = False) -> LinkPlan:
    """The plan of `unlink -g name…`; without names, of the project itself or the workspaces chosen.

    With *every*, of all global links in the record. `LinkMissing` (ENONAME) when there is no name to go by.
    """
    work = _Undoing(scene, scene.shared_place)
    wanted = [*names, *work.record] if every else list(names)
    if not names and not every:
        for folder in scene.picked or (scene.home.start,):
            manifest = read_loose(folder)
            wanted += [manifest.name] if manifest is not None and manifest.name else []
            wanted += [key for key, entry in work.record.items() if entry.target == folder]
        if not wanted:
            raise LinkMissing(
                f"{scene.home.start} is no package with a name, and none was given",
                code="ENONAME",
                path=scene.home.start,
                hint="run it in a package's folder, or name what to unlink",
            )
    for name in dict.fromkeys(wanted):
        if name in work.record:
            work.take_away(name)
        else:
            work.take_foreign(scene.shared_spot(name), name)
    return work.plan()
