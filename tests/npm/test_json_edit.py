"""Changing single members of a JSON text."""

from __future__ import annotations

import json

import pytest

from linkpack.npm.json_edit import get_raw, indent_of, line_end, list_raw, set_raw, sort_members


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
def test_set_raw(text: str, path: tuple[str, ...], raw: str | None, after: str) -> None:
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
def test_get_raw(path: tuple[str, ...], raw: str | None) -> None:
    """A value is told as it is written."""
    assert get_raw('{"a": {"b" : [1, "x"]}, "c": 1.50} ', path) == raw


def test_sort_members() -> None:
    """Members change places; the gaps between them stay where they are."""
    text = '{"d": {\n  "b": 1,   "a": {"z": 1, "y": 2}\n}, "e": 5}'
    assert sort_members(text, ("d",), lambda key: key) == '{"d": {\n  "a": {"z": 1, "y": 2},   "b": 1\n}, "e": 5}'
    for path in (("e",), ("x",), ("e", "f")):
        assert sort_members(text, path, lambda key: key) == text


def test_looks() -> None:
    """Line end, indentation and the layout of a list follow the text."""
    assert [line_end(text) for text in ("{}\n", "{\n}", "{\r\n}\r\n")] == ["", "\n", "\r\n"]
    assert [indent_of(text) for text in ("{}", '{\n\t"a": 1}', '\ufeff{\r\n    "a": 1}'[1:])] == ["", "\t", "    "]
    assert list_raw("{}", ["a", "é"], 1) == '["a","é"]'
    assert json.loads(list_raw('{\n  "a": 1\n}', ["a", "b"], 1)) == ["a", "b"]
    assert list_raw('{\n  "a": 1\n}', ["a"], 1) == '[\n    "a"\n  ]'
    assert list_raw('{\n  "a": 1\n}', [], 1) == "[]"
