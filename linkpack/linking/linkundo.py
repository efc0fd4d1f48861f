"""Plans `unlink`: takes links away and puts back what they displaced."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.disk import fs, fslinks
from linkpack.errors import LinkMissing
from linkpack.linking.claims import find_displacer, inherit
from linkpack.linking.linkdraft import PlanBuilder
from linkpack.linking.linklist import is_installed_link
from linkpack.linking.linkpackage import (
    is_foreign_command,
    is_replaced,
    link_target,
    read_loose,
    resolve_link,
    target_exists,
    target_is_inside,
)
from linkpack.linking.linkrecord import read_record
from linkpack.linking.linkstate import ABSENT, Absent, Change, CreatedDirectory, Displaced, Edit, Item, Link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.linking.linkown import LinkLocation
    from linkpack.linking.linkscene import LinkContext
    from linkpack.linking.linkstate import LinkPlan, RecordedLink, State


class _Undoing:
    """The planning of one `unlink`; *record* is what will still be linked afterwards."""

    def __init__(self, context: LinkContext, place: str) -> None:
        self.context = context
        self.place = place
        self.builder = PlanBuilder(context.writable_roots, windows=context.rules.windows)
        self.record = read_record(context.store, place)
        self.first = dict(self.record)
        self.locations: list[LinkLocation] = []  # of the links that were taken away
        self.folders: list[Change] = []  # that were made for them

    # --- links in the record

    def take_away(self, key: str) -> None:
        """Take the recorded link *key* away."""
        entry = self.record.pop(key)
        there = self._is_there(entry)
        replaced = is_replaced(entry, self.builder.state(entry.path))
        for change in entry.owned:
            self._hand_down(entry, change, there=there, replaced=replaced)
        self.locations.append(self._location(entry))
        self.folders += [change for change in entry.owned if isinstance(change.after, CreatedDirectory)]
        if entry.saved:
            from linkpack.linking.linksave import plan_unsave  # noqa: PLC0415 - few links are saved

            plan_unsave(self.builder, entry, self.record)
        if there:
            self.builder.removed.append(Item(entry.name, entry.version, entry.path))

    def _hand_down(self, entry: RecordedLink, change: Change, *, there: bool, replaced: bool) -> None:
        """Put back what *entry* displaced at one path, or leave that to the link that displaced it there.

        *there*: the link stands. *replaced*: something else has its place, and commands of its own.
        """
        now = self.builder.state(change.path)
        theirs = replaced and is_foreign_command(change.path, now, entry.path)
        if replaced and target_is_inside(change.path, change.before, entry.path):
            change = change._replace(before=ABSENT)  # it went with the package that the link displaced
        above = find_displacer(change, self.record, now)
        if theirs:
            change = change._replace(after=ABSENT)  # so that it stays
        elif self._is_mine(entry, change.path, now, there=there):
            change = change._replace(after=now)  # ours, if not as we wrote it
        self._put_back(change, now, at_link=change.path == entry.path, inherited=above is not None)
        if above is not None:
            self.record[above] = inherit(self.record[above], change)

    def _is_mine(self, entry: RecordedLink, path: str, now: State, *, there: bool) -> bool:
        """Whether what stands at *path* is the link or a command of it, perhaps as somebody else writes them."""
        return there and (path == entry.path or target_is_inside(path, now, entry.path))

    def _is_there(self, entry: RecordedLink) -> bool:
        found = self.builder.state(entry.path)
        return isinstance(found, Link) and resolve_link(entry.path, found.target) == entry.target

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
        elif isinstance(before, Displaced) and fslinks.exists(before.stash):
            if isinstance(now, Absent):
                self._restore(path, ABSENT, before)
            elif not inherited:
                self._superseded(path, before)

    def _restore(self, path: str, after: State, before: State) -> None:
        if isinstance(before, Displaced):
            if not fslinks.exists(before.stash):
                message = f"what the link displaced at {path} is gone from {before.stash} (npm ci removes it)"
                self.builder.warn("WDISPLACED", path, message, "run your package manager's install")
                before = ABSENT
            else:
                before = Displaced(before.stash, fs.lstat(before.stash).st_ino)
        if before != after:
            if not isinstance(before, Absent):
                self.builder.folder(posixpath.dirname(path))
            self.builder.replace(path, after, before)

    def _superseded(self, path: str, before: Displaced) -> None:
        """Something else has taken the link's place since, so what it displaced is not put back."""
        if fslinks.exists(path) and fslinks.same_trees(before.stash, path):
            self.builder.discard.append(before.stash)
        else:
            message = f"{path} was replaced since; what the link had displaced stays in {before.stash}"
            self.builder.warn("WSUPERSEDED", before.stash, message, "remove it when you do not need it")

    def _drop_folders(self) -> None:
        """Remove the folders that were made for what is gone; one that others still use becomes theirs."""
        for change in sorted(self.folders, key=lambda one: one.path, reverse=True):
            user = next((key for key, entry in self.record.items() if _uses(entry, change.path)), None)
            if user is not None:
                entry = self.record[user]
                self.record[user] = entry._replace(owned=(*entry.owned, change))
            elif fs.is_dir(change.path) and not fslinks.is_link(change.path):
                self.builder.replace(change.path, CreatedDirectory(), ABSENT)

    # --- links that somebody else made

    def take_foreign(self, location: LinkLocation, name: str) -> None:
        """Take away a link that is not in the record; refuse what is installed, pass over what is absent."""
        found = self.builder.state(location.path)
        if isinstance(found, Absent):
            return
        if not isinstance(found, Link) or is_installed_link(self.context, location, found):
            message = f"{name} is installed in {posixpath.dirname(location.path)}, not linked"
            where = "npm uninstall -g" if location.shared else "npm uninstall"
            self.builder.refuse("ENOTLINK", location.path, message, f"to remove it, run {where} {name}")
            return
        manifest = read_loose(location.path)
        version = manifest.version if manifest is not None else ""
        place = f"{location.modules}/.linkpack/{name.replace('/', '+')}"
        after: State = Displaced(place, fs.lstat(place).st_ino) if fslinks.exists(place) else ABSENT
        self.builder.replace(location.path, found, after)
        self.locations.append(location)
        if isinstance(after, Absent):
            self._forget(location.path)
        self.builder.removed.append(Item(name, version, location.path))

    def _forget(self, path: str) -> None:
        """Have no link put back the commands that it displaced of the package that was at *path*."""
        for key, entry in self.record.items():
            owned = (
                one._replace(before=ABSENT) if target_is_inside(one.path, one.before, path) else one
                for one in entry.owned
            )
            self.record[key] = entry._replace(owned=tuple(owned))

    def _location(self, entry: RecordedLink) -> LinkLocation:
        if self.place == self.context.shared_place:
            return self.context.shared_location(entry.name)
        modules = entry.path.removesuffix(f"/{entry.name}")
        return self.context.local_location(modules, entry.name)

    def _sweep(self) -> None:
        """Remove commands and pages that lead into what is taken away, those that were to be put back too."""
        for location in {location.modules: location for location in self.locations}.values():
            folders = tuple(f"{folder}/" for folder in (location.bins, location.mans) if folder)
            back = [path for path in self.builder.changes if path.startswith(folders)]
            for each in dict.fromkeys([*_entries(location), *back]):
                now = self.builder.state(each)
                if any(self._is_lost(each, now, one.path) for one in self.locations):
                    self.builder.replace(each, now, ABSENT)

    def _is_lost(self, path: str, now: State, link: str) -> bool:
        """Whether a command at *path* leads through *link*, where nothing that has its script will be."""
        target = link_target(path, now)
        if target is None or not target_is_inside(path, now, link):
            return False
        then = self.builder.state(link)
        if isinstance(then, Displaced) and then.stash and path not in self.builder.changes:
            script = posixpath.relpath(resolve_link(path, target), fslinks.canonical(link))
            return target_exists(path, now) and not fslinks.exists(f"{then.stash}/{script}")
        return isinstance(then, Absent)

    def plan(self) -> LinkPlan:
        """The finished plan."""
        self._sweep()
        self._drop_folders()
        for key in self.first.keys() | self.record.keys():
            self.builder.edits[self.place, key] = Edit(self.place, key, self.first.get(key), self.record.get(key))
        return self.builder.plan()


