"""Keep track of what one link owns, and what it has to put back."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.linking.contested_paths import find_displacer, inherit
from linkpack.linking.package import is_foreign_command, target_is_inside
from linkpack.linking.states import ABSENT, Absent, Change, Displaced, Edit, Link
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system.relocate import are_alike

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.states import RecordedLink, State


class LinkRules(Record):
    """How links are to be made, by the flags of the command.

    *umask* is that of the process. *gentle* leaves commands that another link has taken since, as relink does.
    *copy* asks for a copy of the package instead of a link.
    """

    bin_links: bool = True
    force: bool = False
    absolute: bool = False
    windows: bool = False
    umask: int = 0o022
    gentle: bool = False
    copy: bool = False


class LinkLocation(Record):
    """Where a link belongs, by real paths.

    *place*, a real node_modules, and *key* name its entry in the record. *path* is the link, *modules* the
    node_modules that it is in. *bins* and *mans* are the folders of commands and man pages; *mans* is empty for a
    link in a project. *shared* means the global folder, in which only force takes what is not ours. *project* is
    the root of the project that has the link, empty for a global one. *aliases* maps the real folders to how the
    user knows them.
    """

    place: str
    key: str
    path: str
    modules: str
    bins: str
    mans: str
    shared: bool
    project: str
    aliases: Mapping[str, str]


class Ownership:
    """The paths of one link while it is planned.

    *old* is the link as it is recorded so far, *before_owned* what that owns. *owned* has for each path what was
    there first, and what is to be there. *adopted* is true if the very link is there already, made by hand or by
    `npm link`: nothing was displaced by it. *replaced* is true if something else took the place of our link.
    """

    def __init__(self, builder: PlanBuilder, location: LinkLocation, record: Mapping[str, RecordedLink]) -> None:
        self._builder = builder
        self._location = location
        self._record = record
        planned = builder.edits.get((location.place, location.key))
        self.old = old = planned.after if planned else record.get(location.key)
        self.owned: dict[str, Change] = {}
        self.before_owned = {change.path: change for change in old.owned} if old else {}
        self.older = list(old.older) if old else []
        self.adopted = False
        self.replaced = False

    def others(self) -> dict[str, RecordedLink]:
        """Return the other links of the same node_modules, as planned so far."""
        links = self._builder.entries(self._location.place, self._record)
        links.pop(self._location.key, None)
        return links

    def take(self, path: str, after: State) -> None:
        """Plan *after* at *path*, and remember what to put back there."""
        builder = self._builder
        present = builder.state(path)
        is_planned = path in builder.changes
        if present != after or isinstance(present, Displaced):
            folders = builder.put(path, after, self._location.modules)
            self.owned.update({change.path: change for change in folders})
        planned = builder.changes.get(path)
        before = present if planned is None or is_planned else planned.before
        self.owned[path] = Change(path, self._original(path, present, before, after), after)

    def _original(self, path: str, present: State, before: State, after: State) -> State:
        """Return what unlinking has to put back at *path*.

        That is what was there before the first of our links. *present* is what is there now, *before* the same
        with the stash that it is moved to.
        """
        link = self._location.path
        earlier = self.before_owned.get(path)
        mine = target_is_inside(path, present, link)
        if earlier is None:
            # What was adopted is ours now, and unlinking removes it.
            return ABSENT if self.adopted and (mine or path == link) else before
        theirs = self.replaced and is_foreign_command(path, present, link)
        if self.replaced and target_is_inside(path, earlier.before, link):
            earlier = earlier._replace(before=ABSENT)  # it went with the package that the first link displaced
        if present == after != earlier.after and self._is_claimed(path, present) and self._heal(earlier, present):
            return before  # another checkout has made the very link that is wanted now, over ours
        if not theirs and (mine or present in {earlier.after, after}):
            return earlier.before
        healed = self._heal(earlier, present)
        original = earlier.before
        exists = isinstance(original, Link) or (isinstance(original, Displaced) and fs.exists(original.stash))
        if isinstance(present, Absent):
            return original if exists else before
        if healed or not isinstance(original, Displaced) or not exists:
            return before  # when healed, another link puts back what we had displaced
        # An installer, most likely, put the same or another version there: unlinking restores that one.
        if isinstance(before, Displaced) and are_alike(original.stash, path):
            self._builder.discard.append(original.stash)
        else:
            self._keep_older(path, original)
        return before

    def _keep_older(self, path: str, original: Displaced) -> None:
        """Leave *original* in its stash, with a warning that it is there."""
        self.older.append(original.stash)
        message = f"an older {posixpath.basename(path)}, displaced by an earlier link, stays in {original.stash}"
        self._builder.warn("WOLDER", original.stash, message, "remove it when you do not need it")

    def _heal(self, earlier: Change, present: State) -> bool:
        """Have the link that displaced *earlier* restore what that displaced.

        True if there is such a link. *present* is what is at the path now.
        """
        others = self.others()
        key = find_displacer(earlier, others, present)
        if key is None:
            return False
        place = self._location.place
        self._builder.edits[place, key] = Edit(place, key, self._record.get(key), inherit(others[key], earlier))
        return True

    def belongs_to_another(self, path: str) -> bool:
        """Return True if another link has taken our command at *path* since."""
        return path in self.before_owned and self._is_claimed(path, self._builder.state(path))

    def _is_claimed(self, path: str, present: State) -> bool:
        """Return True if another link of the same node_modules put *present* at *path*."""
        claims = (change for link in self.others().values() for change in link.owned)
        return any(change.path == path and change.after == present for change in claims)

    def give_up(self, path: str, change: Change) -> None:
        """Put back what *change*, no longer ours, displaced.

        If another link displaced it in turn, that link restores it one day.
        """
        present = self._builder.state(path)
        if self._heal(change, present):
            return
        if present == change.after:
            self._builder.replace(path, change.after, change.before)
        elif isinstance(change.before, Displaced) and fs.exists(change.before.stash):
            self._keep_older(path, change.before)
