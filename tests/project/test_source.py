"""A source folder to link: its commands and man pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkpack.errors import LinkpackError
from linkpack.limits import Limits, within
from linkpack.npm.manifest import parse_manifest
from linkpack.project.source import read_source_package

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.npm.manifest import Manifest


def manifest(text: str) -> Manifest:
    """Parse the manifest with these members."""
    return parse_manifest(f'{{"name": "a", "version": "1.0.0", {text}}}'.encode(), "package.json", "root")


def test_folders_of_commands_and_pages_are_read(tmp_path: Path) -> None:
    """Neither node_modules nor links to folders are entered."""
    for path in ("bin/b.js", "bin/in/c.js", "bin/node_modules/d.js", "man/a.1", "man/a.txt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "bin/loop").symlink_to("../bin")
    package = read_source_package(str(tmp_path), manifest('"directories": {"bin": "bin", "man": "man"}'))
    assert package.commands == {"b.js": "bin/b.js", "c.js": "bin/in/c.js"}
    assert package.pages == ("man/a.1",)


def test_a_folder_out_of_the_package_has_no_commands(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.js").touch()
    (tmp_path / "app").mkdir()
    (tmp_path / "app/bin").symlink_to("../elsewhere")
    assert read_source_package(str(tmp_path / "app"), manifest('"directories": {"bin": "bin"}')).commands == {}


def test_a_name_with_a_nul_is_left_out(tmp_path: Path) -> None:
    text = '"bin": {"a": "a.js", "b": "b\\u0000.js"}, "man": ["a.1", "b\\u0000.1"]'
    package = read_source_package(str(tmp_path), manifest(text))
    assert (package.commands, package.pages) == ({"a": "a.js"}, ("a.1",))


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in "abc":
        (tmp_path / "bin" / name).touch()
    with within(Limits(entries=2)), pytest.raises(LinkpackError, match="more than 2") as failed:
        read_source_package(str(tmp_path), manifest('"directories": {"bin": "bin"}'))
    assert failed.value.code == "ELIMIT"
