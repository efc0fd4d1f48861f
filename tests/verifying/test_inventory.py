"""An inventory adds up what a tarball holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import linkpack
from linkpack.limits import DEFAULTS
from linkpack.verifying.inventory import TreeNode, take_inventory
from linkpack.verifying.sides import read_tarball_side

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.verifying.inventory import Inventory

FILES: dict[str, object] = {
    "package.json": {"name": "app", "version": "1.0.0", "bundleDependencies": ["a", "@s/b"]},
    "lib/big.js": "x" * 500,
    "lib/same.js": "y" * 100,
    "node_modules/a/package.json": {"name": "a", "version": "1.0.0", "dependencies": {"c": "1"}},
    "node_modules/a/same.js": "y" * 100,
    "node_modules/a/node_modules/c/package.json": {"name": "c", "version": "1.0.0"},
    "node_modules/a/node_modules/c/index.js": "z" * 50,
    "node_modules/@s/b/package.json": {"name": "@s/b", "version": "2.0.0", "dependencies": {"c": "1"}},
    "node_modules/@s/b/node_modules/c/package.json": {"name": "c", "version": "1.0.0"},
    "node_modules/@s/b/node_modules/c/index.js": "z" * 50,
}


def packed(tmp_path: Path, files: dict[str, object]) -> Inventory:
    """Pack a project of *files* and take the inventory of the tarball."""
    for path, content in files.items():
        target = tmp_path / "app" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    tarball = linkpack.pack(tmp_path / "app", destination=tmp_path)
    return take_inventory(read_tarball_side(tarball.path, DEFAULTS))


def names(node: TreeNode) -> dict[str, object]:
    """Return the tree as nested dictionaries of names."""
    return {child.name: names(child) for child in node.children}


def test_packages_are_nodes_and_node_modules_is_not(tmp_path: Path) -> None:
    inventory = packed(tmp_path, FILES)
    assert names(inventory.tree) == {
        "lib": {"big.js": {}, "same.js": {}},
        "a@1.0.0": {"same.js": {}, "package.json": {}, "c@1.0.0": {"index.js": {}, "package.json": {}}},
        "@s/b@2.0.0": {"c@1.0.0": {"index.js": {}, "package.json": {}}, "package.json": {}},
        "package.json": {},
    }


def test_sizes_add_up(tmp_path: Path) -> None:
    inventory = packed(tmp_path, FILES)

    def check(node: TreeNode) -> None:
        if node.children:
            assert node.size == sum(child.size for child in node.children)
            assert node.files == sum(child.files for child in node.children)
        for child in node.children:
            check(child)

    check(inventory.tree)
    assert inventory.tree.size == inventory.unpacked == sum(package.size for package in inventory.packages)
    assert inventory.tree.files == sum(package.files for package in inventory.packages) == len(FILES)
    assert inventory.packages[0].slot == ""


def test_what_is_there_twice_is_named_with_what_it_costs(tmp_path: Path) -> None:
    inventory = packed(tmp_path, FILES)
    assert [(same.name, same.cost) for same in inventory.same_files][:2] == [("same.js", 100), ("index.js", 50)]
    (package,) = inventory.same_packages
    assert package.name == "c@1.0.0"
    assert package.places == ("node_modules/@s/b/node_modules/c", "node_modules/a/node_modules/c")


def test_the_largest_files_come_first(tmp_path: Path) -> None:
    inventory = packed(tmp_path, FILES)
    assert inventory.largest[:2] == (("lib/big.js", 500), ("lib/same.js", 100))


def test_small_files_of_a_full_folder_are_one_node(tmp_path: Path) -> None:
    files: dict[str, object] = {f"lib/{number:03}.js": "x" * (number + 1) for number in range(100)}
    inventory = packed(tmp_path, {"package.json": {"name": "app", "version": "1.0.0"}, **files})
    lib = inventory.tree.children[0]
    assert len(lib.children) == 61
    assert lib.children[-1].kind == "files"
    assert lib.children[-1].files == 40
    assert lib.files == 100
