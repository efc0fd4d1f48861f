"""Read once what many packages of one run share.

Nothing is kept outside of a block of `remembering`, so that a single pack reads everything itself. Inside of one,
files are taken to stay as they are. A file that has changed when it is written into a tarball still stops that
tarball.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

_Value = TypeVar("_Value")
Memo = dict[tuple["Hashable", ...], Any]

_OPEN: ContextVar[Memo | None] = ContextVar("linkpack_memo", default=None)


@contextmanager
def remembering(memo: Memo) -> Iterator[None]:
    """Let `once` keep in *memo* what it reads inside the block."""
    token = _OPEN.set(memo)
    try:
        yield
    finally:
        _OPEN.reset(token)


def once(key: tuple[Hashable, ...], read: Callable[[], _Value]) -> _Value:
    """Return the result of *read*, from the cache if there.

    A key begins with the kind of thing that is read: `("manifest", path, role)`. Errors are not kept.
    """
    memo = _OPEN.get()
    if memo is None:
        return read()
    if key not in memo:
        memo[key] = read()
    value: _Value = memo[key]
    return value
