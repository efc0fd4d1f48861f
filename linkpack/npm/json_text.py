"""Read JSON as JavaScript does, and find places in it.

`parse` reads a package.json with the C decoder of `json`, which knows no places. Errors, warnings and edits
need them: `scan_members` looks at one object or array again, and skips each value in it with the same decoder.
`json_edit` changes texts at the places that it finds.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

from linkpack import limits
from linkpack.errors import ManifestInvalid
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_BYTES = limits.DEFAULTS.manifest
MAX_DEPTH = 200
BOM = b"\xef\xbb\xbf"

_SPACE = " \t\n\r"  # what JSON calls white space
# One escape at a time, so that the backslash of "\\ud800" is not taken for the start of "\ud800".
_SURROGATES = r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"


class _MarkError(Exception):
    """Stops a decoder at a duplicate key, a NaN or an Infinity."""


class _Twice(dict[str, object]):
    """An object with duplicate keys.

    *keys_twice* has each of them once, in the order in which they first occur.
    """

    keys_twice: tuple[str, ...] = ()


class _Constant(str):
    """The text NaN, Infinity or -Infinity."""

    __slots__ = ()


class MemberSpan(Record):
    """The places of a member of an object or array.

    *key* is the key, or the index in an array. The key's text is `text[start:key_end]`, empty in an array, and
    the value's is `text[value:end]`.
    """

    key: str | int
    start: int
    key_end: int
    value: int
    end: int


class ContainerSpan(Record):
    """The places of an object or array.

    They are its brackets, and all of its members in order.
    """

    open: int
    members: tuple[MemberSpan, ...]
    close: int

    def find(self, key: str | int) -> MemberSpan | None:
        """Return the member *key*, the last of duplicates."""
        return next((member for member in reversed(self.members) if member.key == key), None)


def _refuse_constant(name: str) -> NoReturn:
    raise _MarkError(name)


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _MarkError
    return members


def _mark_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    twice = _Twice(members)
    twice.keys_twice = tuple(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return twice


# All numbers are floats, as in JSON.parse. int() would refuse those of more than 4,300 digits.
_STRICT = json.JSONDecoder(object_pairs_hook=_refuse_duplicates, parse_int=float, parse_constant=_Constant)
# Without a hook for objects the C decoder is fastest, so duplicates are looked for only where they matter.
_LENIENT = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)
_MARKING = json.JSONDecoder(object_pairs_hook=_mark_duplicates, parse_int=float, parse_constant=_Constant)
# Other readers accept control characters in texts, and this one only finds places.
_SKIPPING = json.JSONDecoder(parse_int=float, strict=False)


def parse(raw: bytes, where: str) -> Mapping[str, object]:
    """Parse the JSON object in *raw*, as JSON.parse does.

    *raw* is UTF-8, with or without a byte order mark. *where* is the file's name for messages. Of duplicate
    keys the last one wins (`find_duplicate_keys` finds them). All numbers are floats. Escapes of half a surrogate
    pair become U+FFFD, so that every text can be encoded again.

    Raises `ManifestInvalid` (EJSON) with file, line and column for what is not UTF-8, not JSON by RFC 8259 (so
    no NaN, comment or trailing comma), not an object, longer than the limit on manifests, or nested deeper
    than `MAX_DEPTH`. When git left the markers of a merge conflict, the message says that instead.
    """
    text = decode(raw, where)
    has_constant = False
    try:
        try:
            value = _LENIENT.decode(text)
        except _MarkError:
            has_constant = True
            value = _MARKING.decode(text)
        # Brackets inside of strings are counted too, so a count above the limit only asks for a real look.
        if text.count("{") + text.count("[") > MAX_DEPTH:
            check_depth(value)
    except json.JSONDecodeError as err:
        conflict = find_conflict(text)
        if conflict is not None:
            message = "not JSON: it has the markers of a merge conflict"
            raise _make_error(where, text, conflict, message, "resolve the conflict in the file") from err
        raise _make_error(where, text, err.pos, f"not JSON: {err.msg}", _guess_remedy(text, err.pos)) from err
    except RecursionError as err:
        raise _make_error(where, text, 0, "nested too deeply", f"the limit is {MAX_DEPTH} levels") from err
    if not isinstance(value, dict):
        raise _make_error(where, text, 0, "not a JSON object", 'it must look like {"name": "…", "version": "…"}')
    if has_constant:
        raise _make_constant_error(where, text, value)
    return value


def find_duplicate_keys(raw: bytes) -> tuple[tuple[str, str], ...]:
    r"""Find the keys that occur more than once in one object.

    *raw* must be JSON that `parse` accepted. Returns pairs in the order of the document: the key's path as
    `format_path` writes it, and the `line:column` of its last occurrence, which is the one that JSON.parse keeps.

    >>> find_duplicate_keys(b'{"files": [],\n "files": ["a"]}')
    (('files', '2:2'),)
    """
    text = decode(raw, "")
    try:
        _STRICT.decode(text)
    except _MarkError:
        pass
    else:
        return ()
    value = _MARKING.decode(text)
    duplicates = []
    for path, child in chain([([], value)], _walk(value)):
        if isinstance(child, _Twice):
            twice = [[*path, key] for key in child.keys_twice]
            duplicates += [(_locate(text, place).start, format_path(place)) for place in twice]
    return tuple((path, _format_place(text, start)) for start, path in sorted(duplicates))


def find_conflict(text: str) -> int | None:
    """Find where a merge conflict begins, None if there is none.

    A conflict is the three kinds of lines that git writes, in their order.
    """
    # One pass for each marker: a text of nothing but markers costs no more (see its test).
    start, at = None, 0
    for marker in (r"^<{7} ", r"^={7}\r?$", r"^>{7} "):
        match = re.compile(marker, re.MULTILINE).search(text, at)
        if match is None:
            return None
        start = match.start() if start is None else start
        at = match.end()
    return start


def blank_comments(raw: bytes) -> bytes:
    """Replace comments and trailing commas by spaces.

    Rush and VS Code write them. Lines and columns stay what they are, for messages.

    >>> blank_comments(b'{"a": [1, 2,]} // x')
    b'{"a": [1, 2 ]}     '
    """

    def blank(match: re.Match[bytes]) -> bytes:
        is_string = match[0].startswith(b'"')
        return match[0] if is_string else re.sub(rb"[^\r\n]", b" ", match[0])

    # Strings are matched first, so that what looks like a comment or comma in them stays.
    bare = re.sub(rb'"(?:\\.|[^"\\])*"|//[^\n]*|/\*(?:.*?\*/|.*)', blank, raw, flags=re.DOTALL)
    return re.sub(rb'"(?:\\.|[^"\\])*"|,(?=\s*[\]}])', blank, bare)


def find_position(raw: bytes, path: Sequence[str | int]) -> str:
    """Return the `line:column` of the member at *path*.

    Both are from 1. The answer is "" if there is no such member. *raw* must be JSON that `parse` accepted.
    """
    text = decode(raw, "")
    try:
        return _format_place(text, _locate(text, path).start)
    except KeyError:
        return ""


def format_path(path: Sequence[str | int]) -> str:
    """Return *path* as people write it.

    >>> format_path(("files", 2))
    'files[2]'
    """
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def decode(raw: bytes, where: str) -> str:
    """Decode *raw* as `parse` does.

    The byte order mark is removed, and half surrogate pairs become U+FFFD. A place in the result is the same
    place in `raw.removeprefix(BOM).decode()`. Raises as `parse` does.
    """
    if len(raw) > (most := limits.current().manifest):
        raise _make_error(where, "", 0, f"{len(raw)} bytes, too large", f"the limit is {most} bytes")
    try:
        text = raw.removeprefix(BOM).decode()
    except UnicodeDecodeError as err:
        kind = "it looks like UTF-16; " if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else ""
        known = raw.removeprefix(BOM)[: err.start].decode()
        raise _make_error(where, known, len(known), "not UTF-8", f"{kind}save the file as UTF-8") from err
    # JSON can escape half of a surrogate pair, which UTF-8 has no bytes for.
    if "\\ud" in text or "\\uD" in text:
        # Six characters replace six, so that places stay the same.
        text = re.sub(_SURROGATES, lambda match: "\\ufffd" if match[1] else match[0], text, flags=re.DOTALL)
    return text


def skip_space(text: str, at: int) -> int:
    """Return the first place from *at* on without white space."""
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def find_value_end(text: str, at: int) -> int:
    """Return where the value that begins at *at* ends."""
    return _SKIPPING.raw_decode(text, at)[1]


def scan_members(text: str, at: int) -> ContainerSpan:
    """Find the members of the object or array that opens at *at*.

    *text* must be JSON that some reader accepted. Any other value has no members.

    >>> [(member.key, member.value) for member in scan_members('{"a": 1, "b": [2]}', 0).members]
    [('a', 6), ('b', 14)]
    """
    if text[at] not in "{[":
        return ContainerSpan(at, (), at)
    members: list[MemberSpan] = []
    i = skip_space(text, at + 1)
    while text[i] not in "}]":
        key: str | int = len(members)
        start = key_end = i
        if text[at] == "{":
            key, key_end = _SKIPPING.raw_decode(text, start)
            i = skip_space(text, skip_space(text, key_end) + 1)
        end = find_value_end(text, i)
        members.append(MemberSpan(key, start, key_end, i, end))
        i = skip_space(text, end)
        if text[i] == ",":
            i = skip_space(text, i + 1)
    return ContainerSpan(at, tuple(members), i)


def _locate(text: str, path: Sequence[str | int]) -> MemberSpan:
    """Find the member at *path*, the last of duplicates.

    Raises KeyError when there is none.
    """
    member = None
    at = skip_space(text, 0)
    for key in path:
        member = scan_members(text, at).find(key)
        if member is None:
            break
        at = member.value
    if member is None:
        raise KeyError(path)
    return member


def check_depth(value: object) -> None:
    """Raise RecursionError if *value* is nested too deeply.

    The limit is `MAX_DEPTH`.
    """
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        inside = chain.from_iterable(box.values() if isinstance(box, dict) else box for box in level)
        level = [child for child in inside if isinstance(child, (dict, list))]
    if level:
        raise RecursionError


def _walk(value: dict[str, object]) -> Iterator[tuple[list[str | int], object]]:
    """Yield every value inside *value*, and its path.

    They come in the order of the document. The path is one list that the walk changes as it goes on: copy it to
    keep it.
    """
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
            del path[-1:]  # at the end of *value* itself there is no key left


def _make_constant_error(where: str, text: str, value: dict[str, object]) -> ManifestInvalid:
    """Make the error for the first NaN or Infinity in *value*."""
    for path, child in _walk(value):
        if isinstance(child, _Constant):
            message = f"{child} is no JSON number (key {format_path(path)})"
            return _make_error(where, text, _locate(text, path).value, message, "write a number or null")
    # A later member with the same key replaced it.
    return _make_error(where, text, 0, "NaN and Infinity are no JSON numbers", "write a number or null")


def _guess_remedy(text: str, at: int) -> str:
    """Guess how to fix the syntax error at *at*."""
    if not text.strip():
        return 'the file is empty; it must look like {"name": "…", "version": "…"}'
    if text.startswith(("//", "/*"), at):
        return "JSON has no comments"
    if text.startswith("'", at):
        return 'JSON takes double quotes: "'
    return "remove the comma" if "," in {text[at : at + 1], text[:at].rstrip()[-1:]} else "fix the JSON"


def _format_place(text: str, at: int) -> str:
    """Return the place *at* as `line:column`, both from 1."""
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def _make_error(where: str, text: str, at: int, message: str, hint: str) -> ManifestInvalid:
    message = f"{where}:{_format_place(text, at)}: {message}"
    return ManifestInvalid(message, code="EJSON", path=where, hint=hint)
