"""Whose a path is: what stands there, what stood there before our first link, and what to put back one day."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fslinks
from linkpack.linking.claims import handed_down, heir
from linkpack.linking.linkpackage import is_theirs, leads_through
from linkpack.linking.linkstate import ABSENT, Absent, Change, Edit, Folder, Kept, Link, Linked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.linkdraft import Draft
    from linkpack.linking.linkpackage import Source
    from linkpack.linking.linkstate import State


class Rules(NamedTuple):
    """How links are to be made: npm's flags, and ours."""

    bin_links: bool = True
    force: bool = False
    absolute: bool = False
    windows: bool = False
    umask: int = 0o022
    gentle: bool = False  # leave commands that another link has taken since, as relink does


class Spot(NamedTuple):
    """Where a link has to stand.

    *place* and *key* name its entry in the record; *path* is the link; *modules* the node_modules it is in;
    *bins* and *mans* are the folders of commands and man pages (*mans* empty: none). *shared* says that
    others use them too, so that what is not ours is only taken by force.
    """

    place: str
    key: str
    path: str
    modules: str
    bins: str
    mans: str
    shared: bool


class Owner:
    """The planning of one link, as far as it is about whose a path is and what was there before."""

    def __init__(
        self, draft: Draft, spot: Spot, source: Source, rules: Rules, record: Mapping[str, Linked]
    ) -> None:
        self.draft = draft
        self.spot = spot
        self.source = source
        self.rules = rules
        self.record = record
        planned = draft.edits.get((spot.place, spot.key))
        self.old = old = planned.after if planned else record.get(spot.key)
        self.owned: dict[str, Change] = {}
        self.before_owned = {change.path: change for change in old.owned} if old else {}
        self.older = list(old.older) if old else []
        self.adopted = False  # whether npm made the link to the package
        self.replaced = False  # whether something else has the place of our link by now

    def own(self, path: str, after: State) -> None:
        """Have *after* at *path*, and remember what to put back there one day."""
        found = self.draft.state(path)
        made = set(self.draft.changes)
        if found != after or isinstance(found, Kept):
            self.draft.put(path, after, self.spot.modules)
        for folder in self.draft.changes.keys() - made:
            if isinstance(self.draft.changes[folder].after, Folder):
                self.owned[folder] = self.draft.changes[folder]
        planned = self.draft.changes.get(path)
        before = found if planned is None or path in made else planned.before
        self.owned[path] = Change(path, self._first(path, found, before, after), after)

    def _first(self, path: str, found: State, before: State, after: State) -> State:
        """What unlinking has to put back: what was there before the first of our links."""
        earlier = self.before_owned.get(path)
        mine = leads_through(path, found, self.spot.path)
        if earlier is None:
            # The link or a command of this very package, made by npm: nothing to bring back.
            return ABSENT if self.adopted and (mine or path == self.spot.path) else before
        theirs = self.replaced and is_theirs(path, found, self.spot.path)
        if self.replaced and leads_through(path, earlier.before, self.spot.path):
            earlier = earlier._replace(before=ABSENT)  # it went with the package that the first link displaced
        if not theirs and (mine or found in {earlier.after, after}):
            return earlier.before
        healed = self._heal(earlier, found)
        kept = earlier.before
        whole = isinstance(kept, Link) or (isinstance(kept, Kept) and fslinks.exists(kept.place))
        if isinstance(found, Absent):
            return kept if whole else before
        if healed or not isinstance(kept, Kept) or not whole:
            return before  # when healed, another link puts back what we had displaced
        # Somebody, most likely an installer, put the same or another version there: that one counts now.
        if isinstance(before, Kept) and fslinks.same_trees(kept.place, path):
            self.draft.discard.append(kept.place)
        else:
            self._keep_older(path, kept)
        return before

    def _keep_older(self, path: str, kept: Kept) -> None:
        self.older.append(kept.place)
        message = f"an older {posixpath.basename(path)}, displaced by an earlier link, stays in {kept.place}"
        self.draft.warn("EOLDER", kept.place, message, "remove it when you do not need it")

    def _others(self) -> dict[str, Linked]:
        """The other links of the place, as they are planned to be."""
        found = self.draft.entries(self.spot.place, self.record)
        found.pop(self.spot.key, None)
        return found

    def _heal(self, earlier: Change, found: State) -> bool:
        """A link that displaced our command has to put back what we had displaced, as we now displace that.

        Whether there is such a link. *found* is what stands there.
        """
        others = self._others()
        key = heir(earlier, others, found)
        if key is None:
            return False
        edit = Edit(self.spot.place, key, self.record.get(key), handed_down(others[key], earlier))
        self.draft.edits[self.spot.place, key] = edit
        return True

    def _taken(self, path: str) -> bool:
        """Whether another link has this command now, and is to keep it."""
        if not self.rules.gentle or path not in self.before_owned:
            return False
        found = self.draft.state(path)
        others = self._others().values()
        return any(change[::2] == (path, found) for entry in others for change in entry.owned)

    def give_up(self, path: str, change: Change) -> None:
        """Put back what stood at *path* before *change*, which is ours no longer, or leave that to its heir."""
        found = self.draft.state(path)
        healed = self._heal(change, found)
        if found == change.after:
            self.draft.replace(path, change.after, change.before)
        elif not healed and isinstance(change.before, Kept) and fslinks.exists(change.before.place):
            self._keep_older(path, change.before)
