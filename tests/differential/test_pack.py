"""Where npm is right, the tarball's stream is npm's, and so is the JSON that describes it."""

from __future__ import annotations

import json
import subprocess
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

import linkpack
from linkpack.packing import plan as api
from linkpack.report.pack_json import packages_json
from linkpack.report.problems import error_values
from tests.support.npm import npm, npm_root
from tests.support.packed import folder, options, read_packed
from tests.support.trees import Tree, trees

pytestmark = pytest.mark.differential

SAME = [tree for tree in trees("pack") if "npm" in tree.want]
COMPRESSED = {"size", "shasum", "integrity"}  # of the gzip file, not of the stream


def npm_pack(package: Path, where: Path) -> tuple[Path, dict[str, Any]]:
    """The tarball that npm makes of *package* in the new folder *where*, and what it says of it."""
    where.mkdir()
    done = subprocess.run(
        [npm(), "pack", "--json", "--ignore-scripts", "--pack-destination", where],
        cwd=package,
        capture_output=True,
        check=True,
    )
    [said] = json.loads(done.stdout)
    return where / said["filename"], said


def ours(package: Path, where: Path, **given: Any) -> tuple[Path, dict[str, Any]]:  # noqa: ANN401 - any option
    """The same by linkpack, under the same rules, without the keys that only linkpack has."""
    plan = linkpack.plan_pack(package, npm_rules="11", **given)
    tarball = linkpack.write_pack(plan, where)
    [said] = json.loads(packages_json([(plan, tarball)]))
    del said["linkpack"]
    return Path(tarball.path), said


@pytest.mark.parametrize("tree", SAME, ids=attrgetter("name"))
def test_trees(tree: Tree, tmp_path: Path) -> None:
    """A tree that npm packs right gives npm's tar stream byte for byte, and npm's JSON but for its digests."""
    package = folder(tree, tree.write_to(tmp_path / "tree"))
    theirs, npm_said = npm_pack(package, tmp_path / "npm")
    mine, said = ours(package, tmp_path / "ours", **options(tree))
    assert read_packed(mine).stream == read_packed(theirs).stream
    assert said.keys() == npm_said.keys()
    assert {key: said[key] for key in said.keys() - COMPRESSED} == {
        key: npm_said[key] for key in said.keys() - COMPRESSED
    }


def test_npms_own_folder(tmp_path: Path) -> None:
    """The package npm, with its bundled dependencies, gives the very stream that npm makes of it."""
    theirs, npm_said = npm_pack(npm_root(), tmp_path / "npm")
    mine, said = ours(npm_root(), tmp_path / "ours")
    assert read_packed(mine).stream == read_packed(theirs).stream
    assert [file["path"] for file in said["files"]] == [file["path"] for file in npm_said["files"]]
    assert said["bundled"] == npm_said["bundled"]
    assert said["entryCount"] > 1000


def test_the_shape_of_a_failure(tmp_path: Path) -> None:
    """A failure's JSON has the keys that npm's has."""
    (tmp_path / "package.json").write_text("{", encoding="utf-8")
    done = subprocess.run([npm(), "pack", "--json"], cwd=tmp_path, capture_output=True, check=False)
    theirs = json.loads(done.stdout)
    with pytest.raises(linkpack.LinkpackError) as failed:
        api.plan_pack(tmp_path)
    mine = json.loads(json.dumps(error_values(failed.value.problems)))
    assert done.returncode == 1
    assert list(mine) == list(theirs) == ["error"]
    assert list(mine["error"]) == list(theirs["error"])
