"""Plain records: named tuples that are cheap to define.

`typing.NamedTuple` compiles a constructor for each class, which takes 100 microseconds and more, and a small
`pack` defines some ninety classes. `Record` behaves the same and takes 11 microseconds a class. It compiles a
constructor only for a class of which many records are made by keyword.

A record is defined as a `NamedTuple` is, and type checkers take it for one:

>>> class Point(Record):
...     x: int
...     y: int = 0
>>> Point(1), Point(x=1, y=2)._replace(y=3)
(Point(x=1, y=0), Point(x=1, y=3))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["Record"]

if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from _collections import _tuplegetter
    from importlib import import_module
    from itertools import count

    _FEW = 16  # records of a class that are cheaper to make without compiling

    class _RecordType(type):
        """The type of record classes: their annotated names are the fields."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, object]) -> type:
            if not bases:  # Record itself
                return super().__new__(cls, name, (tuple,), {**body, "__slots__": ()})
            names = tuple(body.get("__annotations__", ()))
            defaults = {field: body.pop(field) for field in names if field in body}
            if list(defaults) != list(names[len(names) - len(defaults) :]):
                message = f"{name}: a field without a default follows one with a default"
                raise TypeError(message)
            # `collections.namedtuple` uses `_tuplegetter` too, which reads a field in C.
            for index, field in enumerate(names):
                body[field] = _tuplegetter(index, f"Field {index} of {name}")
            body["__slots__"] = ()
            body["_fields"] = body["__match_args__"] = names
            body["_field_defaults"] = defaults
            # `type` makes a function of this name a static method, whatever it is called itself.
            body["__new__"] = _constructor(names, defaults)
            return super().__new__(cls, name, bases, body)

        @property
        def __signature__(cls) -> object:
            """Return the signature of the constructor, for `inspect` and `help`."""
            inspect = import_module("inspect")  # 15 ms, and only who asks needs it
            parameter = inspect.Parameter
            return inspect.Signature(
                [
                    parameter(
                        field,
                        parameter.POSITIONAL_OR_KEYWORD,
                        default=cls._field_defaults.get(field, parameter.empty),
                        annotation=cls.__annotations__[field],
                    )
                    for field in cls._fields
                ]
            )

    def _constructor(names: tuple[str, ...], defaults: dict[str, object]) -> object:
        """Return the `__new__` of a class with the fields *names*.

        It fills in keywords and defaults itself for the first few records of the class. Then it compiles what
        `NamedTuple` compiles for every class, and puts that in its own place.
        """
        amount = len(names)
        make = tuple.__new__
        uses = count()

        def construct(cls: type, *values: object, **named: object) -> object:
            # Most records are made by position and whole, which needs no look at names and defaults.
            if not named and len(values) == amount:
                return make(cls, values)
            rest = names[len(values) :]
            given = {**defaults, **named}
            is_complete = all(field in given for field in rest) and all(field in rest for field in named)
            if len(values) <= amount and is_complete and next(uses) < _FEW:
                return make(cls, (*values, *map(given.__getitem__, rest)))
            # Also for wrong arguments: the compiled function raises the TypeError that Python would.
            listed = ", ".join(names)
            compiled = eval(f"lambda cls, {listed}: make(cls, ({listed},))", {"make": make})  # noqa: S307 - names only
            compiled.__defaults__ = tuple(defaults.values())
            compiled.__qualname__ = f"{cls.__qualname__}.__new__"
            cls.__new__ = compiled
            return compiled(cls, *values, **named)

        return construct

    class Record(metaclass=_RecordType):
        """A tuple with named fields, as the module describes."""

        @classmethod
        def _make(cls, values: object) -> object:
            """Make a record of an iterable of all its values, in order."""
            return cls(*values)

        def _replace(self, **changes: object) -> object:
            """Return a copy of the record with the fields *changes*."""
            values = [changes.pop(field, value) for field, value in zip(self._fields, self, strict=True)]
            if changes:
                message = f"{type(self).__name__} has no field {next(iter(changes))!r}"
                raise TypeError(message)
            return tuple.__new__(type(self), values)

        def _asdict(self) -> dict[str, object]:
            """Return the fields by name, in order."""
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            fields = ", ".join(f"{field}={value!r}" for field, value in self._asdict().items())
            return f"{type(self).__name__}({fields})"

        def __getnewargs__(self) -> tuple[object, ...]:
            return tuple(self)
