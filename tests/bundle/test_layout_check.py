"""The independent check: right layouts pass it, and each planted fault is found and named."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from linkpack.bundle import layout_check as check
from linkpack.bundle.layout_check import LayoutCheck, check_layout
from tests.property.strategies import ROOT, graph_of, package

if TYPE_CHECKING:
    from collections.abc import Mapping

A, B, B2, C = "/src/a", f"{ROOT}/node_modules/b", "/src/a/node_modules/b", "/src/@s/c"
GRAPH = graph_of(
    {
        A: package(A, {"b": B2, "@s/c": C, "gone": None, "app": ROOT}),
        B: package(B, {}, {"@s/c": C, "host": "/elsewhere/host", "unknown": None}),
        B2: package(B2),
        C: package(C, {"@s/c": C}),
    },
    {"a": A, "b": B, "@s/c": C},
    {"host": f"{ROOT}/node_modules/host", "kept": B2},
)
SLOTS = {
    "": ROOT,
    "node_modules/a": A,
    "node_modules/b": B,
    "node_modules/@s/c": C,
    "node_modules/a/node_modules/b": B2,
}


def checked(slots: Mapping[str, str], more: tuple[str, ...] = (), less: tuple[str, ...] = ()) -> LayoutCheck:
    """The check of *slots*, each with its manifest but for *less*, with *more* paths besides."""
    paths = {f"{slot}/package.json".lstrip("/") for slot in slots} - set(less)
    return check_layout(GRAPH, slots, [*sorted(paths), *more])


def test_what_is_right_passes() -> None:
    """Packages are counted, and the edges inside: bundled names, dependencies and peers that are found there."""
    assert checked(SLOTS) == LayoutCheck(5, 7, (), ())


@pytest.mark.parametrize(
    "path",
    [
        "a/package.json",
        "lib/node_modules/x/package.json",
        "node_modules/a/lib/package.json",
        "node_modules/a/lib/node_modules/x/package.json",
        "node_modules/@s/c/sub/package.json",
        "node_modules/@s/package.json",
        "node_modules/package.json",
        "node_modules/a/package.json.orig",
    ],
)
def test_other_manifests_are_no_packages(path: str) -> None:
    """A package.json that Node would find under no name is just a file."""
    assert checked(SLOTS, more=(path,)).problems == ()


@pytest.mark.parametrize("path", ["package.json", "node_modules/a/package.json", "node_modules/@s/c/package.json"])
def test_a_slot_without_its_manifest_is_a_problem(path: str) -> None:
    """A package whose manifest is not shipped is a problem of its slot."""
    found = checked(SLOTS, less=(path,)).problems
    assert [(one.code, one.path) for one in found] == [("ELAYOUT", path.rpartition("package.json")[0].rstrip("/"))]
    assert "has no package.json" in found[0].message


@pytest.mark.parametrize("path", ["node_modules/x/package.json", "node_modules/a/node_modules/@s/c/package.json"])
def test_a_manifest_without_a_slot_is_a_problem(path: str) -> None:
    """A package that nobody planned is a problem."""
    (found,) = checked(SLOTS, more=(path,)).problems
    assert "no slot but has a package.json" in found.message


# slots changed (None: taken out), what the first problem says
FAULTS: dict[str, tuple[dict[str, str | None], str]] = {
    "missing": ({"node_modules/@s/c": None}, "@s/c, needed in the root, would be nothing in the tarball and is c"),
    "another copy": ({"node_modules/b": B2}, "b, needed in the root, would be b in the tarball and is b on disk"),
    "not nested": ({"node_modules/a/node_modules/b": None}, "b, needed in node_modules/a, would be b"),
    "hidden": ({"node_modules/b/node_modules/@s/c": A}, "@s/c, needed in node_modules/b, would be a"),
    "the project hidden": ({"node_modules/app": B}, "app, needed in node_modules/a, would be b in the tarball"),
    "a name kept": ({"node_modules/host": B}, "host, needed in the root, would be b in the tarball and is /src"),
    "kept for another": ({"node_modules/kept": A}, "kept, needed in the root, would be a in the tarball and is b"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_an_edge_that_leads_elsewhere_is_a_problem(fault: str) -> None:
    """An edge that leads elsewhere than on disk is a problem that names both ends."""
    change, message = FAULTS[fault]
    slots = {slot: at for slot, at in (SLOTS | change).items() if at is not None}
    problems = checked(slots).problems
    assert problems[0].message.startswith(message)
    assert {one.code for one in problems} == {"ELAYOUT"}


def test_a_kept_name_may_be_the_same_package() -> None:
    """What the project keeps a name for may have it at the top."""
    assert checked({**SLOTS, "node_modules/kept": B2}).problems == ()


def test_what_was_absent_and_is_seen_is_a_warning() -> None:
    """A name that is absent on disk but visible in the tarball is said, not refused."""
    proof = checked({**SLOTS, "node_modules/gone": B2})
    assert proof.problems == ()
    assert [one.message for one in proof.warnings] == [
        "a finds no gone on disk, but will find node_modules/gone in the tarball"
    ]


def test_another_copy_of_a_peer_is_a_warning() -> None:
    """A package that had its own copy of what the host will supply may find a bundled one below the top."""
    proof = checked({**SLOTS, "node_modules/b/node_modules/host": C})
    assert proof.problems == ()
    assert [one.message for one in proof.warnings] == [
        "b finds /elsewhere/host on disk, but will find node_modules/b/node_modules/host in the tarball"
    ]


def test_the_check_imports_nothing_of_placing() -> None:
    """The module imports nothing of the one whose work it checks."""
    tree = ast.parse(Path(check.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "linkpack.bundle.placement" not in modules
