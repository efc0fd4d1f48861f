"""Pack each package of one run, and print what came of it.

Packages with scripts (`pack_scripts`) and packages side by side (`pack_batch`) are in modules of their own: these
load more.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, TypeAlias

from linkpack.cli.lazy import load
from linkpack.cli.terminal import print_report, print_result
from linkpack.cli.workflow import print_problems
from linkpack.packing.pack import measure_plan, write_plan
from linkpack.packing.plan import make_plan
from linkpack.packing.preflight import check_distinct
from linkpack.packing.staged_tree import write_tree
from linkpack.provenance.record_options import RecordOptions, record_paths
from linkpack.record import Record
from linkpack.report.pack import package_line, package_report
from linkpack.report.pack_json import document, packages_json
from linkpack.report.problems import errors_by_package, warning_text, warnings_by_package
from linkpack.report.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from linkpack.archive.writer import Tarball
    from linkpack.cli.pack_options import RunOptions
    from linkpack.cli.settings import Verbosity
    from linkpack.errors import Problem
    from linkpack.jobs.batch import Failed
    from linkpack.npm.flags import FlagValue
    from linkpack.packing.options import PackOptions
    from linkpack.packing.plan import PackPlan
    from linkpack.provenance.recording import Recorder
    from linkpack.provenance.sources import Origin

Packages: TypeAlias = "tuple[tuple[PackPlan, Tarball], ...]"
"""The packages that were packed, in order."""


class PackRun(Record):
    """What to do with each package besides packing it with *options*.

    *tree* is a folder for its files, if any. Where *is_many*, packages get a line each instead of a report.
    *settings* are npm's that took effect, each with its source. *flags* are npm's, for scripts to see.
    """

    options: PackOptions
    dry_run: bool
    verbosity: Verbosity
    tree: str
    record: RecordOptions
    run_options: RunOptions
    is_many: bool = False
    settings: Mapping[str, str] = {}
    flags: Mapping[str, FlagValue] = {}

    def make_recorder(self) -> Recorder | None:
        """Return what records sources, None if nothing is to be recorded."""
        if self.record == RecordOptions():
            return None
        # 10 ms: git, hashes, licenses.
        recorder: type[Recorder] = load("linkpack.provenance.recording:Recorder")
        return recorder(self.record, self.options.destination)

    def plan(self, folder: str, outputs: Sequence[str] = ()) -> PackPlan:
        """Plan packing *folder*, "" being the project that we are in.

        *outputs* are paths that the same run writes.
        """
        return make_plan(folder or ".", self.options, walk_up=not folder, outputs=outputs)

    def write(self, plan: PackPlan, recorder: Recorder | None, origins: tuple[Origin, ...]) -> Tarball:
        """Write the tarball of *plan* and its records, or on a dry run measure it.

        The plan's warnings are printed last: standard error may be a file in the package, which would change while
        it is packed (tests/cli/test_pack.py, test_standard_error_may_be_a_file_of_the_package).
        """
        try:
            if self.dry_run:
                return measure_plan(plan, self.options)
            tarball = write_plan(plan, self.options)
            return tarball if recorder is None else recorder.write(plan, tarball, origins)
        finally:
            if not self.is_many:
                self.print_warnings(plan, plan.root)

    def finish(self, plan: PackPlan, tarball: Tarball) -> None:
        """Report on *tarball*, and write its tree."""
        if not self.is_many:
            self.print_warnings(tarball, plan.root)
        if self.verbosity.report:
            print_report(self._report(plan, tarball))
        if self.tree and not self.dry_run:
            write_tree(plan.entries, self.tree)

    def print_warnings(self, source: PackPlan | Tarball, root: str) -> None:
        """Print the warnings of a plan or a tarball of the project in *root*."""
        if self.verbosity.warnings and source.warnings:
            text = warning_text(source.warnings, verbose=self.verbosity.verbose)
            print_problems(_with_place(source.warnings, root), text)

    def _report(self, plan: PackPlan, tarball: Tarball) -> str:
        verbose = self.verbosity.verbose
        if self.is_many and not verbose:
            return package_line(plan, tarball)
        text = package_report(plan, tarball, verbose=verbose, dry_run=self.dry_run, settings=self.settings)
        return f"{text}\n" if self.is_many else text


class Results(Record):
    """The packages that were *packed*, in order, and those that *failed*.

    *values* are what the JSON says of both, in the order of the packages. They are empty where all were packed.
    """

    packed: Packages
    failed: tuple[Failed, ...] = ()
    values: tuple[Mapping[str, object], ...] = ()


def pack_together(folders: Sequence[str], run: PackRun) -> Packages:
    """Pack *folders*, "" being where we are, after all plans are made."""
    destination = run.options.destination
    plans = [run.plan(folder) for folder in folders]
    check_distinct([plan.filename for plan in plans])
    outputs = [path for plan in plans for path in record_paths(plan, destination, run.record)]
    # What one run writes into a package is not that package's: planned again, these files are left out
    # (test_several_folders_into_one_of_them in tests/cli/test_pack.py, test_what_is_written_is_not_packed).
    if len(plans) > 1 or outputs:
        outputs += [posixpath.join(destination, plan.filename) for plan in plans]
        plans = [run.plan(folder, outputs) for folder in folders]
    recorder = run.make_recorder()
    sources = [()] * len(plans) if recorder is None else recorder.read_sources(plans)
    results = []
    for plan, origins in zip(plans, sources, strict=True):
        tarball = run.write(plan, recorder, origins)
        run.finish(plan, tarball)
        results.append((plan, tarball))
    return tuple(results)


def print_results(results: Results, run: PackRun, *, npm12: bool) -> None:
    """Print the tarballs, or JSON, on stdout.

    Then come the warnings of many packages, and why some were not packed.
    """
    verbose = run.verbosity.verbose
    if not run.verbosity.as_json:
        for _, tarball in results.packed:
            print_result(escape(posixpath.normpath(tarball.path) if run.options.out else tarball.filename))
    elif results.values:
        print_result(document(results.values, npm12=npm12))
    else:
        print_result(packages_json(results.packed, npm12=npm12))
    if run.is_many and run.verbosity.warnings:
        warnings = [
            (escape(plan.manifest.name), (*plan.warnings, *tarball.warnings)) for plan, tarball in results.packed
        ]
        text = warnings_by_package(warnings, verbose=verbose)
        if text:
            placed = [
                problem
                for plan, tarball in results.packed
                for problem in _with_place((*plan.warnings, *tarball.warnings), plan.root)
            ]
            print_problems(placed, text)
    if results.failed:
        errors = [(escape(failed.name), _without_name(failed)) for failed in results.failed]
        problems = [problem for failed in results.failed for problem in failed.problems]
        print_problems(problems, errors_by_package(errors, verbose=verbose))


def _with_place(problems: Iterable[Problem], root: str) -> list[Problem]:
    """Return *problems* of the project in *root* with absolute paths."""
    return [
        problem._replace(path=posixpath.join(root, problem.path)) if problem.path else problem
        for problem in problems
    ]


def _without_name(failed: Failed) -> list[Problem]:
    """Return a package's problems without its name in front."""
    # `errors_by_package` has the name, and joins packages with the same problem.
    front = f"{failed.name}: "
    return [problem._replace(message=problem.message.removeprefix(front)) for problem in failed.problems]
