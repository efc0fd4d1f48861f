"""Read package.json bytes, and change single values in them without touching any other byte.

Values come from the C decoder of `json`. Positions, which only errors, warnings and edits need, come from a second
look: a walk along one path that skips every value beside it, again in C.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from linkpack import limits
from linkpack.errors import ManifestInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Edits = Mapping[tuple[str | int, ...], str | None]

MAX_BYTES = limits.DEFAULTS.manifest
MAX_DEPTH = 200
BOM = b"\xef\xbb\xbf"
REMOVE = None  # as the new value of an edit: the whole member goes

# One escape at a time, so that the backslash of "\\ud800" is not taken for the start of "\ud800".
_SURROGATES = r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"


class _MarkError(Exception):
    """Stops a decoder: there is a duplicate key, or a NaN or Infinity."""


class _Twice(dict[str, object]):
    """An object with duplicate keys: *keys*, each once, in the order of their second places."""

    keys_twice: tuple[str, ...] = ()


class _Constant(str):
    """The text NaN, Infinity or -Infinity."""

    __slots__ = ()


class _Member(NamedTuple):
    """A member of an object or array: its key or index, and where key, value and the value's end stand."""

    key: str | int
    start: int
    value: int
    end: int


def _refuse_constant(name: str) -> NoReturn:
    raise _MarkError(name)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _MarkError
    return members


