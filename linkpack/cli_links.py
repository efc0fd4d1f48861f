"""`linkpack ls`, `undo`, `prefix`, `root`, `bin` and `config`: what is linked, and where."""

from __future__ import annotations

from typing import Any

import click

from linkpack import linkreport
from linkpack.cli_linking import (
    ignored_options,
    link_options,
    output_options,
    run_command,
    settings_options,
    where_of,
)
from linkpack.linking import linkapi


@click.command()
@output_options
@settings_options
def undo(**given: Any) -> None:  # noqa: ANN401
    """Take back the last link, unlink or relink of this project."""
    cwd = where_of(given["cwd"])
    run_command(
        given,
        lambda options: linkapi.plan_last_undo(cwd, options),
        lambda options: linkapi.undo(None, cwd, options),
    )


@click.command()
@click.option("--global", "-g", "shared", is_flag=True, help="The global links.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--check", is_flag=True, help="Exit 1 when a link is dropped or dangling.")
@settings_options
def ls(*, shared: bool, as_json: bool, check: bool, cwd: str, **given: Any) -> int:  # noqa: ANN401
    """List the links of this project and how each fares: linked, dropped or dangling."""
    options = link_options(given)
    where = where_of(cwd)
    found = linkapi.links(where, options, shared=shared)
    as_json = as_json or linkapi.read_settings(where, options).flag("json", default=False)
    place = linkapi.shared_folder("root", where, options) if shared else linkapi.local_folder("prefix", where)
    click.echo(linkreport.listing_json(found, place) if as_json else linkreport.listing(found, place))
    return int(check and any(link.state != "linked" for link in found))


def _folder_command(kind: str, help_text: str) -> click.Command:
    @click.command(name=kind, help=help_text)
    @click.option("--global", "-g", "shared", is_flag=True, help="The global one.")
    @settings_options
    @ignored_options
    def show(*, shared: bool, cwd: str, **given: Any) -> None:  # noqa: ANN401
        where = where_of(cwd)
        options = link_options(given)
        found = linkapi.shared_folder(kind, where, options) if shared else linkapi.local_folder(kind, where)
        click.echo(linkreport.shown(found))

    return show


prefix = _folder_command("prefix", "Print the project's folder, or the global prefix.")
root = _folder_command("root", "Print the folder that packages are in.")
bin_ = _folder_command("bin", "Print the folder that commands are in.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
def config(*, as_json: bool, cwd: str, **given: Any) -> None:  # noqa: ANN401
    """Print every setting that counts here, and who made it."""
    found = linkapi.read_settings(where_of(cwd), link_options(given))
    if found.warnings:
        click.echo(linkreport.problem_lines("warning", found.warnings), err=True)
    as_json = as_json or found.flag("json", default=False)
    click.echo(linkreport.settings_json(found) if as_json else linkreport.settings_text(found))
