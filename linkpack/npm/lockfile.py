"""Read and write the JSON of a lockfile as npm does: numbers, order of members, indentation and line ends."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from linkpack.npm.collation import collation_key
from linkpack.npm.json_edit import find_indent, find_line_end
from linkpack.npm.json_text import check_depth

_FIRST = ("name", "version", "lockfileVersion", "resolved", "integrity", "requires", "packages", "dependencies")
_LARGEST = 1e21  # from here on JavaScript writes an integer with an exponent


def _number(value: float | str) -> float | int | None:
    """Return a number, or the text of one, as JSON.stringify writes what JSON.parse made of it.

    1e400 -> None (null); 1.0 -> 1; 12345678901234567890 -> 12345678901234567000
    """
    value = float(value)
    if not math.isfinite(value):
        return None
    if not value.is_integer() or abs(value) >= _LARGEST:
        return value
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return int(value)
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    return int(whole + fraction + "0" * (int(exponent) - len(fraction)))


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=_refuse)


def load(raw: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON value in *raw*, UTF-8 with or without a byte order mark, with numbers as npm writes them.

    Raises `ValueError` for anything else, and `RecursionError` for what is nested too deeply.
    """
    value = _DECODER.decode(raw.decode("utf-8-sig"))
    check_depth([value])
    return value


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value as npm writes it, from one of `jsontext.parse`, where all numbers are floats."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return _number(value) if isinstance(value, float) else value


def nice(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return *value* with its members in npm's order: what is no object first, then known names, then by name."""
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
    return {key: nice(value[key]) for key in keys}


def by_name(value: dict[str, Any]) -> dict[str, Any]:
    """Return *value* with its members sorted by name."""
    return {key: value[key] for key in sorted(value, key=collation_key)}


def dump(lock: dict[str, Any], like: str) -> bytes:
    """Return *lock* as JSON, indented and ended as the text *like*.

    Raises `ValueError` for a number that JSON cannot say.
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
