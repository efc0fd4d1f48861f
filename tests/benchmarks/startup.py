"""What short commands cost: little but the program's own start."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Figures
from tests.benchmarks.packers import OURS
from tests.benchmarks.runs import Command, in_turn
from tests.benchmarks.trees import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.benchmarks.inputs import Input
    from tests.benchmarks.packers import Packer

_TIMES = 4  # as many runs as of packing, times this: they are short, and noise is not


def measure_startup(
    tiny: Input, packers: Sequence[Packer], runs: int, env: Mapping[str, str], scratch: Path
) -> dict[str, dict[str, Figures]]:
    """The figures of `--version`, of a dry run on *tiny* and of `link`, by packer."""
    start = {packer.name: packer.start for packer in packers}
    bare = Command("python -c pass", (sys.executable, "-c", "pass"), scratch)
    version = [Command(name, (*words, "--version"), scratch) for name, words in start.items()]
    asked = {
        OURS: ("pack", "-q", "--dry-run", "--ignore-scripts"),
        "npm": ("pack", "--silent", "--dry-run", "--ignore-scripts"),
        "pnpm": ("pack", "--dry-run", "--config.ignore-scripts=true"),
        "bun": ("pm", "pack", "--quiet", "--dry-run", "--ignore-scripts"),
    }
    dry = [Command(name, (*start[name], *asked[name]), tiny.folder) for name in asked if name in start]
    link = [
        Command(name, (*start[name], "link", "../lib"), scratch / "link" / "app", _fresh(scratch / "link", env))
        for name in (OURS, "npm")
        if name in start
    ]
    measured = {"--version": [bare, *version], "pack --dry-run": dry, "link": link}
    found = {}
    for name, commands in measured.items():
        costs = in_turn(commands, runs * _TIMES, env, scratch / "log")
        found[name] = {who: Figures(c.wall, c.cpu, c.peak, failure=c.failure) for who, c in costs.items()}
    return found


def _fresh(folder: Path, env: Mapping[str, str]) -> Callable[[], None]:
    """What lays out, anew each time, a project and a package to be linked into it, and an empty global folder."""

    def make() -> None:
        for old in (folder, *(Path(env[name]) for name in ("npm_config_prefix", "XDG_STATE_HOME"))):
            shutil.rmtree(old, ignore_errors=True)
            (old / "lib").mkdir(parents=True)  # npm fails where its prefix has no lib
        writer.manifest(folder / "lib", "lib", bin={"lib": "cli.js"})
        (folder / "lib/cli.js").write_text("#!/usr/bin/env node\n", encoding="utf-8")
        writer.manifest(folder / "app", "app", dependencies={"lib": "^1.0.0"})

    writer = Writer(7)
    return make
