"""The limits that hold: inside a scope its own, outside of any the defaults."""

from __future__ import annotations

import pytest

from linkpack.errors import LinkpackError
from linkpack.limits import DEFAULTS, Limits, current, spend, within

SMALL = Limits(steps=10)


def test_scopes() -> None:
    """A scope's limits hold inside of it, one within it has its own, and one without limits joins it."""
    assert current() == DEFAULTS
    with within(SMALL):
        assert current() == SMALL
        with within(Limits(steps=5)):
            assert current().steps == 5
        with within():
            assert current() == SMALL
    with within():
        assert current() == DEFAULTS
    assert current() == DEFAULTS


def test_steps() -> None:
    """Steps are counted by scope, up to the very limit; a scope that joins goes on counting."""
    spend(DEFAULTS.steps + 1)
    with within(SMALL):
        spend(6)
        with within(SMALL):
            spend(10)
        with within():
            spend(4)
        with pytest.raises(LinkpackError, match="more than 10 steps") as caught:
            spend(1)
    assert (caught.value.code, "--max-steps" in caught.value.hint) == ("ELIMIT", True)
