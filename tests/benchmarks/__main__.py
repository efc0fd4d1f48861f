"""`python -m tests.benchmarks`: linkpack and its peers side by side. Takes minutes, and 3 GB of disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tests.benchmarks.document import as_json, as_text, write_part
from tests.benchmarks.figures import rows
from tests.benchmarks.inputs import KINDS, make_input, npm_folder
from tests.benchmarks.packers import find_packers
from tests.benchmarks.packs import measure_packing
from tests.benchmarks.runs import environment
from tests.benchmarks.slopes import measure_slopes
from tests.benchmarks.startup import measure_startup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.figures import Figures
    from tests.benchmarks.packers import Packer

_NAMES = (*KINDS, "startup", "slopes")


@click.command()
@click.option(
    "--only", multiple=True, type=click.Choice(_NAMES), help="Measure these; may be given more than once."
)
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Runs of each command.")
@click.option("--json", "as_data", type=click.Path(path_type=Path), help="Write the figures there as JSON.")
@click.option(
    "--write", "page", type=click.Path(path_type=Path, exists=True), help="Write the tables into this page."
)
@click.option(
    "--peers",
    type=click.Path(path_type=Path),
    default=Path("build/peers"),
    show_default=True,
    help="Where pnpm, bun and yarn are installed, by npm install --prefix.",
)
@click.option(
    "--scratch", type=click.Path(path_type=Path), help="Work there and keep it.  [default: a temporary folder]"
)
def main(
    only: tuple[str, ...], runs: int, as_data: Path | None, page: Path | None, peers: Path, scratch: Path | None
) -> None:
    """Pack the same inputs with linkpack and the installed peers in turn, and print the ratios of the figures."""
    chosen = [name for name in _NAMES if not only or name in only]
    base = (scratch or Path(tempfile.mkdtemp(prefix="linkpack-bench-"))).resolve()
    env = environment(base)
    packers = find_packers(peers, env)
    results: dict[str, dict[str, Figures]] = {}
    try:
        for name, figures in _measured(chosen, packers, runs, env, base):
            results[name] = figures
            click.echo("\n".join("  ".join(row) for row in rows({name: figures})), err=True)
        slopes = measure_slopes(packers[0], min(runs, 3), env, base) if "slopes" in chosen else {}
    finally:
        if scratch is None:
            shutil.rmtree(base)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    text = as_text(packers, cores, results, slopes)
    click.echo(text, nl=False)
    if as_data is not None:
        as_data.write_text(as_json(packers, cores, results, slopes) + "\n", encoding="utf-8")
    if page is not None:
        write_part(page, text)


def _measured(
    chosen: list[str], packers: list[Packer], runs: int, env: dict[str, str], base: Path
) -> Iterator[tuple[str, dict[str, Figures]]]:
    """Every input and start-up command that is chosen, with its figures by packer, as they come."""
    for name in chosen:
        click.echo(f"{name} ...", err=True)
        if name == "startup":
            yield from measure_startup(make_input("tiny", base), packers, runs, env, base).items()
        elif name in KINDS and (name != "npm-self" or npm_folder() is not None):
            yield name, measure_packing(make_input(name, base), packers, runs, env, base)


if __name__ == "__main__":
    main()
