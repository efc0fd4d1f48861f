"""Print problems as lines, or as annotations of a workflow run."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.cli.terminal import annotates_problems, print_report
from linkpack.report.annotations import annotate
from linkpack.system.own_process import environment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkpack.errors import Problem


def print_problems(problems: Iterable[Problem], text: str) -> None:
    """Print *text*, or annotations if these are asked for.

    *text* has the lines about *problems*.
    """
    if not annotates_problems():
        print_report(text)
        return
    placed = (each._replace(path=posixpath.abspath(each.path)) if each.path else each for each in problems)
    print_report(annotate(placed, checkout()))


def checkout() -> str:
    """Return the checkout of a workflow run, or the current directory."""
    # Annotations have paths relative to it, as GitHub shows them.
    return environment().get("GITHUB_WORKSPACE") or posixpath.abspath(".")
