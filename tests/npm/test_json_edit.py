"""Changing single members of a JSON text."""

from __future__ import annotations

import json

import pytest

from linkpack.errors import ManifestInvalid
from linkpack.npm.json_edit import (
    REMOVE,
    find_indent,
    find_line_end,
    format_list,
    get_raw,
    replace_values,
    set_raw,
    sort_members,
)

MANY_LINES = (
    b'\xef\xbb\xbf{\r\n\t"name": "\\u0061",\r\n'
    b'\t"deps": {\r\n\t\t"a": "1" ,\r\n\t\t"b" : "2",\r\n\t\t"c": "3"\r\n\t},\r\n\t"n": 1.0e0\r\n}\r\n'
)


@pytest.mark.parametrize(
    ("raw", "edits", "want"),
    [
        (b'{"a":"x"}', [], b'{"a":"x"}'),
        (b'{"a" :  "x" }', [(("a",), "y")], b'{"a" :  "y" }'),
        (b'{"a":"x"}', [(("a",), 'q"\n\u00e9\ud800')], b'{"a":"q\\"\\n\\u00e9\\ud800"}'),
        (
            b'{"\\u0061":"x","b":["p",{"c":"q"}]}',
            [(("a",), "y"), (("b", 1, "c"), "z")],
            b'{"\\u0061":"y","b":["p",{"c":"z"}]}',
        ),
        (b'{"a":{"b":[1]}}', [(("a",), "y")], b'{"a":"y"}'),
        (b'{"a":"x","a":{"b":1},"a":{"b":2}}', [(("a", "b"), "y")], b'{"a":"x","a":{"b":1},"a":{"b":"y"}}'),
        (b'{"a":1, "b":2, "a":3, "c":4, "a":5}', [(("a",), REMOVE)], b'{"b":2, "c":4}'),
        (b'{"a":1, "b":2}', [(("a",), REMOVE)], b'{"b":2}'),
        (b'{"a":1, "b":2}', [(("b",), REMOVE)], b'{"a":1}'),
        (b'{ "a": 1 }', [(("a",), REMOVE)], b"{}"),
        (b'{"a":[1, 2 ,3]}', [(("a", 1), REMOVE)], b'{"a":[1, 3]}'),
        (b'{"a":[1, 2 ,3]}', [(("a", 1), REMOVE), (("a", 0), REMOVE), (("a", 2), REMOVE)], b'{"a":[]}'),
        (b'{"a":{"b":1},"c":2}', [(("a", "b"), "x"), (("a",), REMOVE)], b'{"c":2}'),
        (b'{"a":"\xc3\xa9\\ud800","b":"x"}', [(("b",), "y")], b'{"a":"\xc3\xa9\\ud800","b":"y"}'),
        (MANY_LINES, [(("deps", "a"), REMOVE)], MANY_LINES.replace(b'"a": "1" ,\r\n\t\t', b"")),
        (MANY_LINES, [(("deps", "b"), REMOVE)], MANY_LINES.replace(b'"b" : "2",\r\n\t\t', b"")),
        (MANY_LINES, [(("deps", "c"), REMOVE)], MANY_LINES.replace(b',\r\n\t\t"c": "3"', b"")),
        (
            MANY_LINES,
            [(("deps", "b"), REMOVE), (("deps", "c"), REMOVE), (("deps", "a"), "9")],
            MANY_LINES.replace(b'"1" ,\r\n\t\t"b" : "2",\r\n\t\t"c": "3"', b'"9"'),
        ),
    ],
)
def test_an_edit_leaves_every_other_byte(
    raw: bytes, edits: list[tuple[tuple[str | int, ...], str | None]], want: bytes
) -> None:
    """An edit changes its own value or member, and every other byte stays."""
    assert replace_values(raw, edits) == want


@pytest.mark.parametrize("path", [("b",), ("a", "b"), ("a", 0, "b"), ("a", 1), ("a", "0"), (0,)])
def test_an_edit_of_a_missing_path_is_a_key_error(path: tuple[str | int, ...]) -> None:
    with pytest.raises(KeyError):
        replace_values(b'{"a":["x"]}', [(path, "y")])


def test_an_edit_of_what_is_no_manifest_is_refused() -> None:
    with pytest.raises(ManifestInvalid):
        replace_values(b'{"a":}', [(("a",), "y")])


