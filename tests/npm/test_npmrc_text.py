"""npm's ini dialect, as far as npmrc files use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from linkpack.npm.npmrc_text import TooLong, expand, parse_npmrc

FIXTURES = Path(__file__).parents[2] / "fixtures" / "npmrc"
CASES = sorted(FIXTURES.glob("*.npmrc"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_npmrc_has_the_values_of_the_json_beside_it(path: Path) -> None:
    wanted = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert parse_npmrc(path.read_bytes().decode()) == wanted


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a=\\", {"a": "\\"}),
        ("a='", {"a": ""}),
        ('a="', {"a": '"'}),
        ("a={}", {"a": "{}"}),
        ("a='{}'", {"a": "{}"}),
        ("a='NaN'", {"a": "NaN"}),
        ("=x", {}),
        ("a[]=1\na[]=2", {"a": ["1", "2"]}),
        ("true", {"true": True}),
        ("a=1\u2028=2", {}),
        ("[x\na=1", {"[x": True, "a": "1"}),
        ("'null'=5", {"null": "5"}),
    ],
)
def test_odd_lines_mean_what_npm_takes_them_for(text: str, found: dict[str, object]) -> None:
    assert parse_npmrc(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("${A}/x", "1/x"),
        ("${NO}", "${NO}"),
        ("${NO?}x", "x"),
        ("${A?}", "1"),
        (r"\${A}", "${A}"),
        (r"\\${A}", r"\1"),
        (r"\\\${A}", r"\${A}"),
        ("${A}${A}", "11"),
        ("${}", "${}"),
        ("$A", "$A"),
    ],
)
def test_variables_are_replaced_as_npm_replaces_them(text: str, found: str) -> None:
    """Variables are replaced, and stay or vanish when unset, as npm has it."""
    assert expand(text, {"A": "1"}) == found


def test_a_variable_that_is_named_often_does_not_fill_the_memory() -> None:
    """A result is made up to the limit and no further; escaped and unset names count by what they become."""
    assert expand("${A}" * 5, {"A": "123456"}, limit=30) == "123456" * 5
    assert expand(r"\${A}" * 5, {"A": "123456"}, limit=20) == "${A}" * 5
    with pytest.raises(TooLong, match="expand to more than 29 characters"):
        expand("${A}" * 5, {"A": "123456"}, limit=29)
    with pytest.raises(TooLong):
        expand("${A}" * 100_000, {"A": "x" * 100_000})
