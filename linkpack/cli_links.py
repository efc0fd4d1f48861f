"""`linkpack ls`, `undo`, `prefix`, `root`, `bin` and `config`: what is linked, and where."""

from __future__ import annotations

from typing import Any

import click

from linkpack import linkreport
from linkpack.cli_linking import link_command, link_options, output_options, run_command, where_of
from linkpack.cli_npm import NpmCommand
from linkpack.errors import Problem
from linkpack.linking import linkapi


@click.command(cls=NpmCommand)
@output_options
@link_command
def undo(**given: Any) -> None:  # noqa: ANN401
    """Take back the last link, unlink or relink of this project."""
    cwd = where_of(given["cwd"])
    run_command(
        given,
        lambda options: linkapi.plan_last_undo(cwd, options),
        lambda options: linkapi.undo(None, cwd, options),
    )


@click.command(cls=NpmCommand)
@click.option("--global", "-g", "shared", is_flag=True, help="The global links.")
@click.option("--json", "as_json", is_flag=True, default=None, help="Print JSON.")
@click.option("--check", is_flag=True, help="Exit 1 when a link is dropped or dangling.")
@link_command
def ls(*, shared: bool, as_json: bool | None, check: bool, cwd: str, **given: Any) -> int:  # noqa: ANN401
    """List the links of this project and how each fares: linked, dropped or dangling."""
    options = link_options({**given, "json": as_json})
    found = linkapi.links(where_of(cwd), options, shared=shared)
    where = where_of(cwd)
    place = linkapi.shared_folder("root", where, options) if shared else linkapi.local_folder("prefix", where)
    as_json = linkapi.read_settings(where, options).flag("json", default=False)
    click.echo(linkreport.listing_json(found, place) if as_json else linkreport.listing(found, place))
    return int(check and any(link.state != "linked" for link in found))


def _folder_command(kind: str, help_text: str) -> click.Command:
    @click.command(cls=NpmCommand, name=kind, help=help_text)
    @click.option("--global", "-g", "shared", is_flag=True, help="The global one.")
    @link_command
    def show(*, shared: bool, cwd: str, **given: Any) -> None:  # noqa: ANN401
        where = where_of(cwd)
        options = link_options(given)
        found = linkapi.shared_folder(kind, where, options) if shared else linkapi.local_folder(kind, where)
        click.echo(linkreport.shown(found))

    return show


prefix = _folder_command("prefix", "Print the project's folder, or the global prefix.")
root = _folder_command("root", "Print the folder that packages are in.")
bin_ = _folder_command("bin", "Print the folder that commands are in.")


@click.command(cls=NpmCommand)
@click.option("--json", "as_json", is_flag=True, default=None, help="Print JSON.")
@link_command
def config(*, as_json: bool | None, cwd: str, **given: Any) -> None:  # noqa: ANN401
    """Print every setting that counts here, and who made it."""
    found = linkapi.read_settings(where_of(cwd), link_options({**given, "json": as_json}))
    fault = found.fault
    missing = (Problem("WNOPREFIX", "", fault.message, fault.hint),) if fault is not None else ()
    if found.warnings or missing:
        click.echo(linkreport.problem_lines("warning", (*found.warnings, *missing)), err=True)
    as_json = found.flag("json", default=False)
    click.echo(linkreport.settings_json(found) if as_json else linkreport.settings_text(found))
