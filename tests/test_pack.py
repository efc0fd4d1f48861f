"""Whole projects, packed: every tree of fixtures/trees gives what it wants, and runs as it does on disk."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import pytest

import linkpack
from tests.support.packed import folder, options, outcome, read_packed, runtime_graph
from tests.support.trees import trees

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.trees import Tree

SETTINGS = ("pack", "with", "npm")
TREES = [*trees("pack"), *trees("layouts")]
FAILING = [tree for tree in TREES if any(line.startswith("error:") for line in tree.want)]
PACKED = [tree for tree in TREES if tree not in FAILING]
SECRETS = (b"SECRET", b"TOKEN")

# tree -> what the message must name: the culprit, as the author of the project knows it
CULPRITS = {
    "bad-names": ["../../x"],
    "entry-point-ignored": ["lib@1.0.0", "dist/lib.js", "exports.default", ".gitignore:1: dist"],
    "link-around": ["all", "the project itself"],
    "link-dangling": ["redis", "node_modules/redis -> ../../gone"],
    "link-loop": ["redis", "node_modules/redis -> redis"],
    "link-no-manifest": ["redis", "node_modules/redis -> ../../redis", "package.json"],
    "link-to-file": ["redis", "node_modules/redis -> ../../redis.js"],
    "missing": ["redis needs is-odd", "redis needs is-even", "redis/node_modules"],
    "out-of-reach": ["redis needs is-odd", "redis/node_modules"],
    "spec-error": ["redis", "file:../redis"],
    "spec-not-bundled": ["redis", "file:../redis"],
    "store-ring": ["a@1.0.0", "b@1.0.0", "a@2.0.0", "b@2.0.0"],
}


@pytest.mark.parametrize("tree", TREES, ids=attrgetter("name"))
def test_plan(tree: Tree, tmp_path: Path) -> None:
    """Each tree gives the entries, in order and with modes, and the specs, warnings or errors that it wants."""
    wanted = [line for line in tree.want if line.split(" ")[0] not in SETTINGS]
    assert outcome(tree, tree.write_to(tmp_path)) == wanted


@pytest.mark.parametrize("tree", FAILING, ids=attrgetter("name"))
def test_a_refusal_names_the_culprit(tree: Tree, tmp_path: Path) -> None:
    """Each problem of a tree that cannot be packed is in the error and names who needs what, and where."""
    root = tree.write_to(tmp_path)
    with pytest.raises(linkpack.LinkpackError) as failed:
        linkpack.plan_pack(folder(tree, root), **options(tree))
    text = "\n".join(problem.message for problem in failed.value.problems)
    assert [name for name in CULPRITS[tree.name] if name not in text] == []


@pytest.mark.parametrize("tree", FAILING, ids=attrgetter("name"))
def test_a_refusal_writes_nothing(tree: Tree, tmp_path: Path) -> None:
    """A tree that cannot be packed leaves no tarball, and no folder for it."""
    root = tree.write_to(tmp_path / "tree")
    with pytest.raises(linkpack.LinkpackError):
        linkpack.pack(folder(tree, root), destination=tmp_path / "out", **options(tree))
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


@pytest.mark.parametrize("tree", PACKED, ids=attrgetter("name"))
def test_the_tarball_is_the_plan(tree: Tree, tmp_path: Path) -> None:
    """Read without linkpack, the tarball holds exactly the planned entries, and nothing that is secret."""
    root = tree.write_to(tmp_path / "tree")
    plan = linkpack.plan_pack(folder(tree, root), **options(tree))
    packed = read_packed(linkpack.write_pack(plan, tmp_path).path)
    assert [(path, mode) for path, mode, _ in packed.members] == [(each.path, each.mode) for each in plan.entries]
    assert [len(data) for _, _, data in packed.members] == [entry.size for entry in plan.entries]
    assert [word for word in SECRETS if word in packed.stream] == []


@pytest.mark.parametrize("tree", PACKED, ids=attrgetter("name"))
def test_the_runtime_graph_is_the_disks(tree: Tree, tmp_path: Path) -> None:
    """Unpacked elsewhere, every bundled package finds the code that Node finds for it on the author's disk."""
    root = tree.write_to(tmp_path / "tree")
    source = folder(tree, root)
    plan = linkpack.plan_pack(source, **options(tree))
    name = plan.manifest.name
    packed = read_packed(linkpack.write_pack(plan, tmp_path).path)
    there = packed.extract(tmp_path / "consumer" / "node_modules" / name)
    bundled = sorted(plan.manifest.bundle)
    assert runtime_graph(source, bundled).differences(runtime_graph(there, bundled)) == []
