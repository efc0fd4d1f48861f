"""Write problems as annotations of a workflow run on GitHub.

A line `::error file=…,line=…,title=…::message` in the output of a step becomes an annotation.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.report.text import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkpack.errors import Problem, Severity

_PLACE = r"(?P<path>.+?):(?P<line>[0-9]+)(?::(?P<column>[0-9]+))?: "
# The characters that have a meaning in such a line (actions/toolkit, packages/core/src/command.ts).
_IN_TEXT = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_IN_PROPERTY = (*_IN_TEXT, (":", "%3A"), (",", "%2C"))


def annotation(problem: Problem, root: str, severity: Severity | None = None, file: str = "") -> str:
    r"""Return the line that annotates *problem*.

    The annotation is at *file*, by default the path of the problem, relative to the checkout *root* if it is in
    there. *severity* is given where it is not the code's own.

    >>> from linkpack.errors import Problem
    >>> annotation(Problem("EJSON", "/r/a/package.json", "/r/a/package.json:2:12: not JSON", "mend it"), "/r")
    '::error file=a/package.json,line=2,col=12,title=EJSON::/r/a/package.json:2:12: not JSON%0Amend it'
    """
    path = file or problem.path
    properties = {"file": _below(path, root)} if path else {}
    place = re.match(_PLACE, problem.message)
    if place and place["path"] == path:  # the line may be that of another file, which the message is about
        properties["line"] = place["line"]
        if place["column"]:
            properties["col"] = place["column"]
    properties["title"] = problem.code
    listed = ",".join(f"{key}={_replace(escape(value), _IN_PROPERTY)}" for key, value in properties.items())
    text = "\n".join(escape(part) for part in (problem.message, problem.hint) if part)
    return f"::{severity or problem.severity} {listed}::{_replace(text, _IN_TEXT)}"


def annotate(problems: Iterable[Problem], root: str) -> str:
    """Return the lines that annotate *problems*, each once."""
    # Packages of one run may have a problem in common (tests/report/test_annotations.py, test_the_same_problem_…).
    return "\n".join(dict.fromkeys(annotation(problem, root) for problem in problems))


def _below(path: str, root: str) -> str:
    """Return *path* relative to *root* if it is in there, or normalized."""
    inside = f"{root.rstrip('/')}/"
    return path.removeprefix(inside) if root and path.startswith(inside) else posixpath.normpath(path)


def _replace(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for plain, written in pairs:
        text = text.replace(plain, written)
    return text
