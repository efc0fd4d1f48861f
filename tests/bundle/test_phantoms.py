"""What sources load and the tarball does not bring: of the project, and of linked packages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from tests.support.linked import hints, lay, linking, said

if TYPE_CHECKING:
    from pathlib import Path

PHANTOM = {"node_modules/x/package.json": '{"name": "x"}', "node_modules/x/index.js": ""}


def loads(source: str, path: str = "index.js", **fields: object) -> dict[str, str]:
    """A project with a linked package that has *fields*, and *source* at *path*; x is found from there."""
    return {**linking(**fields), f"lib/{path}": source, **PHANTOM}


NOT_DECLARED = (
    "WPHANTOM lib@1.0.0: {} loads x, which it does not declare: it is found here, in node_modules/x, and nothing"
    " brings it along with the tarball"
)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('require("x")', 1),
        ('\nimport a from "x/sub"', 2),
        ('export * from "x"', 1),
        ('function f() {\n  return import("x") }', 2),
        ('require.resolve("x")', 1),
    ],
)
def test_a_package_that_is_not_declared_is_named(source: str, line: int, tmp_path: Path) -> None:
    """A package that only this disk has is named, with the file and the line that loads it."""
    assert said(lay(tmp_path, loads(source))) == [NOT_DECLARED.format(f"index.js:{line}")]


SILENT: dict[str, dict[str, str]] = {
    "dependency": loads('require("x")', dependencies={"x": "*"}),
    "optional": loads('require("x")', optionalDependencies={"x": "*"}),
    "peer": loads('require("x")', peerDependencies={"x": "*"}, peerDependenciesMeta={"x": {"optional": True}}),
    "optional peer": loads('require("x")', peerDependenciesMeta={"x": {"optional": True}}),
    "bundled": loads('require("x")', bundleDependencies=["x"]),
    "not here": loads('require("y")'),
    "node's": loads('require("fs"); import "node:test"; require("util/types")'),
    "itself": loads('require("lib/package.json")'),
    "its own name for a file": loads('require("#x")', imports={"#x": "./x.js"}),
    "host's": {**loads('require("electron")'), "node_modules/electron/package.json": "{}"},
    "guarded": loads('try { require("x") } catch {}\nimport("x").catch(f)'),
    "text": loads('f(\'require("x")\') // require("x")'),
    "test": loads('require("x")', "test/a.js"),
    "test beside": loads('require("x")', "lib/a.spec.js"),
    "config": loads('require("x")', "rollup.config.mjs"),
    "declarations": loads('import "x"', "index.d.ts"),
    "types": loads('import type {A} from "x"', "a.ts", exports="./a.ts"),
    "typescript that nothing leads to": loads('import {A} from "x"', "src/a.ts"),
    "nested": {**loads('require("x")', "dist/a.js"), "lib/dist/node_modules/x/package.json": '{"name": "x"}'},
}


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_said(name: str, tmp_path: Path) -> None:
    """What is declared, found anyway, optional, or run by the package's own developers only."""
    assert [each for each in said(lay(tmp_path, SILENT[name])) if "WPHANTOM" in each] == []


def test_typescript_is_read_where_an_entry_point_leads_to_it(tmp_path: Path) -> None:
    """Sources for bundlers count as soon as somebody loads them; types that are not marked so leave no trace."""
    tree = loads('import {A} from "x"', "src/a.ts", exports="./src/index.ts")
    tree["lib/src/index.ts"] = 'export * from "./a.js"'
    assert said(lay(tmp_path / "one", tree)) == [NOT_DECLARED.format("src/a.ts:1")]
    types_only = {**tree, "node_modules/x/package.json": '{"name": "x", "exports": {"types": "./x.d.ts"}}'}
    del types_only["node_modules/x/index.js"]
    assert said(lay(tmp_path / "two", types_only)) == []


def test_a_test_is_read_where_an_entry_point_leads_to_it(tmp_path: Path) -> None:
    """A folder's name says nothing where consumers load what is in it."""
    tree = loads('require("x")', "test/a.js", exports={".": "./index.js", "./test": "./test/a.js"})
    assert said(lay(tmp_path, {**tree, "lib/index.js": ""})) == [NOT_DECLARED.format("test/a.js:1")]