def _marked(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    twice = _Twice(members)
    twice.keys_twice = tuple(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return twice


# All numbers are floats, as in JSON.parse; int() would refuse those of thousands of digits.
_STRICT = json.JSONDecoder(object_pairs_hook=_once, parse_int=float, parse_constant=_Constant)
_LENIENT = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)
_MARKING = json.JSONDecoder(object_pairs_hook=_marked, parse_int=float, parse_constant=_Constant)


def parse(raw: bytes, where: str) -> Mapping[str, object]:
    """Parse the JSON object in *raw*, as JSON.parse does.

    *where* is the file's name for messages. UTF-8, with or without a byte order mark. Of duplicate keys the last
    one counts (`duplicate_keys` finds them). Lone surrogates (escapes like d800) become U+FFFD; all numbers are
    floats.

    Raises `ManifestInvalid` (EJSON) naming file, line, column and key: not UTF-8, not JSON (RFC 8259, so no NaN,
    comment or trailing comma), not an object, over `MAX_BYTES`, or nested deeper than `MAX_DEPTH`. A file with
    the markers of a merge conflict is said to be that.
    """
    text = _decode(raw, where)
    marked = False
    try:
        try:
            value = _LENIENT.decode(text)
        except _MarkError:
            marked = True
            value = _MARKING.decode(text)
        if text.count("{") + text.count("[") > MAX_DEPTH:
            check_depth(value)
    except json.JSONDecodeError as err:
        conflict = conflict_marker(text)
        if conflict is not None:
            message = "not JSON: it has the markers of a merge conflict"
            raise _invalid(where, text, conflict, message, "resolve the conflict in the file") from err
        raise _invalid(where, text, err.pos, f"not JSON: {err.msg}", _remedy(text, err.pos)) from err
    except RecursionError as err:
        raise _invalid(where, text, 0, "nested too deeply", f"the limit is {MAX_DEPTH} levels") from err
    if not isinstance(value, dict):
        raise _invalid(where, text, 0, "not a JSON object", 'it must look like {"name": "…", "version": "…"}')
    if marked:
        raise _constant_fault(where, text, value)
    return value


def duplicate_keys(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Find the keys that occur more than once in one object of *raw*, which `parse` accepted.

    Returns (path, place), in the order of the document: the path as `key_path` writes it, the place of the one
    that counts, which is the last, as `line:column`.

        {"files": [],
         "files": ["a"]}  ->  ("files", "2:2")
    """
    text = _decode(raw, "")
    try:
        _STRICT.decode(text)
    except _MarkError:
        pass
    else:
        return ()
    value = _MARKING.decode(text)
    found = []
    for path, child in chain([([], value)], _walk(value)):
        for key in child.keys_twice if isinstance(child, _Twice) else ():
            whole = [*path, key]
            found.append((_locate(text, whole)[-1].start, key_path(whole)))
    return tuple((path, _line_column(text, at)) for at, path in sorted(found))


def conflict_marker(text: str) -> int | None:
    """Return where the first marker of a merge conflict is in *text*; None when there is no conflict.

    A conflict is the three lines that git writes, in their order.
    """
    first = at = None
    for marker in (r"^<{7} ", r"^={7}\r?$", r"^>{7} "):
        found = re.compile(marker, re.MULTILINE).search(text, at or 0)
        if found is None:
            return None
        at = found.end()
        first = found.start() if first is None else first
    return first


def without_comments(raw: bytes) -> bytes:
    """Blank out comments and trailing commas of *raw*, as Rush and VS Code write them; every place stays.

    {"a": [1, 2,], // x  ->  {"a": [1, 2 ],     }
    }                        }
    """

    def blank(found: re.Match[bytes]) -> bytes:
        return found[0] if found[0].startswith(b'"') else re.sub(rb"[^\r\n]", b" ", found[0])

    bare = re.sub(rb'"(?:\\.|[^"\\])*"|//[^\n]*|/\*(?:.*?\*/|.*)', blank, raw, flags=re.DOTALL)
    return re.sub(rb'"(?:\\.|[^"\\])*"|,(?=\s*[\]}])', blank, bare)


def replace_values(raw: bytes, edits: Sequence[tuple[tuple[str | int, ...], str | None]]) -> bytes:
    """*raw* with each edit's value replaced by a JSON string, or its whole member gone when that is `REMOVE`.

    An edit is a path (keys of objects, indexes of arrays) and the new text. Every byte outside of the edited
    values stays: byte order mark, line ends, escapes, number forms, indentation. A removed member takes one
    comma along, and the white space up to its neighbour. Where a key stands twice, the last one is replaced
    (the one that JSON.parse sees) and all are removed. An edit below a value that another edit replaces or
    removes is ignored; of two edits of one path the last counts.

    Raises `ManifestInvalid` when *raw* is not what `parse` reads, KeyError when it has no such path.
    """
    parse(raw, "package.json")
    safe, text = _decode(raw, ""), raw.removeprefix(BOM).decode()  # of one length: positions are the same
    pieces, done = [], 0
    for start, end, new in sorted(_cuts(safe, _skip(safe, 0), dict(edits))):
        pieces += [text[done:start], new]
        done = end
    pieces.append(text[done:])
    return (BOM if raw.startswith(BOM) else b"") + "".join(pieces).encode()


def position(raw: bytes, path: Sequence[str | int]) -> str:
    """Where *path* stands in *raw*, which `parse` accepted: `line:column` from 1; "" when there is none."""
    text = _decode(raw, "")
    members = _locate(text, path)
    return _line_column(text, members[-1].start) if members else ""


def key_path(path: Sequence[str | int]) -> str:
    """A path as people write it: `dependencies.redis`, `files[2]`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def _decode(raw: bytes, where: str) -> str:
    if len(raw) > (most := limits.current().manifest):
        raise _invalid(where, "", 0, f"{len(raw)} bytes, too large", f"the limit is {most} bytes")
    try:
        text = raw.removeprefix(BOM).decode()
    except UnicodeDecodeError as err:
        kind = "it looks like UTF-16; " if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else ""
        known = raw.removeprefix(BOM)[: err.start].decode()
        raise _invalid(where, known, len(known), "not UTF-8", f"{kind}save the file as UTF-8") from err
    if "\\ud" in text or "\\uD" in text:
        # Six characters for six, so positions stay.
        text = re.sub(_SURROGATES, lambda found: "\\ufffd" if found[1] else found[0], text, flags=re.DOTALL)
    return text


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\n\r":
        at += 1
    return at


def _members(text: str, at: int) -> Iterator[_Member]:
    """The members of the object or array that opens at *at*, in order; none for anything else."""
    if text[at] not in "{[":
        return
    index = 0
    i = _skip(text, at + 1)
    while text[i] not in "}]":
        key, start = index, i
        if text[at] == "{":
            key, i = _MARKING.raw_decode(text, i)
            i = _skip(text, _skip(text, i) + 1)
        end = _MARKING.raw_decode(text, i)[1]
        yield _Member(key, start, i, end)
        i = _skip(text, end)
        if text[i] == ",":
            i = _skip(text, i + 1)
        index += 1


def _locate(text: str, path: Sequence[str | int]) -> list[_Member]:
    """The members at *path*: none, one, or, for a key that stands several times, all of them."""
    at = _skip(text, 0)
    found: list[_Member] = []
    for key in path:
        found = [member for member in _members(text, at) if member.key == key]
        if not found:
            break
        at = found[-1].value
    return found


def _cuts(text: str, at: int, edits: Edits) -> Iterator[tuple[int, int, str]]:
    """The stretches of *text* to replace, and by what; *edits* are relative to the value at *at*."""
    if () in edits:
        yield at, _LENIENT.raw_decode(text, at)[1], json.dumps(edits[()])
        return
    below: dict[str | int, dict[tuple[str | int, ...], str | None]] = {}
    for path, new in edits.items():
        below.setdefault(path[0], {})[path[1:]] = new
    members = list(_members(text, at))
    gone: set[_Member] = set()
    for key, inner in below.items():
        found = [member for member in members if member.key == key]
        if not found:
            raise KeyError(key)
        if inner.get((), "") is REMOVE:
            gone.update(found)
        else:
            yield from _cuts(text, found[-1].value, inner)
    yield from _removals(text, at, members, gone)


def _removals(text: str, at: int, members: list[_Member], gone: set[_Member]) -> Iterator[tuple[int, int, str]]:
    """The stretches without which the container at *at* has lost the members *gone*."""
    kept = [i for i, member in enumerate(members) if member not in gone]
    if not gone:
        return
    if not kept:
        yield at + 1, _LENIENT.raw_decode(text, at)[1] - 1, ""
        return
    for member, following in pairwise(members[: kept[-1] + 1]):
        if member in gone:
            yield member.start, following.start, ""
    if kept[-1] < len(members) - 1:
        yield members[kept[-1]].end, members[-1].end, ""


def check_depth(value: object) -> None:
    """Nothing, when the JSON value *value* is nested no deeper than `MAX_DEPTH`; else raises RecursionError."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        inside = chain.from_iterable(box.values() if isinstance(box, dict) else box for box in level)
        level = [child for child in inside if isinstance(child, (dict, list))]
    if level:
        raise RecursionError


def _walk(value: dict[str, object]) -> Iterator[tuple[list[str | int], object]]:
    """Every value inside *value* with its path, in document order; the list is the walk's own and changes."""
    path: list[str | int] = []
    frames: list[Iterator[tuple[str | int, object]]] = [iter(value.items())]
    while frames:
        for key, child in frames[-1]:
            path.append(key)
            yield path, child
            if isinstance(child, (dict, list)):
                frames.append(iter(child.items() if isinstance(child, dict) else enumerate(child)))
                break
            path.pop()
        else:
            frames.pop()
            del path[-1:]


def _constant_fault(where: str, text: str, value: dict[str, object]) -> ManifestInvalid:
    """Make the error for the first NaN or Infinity in *value*."""
    for path, child in _walk(value):
        if isinstance(child, _Constant):
            found = _locate(text, path)
            message = f"{child} is no JSON number (key {key_path(path)})"
            return _invalid(where, text, found[-1].value, message, "write a number or null")
    # A NaN that a later member of the same key replaced.
    return _invalid(where, text, 0, "NaN and Infinity are no JSON numbers", "write a number or null")


def _remedy(text: str, at: int) -> str:
    """What to do about the syntax error at *at*; a guess from the characters there."""
    if not text.strip():
        return 'the file is empty; it must look like {"name": "…", "version": "…"}'
    if text.startswith(("//", "/*"), at):
        return "JSON has no comments"
    if text.startswith("'", at):
        return 'JSON takes double quotes: "'
    return "remove the comma" if "," in {text[at : at + 1], text[:at].rstrip()[-1:]} else "fix the JSON"


def _line_column(text: str, at: int) -> str:
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def _invalid(where: str, text: str, at: int, message: str, hint: str) -> ManifestInvalid:
    message = f"{where}:{_line_column(text, at)}: {message}"
    return ManifestInvalid(message, code="EJSON", path=where, hint=hint)
