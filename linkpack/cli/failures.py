"""Print failures as programs want them: as JSON on standard output, for commands that print JSON."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def json_failures(*, wanted: bool | Callable[[], bool]) -> Iterator[None]:
    """Print an error of the block as npm does for --json if that is *wanted*, and go on with it.

    *wanted* may be a function, for a command that has to look into settings to know.
    """
    try:
        yield
    except LinkpackError as err:
        if wanted() if callable(wanted) else wanted:
            from linkpack.report.pack import failure_json  # noqa: PLC0415 - a success need not import it

            click.echo(failure_json(err))
        raise
