"""`linkpack pack`."""

from __future__ import annotations

import posixpath
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import click

from linkpack.cli.failures import json_failures
from linkpack.cli.limit_options import limit_options
from linkpack.cli.npm_command import NpmCommand, idle_flags, npm_flags
from linkpack.cli.packing import Job, Results, Told, pack_all, print_results
from linkpack.cli.record_options import TraceOptions, trace_options
from linkpack.cli.run_options import RunOptions, run_options
from linkpack.cli.selection_options import layout_option, npm_rules_option, publish_config_option
from linkpack.cli.settings import LEVELS, read_settings, working_in
from linkpack.errors import ConfigError
from linkpack.limits import within
from linkpack.linking.state_folder import state_folder
from linkpack.packing.options import PackOptions
from linkpack.read_cache import remembering
from linkpack.report import pack as report
from linkpack.system import own_process
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.archive.gzip import GzipLevel
    from linkpack.bundle.consumer_specs import Mode
    from linkpack.bundle.layouts import LayoutName
    from linkpack.cli.settings import Settings
    from linkpack.jobs.changesets import PublishPlan
    from linkpack.limits import Limits
    from linkpack.npm.flags import FlagValue
    from linkpack.packlist.packlist import Edition


@click.command(cls=NpmCommand)
@click.argument("folders", metavar="[DIR]...", nargs=-1)
@click.option("--dry-run/--no-dry-run", default=None, help="Print the plan and write nothing.")
@click.option(
    "--json/--no-json", "as_json", default=None, help="Print what npm pack --json prints, and more, on stdout."
)
@click.option(
    "--json-format",
    type=click.Choice(["npm11", "npm12"]),
    default="npm11",
    show_default=True,
    help="Whose JSON: npm 11's array, or npm 12's object by package name.",
)
@click.option(
    "--pack-destination",
    metavar="DIR",
    default="",
    help="Write the tarball there; made when missing.  [default: the current directory]",
)
@click.option(
    "--out", metavar="PATTERN", default="", help="Name the tarball: %s is the package's name, %v its version."
)
@click.option("--allow-missing", is_flag=True, help="Warn of bundled dependencies that are not installed.")
@click.option(
    "--specs",
    type=click.Choice(["resolve", "keep", "error"]),
    default="resolve",
    show_default=True,
    help="Rewrite dependency specs that a consumer cannot use, keep them, or fail on them.",
)
@npm_rules_option
@layout_option("Put bundled packages in node_modules, in a vendor folder, or only the linked ones there.")
@click.option(
    "--gzip-level",
    type=click.Choice(["default", "max"]),
    default="default",
    show_default=True,
    help="Compress for speed, or more for a smaller tarball.",
)
@publish_config_option
@click.option(
    "--dir", "tree", metavar="OUT", default="", help="Write the tarball's files to the new folder OUT, too."
)
@click.option(
    "--from-publish-plan", metavar="FILE", default="", help="Pack what this publish plan of changesets publishes."
)
@click.option("--out-dir", metavar="DIR", default="", help="Where the plan and its packages go.")
@click.option("--silent", "-s", "loglevel", flag_value="silent", help="Print only the result and errors.")
@click.option("--quiet", "-q", "loglevel", flag_value="warn", help="Print only the result, warnings and errors.")
@click.option(
    "--verbose",
    "-v",
    "loglevel",
    flag_value="verbose",
    help="List every file, what was left out and why, and flags without effect.",
)
@click.option(
    "--loglevel", type=click.Choice(LEVELS), default=None, help="The same by npm's names.  [default: notice]"
)
@click.option("-C", "where", metavar="DIR", default="", help="Work as if started in DIR.")
@trace_options
@run_options
@limit_options(tarballs=False)
def pack(
    folders: tuple[str, ...],
    *,
    dry_run: bool | None,
    as_json: bool | None,
    json_format: str,
    pack_destination: str,
    out: str,
    allow_missing: bool,
    specs: Mode,
    npm_rules: Edition | None,
    layout: LayoutName,
    gzip_level: GzipLevel,
    publish_config: bool | None,
    tree: str,
    from_publish_plan: str,
    out_dir: str,
    loglevel: str | None,
    where: str,
    trace: TraceOptions,
    run: RunOptions,
    limits: Limits,
) -> None:
    """Pack the package in each DIR, linked dependencies included, into a tarball for npm publish.

    Without DIR the package that the current directory belongs to. Stdout has the tarball's file name, or with
    --out its path; everything else is on stderr. Flags of npm pack are taken, and npm's settings count.
    """
    if bool(from_publish_plan) != bool(out_dir) or (from_publish_plan and (folders or out or tree)):
        raise click.UsageError("--from-publish-plan and --out-dir go together, without DIR, --out and --dir")
    started = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(remembering())
        with json_failures(wanted=bool(as_json)):
            stack.enter_context(working_in(where))
        flags = npm_flags()
        settings = read_settings(flags)
        dry_run, as_json = settings.flag("dry-run", dry_run), settings.flag("json", as_json)
        told = Told(settings.level(loglevel or ""), as_json=as_json)
        destination = settings.text("pack-destination", pack_destination) or "."
        if where:  # whoever reads the path is not in that folder
            destination = posixpath.join(fs.real_path("."), destination)
        run = _settled(run, settings)
        options = PackOptions(
            npm_rules=npm_rules,
            specs=specs,
            allow_missing=allow_missing,
            layout=layout,
            publish_config=publish_config,
            out=out,
            destination=_tarball_folder(out_dir) if from_publish_plan else destination,
            gzip_level=gzip_level,
            link_state=_link_state(),
            limits=limits,
        )
        _tell_settings(settings, flags, told)
        with within(limits), json_failures(wanted=bool(as_json)):
            if tree and not dry_run:
                from linkpack.packing.staged_tree import check_target  # noqa: PLC0415 - hardly ever asked for

                check_target(tree)
            release = _release(from_publish_plan)
            chosen = run.folders(folders)
            starts = chosen.folders or (() if chosen.private else ("",))
            if release:
                starts = tuple(each.folder for each in release.releases)
            if folders and starts == folders and run.asks_for_workspaces and told.warnings:
                click.echo("linkpack: warning WWORKSPACES: workspaces are left out: folders are named", err=True)
            job = Job(
                options,
                dry_run=dry_run,
                told=told,
                tree=tree,
                trace=trace,
                several=len(starts) > 1 or bool(chosen.private),
                settings=settings.heeded,
                flags=_script_flags(flags, destination, dry_run=dry_run, as_json=as_json),
            )
            results = pack_all(starts, job, run)
            if release and not dry_run and not results.failed:
                paths = [tarball.path for _, tarball in results.packed]
                _write_release(release, out_dir, paths)
        tarballs = [tarball for _, tarball in results.packed]
        paths = [posixpath.normpath(each.path) if out else each.filename for each in tarballs]
        print_results(results, job, npm12=json_format == "npm12", paths=paths)
        if job.several and told.report:
            _close(results, job, chosen.private, time.monotonic() - started)
    if results.failed:
        click.get_current_context().exit(results.failed[0].status)


