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


class Point(NamedTuple):
    """The least *cpu* seconds of packing *amount* files or megabytes, and the least *peak* bytes of memory."""

    amount: int
    cpu: float
    peak: float


def measure_slopes(packer: Packer, runs: int, env: Mapping[str, str], scratch: Path) -> dict[str, list[Point]]:
    """The points for files of 400 bytes, and for megabytes of one file."""
    found: dict[str, list[Point]] = {}
    for unit, amounts in (("files", _FILES), ("MB", _MEGABYTES)):
        for amount in amounts:
            folder, out = scratch / "slope", scratch / "out"
            out.mkdir(exist_ok=True)
            count = make_wide(folder, amount) if unit == "files" else make_huge(folder, amount << 20)
            words = packing(packer, Input("slope", folder, count), out, "")
            costs = [run(Command(unit, words, folder), env, scratch / "log") for _ in range(runs)]
            point = Point(amount, min(cost.cpu for cost in costs), min(cost.peak for cost in costs))
            found.setdefault(unit, []).append(point)
            shutil.rmtree(folder)
            shutil.rmtree(out)
    return found


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