def test_a_development_dependency_is_told_once(tmp_path: Path) -> None:
    """One warning for each package, whatever the number of files; the hint says what to do."""
    tree = loads('require("x")', devDependencies={"x": "*"})
    app = lay(tmp_path, {**tree, "lib/b.js": 'import "x"', "lib/c.js": "require('x')"})
    [warning] = said(app)
    assert warning.startswith(
        "WPHANTOM lib@1.0.0: b.js:1 (and 2 more files) loads x, which it has in devDependencies only"
    )
    assert hints(app) == ["move x to dependencies in lib/package.json"]


def test_what_the_tarball_has_anyway_is_no_phantom(tmp_path: Path) -> None:
    """The same copy in the tarball, or as a dependency of the project, is found; another one is named."""
    tree = loads('require("x")')
    app = json.loads(tree["app/package.json"])

    def project(**fields: Any) -> dict[str, str]:  # noqa: ANN401 - of a manifest
        return {**tree, "app/package.json": json.dumps({**app, **fields})}

    both = {"lib": "*", "x": "*"}
    assert said(lay(tmp_path / "bundled", project(dependencies=both, bundleDependencies=["lib", "x"]))) == []
    assert said(lay(tmp_path / "declared", project(dependencies=both))) == []
    other = {**project(dependencies=both, bundleDependencies=["lib", "x"])}
    other["app/node_modules/x/package.json"] = '{"name": "x", "version": "2.0.0"}'
    [warning] = said(lay(tmp_path / "other", other))
    assert warning.endswith("it is found here, in node_modules/x, and in the tarball it is x@2.0.0")


def test_flat_layouts_bring_only_what_is_declared(tmp_path: Path) -> None:
    """A package of a flat layout does not see what lies beside it by chance."""
    tree = loads('require("x")')
    fields = {"name": "app", "dependencies": {"lib": "*", "x": "*"}, "bundleDependencies": True}
    app = lay(tmp_path, {**tree, "app/package.json": json.dumps(fields)})
    assert said(app) == []
    assert [each.split(" ")[0] for each in said(app, layout="vendor")] == ["WPHANTOM"]


def root(source: str, **fields: object) -> dict[str, str]:
    """A project by itself, whose index.js is *source*."""
    return {"app/package.json": json.dumps({"name": "app", **fields}), "app/index.js": source, **PHANTOM}


@pytest.mark.parametrize(
    ("tree", "count"),
    [
        (root('require("x")'), 1),
        (root('require("x")', devDependencies={"x": "*"}), 1),
        (root('require("./a")'), 0),
        (root("", main="a.js"), 0),
        (root('exports.f = () => require("x")', devDependencies={"x": "*"}), 0),
        (root('require("./b")', files=["index.js", "b.js"]), 0),
    ],
)
def test_of_the_project_only_what_loads_at_once_is_checked(
    tree: dict[str, str], count: int, tmp_path: Path
) -> None:
    """Of the project those sources count that its entry points lead to, by what they load at once."""
    app = lay(tmp_path, {**tree, "app/b.js": "", "app/c.js": 'require("x")', "app/a.js": ""})
    assert len(said(app)) == count
    assert linkpack.plan_pack(app).checks.strays == count


def test_files_that_stay_behind_are_named(tmp_path: Path) -> None:
    """A file that an entry point leads to is named when it is left out, and what is left out alike is counted."""
    tree = loads(
        'f = () => { require("./lib/a"); import("./lib/b.json"); require("./lib"); require("../out") };'
        ' require("./gone")',
        files=["index.js"],
    )
    files = {"lib/lib/a.js": "", "lib/lib/b.json": "{}", "lib/lib/index.js": "", "out.js": ""}
    app = lay(tmp_path, {**tree, **files})
    outside, inside = sorted(said(app))
    loads_it = "WLEFTBEHIND lib@1.0.0: index.js:1 loads {}, which is on this disk and will not ship: {}"
    assert outside == loads_it.format("../out.js", "it lies outside of the package")
    more = 'not named in "files"; the same holds for lib/b.json and 1 more'
    assert inside == loads_it.format("lib/a.js", more)
    assert 'add lib to "files" in lib/package.json' in hints(app)


