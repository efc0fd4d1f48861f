"""Plan `unlink`: take links away and put back what they displaced."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import LinkMissing
from linkpack.linking.builder import STASH
from linkpack.linking.displaced import find_displacer, inherit
from linkpack.linking.installed import link_names
from linkpack.linking.package import (
    is_foreign_command,
    is_replaced,
    link_target,
    real_folder,
    resolve_link,
    target_exists,
    target_is_inside,
)
from linkpack.linking.package_tree import PackageTree
from linkpack.linking.record import read_record, read_saved
from linkpack.linking.states import (
    ABSENT,
    Absent,
    Change,
    CreatedDirectory,
    Displaced,
    Edit,
    Item,
    Link,
    is_within,
)
from linkpack.project.source import read_loose
from linkpack.system import read as fs
from linkpack.system.relocate import same

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.linking.ownership import LinkLocation
    from linkpack.linking.places import Spec
    from linkpack.linking.states import LinkPlan, RecordedLink, State


class _Key(NamedTuple):
    """Which recorded link is meant: the real node_modules that it is in, and its key there."""

    place: str
    key: str


class Unlinking:
    """The planning of links that are taken away; *builder* collects what is to change."""

    def __init__(self, context: LinkContext, builder: PlanBuilder) -> None:
        self.context = context
        self.builder = builder
        self._before: dict[str, dict[str, RecordedLink]] = {}
        self._planned: dict[str, dict[str, RecordedLink]] = {}
        self._left: dict[str, dict[str, RecordedLink]] = {}  # what will still be linked afterwards
        self._locations: list[LinkLocation] = []  # of the links that were taken away
        self._folders: list[tuple[str, Change]] = []  # that were made for them, each with its place
        self._unsaved: list[str] = []  # the relative paths of links that are to be taken out of manifests

    def record(self, place: str) -> dict[str, RecordedLink]:
        """Return what will still be linked in the real node_modules *place*, by key."""
        if place not in self._left:
            self._before[place] = read_record(self.context.store, place)
            self._planned[place] = self.builder.entries(place, self._before[place])
            self._left[place] = dict(self._planned[place])
        return self._left[place]

    # --- links in the record

    def take_away(self, at: _Key) -> None:
        """Take a recorded link away."""
        record = self.record(at.place)
        entry = record.pop(at.key)
        found = self.builder.state(entry.path)
        there = isinstance(found, Link) and (
            found.target == entry.literal or resolve_link(entry.path, found.target) == entry.target
        )
        other = any(one.path == entry.path for one in record.values())  # of another checkout
        replaced = is_replaced(entry, found) and not other
        for change in entry.owned:
            self._undo_change(record, entry, change, there=there, replaced=replaced)
        location = self._location(at.place, entry)
        self._locations.append(location)
        self._folders += [(at.place, each) for each in entry.owned if isinstance(each.after, CreatedDirectory)]
        if not location.shared:
            self._unsave_link(at.place, entry.name)
        self._report(record, entry, there=there)

    def _undo_change(
        self, record: dict[str, RecordedLink], entry: RecordedLink, change: Change, *, there: bool, replaced: bool
    ) -> None:
        """Put back what *entry* displaced at one path, or leave that to the link that displaced it there.

        *there*: the link is in its place. *replaced*: something else is, which may have commands of its own.
        """
        now = self.builder.state(change.path)
        theirs = replaced and is_foreign_command(change.path, now, entry.path)
        if replaced and target_is_inside(change.path, change.before, entry.path):
            change = change._replace(before=ABSENT)  # it went with the package that the link displaced
        above = find_displacer(change, record, now)
        if above is not None:
            record[above] = inherit(record[above], change)
        if theirs:
            change = change._replace(after=ABSENT)  # so that it stays
        elif there and (change.path == entry.path or target_is_inside(change.path, now, entry.path)):
            change = change._replace(after=now)  # ours, if not as we wrote it
        if above is None or now != change.after:
            self._put_back(change, now, at_link=change.path == entry.path, inherited=above is not None)

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
        elif isinstance(before, Displaced) and fs.exists(before.stash):
            if isinstance(now, Absent):
                self._restore(path, ABSENT, before)
            elif not inherited:
                self._leave_in_stash(path, before)

    def _restore(self, path: str, after: State, before: State) -> None:
        if isinstance(before, Displaced):
            if not fs.exists(before.stash):
                message = f"what the link displaced at {path} is gone from {before.stash} (npm ci removes it)"
                self.builder.warn("WDISPLACED", path, message, "run your package manager's install")
                before = ABSENT
            else:
                before = Displaced(before.stash, fs.lstat(before.stash).st_ino)
        if before != after:
            if not isinstance(before, Absent):
                self.builder.folder(posixpath.dirname(path))
            self.builder.replace(path, after, before)

    def _leave_in_stash(self, path: str, before: Displaced) -> None:
        """Say that what a link displaced is not put back, as something else has taken its place since."""
        if fs.exists(path) and same(before.stash, path):
            self.builder.discard.append(before.stash)
        else:
            message = f"{path} was replaced since; what the link had displaced stays in {before.stash}"
            self.builder.warn("WSUPERSEDED", before.stash, message, "remove it when you do not need it")

    def _report(self, record: dict[str, RecordedLink], entry: RecordedLink, *, there: bool) -> None:
        """Say that the link is gone, or why a link is still there."""
        found = self.builder.state(entry.path)
        other = next((one for one in record.values() if one.path == entry.path), None)
        if other is not None and isinstance(found, Link):
            where = posixpath.dirname(entry.path)
            message = f"{entry.name} is still linked, to {other.target}: {other.project} shares {where}"
            hint = f"run linkpack unlink {entry.name} there as well, or here once more"
            self.builder.warn("WSHARED", entry.path, message, hint)
        elif there and isinstance(found, Link) and resolve_link(entry.path, found.target) == entry.target:
            why = self.context.installed.reason(entry.path, found.target) or "it was there before"
            message = f"{entry.name} leads to {entry.target} as before it was linked: {why}"
            self.builder.warn("WINSTALLED", entry.path, message)
        elif there:
            self.builder.removed.append(Item(entry.name, entry.version, entry.path))

    def _location(self, place: str, entry: RecordedLink) -> LinkLocation:
        if not entry.project:
            return self.context.shared_location(entry.name)
        return self.context.local_location(place, entry.name)

    # --- links that somebody else made

    def take_foreign(self, location: LinkLocation, name: str) -> None:
        """Take away a link that is not in the record; refuse what is installed, pass over what is absent."""
        found = self.builder.state(location.path)
        if isinstance(found, Absent):
            return
        stash = f"{location.modules}/{STASH}/{name.replace('/', '+')}"
        stashed = fs.exists(stash)
        why = self._installed(location, found, stashed=stashed)
        if why is not None:
            message = f"{name} is installed in {posixpath.dirname(location.path)}, not linked{why and f': {why}'}"
            command = "npm uninstall -g" if location.shared else "npm uninstall"
            self.builder.refuse("ENOTLINK", location.path, message, f"to remove it, run {command} {name}")
            return
        manifest = read_loose(location.path)
        version = manifest.version if manifest is not None else ""
        after: State = Displaced(stash, fs.lstat(stash).st_ino) if stashed else ABSENT
        self._say_what_stays(location, found, name)
        self.builder.aliases.update(location.aliases)
        self.builder.replace(location.path, found, after)
        self._locations.append(location)
        if stashed:
            self._folders.append((location.place, Change(posixpath.dirname(stash), ABSENT, CreatedDirectory())))
        else:
            self._forget(location)
        self.builder.removed.append(Item(name, version, location.path))

    def _installed(self, location: LinkLocation, found: State, *, stashed: bool) -> str | None:
        """Return why what is *found* is installed, which may be empty; None if it is a link that may go.

        A link that a manifest asks for was saved by linkpack when there is something *stashed* for it.
        """
        if not isinstance(found, Link):
            return ""
        if location.shared:
            return None
        installed = self.context.installed
        why = installed.leads(location.path, found.target)
        if not why and not stashed:
            why = installed.asked_for(location.path, found.target)
        return why or None

    def _say_what_stays(self, location: LinkLocation, found: State, name: str) -> None:
        """Warn of what cannot be put back without a record: manifests, and installed packages that were links."""
        if location.shared or not isinstance(found, Link):
            return
        asked = self.context.installed.asked_for(location.path, found.target)
        if asked:
            message = f"{asked}, and the record of what was there before is lost"
            self.builder.warn("WUNSAVED", location.path, message, f"change it by hand, or install {name} again")
        owner = posixpath.dirname(location.modules)
        manifest = read_loose(owner)
        if manifest is None or fs.exists(f"{location.modules}/{STASH}/{name.replace('/', '+')}"):
            return
        wanted = {**manifest.dev_dependencies, **manifest.optional_dependencies, **manifest.dependencies}.get(name)
        if wanted is not None and not asked and PackageTree().find(posixpath.dirname(owner), name) is None:
            message = f"{owner}/package.json wants {name} {wanted}, and it is not installed any more"
            self.builder.warn("WDISPLACED", location.path, message, "run your package manager's install")

    def _forget(self, location: LinkLocation) -> None:
        """Have no link put back the commands that it displaced of the package that was at *location*."""
        record = self.record(location.place)
        for key, entry in record.items():
            owned = (
                one._replace(before=ABSENT) if target_is_inside(one.path, one.before, location.path) else one
                for one in entry.owned
            )
            record[key] = entry._replace(owned=tuple(owned))

    # --- manifests

    def _unsave_link(self, place: str, name: str) -> None:
        """Note that the link to *name* in *place* is to be taken out of the manifests of this project."""
        root = self.context.project.root
        for folder in self.context.every_package:
            if real_folder(f"{folder}/node_modules") == place:
                self._unsaved.append(posixpath.relpath(f"{folder}/node_modules/{name}", root))

    def unsave(self, name: str = "") -> bool:
        """Note that links to *name*, or all, are to be taken out of manifests; True if there are any.

        Those of the workspaces chosen, or of all; also if another checkout took the link itself away.
        """
        root = self.context.project.root
        packages = {f"{folder}/node_modules/" for folder in self.context.every_package}
        found = [
            key
            for key in read_saved(self.context.store, root)
            if f"{root}/{key}".rpartition("node_modules/")[0] + "node_modules/" in packages
            and (not name or key.endswith(f"node_modules/{name}"))
        ]
        self._unsaved += found
        return bool(found)

    # --- what goes with the links

    def finish(self) -> None:
        """Add what goes with the links: commands that lead into them, folders, manifests, and the record."""
        self._sweep()
        self._drop_folders()
        if self._unsaved:
            from linkpack.linking.save import plan_unsave  # noqa: PLC0415 - few links are saved

            plan_unsave(self.builder, self.context, tuple(dict.fromkeys(self._unsaved)))
        for place, left in self._left.items():
            planned = self._planned[place]
            for key in planned.keys() | left.keys():
                if planned.get(key) != left.get(key):
                    before = self._before[place].get(key)
                    self.builder.edits[place, key] = Edit(place, key, before, left.get(key))

    def _sweep(self) -> None:
        """Remove commands and pages that lead into what is taken away, those that were to be put back too."""
        for location in {location.modules: location for location in self._locations}.values():
            folders = tuple(f"{folder}/" for folder in (location.bins, location.mans) if folder)
            back = [path for path in self.builder.changes if path.startswith(folders)]
            links = [one.path for one in self._locations if one.modules == location.modules]
            for each in dict.fromkeys([*_entries(location), *back]):
                now = self.builder.state(each)
                if any(self._is_lost(each, now, link) for link in links):
                    self.builder.replace(each, now, ABSENT)

    def _is_lost(self, path: str, now: State, link: str) -> bool:
        """True if the command at *path* leads through *link*, where nothing that has its script will be."""
        target = link_target(path, now)
        if target is None or not target_is_inside(path, now, link):
            return False
        then = self.builder.state(link)
        if isinstance(then, Displaced) and then.stash and path not in self.builder.changes:
            script = posixpath.relpath(resolve_link(path, target), fs.canonical(link))
            return target_exists(path, now) and not fs.exists(f"{then.stash}/{script}")
        return isinstance(then, Absent)

    def _drop_folders(self) -> None:
        """Remove the folders that were made for what is gone; one that other links use becomes theirs."""
        for place, change in sorted(self._folders, key=lambda one: one[1].path, reverse=True):
            record = self.record(place)
            user = next((key for key, entry in record.items() if _uses(entry, change.path)), None)
            if user is not None:
                record[user] = record[user]._replace(owned=(*record[user].owned, change))
            elif fs.is_dir(change.path) and not fs.is_link(change.path):
                self.builder.replace(change.path, CreatedDirectory(), ABSENT)


def _uses(entry: RecordedLink, folder: str) -> bool:
    """True if something of *entry* is below *folder*."""
    paths = [entry.path, *(change.path for change in entry.owned)]
    paths += [change.before.stash for change in entry.owned if isinstance(change.before, Displaced)]
    return any(is_within(path, folder) for path in paths)


def _entries(location: LinkLocation) -> Iterator[str]:
    """Yield the paths in the folders of commands and man pages."""
    for folder in (location.bins, *_sections(location.mans)):
        if fs.is_dir(folder):
            yield from sorted(entry.path for entry in fs.scan(folder))


def _sections(mans: str) -> list[str]:
    return sorted(entry.path for entry in fs.scan(mans)) if mans and fs.is_dir(mans) else []


# --- in a project


def plan_unlink(context: LinkContext, wanted: Sequence[Spec], *, every: bool = False) -> LinkPlan:
    """Return the plan of `unlink name…` or `unlink ../folder…` in the project, or with *every* of all its links.

    What is installed, not linked, is among the conflicts. A name that is absent changes nothing. Raises
    `LinkMissing` (ENOTLINKED) for a folder that is not linked.
    """
    work = Unlinking(context, context.builder(context.every_package))
    for spec in wanted:
        keys = _folder_keys(work, spec.folder) if spec.folder else _name_keys(work, spec.name)
        for at in keys:
            work.take_away(at)
        saved = bool(spec.name) and work.unsave(spec.name)
        if not keys and not saved:
            _take_others(work, spec)
    if every:
        for at, _ in _local_keys(work):
            work.take_away(at)
        work.unsave()
        for location, name in _links_on_disk(context):
            found = work.builder.state(location.path)
            # What comes back in the place of one of ours may be a link as well, and is not one to take away.
            if location.path in work.builder.changes or not isinstance(found, Link):
                continue
            if not context.installed.reason(location.path, found.target):
                work.take_foreign(location, name)
    work.finish()
    return work.builder.plan()


def _local_keys(work: Unlinking) -> list[tuple[_Key, RecordedLink]]:
    places = work.context.local_places(work.context.every_package)
    return [(_Key(place, key), entry) for place in places for key, entry in work.record(place).items()]


def _name_keys(work: Unlinking, name: str) -> list[_Key]:
    """Return the project's links called *name*: in the chosen workspaces, or else anywhere.

    Links that another checkout made in the same node_modules count when this one has none.
    """
    context = work.context
    found = [(at, entry) for at, entry in _local_keys(work) if entry.name == name]
    if context.picked:
        chosen = {real_folder(f"{folder}/node_modules") for folder in context.picked}
        root = real_folder(f"{context.project.root}/node_modules")
        found = [(at, entry) for at, entry in found if at.place in chosen] or [
            (at, entry) for at, entry in found if at.place == root
        ]
    own = [at for at, entry in found if context.is_own(entry)]
    return own or [at for at, _ in found]


def _folder_keys(work: Unlinking, folder: str) -> list[_Key]:
    """Return the project's links that lead to *folder*, whatever they are called."""
    real = fs.canonical(folder)
    found = [(at, entry) for at, entry in _local_keys(work) if entry.target == real]
    own = [at for at, entry in found if work.context.is_own(entry)]
    return own or [at for at, _ in found]


