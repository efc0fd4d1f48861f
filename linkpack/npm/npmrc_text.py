"""Read an npmrc file in npm's own dialect of ini.

Measured against the packages `ini` and `@npmcli/config` of npm 11.19.1. Which files apply is in `config`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias

from linkpack.npm.semver import WHITESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping

Scalar: TypeAlias = "str | bool | float | None"
Value: TypeAlias = "Scalar | list[Scalar]"

# `${NAME}` or `${NAME?}`, with the backslashes before it (@npmcli/config, lib/env-replace.js).
_VARIABLE = r"(?<!\\)(\\*)\$\{([^${}?]+)(\?)?\}"
EXPANDED = 4 << 20  # characters that a text may have with its variables expanded
_CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "null": None}


def parse_npmrc(text: str) -> dict[str, Value]:
    r"""Return the settings before the first `[section]` of an npmrc.

    A key without `=` is True, `key[]=` adds to a list, and `true`, `false` and `null` are those values. A later
    key replaces an earlier one. Lines that are neither key nor section are skipped. No text is an error.

    >>> parse_npmrc("save-exact\nomit[]=dev ; a comment\nprefix = ${HOME}/npm")
    {'save-exact': True, 'omit': ['dev'], 'prefix': '${HOME}/npm'}
    """
    settings: dict[str, Value] = {}
    for line in text.replace("\r", "\n").split("\n"):
        bare = line.strip(WHITESPACE)
        if bare == "" or bare[0] in ";#":
            continue
        if _is_section(line.rstrip(WHITESPACE)):
            break
        key, sign, value = line.partition("=")
        # `ini` matches the value by `.*`, which ends at these two.
        if key and "\u2028" not in value and "\u2029" not in value:
            _put(settings, key, value if sign else None)
    return settings


def _is_section(line: str) -> bool:
    """Return True for `[name]`, whose only "]" is at the end."""
    return line.startswith("[") and line.find("]") == len(line) - 1


def _put(settings: dict[str, Value], raw_key: str, raw_value: str | None) -> None:
    """Set a key, or add to its list.

    Key and value are as the file writes them.
    """
    key = _to_key(_unquote(raw_key))
    value: Scalar = True
    if raw_value is not None:
        value = _unquote(raw_value)
        value = _CONSTANTS.get(value, value) if isinstance(value, str) else value
    # The brackets alone are an ordinary key (ini 6, lib/ini.js, `keyRaw.length > 2`).
    is_list = key.endswith("[]") and key != "[]"
    key = key[:-2] if is_list else key
    # `ini` drops this key, which would change the prototype of its result.
    if key == "__proto__":
        return
    old = settings.get(key)
    # A list stays one even where a later line forgets the brackets (lib/ini.js).
    if isinstance(old, list):
        old.append(value)
    elif is_list:
        settings[key] = [value] if key not in settings else [old, value]
    else:
        settings[key] = value


def _to_key(value: Scalar) -> str:
    """Return *value* as the key of a JavaScript object."""
    return value if isinstance(value, str) else json.dumps(value)


def _unquote(raw: str) -> Scalar:
    """Return *raw* without quotes, comments and escapes."""
    text = raw.strip(WHITESPACE)
    if text[:1] in {'"', "'"} and text.endswith(text[:1]):
        return _read_quoted(text)
    kept, at = [], 0
    while at < len(text) and text[at] not in ";#":
        if text[at] == "\\" and text[at + 1 : at + 2] in {"\\", ";", "#"}:
            at += 1
        elif text[at] == "\\" and at + 1 < len(text):
            kept.append("\\")
            at += 1
        kept.append(text[at])
        at += 1
    return "".join(kept).strip(WHITESPACE)


def _read_quoted(text: str) -> Scalar:
    """Return a quoted *text* as JSON, or as it is if it is none.

    Single quotes are removed before, as in the package `ini`: `'5'` is a number, `"5"` a string.
    """
    inner = text[1:-1] if text[0] == "'" else text
    try:
        # Python reads NaN and Infinity, which JSON.parse refuses.
        value = json.loads(inner, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return inner
    if isinstance(value, (dict, list)):
        return inner  # no setting of ours takes an object
    return value if isinstance(value, (str, bool, int, float)) else None


def _refuse(name: str) -> None:
    raise ValueError(name)


class TooLong(ValueError):
    """The variables of a text expand to too much."""


def expand(text: str, env: Mapping[str, str], limit: int = EXPANDED) -> str:
    r"""Replace each `${NAME}` in *text* by that variable.

    An unset variable stays as it is written, or becomes empty when written `${NAME?}`. A backslash before the `$`
    keeps it literal. Raises `TooLong` when the result has more than *limit* characters.

    >>> [expand(text, {"HOME": "/home/u"}) for text in ("${HOME}/x", r"\${HOME}", "${NO}", "${NO?}")]
    ['/home/u/x', '${HOME}', '${NO}', '']
    """
    if "${" not in text:
        return text
    room = limit - len(text)

    def expand_one(match: re.Match[str]) -> str:
        nonlocal room
        escapes, name, optional = match.groups()
        # Two backslashes are one, and a single one left over escapes the dollar (lib/env-replace.js).
        if len(escapes) % 2:
            return match[0][(len(escapes) + 1) // 2 :]
        fallback = "" if optional else f"${{{name}}}"
        value = escapes[len(escapes) // 2 :] + env.get(name, fallback)
        room -= len(value) - len(match[0])
        if room < 0:
            raise TooLong(f"its variables expand to more than {limit} characters")
        return value

    return re.sub(_VARIABLE, expand_one, text)
