"""Declare the options that link commands share, and read their values."""

from __future__ import annotations

import os
from functools import partial, wraps
from typing import TYPE_CHECKING

import click

from linkpack.cli.failures import json_failures
from linkpack.cli.terminal import print_report
from linkpack.errors import LinkpackError
from linkpack.limits import DEFAULTS, Limits, within
from linkpack.linking.command import LinkOptions, read_settings
from linkpack.notices import telling
from linkpack.read_cache import remembering
from linkpack.report.text import escape
from linkpack.system.own_process import environment

if TYPE_CHECKING:
    from linkpack.cli.shared_options import ClickCommand, OptionValue

_COMMON_OPTIONS = (
    click.option("-C", "cwd", metavar="DIR", default=".", help="Work as if started in DIR."),
    click.option("--prefix", metavar="DIR", help="The global prefix."),
    click.option("--userconfig", metavar="FILE", help="Your npmrc.  [default: ~/.npmrc]"),
    click.option("--globalconfig", metavar="FILE", help="The global npmrc."),
    click.option(
        "--max-steps",
        type=click.IntRange(1),
        default=str(DEFAULTS.steps),
        metavar="N",
        show_default=True,
        help="Refuse more work on the patterns of workspaces.",
    ),
)
_WORKSPACE_OPTIONS = (
    click.option(
        "--workspace", "-w", multiple=True, metavar="NAME", help="A workspace by name, path or parent folder."
    ),
    click.option("--workspaces/--no-workspaces", "-ws", default=None, help="Every workspace."),
    click.option("--include-workspace-root", "-iwr", is_flag=True, default=None, help="The root too."),
)
_OUTPUT_OPTIONS = (
    click.option("--dry-run", is_flag=True, default=None, help="Say what would be done, and touch nothing."),
    click.option("--json", "as_json", is_flag=True, default=None, help="Print JSON, as npm does."),
    click.option("--silent", "-s", is_flag=True, help="Print nothing but errors."),
)


def workspace_options(command: ClickCommand) -> ClickCommand:
    """Add the options that choose workspaces."""
    for add in reversed(_WORKSPACE_OPTIONS):
        command = add(command)
    return command


def output_options(command: ClickCommand) -> ClickCommand:
    """Add the options on what is done and printed."""
    for add in reversed(_OUTPUT_OPTIONS):
        command = add(command)
    return command


def link_command(command: ClickCommand) -> ClickCommand:
    """Add the options and the surroundings that every link command has.

    These are the folder, npm's files of settings, limits, notices, and failures as JSON.
    """

    @wraps(command)
    def call(*args: object, max_steps: int, **given: OptionValue) -> object:
        notice = partial(_print_notice, silent=bool(given.get("silent")))
        wanted = partial(_wants_json, dict(given))
        with within(Limits(steps=max_steps)), remembering({}), telling(notice), json_failures(wanted=wanted):
            return command(*args, **given)

    for add in reversed(_COMMON_OPTIONS):
        call = add(call)
    return call


def _print_notice(message: str, *, silent: bool) -> None:
    # As of waiting for another process (tests/cli/test_main.py, test_waiting_for_another_process_is_told).
    if not silent:
        print_report(f"linkpack: {escape(message)}")


def _wants_json(given: dict[str, OptionValue]) -> bool:
    """Return True if a command with the options *given* prints JSON.

    Settings decide where the command line does not.
    """
    if given.get("as_json") is not None:
        return bool(given["as_json"])
    flags = {key: given.get(key) for key in ("prefix", "userconfig", "globalconfig")}
    try:
        return read_settings(absolute_folder(given["cwd"]), link_options(flags)).flag("json", default=False)
    except LinkpackError:  # the settings themselves may be the failure that is to be printed
        return environment().get("npm_config_json", "").lower() in {"true", "1"}


def link_options(given: dict[str, OptionValue], *, absolute: bool = False, copy: bool = False) -> LinkOptions:
    """Return the options *given* by npm's names, with the environment."""
    # An option that is not given leaves the key to npm's settings. False is a value: `--no-save`.
    flags = {key.replace("_", "-"): value for key, value in given.items() if value not in (None, ())}
    return LinkOptions(flags=flags, env=environment(), absolute=absolute, copy=copy)


def absolute_folder(cwd: str) -> str:
    """Return the absolute path of *cwd*, the value of `-C`."""
    return os.path.join(os.getcwd(), cwd)
