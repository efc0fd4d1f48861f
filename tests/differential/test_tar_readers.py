"""Whatever the gate passes, every real reader of tarballs reads the same way; so it is with what pack writes."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import pytest

import linkpack
from tests.differential.tar_campaign import Tally, compare, install, is_installable, mutants, passed, run
from tests.support.badtar import BODY, END, gz, header, member, padded
from tests.support.tarmutants import HIDDEN
from tests.support.tarreaders import IN_NODE, READERS, Libarchive, in_python, node_readers, row, verified
from tests.support.tools import published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.tarreaders import Node

pytestmark = pytest.mark.differential


@pytest.fixture(name="node", scope="module")
def make_node() -> Iterator[Node]:
    """A node process with the readers that are installed: in CI all of them."""
    if not READERS.is_dir() and os.environ.get("CI") != "true":
        pytest.skip("the readers are not in build/readers")
    with node_readers() as node:
        assert node.names == IN_NODE
        yield node


def test_readers_differ_where_the_gate_refuses(node: Node) -> None:
    """A link name on a plain file: npm reads the file's contents as entries, Python does not; the gate refuses."""
    raw = gz(BODY + header(b"package/data.bin", len(HIDDEN), link=b"x") + padded(HIDDEN) + END)
    assert verified(raw).error.startswith("EHEADER")
    said = node.read([raw])[0]
    assert "new.js" in said["npm"].files
    assert "new.js" not in in_python(raw).files


def test_archives_near_real_ones(node: Node) -> None:
    """Three thousand archives, each a good one with something changed: those that pass are read alike by all."""
    assert node.names
    tally = run(mutants(3000, 1))
    assert tally.passed > 250
    assert tally.differ == {}


PARTS = ("a", "é", "日本", "😀", "e\u0301", " ", "-", "(x)", "n" * 40, "ü" * 30, ".b", "@s", "#", "index")


def random_project(folder: Path, random: Random) -> Path:
    """A project with names of any length and script, and modes, the bundled package `b` included."""
    folder.mkdir()
    (folder / "package.json").write_text(
        '{"name": "p", "version": "1.0.0", "dependencies": {"b": "1"}, "bundleDependencies": ["b"]}'
    )
    inner = folder / "node_modules" / "b"
    inner.mkdir(parents=True)
    (inner / "package.json").write_text('{"name": "b", "version": "1.0.0"}')
    for number in range(random.randrange(1, 25)):
        names = ["".join(random.choices(PARTS, k=random.randrange(1, 4))) for _ in range(random.randrange(5))]
        path = random.choice((folder, inner)).joinpath(
            *[name[:60].strip(" .") or "x" for name in names], f"f{number}.js"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.choice((b"", b"x" * 511, b"y" * 512, b"z" * 513, HIDDEN)))
        path.chmod(random.choice((0o644, 0o755, 0o600, 0o711)))
    return folder


def test_what_pack_writes(node: Node, tmp_path: Path) -> None:
    """Random projects, packed: the gate passes them, and all readers find the planned files in them."""
    tally, library = Tally(), Libarchive()
    batch = []
    for seed in range(40):
        plan = linkpack.plan_pack(random_project(tmp_path / str(seed), Random(seed)))  # noqa: S311 - test input
        tarball = linkpack.write_pack(plan, tmp_path / f"out{seed}")
        batch.append((tmp_path / f"out{seed}" / tarball.filename).read_bytes())
        planned = {}
        for entry in plan.entries:
            contents = entry.source if isinstance(entry.source, bytes) else (tmp_path / entry.source).read_bytes()
            planned[entry.path.removeprefix("package/")] = row(entry.mode, contents)
        assert verified(batch[-1]).files == planned
    compare(batch, node, library, tally)
    assert tally.differ == {}


def test_names_that_npm_may_lose(tmp_path: Path) -> None:
    """What pack writes and npm may misread is warned of, and refused by the gate."""
    (tmp_path / "package.json").write_text('{"name": "p", "version": "1.0.0"}')
    deep = tmp_path.joinpath(*["ü" * 60] * 4)
    deep.mkdir(parents=True)
    (deep / "ok.js").write_text("x")
    deep.joinpath("ü" * 60, "ü" * 60).mkdir(parents=True)
    deep.joinpath("ü" * 60, "ü" * 60, "lost.js").write_text("x")
    plan = linkpack.plan_pack(tmp_path)
    assert [(each.code, each.path.rpartition("/")[2]) for each in plan.warnings] == [("WNAME", "lost.js")]
    tarball = linkpack.write_pack(plan, tmp_path / "out")
    assert [each.code for each in linkpack.verify(tarball.path).findings if each.severity == "error"] == ["EPAX"]


@pytest.mark.installs
def test_published_packages(node: Node) -> None:
    """Real tarballs, as they were published, are read alike by all."""
    tally, library = Tally(), Libarchive()
    small = [raw for each in published() if len(raw := each.path.read_bytes()) < 30_000]
    assert len(small) > 100
    compare([raw for raw in small[::2] if not verified(raw).error], node, library, tally)
    assert tally.differ == {}


@pytest.mark.installs
def test_installed_packages() -> None:
    """A sample is installed by the package managers themselves: they put the same files on the disk."""
    some = filter(is_installable, passed(mutants(600, 2), Tally()))
    chosen = [raw for raw, _ in zip(some, range(24), strict=False)]
    assert len(chosen) == 24
    assert not install(chosen, [], managers_of=lambda name: name != "yarn 1")


def test_a_zero_block_ends_it(node: Node) -> None:
    """Where one zero block stands between entries readers differ, and the gate refuses."""
    raw = gz(BODY + bytes(512) + member("package/new.js", "x") + END)
    assert verified(raw).error.startswith("EENDMARK")
    said = node.read([raw])[0]
    assert "new.js" in said["npm"].files
    assert "new.js" not in said["pnpm 12"].files
