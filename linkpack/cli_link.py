"""`linkpack link`, `unlink`, `relink`, `ls`, `prefix`, `root`, `bin`, `config` and `undo`."""

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

# Flags of npm that change nothing here: taken, so that a command line made for npm works.
_NO_EFFECT = (
    "audit",
    "fund",
    "offline",
    "prefer-offline",
    "ignore-scripts",
    "legacy-peer-deps",
    "strict-peer-deps",
)
_TAKEN = "Taken for npm's sake; no effect."
_HIDDEN: dict[str, Any] = {"hidden": True, "expose_value": False}
_NO_EFFECT_VALUES = ("omit", "include", "install-strategy", "loglevel", "cache", "registry")


def _settings(command: _Command) -> _Command:
    """The options that every link command has: where it works, and which configuration counts."""
    for option in (
        click.option("--globalconfig", metavar="FILE", help="The global npmrc."),
        click.option("--userconfig", metavar="FILE", help="Your npmrc.  [default: ~/.npmrc]"),
        click.option("--prefix", metavar="DIR", help="The global prefix."),
        click.option("-C", "cwd", metavar="DIR", default=".", help="Work as if started in DIR."),
    ):
        command = option(command)
    return command


def _workspaces(command: _Command) -> _Command:
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


def _outputs(command: _Command) -> _Command:
    """The options on what is done and said."""
    for option in (
        click.option("--silent", "-s", is_flag=True, help="Print nothing but errors."),
        click.option("--json", "as_json", is_flag=True, default=None, help="Print JSON, as npm does."),
        click.option("--dry-run", is_flag=True, default=None, help="Say what would be done, and touch nothing."),
    ):
        command = option(command)
    return command


def _ignored(command: _Command) -> _Command:
    """The flags of npm that change nothing here."""
    for name in _NO_EFFECT:
        command = click.option(f"--{name}/--no-{name}", default=None, help=_TAKEN, **_HIDDEN)(command)
    for name in _NO_EFFECT_VALUES:
        command = click.option(f"--{name}", multiple=True, help=_TAKEN, **_HIDDEN)(command)
    return command


def _options(given: dict[str, Any], *, absolute: bool = False) -> LinkOptions:
    """The flags that were given, by npm's names, with the process's environment."""
    flags = {key.replace("_", "-"): value for key, value in given.items() if value not in (None, ())}
    return LinkOptions(flags=flags, env=dict(os.environ), absolute=absolute)


def _where(cwd: str) -> str:
    return os.path.join(os.getcwd(), cwd)


def _run(
    given: dict[str, Any],
    plan: Callable[[LinkOptions], LinkPlan],
    act: Callable[[LinkOptions], Journal],
) -> LinkPlan:
    """Plan, or plan and act, and print what came of it; the plan."""
    silent, cwd = given.pop("silent"), given.pop("cwd")
    absolute = given.pop("absolute", False)
    as_json, dry_run = given.pop("as_json"), given.pop("dry_run")
    options = _options(given | {"json": as_json, "dry-run": dry_run}, absolute=absolute)
    config = linkapi.read_settings(_where(cwd), options)
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


