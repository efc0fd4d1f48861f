"""What `linkpack pack` does once its options are read: packages packed together, with scripts, or side by side."""

from __future__ import annotations

import posixpath
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from linkpack import api, report
from linkpack.bundle.project import find_project
from linkpack.errors import PackagesFailed
from linkpack.run.before import check_before, check_distinct, has_scripts
from linkpack.trace.cli import TraceOptions, after_pack, before_pack, outputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.api import PackPlan
    from linkpack.batch import Failed, Outcome
    from linkpack.errors import Problem
    from linkpack.run.cli import RunOptions
    from linkpack.run.lifecycle import Hooks
    from linkpack.run.scripts import Script
    from linkpack.tarballs.deflate import GzipLevel
    from linkpack.tarballs.tarball import Tarball
    from linkpack.trace.origins import Origin


class Told(NamedTuple):
    """What is told on stderr: the *report* on each tarball, in full when *verbose*, and its *warnings*."""

    report: bool
    warnings: bool
    verbose: bool


class Job(NamedTuple):
    """What to do with each package: *options* go to `plan_pack`, *tree* is a folder for its files, if any."""

    options: Mapping[str, Any]
    destination: str
    dry_run: bool
    told: Told
    tree: str
    trace: TraceOptions
    gzip_level: GzipLevel = "default"

    def planned(self, folder: str, written: Sequence[str] = ()) -> PackPlan:
        """The plan for the package in *folder*, "" being where we are; *written* are paths that others write."""
        where = folder or "."
        return api.plan_pack(
            where, walk_up=not folder, destination=self.destination, outputs=written, **self.options
        )

    def write(self, plan: PackPlan, origins: tuple[Origin, ...]) -> Tarball:
        """Write and record the tarball of *plan*, or on a dry run measure it; then tell the plan's warnings.

        Not before: standard error may be a file in the package, which would change while it is packed.
        """
        try:
            return self._written(plan, origins)
        finally:
            if self.told.warnings and plan.warnings:
                click.echo(report.warnings(plan), err=True)

    def _written(self, plan: PackPlan, origins: tuple[Origin, ...]) -> Tarball:
        if self.dry_run:
            return api.measure_pack(plan, self.destination, gzip_level=self.gzip_level)
        tarball = api.write_pack(plan, self.destination, gzip_level=self.gzip_level)
        after_pack(plan, tarball, origins, self.destination, self.trace)
        return tarball

    def finish(self, plan: PackPlan, tarball: Tarball) -> None:
        """Report on *tarball*, and write its tree."""
        if self.told.warnings and tarball.warnings:
            click.echo(report.warnings(tarball), err=True)
        if self.told.report:
            text = report.packed(plan, tarball, verbose=self.told.verbose, dry_run=self.dry_run)
            click.echo(text, err=True)
        if self.tree and not self.dry_run:
            from linkpack.ship.staged import write_tree  # noqa: PLC0415 - hardly ever asked for

            write_tree(plan.entries, self.tree)


