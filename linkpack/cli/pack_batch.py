"""Pack packages side by side, in several processes or on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.cli.pack_run import Results
from linkpack.cli.pack_scripts import make_hooks
from linkpack.jobs.batch import Batch, Failed, Packed, pack_many
from linkpack.jobs.workers import Crew
from linkpack.report.pack_json import failure_values, package_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.archive.writer import Tarball
    from linkpack.cli.pack_run import PackRun
    from linkpack.jobs.batch import Outcome
    from linkpack.packing.plan import PackPlan


def pack_apart(folders: Sequence[str], run: PackRun) -> Results:
    """Pack *folders*, each by itself, whether others fail or not."""
    options = run.run_options
    batch = Batch(
        run.options,
        dry_run=run.dry_run,
        hooks=None if options.ignore_scripts else make_hooks(run),
        crew=Crew(options.jobs or 0, options.scheduler),
        fail_fast=options.fail_fast,
    )
    packed: list[tuple[PackPlan, Tarball]] = []
    failed: list[Failed] = []
    values = []
    # Each is reported as soon as it and those before it are packed: a run over many packages takes long.
    for outcome in pack_many(folders, batch):
        if isinstance(outcome, Packed):
            if not run.is_many:
                run.print_warnings(outcome.plan, outcome.plan.root)
            run.finish(outcome.plan, outcome.tarball)
            packed.append((outcome.plan, outcome.tarball))
        else:
            failed.append(outcome)
        if run.verbosity.as_json:
            values.append(_values(outcome))
    return Results(tuple(packed), tuple(failed), tuple(values))


def _values(outcome: Outcome) -> Mapping[str, object]:
    """Return what the JSON says of a package."""
    if isinstance(outcome, Packed):
        return package_values(outcome.plan, outcome.tarball)
    return failure_values(outcome.name, outcome.problems)
