"""Run `linkpack report`, which shows what a tarball holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from linkpack.archive.findings import as_problems
from linkpack.cli.shared_options import limit_options
from linkpack.cli.terminal import print_result
from linkpack.errors import SnapshotError
from linkpack.packing.options import PackOptions
from linkpack.provenance.sources import read_origins
from linkpack.report.html import html_report
from linkpack.report.inventory import json_report, svg_report, text_report
from linkpack.report.text import escape
from linkpack.system.write import write_output
from linkpack.verifying.difference import diff
from linkpack.verifying.inventory import SnapshotOrigin, take_inventory
from linkpack.verifying.sides import read_side
from linkpack.verifying.verdict import verify

if TYPE_CHECKING:
    from linkpack.limits import Limits
    from linkpack.packing.plan import PackPlan
    from linkpack.verifying.inventory import Inventory
    from linkpack.verifying.sides import Side

_FORMATS = {"html": html_report, "svg": svg_report, "json": json_report, "text": text_report}


@click.command()
@click.argument("source", metavar="TARBALL|DIR", default=".")
@click.option("--against", metavar="OLD", default="", help="Compare with this tarball or folder.")
@click.option(
    "--output", "-o", metavar="FILE", default="", help="Write the report there.  [default: standard output]"
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(_FORMATS)),
    default=None,
    help="The form of the report.  [default: by the ending of FILE, html for other endings; text without FILE]",
)
@limit_options(tarballs=True)
def report(source: str, *, against: str, output: str, form: str | None, limits: Limits) -> None:
    """Show what a tarball holds, or what a folder would be packed to.

    Bytes by package and folder, the largest files, what is there twice, what was left out and why.
    """
    form = form or _choose_form(output)
    inventory = read_inventory(source, against, limits)
    text = _FORMATS[form](inventory)
    if output:
        try:
            write_output(output, f"{text}\n".encode())
        except OSError as err:
            message = f"{output} cannot be written: {err.strerror or err}"
            raise SnapshotError(message, code="EWRITE", path=output, hint="name another file") from err
        print_result(escape(output))
    else:
        print_result(text)


def _choose_form(output: str) -> str:
    ending = output.rpartition(".")[2] if output else "text"
    return ending if ending in _FORMATS else "html"


def read_inventory(source: str, against: str, limits: Limits) -> Inventory:
    """Read the tarball or folder *source*, and add up what it holds.

    It is compared with the tarball or folder *against*, unless that is "".
    """
    side = read_side(source, limits, PackOptions())
    inventory = _describe_tarball(side, limits) if side.plan is None else _describe_plan(side, side.plan)
    if not against:
        return inventory
    return inventory._replace(difference=diff(against, source, text=False, limits=limits))


def _describe_tarball(side: Side, limits: Limits) -> Inventory:
    # The file is read twice: `read_side` refuses what is not safe to read, and `verify` finds everything else.
    verdict = verify(side.path, limits=limits)
    return take_inventory(side)._replace(problems=as_problems(verdict.findings), serves=verdict.serves)


def _describe_plan(side: Side, plan: PackPlan) -> Inventory:
    linked = [slot for package in plan.bundled if package.linked for slot in package.slots]
    snapshots = tuple(
        SnapshotOrigin(slot=slot, origin=origin.path, commit=origin.git.commit, is_dirty=bool(origin.git.dirty))
        for origin in read_origins(plan, ())[1:]  # without the project itself, which is the first
        for slot in origin.slots
    )
    inventory = take_inventory(side, snapshots=linked)
    return inventory._replace(
        snapshots=snapshots, problems=plan.warnings, serves=plan.installers, omissions=plan.omissions
    )
