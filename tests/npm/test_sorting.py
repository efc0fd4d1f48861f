from __future__ import annotations

import pytest

from linkpack.npm.sorting import entry_key, extension, listing_key


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.js", ".js"),
        ("a.", "."),
        ("..a", ".a"),
        (".env", ""),
        ("Makefile", ""),
        ("x.d.ts", ".ts"),
        ("..", ""),
        ("", ""),
        ("...", "."),
    ],
)
def test_the_extension_is_that_of_node(name: str, expected: str) -> None:
    assert extension(name) == expected


@pytest.mark.parametrize(
    "paths",
    [
        [
            ".env",
            "Makefile",
            "_a.js",
            "-a.js",
            ".a.js",
            "10.js",
            "2.js",
            "a_b.js",
            "a-b.js",
            "a.b.js",
            "a.js",
            "A.js",
            "lib/a.js",
            "ab.js",
            "b.js",
            "lib/B.js",
            "package.json",
            "a.ts",
            "x.d.ts",
        ],
        ["e.js", "é.js", "É.js", "f.js", "ss.js", "ß.js", "z.js", "Ω.js", "я.js", "日.js", "package.json"],
        ["@a/x.js", "a/x.js"],
        ["_/x.js", "@a/x.js"],
    ],
    ids=["ascii", "letters", "at sign", "at sign after dash"],
)
def test_entries_have_npms_order(paths: list[str]) -> None:
    """Entries have npm's order: extension, last portion, path; a leading @ is read as ./@."""
    turned = paths[::-1]
    assert sorted(turned, key=entry_key) == paths


@pytest.mark.parametrize(
    "paths",
    [
        [".env", "2.js", "10.js", "B.js", "Éa.js", "日.js", "a.js", "b.js", "é.js"],
        ["lib/a.js", "lib/A.js", "lib/a1.js", "lib/a02.js", "lib/a10.js"],
    ],
)
def test_the_report_lists_capitals_first_and_numbers_by_value(paths: list[str]) -> None:
    """The report lists capitals and caseless beginnings first, and numbers by value."""
    turned = paths[::-1]
    assert sorted(turned, key=listing_key) == paths
