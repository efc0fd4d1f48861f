"""Read and write the JSON of a lockfile as npm does.

That concerns numbers, the order of members, indentation and line ends. `linkpack.linking.lockfile_entries` decides
what a link changes in a lockfile.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn, TypeAlias

from linkpack.npm.collation import collation_key
from linkpack.npm.json_edit import find_indent, find_line_end
from linkpack.npm.json_text import check_depth

Json: TypeAlias = Any  # any JSON value: who reads a lockfile checks what it has there

# The order of json-stringify-nice, as arborist calls it (lib/shrinkwrap.js, `swKeyOrder`).
_FIRST = ("name", "version", "lockfileVersion", "resolved", "integrity", "requires", "packages", "dependencies")
_LARGEST = 1e21  # from here on JavaScript writes an integer with an exponent


def _to_npm_number(value: float | str) -> float | int | None:
    """Return the number that JavaScript makes of *value*.

    JSON.stringify then writes that number. None is null.

    >>> [_to_npm_number(text) for text in ("1.0", "12345678901234567890", "1e400")]
    [1, 12345678901234567000, None]
    """
    value = float(value)
    if not math.isfinite(value):
        return None  # JSON.stringify writes null for Infinity and NaN
    if not value.is_integer() or abs(value) >= _LARGEST:
        return value
    # The shortest digits that give the number, as in JavaScript, and zeros: int() would write all of its digits.
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return int(value)
    integer, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    return int(integer + fraction + "0" * (int(exponent) - len(fraction)))


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_int=_to_npm_number, parse_float=_to_npm_number, parse_constant=_refuse)


def load(raw: bytes) -> Json:
    """Read JSON with numbers as npm writes them.

    *raw* is UTF-8, with or without a byte order mark. Raises `ValueError` for anything else, and
    `RecursionError` for what is nested too deeply.
    """
    value = _DECODER.decode(raw.decode("utf-8-sig"))
    check_depth([value])
    return value


def convert_numbers(value: Json) -> Json:
    """Return a value of `json_text.parse` as `load` has it.

    All of its numbers are floats there.
    """
    if isinstance(value, dict):
        return {key: convert_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [convert_numbers(inner) for inner in value]
    return _to_npm_number(value) if isinstance(value, float) else value


def sort_as_npm(value: Json) -> Json:
    """Sort the members of *value*, at every depth, as in a lockfile.

    Members that are no objects come before those that are. In both groups the names in npm's list come first, and
    then the others by name (json-stringify-nice, index.js).

    >>> sort_as_npm({"b": {}, "link": True, "version": "1", "a": {}})
    {'version': '1', 'link': True, 'a': {}, 'b': {}}
    """
    if not isinstance(value, dict):
        return value
    keys = sorted(
        value,
        key=lambda key: (
            isinstance(value[key], dict),
            _FIRST.index(key) if key in _FIRST else len(_FIRST),
            collation_key(key),
        ),
    )
    return {key: sort_as_npm(value[key]) for key in keys}


def sort_by_name(value: dict[str, Any]) -> dict[str, Any]:
    """Sort the members of *value* by name, as npm compares names."""
    return {key: value[key] for key in sorted(value, key=collation_key)}


def dump(lock: dict[str, Any], like: str) -> bytes:
    """Write *lock* as JSON, laid out as the text *like*.

    That means its indentation and line ends. Raises `ValueError` for a number that JSON cannot write.
    """
    indent = find_indent(like.lstrip("\ufeff"))
    text = json.dumps(
        lock,
        indent=indent or None,
        ensure_ascii=False,
        allow_nan=False,
        separators=None if indent else (",", ":"),
    )
    end = find_line_end(like) or "\n"
    if like.rstrip() != like or like == "{\n  \n}":
        text += "\n"
    # Half a surrogate pair is written as the escape that it was read from.
    return text.replace("\n", end).encode("utf-8", "backslashreplace")
