"""Choose the command to run, and end with its exit status.

0: done. 1: refused or failed, with the reason on standard error. 2: the command line itself is wrong. 129, 130 and
143: stopped by SIGHUP, SIGINT and SIGTERM. Standard output has data only.
"""

from __future__ import annotations

import io
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, NoReturn

import click

from linkpack._version import __version__
from linkpack.cli.lazy import load
from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import FrameType

_INTERRUPTED = 130  # 128 and the number of SIGINT
_TERMINAL = "linkpack.cli.terminal"  # 1 ms, which `--version` need not spend
_SUMMARY = 1000  # characters of a command's summary, more than any has

# Command -> module:name. The module is imported when the command is asked for: `--version` needs none of them.
_COMMANDS = {
    "pack": "linkpack.cli.pack:pack",
    "why": "linkpack.cli.why:why",
    "verify": "linkpack.cli.verify:verify",
    "diff": "linkpack.cli.verify:diff",
    "unpack": "linkpack.cli.verify:unpack",
    "report": "linkpack.cli.report:report",
    "link": "linkpack.cli.link:link",
    "ln": "linkpack.cli.link:link",
    "unlink": "linkpack.cli.link:unlink",
    "relink": "linkpack.cli.link:relink",
    "sync": "linkpack.cli.sync:sync",
    "ls": "linkpack.cli.listing:ls",
    "status": "linkpack.cli.listing:ls",
    "undo": "linkpack.cli.link:undo",
    "prefix": "linkpack.cli.listing:prefix",
    "root": "linkpack.cli.listing:root",
    "bin": "linkpack.cli.listing:bin_",
    "config": "linkpack.cli.config:config",
    "doctor": "linkpack.cli.doctor:doctor",
    "explain": "linkpack.cli.explain:explain",
}
# `ln` is npm's alias too (npm 12.2, lib/utils/cmd-list.js).
_ALIASES = {"ln": "link", "status": "ls"}


class _Lazy(click.Group):
    """A group that imports only the command that was asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the commands' names without aliases, in the help's order."""
        return [*(name for name in _COMMANDS if name not in _ALIASES), "help"]

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command called *cmd_name*, None where there is none."""
        if cmd_name == "help":
            return _help
        home = _COMMANDS.get(cmd_name)
        if home is None:
            return None
        command = load(home)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that *args* begin with, or raise `UsageError`."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as err:
            unknown_command: Callable[..., click.UsageError] = load("linkpack.cli.exit_report:UnknownCommand")
            raise unknown_command(err.message, ctx, args[0], [*_COMMANDS, "help"]) from err

    def invoke(self, ctx: click.Context) -> object:
        """Run the command, and raise `Abort` when the user interrupts it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as err:  # before click breaks the line, which may have progress to be wiped
            raise click.exceptions.Abort from err

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their aliases, each with its first sentence."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None:
                aliases = [alias for alias, target in _ALIASES.items() if target == name]
                rows.append((", ".join([name, *aliases]), command.get_short_help_str(limit=_SUMMARY)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.command(name="help")
@click.argument("command", required=False, metavar="[COMMAND]")
@click.pass_context
def _help(ctx: click.Context, command: str | None) -> None:
    """Show what linkpack, or one COMMAND of it, can do."""
    parent = ctx.parent or ctx
    if command is None:
        click.echo(parent.get_help())
        return
    name, resolved, _ = linkpack.resolve_command(parent, [command])
    if resolved is not None:
        names = parent.help_option_names
        with click.Context(resolved, info_name=name, parent=parent, help_option_names=names) as context:
            click.echo(resolved.get_help(context))


@click.group(cls=_Lazy, subcommand_metavar="COMMAND", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="%(version)s")
@click.pass_context
def linkpack(ctx: click.Context) -> None:
    """Develop against linked npm packages, and publish them as on disk."""
    import signal  # noqa: PLC0415 - 0.5 ms, which --version and --help need not spend

    # A closed terminal (SIGHUP) ends the run as cleanly as SIGTERM (tests/cli/test_main.py, test_a_signal_in_…).
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # under nohup (test_nohup)
            signal.signal(number, _terminate)
    if isinstance(ctx.obj, ExitStack):
        open_screen: Callable[[], AbstractContextManager[None]] = load(f"{_TERMINAL}:open_screen")
        ctx.obj.enter_context(open_screen())


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line *args*, by default the process's own, and exit."""
    # A name that the terminal's encoding lacks is escaped, not an error.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with ExitStack() as stack:  # the screen, which a command opens, stays open for what is printed at the end
        try:
            status = linkpack.main(args, prog_name="linkpack", standalone_mode=False, obj=stack)
        except click.exceptions.Abort:
            print_interruption: Callable[[], None] = load(f"{_TERMINAL}:print_interruption")
            print_interruption()
            sys.exit(_INTERRUPTED)
        except (click.ClickException, LinkpackError, OSError) as err:
            print_failure: Callable[[Exception], int] = load("linkpack.cli.exit_report:print_failure")
            sys.exit(print_failure(err))
    sys.exit(status if isinstance(status, int) else 0)


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    """Exit by an exception, so that open blocks undo what they began."""
    sys.exit(128 + number)
