"""Whether packages can be loaded from the tarball: entry points, commands, and what the report says of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from linkpack.report.pack import checks_line
from linkpack.report.pack_json import graph_values
from tests.support.linked import hints, lay, linking, said

if TYPE_CHECKING:
    from pathlib import Path


def brief(text: str) -> str:
    """What `said` gives, in fewer words: the code, the paths, and what keeps them out."""
    for verb in ("is", "are"):
        text = text.replace(f", which {verb} on this disk and will not ship: ", " <- ")
    text = text.replace(", which is no file on this disk", " <- nothing")
    return text.replace(", which are no files on this disk", " <- nothing").replace("lib@1.0.0 names ", "")


# fields of the linked package, files in it, what is said
LINKED: list[tuple[dict[str, Any], dict[str, str], list[str]]] = [
    (
        {"module": "./dist/a.mjs", "exports": {".": {"import": "./dist/a.mjs"}}, "files": []},
        {"dist/a.mjs": ""},
        ['EENTRYPOINT dist/a.mjs (exports["."].import) <- not named in "files"'],
    ),
    (
        {"exports": "./dist/a.js"},
        {".gitignore": "dist", "dist/a.js": ""},
        ["EENTRYPOINT dist/a.js (exports) <- .gitignore:1: dist"],
    ),
    (
        {"main": "dist/a", "files": ["src"]},
        {"dist/a.js": "", "src/a.js": ""},
        ['EENTRYPOINT dist/a.js (main) <- not named in "files"'],
    ),
    (
        {"exports": {".": "./a.js", "./test": "./test/a.js"}, "files": ["a.js"]},
        {"a.js": "", "test/a.js": ""},
        ['WENTRYPOINT test/a.js (exports["./test"]) <- not named in "files"'],
    ),
    (
        {"exports": {"./a": "./lib/a.js", "./*": "./lib/*.js", "./package.json": "./package.json"}, "files": []},
        {"lib/a.js": ""},
        ['EENTRYPOINT lib/a.js (exports["./a"]) <- not named in "files"'],
    ),
    (
        {"main": "a.js", "types": "types/a.d.ts", "module": "a.mjs", "files": ["a.js"]},
        {"a.js": "", "types/a.d.ts": "", "a.mjs": ""},
        ['WENTRYPOINT a.mjs (module) and types/a.d.ts (types) <- not named in "files"'],
    ),
    (
        {"exports": {"development": "./src/a.ts", "default": "./a.js"}, "files": ["a.js"]},
        {"a.js": "", "src/a.ts": ""},
        ['WENTRYPOINT src/a.ts (exports.development) <- not named in "files"'],
    ),
    (
        {"exports": {"mine": "./src/a.ts", "default": "./a.js"}, "files": ["a.js"]},
        {"a.js": "", "src/a.ts": ""},
        [],
    ),
    (
        {"exports": {".": {"types": "./gone.d.ts", "default": "./gone.js"}}, "bin": "gone.js"},
        {},
        ['WENTRYPOINT gone.js (exports["."].default) and gone.d.ts (exports["."].types) <- nothing'],
    ),
    (
        {"main": "build/a.node", "scripts": {"install": "make"}, "files": []},
        {},
        ["WENTRYPOINT build/a.node (main) <- nothing; perhaps a script makes it at installation"],
    ),
    (
        {"main": "../other/a.js"},
        {"../other/a.js": ""},
        ["EENTRYPOINT ../other/a.js (main) <- it lies outside of the package"],
    ),
    ({"main": "a"}, {"a/index.json": "{}"}, []),
    ({"directories": {"bin": "bin"}}, {"bin/x": "#!"}, []),
    ({"directories": {"bin": "bin"}}, {}, ["WENTRYPOINT bin (directories.bin) <- nothing"]),
]


@pytest.mark.parametrize(("fields", "files", "want"), LINKED)
def test_a_linked_package_that_node_cannot_load_is_refused(
    fields: dict[str, Any], files: dict[str, str], want: list[str], tmp_path: Path
) -> None:
    """What Node needs is refused when a rule drops it, all else that is named and not inside is a warning."""
    tree = {**linking(**fields), **{f"lib/{path}": text for path, text in files.items()}}
    assert [brief(each) for each in said(lay(tmp_path, tree))] == want


def test_a_root_is_warned_of_what_npm_packs_all_the_same(tmp_path: Path) -> None:
    """The project itself is never refused: each reason is one warning, which names the fields."""
    manifest = {
        "name": "app",
        "exports": {".": {"types": "./dist/a.d.ts", "import": "./dist/a.mjs", "default": "./dist/a.js"}},
        "module": "lib/gone.js",
    }
    files = {"app/.gitignore": "dist", "app/dist/a.d.ts": "", "app/dist/a.mjs": "", "app/dist/a.js": ""}
    app = lay(tmp_path, {"app/package.json": json.dumps(manifest), **files})
    dropped, missing = said(app)
    assert dropped == (
        'WENTRYPOINT app@1.0.0 names dist/a.mjs (exports["."].import), dist/a.js (exports["."].default) and'
        ' dist/a.d.ts (exports["."].types), which are on this disk and will not ship: .gitignore:1: dist'
    )
    assert missing == "WENTRYPOINT app@1.0.0 names lib/gone.js (module), which is no file on this disk"
    assert hints(app) == [
        'add dist to "files" in app/package.json',
        "build before you pack, or correct app/package.json",
    ]


def test_many_paths_are_counted(tmp_path: Path) -> None:
    """Three paths are named, and how many more there are."""
    exports = {f"./{number}": f"./gone/{number}.js" for number in range(9)}
    app = lay(tmp_path, {"app/package.json": json.dumps({"name": "app", "exports": exports})})
    [warning] = said(app)
    assert 'gone/2.js (exports["./2"]) and 6 more, which are no files' in warning
    assert linkpack.plan_pack(app).checks.lacking == 9


def test_a_nested_ignore_file_is_named_as_what_has_to_go(tmp_path: Path) -> None:
    """`files` does not count against an ignore file below: the hint says what does."""
    tree = {**linking(exports="./dist/a.js"), "lib/dist/.gitignore": "*", "lib/dist/a.js": ""}
    assert hints(lay(tmp_path, tree)) == ["take the rule out, or write an .npmignore beside dist/.gitignore"]


def test_installed_packages_are_asked_for_what_node_loads(tmp_path: Path) -> None:
    """Types that a registry never had are nobody's fault here; a package without its main entry is named."""
    app = lay(
        tmp_path,
        {
            "app/package.json": '{"name": "app", "dependencies": {"a": "", "b": ""}, "bundleDependencies": true}',
            "app/node_modules/a/package.json": '{"types": "a.d.ts", "exports": {".": "./a.js", "./b": "./b.js"}}',
            "app/node_modules/a/a.js": "",
            "app/node_modules/b/package.json": '{"name": "b", "main": "gone.js"}',
        },
    )
    assert said(app) == ["WENTRYPOINT b@1.0.0 names gone.js (main), which is no file on this disk"]


