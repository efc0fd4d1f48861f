"""Hold signals back while something is made that must not be left over."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def delay_signals() -> Iterator[None]:
    """Hold back the signals that end this process until the block is done.

    The first that came is then raised again. Python runs handlers in the main thread only, so that nothing is held
    back in another one.
    """
    came: list[int] = []
    before = {}
    try:
        for number in _ENDING:
            handler = signal.getsignal(number)
            if handler not in {signal.SIG_IGN, None}:
                with contextlib.suppress(ValueError):  # not the main thread
                    signal.signal(number, lambda which, _: came.append(which))
                    before[number] = handler
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
