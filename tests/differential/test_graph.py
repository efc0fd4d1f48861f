"""Edges, on disk and in the layout, compared with what node itself finds for the same names."""

from __future__ import annotations

import json
import os
from random import Random
from typing import TYPE_CHECKING

import pytest

from linkpack.bundle.graph import read_bundle
from linkpack.bundle.placement import place
from linkpack.errors import UnplaceableGraph
from linkpack.project.project import find_project
from tests.support.npm import run_node

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.bundle.graph import BundleGraph

TREES = 60
NAMES = ("a", "b", "c", "@s/d")
# Where node looks for a name from a directory; the first that is a package, by its real path.
SCRIPT = """
const { createRequire } = require('node:module');
const { existsSync, realpathSync } = require('node:fs');
const [from, name] = request;
const places = createRequire(realpathSync(from) + '/index.js').resolve.paths(name).map((at) => at + '/' + name);
const found = places.find((at) => existsSync(at + '/package.json'));
return found && realpathSync(found);
"""


def write_package(at: Path, name: str, random: Random) -> None:
    """A package at *at* that needs some of the names, required or not, or has them as peers."""
    at.mkdir(parents=True)
    fields: dict[str, object] = {"name": name, "version": "1.0.0"}
    for kind in ("dependencies", "optionalDependencies", "peerDependencies"):
        fields[kind] = {other: "*" for other in NAMES if random.random() < 0.3}
    if name == "app":
        fields["dependencies"] = {other: "*" for other in NAMES if random.random() < 0.7}
        fields["bundleDependencies"] = True
    (at / "package.json").write_text(json.dumps(fields))


def write_tree(root: Path, random: Random) -> Path:
    """A project in *root* with sources, hoisted and nested packages, and links of all aims between them."""
    write_package(root / "work/app", "app", random)
    places = [root / "work/app"]
    for _ in range(random.randint(2, 10)):
        name = random.choice(NAMES)
        above = random.choice([*places, root / "work", root / "src"])
        at = random.choice([above / "node_modules" / name, root / f"src/{len(places)}/{name}"])
        if not os.path.lexists(at):
            write_package(at, name, random)
            places.append(at)
    for _ in range(random.randint(0, 6)):
        link = random.choice([*places, root / "work"]) / "node_modules" / random.choice(NAMES)
        target = random.choice([*places[1:], places[-1] / "gone"])
        if not os.path.lexists(link) and not root.joinpath("work/app").is_relative_to(target):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(target, link.parent) if random.random() < 0.7 else target)
    return root / "work/app"


def graphs(tmp_path: Path) -> list[BundleGraph]:
    """The graphs of many trees, always the same."""
    found = []
    for seed in range(TREES):
        project = write_tree(tmp_path / str(seed), Random(seed))  # noqa: S311 - test input
        found.append(read_bundle(find_project(str(project)), allow_missing=True))
    return found


@pytest.mark.differential
def test_edges_are_what_node_finds(tmp_path: Path) -> None:
    """Every edge of every package is what node finds; a broken link is a problem."""
    asked, read = [], []
    for graph in graphs(tmp_path):
        faulty = any(problem.code == "EBUNDLELINK" for problem in graph.problems)
        for package in graph.packages.values():
            for name, to in (*package.needs.items(), *package.peers.items()):
                if to is not None or not faulty:
                    asked.append([package.id, name])
                    read.append(to)
    assert run_node(SCRIPT, asked) == read
    assert len(read) > 5 * TREES


@pytest.mark.differential
def test_layouts_are_as_on_disk_for_node(tmp_path: Path) -> None:
    """Unpacked, every slot's dependencies are for node the packages that they were where they came from."""
    asked, wanted = [], []
    for number, graph in enumerate(graphs(tmp_path)):
        try:
            slots = place(graph)
        except UnplaceableGraph:
            continue
        out = tmp_path / "out" / str(number)
        places: dict[str, set[str]] = {}
        for slot, at in slots.items():
            (out / slot).mkdir(parents=True, exist_ok=True)
            (out / slot / "package.json").write_text("{}")
            places.setdefault(at, set()).add(str((out / slot).resolve()))
        for slot, at in slots.items():
            for name, to in graph.packages[at].needs.items():
                if to is not None and to != graph.root:
                    asked.append([str(out / slot), name])
                    wanted.append(places[to])
    answers = run_node(SCRIPT, asked)
    assert [pair for pair, got, want in zip(asked, answers, wanted, strict=True) if got not in want] == []
    assert len(asked) > 2 * TREES
