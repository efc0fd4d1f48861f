"""Run `linkpack pack`, for one package or many."""

from __future__ import annotations

import posixpath
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import click

from linkpack.cli.failures import json_failures
from linkpack.cli.lazy import load
from linkpack.cli.npm_command import NpmCommand, idle_flags, npm_flags
from linkpack.cli.pack_options import pack_options
from linkpack.cli.pack_run import PackRun, Results, pack_together, print_results
from linkpack.cli.settings import Verbosity, change_folder, read_settings
from linkpack.cli.terminal import annotate_problems, hide_progress, print_report
from linkpack.cli.workflow import print_problems
from linkpack.errors import ConfigError, Problem
from linkpack.jobs.changesets import PACKAGES, read_publish_plan, write_publish_plan
from linkpack.limits import within
from linkpack.linking.state_folder import state_folder
from linkpack.packing.options import PackOptions
from linkpack.packing.preflight import has_scripts
from linkpack.packing.staged_tree import check_target
from linkpack.project.local import WorkspaceChoice, find_local_project
from linkpack.project.monorepo import read_monorepo
from linkpack.project.project import find_project
from linkpack.project.selection import Publishable, choose_workspaces, leave_private
from linkpack.provenance.record_options import RecordOptions
from linkpack.read_cache import remembering
from linkpack.report.pack import private_line, settings_text, summary_line
from linkpack.report.problems import problem_lines, warning_text
from linkpack.report.text import escape
from linkpack.system import own_process
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from linkpack.cli.pack_options import PackArguments, RunOptions
    from linkpack.cli.pack_run import Packages
    from linkpack.cli.settings import Settings
    from linkpack.npm.flags import FlagValue

_APART = "linkpack.cli.pack_batch:pack_apart"  # 30 ms: multiprocessing
_IN_TURN = "linkpack.cli.pack_scripts:pack_in_turn"  # 7 ms: subprocess


@click.command(cls=NpmCommand)
@click.argument("folders", metavar="[DIR]...", nargs=-1)
@pack_options
def pack(arguments: PackArguments) -> None:
    """Pack packages, linked dependencies included, for npm publish.

    Packs the package in each DIR, without DIR the one that the current directory belongs to. Stdout has the
    tarball's file name, or with --out its path; everything else is on stderr. Flags of npm pack are taken, and
    npm's settings apply.
    """
    started = time.monotonic()
    if arguments.annotates:
        annotate_problems()
    _check_usage(arguments)
    folders, tree = arguments.folders, arguments.tree
    with ExitStack() as stack:
        stack.enter_context(remembering())
        # The settings of that folder are not read yet, so that only --json can ask for JSON.
        with json_failures(wanted=bool(arguments.as_json)):
            stack.enter_context(change_folder(arguments.where))

        # A setting applies where npm's own command has an option of its name (docs/settings.md).
        # What the command line leaves open, npm's settings say.
        flags = npm_flags()
        settings = read_settings(flags)
        dry_run = settings.flag("dry-run", given=arguments.dry_run)
        as_json = settings.flag("json", given=arguments.as_json)
        verbosity = Verbosity(settings.level(arguments.loglevel or ""), as_json=as_json)
        if as_json or not verbosity.warnings:
            hide_progress()
        destination = settings.text("pack-destination", arguments.pack_destination) or "."
        if arguments.where:  # whoever reads the path is not in that folder
            destination = posixpath.join(fs.real_path("."), destination)
        run_options = _with_settings(arguments.run, settings)
        _report_settings(settings, flags, verbosity)

        with within(arguments.limits), json_failures(wanted=as_json):
            if tree and not dry_run:
                check_target(tree)

            # Which folders to pack, "" being the project that the current directory is in.
            release = read_publish_plan(arguments.from_publish_plan) if arguments.from_publish_plan else None
            chosen = _choose_folders(run_options, folders)
            starts = chosen.folders or (() if chosen.private else ("",))
            if release:
                starts = tuple(package.folder for package in release.releases)
            if folders and starts == folders and run_options.asks_for_workspaces and verbosity.warnings:
                # npm 12.2 warns as well (lib/commands/pack.js, execWorkspaces).
                ignored = Problem("WWORKSPACES", "", "workspaces are left out: folders are named")
                print_problems([ignored], problem_lines(ignored))

            run = PackRun(
                _pack_options(arguments, f"{arguments.out_dir}/{PACKAGES}" if release else destination),
                dry_run=dry_run,
                verbosity=verbosity,
                tree=tree,
                record=arguments.record,
                run_options=run_options,
                is_many=len(starts) > 1 or bool(chosen.private),
                settings=settings.used,
                flags=_script_flags(flags, destination, dry_run=dry_run, as_json=as_json),
            )
            results = _pack_all(starts, run)
            if release and not dry_run and not results.failed:
                paths = [tarball.path for _, tarball in results.packed]
                write_publish_plan(release, arguments.out_dir, paths)

        print_results(results, run, npm12=arguments.json_format == "npm12")
        if run.is_many and verbosity.report:
            _print_summary(results, run, chosen.private, time.monotonic() - started)
    if results.failed:
        click.get_current_context().exit(results.failed[0].status)


def _check_usage(arguments: PackArguments) -> None:
    """Refuse options that contradict each other."""
    alone = not (arguments.folders or arguments.out or arguments.tree)
    if bool(arguments.from_publish_plan) != bool(arguments.out_dir) or (arguments.from_publish_plan and not alone):
        raise click.UsageError("--from-publish-plan and --out-dir go together, without DIR, --out and --dir")
    if arguments.record.sbom_file and arguments.record.sbom is None:
        raise click.UsageError("--sbom-file needs --sbom")


