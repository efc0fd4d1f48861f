"""`linkpack report`: what a tarball holds, as a page, a picture, JSON or text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from linkpack.archive.findings import as_problems
from linkpack.cli.shared_options import limit_options
from linkpack.cli.terminal import print_result
from linkpack.packing.options import PackOptions
from linkpack.provenance.sources import read_origins
from linkpack.report.html import html_report
from linkpack.report.inventory import json_report, svg_report, text_report
from linkpack.report.text import escape
from linkpack.system import read as fs
from linkpack.system.write import write_output
from linkpack.verifying.difference import diff
from linkpack.verifying.inventory import Snapshot, take_inventory
from linkpack.verifying.sides import plan_side, read_tarball_side
from linkpack.verifying.verdict import verify

if TYPE_CHECKING:
    from linkpack.limits import Limits
    from linkpack.verifying.inventory import Inventory

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
    help="The form of the report.  [default: by the name of FILE, else text]",
)
@limit_options(tarballs=True)
def report(source: str, *, against: str, output: str, form: str | None, limits: Limits) -> None:
    """Show what a tarball holds, or what a folder would be packed to.

    Bytes by package and folder, the largest files, what is there twice, what was left out and why.
    """
    form = form or _form_of(output)
    inventory = read_inventory(source, against, limits)
    text = _FORMATS[form](inventory)
    if output:
        write_output(output, f"{text}\n".encode())
        print_result(escape(output))
    else:
        print_result(text)


def _form_of(output: str) -> str:
    ending = output.rpartition(".")[2] if output else "text"
    return ending if ending in _FORMATS else "html"


def read_inventory(source: str, against: str, limits: Limits) -> Inventory:
    """Read the tarball or folder *source*, and compare it with *against* unless that is ""."""
    inventory = _of_folder(source) if fs.is_dir(source) else _of_tarball(source, limits)
    if not against:
        return inventory
    return inventory._replace(difference=diff(against, source, text=False, limits=limits))


def _of_tarball(path: str, limits: Limits) -> Inventory:
    inventory = take_inventory(read_tarball_side(path, limits))
    verdict = verify(path, limits=limits)
    return inventory._replace(problems=as_problems(verdict.findings), serves=verdict.serves)


def _of_folder(folder: str) -> Inventory:
    side = plan_side(folder, PackOptions())
    plan = side.plan
    assert plan is not None  # noqa: S101 - a folder's side has a plan
    linked = [slot for package in plan.bundled if package.linked for slot in package.slots]
    snapshots = tuple(
        Snapshot(slot=slot, origin=origin.path, commit=origin.git.commit, is_dirty=bool(origin.git.dirty))
        for origin in read_origins(plan, ())[1:]
        for slot in origin.slots
    )
    inventory = take_inventory(side, snapshots=linked)
    return inventory._replace(
        snapshots=snapshots, problems=plan.warnings, serves=plan.installers, omissions=plan.omissions
    )
