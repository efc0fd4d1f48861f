"""Ignore rules: reading their text, and what sets of them say."""

from __future__ import annotations

import pytest

from linkpack.errors import LinkpackError
from linkpack.glob.portion_matcher import fold
from linkpack.packlist.ignore import RuleSet, make_rules, parse_rules
from linkpack.packlist.rule_index import Question, applies


def parts(path: str) -> tuple[str, ...]:
    """The folded portions of *path*."""
    return tuple(fold(path).split("/"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", [("a", "f:1", False), ("b", "f:2", False)]),
        ("a\r\nb\r\n", [("a", "f:1", False), ("b", "f:2", False)]),
        ("a\rb\r", [("a\rb", "f:1", False)]),
        ("\ufeffa\n\u00a0b\u3000\n", [("a", "f:1", False), ("b", "f:2", False)]),
        ("# a\n  # b\n\n \t\nc # d", [("c # d", "f:5", False)]),
        (
            "!a\n!!b\n!!!c\n!",
            [("!a", "f:1", True), ("!!b", "f:2", False), ("!!!c", "f:3", True), ("!", "f:4", True)],
        ),
        ("\\#a\n\\!b", [("\\#a", "f:1", False), ("\\!b", "f:2", False)]),
    ],
)
def test_rules_are_read_as_npm_reads_them(text: str, expected: list[tuple[str, str, bool]]) -> None:
    """Lines, comments, space and negation."""
    assert [(rule.text, rule.where, rule.negated) for rule in parse_rules(text, "f")] == expected


def test_one_text_can_hold_several_rules() -> None:
    """All of them have the same place."""
    rules = make_rules(("a\n!b", " c "), "here")
    assert [(rule.text, rule.where) for rule in rules] == [("a", "here"), ("!b", "here"), ("c", "here")]


def test_a_rule_that_cannot_be_used_is_named_with_its_place() -> None:
    """A long one is cut."""
    with pytest.raises(LinkpackError, match=r"^x/\.npmignore:2: .*: \{1\.\.999999\}$") as caught:
        parse_rules("a\n{1..999999}", "x/.npmignore")
    assert caught.value.code == "EPATTERN"
    with pytest.raises(LinkpackError, match=r"a…$"):
        parse_rules("a" * 70_000, "x")


# One rule for every way to answer, and some that do not answer.
PATTERNS = r"""
a.js *.md t* x*y ?.c +(b|d) /r.js lib/i.js src/** **/obj/** */one **/p*/q/**
dist/ /top/ **/log {m,/n} {k/,l} *(z)/b ** /** **/ \[q **/*(z) tmp/*/x /
"""
PATHS = """
a.js x/A.JS b r.js y/r.js lib/i.js src src/a x/src/a obj x/obj x/obj/y u/one
a/p1/q/r dist x/dist x/dist/y top x/top log v/log m n x/n k x/k l b/b
z/b xay t1 1.c readme.MD [q z o tmp/o/x tmp
"""


@pytest.mark.parametrize("question", ["file", "folder", "maybe"])
@pytest.mark.parametrize("sign", ["", "!"])
@pytest.mark.parametrize("pattern", PATTERNS.split())
def test_runs_answer_as_their_rules(pattern: str, sign: str, question: Question) -> None:
    """A set, which sorts its rules to answer fast, gives the answer of each rule by itself."""
    (rule,) = make_rules((sign + pattern,), "")
    rules = RuleSet([rule])
    for path in PATHS.split():
        says = rules.keeps_file(parts(path)) if question == "file" else rules.keeps_folder(parts(path), question)
        assert says is (bool(sign) if applies(rule, parts(path), question) else None), path


def test_the_last_rule_that_matches_decides() -> None:
    """The set names that rule."""
    rules = RuleSet(parse_rules("*.js\n!a.js\nb.js\n/lib/a.js\n", ".npmignore"))
    assert rules.keeps_file(("A.JS",)) is True
    assert rules.keeps_file(("B.JS",)) is False
    assert rules.keeps_file(("C",)) is None
    assert rules.keeps_file(("LIB", "A.JS")) is False
    found = rules.last_match(("LIB", "A.JS"), "file")
    assert found is not None
    assert (found.where, found.text) == (".npmignore:4", "/lib/a.js")
    assert rules.last_match(("C",), "file") is None
