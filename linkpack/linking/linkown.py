"""Whose a path is: what stands there, what stood there before our first link, and what to put back one day."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fslinks
from linkpack.linking.claims import find_displacer, inherit
from linkpack.linking.linkpackage import is_foreign_command, target_is_inside
from linkpack.linking.linkstate import (
    ABSENT,
    Absent,
    Change,
    CreatedDirectory,
    Displaced,
    Edit,
    Link,
    RecordedLink,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.linkdraft import PlanBuilder
    from linkpack.linking.linkpackage import Source
    from linkpack.linking.linkstate import State


class LinkRules(NamedTuple):
    """How links are to be made: npm's flags, and ours."""

    bin_links: bool = True
    force: bool = False
    absolute: bool = False
    windows: bool = False
    umask: int = 0o022
    gentle: bool = False  # leave commands that another link has taken since, as relink does


class LinkLocation(NamedTuple):
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


class Ownership:
    """The planning of one link, as far as it is about whose a path is and what was there before."""

    def __init__(
        self,
        builder: PlanBuilder,
        location: LinkLocation,
        source: Source,
        rules: LinkRules,
        record: Mapping[str, RecordedLink],
    ) -> None:
        self.builder = builder
        self.location = location
        self.source = source
        self.rules = rules
        self.record = record
        planned = builder.edits.get((location.place, location.key))
        self.old = old = planned.after if planned else record.get(location.key)
        self.owned: dict[str, Change] = {}
        self.before_owned = {change.path: change for change in old.owned} if old else {}
        self.older = list(old.older) if old else []
        self.adopted = False  # whether npm made the link to the package
        self.replaced = False  # whether something else has the place of our link by now

    def own(self, path: str, after: State) -> None:
        """Have *after* at *path*, and remember what to put back there one day."""
        found = self.builder.state(path)
        made = set(self.builder.changes)
        if found != after or isinstance(found, Displaced):
            self.builder.put(path, after, self.location.modules)
        for folder in self.builder.changes.keys() - made:
            if isinstance(self.builder.changes[folder].after, CreatedDirectory):
                self.owned[folder] = self.builder.changes[folder]
        planned = self.builder.changes.get(path)
        before = found if planned is None or path in made else planned.before
        self.owned[path] = Change(path, self._first(path, found, before, after), after)

    def _first(self, path: str, found: State, before: State, after: State) -> State:
        """What unlinking has to put back: what was there before the first of our links."""
        earlier = self.before_owned.get(path)
        mine = target_is_inside(path, found, self.location.path)
        if earlier is None:
            # The link or a command of this very package, made by npm: nothing to bring back.
            return ABSENT if self.adopted and (mine or path == self.location.path) else before
        theirs = self.replaced and is_foreign_command(path, found, self.location.path)
        if self.replaced and target_is_inside(path, earlier.before, self.location.path):
            earlier = earlier._replace(before=ABSENT)  # it went with the package that the first link displaced
        if not theirs and (mine or found in {earlier.after, after}):
            return earlier.before
        healed = self._heal(earlier, found)
        kept = earlier.before
        whole = isinstance(kept, Link) or (isinstance(kept, Displaced) and fslinks.exists(kept.stash))
        if isinstance(found, Absent):
            return kept if whole else before
        if healed or not isinstance(kept, Displaced) or not whole:
            return before  # when healed, another link puts back what we had displaced
        # Somebody, most likely an installer, put the same or another version there: that one counts now.
        if isinstance(before, Displaced) and fslinks.same_trees(kept.stash, path):
            self.builder.discard.append(kept.stash)
        else:
            self._keep_older(path, kept)
        return before

    def _keep_older(self, path: str, kept: Displaced) -> None:
        self.older.append(kept.stash)
        message = f"an older {posixpath.basename(path)}, displaced by an earlier link, stays in {kept.stash}"
        self.builder.warn("EOLDER", kept.stash, message, "remove it when you do not need it")

    def _others(self) -> dict[str, RecordedLink]:
        """The other links of the place, as they are planned to be."""
        found = self.builder.entries(self.location.place, self.record)
        found.pop(self.location.key, None)
        return found

    def _heal(self, earlier: Change, found: State) -> bool:
        """A link that displaced our command has to put back what we had displaced, as we now displace that.

        Whether there is such a link. *found* is what stands there.
        """
        others = self._others()
        key = find_displacer(earlier, others, found)
        if key is None:
            return False
        edit = Edit(self.location.place, key, self.record.get(key), inherit(others[key], earlier))
        self.builder.edits[self.location.place, key] = edit
        return True

    def _taken(self, path: str) -> bool:
        """Whether another link has this command now, and is to keep it."""
        if not self.rules.gentle or path not in self.before_owned:
            return False
        found = self.builder.state(path)
        others = self._others().values()
        return any(change[::2] == (path, found) for entry in others for change in entry.owned)

    def give_up(self, path: str, change: Change) -> None:
        """Put back what stood at *path* before *change*, which is ours no longer, or leave it to its displacer."""
        found = self.builder.state(path)
        healed = self._heal(change, found)
        if found == change.after:
            self.builder.replace(path, change.after, change.before)
        elif not healed and isinstance(change.before, Displaced) and fslinks.exists(change.before.stash):
            self._keep_older(path, change.before)
