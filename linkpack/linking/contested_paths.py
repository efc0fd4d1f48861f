"""Tell what each of several links at one path has to put back.

Packages may have a command of one name, and checkouts that share a node_modules may link one package. Each link
records the state that it found at the path. Taken away in any order, they leave the path as it was before the
first one (tests/linking/test_contested_paths.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.states import Change, RecordedLink, State

_Key = TypeVar("_Key")


def find_displacer(change: Change, others: Mapping[_Key, RecordedLink], now: State) -> _Key | None:
    """Return the key of the link that replaced the result of *change*.

    *others* are the links that may have replaced it, *now* is the state of the path. The search starts at *now*
    and goes back: the link that put this state there found another, which a link before it put there, and so on to
    *change*. None if the result of *change* is still in place.

    on the disk: c;  b found a, c found b  ->  for the change to a: b
    """
    # Looking for the one link that found `change.after` is not enough: the original may equal a link's state
    # (test_links_over_one_path_can_be_removed_in_any_order, "what one of them puts").
    claims = {key: owned for key, link in others.items() for owned in link.owned if owned.path == change.path}
    if now == change.after:
        # A second link that found the very state that it wanted, as that of another worktree does.
        return next((key for key, claim in claims.items() if claim.before == claim.after == now), None)
    left = dict(claims)
    displacer = None
    while now != change.after:
        displacer = next((key for key, claim in left.items() if claim.after == now), None)
        if displacer is None:  # another process put something there since
            return next((key for key, claim in claims.items() if claim.before == change.after), None)
        now = left.pop(displacer).before
    return displacer


def inherit(link: RecordedLink, change: Change) -> RecordedLink:
    """Return *link* with the original of *change*.

    *link* replaced the result of *change*, which goes.

    the original: o;  a displaced o, b displaced a  ->  after a is unlinked: b displaced o
    """
    owned = (claim._replace(before=change.before) if claim.path == change.path else claim for claim in link.owned)
    return link._replace(owned=tuple(owned))
