"""Print problems: as lines for a person, or as annotations of a workflow run."""

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
    """Print *text*, the lines about *problems*, or annotations if these are asked for."""
    if not annotates_problems():
        print_report(text)
        return
    placed = (each._replace(path=posixpath.abspath(each.path)) if each.path else each for each in problems)
    print_report(annotate(placed, checkout()))


def checkout() -> str:
    """Return the folder that a workflow run has checked out, or the current directory."""
    return environment().get("GITHUB_WORKSPACE") or posixpath.abspath(".")
