"""Monorepos of package managers, Lerna and Rush, and the specs that they answer."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import LinkpackError, ProjectError
from linkpack.project.monorepo import find_enclosing_monorepos, find_monorepos, list_all_members, read_monorepo
from linkpack.project.workspace import Workspace
from tests.support.trees import parse_tree

if TYPE_CHECKING:
    from pathlib import Path


def write(at: Path, files: dict[str, str]) -> str:
    """The real path of a folder with these files."""
    return str(parse_tree("".join(f"-- {name} --\n{text}\n" for name, text in files.items())).write_to(at))


RUSH = """
/** The main file of Rush. */
{
  "pnpmVersion": "10.27.0", // not "npmVersion"
  "projects": [
    {"packageName": "app", "projectFolder": "apps/app"},
    {"packageName": "lib", "projectFolder": "libs/lib"},
    {"packageName": "odd"}, "odd",
  ],
}
"""
ROOTS: dict[str, tuple[dict[str, str], Workspace | None]] = {
    "Lerna": (
        {"lerna.json": '{"packages": ["packages/*", 5], "npmClient": "yarn"}'},
        Workspace("", ("packages/*",), {}, "yarn"),
    ),
    "Lerna of old": ({"lerna.json": "{}"}, Workspace("", ("packages/*",), {})),
    "Lerna beside workspaces": (
        {"lerna.json": '{"packages": ["a"]}', "package.json": '{"workspaces": ["b"]}'},
        Workspace("", ("b",), {}),
    ),
    "Lerna beside pnpm": (
        {"lerna.json": '{"packages": ["a"]}', "pnpm-workspace.yaml": "packages: [b]"},
        Workspace("", ("b",), {}, "pnpm"),
    ),
    "Lerna beside catalogs": (
        {"lerna.json": '{"packages": ["a"]}', ".yarnrc.yml": "catalog: {x: ^1}"},
        Workspace("", ("a",), {"default": {"x": "^1"}}, "yarn"),
    ),
    "Rush": ({"rush.json": RUSH}, Workspace("", ("apps/app", "libs/lib"), {}, "pnpm")),
    "Rush with catalogs": (
        {
            "rush.json": '{"yarnVersion": "1.22.0"}',
            "common/config/rush/pnpm-config.json": '{"globalCatalogs": {"default": {"x": "1"}, "o": {"x": "0"}}}',
        },
        Workspace("", (), {"default": {"x": "1"}, "o": {"x": "0"}}, "yarn"),
    ),
    "nothing": ({"package.json": "{}"}, None),
}


@pytest.mark.parametrize("case", ROOTS)
def test_lerna_and_rush_name_members_where_no_manager_does(case: str, tmp_path: Path) -> None:
    files, wanted = ROOTS[case]
    root = write(tmp_path, files)
    assert read_monorepo(root) == (wanted and wanted._replace(root=root))


@pytest.mark.parametrize("name", ["lerna.json", "rush.json"])
@pytest.mark.parametrize("text", ["{", "[]", '{"a": }', "\ud800"])
def test_a_broken_file_is_an_error_that_names_it(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ProjectError, match=name) as caught:
        read_monorepo(str(tmp_path))
    assert (caught.value.code, caught.value.path) == ("EWORKSPACEFILE", str(tmp_path / name))


NESTED = {
    "package.json": '{"workspaces": ["packages/*"]}',
    "packages/a/package.json": '{"name": "a", "workspaces": ["sub/*"]}',
    "packages/a/sub/x/package.json": '{"name": "x"}',
    "packages/a/dist/package.json": '{"name": "a"}',
    "packages/b/package.json": '{"name": "b", "workspaces": ["../*", "."]}',
    "examples/e/package.json": '{"name": "e"}',
}


@pytest.mark.parametrize(
    ("folder", "part_of", "enclosing"),
    [
        ("packages/a/sub/x", ["packages/a", ""], ["packages/a", ""]),
        ("packages/a", [""], ["packages/a", ""]),
        ("packages/a/dist", [""], [""]),
        ("packages/a/dist/deep/er", [""], [""]),
        ("examples/e", [], [""]),
        ("", [], [""]),
    ],
)
def test_the_nearest_monorepo_comes_first(
    folder: str, part_of: list[str], enclosing: list[str], tmp_path: Path
) -> None:
    """Those that name the folder, or one around it, come nearest first; else the nearest above counts."""
    root = write(tmp_path, NESTED)
    at = f"{root}/{folder}".rstrip("/")
    assert [os.path.relpath(found.root, root) for found in find_monorepos(at)] == [each or "." for each in part_of]
    found = [os.path.relpath(found.root, root) for found in find_enclosing_monorepos(at)]
    assert found == [each or "." for each in enclosing]


def test_members_of_members_are_members(tmp_path: Path) -> None:
    """Nested workspaces are members as well, each once, and a ring ends."""
    root = write(tmp_path, NESTED)
    monorepo = read_monorepo(root)
    assert monorepo is not None
    found = [os.path.relpath(at, root) for at in list_all_members(monorepo)]
    assert found == ["packages/a", "packages/b", "packages/a/sub/x"]


def specs(root: Path, folder: str) -> dict[str, str]:
    """The dependencies that the package in *folder* ships."""
    plan = linkpack.plan_pack(root / folder)
    (source,) = (entry.source for entry in plan.entries if entry.path == "package/package.json")
    raw = source if isinstance(source, bytes) else (root / folder / "package.json").read_bytes()
    found: dict[str, str] = json.loads(raw)["dependencies"]
    return found


def member(name: str, version: str = "1.0.0", **dependencies: str) -> str:
    """The manifest of a member."""
    return json.dumps({"name": name, "version": version, "dependencies": dependencies})


SPECS: dict[str, tuple[dict[str, str], str, dict[str, str]]] = {
    "nested workspaces of yarn": (
        {
            "package.json": '{"workspaces": ["packages/*"]}',
            "packages/a/package.json": '{"name": "a", "version": "2.0.0", "workspaces": ["sub/*"]}',
            "packages/a/sub/x/package.json": member("x", b="workspace:^", a="workspace:~"),
            "packages/b/package.json": member("b", "3.0.0"),
        },
        "packages/a/sub/x",
        {"b": "^3.0.0", "a": "~2.0.0"},
    ),
    "a workspace nested in a member": (
        {
            "package.json": '{"workspaces": ["packages/*"]}',
            "packages/a/package.json": '{"name": "a", "version": "2.0.0", "workspaces": ["sub/*"]}',
            "packages/a/sub/x/package.json": member("x", "4.0.0"),
            "packages/b/package.json": member("b", x="workspace:*"),
        },
        "packages/b",
        {"x": "4.0.0"},
    ),
    "a built folder of a member": (
        {
            "pnpm-workspace.yaml": "packages: [packages/*]\ncatalog: {y: ^1}\ncatalogs: {old: {y: ^0.1}}",
            "packages/a/package.json": member("a"),
            "packages/a/dist/esm/package.json": member("a", b="workspace:^", y="catalog:"),
            "packages/b/package.json": member("b", "3.1.0"),
        },
        "packages/a/dist/esm",
        {"b": "^3.1.0", "y": "^1"},
    ),
    "a built folder beside the members": (
        {
            "pnpm-workspace.yaml": "packages: [packages/*]\ncatalogs: {old: {y: ^0.1}}",
            "dist/packages/a/package.json": member("a", b="workspace:^", y="catalog:old"),
            "packages/b/package.json": member("b", "3.1.0"),
        },
        "dist/packages/a",
        {"b": "^3.1.0", "y": "^0.1"},
    ),
    "Rush without an install": (
        {
            "rush.json": '{"projects": [{"projectFolder": "apps/app"}, {"projectFolder": "libs/lib"}]}',
            "apps/app/package.json": member("app", lib="workspace:*"),
            "libs/lib/package.json": member("lib", "2.1.0"),
        },
        "apps/app",
        {"lib": "2.1.0"},
    ),
    "Rush without its file": (
        {
            "apps/app/package.json": member("app", lib="workspace:^"),
            "apps/app/node_modules/lib": "-> ../../../libs/lib",
            "libs/lib/package.json": member("lib", "2.1.0"),
        },
        "apps/app",
        {"lib": "^2.1.0"},
    ),
    "Lerna": (
        {
            "lerna.json": '{"packages": ["modules/*"]}',
            "modules/a/package.json": member("a", b="workspace:^"),
            "modules/b/package.json": member("b", "2.1.0"),
        },
        "modules/a",
        {"b": "^2.1.0"},
    ),
    "a catalog with workspaces in it": (
        {
            "pnpm-workspace.yaml": "packages: ['*']\ncatalog: {b: 'workspace:^'}",
            "a/package.json": member("a", b="catalog:"),
            "b/package.json": member("b", "2.1.0"),
        },
        "a",
        {"b": "^2.1.0"},
    ),
    "yarn's own way of writing ranges": (
        {
            "yarn.lock": "",
            "package.json": member("p", a="npm:^7.0.0", b="npm:latest", c="npm:c@1", d="npm:1.2.3"),
        },
        "",
        {"a": "^7.0.0", "b": "latest", "c": "npm:c@1", "d": "1.2.3"},
    ),
    "an alias that is installed": (
        {
            "yarn.lock": "",
            "package.json": member("p", b="npm:latest"),
            "node_modules/b/package.json": '{"name": "latest", "version": "1.0.0"}',
        },
        "",
        {"b": "npm:latest"},
    ),
}


@pytest.mark.parametrize("case", SPECS)
def test_specs_are_answered_by_the_monorepo_around(case: str, tmp_path: Path) -> None:
    """Each way of lying in a monorepo gives the versions of its members and the specs of its catalogs."""
    files, folder, wanted = SPECS[case]
    for name, text in files.items():
        at = tmp_path / name
        at.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            at.symlink_to(text.removeprefix("-> "))
        else:
            at.write_text(text, encoding="utf-8")
    assert specs(tmp_path, folder) == wanted


@pytest.mark.parametrize(
    ("spec", "code", "words"),
    [
        ("workspace:*", "EWORKSPACESPEC", 'means "x", which is no workspace here and not installed'),
        ("patch:x@npm%3A^1.2.0#./x.patch", "ESPECPATCH", "is x ^1.2.0 with a patch of yarn's"),
        ("not a spec", "ESPECINVALID", "is neither a version nor a range nor a tag: npm cannot install it"),
        ("foo:bar", "ESPECINVALID", "has the protocol foo:, which npm does not know"),
    ],
)
def test_what_nobody_can_install_is_refused(spec: str, code: str, words: str, tmp_path: Path) -> None:
    """The error names package, field, spec and reason; --specs keep ships it all the same."""
    (tmp_path / "package.json").write_text(member("p", x=spec), encoding="utf-8")
    with pytest.raises(LinkpackError) as caught:
        linkpack.plan_pack(tmp_path)
    assert caught.value.code == code
    assert f'p@1.0.0: dependencies.x "{spec}" ' in caught.value.message
    assert words in caught.value.message
    assert linkpack.plan_pack(tmp_path, specs="keep").changes == ()
