"""The automaton's own bounds, which patterns reach only by far too much work."""

from __future__ import annotations

import pytest

from linkpack.errors import LinkpackError
from linkpack.glob.automaton import END, Automaton
from linkpack.limits import Limits, within


def test_steps_are_counted_over_all_names() -> None:
    """What automata may do together in one scope is bounded; without a scope, each name by itself is."""
    automaton = Automaton()
    start = automaton.add_text("ab", END)
    with within(Limits(steps=30)):
        assert automaton.accepts(start, "ab")
        assert not automaton.accepts(start, "ba")
        with pytest.raises(LinkpackError, match="more than 30 steps") as caught:
            automaton.accepts(start, "ab" * 10)
    assert caught.value.code == "ELIMIT"
    assert not automaton.accepts(start, "ab" * 10)
