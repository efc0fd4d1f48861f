"""Writes the JSON of a lockfile as npm does: the order of its members, its indentation and line ends."""

from __future__ import annotations

import json
from typing import Any

from linkpack.npm.collate import collation_key
from linkpack.npm.jsonedit import indent_of, line_end

_FIRST = ("name", "version", "lockfileVersion", "resolved", "integrity", "requires", "packages", "dependencies")


def nice(value: Any) -> Any:  # noqa: ANN401 - JSON
    """*value* with its members in npm's order: what is no object first, then the known names, then by name."""
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
    """*value* with its members sorted by name."""
    return {key: value[key] for key in sorted(value, key=collation_key)}


def dump(lock: dict[str, Any], like: str) -> bytes:
    """*lock* as JSON, indented and ended as the text *like*."""
    indent = indent_of(like.lstrip("\ufeff"))
    text = json.dumps(lock, indent=indent or None, ensure_ascii=False, separators=None if indent else (",", ":"))
    end = line_end(like) or "\n"
    if like.rstrip() != like or like == "{\n  \n}":
        text += "\n"
    return text.replace("\n", end).encode("utf-8", "backslashreplace")
