"""Tell the user something while a command is at work; the library itself prints nothing."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("linkpack_notices", default=None)


@contextmanager
def telling(listener: Callable[[str], None]) -> Iterator[None]:
    """Hand every notice of the block to *listener*."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def tell(message: str) -> None:
    """Give *message* to whoever listens."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(message)
