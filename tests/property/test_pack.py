"""A tarball is a function of names and contents: not of when, where, by whom or on what machine it is packed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linkpack
from tests.support.packed import folder, options
from tests.support.trees import trees

if TYPE_CHECKING:
    from random import Random

    from tests.support.trees import Tree

pytestmark = pytest.mark.property

ROOT = Path(__file__).parents[2]
TREES = [tree for tree in trees("pack") if not any(line.startswith("error:") for line in tree.want)]
RANDOM = st.fixed_dictionaries(
    {
        "tree": st.sampled_from(TREES),
        "order": st.randoms(use_true_random=False),
        "time": st.integers(0, 2**33),
        "umask": st.sampled_from([0o000, 0o002, 0o022, 0o027, 0o077]),
        "depth": st.integers(0, 3),
    }
)


def shuffled(tree: Tree, order: Random) -> Tree:
    """The same tree, its members made in another order."""

    def mix(members: dict[str, str]) -> dict[str, str]:
        keys = list(members)
        order.shuffle(keys)
        return {key: members[key] for key in keys}

    return tree._replace(files=mix(tree.files), links=mix(tree.links))


def lay_out(tree: Tree, where: Path, umask: int, time: int) -> Path:
    """Lay *tree* out under *umask*, as git would, and give everything the time *time* (seconds)."""
    before = os.umask(umask)
    try:
        where.mkdir(parents=True)
        root = tree.write_to(where)
        for path in (*root.rglob("*"), root):
            if not path.is_symlink():
                executable = path.is_dir() or str(path.relative_to(root)) in tree.executable
                path.chmod((0o777 if executable else 0o666) & ~umask)
            os.utime(path, (time, time), follow_symlinks=False)
    finally:
        os.umask(before)
    return root


@settings(derandomize=True, deadline=None, max_examples=60)
@given(RANDOM)
def test_same_bytes_whatever_the_disk(made: dict[str, Any]) -> None:
    """Order of creation, times, umask and the project's path leave no trace in the tarball."""
    tree = made["tree"]
    with TemporaryDirectory() as temporary:
        base = Path(temporary).resolve()
        plain = linkpack.pack(folder(tree, tree.write_to(base / "a")), destination=base / "plain", **options(tree))
        where = base.joinpath("b", *["d e"] * made["depth"])
        root = lay_out(shuffled(tree, made["order"]), where, made["umask"], made["time"])
        other = linkpack.pack(folder(tree, root), destination=base / "other", **options(tree))
        assert other._replace(path="", warnings=()) == plain._replace(path="", warnings=())
        assert [each.code for each in other.warnings] == [each.code for each in plain.warnings]
        assert Path(other.path).read_bytes() == Path(plain.path).read_bytes()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of several compressor blocks, with names that locales sort differently."""
    package = tmp_path_factory.mktemp("large") / "p"
    package.mkdir()
    (package / "package.json").write_text('{"name": "p", "version": "1.0.0"}', encoding="utf-8")
    for number, name in enumerate(("a", "B", "é", "z", "ö", "10", "9", "_", "日")):
        lines = (f"{name} {number} {line * line}\n" for line in range(12_000))
        (package / f"{name}.js").write_text("".join(lines), encoding="utf-8")
    return package


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_same_bytes_on_any_number_of_threads(threads: int, large: Path, tmp_path: Path) -> None:
    """The number of compressing threads changes nothing."""
    alone = linkpack.pack(large, destination=tmp_path / "alone", threads=1)
    tarball = linkpack.pack(large, destination=tmp_path / "many", threads=threads)
    assert tarball[1:] == alone[1:]
    assert tarball.unpacked_size > 1 << 20


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
        {"TZ": "Pacific/Kiritimati", "SOURCE_DATE_EPOCH": "1"},
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "4711", "LC_ALL": "sv_SE.UTF-8"},
        {"PYTHONOPTIMIZE": "2"},
    ],
    ids=str,
)
def test_same_bytes_in_any_environment(env: dict[str, str], large: Path, tmp_path: Path) -> None:
    """Locale, time zone, hash seed and interpreter flags change nothing, in another process and directory."""
    here = linkpack.pack(large, destination=tmp_path / "here")
    (tmp_path / "elsewhere").mkdir()
    copy = shutil.copytree(large, tmp_path / "elsewhere" / "copy")
    subprocess.run(
        [sys.executable, "-m", "linkpack", "pack", "-q", "--pack-destination", tmp_path / "there", copy],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        cwd=tmp_path / "elsewhere",
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "there" / here.filename).read_bytes() == Path(here.path).read_bytes()
