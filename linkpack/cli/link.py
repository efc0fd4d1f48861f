"""Run `linkpack link`, `unlink`, `relink` and `undo`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from linkpack.cli.link_options import (
    absolute_folder,
    link_command,
    link_options,
    output_options,
    workspace_options,
)
from linkpack.cli.link_run import run_command
from linkpack.cli.npm_command import NpmCommand
from linkpack.copying.commands import link as make_links
from linkpack.copying.commands import plan_link, plan_relink
from linkpack.copying.commands import relink as restore_links
from linkpack.linking.undo_command import plan_last_undo
from linkpack.linking.undo_command import undo as undo_journal
from linkpack.linking.unlink_command import plan_unlink, staying_global_links
from linkpack.linking.unlink_command import unlink as remove_links

if TYPE_CHECKING:
    from linkpack.cli.shared_options import OptionValue


@click.command(cls=NpmCommand)
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
@click.option("--copy", is_flag=True, help="Copy what pack would ship, instead of linking (--install-links).")
@click.option("--install", is_flag=True, help="Have npm install -g what is not there globally.")
@click.option("--run-scripts", is_flag=True, help="Run the linked packages' install scripts first.")
@click.option(
    "--global/--no-global",
    "-g",
    "global_",
    default=None,
    help="--no-global leaves the global folder alone; --global is refused, as npm refuses it.",
)
@click.option("--only-dependencies", is_flag=True, default=None, help="Link only what the project depends on.")
@click.option("--skip-others", is_flag=True, default=None, help="Leave out folders that are no packages.")
@click.option(
    "--strict-peer-deps/--no-strict-peer-deps", default=None, help="Take faults of peers for errors, as npm does."
)
@workspace_options
@output_options
@link_command
def link(specs: tuple[str, ...], **given: OptionValue) -> None:
    """Link this package globally, or each SPEC into this project.

    A SPEC is a name, name@range or a directory.
    """
    install, run_scripts = given.pop("install"), given.pop("run_scripts")
    given |= _global_flag(given=given.pop("global_"))
    folder = absolute_folder(given["cwd"])
    if install or run_scripts:
        preparation = import_module("linkpack.linking.preparation")  # 7 ms, with subprocess
        # `link_options` would make settings of npm of these, which they are not.
        ours = {"silent", "as_json", "cwd", "absolute", "copy"}
        options = link_options({key: value for key, value in given.items() if key not in ours})
        if install:
            preparation.install_missing(specs, folder, options)
        if run_scripts:
            preparation.run_scripts(specs, folder, options)
    run_command(
        given,
        lambda options: plan_link(specs, folder, options),
        lambda options: make_links(specs, folder, options),
    )


def _global_flag(*, given: bool | None) -> dict[str, bool]:
    """Return the settings that --global or --no-global makes."""
    if given is None:
        return {}
    # The library refuses `global`, as npm 12.2 does (lib/commands/link.js): an npmrc may set it as well.
    return {"global": True} if given else {"link-global": False}


@click.command(cls=NpmCommand)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--global", "-g", "shared", is_flag=True, help="Global links, by default this package's.")
@click.option("--all", "every", is_flag=True, help="Every link of the project, or with -g every global one.")
@workspace_options
@output_options
@link_command
def unlink(names: tuple[str, ...], *, shared: bool, every: bool, **given: OptionValue) -> None:
    """Take links away and put back what they displaced.

    Without NAME, this package's global link is taken away.
    """
    folder = absolute_folder(given["cwd"])
    run_command(
        given,
        lambda options: plan_unlink(names, folder, options, shared=shared, every=every),
        lambda options: remove_links(names, folder, options, shared=shared, every=every),
        None if shared else lambda plan, options: staying_global_links(plan, folder, options),
    )


@click.command(cls=NpmCommand)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--global", "-g", "shared", is_flag=True, help="The global links.")
@click.option("--if-present", is_flag=True, help="Exit 0 when a package is gone, or nothing is linked.")
@click.option(
    "--force", "-f", is_flag=True, default=None, help="Take the place of foreign commands and man pages."
)
@click.option(
    "--strict-peer-deps/--no-strict-peer-deps", default=None, help="Take faults of peers for errors, as npm does."
)
@output_options
@link_command
def relink(names: tuple[str, ...], *, shared: bool, if_present: bool, **given: OptionValue) -> int:
    """Bring links back that an install, ci or update took away.

    Exits 1 when a package is gone.
    """
    folder = absolute_folder(given["cwd"])
    plan = run_command(
        given,
        lambda options: plan_relink(names, folder, options, shared=shared),
        lambda options: restore_links(names, folder, options, shared=shared),
        drop=("WNOLINKS",) if if_present else (),
    )
    # --if-present is for scripts of an install, which must not fail for a link (docs/link.md).
    missing = {problem.code for problem in plan.warnings} & {"WSOURCEGONE", "WNOTLINKED"}
    return int(bool(missing) and not if_present)


@click.command(cls=NpmCommand)
@output_options
@link_command
def undo(**given: OptionValue) -> None:
    """Take back the last link, unlink or relink of this project."""
    folder = absolute_folder(given["cwd"])
    run_command(
        given,
        lambda options: plan_last_undo(folder, options),
        lambda options: undo_journal(None, folder, options),
    )
