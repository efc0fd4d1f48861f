"""The options of `linkpack pack` about scripts, workspaces and parallel work, and what they ask for."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from linkpack.project.local import Picks, find_local_project
from linkpack.project.monorepo import read_monorepo
from linkpack.project.selection import Publishable, choose_workspaces, leave_private
from linkpack.system import own_process
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from linkpack.jobs.workers import Crew
    from linkpack.lifecycle.scripts import Hooks
    from linkpack.npm.flags import FlagValue
    from linkpack.system.processes import Script

_OPTIONS = (
    click.option(
        "--ignore-scripts/--no-ignore-scripts",
        default=None,
        help="Run no lifecycle scripts.  [default: as npm is set, which is to run them]",
    ),
    click.option(
        "--script-shell",
        metavar="SHELL",
        default="",
        help="Run scripts by this shell.  [default: as npm is set, or sh]",
    ),
    click.option(
        "--run-linked-scripts", is_flag=True, help="First run prepack and prepare of linked bundled packages."
    ),
    click.option(
        "--workspace",
        "-w",
        multiple=True,
        metavar="NAME",
        help="Pack a workspace: its name, path or parent folder.",
    ),
    click.option(
        "--workspaces/--no-workspaces", "-ws", default=None, help="Pack every workspace that is not private."
    ),
    click.option(
        "--include-workspace-root/--no-include-workspace-root",
        "-iwr",
        default=None,
        help="With workspaces, pack their root as well.",
    ),
    click.option(
        "--private/--no-private", default=False, help="With workspaces, pack private ones as well, as npm does."
    ),
    click.option(
        "--jobs",
        "-j",
        metavar="N",
        type=click.IntRange(min=1),
        default=None,
        help="Pack so many packages at a time.  [default: one more than processors, one if they are few]",
    ),
    click.option(
        "--scheduler", metavar="ADDRESS", default="", help="Pack on the Dask cluster there: tcp://host:8786."
    ),
    click.option("--fail-fast", is_flag=True, help="When one of many packages fails, begin no other."),
)


class RunOptions(NamedTuple):
    """The values of the options."""

    ignore_scripts: bool | None = None
    script_shell: str = ""
    run_linked_scripts: bool = False
    workspace: tuple[str, ...] = ()
    workspaces: bool | None = None
    include_workspace_root: bool | None = None
    private: bool = False
    jobs: int | None = None
    scheduler: str = ""
    fail_fast: bool = False

    @property
    def asks_for_workspaces(self) -> bool:
        """True if workspaces are to be packed."""
        return bool(self.workspace or self.workspaces)

    @property
    def many(self) -> bool:
        """True if packages are packed side by side, each by itself."""
        return bool(self.asks_for_workspaces or self.jobs or self.scheduler or self.fail_fast)

    @property
    def crew(self) -> Crew:
        """Who does the work."""
        from linkpack.jobs.workers import Crew  # noqa: PLC0415 - loads all of concurrent.futures

        return Crew(self.jobs or 0, self.scheduler)

    def folders(self, given: tuple[str, ...]) -> Publishable:
        """Find the folders to pack: those *given*, where `.` stands for the workspaces asked for, or those.

        Folders without a `.` among them are packed in place of the workspaces, as by npm.
        """
        if not self.asks_for_workspaces or (given and "." not in given):
            return Publishable(given, ())
        start = fs.real_path(".")
        root = find_local_project(start).root
        picks = Picks(self.workspace, every=bool(self.workspaces), with_root=bool(self.include_workspace_root))
        chosen = choose_workspaces(root, read_monorepo(root), picks, start)
        found = Publishable(tuple(each.folder for each in chosen), ()) if self.private else leave_private(chosen)
        return found._replace(folders=(*found.folders, *(each for each in given if each != ".")))

    def hooks(self, announce: Callable[[Script], None], flags: Mapping[str, FlagValue]) -> Hooks | None:
        """Return how to run scripts, which see *flags* as npm's; None when none are to be run."""
        if self.ignore_scripts:
            return None
        from linkpack.lifecycle.scripts import Hooks  # noqa: PLC0415 - loads subprocess

        return Hooks(
            env=own_process.environment(),
            script_shell=self.script_shell,
            linked=self.run_linked_scripts,
            workspaces=self.asks_for_workspaces,
            announce=announce,
            flags=flags,
        )


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """*command* with the options, which it gets in one keyword argument, `run`."""

    @wraps(command)
    def call(*args: object, **given: Any) -> Any:  # noqa: ANN401 - as the command is
        own = {name: given.pop(name) for name in RunOptions._fields}
        return command(*args, **given, run=RunOptions(**own))

    for option in reversed(_OPTIONS):
        call = option(call)
    return call
