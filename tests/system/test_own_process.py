"""What this process was given, and the names of runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from linkpack.system import own_process

if TYPE_CHECKING:
    import pytest


def test_the_name_of_a_run_tells_whether_it_may_be_alive() -> None:
    """A run's name says whether its process may be there."""
    run = own_process.new_run()
    assert own_process.is_running(run)
    assert own_process.new_run() != run
    assert not own_process.is_running("x")
    assert not own_process.is_running("999999999-x")
    assert own_process.is_running("9" * 30)


def test_asking_for_the_umask_does_not_change_it() -> None:
    before = os.umask(0o027)
    try:
        assert [own_process.current_umask(), own_process.current_umask()] == [0o027, 0o027]
    finally:
        os.umask(before)


def test_only_processors_that_this_process_may_use_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that this process may use are counted, or all where the system does not tell (macOS)."""
    assert own_process.count_processors() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert own_process.count_processors() == os.cpu_count()
