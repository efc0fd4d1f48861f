"""Which project a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkpack.errors import LinkError
from linkpack.project.local import find_local_project
from linkpack.project.project import find_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("files", "start", "root", "project"),
    [
        (["a/package.json", "a/b/x"], "a/b", "a", "a"),
        (["a/node_modules/x", "a/b/x"], "a/b", "a", "a"),
        (["w/package.json", "w/pk/x/package.json", "w/pk/x/y"], "w/pk/x", "w", "w/pk/x"),
        (["w/package.json", "w/other/package.json"], "w/other", "w/other", "w/other"),
        (["w/package.json", "w/pk/x/node_modules/y"], "w/pk/x", "w/pk/x", "w/pk/x"),
        (["w/package.json", "w/pnpm-lock.yaml", "w/pk/x/package.yaml"], "w/pk/x", "w/pk/x", "w/pk/x"),
        (["w/package.json", "w/pk/x/package.yaml"], "w/pk/x", "w", "w"),
    ],
)
def test_the_nearest_project_and_the_workspace_around_it(
    files: list[str], start: str, root: str, project: str, tmp_path: Path
) -> None:
    """A member has a package.json; other forms of it make a project where it is pnpm's."""
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"name": "a", "version": "1.0.0", "workspaces": ["pk/*"]}' if "json" in name else "")
    top = tmp_path.resolve()
    local = find_local_project(f"{tmp_path}/{start}")
    assert (local.root, local.start) == (f"{top}/{root}", f"{top}/{project}")
    assert local.implicit == (root != project)
    if (top / project / "package.json").exists():
        assert find_project(f"{tmp_path}/{start}", walk_up=True).root == local.start


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(LinkError) as caught:
        find_local_project(f"{tmp_path}/gone")
    assert caught.value.code == "ENOENT"
