"""`linkpack why`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from linkpack import api, report
from linkpack.errors import LinkpackError
from linkpack.trace.why import explain
from linkpack.trace.whytext import answered, answered_json

if TYPE_CHECKING:
    from linkpack.select.packlist import Edition


def _edition(ctx: click.Context, param: click.Parameter, value: str) -> str:
    try:
        return api.rules_edition(value)
    except LinkpackError as err:
        raise click.BadParameter(f"{report.safe(err.message)}; {err.hint}", ctx, param) from err


@click.command()
@click.argument("path")
@click.option(
    "-C",
    "folder",
    metavar="DIR",
    default="",
    help="Ask about the project in DIR, and take PATH from there.  [default: the current directory's project]",
)
@click.option(
    "--npm-rules",
    metavar="VERSION",
    default=api.NPM_RULES[-1],
    callback=_edition,
    show_default=True,
    help="Select files as this version of npm does: 11 or 12.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def why(path: str, folder: str, npm_rules: Edition, *, as_json: bool) -> None:
    """Say which rule lets PATH into the tarball or keeps it out, and who pulls its package in.

    PATH is a file or folder, a path in the tarball, or the name of a bundled package.
    """
    try:
        answer = explain(folder or ".", path, walk_up=not folder, edition=npm_rules)
    except LinkpackError as err:
        if as_json:
            click.echo(report.failure_json(err))
        raise
    click.echo(answered_json(answer) if as_json else answered(answer))
