"""The project that a command is about, and what its arguments mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkpack.errors import LinkError
from linkpack.linking.request import LinkSpec, parse_spec, parse_specs
from linkpack.project.local import LocalProject, find_local_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("files", "start", "root", "implicit"),
    [
        (["a/package.json", "a/b/c/x"], "a/b/c", "a", False),
        (["a/node_modules/x", "a/b/x"], "a/b", "a", False),
        (["a/b/x"], "a/b", "a/b", False),
        (["a/package.json/x", "a/b/x"], "a/b", "a/b", False),
        (["a/package.json", "a/b/package.json"], "a/b", "a/b", False),
        (["w/package.json", "w/packages/x/package.json", "w/packages/x/sub/y"], "w/packages/x/sub", "w", True),
        (["w/package.json", "w/other/x/package.json"], "w/other/x", "w/other/x", False),
    ],
)
def test_the_nearest_project_or_its_workspace_root_is_found(
    tmp_path: Path, files: list[str], start: str, root: str, *, implicit: bool
) -> None:
    """A project has a manifest or a node_modules."""
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"workspaces": ["packages/*"]}' if name.startswith("w/") else "{bad")
    home = find_local_project(f"{tmp_path}/{start}")
    assert (home.root, home.implicit) == (f"{tmp_path}/{root}", implicit)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("./lib", LinkSpec("/c/lib", "", "")),
        ("..", LinkSpec("/", "", "")),
        ("/x/../y/", LinkSpec("/y", "", "")),
        ("~/x", LinkSpec("/h/x", "", "")),
        ("file:../x", LinkSpec("/x", "", "")),
        ("file:///x", LinkSpec("/x", "", "")),
        ("file:~/x", LinkSpec("/h/x", "", "")),
        ("alpha", LinkSpec("", "alpha", "")),
        ("alpha@^1", LinkSpec("", "alpha", "^1")),
        ("@s/x", LinkSpec("", "@s/x", "")),
        ("@s/x@1 || 2", LinkSpec("", "@s/x", "1 || 2")),
        ("alpha@", LinkSpec("", "alpha", "")),
    ],
)
def test_a_spec_is_a_folder_or_a_name(text: str, spec: LinkSpec) -> None:
    """Folders begin with a dot, a slash, a tilde or `file:`."""
    assert parse_spec(text, "/c", "/h") == spec


@pytest.mark.parametrize("text", ["", "a/b", "@s", "a b", "x@npm:y@1", "git+ssh://x/y", "x@../y", "node_modules"])
def test_addresses_and_impossible_names_are_refused(text: str) -> None:
    """There is a hint."""
    with pytest.raises(LinkError) as caught:
        parse_spec(text, "/c", "/h")
    assert caught.value.code == "ELINKSPEC"
    assert caught.value.hint


def test_specs_of_the_project_itself_are_left_out(tmp_path: Path) -> None:
    """Others are kept once."""
    home = LocalProject(str(tmp_path), str(tmp_path), implicit=False)
    assert parse_specs([".", str(tmp_path), "x", "x"], home, str(tmp_path), "") == (LinkSpec("", "x", ""),)
