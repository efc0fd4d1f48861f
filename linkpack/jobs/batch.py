"""Packs many packages: checks them together, runs their scripts one by one, and packs the rest in parallel.

The order of the results is that of the packages, and neither they nor any tarball's bytes depend on how many
workers there are. One that fails does not keep the others from being packed.
"""

from __future__ import annotations

import posixpath
import secrets
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from linkpack.errors import LinkpackError, Problem
from linkpack.jobs.workers import Crew, run_all
from linkpack.packing import plan as api
from linkpack.packing.options import PackOptions
from linkpack.packing.preflight import check_before, check_distinct, has_scripts
from linkpack.read_cache import Memo, open_memo, remembering
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.archive.writer import Tarball
    from linkpack.lifecycle.scripts import Hooks
    from linkpack.packing.plan import PackPlan
    from linkpack.project.project import Project


class Batch(NamedTuple):
    """How to pack many packages: each with *options*, its scripts run by *hooks* (None: not run).

    *crew* does the work. With *fail_fast* what has not begun when one fails is left undone.
    """

    options: PackOptions = PackOptions()
    dry_run: bool = False
    hooks: Hooks | None = None
    crew: Crew = Crew()
    fail_fast: bool = False


class Packed(NamedTuple):
    """A package that was packed, called *name*."""

    name: str
    plan: PackPlan
    tarball: Tarball


class Failed(NamedTuple):
    """A package that was not packed, called *name*; *status* is what a program should exit with."""

    name: str
    problems: tuple[Problem, ...]
    status: int = 1


Outcome: TypeAlias = "Packed | Failed"


class Task(NamedTuple):
    """One package to pack, for any process that sees the same files: all paths are absolute.

    *run* is the run's own name: tasks of one run share what their process has read.
    """

    name: str
    folder: str
    options: PackOptions
    outputs: tuple[str, ...]
    dry_run: bool
    run: str


class _Checked(NamedTuple):
    """A package that is fit to be planned: its project, and the path of its tarball."""

    project: Project
    target: str


_MEMOS: dict[str, Memo] = {}  # what this process has read, by the name of the latest run


def pack_task(task: Task) -> Outcome:
    """The package of *task*, packed; never raises a `LinkpackError`."""
    try:
        with remembering(_memo(task.run)):
            plan = _plan(task)
        return Packed(task.name, plan, _write(task, plan))
    except LinkpackError as err:
        return failed(task.name, err)


def _memo(run: str) -> Memo:
    if run not in _MEMOS:
        _MEMOS.clear()
    return _MEMOS.setdefault(run, open_memo())


def _plan(task: Task) -> PackPlan:
    return api.make_plan(task.folder, task.options, outputs=task.outputs)


def _write(task: Task, plan: PackPlan) -> Tarball:
    return (api.measure_plan if task.dry_run else api.write_plan)(plan, task.options)


def failed(name: str, error: LinkpackError) -> Failed:
    """*error* as the outcome of the package *name*; each problem says so."""
    problems = tuple(each._replace(message=f"{name}: {each.message}") for each in error.problems)
    return Failed(name, problems, error.status)


def pack_many(folders: Sequence[str], batch: Batch) -> Iterator[Outcome]:
    """The outcome of packing each of *folders*, in their order; those that --fail-fast left undone are missing.

    Raises `LinkpackError` when two packages would be written to one file (EOUTSAME), before anything is done, and
    `ConfigError` when a scheduler cannot be had.
    """
    run = secrets.token_hex(8)
    with remembering(_memo(run)):
        checked = {folder: _check(folder, batch) for folder in dict.fromkeys(folders)}
    here = fs.real_path(".")
    written = (each.target for each in checked.values() if isinstance(each, _Checked))
    targets = tuple(posixpath.normpath(posixpath.join(here, target)) for target in written)
    check_distinct(targets)
    apart = _apart(checked, batch)
    early: dict[str, Outcome] = {}
    for folder, found in checked.items():
        if isinstance(found, Failed):
            early[folder] = found
        elif folder in apart:
            early[folder] = _pack_here(_task(found, targets, batch, run), found.project, batch)
        if batch.fail_fast and isinstance(early.get(folder), Failed):
            yield from (early[each] for each in checked if each in early)
            return
    tasks = {
        folder: _task(found, targets, batch, run)
        for folder, found in checked.items()
        if isinstance(found, _Checked) and folder not in early
    }
    yield from _merged(checked, early, tasks, batch)


