"""Documents in which one value is of another type: what a reader has to name, and must not trip over."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHERS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e308, 10**30, "", "x", " ", "\ud800", "\0", "../x", "a" * 300, [], [None],
    ["x"], [[]], [{}], {}, {"": "x"}, {"x": None}, {"x": "y"}, {"x": {"x": []}}, {"__proto__": {}}, [0, "x", {}],
)  # fmt: skip


def retyped(document: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON
    """Each document that differs from *document* in one value, which has another type, and where that is.

    Values inside are replaced as well as whole tables and lists, and the document itself.
    """
    for path in _paths(document):
        for other in OTHERS:
            changed = copy.deepcopy(document)
            if not path:
                changed = other
            else:
                at = changed
                for key in path[:-1]:
                    at = at[key]
                if type(at[path[-1]]) is type(other) and at[path[-1]] == other:
                    continue
                at[path[-1]] = other
            yield f"{'.'.join(map(str, path))}={other!r}"[:120], changed


def _paths(value: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    yield ()
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        for path in _paths(inner):
            yield (key, *path)
