"""A workspace member ships what npm packs of it, whatever ignore files lie between the workspace's root and it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from linkpack.bundle.contents import read_contents
from linkpack.bundle.graph import read_bundle
from linkpack.bundle.project import find_project
from tests.support.npm import npm12_root, npm_root, packlists
from tests.support.packtrees import random_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.select.selection import Edition

pytestmark = pytest.mark.differential


def shipped(member: Path, edition: Edition) -> list[str]:
    """The files of the workspace member in the folder *member* that linkpack packs."""
    project = find_project(str(member))
    packlist = read_contents(project, read_bundle(project), edition, ())[project.root]
    assert not packlist.problems
    return [file.path for file in packlist.files]


@pytest.mark.parametrize("edition", ["11", "12"])
@pytest.mark.parametrize("seed", range(2))
def test_members_ship_what_npm_packs(seed: int, edition: Edition, tmp_path: Path) -> None:
    """Outer ignore files apply as npm applies them, but never beside a member's own .npmignore (npm/cli#6808)."""
    source = random.Random(seed)  # noqa: S311 - a test's data
    members = []
    requests: list[dict[str, object]] = []
    for index in range(80):
        root = tmp_path / str(index)
        tree, folders = random_workspace(source)
        tree.build(root)
        for folder in folders:
            member = root / folder
            members.append(member)
            workspace = {"prefix": str(root), "workspaces": [str(member)]}
            requests.append({"path": str(member), **({} if (member / ".npmignore").exists() else workspace)})
    npm = npm_root() if edition == "11" else npm12_root()
    answers = packlists(npm, requests)
    assert any("prefix" in request for request in requests)
    for member, answer in zip(members, answers, strict=True):
        assert shipped(member, edition) == answer, member
