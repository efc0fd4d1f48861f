"""Keep track of the paths of one link, and what each has to get back.

A link owns several paths: its own, its commands, its man pages, and folders that were made for them. The record
has for each path what the link found there, so that `unlink` can restore it.
"""

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

    *umask* is that of the process. With *keep_taken* a command that another link has taken since stays that
    link's. *copy* asks for a copy of the package instead of a link.
    """

    bin_links: bool = True
    force: bool = False
    absolute: bool = False
    windows: bool = False
    umask: int = 0o022
    keep_taken: bool = False
    copy: bool = False


class LinkLocation(Record):
    """Where a link belongs, by real paths.

    *place*, a real node_modules, and *key* name the link's entry in the record. *path* is the link's own path,
    *modules* the node_modules around it. *bins* and *mans* are the folders of commands and man pages; *mans* is
    empty for a link in a project. *shared* is true in the global folder, where a file of others is replaced only
    with --force. *project* is the root of the project that has the link, empty for a global one. *aliases* has the
    paths that the user knows real folders by (`alias_folders`).
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

    *old* is the link as it is recorded so far, *before_owned* are the paths that it owns. *owned* has for each
    path the state that unlinking restores, and the state that the link puts there. *adopted* is true if the very
    link exists already, made by hand or by `npm link`: it displaced nothing that is known. *replaced* is true if
    something else took the place of our link, usually an install.
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
        """Plan *after* at *path*, and own the path."""
        builder = self._builder
        present = builder.state(path)
        was_planned = path in builder.changes
        if present != after:
            folders = builder.put(path, after, self._location.modules)
            self.owned.update({change.path: change for change in folders})
        # A new change says in which stash `put` keeps the present content. An earlier change of the same plan does
        # not: this link finds what that change put there.
        planned = builder.changes.get(path)
        before = planned.before if planned is not None and not was_planned else present
        self.owned[path] = Change(path, self._choose_original(path, present, before, after), after)

    def _choose_original(self, path: str, present: State, before: State, after: State) -> State:
        """Return the state for unlinking to restore at *path*.

        That is what was there before the first of our links. *present* is the state now, *before* the same with
        the stash that it is moved to, *after* the state that the link puts there.
        """
        link = self._location.path
        is_ours = target_is_inside(path, present, link)
        earlier = self.before_owned.get(path)
        # 1. The link did not own the path so far: what is there now comes back.
        if earlier is None:
            # An adopted link and its commands are ours from now on, so that unlinking removes them.
            return ABSENT if self.adopted and (is_ours or path == link) else before
        # 2. The path has our own content, perhaps made again with another text: the first original stays.
        is_foreign = self.replaced and is_foreign_command(path, present, link)
        if self.replaced and target_is_inside(path, earlier.before, link):
            # A command of the package that the first link displaced. Another package has its place now.
            earlier = earlier._replace(before=ABSENT)
        if (
            present == after != earlier.after
            and self._is_claimed(path, present)
            and self._hand_on(earlier, present)
        ):
            return before  # another checkout has made the very link that is wanted now, over ours
        if not is_foreign and (is_ours or present in {earlier.after, after}):
            return earlier.before
        # 3. Another link displaced ours: it restores the first original one day, and this one restores its state.
        is_handed_on = self._hand_on(earlier, present)
        original = earlier.before
        is_kept = isinstance(original, Link) or (isinstance(original, Displaced) and fs.exists(original.stash))
        if isinstance(present, Absent):
            return original if is_kept else before  # our content was removed, by hand or by an install
        if is_handed_on or not isinstance(original, Displaced) or not is_kept:
            return before
        # 4. An installer, most likely, put the same or another version there: unlinking restores that one.
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

    def _hand_on(self, earlier: Change, present: State) -> bool:
        """Have the link that displaced *earlier* restore what *earlier* found.

        Returns False if there is no such link. *present* is the state of the path now.
        """
        others = self.others()
        key = find_displacer(earlier, others, present)
        if key is None:
            return False
        place = self._location.place
        self._builder.edits[place, key] = Edit(place, key, self._record.get(key), inherit(others[key], earlier))
        return True

    def belongs_to_another(self, path: str) -> bool:
        """Return True if another link took our command at *path* since."""
        return path in self.before_owned and self._is_claimed(path, self._builder.state(path))

    def _is_claimed(self, path: str, present: State) -> bool:
        """Return True if another link made *present* at *path*."""
        claims = (change for link in self.others().values() for change in link.owned)
        return any(change.path == path and change.after == present for change in claims)

    def give_up(self, path: str, change: Change) -> None:
        """Put back what *change* displaced at *path*, which is no longer ours."""
        present = self._builder.state(path)
        if self._hand_on(change, present):
            return
        if present == change.after:
            self._builder.replace(path, change.after, change.before)
        elif isinstance(change.before, Displaced) and fs.exists(change.before.stash):
            self._keep_older(path, change.before)
