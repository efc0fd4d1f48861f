"""What holds for every test."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Have SIGINT end what a test starts, also in the background of a shell, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