def _with_settings(run: RunOptions, settings: Settings) -> RunOptions:
    """Return *run* with npm's settings where the command line says nothing."""
    ignore_scripts = settings.flag("ignore-scripts", given=run.ignore_scripts)
    if run.workspace and run.workspaces is False:
        raise click.UsageError("--no-workspaces and --workspace do not go together")
    workspace, workspaces = run.workspace, bool(run.workspaces)
    if not workspace and run.workspaces is None:  # one of the two on the command line is the whole choice
        workspace, workspaces = settings.names("workspace"), settings.flag("workspaces")
    asks = bool(workspace or workspaces)
    root = settings.flag("include-workspace-root", given=run.include_workspace_root) if asks else False
    return run._replace(
        ignore_scripts=ignore_scripts, workspace=workspace, workspaces=workspaces, include_workspace_root=root
    )


def _report_settings(settings: Settings, flags: Mapping[str, FlagValue], verbosity: Verbosity) -> None:
    """Print which settings are unusable, and which flags change nothing."""
    if settings.warnings and verbosity.warnings:
        nowhere = [problem._replace(path="") for problem in settings.warnings]  # it says who set it
        print_problems(nowhere, warning_text(settings.warnings))
    idle = idle_flags(flags)
    if idle and verbosity.verbose:
        print_report(f"linkpack: no effect on what is packed: {escape(', '.join(idle))}")


def _choose_folders(run: RunOptions, given: tuple[str, ...]) -> Publishable:
    """Return the folders to pack: those *given*, or the workspaces.

    A `.` among those given means the workspaces. Without one the given folders are packed and the workspaces are
    not, as by npm.
    """
    # npm 12.2, lib/commands/pack.js, execWorkspaces: `.` or no argument, then the other arguments.
    if not run.asks_for_workspaces or (given and "." not in given):
        return Publishable(given, ())
    start = fs.real_path(".")
    root = find_local_project(start).root
    picks = WorkspaceChoice(run.workspace, every=bool(run.workspaces), with_root=bool(run.include_workspace_root))
    chosen = choose_workspaces(root, read_monorepo(root), picks, start)
    if run.private:
        publishable = Publishable(tuple(workspace.folder for workspace in chosen), ())
    else:
        publishable = leave_private(chosen)
    others = [folder for folder in given if folder != "."]
    return publishable._replace(folders=(*publishable.folders, *others))


def _pack_options(arguments: PackArguments, destination: str) -> PackOptions:
    return PackOptions(
        npm_rules=arguments.npm_rules,
        specs=arguments.specs,
        allow_missing=arguments.allow_missing,
        bundle=arguments.bundle,
        layout=arguments.layout,
        publish_config=arguments.publish_config,
        out=arguments.out,
        destination=destination,
        gzip_level=arguments.gzip_level,
        link_state=_link_state(),
        limits=arguments.limits,
    )


def _link_state() -> str:
    """Return the state folder of the link commands, "" where none can be.

    Packing only reads it, to say of a missing package that it was linked.
    """
    with suppress(ConfigError):
        return state_folder(own_process.environment())
    return ""


def _script_flags(
    flags: Mapping[str, FlagValue], destination: str, *, dry_run: bool, as_json: bool
) -> Mapping[str, FlagValue]:
    """Return the flags that lifecycle scripts see in npm_config_* variables."""
    # npm exports what is not the default (npm 12.2, @npmcli/config, lib/set-envs.js).
    own: dict[str, FlagValue] = dict(flags)
    if dry_run:
        own["dry-run"] = True
    if as_json:
        own["json"] = True
    if destination != ".":
        own["pack-destination"] = destination
    return own


def _pack_all(folders: Sequence[str], run: PackRun) -> Results:
    """Pack each of *folders*, "" being where we are.

    Packages are packed side by side where workspaces or parallel work were asked for and nothing is recorded, and
    one after the other where they have scripts to run. Otherwise all are planned before the first is written.
    """
    if run.tree and len(folders) > 1:
        raise click.UsageError("--dir takes one package")
    if run.run_options.is_batch and "" not in folders and not run.tree and run.record == RecordOptions():
        pack_apart: Callable[[Sequence[str], PackRun], Results] = load(_APART)
        return pack_apart(folders, run)
    if not run.run_options.ignore_scripts and _have_scripts(folders, run.run_options):
        pack_in_turn: Callable[[Sequence[str], PackRun], Packages] = load(_IN_TURN)
        return Results(pack_in_turn(folders, run))
    return Results(pack_together(folders, run))


def _have_scripts(folders: Sequence[str], options: RunOptions) -> bool:
    """Return True if packing *folders* would run scripts."""
    projects = (find_project(folder or ".", walk_up=not folder) for folder in folders)
    return options.run_linked_scripts or any(map(has_scripts, projects))


def _print_summary(results: Results, run: PackRun, private: Sequence[str], seconds: float) -> None:
    """Print which workspaces were left out as private, and the totals."""
    if private:
        here = fs.real_path(".")
        names = [posixpath.relpath(folder, here) for folder in private]
        print_report(private_line(names, verbose=run.verbosity.verbose))
    if run.settings and not run.verbosity.verbose:  # the full reports have them
        print_report(f"npm settings: {settings_text(run.settings)}")
    text = summary_line(
        results.packed, private=len(private), failed=len(results.failed), seconds=seconds, dry_run=run.dry_run
    )
    print_report(text)
