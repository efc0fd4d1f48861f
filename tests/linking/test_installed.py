"""Which links a package manager made, by where they lead and by what asks for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from linkpack.linking.installed import InstalledLinks, list_linked_names
from linkpack.linking.workspace_files import read_pnpm_overrides

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# A tree is files, whose text may be an object, and links, which begin with "-> ". The link asked about is
# app/node_modules/lib, in the project app; the global node_modules is prefix/lib/node_modules.
Tree = dict[str, object]
LINK = "app/node_modules/lib"
LIB: Tree = {"lib/package.json": {"name": "lib"}}


def lay(root: Path, tree: Mapping[str, object]) -> None:
    """Put *tree* on the disk."""
    for name, what in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, str) and what.startswith("-> "):
            path.symlink_to(what.removeprefix("-> ").replace("ROOT", str(root)))
        else:
            path.write_text(what if isinstance(what, str) else json.dumps(what).replace("ROOT", str(root)))


def reason(root: Path, tree: Mapping[str, object], link: str = LINK, app: str = "app") -> str:
    """Why the link *link* is an installer's, with the path of *root* as ROOT."""
    lay(root, tree)
    installed = InstalledLinks(str(root / app), str(root / "prefix/lib/node_modules"))
    path = root / link
    return installed.reason(str(path), str(path.readlink())).replace(str(root), "ROOT")


