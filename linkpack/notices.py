"""Pass messages to the user while a command is at work.

The library itself prints nothing: the command line listens.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("linkpack_notices", default=None)


@contextmanager
def telling(listener: Callable[[str], None]) -> Iterator[None]:
    """Call *listener* with every message that is sent inside the block."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def tell(message: str) -> None:
    """Send *message* to the listener, if there is one."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(message)
