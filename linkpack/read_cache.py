"""Read once what the parts of a command share, so that all see the same.

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

_Value = TypeVar("_Value")
Memo = dict[tuple["Hashable", ...], Any]

_OPEN: ContextVar[Memo | None] = ContextVar("linkpack_memo", default=None)


def open_memo() -> Memo:
    """Return the memo that is open here, or a new one."""
    memo = _OPEN.get()
    return {} if memo is None else memo


@contextmanager
def remembering(memo: Memo | None = None) -> Iterator[None]:
    """Let `once` keep in *memo* what it reads inside the block.

    None: go on with what is kept around the block, if anything is.
    """
    token = _OPEN.set(open_memo() if memo is None else memo)
    try:
        yield
    finally:
        _OPEN.reset(token)


def forget() -> None:
    """Have everything read again, as another program may have changed it."""
    memo = _OPEN.get()
    if memo is not None:
        memo.clear()


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
