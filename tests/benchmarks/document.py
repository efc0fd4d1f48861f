"""The results as text, as JSON, and in the marked part of a page."""

from __future__ import annotations

import json
import platform
import sys
from typing import TYPE_CHECKING

from tests.benchmarks.figures import goal_rows, rows, table
from tests.benchmarks.packers import OURS
from tests.benchmarks.slopes import slope_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.benchmarks.figures import Figures
    from tests.benchmarks.packers import Packer
    from tests.benchmarks.slopes import Point

BEGIN = "<!-- figures: written by python -m tests.benchmarks --write -->"
END = "<!-- end of figures -->"


def as_text(
    packers: Sequence[Packer],
    cores: int,
    results: Mapping[str, Mapping[str, Figures]],
    slopes: Mapping[str, Sequence[Point]],
) -> str:
    """All figures in Markdown."""
    against = ", ".join(f"{each.name} {each.version}" for each in packers if each.name != OURS)
    parts = [
        "The least times of all runs, after a run that does not count, by each program's own default rules.",
        f"{cores} cores, {platform.machine()}, {sys.implementation.name} {platform.python_version()}; {against}.",
    ]
    found = rows(results)
    if found:
        parts += ["linkpack's figure divided by the peer's: below 1 is less."]
        parts += [table(("input", "peer", "wall", "cpu", "memory", "size", "what the peer does wrong"), found)]
    goals = goal_rows(results)
    if goals:
        parts += ["What it is to reach:", table(("goal", "at most", "found", "met"), goals)]
    packed = {name: found[OURS] for name, found in results.items() if OURS in found and found[OURS].size}
    if packed:
        parts += ["linkpack itself:", table(("input", "entries", "peak memory", "faults"), _own(packed))]
    if slopes:
        parts += ["What one more file of 400 bytes, or megabyte of one file, costs:"]
        parts += [table(("from, to", "cpu for one more", "peak memory"), slope_rows(slopes))]
    return "\n\n".join(parts) + "\n"


def _own(packed: Mapping[str, Figures]) -> list[tuple[str, ...]]:
    return [
        (name, f"{found.entries:,}", f"{found.peak / 1e6:.0f} MB", "; ".join(found.faults) or "none")
        for name, found in packed.items()
    ]


def as_json(
    packers: Sequence[Packer],
    cores: int,
    results: Mapping[str, Mapping[str, Figures]],
    slopes: Mapping[str, Sequence[Point]],
) -> str:
    """All figures in seconds and bytes."""
    return json.dumps(
        {
            "machine": {"cores": cores, "machine": platform.machine(), "python": platform.python_version()},
            "versions": {each.name: each.version for each in packers},
            "results": {
                name: {who: figures._asdict() for who, figures in found.items()} for name, found in results.items()
            },
            "slopes": {unit: [point._asdict() for point in points] for unit, points in slopes.items()},
        },
        indent=2,
    )


def write_part(page: Path, text: str) -> None:
    """Put *text* between the marks of *page*; ValueError when it has none."""
    old = page.read_text(encoding="utf-8")
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for figures: {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
