"""Runs a function in a forked process that is killed right before its n-th call of some kind."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from tests.support.syscalls import ENDING, HITS, MAKING, WATCH, Fault, install

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHANGING = (*MAKING, *ENDING)


def cut_off(action: Callable[[], object], calls: Sequence[str], number: int) -> bool:
    """Do *action*, up to its *number*-th call of *calls*; whether it came so far."""
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), HITS)
            install()
            WATCH.start(Fault(tuple(calls), number, "SIGKILL"), None)
            action()
            os._exit(0)
        finally:
            os._exit(99)
    _, ended = os.waitpid(pid, 0)
    status = os.waitstatus_to_exitcode(ended)
    assert status in {0, -signal.SIGKILL}, status
    return status != 0