def _take_others(work: Unlinking, spec: Spec) -> None:
    """Take away links that are in no record: those called as *spec* says, or those that lead to its folder."""
    context = work.context
    if spec.name:
        for modules in context.local_modules(spec.name):
            work.take_foreign(context.local_location(modules, spec.name), spec.name)
        return
    real = fs.canonical(spec.folder)
    locations = [
        (location, name) for location, name in _links_on_disk(context) if fs.canonical(location.path) == real
    ]
    for location, name in locations:
        work.take_foreign(location, name)
    if not locations:
        manifest = read_loose(real)
        name = manifest.name if manifest is not None else ""
        raise LinkMissing(
            f"{spec.folder} is not linked into {context.project.root}",
            path=spec.folder,
            hint=f"if you mean whatever is linked as {name}, run linkpack unlink {name}"
            if name
            else "linkpack ls shows what is linked",
        )


def _links_on_disk(context: LinkContext) -> Iterator[tuple[LinkLocation, str]]:
    for place in context.local_places(context.every_package):
        for name in link_names(place):
            yield context.local_location(place, name), name


# --- in the global folder


def plan_global_unlink(context: LinkContext, wanted: Sequence[Spec], *, every: bool = False) -> LinkPlan:
    """Return the plan of `unlink -g name…`; without names, of the project itself or the workspaces chosen.

    With *every*, of all global links in the record. Raises `LinkMissing`: ENONAME when there is no name to go by,
    ENOTLINKED for a folder that is not linked globally.
    """
    work = Unlinking(context, context.builder())
    place = context.shared_place
    record = {key: entry for key, entry in work.record(place).items() if not entry.project}
    if every:
        for name in record:
            work.take_away(_Key(place, name))
    for spec in wanted:
        if spec.folder:
            _unlink_globally(work, fs.canonical(spec.folder), asked=True)
        elif spec.name in work.record(place):
            work.take_away(_Key(place, spec.name))
        else:
            work.take_foreign(context.shared_location(spec.name), spec.name)
    if not wanted and not every:
        folders = context.picked or (context.project.start,)
        named = [_unlink_globally(work, folder, asked=False) for folder in folders]
        if not any(named):
            raise LinkMissing(
                f"{context.project.start} is no package with a name, and none was given",
                code="ENONAME",
                path=context.project.start,
                hint="run it in a package's folder, or name what to unlink",
            )
    work.finish()
    return work.builder.plan()


