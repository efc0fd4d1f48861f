from __future__ import annotations

import json

import pytest

from linkpack.errors import ManifestInvalid
from linkpack.npm.json_text import (
    BOM,
    MAX_BYTES,
    MAX_DEPTH,
    blank_comments,
    find_duplicate_keys,
    find_position,
    format_path,
    parse,
)


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        (b"{}", {}),
        (b' \r\n\t{"a" : [1, -2.5e3, true, false, null, "x"]}\n', {"a": [1, -2500, True, False, None, "x"]}),
        (BOM + b'{"a":"b"}', {"a": "b"}),
        (b'{"\\u006eame":"\\u0065vil \\ud83d\\ude00"}', {"name": "evil \U0001f600"}),
        (
            b'{"a":"\\ud800","b":"\\uDFFF x","c":"\\ude00\\ud83d"}',
            {"a": "\ufffd", "b": "\ufffd x", "c": "\ufffd\ufffd"},
        ),
        (b'{"a":"\\\\ud800","b":"\\\\\\ud800"}', {"a": "\\ud800", "b": "\\\ufffd"}),
        (b'{"a":' + b"9" * 50_000 + b',"b":1e99999}', {"a": float("inf"), "b": float("inf")}),
        (b'{"__proto__":{"files":[]},"constructor":1}', {"__proto__": {"files": []}, "constructor": 1}),
        (b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}", None),
        (b'{"a":[' + b"{}," * 300 + b'"{[' + b"[" * 300 + b'"]}', None),
    ],
)
def test_json_of_the_rfc_is_read(raw: bytes, want: object) -> None:
    """What RFC 8259 allows is read, and every text in it can be encoded again."""
    value = parse(raw, "package.json")
    assert want is None or value == want
    assert json.dumps(value, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", ["1:1", "empty"]),
        (b" \n", ["empty"]),
        (b"[]", ["1:1", "not a JSON object"]),
        (b'"a"', ["not a JSON object"]),
        (b"12", ["not a JSON object"]),
        (b'"' + b"{" * 300 + b'"', ["not a JSON object"]),
        (b'{"a":1', ["1:7"]),
        (b'{\n "a": 1,\n}', ["comma"]),
        (b'{"a":1} // x', ["1:9", "comments"]),
        (b"{'a':1}", ["1:2", "double quotes"]),
        (b'{"a":1}{}', ["1:8"]),
        (b'{"a":1}\0\0', ["1:8"]),
        (b'{"a":"x\ny"}', ["1:8"]),
        (b'{"a":{"b":[0,NaN]}}', ["1:14", "NaN", "a.b[1]"]),
        (b'{"a":-Infinity}', ["1:6", "-Infinity", "key a"]),
        (b'{"a":NaN,"b":[}', ["1:15", "fix"]),
        (b'{"a":"\xff"}', ["1:7", "UTF-8"]),
        (b'{"a":"\xed\xa0\x80"}', ["1:7", "UTF-8"]),
        ('{"a":1}'.encode("utf-16"), ["UTF-16"]),
        ('{"a":1}'.encode("utf-16-le"), ["1:2"]),
        (b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", ["nested", "200"]),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", ["nested", "200"]),
        (b"[" * 200_000, ["nested"]),
        (b'{"a":"' + b" " * MAX_BYTES + b'"}', ["too large", str(MAX_BYTES)]),
    ],
)
def test_anything_else_is_refused_with_place_and_remedy(raw: bytes, words: list[str]) -> None:
    """What is not JSON, not UTF-8, too deep or too large is refused with place and remedy."""
    with pytest.raises(ManifestInvalid) as caught:
        parse(raw, "lib/package.json")
    assert (caught.value.code, caught.value.path) == ("EJSON", "lib/package.json")
    assert caught.value.message.startswith("lib/package.json:")
    assert caught.value.hint
    assert [word for word in words if word not in caught.value.message + caught.value.hint] == []


CONFLICT = b'{\n  "name": "p",\n<<<<<<< HEAD\n  "version": "1.0.0"\n=======\n  "version": "1.0.1"\n>>>>>>> x\n}\n'