def _merged(
    folders: Mapping[str, object], early: Mapping[str, Outcome], tasks: Mapping[str, Task], batch: Batch
) -> Iterator[Outcome]:
    """The outcomes of *early* and of *tasks*, which are run for it, in the order of *folders*."""
    late = run_all(
        pack_task,
        list(tasks.values()),
        batch.crew,
        stops=lambda outcome: batch.fail_fast and isinstance(outcome, Failed),
        lost=_lost,
    )
    with closing(late):  # its processes have ended when this has, whoever collects it
        for folder in folders:
            outcome = early[folder] if folder in early else next(late)
            if isinstance(outcome, Packed):  # named as the caller did, not as the workers had to
                path = posixpath.join(batch.options.destination, outcome.plan.filename)
                outcome = outcome._replace(tarball=outcome.tarball._replace(path=path))
            if outcome is not None:
                yield outcome


def _lost(task: Task, error: Exception) -> Failed:
    reason = str(error) or type(error).__name__
    message = f"{task.name}: the process that packed it broke: {reason}"
    return Failed(
        task.name, (Problem("EWORKER", task.folder, message, "pack it again, perhaps with fewer --jobs"),)
    )


def _check(folder: str, batch: Batch) -> _Checked | Failed:
    try:
        destination, out = batch.options.destination, batch.options.out
        project, target = check_before(folder, destination, walk_up=False, out=out, dry_run=batch.dry_run)
    except LinkpackError as err:
        return failed(posixpath.basename(folder), err)
    return _Checked(project, target)


def _apart(checked: Mapping[str, _Checked | Failed], batch: Batch) -> frozenset[str]:
    """The packages that are packed before the others, one at a time and in this process.

    Those with scripts, which may build what others bundle; and those that the tarballs are written into, as
    those of the others come and go while they are read.
    """
    inside = f"{_absolute(batch.options.destination)}/"
    found = []
    for folder, each in checked.items():
        if isinstance(each, _Checked):
            scripts = batch.hooks is not None and (batch.hooks.linked or has_scripts(each.project))
            if scripts or inside.startswith(f"{each.project.root}/"):
                found.append(folder)
    return frozenset(found)


def _pack_here(task: Task, project: Project, batch: Batch) -> Outcome:
    """The package of *task* packed in this process, with its scripts, which may change anything on disk."""
    if batch.hooks is None:
        return pack_task(task)
    from linkpack.lifecycle.scripts import pack_through  # noqa: PLC0415 - loads subprocess

    destination = "" if task.dry_run else task.options.destination
    try:
        made = pack_through(project, batch.hooks, partial(_plan, task), partial(_write, task), destination)
    except LinkpackError as err:
        return failed(task.name, err)
    finally:
        _MEMOS.clear()
    return Packed(task.name, *made)


def _task(found: _Checked, targets: tuple[str, ...], batch: Batch, run: str) -> Task:
    alone = batch.crew.size(len(targets)) <= 1 and not batch.crew.scheduler
    options = batch.options._replace(
        destination=_absolute(batch.options.destination), threads=batch.options.threads if alone else 1
    )
    return Task(
        name=found.project.manifest.name,
        folder=found.project.root,
        options=options,
        outputs=targets,
        dry_run=batch.dry_run,
        run=run,
    )


def _absolute(path: str) -> str:
    return posixpath.normpath(posixpath.join(fs.real_path("."), path))
