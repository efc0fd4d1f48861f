"""The options of `linkpack pack` about scripts, workspaces and parallel work, and what they ask for."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from linkpack.disk import fs, fslinks

if TYPE_CHECKING:
    from collections.abc import Callable

    from linkpack.run.lifecycle import Hooks
    from linkpack.run.parallel import Crew
    from linkpack.run.scripts import Script

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
    click.option("--workspaces", "-ws", is_flag=True, help="Pack every workspace."),
    click.option(
        "--include-workspace-root", "-iwr", is_flag=True, help="With workspaces, pack their root as well."
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
    workspaces: bool = False
    include_workspace_root: bool = False
    jobs: int | None = None
    scheduler: str = ""
    fail_fast: bool = False

    @property
    def many(self) -> bool:
        """Whether packages are packed side by side, each by itself."""
        return bool(self.workspace or self.workspaces or self.jobs or self.scheduler or self.fail_fast)

    @property
    def crew(self) -> Crew:
        """Who does the work."""
        from linkpack.run.parallel import Crew  # noqa: PLC0415 - loads all of concurrent.futures

        return Crew(self.jobs or 0, self.scheduler)

    def folders(self, given: tuple[str, ...]) -> tuple[str, ...]:
        """The folders to pack: those *given*, where `.` stands for the workspaces asked for, or those.

        Folders without a `.` among them are packed in place of the workspaces, as by npm.
        """
        if not (self.workspace or self.workspaces) or (given and "." not in given):
            return given
        from linkpack.run.choose import choose_workspaces  # noqa: PLC0415 - one package needs no workspaces

        chosen = choose_workspaces(
            ".", self.workspace, every=self.workspaces, with_root=self.include_workspace_root
        )
        return (*chosen, *(each for each in given if each != "."))

    def hooks(self, announce: Callable[[Script], None]) -> Hooks | None:
        """How to run scripts; None when none are to be run."""
        from linkpack.run.environment import ignores_scripts  # noqa: PLC0415 - loads subprocess
        from linkpack.run.lifecycle import Hooks  # noqa: PLC0415 - as above

        env = fslinks.environment()
        ignore = ignores_scripts(env, fs.real_path(".")) if self.ignore_scripts is None else self.ignore_scripts
        if ignore:
            return None
        workspaces = bool(self.workspace or self.workspaces)
        return Hooks(env, self.script_shell, self.run_linked_scripts, workspaces, announce, _npm_flags())


def _npm_flags() -> dict[str, str | bool]:
    """What the command line says that npm has a flag for, by npm's names."""
    context = click.get_current_context(silent=True)
    given = context.params if context else {}
    flags: dict[str, str | bool] = {}
    if given.get("dry_run"):
        flags["dry-run"] = True
    if given.get("as_json"):
        flags["json"] = True
    if given.get("pack_destination", ".") != ".":
        flags["pack-destination"] = given["pack_destination"]
    return flags


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """*command* with the options, which it gets in one keyword argument, `run`."""

    @wraps(command)
    def call(*args: object, **given: Any) -> Any:  # noqa: ANN401 - as the command is
        own = {name: given.pop(name) for name in RunOptions._fields}
        return command(*args, **given, run=RunOptions(**own))

    for option in reversed(_OPTIONS):
        call = option(call)
    return call