STORES: dict[str, tuple[Tree, str]] = {
    "pnpm": (
        {LINK: "-> .pnpm/lib@1.0.0/node_modules/lib", "app/node_modules/.pnpm/lib@1.0.0/node_modules/lib/x": ""},
        "it leads into the store ROOT/app/node_modules/.pnpm",
    ),
    "pnpm, emptied": (
        {LINK: "-> .pnpm/lib@1.0.0/node_modules/lib"},
        "it leads into the store ROOT/app/node_modules/.pnpm",
    ),
    "pnpm's global virtual store": (
        {
            LINK: "-> ../../store/v11/links/@/lib/1.0.0/e0f4/node_modules/lib",
            "store/v11/links/@/lib/1.0.0/e0f4/node_modules/lib/x": "",
            "app/node_modules/.modules.yaml": {"layoutVersion": 5, "virtualStoreDir": "ROOT/store/v11/links"},
        },
        "it leads into the store ROOT/store/v11/links",
    ),
    "pnpm's store by another name, in YAML": (
        {
            LINK: "-> ../.vs/lib@1.0.0/lib",
            "app/.vs/lib@1.0.0/lib/x": "",
            "app/node_modules/.modules.yaml": "layoutVersion: 5\nvirtualStoreDir: ../.vs\n",
        },
        "it leads into the store ROOT/app/.vs",
    ),
    "yarn": (
        {LINK: "-> .store/lib-npm-1.0.0-ab/package", "app/node_modules/.store/lib-npm-1.0.0-ab/package/x": ""},
        "it leads into the store ROOT/app/node_modules/.store",
    ),
    "yarn's store by another name": (
        {
            LINK: "-> ../.yarn/things/lib-npm-1.0.0-ab/package",
            "app/.yarn/things/lib-npm-1.0.0-ab/package/x": "",
            "app/.yarnrc.yml": "nodeLinker: pnpm\npnpmStoreFolder: .yarn/things\n",
        },
        "it leads into the store ROOT/app/.yarn/things",
    ),
    "bun's global store": (
        {
            LINK: "-> .bun/lib@1.0.0/node_modules/lib",
            "app/node_modules/.bun/lib@1.0.0": "-> ROOT/bunstore/lib@1.0.0-7307",
            "bunstore/lib@1.0.0-7307/node_modules/lib/x": "",
        },
        "it leads into the store ROOT/app/node_modules/.bun",
    ),
    "a folder beside it": (
        {LINK: "-> _lib@1.0.0@lib", "app/node_modules/_lib@1.0.0@lib/x": ""},
        "it leads into ROOT/app/node_modules",
    ),
    "the node_modules of another project": (
        {LINK: "-> ../../other/node_modules/lib", "other/node_modules/lib/x": ""},
        "it leads into ROOT/other/node_modules",
    ),
    "through the node_modules of another project": (
        {LINK: "-> ../../other/node_modules/lib", "other/node_modules/lib": "-> ../../lib", **LIB},
        "it leads into ROOT/other/node_modules",
    ),
    "Rush's": (
        {LINK: "-> ../../common/temp/node_modules/lib", "common/temp/node_modules/lib/x": ""},
        "it leads into ROOT/common/temp/node_modules",
    ),
}
MEMBERS: dict[str, tuple[Tree, str]] = {
    "npm": (
        {
            LINK: "-> ../packages/lib",
            "app/package.json": {"workspaces": ["packages/*"]},
            "app/packages/lib/package.json": {"name": "lib"},
        },
        "it is a workspace of ROOT/app",
    ),
    "pnpm": (
        {
            LINK: "-> ../packages/lib",
            "app/pnpm-workspace.yaml": "packages: ['packages/*']",
            "app/packages/lib/package.json": {"name": "lib"},
        },
        "it is a workspace of ROOT/app",
    ),
    "Rush": (
        {
            LINK: "-> ../../lib",
            **LIB,
            "rush.json": '{ /* comments */ "projects": [\n{ "packageName": "lib", "projectFolder": "lib" } ] }',
        },
        "it is a project of ROOT/rush.json",
    ),
}
ASKED: dict[str, tuple[Tree, str]] = {
    f"{section}, {spec}": (
        {LINK: "-> ../../lib", **LIB, "app/package.json": {section: {"lib": spec}}},
        f"ROOT/app/package.json asks for {spec}",
    )
    for section, spec in (
        ("dependencies", "file:../lib"),
        ("devDependencies", "link:../lib"),
        ("optionalDependencies", "portal:../lib"),
        ("peerDependencies", "../lib"),
        ("dependencies", "workspace:../lib"),
        ("dependencies", "link:lib"),
    )
}
ASKED |= {
    "by a member, hoisted": (
        {
            LINK: "-> ../../lib",
            **LIB,
            "app/package.json": {"workspaces": ["packages/*"]},
            "app/packages/a/package.json": {"dependencies": {"lib": "file:../../../lib"}},
        },
        "ROOT/app/packages/a/package.json asks for file:../../../lib",
    ),
    "yarn link": (
        {LINK: "-> ../../lib", **LIB, "app/package.json": {"resolutions": {"lib@npm:^1": "portal:../lib"}}},
        "ROOT/app/package.json asks for portal:../lib",
    ),
    "pnpm link": (
        {LINK: "-> ../../lib", **LIB, "app/pnpm-workspace.yaml": "overrides:\n  lib: link:../lib\n"},
        "ROOT/app/pnpm-workspace.yaml asks for link:../lib",
    ),
    "pnpm link, older": (
        {LINK: "-> ../../lib", **LIB, "app/package.json": {"pnpm": {"overrides": {"a>lib": "link:../lib"}}}},
        "ROOT/app/package.json asks for link:../lib",
    ),
    "package-lock.json": (
        {
            LINK: "-> ../../lib",
            **LIB,
            "app/package-lock.json": {"packages": {"node_modules/lib": {"resolved": "../lib", "link": True}}},
        },
        "ROOT/app/package-lock.json asks for ../lib",
    ),
    "package-lock.json of npm 6": (
        {
            LINK: "-> ../../lib",
            **LIB,
            "app/package-lock.json": {"dependencies": {"lib": {"version": "file:../lib"}}},
        },
        "ROOT/app/package-lock.json asks for ../lib",
    ),
    "yarn.lock": (
        {LINK: "-> ../../lib", **LIB, "app/yarn.lock": '"lib@portal:../lib::locator=other%40":\n  version: 0\n'},
        "ROOT/app/yarn.lock asks for portal:../lib",
    ),
}
NOBODY: dict[str, Tree] = {
    "made by hand": {LINK: "-> ../../lib", **LIB},
    "another folder than the manifest asks for": {
        LINK: "-> ../../lib",
        **LIB,
        "other/package.json": {"name": "lib"},
        "app/package.json": {"dependencies": {"lib": "file:../other"}},
    },
    "a range": {LINK: "-> ../../lib", **LIB, "app/package.json": {"dependencies": {"lib": "^1.0.0"}}},
    "npm link of what is installed globally": {
        LINK: "-> ../../prefix/lib/node_modules/lib",
        "prefix/lib/node_modules/lib/x": "",
    },
    "npm 6's link, through the global folder": {
        LINK: "-> ../../prefix/lib/node_modules/lib",
        "prefix/lib/node_modules/lib": "-> ../../../lib",
        **LIB,
    },
    "npm link with another node": {
        LINK: "-> ../../nvm/v18/lib/node_modules/lib",
        "nvm/v18/lib/node_modules/lib/x": "",
        "nvm/v18/bin/node": "",
    },
    "bun link": {
        LINK: "-> ../../.bun/install/global/node_modules/lib",
        ".bun/install/global/node_modules/lib": "-> ../../../../lib",
        **LIB,
    },
    "a ring": {LINK: "-> ../../ring", "ring": "-> ring"},
    "files that are broken": {
        LINK: "-> ../../lib",
        **LIB,
        "app/package.json": "{",
        "app/package-lock.json": "[" * 2000,
        "app/node_modules/.modules.yaml": "virtualStoreDir:",
    },
}