@click.command()
@click.argument("specs", metavar="[SPEC]...", nargs=-1)
@click.option("--save/--no-save", "-S", default=None, help="Save it in the section that has it, or as -P.")
@click.option("--save-prod", "-P", is_flag=True, default=None, help="Save the link in dependencies.")
@click.option("--save-dev", "-D", is_flag=True, default=None, help="Save the link in devDependencies.")
@click.option("--save-optional", "-O", is_flag=True, default=None, help="Save the link in optionalDependencies.")
@click.option("--save-peer", is_flag=True, default=None, help="Save the link in peerDependencies.")
@click.option("--save-exact", "-E", is_flag=True, default=None, help="As for npm; a link is exact.")
@click.option("--save-bundle", "-B", is_flag=True, default=None, help="Save it in bundleDependencies too.")
@click.option("--package-lock/--no-package-lock", default=None, help="Update package-lock.json when saving.")
@click.option("--bin-links/--no-bin-links", default=None, help="Link commands and man pages.  [default: yes]")
@click.option(
    "--force", "-f", is_flag=True, default=None, help="Take the place of foreign commands and man pages."
)
@click.option("--absolute", is_flag=True, help="Make links with absolute text.")
@click.option("--install", is_flag=True, help="Have npm install -g what is not there globally.")
@click.option("--run-scripts", is_flag=True, help="Run the linked packages' install scripts first.")
@click.option("--global", "-g", "global_", is_flag=True, default=None, help="Refused, as npm does.")
@_workspaces
@_outputs
@_settings
@_ignored
def link(specs: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 - the flags, by name
    """Link this package globally, or with SPEC (names, name@range, directories) packages into this project."""
    install, scripts = given.pop("install"), given.pop("run_scripts")
    given["global"] = given.pop("global_")
    cwd = _where(given["cwd"])
    if install or scripts:
        from linkpack.linking import linkrun  # noqa: PLC0415 - only these two flags start processes

        shown = {key: value for key, value in given.items() if key not in {"silent", "as_json", "cwd", "absolute"}}
        options = _options(shown)
        if install:
            linkrun.install_missing(specs, cwd, options)
        if scripts:
            linkrun.run_scripts(specs, cwd, options)
    _run(
        given,
        lambda options: linkapi.plan_link(specs, cwd, options),
        lambda options: linkapi.link(specs, cwd, options),
    )


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--global", "-g", "shared", is_flag=True, help="Global links, by default this package's.")
@click.option("--all", "every", is_flag=True, help="Every link of the project, or with -g every global one.")
@click.option("--save/--no-save", "-S", default=None, help=_TAKEN, **_HIDDEN)
@click.option("--force", "-f", is_flag=True, default=None, help=_TAKEN, **_HIDDEN)
@_workspaces
@_outputs
@_settings
@_ignored
def unlink(names: tuple[str, ...], *, shared: bool, every: bool, **given: Any) -> None:  # noqa: ANN401
    """Take links away and put back what they displaced; without NAME, this package's global link."""
    cwd = _where(given["cwd"])
    _run(
        given,
        lambda options: linkapi.plan_unlink(names, cwd, options, shared=shared, every=every),
        lambda options: linkapi.unlink(names, cwd, options, shared=shared, every=every),
    )


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--global", "-g", "shared", is_flag=True, help="The global links.")
@click.option(
    "--force", "-f", is_flag=True, default=None, help="Take the place of foreign commands and man pages."
)
@_outputs
@_settings
@_ignored
def relink(names: tuple[str, ...], *, shared: bool, **given: Any) -> int:  # noqa: ANN401
    """Bring links back that an install, ci or update took away; exit 1 when a package is gone."""
    cwd = _where(given["cwd"])
    plan = _run(
        given,
        lambda options: linkapi.plan_relink(names, cwd, options, shared=shared),
        lambda options: linkapi.relink(names, cwd, options, shared=shared),
    )
    return int(any(problem.code in {"ESOURCEGONE", "ENOTLINKED"} for problem in plan.warnings))


@click.command()
@_outputs
@_settings
def undo(**given: Any) -> None:  # noqa: ANN401
    """Take back the last link, unlink or relink of this project."""
    cwd = _where(given["cwd"])
    _run(
        given,
        lambda options: linkapi.plan_last_undo(cwd, options),
        lambda options: linkapi.undo(None, cwd, options),
    )


@click.command()
@click.option("--global", "-g", "shared", is_flag=True, help="The global links.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--check", is_flag=True, help="Exit 1 when a link is dropped or dangling.")
@_settings
def ls(*, shared: bool, as_json: bool, check: bool, cwd: str, **given: Any) -> int:  # noqa: ANN401
    """List the links of this project and how each fares: linked, dropped or dangling."""
    options = _options(given)
    found = linkapi.links(_where(cwd), options, shared=shared)
    where = _where(cwd)
    place = linkapi.shared_folder("root", where, options) if shared else linkapi.local_folder("prefix", where)
    click.echo(linkreport.listing_json(found, place) if as_json else linkreport.listing(found, place))
    return int(check and any(link.state != "linked" for link in found))


def _folder_command(kind: str, help_text: str) -> click.Command:
    @click.command(name=kind, help=help_text)
    @click.option("--global", "-g", "shared", is_flag=True, help="The global one.")
    @_settings
    @_ignored
    def show(*, shared: bool, cwd: str, **given: Any) -> None:  # noqa: ANN401
        where = _where(cwd)
        options = _options(given)
        found = linkapi.shared_folder(kind, where, options) if shared else linkapi.local_folder(kind, where)
        click.echo(linkreport.shown(found))

    return show


prefix = _folder_command("prefix", "Print the project's folder, or the global prefix.")
root = _folder_command("root", "Print the folder that packages are in.")
bin_ = _folder_command("bin", "Print the folder that commands are in.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_settings
def config(*, as_json: bool, cwd: str, **given: Any) -> None:  # noqa: ANN401
    """Print every setting that counts here, and who made it."""
    found = linkapi.read_settings(_where(cwd), _options(given))
    if found.warnings:
        click.echo(linkreport.problem_lines("warning", found.warnings), err=True)
    click.echo(linkreport.settings_json(found) if as_json else linkreport.settings_text(found))
