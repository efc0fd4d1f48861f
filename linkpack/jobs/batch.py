"""Pack many packages, those with scripts first and others in parallel.

Results are in the order of the packages, and neither they nor the bytes of a tarball depend on how many workers
there are. A package that fails does not keep the others from being packed.
"""

from __future__ import annotations

import posixpath
import secrets
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from linkpack.errors import LinkpackError, Problem
from linkpack.jobs.workers import Crew, run_all
from linkpack.notices import current_outputs
from linkpack.packing.options import PackOptions
from linkpack.packing.pack import measure_plan, write_plan
from linkpack.packing.plan import make_plan
from linkpack.packing.preflight import check_before_scripts, check_distinct, has_scripts
from linkpack.read_cache import Memo, open_memo, remembering
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.archive.writer import Tarball
    from linkpack.lifecycle.scripts import Hooks
    from linkpack.packing.plan import PackPlan
    from linkpack.project.project import Project


class Batch(Record):
    """How to pack many packages.

    Each is packed with *options*, and *hooks* run its scripts. No script runs if they are None. *crew* does the
    work. With *fail_fast*, packages that were not begun at the first failure are left undone.
    """

    options: PackOptions = PackOptions()
    dry_run: bool = False
    hooks: Hooks | None = None
    crew: Crew = Crew()
    fail_fast: bool = False


class Packed(Record):
    """A package that was packed."""

    name: str
    plan: PackPlan
    tarball: Tarball


class Failed(Record):
    """A package that was not packed.

    *status* is the exit status for it.
    """

    name: str
    problems: tuple[Problem, ...]
    status: int = 1


Outcome: TypeAlias = "Packed | Failed"


class Task(Record):
    """One package to pack, for any process that sees the same files.

    All paths are absolute. *run* names the run: tasks of one run share what their process has read.
    """

    name: str
    folder: str
    options: PackOptions
    outputs: tuple[str, ...]
    dry_run: bool
    run: str


class _Checked(Record):
    """A package that passed the checks before planning.

    *target* is the path of its tarball.
    """

    project: Project
    target: str


_MEMOS: dict[str, Memo] = {}  # what this process has read in the latest run, by that run's name


def pack_many(folders: Sequence[str], batch: Batch) -> Iterator[Outcome]:
    """Pack each of *folders*, and yield the outcomes in their order.

    Packages that *fail_fast* left undone have no outcome. Raises `LinkpackError` (EOUTSAME) when two packages
    would be written to one file, before anything is done, and `ConfigError` when no scheduler answers.
    """
    # Name this run. A worker of Dask outlives it, and must not use in the next run what it has read in this one.
    run = secrets.token_hex(8)

    # Check each package, and that no two of them have one tarball.
    with remembering(_find_memo(run)):
        checked = {folder: _check(folder, batch) for folder in dict.fromkeys(folders)}
    fit = {folder: check for folder, check in checked.items() if isinstance(check, _Checked)}
    here = fs.real_path(".")
    targets = tuple(posixpath.normpath(posixpath.join(here, check.target)) for check in fit.values())
    check_distinct(targets)

    # Describe the work for processes that may be in another folder.
    options = _make_worker_options(batch, here, len(fit))
    tasks = {
        folder: Task(
            name=check.project.manifest.name,
            folder=check.project.root,
            options=options,
            outputs=targets,
            dry_run=batch.dry_run,
            run=run,
        )
        for folder, check in fit.items()
    }

    # Pack one by one, and in this process, the packages that must not be packed beside others.
    early: dict[str, Outcome] = {}
    for folder, check in checked.items():
        if isinstance(check, Failed):
            early[folder] = check
        elif _must_come_first(check.project, options, batch.hooks):
            early[folder] = _pack_here(tasks.pop(folder), check.project, batch.hooks)
        if batch.fail_fast and isinstance(early.get(folder), Failed):
            yield from early.values()
            return

    # Pack the others in parallel.
    late = run_all(
        pack_task,
        list(tasks.values()),
        batch.crew,
        stops=lambda outcome: batch.fail_fast and isinstance(outcome, Failed),
        lost=_fail_lost,
        done=None if batch.dry_run else partial(_note_tarball, current_outputs()),
    )
    with closing(late):  # however this generator ends, the processes have ended before it
        for folder in checked:
            outcome = early[folder] if folder in early else next(late)
            if outcome is not None:
                yield _name_as_given(outcome, batch)


