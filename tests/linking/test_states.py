"""The states of a path are values that are equal only within their kind."""

from __future__ import annotations

import pytest

from linkpack.linking.states import (
    ABSENT,
    Absent,
    CreatedDirectory,
    Displaced,
    File,
    Link,
    Mode,
    State,
    state_from_json,
    state_to_json,
)

STATES: list[State] = [
    ABSENT,
    CreatedDirectory(),
    Link("../lib"),
    File(b"text", 0o644),
    Mode(0o755),
    Displaced("/app/node_modules/.linkpack/lib", 1),
]


@pytest.mark.parametrize("number", range(len(STATES)))
def test_a_state_equals_its_like_and_no_other_kind(number: int) -> None:
    state = STATES[number]
    again = state_from_json(state_to_json(state))
    assert again == state
    assert hash(again) == hash(state)
    assert [other for other in STATES if other == state] == [state]


def test_a_mode_is_not_a_directory() -> None:
    assert Mode(1) != CreatedDirectory()
    assert CreatedDirectory() == CreatedDirectory()
    assert Absent() == ABSENT


def test_a_state_is_not_the_tuple_of_its_values() -> None:
    assert Link("x") != ("x",)
    assert Mode(1) != (1,)


def test_states_differ_by_any_value() -> None:
    assert File(b"a", 0o644) != File(b"a", 0o755)
    assert Displaced("/a", 1) != Displaced("/a", 2)


def test_a_state_holds_only_its_values() -> None:
    with pytest.raises(AttributeError):
        Link("x").other = "y"  # type: ignore[attr-defined]


def test_match_tells_the_kinds_apart() -> None:
    match STATES[4]:
        case Mode(mode):
            assert mode == 0o755
        case _:
            pytest.fail("a Mode is no Mode")
