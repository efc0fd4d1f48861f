"""The JSON of a lockfile, as npm writes it."""

from __future__ import annotations

import json

import pytest

from linkpack.npm.json_text import parse
from linkpack.npm.lockfile import convert_numbers, dump, load, sort_as_npm, sort_by_name


@pytest.mark.parametrize(
    ("number", "want"),
    [("1.0", "1"), ("-0.50", "-0.5"), ("12345678901234567890", "12345678901234567000"), ("1e400", "null")],
)
def test_numbers_are_those_of_javascript(number: str, want: str) -> None:
    """A number is written as JSON.stringify writes it, whichever reader read it."""
    raw = f'{{"n": {number}}}'.encode()
    assert json.dumps(load(raw)) == f'{{"n": {want}}}'
    assert convert_numbers(parse(raw, "p.json")) == load(raw)


@pytest.mark.parametrize(
    ("raw", "error"), [(b'{"n": NaN}', ValueError), (b"[" * 300 + b"]" * 300, RecursionError)]
)
def test_what_is_no_json_is_refused(raw: bytes, error: type[Exception]) -> None:
    """What is no JSON, and what is nested too deeply, is refused."""
    with pytest.raises(error):
        load(raw)


def test_a_lockfile_is_sorted_as_npm_sorts_it() -> None:
    """Members that are no objects come first, in each half the known names, then the others by name."""
    value = {"z": 1, "packages": {}, "B": {}, "a": {"x": {}, "version": "1"}, "name": "p"}
    assert list(sort_as_npm(value)) == ["name", "z", "packages", "a", "B"]
    assert list(sort_as_npm(value)["a"]) == ["version", "x"]
    assert list(sort_by_name({"B": 1, "a": 1})) == ["a", "B"]


@pytest.mark.parametrize(
    ("like", "want"),
    [
        ("{}", '{"a":[1]}'),
        ("{}\n", '{"a":[1]}\n'),
        ('{\n  "b": 1\n}\n', '{\n  "a": [\n    1\n  ]\n}\n'),
        ('\ufeff{\r\n\t"b": 1\r\n}', '{\r\n\t"a": [\r\n\t\t1\r\n\t]\r\n}'),
    ],
)
def test_dump_looks_like_the_text_before(like: str, want: str) -> None:
    """Indentation and line ends stay what they were."""
    assert dump({"a": [1]}, like) == want.encode()


def test_dump_writes_half_a_surrogate_pair_as_an_escape() -> None:
    """UTF-8 has no bytes for it."""
    assert dump(load(b'{"a":"\\ud800"}'), "{}") == b'{"a":"\\ud800"}'