def _unlink_globally(work: Unlinking, folder: str, *, asked: bool) -> bool:
    """Take away the global links to the package in the real *folder*, whatever name it had when it was linked.

    Returns False when the folder has no name to go by and no link. A global link of its name that leads to
    another folder, a second checkout, say, is refused; so is a folder without a link if it was *asked* for.
    """
    place = work.context.shared_place
    keys = [key for key, entry in work.record(place).items() if entry.target == folder and not entry.project]
    for key in keys:
        work.take_away(_Key(place, key))
    manifest = read_loose(folder)
    if keys or manifest is None or not manifest.name:
        if asked and not keys:
            raise LinkMissing(f"{folder} is not linked globally", path=folder, hint="linkpack ls -g shows what is")
        return bool(keys)
    location = work.context.shared_location(manifest.name)
    found = work.builder.state(location.path)
    leads = resolve_link(location.path, found.target) if isinstance(found, Link) else ""
    if leads and leads != folder:
        message = f"the global {manifest.name} leads to {leads}, not to {folder}"
        hint = f"to take it away all the same, run linkpack unlink -g {manifest.name}"
        work.builder.refuse("ENOTLINKED", location.path, message, hint)
    elif asked and isinstance(found, Absent):
        raise LinkMissing(f"{folder} is not linked globally", path=folder, hint="linkpack ls -g shows what is")
    else:
        work.take_foreign(location, manifest.name)
    return True


def replace_old_names(context: LinkContext, builder: PlanBuilder, old: Sequence[str], name: str) -> None:
    """Add to *builder* that the global links *old* go, whose package is called *name* by now."""
    work = Unlinking(context, builder)
    place = context.shared_place
    for each in old:
        folder = work.record(place)[each].target
        work.take_away(_Key(place, each))
        message = f"{each} is called {name} now, so its global link is replaced"
        builder.warn("WRENAMED", folder, message, f"where a project uses {each}, link {name} instead")
    work.finish()
