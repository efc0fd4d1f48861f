"""Check the arguments of the library's functions.

Type checkers do not find every mistake: a text is a sequence of texts to them, and many callers use none.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

StrPath: TypeAlias = str | os.PathLike[str]


def check_path(path: StrPath) -> str:
    """Return *path* as text.

    Raises `TypeError` for anything else than a path, bytes included.
    """
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"a path is text or a path object, not {type(path).__name__}")
    return text


def check_texts(given: Iterable[str], what: str) -> tuple[str, ...]:
    """Return the texts *given* for the argument *what*.

    Raises `TypeError` for a single text, which Python would take for a list of its letters.

    >>> check_texts(["a", "b"], "names")
    ('a', 'b')
    >>> check_texts("ab", "names")
    Traceback (most recent call last):
    TypeError: names takes a list of texts: write ['ab'] for one
    """
    if isinstance(given, (str, bytes)):
        raise TypeError(f"{what} takes a list of texts: write [{given!r}] for one")
    return tuple(given)


def check_choice(value: object, known: Collection[object], what: str) -> None:
    """Refuse a *value* that is none of *known*.

    *what* is the option. Raises `LinkpackError` (EOPTION).
    """
    if value not in known:
        names = ", ".join(map(repr, known))
        raise LinkpackError(f"{what} cannot be {value!r}", code="EOPTION", hint=f"it takes {names}")


def check_count(value: object, what: str) -> None:
    """Refuse a *value* that is no number from 0 on.

    *what* is the option. Raises `LinkpackError` (EOPTION).
    """
    if not isinstance(value, int) or value < 0:
        raise LinkpackError(f"{what} cannot be {value!r}", code="EOPTION", hint="it takes a number from 0 on")
