"""How the cost of packing grows with files and with bytes."""

from __future__ import annotations

import shutil
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tests.benchmarks.inputs import Input, make_huge, make_wide
from tests.benchmarks.packers import packing
from tests.benchmarks.runs import Command, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.benchmarks.packers import Packer

_FILES = (1_000, 10_000, 100_000)
_MEGABYTES = (1, 10, 100, 1000)
_GLOBS = ("dist/**/*", "!**/*.map")
_UNITS = {"files": _FILES, "files by globs": _FILES, "MB": _MEGABYTES}


class Point(NamedTuple):
    """The least *cpu* seconds of packing *amount* files or megabytes, and the least *peak* bytes of memory."""

    amount: int
    cpu: float
    peak: float


def measure_slopes(packer: Packer, runs: int, env: Mapping[str, str], scratch: Path) -> dict[str, list[Point]]:
    """Measure files of 400 bytes, the same where `files` has globs, and megabytes of one file."""
    found: dict[str, list[Point]] = {}
    for unit, amounts in _UNITS.items():
        for amount in amounts:
            folder, out = scratch / "slope", scratch / "out"
            out.mkdir(exist_ok=True)
            count = _make(unit, folder, amount)
            words = packing(packer, Input("slope", folder, count), out, "")
            costs = [run(Command(unit, words, folder), env, scratch / "log") for _ in range(runs)]
            point = Point(amount, min(cost.cpu for cost in costs), min(cost.peak for cost in costs))
            found.setdefault(unit, []).append(point)
            shutil.rmtree(folder)
            shutil.rmtree(out)
    return found


def _make(unit: str, folder: Path, amount: int) -> int:
    if unit == "MB":
        return make_huge(folder, amount << 20)
    return make_wide(folder, amount, _GLOBS if unit == "files by globs" else ())


def marginal(points: Sequence[Point]) -> list[float]:
    """The cost in seconds of one more, between each two neighbours of *points*: equal when it is linear."""
    return [(more.cpu - less.cpu) / (more.amount - less.amount) for less, more in pairwise(points)]


def slope_rows(found: Mapping[str, Sequence[Point]]) -> list[tuple[str, ...]]:
    """A row for each step: how much, the cost of one more in microseconds, and the memory at the end of it."""
    made: list[tuple[str, ...]] = []
    for unit, points in found.items():
        for less, more, cost in zip(points, points[1:], marginal(points), strict=False):
            step = f"{less.amount:,} to {more.amount:,} {unit}"
            made.append((step, f"{cost * 1e6:,.0f} us", f"{more.peak / 1e6:.0f} MB"))
    return made
