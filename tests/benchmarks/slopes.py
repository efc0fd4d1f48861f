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
_RULES = 200  # lines of an ignore file


class _Unit(NamedTuple):
    """What grows by *amounts*, by how much *globs* and *rules* say what ships, and which commands are measured.

    Of *commands*, {tarball} and {folder} are replaced by what is packed. Without any it is packing.
    """

    amounts: tuple[int, ...]
    globs: tuple[str, ...] = ()
    rules: int = 0
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


_UNITS = {
    "files": _Unit(_FILES),
    "files by globs": _Unit(_FILES, _GLOBS),
    "files by globs, npm 11": _Unit(_FILES, _GLOBS, options=("--npm-rules", "11")),
    f"files under {_RULES} ignore rules": _Unit(_FILES, rules=_RULES),
    "files verified": _Unit(_FILES, command=("verify", "-q", "{tarball}")),
    "files compared with their folder": _Unit(_FILES, command=("diff", "{tarball}", "{folder}")),
    "files unpacked": _Unit(_FILES, command=("unpack", "-q", "{tarball}")),
    "files that why asks for": _Unit(_FILES, command=("why", "-C", "{folder}", "package.json")),
    "MB": _Unit(_MEGABYTES),
}


class Point(NamedTuple):
    """The least *cpu* seconds of packing *amount* files or megabytes, and the least *peak* bytes of memory."""

    amount: int
    cpu: float
    peak: float


def measure_slopes(packer: Packer, runs: int, env: Mapping[str, str], scratch: Path) -> dict[str, list[Point]]:
    """Measure how packing, and what reads a tarball, grows with files of 400 bytes and megabytes of one file."""
    found: dict[str, list[Point]] = {}
    for name, unit in _UNITS.items():
        found[name] = [_measure(packer, unit, env, scratch, amount=amount, runs=runs) for amount in unit.amounts]
    return found


def _measure(
    packer: Packer, unit: _Unit, env: Mapping[str, str], scratch: Path, *, amount: int, runs: int
) -> Point:
    """Measure *amount* of *unit* with *packer*; ValueError when it fails."""
    folder, out = scratch / "slope", scratch / "out"
    _make(unit, folder, amount)
    out.mkdir(exist_ok=True)
    packed = Command("pack", packing(packer, Input("slope", folder, 0), out, *unit.options), folder)
    command = packed
    if unit.command:
        run(packed, env, scratch / "log")
        places = {"{tarball}": str(next(out.iterdir())), "{folder}": str(folder)}
        words = (*packer.start, *(places.get(word, word) for word in unit.command))
        command = Command("read", words, scratch, lambda: shutil.rmtree(scratch / "package", ignore_errors=True))
    costs = [run(command, env, scratch / "log") for _ in range(runs)]
    failure = next((cost.failure for cost in costs if cost.failure), "")
    for made in (folder, out, scratch / "package"):
        shutil.rmtree(made, ignore_errors=True)
    if failure:
        raise ValueError(f"{' '.join(unit.command) or 'pack'}: {failure}")
    return Point(amount, min(cost.cpu for cost in costs), min(cost.peak for cost in costs))


def _make(unit: _Unit, folder: Path, amount: int) -> None:
    if unit.amounts is _MEGABYTES:
        make_huge(folder, amount << 20)
        return
    make_wide(folder, amount, unit.globs)
    if unit.rules:
        rules = "".join(f"no-{number}/*.tmp\n*.no-{number}\n" for number in range(unit.rules // 2))
        (folder / ".npmignore").write_text(rules, encoding="utf-8")


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
