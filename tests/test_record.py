"""Records behave as named tuples do."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any, NamedTuple, get_type_hints

import pytest

from linkpack.record import Record


class Plain(NamedTuple):
    """The named tuple to compare with."""

    name: str
    size: int = 0
    tags: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Return the name and size."""
        return f"{self.name} {self.size}"


class Light(Record):
    """The same as a record."""

    name: str
    size: int = 0
    tags: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Return the name and size."""
        return f"{self.name} {self.size}"


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("a", 1, ("x",)), {}),
    (("a",), {}),
    (("a", 1), {}),
    (("a",), {"tags": ("y",)}),
    ((), {"name": "a", "size": 3, "tags": ()}),
    ((), {"tags": (), "name": "a"}),
]
REFUSED: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((), {"size": 1}),
    (("a", 1, (), 4), {}),
    (("a",), {"name": "b"}),
    (("a",), {"colour": "b"}),
]


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_a_record_is_made_as_a_named_tuple_is(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    for _ in range(40):  # so that the constructor is compiled on the way
        assert [*Light(*values, **named)] == [*Plain(*values, **named)]


@pytest.mark.parametrize(("values", "named"), REFUSED)
@pytest.mark.parametrize("made_before", [0, 40])
def test_wrong_arguments_are_a_type_error(
    values: tuple[Any, ...], named: dict[str, Any], made_before: int
) -> None:
    class Fresh(Record):
        name: str
        size: int = 0
        tags: tuple[str, ...] = ()

    for _ in range(made_before):
        Fresh(name="a")
    with pytest.raises(TypeError):
        Plain(*values, **named)
    with pytest.raises(TypeError, match="Fresh"):
        Fresh(*values, **named)


def test_a_record_has_what_a_named_tuple_has() -> None:
    light, plain = Light("a", 2), Plain("a", 2)
    assert light.label == plain.label
    assert repr(light) == repr(plain).replace("Plain", "Light")
    assert light._asdict() == plain._asdict()
    assert [*light._replace(size=5)] == [*plain._replace(size=5)]
    assert [*Light._make(["a", 1, ()])] == [*Plain._make(["a", 1, ()])]
    assert Light._fields == Plain._fields
    assert Light._field_defaults == Plain._field_defaults
    assert Light.__match_args__ == Plain.__match_args__
    assert get_type_hints(Light) == get_type_hints(Plain)
    assert inspect.signature(Light).parameters.keys() == inspect.signature(Plain).parameters.keys()
    assert [*light] == [*plain]
    assert hash(light) == hash(plain)


def test_a_record_can_be_copied_pickled_and_matched() -> None:
    light = Light("a", 2, ("x",))
    for made in (copy.copy(light), copy.deepcopy(light), pickle.loads(pickle.dumps(light))):  # noqa: S301 - our own
        assert made == light
        assert type(made) is Light
    match light:
        case Light(name, size=2):
            assert name == "a"
        case _:
            pytest.fail("a record does not match its own class")


def test_fields_cannot_be_set_or_added() -> None:
    light: Any = Light("a")
    with pytest.raises(AttributeError):
        light.size = 3
    with pytest.raises(AttributeError):
        light.colour = "red"
    with pytest.raises(TypeError, match="colour"):
        light._replace(colour="red")


def test_a_field_without_a_default_may_not_follow_one_with_a_default() -> None:
    metaclass: Any = type(Light)
    with pytest.raises(TypeError, match="without a default"):
        metaclass("Odd", (Record,), {"__annotations__": {"a": "int", "b": "int"}, "a": 1})
