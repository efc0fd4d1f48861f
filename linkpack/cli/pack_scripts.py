"""Pack packages one after the other, each with its lifecycle scripts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from linkpack.cli.terminal import print_report, wipe_progress
from linkpack.lifecycle.scripts import Hooks, start_lifecycle
from linkpack.packing.preflight import check_before_scripts, check_distinct
from linkpack.provenance.record_options import record_paths
from linkpack.report.text import escape
from linkpack.system.own_process import environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.archive.writer import Tarball
    from linkpack.cli.pack_run import PackRun
    from linkpack.packing.plan import PackPlan
    from linkpack.system.processes import Script


def make_hooks(run: PackRun) -> Hooks:
    """Return how *run* runs scripts."""
    return Hooks(
        env=environment(),
        script_shell=run.run_options.script_shell,
        linked=run.run_options.run_linked_scripts,
        workspaces=run.run_options.asks_for_workspaces,
        announce=partial(_announce, quiet=not run.verbosity.scripts),
        flags=run.flags,
        bundle=run.options.bundle,
    )


def _announce(script: Script, *, quiet: bool) -> None:
    """Print which script runs, in the lines of npm 11."""
    # npm 11.19, @npmcli/run-script, lib/run-script-pkg.js, but on stderr. npm 12.2 has them as notices.
    wipe_progress()  # the script may print as well
    if not quiet:
        lines = "".join(f"> {escape(line)}\n" for line in script.command.strip().split("\n"))
        print_report(f"\n> {escape(script.label)} {script.event}\n{lines}")


def pack_in_turn(folders: Sequence[str], run: PackRun) -> tuple[tuple[PackPlan, Tarball], ...]:
    """Pack *folders*, after all checks that need no script to have run."""
    destination, dry_run = run.options.destination, run.dry_run
    checked = [
        check_before_scripts(folder or ".", run.options, walk_up=not folder, dry_run=dry_run) for folder in folders
    ]
    outputs = [target for _, target in checked]
    check_distinct(outputs)
    recorder = run.make_recorder()

    def make_plan(folder: str) -> PackPlan:
        plan = run.plan(folder, outputs)
        records = record_paths(plan, destination, run.record)
        return run.plan(folder, [*outputs, *records]) if records else plan

    def write(plan: PackPlan) -> Tarball:
        (origins,) = [()] if recorder is None else recorder.read_sources([plan])
        return run.write(plan, recorder, origins)

    hooks = make_hooks(run)
    results = []
    for folder, (project, _) in zip(folders, checked, strict=True):
        # Planned after prepack and prepare, which may write what is packed.
        lifecycle = start_lifecycle(project, hooks)
        plan = make_plan(folder)
        with lifecycle.restore_on_failure("" if dry_run else destination, plan.filename):
            tarball = write(plan)
            lifecycle.finish(tarball)
        run.finish(plan, tarball)
        results.append((plan, tarball))
    return tuple(results)
