"""Find which of several links put what is at one path."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.states import Change, RecordedLink, State

_Key = TypeVar("_Key")


def find_displacer(change: Change, others: Mapping[_Key, RecordedLink], now: State) -> _Key | None:
    """Find the link that replaced what *change* put at its path.

    Each link recorded what it found at the path. Start at the state on the disk, *now*, and follow those records
    back to *change*: the last link passed replaced it. Returns the key of that link in *others*, or None if what
    *change* put is in place still. Comparing content alone is not enough: the original may equal what a link put
    there.

    on the disk: c;  b found a, c found b  ->  for the change to a: b
    """
    claims = {key: owned for key, link in others.items() for owned in link.owned if owned.path == change.path}
    if now == change.after:
        # A second link that found just what it wanted to put there, as one of another worktree may.
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
    """Have *link*, which displaced *change*, restore what that displaced.

    the original: o;  a displaced o, b displaced a  ->  after a is unlinked: b displaced o
    """
    owned = (claim._replace(before=change.before) if claim.path == change.path else claim for claim in link.owned)
    return link._replace(owned=tuple(owned))