def test_a_path_in_ones_own_node_modules_must_ship(tmp_path: Path) -> None:
    """What a linked package names in its node_modules must be there in the tarball, at that place."""
    tree = {
        **linking(main="./node_modules/x/index.js", dependencies={"x": "*"}),
        "lib/node_modules/x/package.json": '{"name": "x"}',
        "lib/node_modules/x/index.js": "",
    }
    assert said(lay(tmp_path / "nested", tree)) == []
    hoisted = {path.replace("lib/node_modules", "node_modules"): text for path, text in tree.items()}
    app = lay(tmp_path / "hoisted", hoisted)
    assert said(app) == [
        "WENTRYPOINT lib@1.0.0 names node_modules/x/index.js (main), which is no file on this disk"
    ]


def test_a_command_with_a_line_break_of_windows_is_a_warning(tmp_path: Path) -> None:
    """Commands of the project and of linked packages are looked at, by their first line; no byte changes."""
    tree = linking(directories={"bin": "bin"})
    tree["app/package.json"] = tree["app/package.json"].replace('"app"', '"app", "bin": "./a.js"')
    app = lay(tmp_path, tree)
    (app / "a.js").write_bytes(b"#!/usr/bin/env node\r\n1\r\n")
    (tmp_path / "lib" / "bin").mkdir()
    (tmp_path / "lib" / "bin" / "l.js").write_bytes(b"#!/usr/bin/env node\r\n")
    (tmp_path / "lib" / "bin" / "m.js").write_bytes(b"#!/usr/bin/env node\n1\r\n")
    assert [each.partition(", and")[0] for each in said(app)] == [
        "WSHEBANG app@1.0.0: a.js, the command app, has a line break of Windows (CRLF) after #!",
        "WSHEBANG lib@1.0.0: bin/l.js, the command l.js, has a line break of Windows (CRLF) after #!",
    ]


@pytest.mark.parametrize(
    ("fields", "more", "line", "verified"),
    [
        ({}, {}, "entry points: 1 package, all inside; declared dependencies: 0 edges, as on disk", True),
        (
            {"types": "t.d.ts"},
            {},
            "entry points: 1 package, 1 path not inside; declared dependencies: 0 edges",
            False,
        ),
        (
            {"dependencies": {"a": "*", "b": "*"}, "bundleDependencies": True},
            {},
            "entry points: 1 package, all inside; declared dependencies: 0 edges, 2 more to nothing",
            False,
        ),
        (
            {"main": "i.js", "devDependencies": {"dev": "*"}},
            {"app/i.js": 'require("dev")', "app/node_modules/dev/package.json": '{"name": "dev"}'},
            "declared dependencies: 0 edges, as on disk; imports: 1 source, 1 not brought along",
            False,
        ),
        (
            {"main": "i.js", "devDependencies": {"dev": "*"}},
            {"app/i.js": 'require("dev"); f(', "app/node_modules/dev/package.json": '{"name": "dev"}'},
            "declared dependencies: 0 edges, as on disk; not read: 1 source, too large or no valid script",
            False,
        ),
    ],
)
def test_the_line_says_what_was_checked(
    fields: dict[str, Any],
    more: dict[str, str],
    line: str,
    verified: bool,  # noqa: FBT001 - from the table
    tmp_path: Path,
) -> None:
    """Nothing that was left open is called verified, in the line or in the JSON."""
    app = lay(tmp_path, {"app/package.json": json.dumps({"name": "app", **fields}), **more})
    plan = linkpack.plan_pack(app, allow_missing=True)
    assert line in checks_line(plan)
    assert plan.checks.verified is verified
    assert graph_values(plan)["verified"] is verified
