"""What one command has read already, so that every part of it sees the same and reads it once.

Nothing is kept unless `remembering` is open. What was read while it is open is taken for unchanged until `forget`,
which comes before each script that a command runs. A file that differs when it is written into a tarball still
stops the packing.
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


def open_memo() -> Memo:
    """Return what is kept here so far, or a new memo where nothing is kept."""
    memo = _OPEN.get()
    return {} if memo is None else memo


@contextmanager
def remembering(memo: Memo | None = None) -> Iterator[None]:
    """Keep what `once` reads inside the block in *memo*, and take from there what it holds.

    None: go on with what is kept around the block, if anything is.
    """
    token = _OPEN.set(open_memo() if memo is None else memo)
    try:
        yield
    finally:
        _OPEN.reset(token)


def forget() -> None:
    """Have everything read again, as after another program ran that may have changed it."""
    memo = _OPEN.get()
    if memo is not None:
        memo.clear()


def once(key: tuple[Hashable, ...], read: Callable[[], _Found]) -> _Found:
    """Return what *read* returns, or returned before under *key*, which starts with the kind of thing it is.

    An error is not kept: it is raised again when it is met again.
    """
    memo = _OPEN.get()
    if memo is None:
        return read()
    if key not in memo:
        memo[key] = read()
    found: _Found = memo[key]
    return found
