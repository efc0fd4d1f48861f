"""Errors as values: every one has a code, and a rejected plan has all of its problems."""

from __future__ import annotations

import pytest

from linkpack import errors
from linkpack.errors import LinkpackError, PlanRejected, Problem

TREE = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, LinkpackError)]


@pytest.mark.parametrize("error", [one for one in TREE if not issubclass(one, PlanRejected)])
def test_each_is_one_problem(error: type[LinkpackError]) -> None:
    """An error carries message, path and hint, and has a code of its kind unless it is given one."""
    made = error("what", path="p", hint="do")
    assert made.problems == (Problem(error.default_code, "p", "what", "do"),)
    assert str(made) == "what"
    assert error("what", code="EOTHER").code == "EOTHER"


def test_codes_are_of_one_kind() -> None:
    """No two kinds of error have the same code."""
    assert len({error.default_code for error in TREE}) == len(TREE)


def test_every_error_is_in_the_drawing() -> None:
    """The tree at the top of the module names each kind."""
    assert [error.__name__ for error in TREE if error.__name__ not in (errors.__doc__ or "")] == []


def test_a_rejected_plan_has_every_problem() -> None:
    """It speaks of the first and counts the rest."""
    first, second = Problem("E1", "a", "one", "do"), Problem("E2", "b", "two")
    made = PlanRejected([first, second])
    assert (str(made), made.code, made.path, made.hint) == ("one (and 1 more)", "E1", "a", "do")
    assert made.problems == (first, second)
    assert str(PlanRejected([first])) == "one"