@pytest.mark.parametrize(
    ("text", "path", "raw", "after"),
    [
        ("{}", ("a",), "1", '{"a": 1}'),
        ('{"x":1}', ("a", "b"), '"v"', '{"x":1,"a":{"b":"v"}}'),
        ('{\n  "x": 1\n}\n', ("a", "b"), '"v"', '{\n  "x": 1,\n  "a": {\n    "b": "v"\n  }\n}\n'),
        ('{\r\n\t"x": {}\r\n}', ("x", "b"), '"v"', '{\r\n\t"x": {\r\n\t\t"b": "v"\r\n\t}\r\n}'),
        ('{"d": {"b": 1, "d": 2}}', ("d", "c"), "3", '{"d": {"b": 1, "c": 3, "d": 2}}'),
        ('{"d": {"b": 1}}', ("d", "c"), "3", '{"d": {"b": 1, "c": 3}}'),
        ('{"d": {"c": 1}}', ("d", "b"), "3", '{"d": {"b": 3, "c": 1}}'),
        ('{"d": 5}', ("d", "b"), "3", '{"d": {"b": 3}}'),
        ('{"d": {"b" :  1 }}', ("d", "b"), "3", '{"d": {"b" :  3 }}'),
        ('{"a":1,"a":2}', ("a",), "3", '{"a":1,"a":3}'),
        ('{\n"a": 1\n}', ("b",), "2", '{\n"a": 1,\n"b": 2\n}'),
        ('{"a":\n1}', ("b",), "2", '{"a":\n1,"b":\n2}'),
        ('{"a": 1, "b": 2}', ("a",), None, '{"b": 2}'),
        ('{"a": 1, "b": 2}', ("b",), None, '{"a": 1}'),
        ('{"a": {"x": {"y": 1}}, "b": 2}', ("a", "x", "y"), None, '{"b": 2}'),
        ('{ "a": 1 }', ("a",), None, "{}"),
        ('{"a": 1}', ("b",), None, '{"a": 1}'),
        ('{"a": 1}', ("a", "b"), None, '{"a": 1}'),
        ('{"a": {}}', ("a", "b"), None, '{"a": {}}'),
        ('{"a": 1}', (), "2", "2"),
    ],
)
def test_members_are_set_added_and_removed(text: str, path: tuple[str, ...], raw: str | None, after: str) -> None:
    """Members are set, added in order, and removed, with objects that are left empty; all else stays."""
    assert set_raw(text, path, raw, lambda key: key) == after


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ((), '{"a": {"b" : [1, "x"]}, "c": 1.50}'),
        (("a", "b"), '[1, "x"]'),
        (("c",), "1.50"),
        (("c", "d"), None),
        (("x",), None),
    ],
)
def test_a_value_is_returned_as_written(path: tuple[str, ...], raw: str | None) -> None:
    assert get_raw('{"a": {"b" : [1, "x"]}, "c": 1.50} ', path) == raw


def test_sorted_members_leave_the_gaps_where_they_are() -> None:
    text = '{"d": {\n  "b": 1,   "a": {"z": 1, "y": 2}\n}, "e": 5}'
    assert sort_members(text, ("d",), lambda key: key) == '{"d": {\n  "a": {"z": 1, "y": 2},   "b": 1\n}, "e": 5}'
    for path in (("e",), ("x",), ("e", "f")):
        assert sort_members(text, path, lambda key: key) == text


def test_new_text_looks_like_the_old() -> None:
    """Line end, indentation and the layout of a list follow the text."""
    assert [find_line_end(text) for text in ("{}\n", "{\n}", "{\r\n}\r\n")] == ["", "\n", "\r\n"]
    assert [find_indent(text) for text in ("{}", '{\n\t"a": 1}', '\ufeff{\r\n    "a": 1}'[1:])] == [
        "",
        "\t",
        "    ",
    ]
    assert format_list("{}", ["a", "é"], 1) == '["a","é"]'
    assert json.loads(format_list('{\n  "a": 1\n}', ["a", "b"], 1)) == ["a", "b"]
    assert format_list('{\n  "a": 1\n}', ["a"], 1) == '[\n    "a"\n  ]'
    assert format_list('{\n  "a": 1\n}', [], 1) == "[]"


def test_a_number_of_thousands_of_digits_is_stepped_over() -> None:
    """Python's int() refuses more than 4,300 digits, which JSON allows."""
    text = f'{{"n": {"9" * 5000}, "a": 1}}'
    assert set_raw(text, ("a",), "2") == text.replace('"a": 1', '"a": 2')
