"""What `linkpack pack` does once its options are read: packages packed together, with scripts, or side by side."""

from __future__ import annotations

import posixpath
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import click

from linkpack.cli.record_options import TraceOptions, after_pack, before_pack, outputs, with_warnings
from linkpack.cli.settings import LEVELS
from linkpack.packing.pack import measure_plan, write_plan
from linkpack.packing.plan import make_plan
from linkpack.packing.preflight import check_before, check_distinct, has_scripts
from linkpack.project.project import find_project
from linkpack.report import pack as report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.archive.writer import Tarball
    from linkpack.cli.run_options import RunOptions
    from linkpack.errors import Problem
    from linkpack.jobs.batch import Failed, Outcome
    from linkpack.lifecycle.scripts import Hooks
    from linkpack.npm.flags import FlagValue
    from linkpack.packing.options import PackOptions
    from linkpack.packing.plan import PackPlan
    from linkpack.provenance.sources import Origin
    from linkpack.system.processes import Script


class Told(NamedTuple):
    """What is told on stderr: npm's log *level* decides, and with JSON on stdout there is no report."""

    level: str
    as_json: bool

    @property
    def report(self) -> bool:
        """Whether there is a report on each tarball."""
        return self.scripts and not self.as_json

    @property
    def scripts(self) -> bool:
        """Whether each script is named before it runs."""
        return self._reaches("notice")

    @property
    def warnings(self) -> bool:
        """Whether warnings are told."""
        return self._reaches("warn")

    @property
    def verbose(self) -> bool:
        """Whether reports are in full."""
        return self._reaches("verbose")

    def _reaches(self, level: str) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)


class Job(NamedTuple):
    """What to do with each package besides packing it with *options*.

    *tree* is a folder for its files, if any. *several* packages get a line each instead of a report. *settings*
    are npm's that counted, each with who made it; *flags* are npm's for the scripts to see.
    """

    options: PackOptions
    dry_run: bool
    told: Told
    tree: str
    trace: TraceOptions
    several: bool = False
    settings: Mapping[str, str] = {}
    flags: Mapping[str, FlagValue] = {}

    def planned(self, folder: str, written: Sequence[str] = ()) -> PackPlan:
        """Plan packing *folder*, "" being where we are; *written* are paths that the same run writes."""
        return make_plan(folder or ".", self.options, walk_up=not folder, outputs=written)

    def write(self, plan: PackPlan, origins: tuple[Origin, ...]) -> Tarball:
        """Write the tarball of *plan* and its records, on a dry run measure it; then tell the plan's warnings.

        Not before: standard error may be a file in the package, which would change while it is packed.
        """
        try:
            return self._written(plan, origins)
        finally:
            if not self.several:
                self.warn(plan)

    def _written(self, plan: PackPlan, origins: tuple[Origin, ...]) -> Tarball:
        if self.dry_run:
            return measure_plan(plan, self.options)
        tarball = write_plan(plan, self.options)
        after_pack(plan, tarball, origins, self.options.destination, self.trace)
        return with_warnings(tarball, origins)

    def finish(self, plan: PackPlan, tarball: Tarball) -> None:
        """Report on *tarball*, and write its tree."""
        if not self.several:
            self.warn(tarball)
        if self.told.report:
            click.echo(self._report(plan, tarball), err=True)
        if self.tree and not self.dry_run:
            from linkpack.packing.staged_tree import write_tree  # noqa: PLC0415 - hardly ever asked for

            write_tree(plan.entries, self.tree)

    def warn(self, found: PackPlan | Tarball) -> None:
        """Tell the warnings of a plan or a tarball."""
        if self.told.warnings and found.warnings:
            click.echo(report.warnings(found.warnings, verbose=self.told.verbose), err=True)

    def _report(self, plan: PackPlan, tarball: Tarball) -> str:
        verbose, dry_run = self.told.verbose, self.dry_run
        if self.several and not verbose:
            return report.packed_line(plan, tarball)
        text = report.packed(plan, tarball, verbose=verbose, dry_run=dry_run, settings=self.settings)
        return f"{text}\n" if self.several else text


