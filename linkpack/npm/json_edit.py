"""Sets, adds and removes members of a JSON text; every byte that is not concerned stays.

For the few members that `--save` touches. The text must be JSON already; new members look like their neighbours.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DECODER = json.JSONDecoder(strict=False)
_SPACE = " \t\n\r"


class _Member(NamedTuple):
    """Where a member stands: its key, the start of the key, the end of the key, its value's start and end."""

    key: str
    start: int
    key_end: int
    value: int
    end: int


class _Object(NamedTuple):
    """Where an object stands: its opening brace, its members, its closing brace."""

    open: int
    members: tuple[_Member, ...]
    close: int


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _object(text: str, at: int) -> _Object:
    members = []
    i = _skip(text, at + 1)
    while text[i] != "}":
        start = i
        key, key_end = _DECODER.raw_decode(text, i)
        value = _skip(text, _skip(text, key_end) + 1)
        end = _DECODER.raw_decode(text, value)[1]
        members.append(_Member(key, start, key_end, value, end))
        i = _skip(text, end)
        if text[i] == ",":
            i = _skip(text, i + 1)
    return _Object(at, tuple(members), i)


def _find(found: _Object, key: str) -> _Member | None:
    """The member called *key*: the last one, which is the one that counts."""
    return next((member for member in reversed(found.members) if member.key == key), None)


def get_raw(text: str, path: Sequence[str]) -> str | None:
    """The JSON text of the value at *path*, as written; None when there is none."""
    at = _skip(text, 0)
    end = len(text)
    for key in path:
        if text[at] != "{":
            return None
        member = _find(_object(text, at), key)
        if member is None:
            return None
        at, end = member.value, member.end
    return text[at:end].rstrip() if not path else text[at:end]


def set_raw(text: str, path: Sequence[str], raw: str | None, order: Callable[[str], object] | None = None) -> str:
    """*text* with the value at *path* written as *raw*, or without that member when *raw* is None.

    Objects on the way are made when missing, and removed when they lose their last member. A new member goes
    to its place by *order* (a sort key), or to the end; the objects that are made go to the end.
    """
    if raw is None:
        return _remove(text, path)
    at = _skip(text, 0)
    for depth, key in enumerate(path):
        found = _object(text, at)
        member = _find(found, key)
        last = depth == len(path) - 1
        if member is None:
            return _insert(text, found, path[depth:], raw, order if last else None)
        if last or text[member.value] != "{":
            value = raw if last else _nested(text, path[depth + 1 :], raw, depth + 1)
            return text[: member.value] + value + text[member.end :]
        at = member.value
    return raw


def _insert(
    text: str, found: _Object, path: Sequence[str], raw: str, order: Callable[[str], object] | None
) -> str:
    key = path[0]
    depth = _depth(text, found.open)
    members = found.members
    value = raw if len(path) == 1 else _nested(text, path[1:], raw, depth + 1)
    if not members:
        body = _braced(text, [f"{_quoted(key)}{_colon(text)}{value}"], depth)
        return text[: found.open] + body + text[found.close + 1 :]
    first = members[0]
    colon = text[first.key_end : first.value]
    piece = f"{_quoted(key)}{':' if colon.strip() != ':' else colon}{value}"
    gap = text[found.open + 1 : first.start]
    if len(members) > 1:
        gap = text[members[0].end : members[1].start].partition(",")[2]
    elif "\n" not in gap and colon.endswith(" "):
        gap = " "
    at = len(members)
    if order is not None:
        at = next((i for i, member in enumerate(members) if order(member.key) > order(key)), at)  # type: ignore[operator]
    if at == len(members):
        end = members[-1].end
        return f"{text[:end]},{gap}{piece}{text[end:]}"
    start = members[at].start
    return f"{text[:start]}{piece},{gap}{text[start:]}"


def _remove(text: str, path: Sequence[str]) -> str:
    at = _skip(text, 0)
    trail = []
    for key in path:
        if text[at] != "{":
            return text
        found = _object(text, at)
        member = _find(found, key)
        if member is None:
            return text
        trail.append((found, member))
        at = member.value
    while len(trail) > 1 and len(trail[-1][0].members) == 1:
        trail.pop()
    found, member = trail[-1]
    if len(found.members) == 1:
        return text[: found.open + 1] + text[found.close :]
    index = found.members.index(member)
    if index + 1 < len(found.members):
        return text[: member.start] + text[found.members[index + 1].start :]
    return text[: found.members[index - 1].end] + text[member.end :]


def sort_members(text: str, path: Sequence[str], order: Callable[[str], object]) -> str:
    """*text* with the members of the object at *path* in the order of the sort key *order*; the gaps stay."""
    at = _skip(text, 0)
    for key in path:
        member = _find(_object(text, at), key) if text[at] == "{" else None
        if member is None:
            return text
        at = member.value
    if text[at] != "{":
        return text
    members = _object(text, at).members
    ranked = sorted(members, key=lambda member: order(member.key))  # type: ignore[arg-type, return-value]
    pieces, done = [], 0
    for place, member in zip(members, ranked, strict=True):
        pieces += [text[done : place.start], text[member.start : member.end]]
        done = place.end
    return "".join([*pieces, text[done:]])


# --- how new text looks


def _quoted(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)


def line_end(text: str) -> str:
    """The line end of *text*: LF, CRLF, or nothing when it stands on one line."""
    at = text.rstrip().find("\n")
    if at < 0:
        return ""
    return "\r\n" if text[at - 1 : at] == "\r" else "\n"


def indent_of(text: str) -> str:
    """What one level of *text* is indented by; empty when it is not."""
    match = re.match(r"\s*[{\[][ \t]*\r?\n([ \t]+)", text)
    return match[1] if match else ""


def _colon(text: str) -> str:
    found = _object(text, _skip(text, 0))
    if found.members:
        colon = text[found.members[0].key_end : found.members[0].value]
        return colon if "\n" not in colon else ": "
    return ": "


def _depth(text: str, at: int) -> int:
    """How many objects and arrays hold the one that opens at *at*."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text[:at])
    return bare.count("{") + bare.count("[") - bare.count("}") - bare.count("]")


def _braced(text: str, pieces: list[str], depth: int) -> str:
    end, indent = line_end(text), indent_of(text)
    if not end or not indent:
        return "{" + ",".join(pieces) + "}"
    inner = f"{end}{indent * (depth + 1)}"
    return "{" + inner + f",{inner}".join(pieces) + f"{end}{indent * depth}" + "}"


def _nested(text: str, path: Sequence[str], raw: str, depth: int) -> str:
    """The text of objects, one in the other, that hold *raw* at *path*."""
    value = raw if len(path) == 1 else _nested(text, path[1:], raw, depth + 1)
    return _braced(text, [f"{_quoted(path[0])}{_colon(text)}{value}"], depth)


def list_raw(text: str, names: Sequence[str], depth: int) -> str:
    """The JSON text of a list of *names* at *depth*, laid out as *text* is."""
    end, indent = line_end(text), indent_of(text)
    quoted = [_quoted(name) for name in names]
    if not end or not indent or not names:
        return "[" + ",".join(quoted) + "]"
    inner = f"{end}{indent * (depth + 1)}"
    return "[" + inner + f",{inner}".join(quoted) + f"{end}{indent * depth}" + "]"
