"""Every packer on one input: what it costs, and whether what it makes is right."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.benchmarks.compare import Made, faults, read_made
from tests.benchmarks.figures import Figures
from tests.benchmarks.packers import OURS, packing
from tests.benchmarks.runs import Command, in_turn, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.benchmarks.inputs import Input
    from tests.benchmarks.packers import Packer
    from tests.benchmarks.runs import Cost

MAX = f"{OURS} max"  # linkpack asked for the smallest file
_FEW = 3  # runs of what takes long
_KNOWN_RULES = ("11", "12")


def measure_packing(
    given: Input, packers: Sequence[Packer], runs: int, env: Mapping[str, str], scratch: Path
) -> dict[str, Figures]:
    """The figures of each of *packers*, linkpack first, on *given*; on npm-self with --gzip-level max as well.

    What npm makes is compared with what linkpack makes by the rules of that npm, and what others make with
    linkpack's default.
    """
    outs = {packer.name: scratch / "out" / packer.name for packer in packers}
    commands = [
        _command(each.name, outs[each.name], given, packing(each, given, outs[each.name])) for each in packers
    ]
    if given.name == "npm-self":
        outs[MAX] = scratch / "out" / "max"
        words = packing(packers[0], given, outs[MAX], "--gzip-level", "max")
        commands.append(_command(MAX, outs[MAX], given, words))
    costs = in_turn(commands, min(runs, _FEW) if given.heavy else runs, env, scratch / "log")
    made = {name: read_made(out) for name, out in outs.items() if not costs[name].failure}
    right = {"npm": _made_by_rules(given, packers, env, scratch)}
    found = {
        name: _figures(cost, made.get(name), right.get(name) or made.get(OURS)) for name, cost in costs.items()
    }
    if given.files and OURS in made and made[OURS].total != given.files:
        wrong = (f"{made[OURS].total} entries, not {given.files}",)
        found[OURS] = found[OURS]._replace(faults=wrong)
    shutil.rmtree(scratch / "out")
    return found


def _made_by_rules(given: Input, packers: Sequence[Packer], env: Mapping[str, str], scratch: Path) -> Made | None:
    """What linkpack makes by the rules of the npm that is measured, if it knows them."""
    npm = next((packer.version.partition(".")[0] for packer in packers if packer.name == "npm"), "")
    if npm not in _KNOWN_RULES:
        return None
    out = scratch / "out" / "rules"
    command = _command(OURS, out, given, packing(packers[0], given, out, "--npm-rules", npm))
    return None if run(command, env, scratch / "log").failure else read_made(out)


def _command(name: str, out: Path, given: Input, words: tuple[str, ...]) -> Command:
    def empty() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)

    return Command(name, words, given.folder, empty)


def _figures(cost: Cost, made: Made | None, right: Made | None) -> Figures:
    if made is None:
        return Figures(cost.wall, cost.cpu, cost.peak, failure=cost.failure)
    wrong = faults(made, right) if right is not None else ()
    return Figures(cost.wall, cost.cpu, cost.peak, made.size, made.total, wrong)
