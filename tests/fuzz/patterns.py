"""Any bytes as an ignore file, asked about any paths: what stands after the first NUL is paths, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError
from linkpack.glob.portion_matcher import fold
from linkpack.limits import Limits, within
from linkpack.packlist.ignore import RuleSet, parse_rules
from linkpack.packlist.pathspec_pattern import find_last_match

if TYPE_CHECKING:
    from linkpack.packlist.rule_index import Rule

LIMITS = Limits(steps=300_000)
MOST = 4096  # bytes of rules; what is longer only repeats
PATHS = "a/b.js\nnode_modules/x/index.js\nlib\n.npmrc\n"


def one_input(data: bytes) -> None:
    """Rules or a refusal; every way of asking gives one answer, and the rule named is the last that fits."""
    try:
        with within(LIMITS):
            _answered(data)
    except LinkpackError as err:
        _refused(err)


def _answered(data: bytes) -> None:
    head, _, tail = data.partition(b"\0")
    known = RuleSet(parse_rules(head[:MOST].decode("utf-8", "replace"), ".npmignore"))
    for path in (PATHS + tail[:MOST].decode("utf-8", "surrogateescape")).split("\n")[:7]:
        parts = tuple(part for part in fold(path).split("/") if part not in {"", ".", ".."})
        if parts:
            _ask(known, parts)


def _refused(err: LinkpackError) -> None:
    assert err.code in {"EPATTERN", "ELIMIT"}, err.code
    assert err.code == "ELIMIT" or ".npmignore:" in err.message, err.message


def _ask(known: RuleSet, parts: tuple[str, ...]) -> None:
    path = "/".join(parts)
    last = known.last_match(parts, "file")
    assert known.keeps_file(parts) is _keeps(last), (path, last)
    assert find_last_match(known, path) == last, (path, last)
    for question in ("folder", "maybe"):
        last = known.last_match(parts, question)
        assert known.keeps_folder(parts, question) is _keeps(last), (path, question, last)


def _keeps(rule: Rule | None) -> bool | None:
    return rule.negated if rule else None
