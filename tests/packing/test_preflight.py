"""What is checked before the first script runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkpack.errors import LinkpackError, SnapshotError
from linkpack.packing.options import PackOptions
from linkpack.packing.preflight import check_before_scripts, check_distinct, has_scripts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Make a package with a script that packing runs."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/package.json").write_text('{"name": "@s/a", "version": "1.0.0", "scripts": {"prepare": "x"}}')
    return str(tmp_path / "app")


def test_the_path_of_the_tarball_is_known_before(folder: str, tmp_path: Path) -> None:
    options = PackOptions(destination=str(tmp_path / "new/out"))
    project, target = check_before_scripts(folder, options, walk_up=False)
    assert target == f"{tmp_path}/new/out/s-a-1.0.0.tgz"
    assert has_scripts(project)
    assert not (tmp_path / "new").exists()


def test_a_destination_below_a_file_is_refused_except_in_a_dry_run(folder: str) -> None:
    options = PackOptions(destination=f"{folder}/package.json/out")
    with pytest.raises(SnapshotError, match=r"package\.json is no folder") as failed:
        check_before_scripts(folder, options, walk_up=False)
    assert failed.value.code == "EWRITE"
    assert check_before_scripts(folder, options, walk_up=False, dry_run=True)[1].startswith(folder)


def test_two_tarballs_of_one_path_are_refused() -> None:
    check_distinct(["out/a.tgz", "out/b.tgz"])
    check_distinct([])
    with pytest.raises(LinkpackError, match=r"2 packages would be written to a\.tgz") as failed:
        check_distinct(["out/a.tgz", "out/b.tgz", "out/a.tgz"])
    assert failed.value.code == "EOUTSAME"
