"""The chains of edges that pull a package in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.bundle.graph import read_bundle
from linkpack.explaining.chains import find_chains
from linkpack.project.project import find_project
from tests.support.trees import parse_tree

if TYPE_CHECKING:
    from pathlib import Path

TREE = """
-- package.json --
{"name": "app", "version": "1.0.0", "dependencies": {"a": "^1.0.0", "b": "1"}, "optionalDependencies": {"c": "1"},
 "bundleDependencies": ["a", "b", "c", "extra"]}
-- node_modules/a/package.json --
{"name": "a", "version": "1.0.0", "dependencies": {"d": "~1"}}
-- node_modules/b/package.json --
{"name": "b", "version": "1.0.0", "dependencies": {"d": "^1", "a": "1"}}
-- node_modules/c/package.json --
{"name": "c", "version": "1.0.0"}
-- node_modules/d/package.json --
{"name": "d", "version": "1.0.0", "dependencies": {"e": "1"}}
-- node_modules/e/package.json --
{"name": "e", "version": "1.0.0", "dependencies": {"d": "1"}}
-- node_modules/extra/package.json --
{"name": "extra", "version": "1.0.0"}
"""


def chains(tmp_path: Path, name: str) -> list[list[str]]:
    """The chains to node_modules/*name* of the tree, each as labels."""
    root = parse_tree(TREE, "").write_to(tmp_path)
    graph = read_bundle(find_project(str(root)))
    found = find_chains(graph, f"{root}/node_modules/{name}" if name else str(root))
    return [[f"{edge.label} {edge.section} {edge.name} {edge.spec}".rstrip() for edge in chain] for chain in found]


def test_one_chain_for_each_dependent(tmp_path: Path) -> None:
    """There is a shortest chain through each package that needs the target, with sections and specs."""
    assert chains(tmp_path, "a") == [
        ["app@1.0.0 dependencies a ^1.0.0"],
        ["app@1.0.0 dependencies b 1", "b@1.0.0 dependencies a 1"],
    ]


def test_a_dependent_that_the_target_pulls_in_itself_has_no_chain(tmp_path: Path) -> None:
    """In a ring only the ways into the ring are chains."""
    assert chains(tmp_path, "d") == [
        ["app@1.0.0 dependencies a ^1.0.0", "a@1.0.0 dependencies d ~1"],
        ["app@1.0.0 dependencies b 1", "b@1.0.0 dependencies d ^1"],
    ]


def test_a_chain_says_if_a_name_is_optional_or_only_bundled(tmp_path: Path) -> None:
    assert chains(tmp_path, "c") == [["app@1.0.0 optionalDependencies c 1"]]
    assert chains(tmp_path, "extra") == [["app@1.0.0 bundleDependencies extra"]]
    assert chains(tmp_path, "") == []