def _settled(run: RunOptions, settings: Settings) -> RunOptions:
    """Return *run* with npm's settings where the command line says nothing."""
    ignore_scripts = settings.flag("ignore-scripts", run.ignore_scripts)
    if run.workspace and run.workspaces is False:
        raise click.UsageError("--no-workspaces and --workspace do not go together")
    workspace, workspaces = run.workspace, bool(run.workspaces)
    if not workspace and run.workspaces is None:  # one of the two on the command line is the whole choice
        workspace, workspaces = settings.names("workspace", ()), settings.flag("workspaces", None)
    asks = bool(workspace or workspaces)
    root = settings.flag("include-workspace-root", run.include_workspace_root) if asks else False
    return run._replace(
        ignore_scripts=ignore_scripts, workspace=workspace, workspaces=workspaces, include_workspace_root=root
    )


def _tell_settings(settings: Settings, flags: Mapping[str, FlagValue], told: Told) -> None:
    """Tell which settings cannot be used, and which flags of npm change nothing."""
    if settings.warnings and told.warnings:
        click.echo(report.warnings(settings.warnings), err=True)
    idle = idle_flags(flags)
    if idle and told.verbose:
        click.echo(f"linkpack: no effect on what is packed: {report.safe(', '.join(idle))}", err=True)


def _script_flags(
    flags: Mapping[str, FlagValue], destination: str, *, dry_run: bool, as_json: bool
) -> Mapping[str, FlagValue]:
    """Return the flags that lifecycle scripts see in npm_config_* variables."""
    own: dict[str, FlagValue] = dict(flags)
    if dry_run:
        own["dry-run"] = True
    if as_json:
        own["json"] = True
    if destination != ".":
        own["pack-destination"] = destination
    return own


def _close(results: Results, job: Job, private: Sequence[str], seconds: float) -> None:
    """Say which private workspaces were left out, and what the whole run came to."""
    if private:
        here = fs.real_path(".")
        names = [posixpath.relpath(folder, here) for folder in private]
        click.echo(report.left_private(names, verbose=job.told.verbose), err=True)
    if job.settings and not job.told.verbose:  # the full reports have them
        click.echo(f"npm settings: {report.settings_text(job.settings)}", err=True)
    text = report.summary(
        results.packed, private=len(private), failed=len(results.failed), seconds=seconds, dry_run=job.dry_run
    )
    click.echo(text, err=True)


def _link_state() -> str:
    """Return the state folder of the link commands, "" where none can be."""
    with suppress(ConfigError):
        return state_folder(own_process.environment())
    return ""


def _release(path: str) -> PublishPlan | None:
    """The publish plan at *path*, if there is to be one."""
    if not path:
        return None
    from linkpack.jobs.changesets import read_publish_plan  # noqa: PLC0415 - hardly ever asked for

    return read_publish_plan(path)


def _tarball_folder(out_dir: str) -> str:
    from linkpack.jobs.changesets import PACKAGES  # noqa: PLC0415 - as above

    return f"{out_dir}/{PACKAGES}"


def _write_release(release: PublishPlan, out_dir: str, paths: list[str]) -> None:
    from linkpack.jobs.changesets import write_publish_plan  # noqa: PLC0415 - as above

    write_publish_plan(release, out_dir, paths)
