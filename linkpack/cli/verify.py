"""Run `linkpack verify`, `linkpack diff` and `linkpack unpack`."""

from __future__ import annotations

import json
import posixpath
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
from linkpack.cli.terminal import annotate_problems, paint_diff, print_report, print_result
from linkpack.cli.workflow import checkout
from linkpack.errors import LinkpackError
from linkpack.report import verify as report
from linkpack.report.sarif import sarif_report
from linkpack.verifying import verdict as api
from linkpack.verifying.allowable import ALLOWABLE
from linkpack.verifying.difference import diff as compare
from linkpack.verifying.unpack import unpack as unpack_tarball

if TYPE_CHECKING:
    from linkpack.bundle.consumer_specs import Mode
    from linkpack.bundle.layouts import LayoutName
    from linkpack.limits import Limits
    from linkpack.verifying.verdict import Verdict

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")


_FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default=None,
    help="How findings are printed: as text, as JSON, as annotations of a workflow run, or as SARIF on stdout.",
)

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
@_FORMAT
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
    form: str | None,
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
    form = _choose_form(form, as_json=as_json)
    if form == "github":
        annotate_problems()
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
            # A SARIF log is one document, in which a tarball that cannot be read is a finding.
            is_alone = len(tarballs) == 1 and form != "sarif"
            # A fault of the folder to compare with, say, would be that of each tarball.
            if is_alone or err.path != path:
                with json_failures(wanted=form == "json"):
                    raise
            verdict = api.make_unreadable_verdict(path, err)
        verdicts.append(verdict)
        if form in {"text", "github"}:
            _print_findings(verdict, form, subject=path if len(tarballs) > 1 else "")
            if not quiet:
                print_result(report.verdict_text(verdict, strict=strict))
    if form == "sarif":
        print_result(sarif_report(verdicts))
    elif form == "json":
        values = [report.verdict_values(verdict, strict=strict) for verdict in verdicts]
        print_result(json.dumps(values if len(values) > 1 else values[0], indent=2))
    return int(not all(verdict.passes(strict=strict) for verdict in verdicts))


def _choose_form(form: str | None, *, as_json: bool) -> str:
    """Return the form of the findings, which --json says as well."""
    if as_json and form not in {None, "json"}:
        raise click.UsageError(f"--json and --format {form} do not go together")
    return "json" if as_json else form or "text"


def _print_findings(verdict: Verdict, form: str, subject: str) -> None:
    """Print the findings on stderr, or as annotations.

    *subject* is in front of each finding.
    """
    if form == "github":
        file = posixpath.abspath(verdict.path)
        for finding in verdict.findings:
            print_report(report.finding_annotation(finding, file, checkout()))
    elif verdict.findings:
        print_report(report.findings_text(verdict.findings, subject))


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
            text=not (stat or name_only),  # lines are compared only where they are printed
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
        print_result(text, None if as_json else paint_diff)
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
        print_report(report.findings_text(unpacked.findings))
    if as_json:
        print_result(report.unpacked_json(unpacked))
    elif not quiet:
        print_result(report.unpacked_text(unpacked))
