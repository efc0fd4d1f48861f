"""The command line: a group whose commands are loaded when they are asked for, and the one place for exit status.

0: done. 1: refused or failed, said on standard error. 2: the command line itself is wrong. 130 and 143: stopped
by SIGINT and SIGTERM. Standard output carries data only.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from linkpack._version import __version__
from linkpack.errors import LinkpackError, Problem
from linkpack.report.problems import error_text, problem_lines
from linkpack.report.text import safe

if TYPE_CHECKING:
    from types import FrameType

_INTERRUPTED = 130  # 128 and the number of SIGINT
_WHOLE = 1000  # characters of a command's summary: as many as it has

# command -> where it is; a module is imported when its command is
_COMMANDS = {
    "pack": "linkpack.cli.pack:pack",
    "why": "linkpack.cli.why:why",
    "verify": "linkpack.cli.verify:verify",
    "diff": "linkpack.cli.verify:diff",
    "unpack": "linkpack.cli.verify:unpack",
    "link": "linkpack.cli.link:link",
    "ln": "linkpack.cli.link:link",
    "unlink": "linkpack.cli.link:unlink",
    "relink": "linkpack.cli.link:relink",
    "ls": "linkpack.cli.listing:ls",
    "status": "linkpack.cli.listing:ls",
    "undo": "linkpack.cli.link:undo",
    "prefix": "linkpack.cli.listing:prefix",
    "root": "linkpack.cli.listing:root",
    "bin": "linkpack.cli.listing:bin_",
    "config": "linkpack.cli.listing:config",
    "doctor": "linkpack.cli.doctor:doctor",
    "explain": "linkpack.cli.explain:explain",
}


_ALIASES = {"ln": "link", "status": "ls"}


class _Lazy(click.Group):
    """A group that imports only the command that was asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List the commands' names as the help has them, without those that are other names of one."""
        return [*(name for name in _COMMANDS if name not in _ALIASES), "help"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command called *cmd_name*; None when there is none."""
        if cmd_name == "help":
            return _help
        where = _COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        found = getattr(importlib.import_module(module), name)
        return found if isinstance(found, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that *args* begin with; an error for an unknown one names those that are like it."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as err:
            from difflib import get_close_matches  # noqa: PLC0415 - only for who mistypes

            near = get_close_matches(args[0], [*_COMMANDS, "help"])
            if not near:
                raise
            message = f"{err.message} Did you mean {' or '.join(map(repr, near))}?"
            raise click.UsageError(message, ctx) from err

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their other names, each with the whole first sentence about it."""
        others = {name: [other for other, meant in _ALIASES.items() if meant == name] for name in _COMMANDS}
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None:
                rows.append((", ".join([name, *others.get(name, ())]), command.get_short_help_str(limit=_WHOLE)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.command(name="help")
@click.argument("command", required=False, metavar="[COMMAND]")
@click.pass_context
def _help(ctx: click.Context, command: str | None) -> None:
    """Show what linkpack, or one COMMAND of it, can do."""
    above = ctx.parent or ctx
    if command is None:
        click.echo(above.get_help())
        return
    name, found, _ = linkpack.resolve_command(above, [command])
    if found is not None:
        with click.Context(
            found, info_name=name, parent=above, help_option_names=above.help_option_names
        ) as inner:
            click.echo(found.get_help(inner))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="%(version)s")
def linkpack() -> None:
    """Develop against linked npm packages, and publish them as they are on disk."""
    import signal  # noqa: PLC0415 - only what runs can be stopped

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # ignored under nohup
            signal.signal(number, _terminated)


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line *args* (default: the process's own) and exit with its status."""
    # A name that the terminal's encoding lacks is escaped, not an error.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = linkpack.main(args, prog_name="linkpack", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(_INTERRUPTED)
    except click.ClickException as err:
        # Words of the command line are in the message, and a file may be called like a command to the terminal.
        err.message = "\n".join(safe(line) for line in err.message.split("\n"))  # type: ignore[misc]  # ours to print
        err.show()
        sys.exit(err.exit_code)
    except LinkpackError as err:
        click.echo(error_text(err.problems), err=True)
        sys.exit(err.status)
    except OSError as err:  # standard output is full, or gone in some other way than a closed pipe
        code = errno.errorcode.get(err.errno or 0, "EIO")
        with contextlib.suppress(OSError):
            click.echo(problem_lines(Problem(code, "", err.strerror or str(err))), err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signature of a handler
    """Leave through the open blocks, so that they take back what they began."""
    sys.exit(128 + number)
