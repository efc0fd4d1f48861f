"""What holds for every test, and the fixtures of several folders."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.linkbox import LinkBox

if TYPE_CHECKING:
    from pathlib import Path


def pytest_configure() -> None:
    """Have SIGINT end what a test starts, also in the background of a shell, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def box(tmp_path: Path) -> LinkBox:
    """A private machine for the link commands."""
    return LinkBox(tmp_path)


@pytest.fixture
def box_environment(box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the environment of `box` the process's, for tests of the command line."""
    # A prefix of the machine that the tests run on would win over that of the box.
    for name in ("npm_config_global", "PREFIX", "DESTDIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in box.env.items():
        monkeypatch.setenv(name, value)