def _check(folder: str, batch: Batch) -> _Checked | Failed:
    """Check what no script can change about the package in *folder*."""
    try:
        project, target = check_before_scripts(folder, batch.options, walk_up=False, dry_run=batch.dry_run)
    except LinkpackError as err:
        return fail(posixpath.basename(folder), err)
    return _Checked(project, target)


def fail(name: str, error: LinkpackError) -> Failed:
    """Return *error* as the outcome of *name*, named in each message."""
    problems = tuple(problem._replace(message=f"{name}: {problem.message}") for problem in error.problems)
    return Failed(name, problems, error.status)


def _make_worker_options(batch: Batch, here: str, packages: int) -> PackOptions:
    """Return the options of *batch* for any process.

    *here* is the working directory.
    """
    destination = posixpath.normpath(posixpath.join(here, batch.options.destination))
    # Several workers share the processors already, so each of them compresses in one thread.
    is_alone = batch.crew.size(packages) <= 1 and not batch.crew.scheduler
    return batch.options._replace(destination=destination, threads=batch.options.threads if is_alone else 1)


def _must_come_first(project: Project, options: PackOptions, hooks: Hooks | None) -> bool:
    """Return True if *project* is packed before the others, in this process.

    That is a project with scripts, or one that the tarballs are written into.
    """
    # Scripts may build what the others bundle, and a folder must not be read while tarballs come and go in it.
    runs_scripts = hooks is not None and (hooks.linked or has_scripts(project))
    return runs_scripts or f"{options.destination}/".startswith(f"{project.root}/")


def _pack_here(task: Task, project: Project, hooks: Hooks | None) -> Outcome:
    """Pack the package of *task* in this process, with its scripts."""
    if hooks is None:
        return pack_task(task)
    try:
        lifecycle = hooks.start(project)
        plan = _plan(task)
        with lifecycle.restore_on_failure("" if task.dry_run else task.options.destination, plan.filename):
            tarball = _write(task, plan)
            lifecycle.finish(tarball)
    except LinkpackError as err:
        return fail(task.name, err)
    finally:
        _MEMOS.clear()  # scripts may have changed anything on disk
    return Packed(task.name, plan, tarball)


def pack_task(task: Task) -> Outcome:
    """Pack the package of *task*, in whatever process this is.

    A `LinkpackError` becomes the outcome.
    """
    try:
        with remembering(_find_memo(task.run)):
            plan = _plan(task)
        return Packed(task.name, plan, _write(task, plan))
    except LinkpackError as err:
        return fail(task.name, err)


def _find_memo(run: str) -> Memo:
    """Return the memo of what this process has read in *run*.

    The memo of an earlier run is forgotten.
    """
    if run not in _MEMOS:
        _MEMOS.clear()
    return _MEMOS.setdefault(run, open_memo())


def _plan(task: Task) -> PackPlan:
    return make_plan(task.folder, task.options, outputs=task.outputs)


def _write(task: Task, plan: PackPlan) -> Tarball:
    return measure_plan(plan, task.options) if task.dry_run else write_plan(plan, task.options)


def _note_tarball(outputs: list[str] | None, outcome: Outcome) -> None:
    """Note in *outputs* the tarball that another process wrote."""
    if outputs is not None and isinstance(outcome, Packed):
        outputs.append(outcome.tarball.path)


def _fail_lost(task: Task, error: Exception) -> Failed:
    """Return the outcome of a task that its worker did not finish."""
    reason = str(error) or type(error).__name__
    message = f"{task.name}: the process that packed it broke: {reason}"
    hint = "pack it again, perhaps with fewer --jobs"
    return Failed(task.name, (Problem("EWORKER", task.folder, message, hint),))


def _name_as_given(outcome: Outcome, batch: Batch) -> Outcome:
    """Return *outcome* with the tarball's path as the caller gave it.

    Workers know it by its absolute path only.
    """
    if isinstance(outcome, Failed):
        return outcome
    path = batch.options.target(outcome.plan.filename)
    return outcome._replace(tarball=outcome.tarball._replace(path=path))
