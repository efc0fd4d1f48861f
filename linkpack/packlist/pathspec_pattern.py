"""Name the deciding rule of an ignore file with the pathspec library.

Only `linkpack why` uses pathspec, where a person asks for the reason. It names the same rule as
`RuleSet.last_match` (tests/property/test_patterns.py), and takes 22 ms to import. `pack` does not load this module
(tests/packlist/test_pathspec_pattern.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pathspec import PathSpec
from pathspec.pattern import Pattern

from linkpack.glob.portion_matcher import fold
from linkpack.packlist.ignore import BUILT_IN, FILES
from linkpack.packlist.precedence import find_deciding_set
from linkpack.packlist.rule_index import applies

if TYPE_CHECKING:
    from linkpack.packlist.precedence import Candidate
    from linkpack.packlist.rule_index import Question, Rule, Rules


def find_rule_by_pathspec(asked: Candidate, question: Question) -> Rule | None:
    """Return the rule that decides about the path, or None.

    It is that of `precedence.find_deciding_rule`.
    """
    deciding = find_deciding_set(asked, question)
    if deciding is None:
        return None
    depth, rules = deciding
    if rules.rules[0].where in {BUILT_IN, FILES}:
        return rules.last_match(asked.parts[depth:], question)
    path = asked.path.split("/", depth)[depth]
    return find_last_match(rules, path if question == "file" else f"{path}/")


def find_last_match(rules: Rules, path: str) -> Rule | None:
    """Return the last of *rules* that matches *path*, or None.

    A path with a slash behind it is a directory, which is asked "maybe".
    """
    # The other backends want regular expressions, which these patterns are not.
    spec = PathSpec([NpmPattern(rule) for rule in rules.rules], backend="simple")
    index = spec.check_file(path).index
    return None if index is None else rules.rules[index]


class NpmPattern(Pattern):
    """One rule as a pattern of pathspec.

    To pathspec a pattern that includes a path ignores it.
    """

    __slots__ = ("_rule",)

    def __init__(self, rule: Rule) -> None:
        super().__init__(not rule.negated)
        self._rule = rule

    def match_file(self, file: str) -> bool | None:
        """Return True if the rule matches *file*, None if it does not."""
        parts = tuple(fold(file.rstrip("/")).split("/"))
        return applies(self._rule, parts, "maybe" if file.endswith("/") else "file") or None
