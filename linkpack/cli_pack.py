"""`linkpack pack`."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

import click

from linkpack import api, report
from linkpack.errors import LinkpackError
from linkpack.ship import publishplan
from linkpack.ship.staged import write_tree
from linkpack.trace.cli import TraceOptions, after_pack, before_pack, outputs, trace_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.api import PackPlan
    from linkpack.ship.form import LayoutName
    from linkpack.specs import Mode
    from linkpack.tarball import Tarball


def _rules(ctx: click.Context, param: click.Parameter, value: str) -> str:
    try:
        return api.rules_edition(value)
    except LinkpackError as err:
        raise click.BadParameter(f"{report.safe(err.message)}; {err.hint}", ctx, param) from err


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
@click.option(
    "--ignore-scripts/--no-ignore-scripts",
    default=True,
    help="Run no lifecycle scripts. They are not run yet, with either.",
)
@click.option("--allow-missing", is_flag=True, help="Warn of bundled dependencies that are not installed.")
@click.option(
    "--specs",
    type=click.Choice(["resolve", "keep", "error"]),
    default="resolve",
    show_default=True,
    help="Rewrite dependency specs that a consumer cannot use, keep them, or fail on them.",
)
@click.option(
    "--npm-rules",
    metavar="VERSION",
    default=api.NPM_RULES[-1],
    callback=_rules,
    show_default=True,
    help="Select files as this version of npm does: 11 or 12.",
)
@click.option(
    "--layout",
    type=click.Choice(["bundle", "vendor", "thin"]),
    default="bundle",
    show_default=True,
    help="Put bundled packages in node_modules, in a vendor folder, or only the linked ones there.",
)
@click.option(
    "--publish-config/--no-publish-config",
    default=None,
    help="Apply publishConfig as pnpm does.  [default: when the project is pnpm's or yarn's]",
)
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
def pack(
    folders: tuple[str, ...],
    *,
    dry_run: bool,
    as_json: bool,
    json_format: str,
    pack_destination: str,
    out: str,
    ignore_scripts: bool,
    allow_missing: bool,
    specs: str,
    npm_rules: str,
    layout: str,
    publish_config: bool | None,
    tree: str,
    from_publish_plan: str,
    out_dir: str,
    quiet: bool,
    verbose: bool,
    trace: TraceOptions,
) -> None:
    """Pack the package in each DIR, linked dependencies included, into a tarball for npm publish.

    Without DIR the package that the current directory belongs to. The last line of stdout is the tarball's
    file name; everything else is on stderr.
    """
    del ignore_scripts  # none are run; the flag is there for pipelines that pass it
    if bool(from_publish_plan) != bool(out_dir) or (from_publish_plan and (folders or out or tree)):
        raise click.UsageError("--from-publish-plan and --out-dir go together, without DIR, --out and --dir")
    with _json_failure() if as_json else nullcontext():
        release = publishplan.read_publish_plan(from_publish_plan) if from_publish_plan else None
        results = _pack(
            tuple(each.folder for each in release.releases) if release else folders or ("",),
            dry_run=dry_run,
            destination=f"{out_dir}/{publishplan.PACKAGES}" if release else pack_destination,
            told=_Told(report=not quiet and not as_json, warnings=not quiet, verbose=verbose),
            out=out,
            allow_missing=allow_missing,
            specs=cast("Mode", specs),
            npm_rules=npm_rules,
            layout=cast("LayoutName", layout),
            publish_config=publish_config,
            tree=tree,
            trace=trace,
        )
        if release and not dry_run:
            paths = [tarball.path for _, tarball in results]
            publishplan.write_publish_plan(release, out_dir, paths)
    if as_json:
        click.echo(report.packed_json(results, npm12=json_format == "npm12"))
    for _, tarball in () if as_json else results:
        click.echo(report.safe(tarball.filename))


class _Told(NamedTuple):
    """What is told on stderr: the *report* on each tarball, in full when *verbose*, and its *warnings*."""

    report: bool
    warnings: bool
    verbose: bool


@contextmanager
def _json_failure() -> Iterator[None]:
    """Print an error as npm does for --json: on stdout too, and go on with it."""
    try:
        yield
    except LinkpackError as err:
        click.echo(report.failure_json(err))
        raise


def _pack(
    folders: tuple[str, ...],
    *,
    dry_run: bool,
    destination: str,
    told: _Told,
    npm_rules: str,
    specs: Mode,
    allow_missing: bool,
    out: str,
    layout: LayoutName,
    publish_config: bool | None,
    tree: str,
    trace: TraceOptions,
) -> list[tuple[PackPlan, Tarball]]:
    """The plan and tarball of each of *folders*, "" being where we are; first all plans are made."""
    plan = partial(
        api.plan_pack,
        npm_rules=npm_rules,
        specs=specs,
        allow_missing=allow_missing,
        out=out,
        destination=destination,
        layout=layout,
        publish_config=publish_config,
    )
    plans = [plan(folder or ".", walk_up=not folder) for folder in folders]
    _distinct(plans)
    if tree and len(plans) > 1:
        raise click.UsageError("--dir takes one package")
    records = [path for each in plans for path in outputs(each, destination, trace)]
    if len(plans) > 1 or records:  # what one run writes into a package is not that package's
        written = [*records, *(posixpath.join(destination, each.filename) for each in plans)]
        plans = [plan(folder or ".", walk_up=not folder, outputs=written) for folder in folders]
    origins = before_pack(plans, destination, trace)
    results = []
    for each, sources in zip(plans, origins, strict=True):
        if told.warnings and each.warnings:
            click.echo(report.warnings(each), err=True)
        tarball = (api.measure_pack if dry_run else api.write_pack)(each, destination)
        if not dry_run:
            after_pack(each, tarball, sources, destination, trace)
        if told.report:
            click.echo(report.packed(each, tarball, verbose=told.verbose, dry_run=dry_run), err=True)
        results.append((each, tarball))
        if tree and not dry_run:
            write_tree(each.entries, tree)
    return results


def _distinct(plans: list[PackPlan]) -> None:
    """Refuse two packages that would be written to one file."""
    names = [plan.filename for plan in plans]
    for name in names:
        if names.count(name) > 1:
            raise LinkpackError(
                f"{names.count(name)} packages would be written to {name}",
                code="EOUTSAME",
                path=name,
                hint="use %s and %v in --out, or pack them one by one",
            )
