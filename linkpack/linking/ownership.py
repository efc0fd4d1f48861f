"""Keep track of a link's paths: what is there, what was there first, and what to put back one day."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.linking.displaced import find_displacer, inherit
from linkpack.linking.package import is_foreign_command, target_is_inside
from linkpack.linking.states import ABSENT, Absent, Change, Displaced, Edit, Link
from linkpack.system import read as fs
from linkpack.system.relocate import same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.states import RecordedLink, State


class LinkRules(NamedTuple):
    """How links are to be made: npm's flags, and ours."""

    bin_links: bool = True
    force: bool = False
    absolute: bool = False
    windows: bool = False
    umask: int = 0o022
    gentle: bool = False  # leave commands that another link has taken since, as relink does


class LinkLocation(NamedTuple):
    """Where a link belongs; folders are by their real paths.

    *place*, a real node_modules, and *key* name its entry in the record. *path* is the link, *modules* the
    node_modules it is in, *bins* and *mans* the folders of commands and man pages (*mans* empty: none). *shared*
    says that the folder is the global one: what is not ours there is only taken by force. *project* is the root
    of the project that has the link, empty for a global one. *aliases* tells how the user knows those folders.
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
    """What one link owns while it is planned: for each path what was there first, and what is to be there.

    *old* is its entry in the record so far. *adopted* says that the very link is there already, made by hand or by
    `npm link`: taking it away needs to bring nothing back. *replaced* says that something else has taken the place
    of our link.
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
        """Return the other links of the same node_modules, as they are planned to be."""
        found = self._builder.entries(self._location.place, self._record)
        found.pop(self._location.key, None)
        return found

    def take(self, path: str, after: State) -> None:
        """Have *after* at *path*, and remember what to put back there one day."""
        builder = self._builder
        found = builder.state(path)
        is_planned = path in builder.changes
        if found != after or isinstance(found, Displaced):
            self.owned.update({change.path: change for change in builder.put(path, after, self._location.modules)})
        planned = builder.changes.get(path)
        before = found if planned is None or is_planned else planned.before
        self.owned[path] = Change(path, self._first(path, found, before, after), after)

    def _first(self, path: str, found: State, before: State, after: State) -> State:
        """Return what unlinking has to put back: what was at *path* before the first of our links."""
        link = self._location.path
        earlier = self.before_owned.get(path)
        mine = target_is_inside(path, found, link)
        if earlier is None:
            return ABSENT if self.adopted and (mine or path == link) else before
        theirs = self.replaced and is_foreign_command(path, found, link)
        if self.replaced and target_is_inside(path, earlier.before, link):
            earlier = earlier._replace(before=ABSENT)  # it went with the package that the first link displaced
        if found == after != earlier.after and self._is_claimed(path, found) and self._heal(earlier, found):
            return before  # another checkout has made the very link that is wanted now, over ours
        if not theirs and (mine or found in {earlier.after, after}):
            return earlier.before
        healed = self._heal(earlier, found)
        kept = earlier.before
        whole = isinstance(kept, Link) or (isinstance(kept, Displaced) and fs.exists(kept.stash))
        if isinstance(found, Absent):
            return kept if whole else before
        if healed or not isinstance(kept, Displaced) or not whole:
            return before  # when healed, another link puts back what we had displaced
        # An installer, most likely, put the same or another version there: that one counts now.
        if isinstance(before, Displaced) and same(kept.stash, path):
            self._builder.discard.append(kept.stash)
        else:
            self._keep_older(path, kept)
        return before

    def _keep_older(self, path: str, kept: Displaced) -> None:
        self.older.append(kept.stash)
        message = f"an older {posixpath.basename(path)}, displaced by an earlier link, stays in {kept.stash}"
        self._builder.warn("WOLDER", kept.stash, message, "remove it when you do not need it")

    def _heal(self, earlier: Change, found: State) -> bool:
        """Let the link that displaced *earlier* inherit what that had displaced; True if there is one.

        *found* is what is there now, which this link displaces in turn.
        """
        others = self.others()
        key = find_displacer(earlier, others, found)
        if key is None:
            return False
        place = self._location.place
        self._builder.edits[place, key] = Edit(place, key, self._record.get(key), inherit(others[key], earlier))
        return True

    def belongs_to_another(self, path: str) -> bool:
        """True if a command of ours at *path* was taken by another link of the same node_modules since."""
        return path in self.before_owned and self._is_claimed(path, self._builder.state(path))

    def _is_claimed(self, path: str, found: State) -> bool:
        """True if another link of the same node_modules put *found* at *path*."""
        claims = (change for entry in self.others().values() for change in entry.owned)
        return any(change.path == path and change.after == found for change in claims)

    def give_up(self, path: str, change: Change) -> None:
        """Put back what *change*, no longer ours, displaced; or leave that to the link that displaced it."""
        found = self._builder.state(path)
        if self._heal(change, found):
            return
        if found == change.after:
            self._builder.replace(path, change.after, change.before)
        elif isinstance(change.before, Displaced) and fs.exists(change.before.stash):
            self._keep_older(path, change.before)