@pytest.mark.parametrize(
    ("source", "refused"),
    [
        ('module.exports = require("./dist/a")', True),
        ("'use strict'\nrequire('./dist/a')", True),
        ('const {b} = require("./dist/a.js")\nb()', True),
        ('export * from "./dist/a.js"', True),
        ('const b = require("./b")', True),
        ('if (process.env.A) module.exports = require("./dist/a")', False),
        ('if (process.env.A) {} else\nmodule.exports = require("./dist/a")', False),
        ('if (process.env.A) throw 1\nconst a = require("./dist/a")', False),
        ('const a = process.env.A && require("./dist/a")', False),
        ('const a = process.env.A ? b : require("./dist/a")', False),
        ('const a = b(require("./dist/a"))', False),
        ("module.exports = () => require('./dist/a')", False),
        ('const a = import("./dist/a.js")', False),
    ],
)
def test_a_linked_package_without_a_file_of_its_main_entry_is_refused(
    source: str,
    refused: bool,  # noqa: FBT001 - from the table
    tmp_path: Path,
) -> None:
    """It is refused when what its main entry loads for sure is left out. The project never is."""
    files = {"lib/.gitignore": "dist", "lib/dist/a.js": "", "lib/index.js": source}
    files["lib/b.js"] = 'exports.a = require("./dist/a")'
    [problem] = said(lay(tmp_path / "linked", {**linking(), **files}))
    how = "EENTRYPOINT lib@1.0.0 cannot be loaded:" if refused else "WLEFTBEHIND lib@1.0.0:"
    assert problem.startswith(how)
    assert problem.endswith(" loads dist/a.js, which is on this disk and will not ship: .gitignore:1: dist")
    own = {path.replace("lib/", "app/", 1): text for path, text in files.items()}
    problems = said(lay(tmp_path / "own", {"app/package.json": '{"name": "app"}', **own}))
    assert {each.partition(" ")[0] for each in problems} <= {"WLEFTBEHIND"}


def test_a_source_that_was_not_built_is_a_warning(tmp_path: Path) -> None:
    """A static import of a file that is nowhere fails when the package is loaded; a require may be conditional."""
    tree = loads('import "./dist/a.js"; require("./dist/b.js"); import("./dist/c.js")', type="module")
    [warning] = said(lay(tmp_path, tree))
    assert warning == "WLEFTBEHIND lib@1.0.0: index.js:1 loads dist/a.js, which is no file on this disk"


@pytest.mark.parametrize(
    "tree",
    [
        loads('try { require("./a") } catch {}', files=["index.js"]),
        loads('require("./build/a.node")', files=["index.js"], scripts={"install": "make"}),
        loads('import "./a.js?raw"; import "./b.css"', files=["index.js"]),
        loads('require("./d")', files=["index.js", "d"]),
        loads('require(".."); require("."); require("./package.json")', "lib/index.js", files=["lib"]),
    ],
)
def test_nothing_stays_behind(tree: dict[str, str], tmp_path: Path) -> None:
    """What may fail, is made later, or is found in another way is no matter of ours."""
    more = {"lib/a.js": "", "lib/build/a.node": "", "lib/d/package.json": "{}"}
    assert [each for each in said(lay(tmp_path, {**more, **tree})) if "WLEFTBEHIND" in each] == []


def test_sources_beyond_the_bounds_are_counted(tmp_path: Path) -> None:
    """Of a source that is too large to be read nothing is said, and the count of what was read says so."""
    text = 'require("x");\n' + "//\n" * (1 << 20)
    checks = linkpack.plan_pack(lay(tmp_path, root(text))).checks
    assert (checks.sources, checks.unread, checks.strays) == (0, 1, 0)
    assert not checks.verified


@pytest.mark.parametrize("source", ['require("x"); f(', 'require("x") /* no end', 'require("x"); `${'])
def test_a_source_that_is_not_understood_is_counted(source: str, tmp_path: Path) -> None:
    """Of a source that is no script nothing is said, and what was checked is not called verified."""
    checks = linkpack.plan_pack(lay(tmp_path, root(source))).checks
    assert (checks.sources, checks.unread, checks.strays) == (0, 1, 0)
    assert not checks.verified
