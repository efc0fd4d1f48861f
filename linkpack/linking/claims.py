"""Paths that several links claim, a command that two packages have: each displaced what another had put there."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.linkstate import Change, RecordedLink, State

_Key = TypeVar("_Key")


def find_displacer(change: Change, others: Mapping[_Key, RecordedLink], now: State) -> _Key | None:
    """The key of the one of *others* that displaced what *change*, which another link owns, put at its path.

    None when that stands there still. *now* is what stands there: from it the claims are followed down, as each
    tells what it found. What was there before all of them may look like what any of them put.
    """
    claims = {key: one for key, entry in others.items() for one in entry.owned if one.path == change.path}
    left = dict(claims)
    above = None
    while now != change.after:
        above = next((key for key, one in left.items() if one.after == now), None)
        if above is None:  # somebody else put something there since
            return next((key for key, one in claims.items() if one.before == change.after), None)
        now = left.pop(above).before
    return above


def inherit(entry: RecordedLink, change: Change) -> RecordedLink:
    """Return *entry* with the duty to put back what *change*, which it displaced, had displaced."""
    owned = (one._replace(before=change.before) if one.path == change.path else one for one in entry.owned)
    return entry._replace(owned=tuple(owned))
