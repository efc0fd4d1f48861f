"""A package.json is read once a command, and again after whatever may have changed it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from linkpack.errors import ManifestInvalid
from linkpack.project.package_json import read_loose, read_manifest, read_usable
from linkpack.project.workspace import read_workspace
from linkpack.read_cache import forget, remembering
from linkpack.system.processes import Script, run_script

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, version: str) -> str:
    """Write the manifest of a workspace root in *version*, and return the folder's real path."""
    (folder / "package.json").write_text(f'{{"name": "a", "version": "{version}", "workspaces": ["p"]}}')
    return str(folder.resolve())


def test_every_part_of_a_command_reads_the_same_bytes(tmp_path: Path) -> None:
    """In each role, and where a workspace is looked for, though the file changes meanwhile."""
    root = write(tmp_path, "1.0.0")
    with remembering():
        first = read_manifest(root, "root")
        (tmp_path / "package.json").write_text("{}")
        assert read_manifest(root, "installed").version == first.version == "1.0.0"
        workspace = read_workspace(root)
        assert workspace is not None
        assert workspace.patterns == ("p",)
        with remembering():
            assert read_manifest(root, "linked").version == "1.0.0"
    assert read_manifest(root, "installed").version == ""


def test_the_link_commands_read_each_time(tmp_path: Path) -> None:
    """They change manifests themselves."""
    root = write(tmp_path, "1.0.0")
    with remembering():
        assert read_manifest(root, "root").version == "1.0.0"
        write(tmp_path, "2.0.0")
        loose = read_loose(root)
    assert loose is not None
    assert loose.version == "2.0.0"


def test_after_a_script_everything_is_read_again(tmp_path: Path) -> None:
    """The script may have changed the manifest."""
    root = write(tmp_path, "1.0.0")
    with remembering():
        assert read_manifest(root, "root").version == "1.0.0"
        code = (
            "import pathlib; p = pathlib.Path('package.json'); p.write_text(p.read_text().replace('1.0', '2.0'))"
        )
        run_script(Script("prepack", f'{sys.executable} -c "{code}"', "a@1.0.0", root), {}, "/bin/sh")
        assert read_manifest(root, "root").version == "2.0.0"


def test_forgetting_without_a_memory_does_nothing(tmp_path: Path) -> None:
    """Outside of `remembering` each reading is a new one anyway."""
    root = write(tmp_path, "1.0.0")
    forget()
    assert read_manifest(root, "root").version == "1.0.0"


def test_a_link_out_of_the_folder_is_refused_but_names_members(tmp_path: Path) -> None:
    """Packing must not ship a file from elsewhere; npm finds the workspace all the same."""
    (tmp_path / "real").mkdir()
    (tmp_path / "root").mkdir()
    write(tmp_path / "real", "1.0.0")
    (tmp_path / "root/package.json").symlink_to("../real/package.json")
    root = str((tmp_path / "root").resolve())
    with pytest.raises(ManifestInvalid) as caught:
        read_manifest(root, "root")
    assert caught.value.code == "EMANIFESTLINK"
    assert read_usable(root) is None
    workspace = read_workspace(root)
    assert workspace is not None
    assert workspace.patterns == ("p",)
