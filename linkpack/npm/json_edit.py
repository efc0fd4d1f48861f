"""Change members of a JSON text, and leave all other bytes.

`replace_values` makes many edits of a package.json at once. The functions on texts make one edit each, and
write a new member like its neighbours. `json_text` finds the places.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from linkpack.npm.json_text import BOM, decode, find_value_end, parse, scan_members, skip_space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from linkpack.npm.json_text import ContainerSpan, MemberSpan

    Edits = Mapping[tuple[str | int, ...], str | None]

REMOVE = None  # as the new value of an edit: the member is removed


def replace_values(raw: bytes, edits: Sequence[tuple[tuple[str | int, ...], str | None]]) -> bytes:
    """Replace values of a package.json, or remove members.

    An edit is a path (keys of objects, indexes of arrays) and the new string, or `REMOVE`. A removed member
    takes one comma along, and the white space up to its neighbour. Of duplicate keys the last one is replaced,
    which JSON.parse keeps, and all are removed. Edits below a value that another edit changes are ignored. Of
    two edits of one path the last one is made.

    Raises `ManifestInvalid` when `parse` refuses *raw*, and KeyError when it has no such path.

    >>> replace_values(b'{"a": "x",  "b": [1, 2]}', [(("a",), "y"), (("b", 0), REMOVE)])
    b'{"a": "y",  "b": [2]}'
    """
    parse(raw, "package.json")
    # A place in the one is the same place in the other; only the first has keys as `parse` returns them.
    safe, text = decode(raw, ""), raw.removeprefix(BOM).decode()
    # No cut is inside of another one: `_find_cuts` stops at a value that is replaced or removed.
    pieces, done = [], 0
    for start, end, new in sorted(_find_cuts(safe, skip_space(safe, 0), dict(edits))):
        pieces += [text[done:start], new]
        done = end
    pieces.append(text[done:])
    return (BOM if raw.startswith(BOM) else b"") + "".join(pieces).encode()


def _find_cuts(text: str, at: int, edits: Edits) -> Iterator[tuple[int, int, str]]:
    """Yield what to replace in the value at *at*.

    Each is start, end and the new text. The paths of *edits* begin at that value.
    """
    if () in edits:
        yield at, find_value_end(text, at), json.dumps(edits[()])
        return
    below: dict[str | int, dict[tuple[str | int, ...], str | None]] = {}
    for path, new in edits.items():
        below.setdefault(path[0], {})[path[1:]] = new
    container = scan_members(text, at)
    removed: set[MemberSpan] = set()
    for key, inner in below.items():
        member = container.find(key)
        if member is None:
            raise KeyError(key)
        if inner.get((), "") is REMOVE:
            removed.update(duplicate for duplicate in container.members if duplicate.key == key)
        else:
            yield from _find_cuts(text, member.value, inner)
    if removed:
        yield from _find_removals(container, removed)


def _find_removals(container: ContainerSpan, removed: set[MemberSpan]) -> Iterator[tuple[int, int, str]]:
    """Yield the cuts that remove members from *container*."""
    members = container.members
    kept = [i for i, member in enumerate(members) if member not in removed]
    if not kept:
        yield container.open + 1, container.close, ""
        return
    for member, following in pairwise(members[: kept[-1] + 1]):
        if member in removed:
            yield member.start, following.start, ""
    if kept[-1] < len(members) - 1:
        yield members[kept[-1]].end, members[-1].end, ""


def get_raw(text: str, path: Sequence[str]) -> str | None:
    """Return the value at *path* as written, None if none.

    >>> get_raw('{"a": {"b" : [1, 2.0]}}', ("a", "b"))
    '[1, 2.0]'
    """
    at, end = skip_space(text, 0), len(text.rstrip())
    for key in path:
        member = scan_members(text, at).find(key)
        if member is None:
            return None
        at, end = member.value, member.end
    return text[at:end]


def set_raw(text: str, path: Sequence[str], raw: str | None, order: Callable[[str], Any] | None = None) -> str:
    """Set the value at *path*, or remove its member for None.

    *raw* is JSON. Objects on the way are made where they are missing, and removed when they lose their last
    member. A new member is put at its place by *order*, a sort key for the keys of its object, without one at
    the end.

    >>> set_raw('{"dependencies": {"a": "1", "c": "3"}}', ("dependencies", "b"), '"2"', str)
    '{"dependencies": {"a": "1", "b": "2", "c": "3"}}'
    >>> set_raw('{"private":true}', ("bugs", "url"), '"x"')
    '{"private":true,"bugs":{"url":"x"}}'
    """
    if raw is None:
        return _remove(text, path)
    at = skip_space(text, 0)
    for depth, key in enumerate(path):
        container = scan_members(text, at)
        member = container.find(key)
        is_last = depth == len(path) - 1
        if member is None:
            value = _write_nested(text, path[depth + 1 :], raw, depth + 1)
            return _insert(text, container, depth, (key, value), order if is_last else None)
        # A value that is no object gives way, as the path leads through it.
        if is_last or text[member.value] != "{":
            value = _write_nested(text, path[depth + 1 :], raw, depth + 1)
            return text[: member.value] + value + text[member.end :]
        at = member.value
    return raw


def _insert(
    text: str, container: ContainerSpan, depth: int, new: tuple[str, str], order: Callable[[str], Any] | None
) -> str:
    """Put the member *new* into an object at *depth*.

    *new* is a key and its value's text. The colon and the space between members are those of the object's first
    members.
    """
    key, value = new
    members = container.members
    if not members:
        body = _write_object(text, f"{_quote(key)}{_find_colon(text)}{value}", depth)
        return text[: container.open] + body + text[container.close + 1 :]
    first = members[0]
    colon = text[first.key_end : first.value]
    piece = f"{_quote(key)}{':' if colon.strip() != ':' else colon}{value}"
    gap = text[container.open + 1 : first.start]  # with one member, what is before it
    if len(members) > 1:
        # What is between the first two members, behind the comma.
        gap = text[first.end : members[1].start].partition(",")[2]
    # An object with one member on one line: a space behind the comma if there is one behind the colon.
    elif "\n" not in gap and colon.endswith(" "):
        gap = " "
    if order is not None:
        for member in members:
            if order(str(member.key)) > order(key):
                return f"{text[: member.start]}{piece},{gap}{text[member.start :]}"
    end = members[-1].end
    return f"{text[:end]},{gap}{piece}{text[end:]}"


def _remove(text: str, path: Sequence[str]) -> str:
    """Remove the member at *path*, and objects that hold only it."""
    trail: list[tuple[ContainerSpan, MemberSpan]] = []
    at = skip_space(text, 0)
    for key in path:
        container = scan_members(text, at)
        member = container.find(key)
        if member is None:
            return text
        trail.append((container, member))
        at = member.value
    # Objects that held nothing else go too.
    while len(trail) > 1 and len(trail[-1][0].members) == 1:
        trail.pop()
    container, member = trail[-1]
    ((start, end, _),) = _find_removals(container, {member})
    return text[:start] + text[end:]


def sort_members(text: str, path: Sequence[str], order: Callable[[str], Any]) -> str:
    """Sort the members of the object at *path* by *order*.

    The space and the commas between them stay where they are. A text without such an object stays as it is.

    >>> sort_members('{"d": {"b": 1,  "a": 2}}', ("d",), str)
    '{"d": {"a": 2,  "b": 1}}'
    """
    at = skip_space(text, 0)
    for key in path:
        member = scan_members(text, at).find(key)
        if member is None:
            return text
        at = member.value
    if text[at] != "{":
        return text
    members = scan_members(text, at).members
    ranked = sorted(members, key=lambda member: order(str(member.key)))
    pieces, done = [], 0
    for slot, member in zip(members, ranked, strict=True):
        pieces += [text[done : slot.start], text[member.start : member.end]]
        done = slot.end
    return "".join([*pieces, text[done:]])


def format_list(text: str, names: Sequence[str], depth: int) -> str:
    """Write a list of *names* as JSON, laid out as *text* is."""
    end, indent = find_line_end(text), find_indent(text)
    quoted = [_quote(name) for name in names]
    if not end or not indent or not names:
        return "[" + ",".join(quoted) + "]"
    inner = f"{end}{indent * (depth + 1)}"
    return "[" + inner + f",{inner}".join(quoted) + f"{end}{indent * depth}" + "]"


def append_items(raw: str, items: Sequence[str]) -> str:
    """Add *items* at the end of the JSON list *raw*, laid out as it is.

    >>> append_items('["lib", "x.js"]', ["vendor"]), append_items("[]", ["a", "b"])
    ('["lib", "x.js", "vendor"]', '["a", "b"]')
    """
    body = raw[1:-1]
    quoted = [_quote(item) for item in items]
    if not body.strip():
        return f"[{', '.join(quoted)}]"
    lead = re.match(r"\s*", body)
    gap = lead[0] if lead and "\n" in lead[0] else " "
    end = body[len(body.rstrip()) :]
    return f"[{body.rstrip()}{''.join(f',{gap}{item}' for item in quoted)}{end}]"


# --- how new text looks


def find_line_end(text: str) -> str:
    r"""Return the line end of *text*, "" for one line."""
    at = text.rstrip().find("\n")
    if at < 0:
        return ""
    return "\r\n" if text[at - 1 : at] == "\r" else "\n"


def find_indent(text: str) -> str:
    """Return the indentation of *text*, "" for none."""
    match = re.match(r"\s*[{\[][ \t]*\r?\n([ \t]+)", text)
    return match[1] if match else ""


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _find_colon(text: str) -> str:
    """Return the first colon of *text* with its space."""
    members = scan_members(text, skip_space(text, 0)).members
    colon = text[members[0].key_end : members[0].value] if members else ": "
    return colon if "\n" not in colon else ": "


def _write_object(text: str, member: str, depth: int) -> str:
    """Write an object of one *member*, laid out as *text* is."""
    end, indent = find_line_end(text), find_indent(text)
    if not end or not indent:
        return "{" + member + "}"
    return "{" + f"{end}{indent * (depth + 1)}{member}{end}{indent * depth}" + "}"


def _write_nested(text: str, path: Sequence[str], raw: str, depth: int) -> str:
    """Write nested objects that hold *raw* at *path*."""
    if not path:
        return raw
    value = _write_nested(text, path[1:], raw, depth + 1)
    return _write_object(text, f"{_quote(path[0])}{_find_colon(text)}{value}", depth)
