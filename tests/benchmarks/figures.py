"""Figures as ratios: linkpack's to each peer's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.benchmarks.packers import OURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MEASURES = ("wall", "cpu", "peak", "size")


class Figures(NamedTuple):
    """One packer on one input: seconds, bytes; *faults* in what it made, *failure* is why it made nothing."""

    wall: float
    cpu: float
    peak: float
    size: float = 0
    entries: int = 0
    faults: tuple[str, ...] = ()
    failure: str = ""

    @property
    def right(self) -> bool:
        """Whether it made what it should."""
        return not self.failure and not self.faults


class Goal(NamedTuple):
    """A ratio of linkpack's *measure* on *given* to the least of *peers*', and what it is to be at most.

    *ours* is how linkpack was run. Only peers that get it right count when *right* is set.
    """

    given: str
    measure: str
    peers: tuple[str, ...]
    most: float
    ours: str = OURS
    right: bool = False


_NATIVE = ("pnpm", "bun")
_ALL = ("npm", "pnpm", "bun", "yarn")
_MAX = f"{OURS} max"
GOALS = (
    Goal("npm-self", "wall", _NATIVE, 0.55),
    Goal("npm-self", "wall", ("npm",), 0.06),
    Goal("npm-self", "size", ("npm",), 1.005),
    Goal("npm-self", "size", _NATIVE, 1),
    Goal("npm-self", "size", ("npm",), 1, _MAX),
    Goal("npm-self", "wall", ("bun",), 1, _MAX),
    Goal("big", "wall", _ALL, 0.6, right=True),
    Goal("monorepo", "wall", ("pnpm",), 0.3),
    Goal("monorepo", "wall", ("bun",), 0.13),
    Goal("tiny", "wall", ("pnpm",), 2.5),
    Goal("tiny", "wall", ("npm",), 0.12),
    Goal("--version", "wall", ("python -c pass",), 3),
    Goal("link", "wall", ("npm",), 0.1),
)


def ratio(ours: float, theirs: float) -> float | None:
    """*ours* to *theirs*; None when there is nothing to compare with."""
    return ours / theirs if theirs else None


def shown(found: float | None) -> str:
    """A ratio as it is printed: two digits that count, three decimals at most."""
    if found is None:
        return "-"
    return f"{found:.3f}" if found < 0.1 or 0.98 < found < 1.02 else f"{found:.2f}"


def rows(results: Mapping[str, Mapping[str, Figures]]) -> list[tuple[str, ...]]:
    """A row for each input and each peer on it: linkpack's figures to the peer's, and what the peer does wrong."""
    made: list[tuple[str, ...]] = []
    for given, by_packer in results.items():
        ours = by_packer[OURS]
        for name, theirs in by_packer.items():
            if name == OURS:
                continue
            failed = next((who for who in (OURS, name) if by_packer[who].failure), "")
            if failed:
                made.append((given, name, "-", "-", "-", "-", f"{failed} fails: {by_packer[failed].failure}"))
                continue
            numbers = (shown(ratio(getattr(ours, each), getattr(theirs, each))) for each in _MEASURES)
            made.append((given, name, *numbers, "; ".join(theirs.faults)))
    return made


def goal_rows(results: Mapping[str, Mapping[str, Figures]]) -> list[tuple[str, ...]]:
    """A row for each goal whose figures there are: what it is, what was asked, what was found, if it is met."""
    made: list[tuple[str, ...]] = []
    for goal in GOALS:
        found = reached(goal, results.get(goal.given, {}))
        if found is not None:
            who = " or ".join(goal.peers) if goal.peers != _ALL else "any peer that gets it right"
            what = f"{goal.given}: {goal.measure} of {goal.ours}, to {who}"
            made.append((what, f"{goal.most:g}", shown(found), "yes" if found <= goal.most else "**no**"))
    return made


def reached(goal: Goal, by_packer: Mapping[str, Figures]) -> float | None:
    """The ratio that *goal* is about; None when it was not measured."""
    peers = [by_packer[name] for name in goal.peers if name in by_packer and not by_packer[name].failure]
    theirs = [getattr(peer, goal.measure) for peer in peers if peer.right or not goal.right]
    ours = by_packer.get(goal.ours)
    if ours is None or ours.failure or not theirs:
        return None
    return ratio(getattr(ours, goal.measure), min(theirs))


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns aligned for reading as text."""
    cells = [[each.replace("|", "\\|") for each in row] for row in (head, *body)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in lines)
