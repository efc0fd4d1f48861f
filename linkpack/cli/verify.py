"""`linkpack verify`, `linkpack diff` and `linkpack unpack`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from linkpack.cli.failures import json_failures
from linkpack.cli.shared_options import (
    bundle_option,
    layout_option,
    limit_options,
    npm_rules_option,
    parse_size,
    publish_config_option,
)
from linkpack.errors import LinkpackError
from linkpack.report import verify as report
from linkpack.verifying import verdict as api
from linkpack.verifying.allowable import ALLOWABLE
from linkpack.verifying.difference import diff as compare
from linkpack.verifying.unpack import unpack as unpack_tarball

if TYPE_CHECKING:
    from linkpack.bundle.consumer_specs import Mode
    from linkpack.bundle.layouts import LayoutName
    from linkpack.limits import Limits

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")


_ALLOW = click.option(
    "--allow",
    metavar="CODE",
    multiple=True,
    type=click.Choice(sorted(ALLOWABLE)),
    help="Take errors with this code for warnings; can be given again.",
)

# As for `pack`, but that failing on a spec is no way to compare.
_SPECS = click.option(
    "--specs",
    type=click.Choice(["resolve", "keep"]),
    default="resolve",
    show_default=True,
    help="Rewrite the dependency specs of a folder to compare with as pack does, or keep them.",
)


@click.command()
@click.argument("tarballs", metavar="TARBALL...", nargs=-1, required=True)
@_JSON
@click.option(
    "--against",
    metavar="SOURCE",
    default="",
    help="A folder, a tarball, git or git:DIR: TARBALL must be what that packs to, byte for byte.",
)
@click.option(
    "--built",
    metavar="PATTERN",
    multiple=True,
    help="With --against git: what is built, and not committed, as in dist; can be given again.",
)
@npm_rules_option
@_SPECS
@publish_config_option
@bundle_option
@click.option("--max-size", type=parse_size, default="0", metavar="SIZE", help="Refuse a larger tarball.")
@click.option("--strict", is_flag=True, help="Exit 1 for warnings, too.")
@click.option("--quiet", "-q", is_flag=True, help="Print only findings.")
@_ALLOW
@limit_options(tarballs=True)
def verify(
    tarballs: tuple[str, ...],
    *,
    as_json: bool,
    against: str,
    built: tuple[str, ...],
    npm_rules: str | None,
    specs: Mode,
    publish_config: bool | None,
    bundle: tuple[str, ...] | None,
    max_size: int,
    strict: bool,
    quiet: bool,
    allow: tuple[str, ...],
    limits: Limits,
) -> int:
    """Check each TARBALL before it is published.

    Checks shape, manifest, bundle, secrets, entry points and license. Exits 1 when there are errors. Reads only.
    """
    if built and against.partition(":")[0] != "git":
        raise click.UsageError("--built needs --against git")
    verdicts = []
    for path in tarballs:
        try:
            verdict = api.verify(
                path,
                against=against,
                built=built,
                max_size=max_size,
                allow=allow,
                npm_rules=npm_rules,
                specs=specs,
                publish_config=publish_config,
                bundle=bundle,
                limits=limits,
            )
        except LinkpackError as err:
            if len(tarballs) == 1 or err.path != path:  # the others would fail alike
                with json_failures(wanted=as_json):
                    raise
            verdict = api.make_unreadable_verdict(path, err)
        verdicts.append(verdict)
        if verdict.findings and not as_json:
            subject = path if len(tarballs) > 1 else ""
            click.echo(report.findings_text(verdict.findings, subject), err=True)
        if not as_json and not quiet:
            click.echo(report.verdict_text(verdict, strict=strict))
    if as_json:
        values = [report.verdict_values(verdict, strict=strict) for verdict in verdicts]
        click.echo(json.dumps(values if len(values) > 1 else values[0], indent=2))
    return int(not all(verdict.passes(strict=strict) for verdict in verdicts))


@click.command()
@click.argument("old")
@click.argument("new")
@_JSON
@click.option("--stat", is_flag=True, help="Sizes only, no lines.")
@click.option("--name-only", is_flag=True, help="Print a line a changed file: A, D, M or T (mode), and its path.")
@click.option("--exit-code", is_flag=True, help="Exit 1 when a file or a mode differs.")
@npm_rules_option
@_SPECS
@publish_config_option
@bundle_option
@layout_option("Pack a folder to this layout.")
@limit_options(tarballs=True)
def diff(
    old: str,
    new: str,
    *,
    as_json: bool,
    stat: bool,
    name_only: bool,
    exit_code: bool,
    npm_rules: str | None,
    specs: Mode,
    publish_config: bool | None,
    bundle: tuple[str, ...] | None,
    layout: LayoutName | None,
    limits: Limits,
) -> int:
    """Compare two packages, each a tarball or a folder as it would be packed.

    Files, modes, keys of package.json, bundled packages by version, bytes.
    """
    with json_failures(wanted=as_json):
        difference = compare(
            old,
            new,
            text=not (stat or name_only),
            npm_rules=npm_rules,
            specs=specs,
            publish_config=publish_config,
            bundle=bundle,
            layout=layout,
            limits=limits,
        )
    if as_json:
        text = report.difference_json(difference)
    elif name_only:
        text = report.names_text(difference)
    else:
        text = report.difference_text(difference, stat=stat)
    if text:
        click.echo(text)
    return int(exit_code and not difference.is_same)


@click.command()
@click.argument("tarball")
@click.option(
    "--directory", "-C", metavar="DIR", default=".", help="Make the folder package in DIR.  [default: here]"
)
@_JSON
@click.option("--quiet", "-q", is_flag=True, help="Print only warnings and errors.")
@_ALLOW
@limit_options(tarballs=True)
def unpack(
    tarball: str, *, directory: str, as_json: bool, quiet: bool, allow: tuple[str, ...], limits: Limits
) -> None:
    """Unpack TARBALL into DIR/package, after all of it is checked.

    It is unpacked whole or not at all.
    """
    with json_failures(wanted=as_json):
        unpacked = unpack_tarball(tarball, directory, allow=allow, limits=limits)
    if unpacked.findings and not as_json:
        click.echo(report.findings_text(unpacked.findings), err=True)
    if as_json:
        click.echo(report.unpacked_json(unpacked))
    elif not quiet:
        click.echo(report.unpacked_text(unpacked))
