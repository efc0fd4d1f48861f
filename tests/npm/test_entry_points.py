"""Entry points: which paths a manifest names, what may answer each, and what Node itself takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.npm.entry_points import (
    EntryPoint,
    PathIndex,
    find_entry_points,
    find_exports_targets,
    has_crlf_shebang,
)
from linkpack.npm.manifest import parse_manifest


def named(**fields: object) -> list[str]:
    """Each entry point as `key target kind`, with a star behind those that Node itself takes."""
    raw = json.dumps({"name": "p", "version": "1.0.0", **fields}).encode()
    found = find_entry_points(parse_manifest(raw, "package.json", "installed"))
    return [f"{each.key} {each.target} {each.kind}{' *' if each.by_node else ''}" for each in found]


CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"main": "lib"}, ["main lib script *"]),
    ({"main": "a.js", "exports": "./b.js"}, ["main a.js script", "exports ./b.js file *"]),
    (
        {"module": "m.mjs", "browser": "b.js", "types": "t", "typings": "u.d.ts"},
        ["module m.mjs module", "browser b.js module", "types t types", "typings u.d.ts types"],
    ),
    ({"types": "t", "typesVersions": {"*": {}}}, []),
    ({"main": 5, "module": [], "types": {}, "exports": 7, "browser": None}, []),
    (
        {"browser": {"fs": False, "x": "./x.js", "./a.js": "./b.js", "y": "y-browserify"}},
        ['browser["x"] ./x.js module'],
    ),
    (
        {"exports": {".": {"import": "./a.mjs", "require": "./a.cjs", "default": "./never.js"}}},
        [
            'exports["."].import ./a.mjs file *',
            'exports["."].require ./a.cjs file *',
            'exports["."].default ./never.js file',
        ],
    ),
    (
        {"exports": {"types": "./a.d.ts", "development": "./src.ts", "mine": "./x.ts", "default": "./a.js"}},
        ["exports.types ./a.d.ts file", "exports.development ./src.ts file", "exports.default ./a.js file *"],
    ),
    (
        {"exports": {".": ["./a.js", "./b.js"], "./lib/*": "./lib/*.js", "./d/": "./d/", "./no": None}},
        ['exports["."] ./a.js file *', 'exports["./lib/*"] ./lib/*.js pattern *', 'exports["./d/"] ./d/ folder *'],
    ),
    ({"exports": {".": "a.js", "./b": "../b.js"}}, []),
    ({"exports": {"node": {"import": "./n.mjs"}, "default": "./a.js"}}, ["exports.node.import ./n.mjs file *",
                                                                        "exports.default ./a.js file *"]),
    ({"bin": {"x": "./x.js"}}, ["bin.x x.js file *"]),
    ({"directories": {"bin": "./bin"}}, ["directories.bin bin folder *"]),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "want"), CASES)
def test_every_field_gives_its_paths(fields: dict[str, Any], want: list[str]) -> None:
    """Every field gives its paths, with the conditions of exports in their keys."""
    assert named(**fields) == want


@pytest.mark.parametrize(
    ("entry", "answers", "others"),
    [
        (
            EntryPoint("main", "lib", "script"),
            ["lib", "lib.js", "lib.node", "lib/index.js"],
            ["lib.mjs", "index.js"],
        ),
        (EntryPoint("main", "./lib/", "script"), ["lib/index.js", "lib.js"], []),
        (EntryPoint("main", ".", "script"), ["index.js", "index.json"], [".js", "."]),
        (EntryPoint("module", "m", "module"), ["m.mjs", "m.js", "m/index.mjs"], ["m.d.ts"]),
        (EntryPoint("types", "t", "types"), ["t.d.ts", "t/index.d.ts", "t.ts"], ["t.js"]),
        (EntryPoint("types", "t/a.js", "types"), ["t/a.js", "t/a.d.ts"], ["t/a.d.mts"]),
        (EntryPoint("types", "a.mjs", "types"), ["a.d.mts"], ["a.d.ts"]),
        (EntryPoint("exports", "./a//b", "file"), ["a/b"], ["a/b.js", "a/b/index.js"]),
    ],
)
def test_a_path_is_completed_as_its_readers_complete_it(
    entry: EntryPoint, answers: list[str], others: list[str]
) -> None:
    """A path is completed as its readers complete it, and a target of exports not at all."""
    found = entry.candidates()
    assert set(answers) <= set(found)
    assert set(others).isdisjoint(found)


@pytest.mark.parametrize(
    ("key", "is_main"),
    [
        ("main", True),
        ("exports", True),
        ("exports.import", True),
        ('exports["."].require', True),
        ('exports["./x"]', False),
        ('exports["./x"].import', False),
        ("module", False),
        ("bin.main", False),
    ],
)
def test_the_bare_name_means_main_or_the_dot_of_exports(key: str, is_main: bool) -> None:  # noqa: FBT001 - from the table
    assert EntryPoint(key, "./x", "file").is_main is is_main


def test_only_the_first_target_of_a_list_is_taken() -> None:
    """An alternative is for hosts that do not know the first, and an empty list names nothing."""
    found = find_exports_targets({".": [{"import": "./a.mjs"}, "./b.js"], "./x": []})
    assert [(each.subpath, each.conditions, each.value) for each in found] == [
        ('exports["."]', ("import",), "./a.mjs")
    ]


def test_a_spare_is_a_target_beside_types_that_is_there() -> None:
    """TypeScript goes on to another target when the types are missing, whichever version it is."""
    exports = {
        ".": {"types@<5": "./a.d.ts", "default": "./a.js"},
        "./b": {"types": "./b.d.ts", "default": "./b.js"},
    }
    found = {
        each.value: (each.is_types, each.has_spare)
        for each in find_exports_targets(exports, {"./a.js"}.__contains__)
    }
    assert found == {
        "./a.d.ts": (True, True),
        "./a.js": (False, False),
        "./b.d.ts": (True, False),
        "./b.js": (False, False),
    }


def test_paths_are_found_by_their_ends() -> None:
    """A start and an end must not overlap, and the start is one of whole characters."""
    index = PathIndex({"lib/a.js", "lib/b/c.js", "lib.js", "lib/.js", "z"})
    assert list(index.like("lib/", ".js")) == ["lib/.js", "lib/a.js", "lib/b/c.js"]
    assert index.any_like("lib/b", ".js")
    assert not index.any_like("lib/b/c.j", "js")
    assert "z" in index


def test_the_work_on_patterns_is_bounded() -> None:
    """Many patterns over many files cost no more than so much; what is beyond is taken for found."""
    index = PathIndex({f"lib/{number}" for number in range(3000)} | {f"{n}{'a' * 1700}" for n in range(3000)})
    answers = [index.any_like("lib/", "a" * number) for number in range(1, 1700)]
    assert not answers[0]
    assert answers[-1]
    assert index.is_exhausted


@settings(max_examples=200)
@given(
    paths=st.sets(st.text("ab/", min_size=1, max_size=6), max_size=12),
    start=st.text("ab/", max_size=3),
    end=st.text("ab/", max_size=3),
)
def test_a_pattern_is_looked_for_from_either_side(paths: set[str], start: str, end: str) -> None:
    """Whichever side is looked at, the paths found are those that begin and end so without an overlap."""
    least = len(start) + len(end)
    want = {each for each in paths if each.startswith(start) and each.endswith(end) and len(each) >= least}
    assert set(PathIndex(paths).like(start, end)) == want


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"#!/usr/bin/env node\r\nx", True),
        (b"#!/usr/bin/env node\nx\r\n", False),
        (b"#! x\r", True),
        (b"x\r\n", False),
        (b"", False),
    ],
)
def test_a_carriage_return_is_found_in_a_first_line_with_a_shebang(head: bytes, found: bool) -> None:  # noqa: FBT001 - from the table
    """Only the first line is looked at, and only behind #!."""
    assert has_crlf_shebang(head) is found
