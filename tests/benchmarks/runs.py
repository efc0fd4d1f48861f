"""Commands measured in turn, in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_REASON = 80  # characters
_MEASURE = Path(__file__).with_name("measure.py")


class Cost(NamedTuple):
    """What a command took: seconds of *wall* and *cpu* time, *peak* bytes of memory; *failure*: why it failed."""

    wall: float
    cpu: float
    peak: float
    failure: str = ""


class Command(NamedTuple):
    """What to run: *words* in *folder*; *before* prepares each run and is not measured."""

    name: str
    words: tuple[str, ...]
    folder: Path
    before: Callable[[], object] = lambda: None


def environment(scratch: Path) -> dict[str, str]:
    """An environment in which nothing of the user's is read or written: all homes are in *scratch*."""
    homes = {
        "HOME": "home",
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "data",
        "XDG_STATE_HOME": "state",
        "npm_config_prefix": "prefix",
        "npm_config_cache": "npm-cache",
    }
    made = {name: scratch / "homes" / folder for name, folder in homes.items()}
    for folder in made.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "npm_config_update_notifier": "false",
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "YARN_ENABLE_TELEMETRY": "0",
        "YARN_ENABLE_GLOBAL_CACHE": "0",
        **{name: str(folder) for name, folder in made.items()},
    }


def run(command: Command, env: Mapping[str, str], log: Path) -> Cost:
    """What one run of *command* took; its output is in *log*."""
    command.before()
    words = [sys.executable, "-I", "-S", str(_MEASURE), str(command.folder), str(log), *command.words]
    done = subprocess.run(words, env=dict(env), stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    failure = ""
    if found["status"]:
        failure = f"exit {found['status']}, {_reason(log.read_text(encoding='utf-8', errors='replace'))}"
    return Cost(found["wall"], found["cpu"], found["peak"], failure)


def _reason(said: str) -> str:
    """The first line of *said* that speaks of an error, without paths of this machine."""
    line = next((line for line in said.splitlines() if "error" in line.lower()), "")
    return " ".join(word for word in line.split() if "/" not in word)[:_REASON]


def in_turn(commands: Sequence[Command], runs: int, env: Mapping[str, str], log: Path) -> dict[str, Cost]:
    """The best cost of each of *commands*, by name, run A B C A B C; one that fails is not run again.

    A turn before the first is not counted: what is not in memory yet makes pnpm's start (64 MB of program) three
    times as slow in cpu and ten times in wall time, and homes and caches are made then.
    """
    found: dict[str, list[Cost]] = {command.name: [] for command in commands}
    for turn in range(runs + 1):
        if turn == 1:
            found = {name: [cost for cost in costs if cost.failure] for name, costs in found.items()}
        for command in commands:
            costs = found[command.name]
            if not any(cost.failure for cost in costs):
                costs.append(run(command, env, log))
    return {name: best(costs) for name, costs in found.items()}


def best(costs: Sequence[Cost]) -> Cost:
    """The least times of *costs*, and the median of the memory; the failure, when there is one.

    Whatever else the machine does only adds to times, so that the least is nearest to what a program takes.
    """
    failure = next((cost.failure for cost in costs if cost.failure), "")
    return Cost(
        min(cost.wall for cost in costs),
        min(cost.cpu for cost in costs),
        median(cost.peak for cost in costs),
        failure,
    )
