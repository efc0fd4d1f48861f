"""Pass messages to the user while a command is at work.

The library itself prints nothing: the command line listens.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Unit: TypeAlias = Literal["bytes", "packages"]
Meter: TypeAlias = "Callable[[str, int, int, Unit], None]"
"""A listener to progress: the step, how much of it is done, of how much in all, and the unit of both."""

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("linkpack_notices", default=None)
_METER: ContextVar[Meter | None] = ContextVar("linkpack_progress", default=None)
_OUTPUTS: ContextVar[list[str] | None] = ContextVar("linkpack_outputs", default=None)


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


@contextmanager
def metering(meter: Meter) -> Iterator[None]:
    """Call *meter* with the progress of long steps inside the block."""
    token = _METER.set(meter)
    try:
        yield
    finally:
        _METER.reset(token)


def current_meter() -> Meter | None:
    """Return what listens to progress, None if nothing does.

    A loop asks once, before it begins: each round then costs a comparison with None.
    """
    return _METER.get()


@contextmanager
def tracking_outputs(outputs: list[str]) -> Iterator[None]:
    """Keep in *outputs* what the block has put in place, oldest first."""
    token = _OUTPUTS.set(outputs)
    try:
        yield
    finally:
        _OUTPUTS.reset(token)


def current_outputs() -> list[str] | None:
    """Return the list that outputs are kept in, None if there is none."""
    return _OUTPUTS.get()


def note_output(path: str) -> None:
    """Note that *path* was put in place, and stays when the user interrupts."""
    outputs = _OUTPUTS.get()
    if outputs is not None and path not in outputs:
        outputs.append(path)


def drop_output(path: str) -> None:
    """Note that *path* was taken back."""
    outputs = _OUTPUTS.get()
    if outputs is not None and path in outputs:
        outputs.remove(path)


def stop_listening() -> None:
    """Stop sending, in a process that was forked from the one that listens."""
    _LISTENER.set(None)
    _METER.set(None)
    _OUTPUTS.set(None)
