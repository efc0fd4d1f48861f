"""The fast selection ships what asking every rule about every file ships."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from linkpack.npm.manifest import parse_manifest
from linkpack.packlist.editions import NPM_RULES
from linkpack.packlist.outer_ignores import IgnoreFile, OuterIgnores
from linkpack.packlist.packlist import PackageFolder, read_packlist
from tests.support.naivepack import Package, naive_list
from tests.support.packtrees import RandomTree, varied_tree

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.packlist.npm_rules import Kind

pytestmark = pytest.mark.property

KINDS: tuple[Kind, ...] = ("root", "linked", "installed")
OUTER = ("dist\n", "/lib\n*.js\n", "!a.js\nsrc/*\n", "/*\n!/lib\n", "packages/w/lib\nlib/\n!*.ts\n")


def check_tree(tree: RandomTree, source: random.Random, root: Path) -> None:
    """Both ways of selecting give the same files of *tree*, by the rules of both editions of npm.

    Where the two editions give different files, that is told, and nowhere else.
    """
    tree.build(root)
    kind = source.choice((*KINDS, "root"))
    around = kind != "installed" and source.random() < 0.3
    outer = (("../.gitignore", source.choice(OUTER)),) if around else ()
    ignores = OuterIgnores(
        tuple([IgnoreFile(path, text) for path, text in outer]), applied=True, by_npm=source.random() < 0.5
    )
    manifest = parse_manifest((root / "package.json").read_bytes(), "package.json", kind)
    wanted = {edition: naive_list(Package(root, manifest, kind, edition, outer)) for edition in NPM_RULES}
    for edition in NPM_RULES:
        packlist = read_packlist(
            PackageFolder(str(root), manifest, kind, edition, outer_ignores=ignores), compare=True
        )
        assert packlist.problems == ()
        assert [file.path for file in packlist.files] == wanted[edition], (root, kind, edition)
        told = any(warning.code == "WEDITION" for warning in packlist.warnings)
        if (kind, edition) != ("installed", "11"):
            assert told is (wanted["11"] != wanted["12"]), (root, kind, edition)


@pytest.mark.parametrize("seed", range(4))
def test_random_trees(seed: int, tmp_path: Path) -> None:
    """Whatever the tree, its manifest, its ignore files and those around it."""
    source = random.Random(seed)  # noqa: S311 - a test's data
    for number in range(100):
        check_tree(varied_tree(source), source, tmp_path / str(number))
