"""Write problems for a person, and as values for JSON.

All commands print errors, warnings and findings by these functions, each one as

    linkpack: error CODE: message
      hint
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.report.text import escape, shorten, them

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.errors import Problem, Severity

_MOST_WARNINGS = 10  # of one code that are listed without --verbose
_MOST_NAMES = 5  # of packages that have the same problem, likewise


def problem_lines(problem: Problem, severity: Severity | None = None, subject: str = "") -> str:
    """Return the lines about one problem.

    *severity* is given where it is not the code's own, as with `verify --allow`. *subject* goes in front where the
    message alone does not say which tarball it is about.
    """
    front = f"{escape(subject)}: " if subject else ""
    line = f"linkpack: {front}{severity or problem.severity} {problem.code}: {escape(problem.message)}"
    return f"{line}\n  {escape(problem.hint)}" if problem.hint else line


def error_text(problems: Iterable[Problem]) -> str:
    """Return the lines about *problems*, all of them, each hint once."""
    return "\n".join(_lines((("", problem) for problem in problems), most=0))


def warning_text(problems: Iterable[Problem], *, verbose: bool = False) -> str:
    """Return the lines about warnings, each hint once.

    Unless *verbose*, only the first warnings of each code are listed, and the others counted.
    """
    return "\n".join(_lines((("", problem) for problem in problems), most=0 if verbose else _MOST_WARNINGS))


def errors_by_package(packages: Iterable[tuple[str, Iterable[Problem]]], *, verbose: bool = False) -> str:
    """Return the lines about errors, each once with its packages' names."""
    return "\n".join(_lines(_by_problem(packages, verbose=verbose), most=0))


def warnings_by_package(packages: Iterable[tuple[str, Iterable[Problem]]], *, verbose: bool = False) -> str:
    """Return the lines about warnings, each once with its packages' names."""
    return "\n".join(_lines(_by_problem(packages, verbose=verbose), most=0 if verbose else _MOST_WARNINGS))


def problem_values(problem: Problem, severity: Severity | None = None) -> dict[str, str]:
    """Return what every JSON says of one problem.

    *severity* is given where it is not the code's own. Texts are not escaped: whoever prints them does that.
    """
    return {
        "code": problem.code,
        "severity": severity or problem.severity,
        "path": problem.path,
        "message": problem.message,
        "fix": problem.hint,
    }


def error_values(problems: Sequence[Problem]) -> dict[str, object]:
    """Return what npm prints for a failure with --json, as values.

    The summary has a line for each problem, the detail their hints. `problems` follow where they say more than
    npm's object: where there are several, or the summary does not name the path.
    """
    # Keys as of npm 12.2, lib/utils/output-error.js, compared with npm in tests/differential/test_pack.py.
    summary = "\n".join(escape(problem.message) for problem in problems)
    detail = "\n".join(dict.fromkeys(escape(problem.hint) for problem in problems if problem.hint))
    error = {"code": problems[0].code, "summary": summary, "detail": detail}
    if len(problems) == 1 and problems[0].path in problems[0].message:
        return {"error": error}
    return {"error": error, "problems": [problem_values(problem) for problem in problems]}


def _by_problem(
    packages: Iterable[tuple[str, Iterable[Problem]]], *, verbose: bool
) -> Iterator[tuple[str, Problem]]:
    """Yield each problem once, with the names of the packages that have it."""
    names: dict[Problem, list[str]] = {}
    for name, problems in packages:
        # Without the path, which differs: a cause that packages have in common is one problem.
        for problem in dict.fromkeys(problem._replace(path="") for problem in problems):
            names.setdefault(problem, []).append(name)
    for problem, owners in names.items():
        yield shorten(owners, _MOST_NAMES, verbose=verbose), problem


def _lines(problems: Iterable[tuple[str, Problem]], *, most: int) -> Iterator[str]:
    """Yield the lines about problems, each with the names it is about.

    Of one code there are *most* lines, or all of them if that is 0.
    """
    numbers: dict[str, int] = {}
    hints: set[str] = set()
    severities: dict[str, str] = {}
    for names, problem in problems:
        numbers[problem.code] = numbers.get(problem.code, 0) + 1
        severities[problem.code] = problem.severity
        if most and numbers[problem.code] > most:
            continue
        named = problem._replace(message=f"{names}: {problem.message}") if names else problem
        yield problem_lines(named if named.hint not in hints else named._replace(hint=""))
        hints.add(problem.hint)
    for code, number in numbers.items():
        if most and number > most:
            more = number - most
            yield f"linkpack: {severities[code]} {code}: and {more} more (-v lists {them(more)})"
