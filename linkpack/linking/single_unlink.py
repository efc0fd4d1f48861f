"""Plan to take links away, one by one, and restore what each displaced.

Parts that several links share are planned at the end: commands that have lost their scripts, folders, the record.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.linking.builder import STASH
from linkpack.linking.contested_paths import find_displacer, inherit
from linkpack.linking.package import (
    is_foreign_command,
    is_in_place,
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
from linkpack.project.package_json import read_loose
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system.relocate import are_alike

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.linking.ownership import LinkLocation
    from linkpack.linking.states import RecordedLink, State


class LinkKey(Record):
    """The recorded link *key* of the real node_modules *place*."""

    place: str
    key: str


class Unlinking:
    """The planning of `unlink`, link by link.

    *builder* collects the plan, to which `finish` adds the parts that links share. *saved* are links to take out
    of manifests, by their paths below the project.
    """

    def __init__(self, context: LinkContext, builder: PlanBuilder) -> None:
        self.context = context
        self.builder = builder
        self.saved: dict[str, None] = {}
        # Three versions of each record: on the disk, planned so far, and without what goes.
        self._before: dict[str, dict[str, RecordedLink]] = {}
        self._planned: dict[str, dict[str, RecordedLink]] = {}
        self._left: dict[str, dict[str, RecordedLink]] = {}
        self._locations: list[LinkLocation] = []  # of the links that go
        self._folders: list[tuple[str, Change]] = []  # made for the links that go, each with its place

    def links_left(self, place: str) -> dict[str, RecordedLink]:
        """Return the links of *place* that stay, by key."""
        if place not in self._left:
            self._before[place] = read_record(self.context.store, place)
            self._planned[place] = self.builder.entries(place, self._before[place])
            self._left[place] = dict(self._planned[place])
        return self._left[place]

    def unlink(self, link_key: LinkKey) -> None:
        """Take a recorded link away."""
        left = self.links_left(link_key.place)
        link = left.pop(link_key.key)
        is_copy = link.copied is not None and link.path not in self.builder.changes and is_in_place(link)
        if is_copy:
            self.builder.clear_copy(link.path, link_key.place)
        state = self.builder.state(link.path)
        is_there = is_copy or (
            isinstance(state, Link)
            and (state.target == link.literal or resolve_link(link.path, state.target) == link.target)
        )
        # Another checkout may have linked the same name in a node_modules that it shares with this one.
        is_shared = any(other.path == link.path for other in left.values())
        has_replacement = is_replaced(link, state) and not is_shared
        # The link itself, its commands and man pages, and what had to make way for them.
        for change in link.owned:
            self._undo_change(left, link, change, is_there=is_there, has_replacement=has_replacement)
        location = self._find_location(link_key.place, link)
        # Other links may use the same folders and commands: those wait for `finish`.
        self._locations.append(location)
        self._folders += [
            (link_key.place, change) for change in link.owned if isinstance(change.after, CreatedDirectory)
        ]
        if not location.shared:
            self._unsave_link(link_key.place, link.name)
        self._report(left, link, is_there=is_there)

    def _undo_change(
        self,
        left: dict[str, RecordedLink],
        link: RecordedLink,
        change: Change,
        *,
        is_there: bool,
        has_replacement: bool,
    ) -> None:
        """Restore the original state of one path of *link*.

        *left* are the links that stay. *is_there* is true if the link is in its place, *has_replacement* if a
        package is there instead, which may have commands of its own.
        """
        state = self.builder.state(change.path)
        # 1. Correct the record by what was done to the path since.
        is_foreign = has_replacement and is_foreign_command(change.path, state, link.path)
        if has_replacement and target_is_inside(change.path, change.before, link.path):
            # The original was a command of the package that the link displaced. Another package has its place now.
            change = change._replace(before=ABSENT)
        # 2. If another link replaced this one, that link has to restore the original one day.
        displacer = find_displacer(change, left, state)
        if displacer is not None:
            left[displacer] = inherit(left[displacer], change)
        # 3. Tell our own content from that of others, which stays.
        if is_foreign:
            change = change._replace(after=ABSENT)
        elif is_there and (change.path == link.path or target_is_inside(change.path, state, link.path)):
            change = change._replace(after=state)  # ours, made again with another text
        if displacer is None or state != change.after:
            is_inherited = displacer is not None
            self._put_back(change, state, at_link=change.path == link.path, is_inherited=is_inherited)

    def _put_back(self, change: Change, state: State, *, at_link: bool, is_inherited: bool) -> None:
        """Restore the original of a path, if its *state* is ours or nothing.

        *is_inherited* is true if another link is to restore the original one day: then its stash has to stay.
        """
        path, before, after = change
        if state == after:
            self._restore(path, after, before)
        elif isinstance(before, Link):
            if isinstance(state, Absent) and at_link:
                self._restore(path, ABSENT, before)
        elif isinstance(before, Displaced) and fs.exists(before.stash):
            if isinstance(state, Absent):
                self._restore(path, ABSENT, before)
            elif not is_inherited:
                self._leave_in_stash(path, before)

    def _restore(self, path: str, after: State, before: State) -> None:
        """Plan *before* at *path*, which has *after* now.

        A stash that is gone is a warning.
        """
        if isinstance(before, Displaced):
            # `npm ci` removes all of node_modules, stashes included (docs/link.md).
            if not fs.exists(before.stash):
                message = f"what the link displaced at {path} is gone from {before.stash} (npm ci removes it)"
                self.builder.warn("WDISPLACED", path, message, "run your package manager's install")
                before = ABSENT
            else:
                # A stash that was filled by a copy has another inode than the record says.
                before = Displaced(before.stash, fs.lstat(before.stash).st_ino)
        if before != after:
            if not isinstance(before, Absent):
                self.builder.folder(posixpath.dirname(path))
            self.builder.replace(path, after, before)

    def _leave_in_stash(self, path: str, before: Displaced) -> None:
        """Discard a stash with the content of *path*, or warn."""
        if fs.exists(path) and are_alike(before.stash, path):
            self.builder.discard.append(before.stash)
        else:
            message = f"{path} was replaced since; what the link had displaced stays in {before.stash}"
            self.builder.warn("WSUPERSEDED", before.stash, message, "remove it when you do not need it")

    def _report(self, left: dict[str, RecordedLink], link: RecordedLink, *, is_there: bool) -> None:
        """Report that the link goes, or warn why one stays."""
        state = self.builder.state(link.path)
        other = next((other for other in left.values() if other.path == link.path), None)
        if other is not None and isinstance(state, Link):
            where = posixpath.dirname(link.path)
            message = f"{link.name} is still linked, to {other.target}: {other.project} shares {where}"
            hint = f"run linkpack unlink {link.name} there as well, or here once more"
            self.builder.warn("WSHARED", link.path, message, hint)
        elif is_there and isinstance(state, Link) and resolve_link(link.path, state.target) == link.target:
            why = self.context.installed.reason(link.path, state.target) or "it was there before"
            message = f"{link.name} leads to {link.target} as before it was linked: {why}"
            self.builder.warn("WINSTALLED", link.path, message)
        elif is_there:
            self.builder.removed.append(Item(link.name, link.version, link.path))

    def _find_location(self, place: str, link: RecordedLink) -> LinkLocation:
        if not link.project:
            return self.context.shared_location(link.name)
        return self.context.local_location(place, link.name)

    # --- links that are in no record

    def unlink_unrecorded(self, location: LinkLocation, name: str) -> None:
        """Take away a link that is in no record.

        An installed package there is a conflict. Nothing there is nothing to do.
        """
        state = self.builder.state(location.path)
        if isinstance(state, Absent):
            return
        # Without a record, what the link displaced is found by the name that the builder gives a stash.
        stash = f"{location.modules}/{STASH}/{name.replace('/', '+')}"
        has_stash = fs.exists(stash)
        why = self._find_install(location, state, has_stash=has_stash)
        if why is not None:
            message = f"{name} is installed in {posixpath.dirname(location.path)}, not linked{why and f': {why}'}"
            command = "npm uninstall -g" if location.shared else "npm uninstall"
            self.builder.refuse("ENOTLINK", location.path, message, f"to remove it, run {command} {name}")
            return
        manifest = read_loose(location.path)
        version = manifest.version if manifest is not None else ""
        after: State = Displaced(stash, fs.lstat(stash).st_ino) if has_stash else ABSENT
        self._warn_of_lost_record(location, state, name, has_stash=has_stash)
        self.builder.aliases.update(location.aliases)
        self.builder.replace(location.path, state, after)
        self._locations.append(location)
        if has_stash:  # the folder of stashes goes with the last of them
            self._folders.append((location.place, Change(posixpath.dirname(stash), ABSENT, CreatedDirectory())))
        else:
            self._forget_commands(location)
        self.builder.removed.append(Item(name, version, location.path))

    def _find_install(self, location: LinkLocation, state: State, *, has_stash: bool) -> str | None:
        """Return why a package is an installed one, or None if it is not.

        The reason may be empty, for a folder. *has_stash* is true if a stash of the link's name exists.
        """
        if not isinstance(state, Link):
            return ""
        if location.shared:
            return None  # `npm link` and `npm install -g ../lib` make the same link
        # A link that a manifest asks for is an install. With a stash, `link --save` of ours wrote the manifest.
        installed = self.context.installed
        why = installed.reason_by_target(location.path, state.target)
        if not why and not has_stash:
            why = installed.reason_by_request(location.path, state.target)
        return why or None

    def _warn_of_lost_record(self, location: LinkLocation, state: State, name: str, *, has_stash: bool) -> None:
        """Warn that a manifest and an install cannot be restored.

        Without a record nothing says how the manifest was before the link was saved in it, nor where an installed
        link had led.
        """
        if location.shared or not isinstance(state, Link):
            return
        asks = self.context.installed.reason_by_request(location.path, state.target)
        if asks:
            message = f"{asks}, and the record of what was there before is lost"
            self.builder.warn("WUNSAVED", location.path, message, f"change it by hand, or install {name} again")
        owner = posixpath.dirname(location.modules)
        manifest = read_loose(owner)
        if manifest is None or has_stash:
            return
        wanted = {**manifest.dev_dependencies, **manifest.optional_dependencies, **manifest.dependencies}.get(name)
        if wanted is not None and not asks and PackageTree().find(posixpath.dirname(owner), name) is None:
            message = f"{owner}/package.json wants {name} {wanted}, and it is not installed any more"
            self.builder.warn("WDISPLACED", location.path, message, "run your package manager's install")

    def _forget_commands(self, location: LinkLocation) -> None:
        """Keep other links from restoring commands of this one."""
        # They displaced them while this link, which is in no record, was there.
        left = self.links_left(location.place)
        for key, link in left.items():
            owned = (
                change._replace(before=ABSENT)
                if target_is_inside(change.path, change.before, location.path)
                else change
                for change in link.owned
            )
            left[key] = link._replace(owned=tuple(owned))

    # --- manifests

    def _unsave_link(self, place: str, name: str) -> None:
        """Note a link that is to be taken out of manifests."""
        root = self.context.project.root
        for folder in self.context.every_package:
            if real_folder(f"{folder}/node_modules") == place:
                self.saved[posixpath.relpath(f"{folder}/node_modules/{name}", root)] = None

    def unsave(self, name: str = "") -> bool:
        """Note saved links to be taken out, and return True if there are any.

        These are the links called *name*, or all, in the chosen workspaces, or in all packages of the project.
        """
        # Manifests are the project's own, even where another checkout took away the link in a shared node_modules.
        root = self.context.project.root
        packages = {f"{folder}/node_modules/" for folder in self.context.every_package}
        saved = [
            key
            for key in read_saved(self.context.store, root)
            if f"{root}/{key}".rpartition("node_modules/")[0] + "node_modules/" in packages
            and (not name or key.endswith(f"node_modules/{name}"))
        ]
        self.saved.update(dict.fromkeys(saved))
        return bool(saved)

    # --- what goes with the links

    def finish(self) -> None:
        """Add the commands, folders and records that go with the links."""
        self._remove_lost_commands()
        self._remove_folders()
        for place, left in self._left.items():
            planned = self._planned[place]
            for key in planned.keys() | left.keys():
                if planned.get(key) != left.get(key):
                    before = self._before[place].get(key)
                    self.builder.edits[place, key] = Edit(place=place, key=key, before=before, after=left.get(key))

    def _remove_lost_commands(self) -> None:
        """Remove commands and man pages that lead into a link that goes."""
        # npm may have made them, for our link or for one of its own. Those that the plan restores are looked at
        # too.
        for location in {location.modules: location for location in self._locations}.values():
            folders = tuple(f"{folder}/" for folder in (location.bins, location.mans) if folder)
            planned = [path for path in self.builder.changes if path.startswith(folders)]
            links = [gone.path for gone in self._locations if gone.modules == location.modules]
            for path in dict.fromkeys([*_list_commands(location), *planned]):
                state = self.builder.state(path)
                if any(self._is_lost(path, state, link) for link in links):
                    self.builder.replace(path, state, ABSENT)

    def _is_lost(self, path: str, state: State, link: str) -> bool:
        """Return True if a command leads through *link* and loses its script."""
        target = link_target(path, state)
        if target is None or not target_is_inside(path, state, link):
            return False
        planned = self.builder.state(link)
        # Where a displaced package comes back for the link, a command stays if that package has its script.
        if isinstance(planned, Displaced) and planned.stash and path not in self.builder.changes:
            script = posixpath.relpath(resolve_link(path, target), fs.canonical_path(link))
            return target_exists(path, state) and not fs.exists(f"{planned.stash}/{script}")
        return isinstance(planned, Absent)

    def _remove_folders(self) -> None:
        """Remove the folders of the links that go.

        A folder that another link uses is from now on recorded as made for that one.
        """
        # Inner folders first: each is removed only if it is empty by then.
        for place, change in sorted(self._folders, key=lambda folder: folder[1].path, reverse=True):
            left = self.links_left(place)
            user = next((key for key, link in left.items() if _uses_folder(link, change.path)), None)
            if user is not None:
                left[user] = left[user]._replace(owned=(*left[user].owned, change))
            elif fs.is_dir(change.path) and not fs.is_link(change.path):
                self.builder.replace(change.path, CreatedDirectory(), ABSENT)


def _list_commands(location: LinkLocation) -> Iterator[str]:
    """Yield the paths of all commands and man pages."""
    sections = sorted(entry.path for entry in fs.scan(location.mans)) if fs.is_dir(location.mans) else []
    for folder in (location.bins, *sections):
        if fs.is_dir(folder):
            yield from sorted(entry.path for entry in fs.scan(folder))


def _uses_folder(link: RecordedLink, folder: str) -> bool:
    """Return True if *folder* holds anything of the link."""
    paths = [link.path, *(change.path for change in link.owned)]
    paths += [change.before.stash for change in link.owned if isinstance(change.before, Displaced)]
    return any(is_within(path, folder) for path in paths)


# --- links to a package that has another name now


def replace_old_names(context: LinkContext, builder: PlanBuilder, old: Sequence[str], name: str) -> None:
    """Add to a plan that the global links *old* go.

    Their package is called *name* by now, and is linked under that name in the same plan.
    """
    unlinking = Unlinking(context, builder)
    place = context.shared_place
    for old_name in old:
        folder = unlinking.links_left(place)[old_name].target
        unlinking.unlink(LinkKey(place, old_name))
        message = f"{old_name} is called {name} now, so its global link is replaced"
        builder.warn("WRENAMED", folder, message, f"where a project uses {old_name}, link {name} instead")
    unlinking.finish()
