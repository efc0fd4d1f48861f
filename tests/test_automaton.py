"""The automaton's own bounds, which patterns reach only by far too much work."""

from __future__ import annotations

import pytest

from linkpack.errors import LinkpackError
from linkpack.select.automaton import END, Automaton


def test_steps_are_counted_over_all_names() -> None:
    """An automaton that worked too long says so."""
    automaton = Automaton(max_steps=30)
    start = automaton.text("ab", END)
    assert automaton.accepts(start, "ab")
    assert not automaton.accepts(start, "ba")
    with pytest.raises(LinkpackError, match="too long") as caught:
        automaton.accepts(start, "ab" * 10)
    assert caught.value.code == "EPATTERN"
