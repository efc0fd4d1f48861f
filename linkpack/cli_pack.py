"""`linkpack pack`."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from linkpack import report
from linkpack.cli_limits import limit_options
from linkpack.cli_packed import layout_option, npm_rules_option, publish_config_option
from linkpack.cli_packing import Job, Told, pack_all, print_results
from linkpack.errors import LinkpackError
from linkpack.limits import within
from linkpack.run.cli import RunOptions, run_options
from linkpack.trace.cli import TraceOptions, trace_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.limits import Limits
    from linkpack.ship.publishplan import PublishPlan
    from linkpack.tarballs.deflate import GzipLevel


@click.command()
@click.argument("folders", metavar="[DIR]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Print the plan and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what npm pack --json prints, and more, on stdout.")
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
    default=".",
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
@click.option("--quiet", "-q", is_flag=True, help="Print only the result and errors.")
@click.option("--verbose", "-v", is_flag=True, help="List every file, and what was left out and why.")
@trace_options
@run_options
@limit_options(tarballs=False)
def pack(
    folders: tuple[str, ...],
    *,
    dry_run: bool,
    as_json: bool,
    json_format: str,
    pack_destination: str,
    out: str,
    allow_missing: bool,
    specs: str,
    npm_rules: str | None,
    layout: str,
    gzip_level: GzipLevel,
    publish_config: bool | None,
    tree: str,
    from_publish_plan: str,
    out_dir: str,
    quiet: bool,
    verbose: bool,
    trace: TraceOptions,
    run: RunOptions,
    limits: Limits,
) -> None:
    """Pack the package in each DIR, linked dependencies included, into a tarball for npm publish.

    Without DIR the package that the current directory belongs to. The last line of stdout is the tarball's
    file name; everything else is on stderr.
    """
    if bool(from_publish_plan) != bool(out_dir) or (from_publish_plan and (folders or out or tree)):
        raise click.UsageError("--from-publish-plan and --out-dir go together, without DIR, --out and --dir")
    job = Job(
        {
            "npm_rules": npm_rules,
            "specs": specs,
            "allow_missing": allow_missing,
            "out": out,
            "layout": layout,
            "publish_config": publish_config,
            "limits": limits,
        },
        _tarball_folder(out_dir) if from_publish_plan else pack_destination,
        dry_run,
        Told(report=not quiet and not as_json, warnings=not quiet, verbose=verbose),
        tree,
        trace,
        gzip_level,
    )
    with within(limits), _json_failure() if as_json else nullcontext():
        if tree and not dry_run:
            from linkpack.ship.staged import check_target  # noqa: PLC0415 - hardly ever asked for

            check_target(tree)
        release = _release(from_publish_plan)
        starts = tuple(each.folder for each in release.releases) if release else run.folders(folders)
        if folders and starts == folders and (run.workspace or run.workspaces) and not quiet:
            click.echo("linkpack: warning WWORKSPACES: workspaces are left out: folders are named", err=True)
        results = pack_all(starts if release else starts or ("",), job, run)
        if release and not dry_run and not results.failed:
            paths = [tarball.path for _, tarball in results.packed]
            _write_release(release, out_dir, paths)
    print_results(results, as_json=as_json, npm12=json_format == "npm12")


def _release(path: str) -> PublishPlan | None:
    """The publish plan at *path*, if there is to be one."""
    if not path:
        return None
    from linkpack.ship.publishplan import read_publish_plan  # noqa: PLC0415 - hardly ever asked for

    return read_publish_plan(path)


def _tarball_folder(out_dir: str) -> str:
    from linkpack.ship.publishplan import PACKAGES  # noqa: PLC0415 - as above

    return f"{out_dir}/{PACKAGES}"


def _write_release(release: PublishPlan, out_dir: str, paths: list[str]) -> None:
    from linkpack.ship.publishplan import write_publish_plan  # noqa: PLC0415 - as above

    write_publish_plan(release, out_dir, paths)


@contextmanager
def _json_failure() -> Iterator[None]:
    """Print an error as npm does for --json: on stdout too, and go on with it."""
    try:
        yield
    except LinkpackError as err:
        click.echo(report.failure_json(err))
        raise
