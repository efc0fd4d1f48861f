"""Print why the program fails, and choose its exit status."""

from __future__ import annotations

import contextlib
import errno
import io
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from linkpack.cli.terminal import print_report
from linkpack.cli.workflow import print_problems
from linkpack.errors import LinkpackError, Problem
from linkpack.report.problems import error_text
from linkpack.report.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable


class UnknownCommand(click.UsageError):
    """A command that does not exist, with the names of those like it."""

    def __init__(self, message: str, ctx: click.Context, name: str, names: Iterable[str]) -> None:
        near = get_close_matches(name, names)
        super().__init__(f"{message} Did you mean {' or '.join(map(repr, near))}?" if near else message, ctx)


def print_failure(error: click.ClickException | LinkpackError | OSError) -> int:
    """Print *error* on stderr, and return the exit status."""
    if isinstance(error, click.ClickException):
        # Words of the command line are in the message. They may hold commands to the terminal
        # (tests/cli/test_main.py, test_usage_errors_are_escaped).
        error.message = "\n".join(escape(line) for line in error.message.split("\n"))  # type: ignore[misc]  # ours to print
        shown = io.StringIO()
        error.show(shown)
        print_report(shown.getvalue().removesuffix("\n"))
        return error.exit_code
    if isinstance(error, LinkpackError):
        print_problems(error.problems, error_text(error.problems))
        return error.status
    # Standard output cannot be written (tests/cli/test_main.py, test_a_full_stdout). Neither may standard error.
    # The code is the system's name of the error (ENOSPC), as npm has it.
    problem = Problem(errno.errorcode.get(error.errno or 0, "EIO"), "", error.strerror or str(error))
    with contextlib.suppress(OSError):
        print_problems([problem], error_text([problem]))
    return 1
