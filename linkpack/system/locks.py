"""Hold a lock file while a command is at work."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING

from linkpack.notices import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

_SILENCE = 1.0  # seconds that a command waits for another without a word


@contextlib.contextmanager
def hold_lock(path: str, place: str) -> Iterator[None]:
    """Hold the lock file *path*, made when missing, for the folder *place*.

    Waits while another process holds it. After a second a notice names that process.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if not _lock_soon(handle):
            tell(f"waiting for {_find_holder(handle)}, which is at work in {place}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        # This unlocks it. The file stays: another process may have it open, waiting.
        os.close(handle)


def _lock_soon(handle: int) -> bool:
    """Lock the open file *handle*.

    Returns False if another process still holds it after `_SILENCE`.
    """
    waited, pause = 0.0, 0.001
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waited >= _SILENCE:
                return False
        else:
            return True
        time.sleep(pause)
        waited += pause
        pause = min(2 * pause, 0.05)


def _find_holder(handle: int) -> str:
    """Return who holds the lock on the open file *handle*.

    It is such as "process 12 (linkpack)" on Linux, which lists locks in /proc/locks, and "another process"
    elsewhere.
    """
    inode = os.fstat(handle).st_ino
    try:
        with open("/proc/locks", encoding="ascii") as file:
            rows = [line.split() for line in file]
        # 1: FLOCK ADVISORY WRITE 1234 fd:01:5678 0 EOF; a waiting process has "->" in the second column
        pids = [row[4] for row in rows if row[1] == "FLOCK" and row[5].rpartition(":")[2] == str(inode)]
        with open(f"/proc/{pids[0]}/comm", encoding="utf-8", errors="replace") as file:
            return f"process {pids[0]} ({file.read().strip()})"
    except (OSError, IndexError, ValueError):
        return "another process"
