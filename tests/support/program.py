"""The command line, run in this process as its entry point does."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from linkpack.cli import main as cli

if TYPE_CHECKING:
    from pathlib import Path


class Done(NamedTuple):
    """What a run left: its exit status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """What is on stdout, which must be JSON and nothing else."""
        return json.loads(self.out)


def run_program(capsys: pytest.CaptureFixture[str], *args: str) -> Done:
    """Run linkpack with *args*; the handlers of signals are as before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with pytest.raises(SystemExit) as left:
            cli.main(list(args))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    captured = capsys.readouterr()
    return Done(int(left.value.code or 0), captured.out, captured.err)


def forget_npm(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Have none of the machine's npm settings count, nor its Node: *home* is the home, *home*/npm the prefix."""
    for name in [name for name in os.environ if name.lower().startswith("npm_config_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("npm_config_globalconfig", str(home / "globalrc"))
    monkeypatch.setenv("npm_config_prefix", str(home / "npm"))