class Results(NamedTuple):
    """What was packed, in order, and what each package that was not says; *outcomes* of a batch: both."""

    packed: tuple[tuple[PackPlan, Tarball], ...]
    failed: tuple[Failed, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


def pack_all(folders: Sequence[str], job: Job, run: RunOptions) -> Results:
    """The results of packing each of *folders*, "" being where we are.

    Packages are packed together, all or none, unless they have scripts to be run, or workspaces or parallel work
    were asked for and nothing is recorded.
    """
    if job.tree and len(folders) > 1:
        raise click.UsageError("--dir takes one package")
    announce = partial(_announce, quiet=not job.told.warnings)
    if run.many and "" not in folders and not job.tree and job.trace == TraceOptions():
        return _apart(folders, job, run, run.hooks(announce))
    if run.ignore_scripts is not True and _scripted(folders, run):
        hooks = run.hooks(announce)
        if hooks is not None:
            return Results(_with_scripts(folders, job, hooks))
    return Results(_together(folders, job))


def _scripted(folders: Sequence[str], run: RunOptions) -> bool:
    """Whether packing *folders* runs scripts, should they be allowed to."""
    found = (find_project(folder or ".", walk_up=not folder) for folder in folders)
    return run.run_linked_scripts or any(map(has_scripts, found))


def _announce(script: Script, *, quiet: bool) -> None:
    """Say which script runs, as npm does."""
    if not quiet:
        lines = "".join(f"> {report.safe(line)}\n" for line in script.command.strip().split("\n"))
        click.echo(f"\n> {report.safe(script.label)} {script.event}\n{lines}", err=True)


def _together(folders: Sequence[str], job: Job) -> tuple[tuple[PackPlan, Tarball], ...]:
    """The plan and tarball of each of *folders*; all plans are made before the first tarball is written."""
    plans = [job.planned(folder) for folder in folders]
    check_distinct([plan.filename for plan in plans])
    records = [path for each in plans for path in outputs(each, job.destination, job.trace)]
    if len(plans) > 1 or records:  # what one run writes into a package is not that package's
        written = [*records, *(posixpath.join(job.destination, each.filename) for each in plans)]
        plans = [job.planned(folder, written) for folder in folders]
    results = []
    for plan, origins in zip(plans, before_pack(plans, job.destination, job.trace), strict=True):
        tarball = job.write(plan, origins)
        job.finish(plan, tarball)
        results.append((plan, tarball))
    return tuple(results)


def _with_scripts(folders: Sequence[str], job: Job, hooks: Hooks) -> tuple[tuple[PackPlan, Tarball], ...]:
    """The plan and tarball of each of *folders*, one after the other with its scripts."""
    from linkpack.run.lifecycle import pack_through  # noqa: PLC0415 - loads subprocess

    out = str(job.options.get("out", ""))
    checked = [
        check_before(each or ".", job.destination, walk_up=not each, out=out, dry_run=job.dry_run)
        for each in folders
    ]
    written = [target for _, target in checked]
    check_distinct([posixpath.basename(target) for target in written])

    def write(plan: PackPlan) -> Tarball:
        (origins,) = before_pack([plan], job.destination, job.trace)
        return job.write(plan, origins)

    def planned(folder: str) -> PackPlan:
        plan = job.planned(folder, written)
        records = outputs(plan, job.destination, job.trace)
        return job.planned(folder, [*written, *records]) if records else plan

    results = []
    for folder, (project, _) in zip(folders, checked, strict=True):
        destination = "" if job.dry_run else job.destination
        plan, tarball = pack_through(project, hooks, partial(planned, folder), write, destination)
        job.finish(plan, tarball)
        results.append((plan, tarball))
    return tuple(results)


def _apart(folders: Sequence[str], job: Job, run: RunOptions, hooks: Hooks | None) -> Results:
    """The outcome of each of *folders*, packed side by side: one that fails leaves the others be."""
    from linkpack.batch import Batch, Packed, pack_many  # noqa: PLC0415 - loads all of concurrent.futures

    packed: list[tuple[PackPlan, Tarball]] = []
    failed: list[Failed] = []
    outcomes = []
    level = job.gzip_level
    batch = Batch(job.destination, job.options, job.dry_run, hooks, run.crew, run.fail_fast, level)
    for outcome in pack_many(folders, batch):
        if isinstance(outcome, Packed):
            if job.told.warnings and outcome.plan.warnings:
                click.echo(report.warnings(outcome.plan), err=True)
            job.finish(outcome.plan, outcome.tarball)
            packed.append((outcome.plan, outcome.tarball))
        else:
            failed.append(outcome)
        outcomes.append(outcome)
    return Results(tuple(packed), tuple(failed), tuple(outcomes))


def _entry(outcome: Outcome) -> Mapping[str, object]:
    from linkpack.batch import Packed  # noqa: PLC0415 - as above

    if isinstance(outcome, Packed):
        return report.result(outcome.plan, outcome.tarball)
    return report.failed_result(outcome.name, outcome.problems)


def print_results(results: Results, *, as_json: bool, npm12: bool) -> None:
    """Print file names, or JSON, on stdout; then raise `PackagesFailed` when some packages were not packed."""
    if as_json and results.outcomes:
        click.echo(report.document([_entry(each) for each in results.outcomes], npm12=npm12))
    elif as_json:
        click.echo(report.packed_json(results.packed, npm12=npm12))
    for _, tarball in () if as_json else results.packed:
        click.echo(report.safe(tarball.filename))
    if results.failed:
        problems: list[Problem] = [problem for each in results.failed for problem in each.problems]
        raise PackagesFailed(problems, results.failed[0].status)
