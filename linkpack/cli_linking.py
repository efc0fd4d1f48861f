"""What the link commands share: groups of options, and plan, apply and print."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from linkpack import linkreport
from linkpack.linking import linkapi
from linkpack.linking.linkapi import LinkOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from linkpack.linking.journal import Journal
    from linkpack.linking.linkstate import LinkPlan

_Command = Any  # what click's decorators take and give

# Flags and settings of npm that change nothing here: taken, so that a command line made for npm works. They are
# one option to click, as each costs the start a hundredth of a millisecond.
_NO_EFFECT = (
    "audit",
    "fund",
    "offline",
    "prefer-offline",
    "ignore-scripts",
    "legacy-peer-deps",
    "strict-peer-deps",
)
_NO_EFFECT_VALUES = ("omit", "include", "install-strategy", "loglevel", "cache", "registry")
TAKEN = "Taken for npm's sake; no effect."
HIDDEN: dict[str, Any] = {"hidden": True, "expose_value": False}


def settings_options(command: _Command) -> _Command:
    """The options that every link command has: where it works, and which configuration counts."""
    for option in (
        click.option("--globalconfig", metavar="FILE", help="The global npmrc."),
        click.option("--userconfig", metavar="FILE", help="Your npmrc.  [default: ~/.npmrc]"),
        click.option("--prefix", metavar="DIR", help="The global prefix."),
        click.option("-C", "cwd", metavar="DIR", default=".", help="Work as if started in DIR."),
    ):
        command = option(command)
    return command


def workspace_options(command: _Command) -> _Command:
    """The options that choose workspaces."""
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
    """The options on what is done and said."""
    for option in (
        click.option("--silent", "-s", is_flag=True, help="Print nothing but errors."),
        click.option("--json", "as_json", is_flag=True, default=None, help="Print JSON, as npm does."),
        click.option("--dry-run", is_flag=True, default=None, help="Say what would be done, and touch nothing."),
    ):
        command = option(command)
    return command


def ignored_options(command: _Command) -> _Command:
    """The flags of npm that change nothing here."""
    switches = [f"--{name}/--no-{name}" for name in _NO_EFFECT]
    command = click.option("no_effect", *switches, default=None, help=TAKEN, **HIDDEN)(command)
    values = [f"--{name}" for name in _NO_EFFECT_VALUES]
    return click.option("no_effect_values", *values, multiple=True, help=TAKEN, **HIDDEN)(command)


def link_options(given: dict[str, Any], *, absolute: bool = False) -> LinkOptions:
    """The flags that were given, by npm's names, with the process's environment."""
    flags = {key.replace("_", "-"): value for key, value in given.items() if value not in (None, ())}
    return LinkOptions(flags=flags, env=dict(os.environ), absolute=absolute)


def where_of(cwd: str) -> str:
    """The absolute path of *cwd*, the value of `-C`."""
    return os.path.join(os.getcwd(), cwd)


def run_command(
    given: dict[str, Any],
    plan: Callable[[LinkOptions], LinkPlan],
    act: Callable[[LinkOptions], Journal],
) -> LinkPlan:
    """Plan, or plan and act, and print what came of it; the plan."""
    silent, cwd = given.pop("silent"), given.pop("cwd")
    absolute = given.pop("absolute", False)
    as_json, dry_run = given.pop("as_json"), given.pop("dry_run")
    options = link_options(given | {"json": as_json, "dry-run": dry_run}, absolute=absolute)
    config = linkapi.read_settings(where_of(cwd), options)
    dry_run = config.flag("dry-run", default=False)
    result = plan(options) if dry_run else act(options).plan
    if dry_run and result.conflicts:
        raise linkapi.rejected(result)
    if not silent:
        if result.warnings:
            click.echo(linkreport.problem_lines("warning", result.warnings), err=True)
        if config.flag("json", default=False):
            click.echo(linkreport.plan_json(result))
        else:
            _echo_lines(linkreport.planned(result) if dry_run else linkreport.done(result))
    return result


def _echo_lines(text: str) -> None:
    if text:
        click.echo(text)
