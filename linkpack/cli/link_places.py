"""`linkpack ls`, `undo`, `prefix`, `root`, `bin` and `config`: what is linked, and where."""

from __future__ import annotations

from typing import Any

import click

from linkpack.cli.link_options import link_command, link_options, output_options, run_command, where_of
from linkpack.cli.npm_command import NpmCommand
from linkpack.errors import Problem
from linkpack.linking.command import local_folder, read_settings, shared_folder
from linkpack.linking.list_command import survey
from linkpack.linking.undo_command import plan_last_undo
from linkpack.linking.undo_command import undo as undo_journal
from linkpack.report import links as linkreport


@click.command(cls=NpmCommand)
@output_options
@link_command
def undo(**given: Any) -> None:  # noqa: ANN401
    """Take back the last link, unlink or relink of this project."""
    cwd = where_of(given["cwd"])
    run_command(
        given,
        lambda options: plan_last_undo(cwd, options),
        lambda options: undo_journal(None, cwd, options),
    )


@click.command(cls=NpmCommand)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--global", "-g", "shared", is_flag=True, help="The global links.")
@click.option("--json", "as_json", is_flag=True, default=None, help="Print JSON.")
@click.option("--check", is_flag=True, help="Exit 1 when a link, or a command of one, is not in order.")
@click.option(
    "--strict-peer-deps/--no-strict-peer-deps", default=None, help="With --check: faults of peers count, too."
)
@link_command
def ls(names: tuple[str, ...], *, shared: bool, as_json: bool | None, check: bool, cwd: str, **given: Any) -> int:  # noqa: ANN401
    """List the links of this project, or those called NAME, and how each fares; exit 1 when a NAME is none."""
    options = link_options({**given, "json": as_json})
    found = survey(where_of(cwd), options, shared=shared)
    missing = [name for name in names if all(link.name != name for link in found.links)]
    if names:
        found = found._replace(links=tuple(link for link in found.links if link.name in names))
    told = [Problem("WNOTLINKED", found.place, f"{name} is not linked in {found.place}") for name in missing]
    found = found._replace(warnings=(*found.warnings, *told))
    if found.warnings:
        click.echo(linkreport.problem_lines("warning", found.warnings), err=True)
    as_json = found.config.flag("json", default=False)
    click.echo(linkreport.listing_json(found) if as_json else linkreport.listing(found))
    faulty = not all(link.is_in_order for link in found.links)
    faulty = faulty or (found.strict and any(problem.code.startswith("WPEER") for problem in found.warnings))
    return int(bool(missing) or (check and faulty))


def _folder_command(kind: str, help_text: str) -> click.Command:
    @click.command(cls=NpmCommand, name=kind, help=help_text)
    @click.option("--global", "-g", "shared", is_flag=True, help="The global one.")
    @link_command
    def show(*, shared: bool, cwd: str, **given: Any) -> None:  # noqa: ANN401
        where = where_of(cwd)
        options = link_options(given)
        found = shared_folder(kind, where, options) if shared else local_folder(kind, where)
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
    found = read_settings(where_of(cwd), link_options({**given, "json": as_json}))
    fault = found.fault
    missing = (Problem("WNOPREFIX", "", fault.message, fault.hint),) if fault is not None else ()
    if found.warnings or missing:
        click.echo(linkreport.problem_lines("warning", (*found.warnings, *missing)), err=True)
    as_json = found.flag("json", default=False)
    click.echo(linkreport.settings_json(found) if as_json else linkreport.settings_text(found))