@pytest.mark.parametrize("raw", [CONFLICT, CONFLICT.replace(b"\n", b"\r\n")])
def test_a_merge_conflict_is_called_that(raw: bytes) -> None:
    """The first marker is named, and the hint is to resolve the conflict."""
    with pytest.raises(
        ManifestInvalid, match=r"p\.json:3:1: not JSON: it has the markers of a merge conflict"
    ) as caught:
        parse(raw, "p.json")
    assert caught.value.hint == "resolve the conflict in the file"


@pytest.mark.parametrize(
    "raw",
    [
        CONFLICT.replace(b">>>>>>> x", b""),
        CONFLICT.replace(b"=======", b"======="[1:]),
        CONFLICT.replace(b"\n<<<<<<<", b"\n <<<<<<<"),
        b"<<<<<<< a\n" * 100_000,
    ],
)
def test_other_text_is_no_merge_conflict(raw: bytes) -> None:
    """Markers that git did not write, or that are not all there, are a plain syntax error; looking is no work."""
    with pytest.raises(ManifestInvalid, match="not JSON: Expecting"):
        parse(raw, "package.json")


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"{}", ()),
        (b'{"a":{"b":1},"b":{"b":2}}', ()),
        (b'{"a":1,\n "a":2}', (("a", "2:2"),)),
        (b'{"a":1,"a":2,"a":3}', (("a", "1:14"),)),
        (b'{"x":{"y":[1,{"b":1,"c":2,"b":{}}]},"a":1}', (("x.y[1].b", "1:27"),)),
        (b'{"b":1,"a":1,"b":2,"a":2,"c":{"d":1,"d":2}}', (("b", "1:14"), ("a", "1:20"), ("c.d", "1:37"))),
        (b'{"a":1,"\\u0061":2}', (("a", "1:8"),)),
        (b'{"a":{"b":1,"b":2},"a":{"c":1}}', (("a", "1:20"),)),
    ],
)
def test_every_duplicate_key_is_found_at_its_last_place(raw: bytes, found: tuple[tuple[str, str], ...]) -> None:
    """Every duplicate key is found at its last place, however it is written."""
    assert find_duplicate_keys(raw) == found


def test_the_last_of_duplicate_keys_wins() -> None:
    """As in JSON.parse the last one wins; a NaN below another one still is no JSON."""
    assert parse(b'{"a":1,"a":{"b":1,"b":2}}', "package.json") == {"a": {"b": 2}}
    with pytest.raises(ManifestInvalid, match=r"1:1: NaN and Infinity are no JSON numbers"):
        parse(b'{"a":NaN,"a":1}', "package.json")
    with pytest.raises(ManifestInvalid, match=r"1:18: NaN"):
        parse(b'{"a":1,"a":1,"b":NaN}', "package.json")


MANY_LINES = (
    b'\xef\xbb\xbf{\r\n\t"name": "\\u0061",\r\n'
    b'\t"deps": {\r\n\t\t"a": "1" ,\r\n\t\t"b" : "2",\r\n\t\t"c": "3"\r\n\t},\r\n\t"n": 1.0e0\r\n}\r\n'
)


@pytest.mark.parametrize(
    ("path", "place", "text"),
    [
        (("name",), "2:2", "name"),
        (("deps", "b"), "5:3", "deps.b"),
        (("deps", "x"), "", "deps.x"),
        (("name", 0), "", "name[0]"),
        ((), "", ""),
    ],
)
def test_a_path_is_found_as_line_and_column(path: tuple[str | int, ...], place: str, text: str) -> None:
    """A path is found as line and column, and written as people write it."""
    assert (find_position(MANY_LINES, path), format_path(path)) == (place, text)


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        (b'{"a": 1}', b'{"a": 1}'),
        (b'{"a": [1, 2,], // x\n}', b'{"a": [1, 2 ]      \n}'),
        (b'/** a\n */{"a": "// no", /* y */}', b'     \n   {"a": "// no"         }'),
        (b'{"a": "\\"//", "b": "/*,}"}', b'{"a": "\\"//", "b": "/*,}"}'),
        (b'{"a": 1 /* open', b'{"a": 1        '),
        (b"/* " * 200_000, b"   " * 200_000),
    ],
)
def test_blanked_comments_leave_every_place(raw: bytes, want: bytes) -> None:
    """Comments and trailing commas become blanks, so that every other place stays; texts are left alone."""
    assert blank_comments(raw) == want
