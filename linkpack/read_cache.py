"""What a run that packs many packages has read already, so that what they share is read once.

Nothing is kept unless `remembering` is open: a single pack reads everything itself. What was read while it is
open is taken for unchanged; a file that differs when it is written into a tarball still stops that one.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

_Found = TypeVar("_Found")
Memo = dict[tuple["Hashable", ...], Any]

_OPEN: ContextVar[Memo | None] = ContextVar("linkpack_memo", default=None)


@contextmanager
def remembering(memo: Memo) -> Iterator[None]:
    """Keep what `once` reads inside the block in *memo*, and take from there what it holds."""
    token = _OPEN.set(memo)
    try:
        yield
    finally:
        _OPEN.reset(token)


def once(key: tuple[Hashable, ...], read: Callable[[], _Found]) -> _Found:
    """What *read* returns, or returned before under *key*, which starts with the kind of thing it is.

    An error is not kept: it is raised again when it is met again.
    """
    memo = _OPEN.get()
    if memo is None:
        return read()
    if key not in memo:
        memo[key] = read()
    found: _Found = memo[key]
    return found
