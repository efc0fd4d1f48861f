"""A workspace member ships what npm packs of it, whatever ignore files lie between the workspace's root and it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from linkpack.bundle.contents import read_contents
from linkpack.bundle.graph import read_bundle
from linkpack.packlist.editions import NPM_RULES
from linkpack.project.project import find_project, read_outer_ignores
from tests.support.naivepack import Package, naive_list
from tests.support.npm import npm_of, packlists, searches_the_disk
from tests.support.packtrees import random_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.packlist.npm_rules import Edition
    from linkpack.project.project import Project

pytestmark = pytest.mark.differential


def shipped(project: Project, edition: Edition) -> list[str]:
    """The files of the workspace member *project* that linkpack packs."""
    packlist = read_contents(project, read_bundle(project), edition, ())[project.root]
    assert not packlist.problems
    return [file.path for file in packlist.files]


@pytest.mark.parametrize("edition", NPM_RULES)
@pytest.mark.parametrize("seed", range(2))
def test_members_ship_what_npm_packs(seed: int, edition: Edition, tmp_path: Path) -> None:
    """Outer ignore files apply as npm applies them, but never beside a member's own .npmignore (npm/cli#6808).

    Where npm 12 reads what `files` found as patterns again (F10), it packs what asking every rule gives then.
    """
    source = random.Random(seed)  # noqa: S311 - a test's data
    members = []
    requests: list[dict[str, object]] = []
    for index in range(100):
        root = tmp_path / str(index)
        tree, folders = random_workspace(source)
        tree.build(root)
        for folder in folders:
            project = find_project(str(root / folder))
            if edition == "12" and searches_the_disk(project.manifest.files):
                continue
            members.append(project)
            own = (root / folder / ".npmignore").exists()
            workspace = {"prefix": str(root), "workspaces": [project.root]}
            requests.append({"path": project.root, **({} if own else workspace)})
    assert sum("prefix" in request for request in requests) > 80
    other = 0
    for project, answer in zip(members, packlists(npm_of(edition), requests), strict=True):
        outer = read_outer_ignores(project.around, project.root).texts
        package = Package(tmp_path / project.root, project.manifest, "root", edition, outer)
        wanted = naive_list(package)
        assert naive_list(package._replace(rereads=True)) == answer, project.root
        assert shipped(project, edition) == wanted, project.root
        other += wanted != answer
    assert other <= (0 if edition == "11" else len(members) // 10)
