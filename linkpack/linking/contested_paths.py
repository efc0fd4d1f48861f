"""Follow the claims of several links on one path: each of them displaced what another had put there."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.states import Change, RecordedLink, State

_Key = TypeVar("_Key")


def find_displacer(change: Change, others: Mapping[_Key, RecordedLink], now: State) -> _Key | None:
    """Find the link among *others* that replaced what *change* put at its path; None if nothing did.

    Each link recorded what it found at the path. Start at the state on the disk, *now*, and follow those records
    back to *change*: the last link passed is the one. Comparing content alone is not enough: what was there first
    may be like what one of the links put there.

    on the disk: c;  b found a, c found b  ->  for the change to a: b
    """
    claims = {key: one for key, entry in others.items() for one in entry.owned if one.path == change.path}
    if now == change.after:
        # A second link that found just what it wanted to put there, as one of another worktree may.
        return next((key for key, one in claims.items() if one.before == one.after == now), None)
    left = dict(claims)
    above = None
    while now != change.after:
        above = next((key for key, one in left.items() if one.after == now), None)
        if above is None:  # another process put something there since
            return next((key for key, one in claims.items() if one.before == change.after), None)
        now = left.pop(above).before
    return above


def inherit(entry: RecordedLink, change: Change) -> RecordedLink:
    """Return *entry*, which displaced *change*, with the duty to put back what that had displaced."""
    owned = (one._replace(before=change.before) if one.path == change.path else one for one in entry.owned)
    return entry._replace(owned=tuple(owned))