def _uses(entry: RecordedLink, folder: str) -> bool:
    """Whether something of *entry* lies below *folder*."""
    paths = [entry.path, *(change.path for change in entry.owned)]
    paths += [change.before.stash for change in entry.owned if isinstance(change.before, Displaced)]
    return any(path.startswith(f"{folder}/") for path in paths)


def _entries(location: LinkLocation) -> Iterator[str]:
    """The paths in the folders of commands and man pages."""
    for folder in (location.bins, *_sections(location.mans)):
        if fs.is_dir(folder):
            yield from sorted(entry.path for entry in fs.scan(folder))


def _sections(mans: str) -> list[str]:
    return sorted(entry.path for entry in fs.scan(mans)) if mans and fs.is_dir(mans) else []


def plan_unlink(context: LinkContext, names: Sequence[str], *, every: bool = False) -> LinkPlan:
    """The plan of `unlink name…` in the project, or with *every* of all its links.

    A name that is installed, not linked, is in the conflicts; one that is absent changes nothing.
    """
    work = _Undoing(context, context.project.root)
    for name in names:
        keys = _local_keys(work, context, name)
        for key in keys:
            work.take_away(key)
        if not keys:
            for modules in context.local_modules(name):
                work.take_foreign(context.local_location(modules, name), name)
    if every:
        for key in list(work.record):
            work.take_away(key)
        for location, name in _foreign(context):
            if isinstance(disk := work.builder.state(location.path), Link) and not is_installed_link(
                context, location, disk
            ):
                work.take_foreign(location, name)
    return work.plan()


