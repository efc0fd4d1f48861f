"""A lock file makes commands wait for each other."""

from __future__ import annotations

import fcntl
import os
import sys
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from linkpack.notices import telling
from linkpack.system.locks import hold_lock

if TYPE_CHECKING:
    from pathlib import Path


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    """A command that waits says for whom, and goes on when the lock is free."""
    path = f"{tmp_path}/lock"
    events: SimpleQueue[str] = SimpleQueue()

    def wait() -> None:
        with telling(events.put), hold_lock(path, "/app"):
            events.put("locked")

    with hold_lock(path, "/app"):
        waiting = Thread(target=wait)
        waiting.start()
        notice = events.get(timeout=60)
    waiting.join(60)
    assert events.get(timeout=60) == "locked"
    holder = f"process {os.getpid()} (" if sys.platform == "linux" else "another process"
    assert notice.startswith(f"waiting for {holder}")
    assert notice.endswith(", which is at work in /app")


def test_a_lock_ends_with_its_block(tmp_path: Path) -> None:
    """Afterwards another command can have the lock; its file stays."""
    path = f"{tmp_path}/lock"
    with hold_lock(path, "/app"):
        pass
    with (tmp_path / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
