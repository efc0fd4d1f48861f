"""The staged tree: what the tarball holds, as a directory, whole or not at all."""

from __future__ import annotations

import json
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from linkpack.archive.entry import Entry
from linkpack.cli.main import linkpack
from linkpack.errors import LinkpackError
from linkpack.packing.pack import write_pack
from linkpack.packing.plan import plan_pack
from linkpack.packing.staged_tree import write_tree
from tests.support.npm import npm
from tests.support.packed import read_packed
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.bundle.layouts import LayoutName

LAYOUTS: tuple[LayoutName, ...] = ("bundle", "vendor", "thin")


@pytest.fixture(name="site")
def make_site(tmp_path: Path) -> Path:
    """The project of the pipeline test."""
    text = (FIXTURES / "trees" / "ship" / "site.txt").read_text(encoding="utf-8")
    return parse_tree(text, "site").write_to(tmp_path / "tree") / "site"


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and modes of the files below *folder*."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o777) for path in found}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_is_the_tarball(site: Path, tmp_path: Path, layout: LayoutName) -> None:
    """Paths, bytes and modes are those of the tarball; nothing else is left beside it."""
    plan = plan_pack(site, layout=layout)
    packed = read_packed(write_pack(plan, tmp_path / "out").path)
    write_tree(plan.entries, str(tmp_path / "new" / "tree"))
    wanted = {path.removeprefix("package/"): (data, mode) for path, mode, data in packed.members}
    assert contents(tmp_path / "new" / "tree") == wanted
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["tree"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("folder", ["stage", "out/1.0.0"])
def test_a_tree_in_the_package_is_no_part_of_it(site: Path, layout: LayoutName, folder: str) -> None:
    """The next tarball has the same entries, also when the version is another one, and the tree is named."""
    manifest = site / "package.json"
    members = json.loads(manifest.read_bytes())
    del members["files"]
    manifest.write_text(json.dumps(members), encoding="utf-8")
    plan = plan_pack(site, layout=layout)
    write_tree(plan.entries, str(site / folder))
    manifest.write_text(json.dumps({**members, "version": "9.0.0"}), encoding="utf-8")
    later = plan_pack(site, layout=layout)
    assert [entry.path for entry in later.entries] == [entry.path for entry in plan.entries]
    (warning,) = set(later.warnings) - set(plan.warnings)
    assert (warning.code, f"{folder}/" in warning.message) == ("WOWNTARBALL", True)


@pytest.mark.differential
@pytest.mark.parametrize("layout", LAYOUTS)
def test_npm_packs_it_the_same(site: Path, tmp_path: Path, layout: LayoutName) -> None:
    """A tool that takes the directory, as npm does, makes the same tar stream of it."""
    plan = plan_pack(site, layout=layout)
    ours = read_packed(write_pack(plan, tmp_path / "out").path)
    write_tree(plan.entries, str(tmp_path / "staged"))
    command = [npm(), "pack", str(tmp_path / "staged"), "--ignore-scripts", "--pack-destination", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    with tarfile.open(tmp_path / "site-1.0.0.tgz") as archive:
        theirs = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    assert theirs == {path: data for path, _, data in ours.members}


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    """An empty directory is replaced."""
    (tmp_path / "tree").mkdir()
    write_tree([Entry("package/a/b.js", b"x", 1, 0o755)], str(tmp_path / "tree"))
    assert contents(tmp_path / "tree") == {"a/b.js": (b"x", 0o755)}


@pytest.mark.parametrize("what", ["a folder with something", "a file", "a file above"])
def test_what_is_there_stays(tmp_path: Path, what: str) -> None:
    """A directory that holds something is refused, as is what is no directory; it stays as it was."""
    target = tmp_path / "tree"
    if what == "a folder with something":
        target.mkdir()
        (target / "mine").write_text("mine", encoding="utf-8")
    else:
        target.write_text("mine", encoding="utf-8")
    target = target / "below" if what == "a file above" else target
    before = contents(tmp_path)
    with pytest.raises(LinkpackError) as caught:
        write_tree([Entry("package/a.js", b"x", 1, 0o644)], str(target))
    assert caught.value.code == ("EDIRNOTEMPTY" if what == "a folder with something" else "EWRITE")
    assert contents(tmp_path) == before


def test_a_change_leaves_nothing(tmp_path: Path) -> None:
    """A file that is no longer what was planned stops it, and nothing is left behind."""
    source = tmp_path / "a.js"
    source.write_text("more", encoding="utf-8")
    status = source.stat()
    entry = Entry("package/a.js", str(source), 1, 0o644, status.st_dev, status.st_ino)
    with pytest.raises(LinkpackError) as caught:
        write_tree([entry], str(tmp_path / "tree"))
    assert caught.value.code == "ECHANGED"
    assert [path.name for path in tmp_path.iterdir()] == ["a.js"]


def test_a_full_folder_is_found_first(site: Path, tmp_path: Path) -> None:
    """With --dir on a folder that holds something nothing is written, the tarball included."""
    (tmp_path / "tree" / "mine").mkdir()
    words = ["pack", str(site), "--pack-destination", str(tmp_path / "out"), "--dir", str(tmp_path / "tree")]
    done = CliRunner().invoke(linkpack, words)
    assert isinstance(done.exception, LinkpackError)
    assert done.exception.code == "EDIRNOTEMPTY"
    assert not (tmp_path / "out").exists()


def test_the_command_writes_both(site: Path, tmp_path: Path) -> None:
    """With --dir there are a tarball and a tree; a dry run writes neither."""
    words = ["pack", str(site), "--pack-destination", str(tmp_path / "out"), "--dir", str(tmp_path / "new")]
    assert CliRunner().invoke(linkpack, [*words, "--dry-run"], catch_exceptions=False).exit_code == 0
    assert not (tmp_path / "new").exists()
    assert CliRunner().invoke(linkpack, words, catch_exceptions=False).stdout == "site-1.0.0.tgz\n"
    packed = read_packed(tmp_path / "out" / "site-1.0.0.tgz")
    assert {path: data for path, (data, _) in contents(tmp_path / "new").items()} == packed.files
