"""Frames: who speaks, and which rule is named."""

from __future__ import annotations

from linkpack.packlist.ignore import RuleSet, parse_rules
from linkpack.packlist.precedence import Asked, decider, deeper, keeps, reason


def test_nothing_said() -> None:
    """What no rule names is kept, and there is no reason to give."""
    silent = Asked("a", ("A",), ())
    assert keeps(silent, "file")
    assert decider(silent, "file") is None
    frames = deeper((), (RuleSet(parse_rules("!a", ".npmignore")),), is_open=True)
    rule = decider(Asked("a", ("A",), frames), "file")
    assert rule is not None
    assert reason(rule) == ""


def test_neighbours_with_the_same_rules_are_one_frame() -> None:
    """However deep a path is, directories that say only what is built in are asked together."""
    root, plain = (RuleSet(parse_rules("x", "r")),), (RuleSet(parse_rules("y", "p")),)
    frames = deeper((), root, is_open=True)
    for depth in range(1, 100):
        frames = deeper(frames, plain, is_open=depth == 1)
    assert [(frame.first, frame.last, frame.open) for frame in frames] == [(0, 0, True), (1, 99, True)]