def _foreign(context: LinkContext) -> Iterator[tuple[LinkLocation, str]]:
    from linkpack.linking.linklist import link_names  # noqa: PLC0415 - only for --all

    modules = f"{context.project.root}/node_modules"
    for name in link_names(modules):
        yield context.local_location(modules, name), name


def _local_keys(work: _Undoing, context: LinkContext, name: str) -> list[str]:
    """The keys of the project's links called *name*: in the chosen workspaces, or else anywhere."""
    keys = [key for key, entry in work.record.items() if entry.name == name]
    if not context.picked:
        return keys
    chosen = [key for key in keys if any(work.record[key].path.startswith(f"{at}/") for at in context.picked)]
    return chosen or [key for key in keys if key == f"node_modules/{name}"]


def plan_global_unlink(context: LinkContext, names: Sequence[str], *, every: bool = False) -> LinkPlan:
    """The plan of `unlink -g name…`; without names, of the project itself or the workspaces chosen.

    With *every*, of all global links in the record. `LinkMissing` (ENONAME) when there is no name to go by.
    """
    work = _Undoing(context, context.shared_place)
    wanted = [*names, *work.record] if every else list(names)
    if not names and not every:
        for folder in context.picked or (context.project.start,):
            manifest = read_loose(folder)
            wanted += [manifest.name] if manifest is not None and manifest.name else []
            wanted += [key for key, entry in work.record.items() if entry.target == folder]
        if not wanted:
            raise LinkMissing(
                f"{context.project.start} is no package with a name, and none was given",
                code="ENONAME",
                path=context.project.start,
                hint="run it in a package's folder, or name what to unlink",
            )
    for name in dict.fromkeys(wanted):
        if name in work.record:
            work.take_away(name)
        else:
            work.take_foreign(context.shared_location(name), name)
    return work.plan()
