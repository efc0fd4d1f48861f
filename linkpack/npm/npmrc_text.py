"""Read the text of an npmrc file as npm does, whose ini dialect is its own.

Facts measured against the `ini` and `@npmcli/config` packages of npm 11.19.1.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Scalar: TypeAlias = "str | bool | float | None"
Value: TypeAlias = "Scalar | list[Scalar]"

# What JavaScript's trim() and \s take away; Python's strip() differs at both ends of the table.
_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_SPACE += "\u2028\u2029\u202f\u205f\u3000\ufeff"
_LINE = r"([^=]+)(=([^\n\r\u2028\u2029]*))?"
_SECTION = r"\[([^\]]*)\]"
_VARIABLE = r"(?<!\\)(\\*)\$\{([^${}?]+)(\?)?\}"
EXPANDED = 4 << 20  # characters that a text may have with its variables expanded
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}


def parse_npmrc(text: str) -> dict[str, Value]:
    """Return the keys before the first `[section]` of the npmrc *text*, with their values.

    A key without `=` is True, `key[]=` gathers a list, and `true`, `false` and `null` are those values. A later
    key replaces an earlier one. Lines that are neither key nor section are skipped. Nothing raises.

        save-exact=true        ->  {"save-exact": True}
        omit[]=dev; a comment  ->  {"omit": ["dev"]}
    """
    found: dict[str, Value] = {}
    for line in re.split(r"[\r\n]+", text):
        bare = line.strip(_SPACE)
        if bare == "" or bare[0] in ";#":
            continue
        if re.fullmatch(_SECTION, line.rstrip(_SPACE)):
            break
        match = re.fullmatch(_LINE, line)
        if match:
            _put(found, match[1], match[3] if match[2] else None)
    return found


def _put(found: dict[str, Value], raw_key: str, raw_value: str | None) -> None:
    key = _key_text(_unquote(raw_key))
    value: Scalar = True
    if raw_value is not None:
        value = _unquote(raw_value)
        value = _WORDS.get(value, value) if isinstance(value, str) else value
    many = len(key) > 2 and key.endswith("[]")  # noqa: PLR2004 - the brackets alone are an ordinary key
    key = key[:-2] if many else key
    if key == "__proto__":
        return
    old = found.get(key)
    if isinstance(old, list):
        old.append(value)
    elif many:
        found[key] = [value] if key not in found else [old, value]
    else:
        found[key] = value


def _key_text(key: Scalar) -> str:
    """Return *key* as a JavaScript object would name it."""
    if isinstance(key, str):
        return key
    return json.dumps(key)


def _unquote(raw: str) -> Scalar:
    """Return the value that *raw* writes, without quotes, comments and escapes."""
    text = raw.strip(_SPACE)
    if text[:1] in {'"', "'"} and text.endswith(text[:1]):
        return _quoted(text)
    kept, at = [], 0
    while at < len(text) and text[at] not in ";#":
        if text[at] == "\\" and text[at + 1 : at + 2] in {"\\", ";", "#"}:
            at += 1
        elif text[at] == "\\" and at + 1 < len(text):
            kept.append("\\")
            at += 1
        kept.append(text[at])
        at += 1
    return "".join(kept).strip(_SPACE)


def _quoted(text: str) -> Scalar:
    inner = text[1:-1] if text[0] == "'" else text
    try:
        value = json.loads(inner, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return inner
    if isinstance(value, (dict, list)):
        return inner  # no setting of ours takes an object
    return value if isinstance(value, (str, bool, int, float)) else None


def _refuse(name: str) -> None:
    raise ValueError(name)


class TooLong(ValueError):
    """A text whose variables expand to more than it may have."""


def expand(text: str, env: Mapping[str, str], limit: int = EXPANDED) -> str:
    r"""Return *text* with each `${NAME}` replaced by that variable.

    An unset one stays as written; `${NAME?}` becomes empty then. A backslash before `$` keeps it literal:

        ${HOME}/x  ->  /home/u/x        \${HOME}  ->  ${HOME}        ${NO}  ->  ${NO}        ${NO?}  ->  (empty)

    Raises `TooLong` when the result has more than *limit* characters: a variable may be long, and be named often.
    """
    if "${" not in text:
        return text
    room = limit - len(text)

    def put(match: re.Match[str]) -> str:
        nonlocal room
        escapes, name, optional = match.groups()
        if len(escapes) % 2:
            return match[0][(len(escapes) + 1) // 2 :]
        fallback = "" if optional else f"${{{name}}}"
        value = escapes[len(escapes) // 2 :] + env.get(name, fallback)
        room -= len(value) - len(match[0])
        if room < 0:
            raise TooLong(f"its variables expand to more than {limit} characters")
        return value

    return re.sub(_VARIABLE, put, text)
