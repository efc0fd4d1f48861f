"""Rules of several directories: which of them decides, and which rule is named."""

from __future__ import annotations

from linkpack.packlist.ignore import RuleSet, parse_rules
from linkpack.packlist.precedence import Candidate, add_directory, explain_rule, find_deciding_rule, keeps


def test_a_path_that_no_rule_matches_is_kept() -> None:
    """There is no reason to give, and none for a path that a rule keeps."""
    unmatched = Candidate("a", ("A",), ())
    assert keeps(unmatched, "file")
    assert find_deciding_rule(unmatched, "file") is None
    directories = add_directory((), (RuleSet(parse_rules("!a", ".npmignore")),), is_open=True)
    rule = find_deciding_rule(Candidate("a", ("A",), directories), "file")
    assert rule is not None
    assert explain_rule(rule) == ""


def test_neighbours_with_the_same_rules_are_one() -> None:
    """However deep a path is, directories that have built-in rules only are asked together."""
    root, plain = (RuleSet(parse_rules("x", "r")),), (RuleSet(parse_rules("y", "p")),)
    directories = add_directory((), root, is_open=True)
    for depth in range(1, 100):
        directories = add_directory(directories, plain, is_open=depth == 1)
    assert [(rules.first, rules.last, rules.is_open) for rules in directories] == [(0, 0, True), (1, 99, True)]
