"""Runs one command and prints what it cost, as JSON: a program of its own, started with `python -I -S`.

A process begins with the memory of the one that started it, and the system counts that as its peak: what starts
the commands that are measured has to be small.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resource import struct_rusage

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


def measure(folder: str, log: str, command: list[str]) -> dict[str, float]:
    """What *command*, run in *folder*, took: seconds of wall and cpu time, bytes of memory, and its exit status.

    With its children: their time is added, the memory is that of the largest single process. What it prints goes
    to the file *log*.
    """
    waiting, ready = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ready)
            os.read(waiting, 1)  # until the parent has nothing else to do, which would take a processor
            os.chdir(folder)
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.execvp(command[0], command)  # noqa: S606 - there is no shell to be had
        finally:
            os._exit(127)
    _adopt()
    begin = time.perf_counter()
    os.close(ready)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - begin
    usages = [usage, *_left_over()]
    return {
        "wall": wall,
        "cpu": sum(each.ru_utime + each.ru_stime for each in usages),
        "peak": max(each.ru_maxrss for each in usages) * (1 if sys.platform == "darwin" else 1024),
        "status": os.waitstatus_to_exitcode(status),
    }


def _adopt() -> None:
    """Have the processes that the command leaves behind become children of this one, where the system can.

    A server of worker processes ends by itself after its user, who does not wait for it: its time would be lost.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - after the fork: the command is not to begin with its memory

        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _left_over() -> list[struct_rusage]:
    """What the processes took that the command left behind, when they have ended."""
    usages = []
    with suppress(ChildProcessError):
        while True:
            usages.append(os.wait4(-1, 0)[2])
    return usages


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], sys.argv[3:])))  # noqa: T201 - its result