class Results(NamedTuple):
    """The packages that were *packed*, in order, and those that *failed*; of a batch *outcomes* are both."""

    packed: tuple[tuple[PackPlan, Tarball], ...]
    failed: tuple[Failed, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


def pack_all(folders: Sequence[str], job: Job, run: RunOptions) -> Results:
    """Pack each of *folders*, "" being where we are.

    Packages are packed together, all or none, unless they have scripts to be run, or workspaces or parallel work
    were asked for and nothing is recorded.
    """
    if job.tree and len(folders) > 1:
        raise click.UsageError("--dir takes one package")
    announce = partial(_announce, quiet=not job.told.scripts)
    if run.many and "" not in folders and not job.tree and job.trace == TraceOptions():
        return _apart(folders, job, run, run.hooks(announce, job.flags))
    if not run.ignore_scripts and _scripted(folders, run):
        hooks = run.hooks(announce, job.flags)
        if hooks is not None:
            return Results(_with_scripts(folders, job, hooks))
    return Results(_together(folders, job))


def _scripted(folders: Sequence[str], run: RunOptions) -> bool:
    """True if packing *folders* runs scripts where they may run."""
    found = (find_project(folder or ".", walk_up=not folder) for folder in folders)
    return run.run_linked_scripts or any(map(has_scripts, found))


def _announce(script: Script, *, quiet: bool) -> None:
    """Say which script runs, as npm does."""
    if not quiet:
        lines = "".join(f"> {report.safe(line)}\n" for line in script.command.strip().split("\n"))
        click.echo(f"\n> {report.safe(script.label)} {script.event}\n{lines}", err=True)


def _together(folders: Sequence[str], job: Job) -> tuple[tuple[PackPlan, Tarball], ...]:
    """Pack *folders* together: all plans are made before the first tarball is written."""
    destination = job.options.destination
    plans = [job.planned(folder) for folder in folders]
    check_distinct([plan.filename for plan in plans])
    records = [path for each in plans for path in outputs(each, destination, job.trace)]
    if len(plans) > 1 or records:  # what one run writes into a package is not that package's
        written = [*records, *(posixpath.join(destination, each.filename) for each in plans)]
        plans = [job.planned(folder, written) for folder in folders]
    results = []
    for plan, origins in zip(plans, before_pack(plans, destination, job.trace), strict=True):
        tarball = job.write(plan, origins)
        job.finish(plan, tarball)
        results.append((plan, tarball))
    return tuple(results)


def _with_scripts(folders: Sequence[str], job: Job, hooks: Hooks) -> tuple[tuple[PackPlan, Tarball], ...]:
    """Pack *folders* one after the other, each with its scripts."""
    from linkpack.lifecycle.scripts import start_lifecycle  # noqa: PLC0415 - loads subprocess

    destination = job.options.destination
    checked = [check_before(each or ".", job.options, walk_up=not each, dry_run=job.dry_run) for each in folders]
    written = [target for _, target in checked]
    check_distinct(written)

    def write(plan: PackPlan) -> Tarball:
        (origins,) = before_pack([plan], destination, job.trace)
        return job.write(plan, origins)

    def planned(folder: str) -> PackPlan:
        plan = job.planned(folder, written)
        records = outputs(plan, destination, job.trace)
        return job.planned(folder, [*written, *records]) if records else plan

    results = []
    for folder, (project, _) in zip(folders, checked, strict=True):
        lifecycle = start_lifecycle(project, hooks)
        plan = planned(folder)
        with lifecycle.restore_on_failure("" if job.dry_run else destination, plan.filename):
            tarball = write(plan)
            lifecycle.finish(tarball)
        job.finish(plan, tarball)
        results.append((plan, tarball))
    return tuple(results)


def _apart(folders: Sequence[str], job: Job, run: RunOptions, hooks: Hooks | None) -> Results:
    """Pack *folders* side by side: one that fails does not keep the others from being packed."""
    from linkpack.jobs.batch import Batch, Packed, pack_many  # noqa: PLC0415 - loads all of concurrent.futures

    packed: list[tuple[PackPlan, Tarball]] = []
    failed: list[Failed] = []
    outcomes = []
    batch = Batch(job.options, dry_run=job.dry_run, hooks=hooks, crew=run.crew, fail_fast=run.fail_fast)
    for outcome in pack_many(folders, batch):
        if isinstance(outcome, Packed):
            if not job.several:
                job.warn(outcome.plan)
            job.finish(outcome.plan, outcome.tarball)
            packed.append((outcome.plan, outcome.tarball))
        else:
            failed.append(outcome)
        outcomes.append(outcome)
    return Results(tuple(packed), tuple(failed), tuple(outcomes))


def print_results(results: Results, job: Job, *, npm12: bool, paths: Sequence[str]) -> None:
    """Print *paths*, or JSON, on stdout; then the warnings of several packages, and why some were not packed."""
    if not job.told.as_json:
        for path in paths:
            click.echo(report.safe(path))
    elif results.outcomes:
        click.echo(report.document([_entry(each) for each in results.outcomes], npm12=npm12))
    else:
        click.echo(report.packed_json(results.packed, npm12=npm12))
    if job.several and job.told.warnings:
        found = [
            (report.safe(plan.manifest.name), (*plan.warnings, *tarball.warnings))
            for plan, tarball in results.packed
        ]
        text = report.warnings_by_package(found, verbose=job.told.verbose)
        if text:
            click.echo(text, err=True)
    if results.failed:
        failed = [(report.safe(each.name), _unnamed(each)) for each in results.failed]
        click.echo(report.failures_by_package(failed, verbose=job.told.verbose), err=True)


def _unnamed(failed: Failed) -> list[Problem]:
    """Return the problems of a package that was not packed, without its name in front."""
    front = f"{failed.name}: "
    return [each._replace(message=each.message.removeprefix(front)) for each in failed.problems]


def _entry(outcome: Outcome) -> Mapping[str, object]:
    from linkpack.jobs.batch import Packed  # noqa: PLC0415 - as above

    if isinstance(outcome, Packed):
        return report.result(outcome.plan, outcome.tarball)
    return report.failed_result(outcome.name, outcome.problems)
