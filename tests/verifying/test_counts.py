"""`pack` and `verify` say the same of one tarball: how many packages, and how many edges inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import LinkpackError
from linkpack.verifying import verdict as api
from tests.support.trees import trees

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.bundle.layouts import LayoutName
    from tests.support.trees import Tree

# A folder of its own that the project asks for by `file:./…` is a package to verify, and files to pack.
OTHERS = {"file-inside"}


TREES = [tree for tree in trees("pack") if tree.name not in OTHERS]


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_pack_and_verify_count_alike(tree: Tree, tmp_path: Path) -> None:
    """Whatever the layout, both count the packages and the names that are asked for and found in the tarball."""
    root = tree.write_to(tmp_path / "tree")
    layouts: tuple[LayoutName, ...] = ("bundle", "vendor", "thin")
    for folder in sorted(path.parent for path in root.rglob("package.json") if "node_modules" not in path.parts):
        for layout in layouts:
            try:
                plan = linkpack.plan_pack(folder, layout=layout, allow_missing=True)
            except LinkpackError:  # the case is about that
                continue
            verdict = api.verify(linkpack.write_pack(plan, tmp_path).path)
            assert (verdict.packages, verdict.edges) == (plan.packages, plan.edges), (folder, layout)
