"""What the link commands share: groups of options, and plan, apply and print."""

from __future__ import annotations

import os
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import click

from linkpack.cli.failures import json_failures
from linkpack.errors import LinkpackError
from linkpack.limits import DEFAULTS, Limits, within
from linkpack.linking.command import LinkOptions, local_folder, read_settings, reject_conflicts
from linkpack.notices import telling
from linkpack.read_cache import remembering
from linkpack.report import links as linkreport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from linkpack.errors import Problem
    from linkpack.linking.journal import Journal
    from linkpack.linking.states import LinkPlan

_Command = Any  # what click's decorators take and give


def link_command(command: _Command) -> _Command:
    """Add what every link command has: its folder and settings, its limits, and failures as JSON."""

    @wraps(command)
    def call(*args: object, max_steps: int, **given: Any) -> Any:  # noqa: ANN401 - as the command is
        flags = dict(given)
        say = partial(_say, silent=bool(flags.get("silent")))
        wanted = partial(_wants_json, flags)
        with within(Limits(steps=max_steps)), remembering({}), telling(say), json_failures(wanted=wanted):
            return command(*args, **given)

    for option in (
        click.option(
            "--max-steps",
            type=click.IntRange(1),
            default=str(DEFAULTS.steps),
            metavar="N",
            show_default=True,
            help="Refuse more work on the patterns of workspaces.",
        ),
        click.option("--globalconfig", metavar="FILE", help="The global npmrc."),
        click.option("--userconfig", metavar="FILE", help="Your npmrc.  [default: ~/.npmrc]"),
        click.option("--prefix", metavar="DIR", help="The global prefix."),
        click.option("-C", "cwd", metavar="DIR", default=".", help="Work as if started in DIR."),
    ):
        call = option(call)
    return call


def _say(message: str, *, silent: bool) -> None:
    if not silent:
        click.echo(f"linkpack: {linkreport.shown(message)}", err=True)


def _wants_json(given: dict[str, Any]) -> bool:
    """True if a command with the flags *given* prints JSON, by a flag or a setting."""
    if given.get("as_json") is not None:
        return bool(given["as_json"])
    settings = {key: given.get(key) for key in ("prefix", "userconfig", "globalconfig")}
    try:
        return read_settings(where_of(given["cwd"]), link_options(settings)).flag("json", default=False)
    except LinkpackError:  # which may be the very failure
        return os.environ.get("npm_config_json", "").lower() in {"true", "1"}  # noqa: SIM112 - npm's name


def workspace_options(command: _Command) -> _Command:
    """Add the options that choose workspaces."""
    for option in (
        click.option("--include-workspace-root", "-iwr", is_flag=True, default=None, help="The root too."),
        click.option("--workspaces/--no-workspaces", "-ws", default=None, help="Every workspace."),
        click.option(
            "--workspace", "-w", multiple=True, metavar="NAME", help="A workspace by name, path or parent folder."
        ),
    ):
        command = option(command)
    return command


def output_options(command: _Command) -> _Command:
    """Add the options on what is done and printed."""
    for option in (
        click.option("--silent", "-s", is_flag=True, help="Print nothing but errors."),
        click.option("--json", "as_json", is_flag=True, default=None, help="Print JSON, as npm does."),
        click.option("--dry-run", is_flag=True, default=None, help="Say what would be done, and touch nothing."),
    ):
        command = option(command)
    return command


def link_options(given: dict[str, Any], *, absolute: bool = False) -> LinkOptions:
    """Return the flags that were given, by npm's names, with the process's environment."""
    flags = {key.replace("_", "-"): value for key, value in given.items() if value not in (None, ())}
    return LinkOptions(flags=flags, env=dict(os.environ), absolute=absolute)


def where_of(cwd: str) -> str:
    """Return the absolute path of *cwd*, the value of `-C`."""
    return os.path.join(os.getcwd(), cwd)


def run_command(
    given: dict[str, Any],
    plan: Callable[[LinkOptions], LinkPlan],
    act: Callable[[LinkOptions], Journal],
    more: Callable[[LinkPlan, LinkOptions], tuple[Problem, ...]] | None = None,
    drop: Sequence[str] = (),
) -> LinkPlan:
    """Plan, or plan and act, and print what came of it; return the plan.

    *more* gives further warnings about the plan, *drop* are codes of those that are not printed.
    """
    silent, cwd = given.pop("silent"), given.pop("cwd")
    absolute = given.pop("absolute", False)
    as_json, dry_run = given.pop("as_json"), given.pop("dry_run")
    options = link_options(given | {"json": as_json, "dry-run": dry_run}, absolute=absolute)
    config = read_settings(where_of(cwd), options)
    dry_run = config.flag("dry-run", default=False)
    silent = silent or config.is_silent
    result = plan(options) if dry_run else act(options).plan
    if dry_run:
        reject_conflicts(result)
    if more is not None:
        result = result._replace(warnings=(*result.warnings, *more(result, options)))
    result = result._replace(warnings=tuple(each for each in result.warnings if each.code not in drop))
    if not silent:
        roots = (local_folder("prefix", where_of(cwd)),)
        if result.warnings:
            click.echo(linkreport.problem_lines("warning", result.warnings), err=True)
        if config.flag("json", default=False):
            click.echo(linkreport.plan_json(result, roots))
        else:
            _echo_lines(linkreport.planned(result, roots) if dry_run else linkreport.done(result, roots))
    return result


def _echo_lines(text: str) -> None:
    if text:
        click.echo(text)
