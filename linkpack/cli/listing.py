"""Run `linkpack ls`, and `prefix`, `root` and `bin`, which print folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from linkpack.cli.link_options import absolute_folder, link_command, link_options
from linkpack.cli.link_run import print_warnings
from linkpack.cli.npm_command import NpmCommand
from linkpack.cli.terminal import apply_settings, print_result
from linkpack.errors import Problem
from linkpack.linking.command import local_folder, shared_folder
from linkpack.linking.list_command import survey as list_links
from linkpack.report.links import listing_json, listing_text
from linkpack.report.text import escape

if TYPE_CHECKING:
    from linkpack.cli.shared_options import OptionValue


@click.command(cls=NpmCommand)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--global", "-g", "shared", is_flag=True, help="The global links.")
@click.option("--json", "as_json", is_flag=True, default=None, help="Print JSON.")
@click.option("--check", is_flag=True, help="Exit 1 when a link, or a command of one, is not in order.")
@click.option(
    "--strict-peer-deps/--no-strict-peer-deps", default=None, help="With --check: faults of peers count, too."
)
@link_command
def ls(
    names: tuple[str, ...], *, shared: bool, as_json: bool | None, check: bool, cwd: str, **given: OptionValue
) -> int:
    """List the links of this project, or those called NAME.

    Says of each whether it is in order. Exits 1 when a NAME is not linked.
    """
    options = link_options({**given, "json": as_json})
    survey = list_links(absolute_folder(cwd), options, shared=shared)
    missing = [name for name in names if all(link.name != name for link in survey.links)]
    if names:
        survey = survey._replace(links=tuple(link for link in survey.links if link.name in names))
    apply_settings(survey.config)
    place = survey.place
    problems = [Problem("WNOTLINKED", place, f"{name} is not linked in {place}") for name in missing]
    survey = survey._replace(warnings=(*survey.warnings, *problems))
    print_warnings(survey.warnings)
    as_json = survey.config.flag("json", default=False)
    print_result(listing_json(survey) if as_json else listing_text(survey))
    faulty = not all(link.is_in_order for link in survey.links)
    faulty = faulty or (survey.strict and any(problem.code.startswith("WPEER") for problem in survey.warnings))
    return int(bool(missing) or (check and faulty))


def _folder_command(kind: str, help_text: str) -> click.Command:
    """Return the command that prints a folder of this *kind*."""

    @click.command(cls=NpmCommand, name=kind, help=help_text)
    @click.option("--global", "-g", "shared", is_flag=True, help="The global one.")
    @link_command
    def show(*, shared: bool, cwd: str, **given: OptionValue) -> None:
        start = absolute_folder(cwd)
        folder = shared_folder(kind, start, link_options(given)) if shared else local_folder(kind, start)
        print_result(escape(folder))

    return show


prefix = _folder_command("prefix", "Print the project's folder, or the global prefix.")
root = _folder_command("root", "Print the folder that packages are in.")
bin_ = _folder_command("bin", "Print the folder that commands are in.")