@pytest.mark.parametrize("case", STORES)
def test_links_into_stores_or_another_node_modules_are_installed(tmp_path: Path, case: str) -> None:
    tree, why = STORES[case]
    assert reason(tmp_path.resolve(), tree) == why


@pytest.mark.parametrize("case", MEMBERS)
def test_links_to_workspaces_are_installed(tmp_path: Path, case: str) -> None:
    tree, why = MEMBERS[case]
    if "pnpm-workspace.yaml" in str(tree):
        tree = {**tree, "app/package.json": {}}
    assert reason(tmp_path.resolve(), tree) == why


@pytest.mark.parametrize("case", ASKED)
def test_links_that_are_asked_for_are_installed(tmp_path: Path, case: str) -> None:
    """A manifest or a lockfile of the project does."""
    tree, why = ASKED[case]
    if "workspace.yaml" in str(tree):
        tree = {**tree, "app/package.json": {}}
    assert reason(tmp_path.resolve(), tree) == why


@pytest.mark.parametrize("case", NOBODY)
def test_links_made_to_work_on_a_package_are_not_installed(tmp_path: Path, case: str) -> None:
    """They were made by hand, by linkpack, or by `npm link` and its like."""
    assert reason(tmp_path.resolve(), NOBODY[case]) == ""


def test_a_project_may_lie_in_a_node_modules(tmp_path: Path) -> None:
    """A node_modules around the project and the package alike says nothing of the link."""
    tree = {"node_modules/app/node_modules/lib": "-> ../../lib", "node_modules/lib/package.json": {"name": "lib"}}
    link = "node_modules/app/node_modules/lib"
    assert reason(tmp_path.resolve(), tree, link, app="node_modules/app") == ""


def test_scoped_names_are_whole(tmp_path: Path) -> None:
    """The scope belongs to the name that a manifest asks for."""
    tree = {
        "app/node_modules/@s/lib": "-> ../../../lib",
        **LIB,
        "app/package.json": {"dependencies": {"@s/lib": "file:../lib", "lib": "file:../other"}},
    }
    why = reason(tmp_path.resolve(), tree, "app/node_modules/@s/lib")
    assert why == "ROOT/app/package.json asks for file:../lib"


def test_links_are_listed_by_name_with_their_scope(tmp_path: Path) -> None:
    """A name that begins with a dot is no package."""
    for name in ("b", "@s/a", "a", ".bin", "@s/folder/x"):
        path = tmp_path / "modules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to("nowhere")
    (tmp_path / "modules/folder").mkdir()
    assert list(list_linked_names(str(tmp_path / "modules"))) == ["@s/a", "a", "b"]
    assert list(list_linked_names(str(tmp_path / "none"))) == []


@pytest.mark.parametrize(
    "text", ["", "[]", "overrides: 5", "overrides: {a: [1], 5: x}", "a: &a [*a]", "\t", "<<<<<<< a"]
)
def test_a_file_of_another_shape_has_no_overrides(tmp_path: Path, text: str) -> None:
    """A value that is no text is left out."""
    (tmp_path / "pnpm-workspace.yaml").write_text(text)
    assert read_pnpm_overrides(str(tmp_path)) in ({}, {"5": "x"})
