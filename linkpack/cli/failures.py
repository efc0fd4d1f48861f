"""Print failures as JSON on standard output, for commands with --json."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from linkpack.cli.terminal import print_result
from linkpack.errors import LinkpackError
from linkpack.report.problems import error_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def json_failures(*, wanted: bool | Callable[[], bool]) -> Iterator[None]:
    """Print an error of the block as npm does with --json, and raise it again.

    It is printed if *wanted*. This may be a function, for a command that has to read settings to know.
    """
    try:
        yield
    except LinkpackError as err:
        if wanted() if callable(wanted) else wanted:
            print_result(json.dumps(error_values(err.problems), indent=2))
        raise
