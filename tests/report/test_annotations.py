"""Annotations are lines that GitHub's runner reads as they are meant."""

from __future__ import annotations

import pytest

from linkpack.errors import Problem
from linkpack.report.annotations import annotate, annotation


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem("WX", "", "odd"), "::warning title=WX::odd"),
        (Problem("EX", "/r/a/x.js", "bad", "mend it"), "::error file=a/x.js,title=EX::bad%0Amend it"),
        (Problem("EX", "/elsewhere/x.js", "bad"), "::error file=/elsewhere/x.js,title=EX::bad"),
        (Problem("EX", "/r/a.json", "/r/a.json:3: bad"), "::error file=a.json,line=3,title=EX::/r/a.json:3: bad"),
        (Problem("EX", "/r/a.json", "b.json:3:1: bad"), "::error file=a.json,title=EX::b.json:3:1: bad"),
        (Problem("EX", "/r/a,b:c%.js", "100 %"), "::error file=a%2Cb%3Ac%25.js,title=EX::100 %25"),
        (Problem("EX", "", "a\n::error::b\r"), "::error title=EX::a\\n::error::b\\r"),
    ],
)
def test_a_problem_is_one_line(problem: Problem, line: str) -> None:
    assert annotation(problem, "/r") == line


def test_the_file_and_severity_of_a_finding_go_before_its_own() -> None:
    problem = Problem("ESIZE", "lib/x.js", "large")
    assert annotation(problem, "/r", "warning", "/r/a.tgz") == "::warning file=a.tgz,title=ESIZE::large"


def test_the_same_problem_of_two_packages_is_said_once() -> None:
    assert annotate([Problem("WX", "", "odd")] * 2, "/r") == "::warning title=WX::odd"
