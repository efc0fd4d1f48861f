"""Signals wait until a block is done."""

from __future__ import annotations

import errno
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from linkpack.errors import SnapshotError
from linkpack.system.signals import delay_signals
from linkpack.verifying.unpack import unpack
from tests.support import badtar

if TYPE_CHECKING:
    from pathlib import Path


def interrupt(done: list[str]) -> None:
    """Be interrupted in a block that goes on."""
    with delay_signals():
        signal.raise_signal(signal.SIGINT)
        done.append("went on")


def test_a_signal_in_the_block_acts_at_its_end() -> None:
    """A signal in the block does at its end what it would have done; the handlers are those of before."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    done: list[str] = []
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupt(done)
        assert done == ["went on"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with delay_signals():
            done.append("nothing came")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_ignored_signals_stay_ignored() -> None:
    """A signal that is ignored, as under nohup, stays so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with delay_signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_runs_the_block_as_it_is() -> None:
    done: list[object] = []

    def work() -> None:
        with delay_signals():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [signal.getsignal(signal.SIGINT)]


def test_a_mode_that_cannot_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unpacking fails when a file would not get its mode."""
    path = badtar.write(tmp_path, badtar.BODY + badtar.member("package/run", mode=0o755))

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "fails")

    monkeypatch.setattr(os, "fchmod", fail)
    with pytest.raises(SnapshotError) as caught:
        unpack(path, tmp_path / "to")
    assert caught.value.code == "EWRITE"
    assert caught.value.message.endswith("cannot be written: fails")
    assert not (tmp_path / "to").exists()
