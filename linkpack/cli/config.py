"""Run `linkpack config`, which prints settings and where each is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from linkpack.cli.link_options import absolute_folder, link_command, link_options
from linkpack.cli.link_run import print_warnings
from linkpack.cli.npm_command import NpmCommand
from linkpack.cli.terminal import apply_settings, print_result
from linkpack.errors import Problem
from linkpack.linking.command import read_settings
from linkpack.report.config import settings_json, settings_text

if TYPE_CHECKING:
    from linkpack.cli.shared_options import OptionValue


@click.command(cls=NpmCommand)
@click.option("--json", "as_json", is_flag=True, default=None, help="Print JSON.")
@link_command
def config(*, as_json: bool | None, cwd: str, **given: OptionValue) -> None:
    """Print every setting that applies here, with its source."""
    settings = read_settings(absolute_folder(cwd), link_options({**given, "json": as_json}))
    apply_settings(settings)
    fault = settings.fault  # no global prefix: the command that shows why must not fail for it
    missing = () if fault is None else (Problem("WNOPREFIX", "", fault.message, fault.hint),)
    print_warnings((*settings.warnings, *missing))
    as_json = settings.flag("json", default=False)
    print_result(settings_json(settings) if as_json else settings_text(settings))
