"""`linkpack doctor`."""

from __future__ import annotations

from typing import Any

import click

from linkpack.cli.link_options import link_command, link_options, where_of
from linkpack.cli.npm_command import NpmCommand
from linkpack.explaining.doctor import examine, mend
from linkpack.linking.command import read_settings
from linkpack.report import links as linkreport
from linkpack.report.doctor import count, diagnosis_json, diagnosis_text


@click.command(cls=NpmCommand)
@click.option("--fix", is_flag=True, help="Run the commands that mend something and can be undone.")
@click.option("--json", "as_json", is_flag=True, default=None, help="Print JSON.")
@click.option(
    "--strict-peer-deps/--no-strict-peer-deps", default=None, help="Take all faults of linked peers for errors."
)
@link_command
def doctor(*, fix: bool, as_json: bool | None, cwd: str, **given: Any) -> int:  # noqa: ANN401
    """Look for whatever keeps links from working: prefix, PATH, links, doubled peers; exit 1 on errors."""
    where = where_of(cwd)
    options = link_options({**given, "json": as_json})
    found = examine(where, options)
    done, failed = mend(found, options) if fix else ([], [])
    if done:
        found = examine(where, options)
    found += failed
    as_json = read_settings(where, options).flag("json", default=False)
    click.echo(diagnosis_json(found, done) if as_json else diagnosis_text(found, done, linkreport.shown))
    return int(count(found, "error") > 0)
