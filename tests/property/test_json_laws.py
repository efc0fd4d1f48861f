"""Laws of reading and splicing JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.errors import ManifestInvalid
from linkpack.npm.json_edit import REMOVE, replace_values
from linkpack.npm.json_text import find_duplicate_keys, find_position, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

SPACES = st.sampled_from(["", "", " ", "\n  ", "\r\n\t"])
TEXTS = st.text(max_size=5) | st.sampled_from(
    ["a", "b", "__proto__", '"', "\\", "\ud83d", "\ud800x", "\U0001f600", "{", ",}"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)
DOCUMENTS = st.dictionaries(TEXTS, VALUES, max_size=5)


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:  # noqa: ANN401 (any JSON value)
    """*value* as JSON text, with white space and escapes at will."""
    space = draw(SPACES)
    if isinstance(value, dict):
        members = [f"{space}{draw(written(key))}{space}:{draw(written(item))}" for key, item in value.items()]
        return "{" + f"{draw(SPACES)},".join(members) + space + "}"
    if isinstance(value, list):
        return "[" + f"{draw(SPACES)},".join(space + draw(written(item)) for item in value) + space + "]"
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value)
    return text


def paths(value: object, at: Path = ()) -> Iterator[Path]:
    """The path of every value inside *value*."""
    members = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else [])
    for key, child in members:
        yield (*at, key)
        yield from paths(child, (*at, key))


def edited(value: Any, edits: dict[Path, str | None]) -> Any:  # noqa: ANN401 (any JSON value)
    """*value* after *edits*, made on the value itself."""
    if not isinstance(value, (dict, list)):
        return value
    kept: list[tuple[Any, Any]] = []
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        inner = {path[1:]: new for path, new in edits.items() if path[0] == key}
        if () not in inner:
            kept.append((key, edited(child, inner)))
        elif inner[()] is not REMOVE:
            kept.append((key, inner[()]))
    return dict(kept) if isinstance(value, dict) else [child for _, child in kept]


def safe(value: object) -> object:
    """*value* as `parse` gives it: without lone surrogates, numbers as floats."""
    return parse(json.dumps({"": value}).encode(), "")[""]


@pytest.mark.property
@given(st.data())
@settings(derandomize=True, deadline=None, max_examples=100)
def test_edits_change_only_their_values(data: st.DataObject) -> None:
    """The edited bytes read as the edited value, and without edits they are the bytes given."""
    value = safe(data.draw(DOCUMENTS))
    raw = (data.draw(st.sampled_from(["", "\ufeff"])) + data.draw(written(value))).encode()
    places = list(paths(value))
    edits: dict[Path, str | None] = {}
    if places:
        edits = data.draw(st.dictionaries(st.sampled_from(places), st.none() | st.text(max_size=4), max_size=4))
    spliced = replace_values(raw, list(edits.items()))
    assert parse(spliced, "") == safe(edited(value, edits))
    assert spliced == raw if not edits else raw[:1] == spliced[:1]
    assert all(find_position(raw, path) for path in places)


@pytest.mark.property
@given(st.data())
@settings(derandomize=True, deadline=None, max_examples=100)
def test_a_replaced_text_leaves_the_bytes_around_it(data: st.DataObject) -> None:
    """Putting a text in and the old one back gives the same bytes, up to the spelling of that one text."""
    value = data.draw(DOCUMENTS.filter(bool))
    raw = data.draw(written(value)).encode()
    path = data.draw(st.sampled_from(list(paths(safe(value)))))
    there = replace_values(raw, [(path, "LINKPACK")])
    before, _, after = there.partition(b'"LINKPACK"')
    assert raw.startswith(before)
    assert raw.endswith(after)
    assert len(raw) > len(before) + len(after)


@pytest.mark.property
@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u d8aN01-eE.\n', max_size=40).map(str.encode))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """Whatever the bytes are, the answer is `ManifestInvalid` or an object that Python's json reads, too."""
    try:
        value = parse(raw, "package.json")
    except ManifestInvalid:
        return
    assert len(value) == len(json.loads(raw.decode("utf-8-sig")))


@pytest.mark.property
@given(
    st.recursive(st.none(), lambda inner: st.lists(st.tuples(st.sampled_from(["a", "b", "é"]), inner), max_size=4))
)
@settings(derandomize=True, deadline=None, max_examples=200)
def test_duplicate_keys_are_found_wherever_an_object_has_them(value: object) -> None:
    """There are duplicate keys exactly where one object of the text holds fewer members than were written."""
    text = f'{{"x":{written_as_objects(value)}}}'
    sizes: list[bool] = []

    def count(pairs: list[tuple[str, object]]) -> dict[str, object]:
        sizes.append(len(dict(pairs)) < len(pairs))
        return dict(pairs)

    json.loads(text, object_pairs_hook=count)
    assert bool(find_duplicate_keys(text.encode())) == any(sizes)


def written_as_objects(value: object) -> str:
    """*value* as JSON text, each list of pairs as an object with these members."""
    if not isinstance(value, list):
        return json.dumps(value)
    return "{" + ",".join(f"{json.dumps(key)}:{written_as_objects(inner)}" for key, inner in value) + "}"
