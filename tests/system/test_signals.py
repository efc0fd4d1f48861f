"""What is begun is noted before anybody can interrupt, and a failing system is not taken for an answer."""

from __future__ import annotations

import errno
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from linkpack.errors import SnapshotError
from linkpack.system import links as fslinks
from linkpack.system import read as fs
from linkpack.system import temporary as drafts
from linkpack.system import write as fswrite
from linkpack.system.signals import uninterrupted
from linkpack.verifying.unpack import unpack
from tests.support import badtar

if TYPE_CHECKING:
    from pathlib import Path


def interrupt(done: list[str]) -> None:
    """Be interrupted in a block that goes on."""
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
        done.append("went on")


def test_signals_wait() -> None:
    """A signal in the block does at its end what it would have done; the handlers are those of before."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    done: list[str] = []
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupt(done)
        assert done == ["went on"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with uninterrupted():
            done.append("nothing came")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_ignored_signals_stay_ignored() -> None:
    """A signal that is ignored, as under nohup, stays so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with uninterrupted():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads() -> None:
    """In another thread, which no signal interrupts, the block is run as it is."""
    done: list[object] = []

    def work() -> None:
        with uninterrupted():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [signal.getsignal(signal.SIGINT)]


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.ENOMEM])
def test_no_answer(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the system cannot say what is at a path, that is an error."""

    def fail(*_: object) -> os.stat_result:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "stat", fail)
    monkeypatch.setattr(os, "lstat", fail)
    for ask in (fs.is_dir, fs.is_file, fslinks.exists):
        with pytest.raises(OSError, match=r"\[Errno") as caught:
            ask("/somewhere")
        assert caught.value.errno == code


def test_answers(tmp_path: Path) -> None:
    """What is not there, or cannot be there, is answered with no."""
    (tmp_path / "file").touch()
    for path in ("none", "file/below", "n" * 300, "nul\0"):
        assert not fs.is_dir(f"{tmp_path}/{path}")
        assert not fs.is_file(f"{tmp_path}/{path}")
        assert not fslinks.exists(f"{tmp_path}/{path}")


@pytest.mark.parametrize("step", ["fsync", "fchmod"])
def test_a_new_file_that_fails_goes_again(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be finished is not there, and one that was there before stays."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    (tmp_path / "old").write_text("old")
    monkeypatch.setattr(os, step, fail)
    for name in ("new", "old"):
        with pytest.raises(OSError, match=r"full|exists"):
            fslinks.write_new(str(tmp_path / name), b"x", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "old"


def test_a_draft_that_cannot_be_claimed_goes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the status of a new draft cannot be had, the draft is removed."""

    def fail(_: int) -> bool:
        raise OSError(errno.EIO, "fails")

    monkeypatch.setattr(drafts, "claim", fail)
    monkeypatch.setattr(fswrite, "claim", fail)
    with pytest.raises(OSError, match="fails"), drafts.draft_folder(str(tmp_path)):
        pass
    with pytest.raises(OSError, match="fails"), fswrite.draft(str(tmp_path / "x")):
        pass
    assert list(tmp_path.iterdir()) == []


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
