"""Each problem is printed once, with its code and what to do about it."""

from __future__ import annotations

from linkpack.errors import Problem
from linkpack.report.problems import (
    error_text,
    error_values,
    errors_by_package,
    problem_lines,
    warning_text,
    warnings_by_package,
)


def test_warnings_and_failures_have_code_message_and_hint() -> None:
    """Each problem is a line with its code, and an indented one with what to do."""
    problems = [Problem("EA", "p", "a\nb is wrong", "mend\tit"), Problem("WB", "p", "b")]
    assert error_text(problems) == ("linkpack: error EA: a\\nb is wrong\n  mend\\tit\nlinkpack: warning WB: b")


def test_a_hint_is_told_once() -> None:
    """The same advice is not repeated, for errors and for warnings; other advice is."""
    problems = [Problem("EA", "p", "one", "mend"), Problem("EA", "p", "two", "mend"), Problem("EB", "p", "c", "x")]
    lines = ["EA: one", "  mend", "EA: two", "EB: c", "  x"]
    for text in (error_text(problems), warning_text(problems)):
        assert text.replace("linkpack: error ", "").split("\n") == lines


def test_many_warnings_of_one_code_are_counted() -> None:
    """Ten of a code are told, the rest counted; verbose tells all, and errors are always all told."""
    problems = [Problem("WA", "p", f"number {number}") for number in range(13)] + [Problem("WB", "p", "other")]
    lines = warning_text(problems).split("\n")
    assert lines[9:] == [
        "linkpack: warning WA: number 9",
        "linkpack: warning WB: other",
        "linkpack: warning WA: and 3 more (-v lists them)",
    ]
    assert len(warning_text(problems, verbose=True).split("\n")) == 14
    assert len(error_text(problems).split("\n")) == 14


def test_a_cause_of_many_packages_is_told_once() -> None:
    """What several packages have in common is one line with their names, wherever their files are."""
    found = [(name, [Problem("WA", f"/{name}", "same", "mend"), Problem("WB", "", name)]) for name in "abcdefg"]
    lines = warnings_by_package(found).split("\n")
    assert lines[:3] == [
        "linkpack: warning WA: a, b, c, d, e and 2 more: same",
        "  mend",
        "linkpack: warning WB: a: a",
    ]
    assert len(lines) == 9
    full = errors_by_package(found, verbose=True).split("\n")
    assert full[0] == "linkpack: warning WA: a, b, c, d, e, f, g: same"


def test_failure_json() -> None:
    """A failure's JSON has npm's three keys, a line for each problem in the summary, and each hint once."""
    problems = (Problem("EA", "p", "a\x1b", "mend"), Problem("EB", "p", "b", "mend"), Problem("EC", "p", "c"))
    error = error_values(problems)
    assert error["error"] == {"code": "EA", "summary": "a\\x1b\nb\nc", "detail": "mend"}
    assert error["problems"] == [
        {"code": "EA", "severity": "error", "path": "p", "message": "a\x1b", "fix": "mend"},
        {"code": "EB", "severity": "error", "path": "p", "message": "b", "fix": "mend"},
        {"code": "EC", "severity": "error", "path": "p", "message": "c", "fix": ""},
    ]
    alone = error_values([Problem("ENO", "", "no")])
    assert alone == {"error": {"code": "ENO", "summary": "no", "detail": ""}}


def test_a_single_problem_is_listed_when_the_summary_does_not_name_its_path() -> None:
    assert list(error_values([Problem("ENO", "a.tgz", "a.tgz cannot be read")])) == ["error"]
    assert list(error_values([Problem("ENO", "/x/package.json", "the name is empty")])) == ["error", "problems"]


def test_a_finding_that_was_allowed_is_a_warning_about_its_tarball() -> None:
    text = problem_lines(Problem("ESIZE", "", "large", "leave files out"), severity="warning", subject="a\x1b.tgz")
    assert text == "linkpack: a\\x1b.tgz: warning ESIZE: large\n  leave files out"
