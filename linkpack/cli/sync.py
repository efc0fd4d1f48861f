"""`linkpack sync`: bring copies up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from linkpack.cli.link_options import absolute_folder, link_command, link_options, output_options
from linkpack.cli.link_run import print_warnings
from linkpack.cli.npm_command import NpmCommand
from linkpack.cli.terminal import print_result
from linkpack.copying.sync_command import plan_sync
from linkpack.copying.sync_command import sync as sync_copies
from linkpack.linking.command import read_settings
from linkpack.report.copies import sync_json, sync_text

if TYPE_CHECKING:
    from linkpack.cli.shared_options import OptionValue


@click.command(cls=NpmCommand)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--check", is_flag=True, help="Change nothing, and exit 1 when a copy is not up to date.")
@output_options
@link_command
def sync(names: tuple[str, ...], *, check: bool, silent: bool, cwd: str, **given: OptionValue) -> int:
    """Bring copies up to date, all of them or those called NAME.

    Writes only the files whose content is another one.
    """
    options = link_options({"json" if key == "as_json" else key: value for key, value in given.items()})
    folder = absolute_folder(cwd)
    config = read_settings(folder, options)
    # `plan_sync` takes no lock, so that a check never waits.
    is_dry = check or config.flag("dry-run", default=False)
    copies = (plan_sync if is_dry else sync_copies)(names, folder, options)
    if not (silent or config.is_silent):
        print_warnings([problem for copy in copies for problem in copy.warnings])
        as_json = config.flag("json", default=False)
        print_result(sync_json(copies) if as_json else sync_text(copies, done=not is_dry))
    return int(check and any(copy.is_stale for copy in copies))
