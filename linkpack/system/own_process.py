"""Ask for what this process was given, and name its run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

_COLUMNS = 80


def environment() -> dict[str, str]:
    """Return this process's environment."""
    return dict(os.environ)


def current_umask() -> int:
    """Return the permission bits that new files lack."""
    mask = os.umask(0o022)  # POSIX has no call that only reads it
    os.umask(mask)
    return mask


def count_processors() -> int:
    """Return how many processors this process may use."""
    # `cpu_count` counts those too that taskset(1) or a container keeps from this process.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def count_columns(stream: TextIO) -> int:
    """Return the columns of the terminal of *stream*, 80 if unknown."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or _COLUMNS
    except (OSError, ValueError):  # no terminal, or a stream without a descriptor
        return _COLUMNS


def new_run() -> str:
    """Return a name for a run that no other run has.

    It begins with this process's number: `4711-9f86d081884c7d65`.
    """
    return f"{os.getpid()}-{os.urandom(8).hex()}"


def is_running(run: str) -> bool:
    """Return True if the process of the run *run* may still exist."""
    number = run.partition("-")[0]
    if not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # a process of another user, or a number too large for any
        return True
    return True
