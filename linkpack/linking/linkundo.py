"""Plans `unlink`: takes links away and puts back what they displaced."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.disk import fs, fslinks
from linkpack.errors import LinkMissing
from linkpack.linking.claims import handed_down, heir
from linkpack.linking.linkdraft import Draft
from linkpack.linking.linklist import is_installed_link
from linkpack.linking.linkpackage import (
    is_replaced,
    is_theirs,
    leads_by,
    leads_on,
    leads_through,
    led_to,
    read_loose,
)
from linkpack.linking.linkrecord import read_record
from linkpack.linking.linkstate import ABSENT, Absent, Change, Edit, Folder, Item, Kept, Link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.linking.linkown import Spot
    from linkpack.linking.linkscene import Scene
    from linkpack.linking.linkstate import Linked, LinkPlan, State


class _Undoing:
    """The planning of one `unlink`; *record* is what will still be linked afterwards."""

    def __init__(self, scene: Scene, place: str) -> None:
        self.scene = scene
        self.place = place
        self.draft = Draft(scene.homes, windows=scene.rules.windows)
        self.record = read_record(scene.store, place)
        self.first = dict(self.record)
        self.spots: list[Spot] = []  # of the links that were taken away
        self.folders: list[Change] = []  # that were made for them

    # --- links in the record

    def take_away(self, key: str) -> None:
        """Take the recorded link *key* away."""
        entry = self.record.pop(key)
        there = self._is_there(entry)
        replaced = is_replaced(entry, self.draft.state(entry.path))
        for change in entry.owned:
            self._hand_down(entry, change, there=there, replaced=replaced)
        self.spots.append(self._spot(entry))
        self.folders += [change for change in entry.owned if isinstance(change.after, Folder)]
        if entry.saved:
            from linkpack.linking.linksave import plan_unsave  # noqa: PLC0415 - few links are saved

            plan_unsave(self.draft, entry, self.record)
        if there:
            self.draft.removed.append(Item(entry.name, entry.version, entry.path))

    def _hand_down(self, entry: Linked, change: Change, *, there: bool, replaced: bool) -> None:
        """Put back what *entry* displaced at one path, or leave that to the link that displaced it there.

        *there*: the link stands. *replaced*: something else has its place, and commands of its own.
        """
        now = self.draft.state(change.path)
        theirs = replaced and is_theirs(change.path, now, entry.path)
        if replaced and leads_through(change.path, change.before, entry.path):
            change = change._replace(before=ABSENT)  # it went with the package that the link displaced
        above = heir(change, self.record, now)
        if theirs:
            change = change._replace(after=ABSENT)  # so that it stays
        elif self._is_mine(entry, change.path, now, there=there):
            change = change._replace(after=now)  # ours, if not as we wrote it
        self._put_back(change, now, at_link=change.path == entry.path, inherited=above is not None)
        if above is not None:
            self.record[above] = handed_down(self.record[above], change)

    def _is_mine(self, entry: Linked, path: str, now: State, *, there: bool) -> bool:
        """Whether what stands at *path* is the link or a command of it, perhaps as somebody else writes them."""
        return there and (path == entry.path or leads_through(path, now, entry.path))

    def _is_there(self, entry: Linked) -> bool:
        found = self.draft.state(entry.path)
        return isinstance(found, Link) and led_to(entry.path, found.target) == entry.target

    def _put_back(self, change: Change, now: State, *, at_link: bool, inherited: bool) -> None:
        """Bring one path to what was there first, when what is there *now* is still ours.

        *inherited*: another link has displaced ours, and puts back what ours had displaced.
        """
        path, before, after = change
        if now == after:
            self._restore(path, after, before)
        elif isinstance(before, Link):
            if isinstance(now, Absent) and at_link:
                self._restore(path, ABSENT, before)
        elif isinstance(before, Kept) and fslinks.exists(before.place):
            if isinstance(now, Absent):
                self._restore(path, ABSENT, before)
            elif not inherited:
                self._superseded(path, before)

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

    def _drop_folders(self) -> None:
        """Remove the folders that were made for what is gone; one that others still use becomes theirs."""
        for change in sorted(self.folders, key=lambda one: one.path, reverse=True):
            user = next((key for key, entry in self.record.items() if _uses(entry, change.path)), None)
            if user is not None:
                entry = self.record[user]
                self.record[user] = entry._replace(owned=(*entry.owned, change))
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
        self.spots.append(spot)
        if isinstance(after, Absent):
            self._forget(spot.path)
        self.draft.removed.append(Item(name, version, spot.path))

    def _forget(self, path: str) -> None:
        """Have no link put back the commands that it displaced of the package that was at *path*."""
        for key, entry in self.record.items():
            owned = (
                one._replace(before=ABSENT) if leads_through(one.path, one.before, path) else one
                for one in entry.owned
            )
            self.record[key] = entry._replace(owned=tuple(owned))

    def _spot(self, entry: Linked) -> Spot:
        if self.scene.config.fault is None and self.place == self.scene.shared_place:
            return self.scene.shared_spot(entry.name)
        modules = entry.path.removesuffix(f"/{entry.name}")
        return self.scene.local_spot(modules, entry.name)

    def _sweep(self) -> None:
        """Remove commands and pages that lead into what is taken away, those that were to be put back too."""
        for spot in {spot.modules: spot for spot in self.spots}.values():
            folders = tuple(f"{folder}/" for folder in (spot.bins, spot.mans) if folder)
            back = [path for path in self.draft.changes if path.startswith(folders)]
            for each in dict.fromkeys([*_entries(spot), *back]):
                now = self.draft.state(each)
                if any(self._is_lost(each, now, one.path) for one in self.spots):
                    self.draft.replace(each, now, ABSENT)

    def _is_lost(self, path: str, now: State, link: str) -> bool:
        """Whether a command at *path* leads through *link*, where nothing that has its script will be."""
        target = leads_by(path, now)
        if target is None or not leads_through(path, now, link):
            return False
        then = self.draft.state(link)
        if isinstance(then, Kept) and then.place and path not in self.draft.changes:
            script = posixpath.relpath(led_to(path, target), fslinks.canonical(link))
            return leads_on(path, now) and not fslinks.exists(f"{then.place}/{script}")
        return isinstance(then, Absent)

    def plan(self) -> LinkPlan:
        """The finished plan."""
        self._sweep()
        self._drop_folders()
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
