"""Workspaces: which are chosen, how many are packed at a time, and what one that fails means for the others."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from linkpack.api import plan_pack
from linkpack.batch import Batch, Failed, Packed, pack_many
from linkpack.errors import ProjectError
from linkpack.memo import once, remembering
from linkpack.run import parallel
from linkpack.run.choose import choose_workspaces
from linkpack.run.parallel import Crew, run_all

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("z", "pk/b", "pk/a")


def write(folder: Path, **fields: object) -> Path:
    """A package in *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"name": folder.name, "version": "1.0.0", **fields}
    (folder / "package.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace root with three members, the current directory."""
    top = write(tmp_path / "root", workspaces=["z", "pk/*", "!pk/out"])
    for name in (*NAMES, "pk/out"):
        write(top / name)
    monkeypatch.chdir(top)
    return top


def run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`linkpack pack` in *cwd*."""
    command = [sys.executable, "-m", "linkpack", "pack", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def files(folder: Path) -> dict[str, bytes]:
    """The files in *folder*."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("wanted", "options", "chosen"),
    [
        ((), {"every": True}, ["z", "pk/a", "pk/b"]),
        ((), {"every": True, "with_root": True}, [".", "z", "pk/a", "pk/b"]),
        (("b", "z"), {}, ["pk/b", "z"]),
        (("pk", "a"), {}, ["pk/a", "pk/b"]),
        (("./pk/a",), {"with_root": True}, [".", "pk/a"]),
    ],
)
def test_choice(wanted: tuple[str, ...], options: dict[str, bool], chosen: list[str], root: Path) -> None:
    """Names, paths and parent folders choose; the order is theirs, then that of the patterns, then of paths."""
    found = choose_workspaces(".", wanted, **options)
    assert [os.path.relpath(folder, root) for folder in found] == chosen


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", '{"workspaces": {"packages": ["z", "pk/*", "!pk/out"]}}'),
        ("pnpm-workspace.yaml", "packages:\n- z\n- pk/*\n- '!pk/out'\n"),
    ],
)
def test_other_tools_workspaces(name: str, text: str, root: Path) -> None:
    """Yarn's and bun's object form and pnpm's file are read as well, from inside a member too."""
    (root / "package.json").write_text("{}")
    (root / name).write_text(text)
    found = choose_workspaces(str(root / "pk" / "a"), (), every=True)
    assert [os.path.relpath(folder, root) for folder in found] == ["z", "pk/a", "pk/b"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lerna.json", '{"packages": ["z", "pk/*", "!pk/out"]}'),
        (
            "rush.json",
            '{"projects": [{"projectFolder": "z"}, {"projectFolder": "pk/a"}, {"projectFolder": "pk/b"}]}',
        ),
    ],
)
def test_packages_of_lerna_and_rush(name: str, text: str, root: Path) -> None:
    """Where no package manager names workspaces, these are the packages."""
    (root / name).write_text(text)
    assert len(choose_workspaces(str(root), (), every=True)) == 3
    (root / "package.json").write_text("{}")
    found = choose_workspaces(str(root), (), every=True)
    assert [os.path.relpath(folder, root) for folder in found] == ["z", "pk/a", "pk/b"]
    (root / "package.json").write_text('{"workspaces": ["z"]}')
    found = choose_workspaces(str(root), (), every=True)
    assert [os.path.relpath(folder, root) for folder in found] == ["z"]


@pytest.mark.parametrize("arguments", [("-w", "nope"), ("-w", "a", "-w", "pk/out"), ("-w", "")])
def test_unknown_workspaces(arguments: tuple[str, ...], root: Path) -> None:
    """A name that is no workspace is an error, beside others too, and nothing is packed."""
    done = run(root, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error EWORKSPACE" in done.stderr


def test_no_workspaces(tmp_path: Path) -> None:
    """Where there are none, asking for them is an error."""
    with pytest.raises(ProjectError, match="has no workspaces"):
        choose_workspaces(str(write(tmp_path / "one")), (), every=True)


def test_folders_and_workspaces(root: Path) -> None:
    """Named folders take the workspaces' place, with a warning, unless `.` is among them."""
    done = run(root, "pk/out", "-w", "a")
    assert done.stdout == "out-1.0.0.tgz\n"
    assert "warning WWORKSPACES" in done.stderr
    assert run(root, ".", "pk/out", "-w", "a").stdout == "a-1.0.0.tgz\nout-1.0.0.tgz\n"


def test_json_in_workspace_order(root: Path) -> None:
    """The JSON is an array in the order of the workspaces, or npm 12's object."""
    done = run(root, "-ws", "-iwr", "--json", "--jobs", "3")
    assert [each["name"] for each in json.loads(done.stdout)] == ["root", "z", "a", "b"]
    assert list(json.loads(run(root, "-ws", "--json", "--json-format", "npm12").stdout)) == ["z", "a", "b"]


def test_a_failure_leaves_the_others_be(root: Path) -> None:
    """The one that cannot be packed is named, in the JSON too; the others are packed."""
    write(root / "pk" / "a", files=["x"], dependencies={"gone": "1"}, bundleDependencies=["gone"])
    write(root / "z", scripts={"prepack": "exit 5"})
    done = run(root, "-ws", "--pack-destination", "out", "-j", "2")
    assert (done.returncode, done.stdout) == (5, "b-1.0.0.tgz\n")
    assert "linkpack: error ESCRIPT: z: the prepack script of z@1.0.0 failed with status 5" in done.stderr
    assert "linkpack: error EBUNDLEMISSING: a: " in done.stderr
    found = json.loads(run(root, "-ws", "--json").stdout)
    assert [(each["name"], each.get("error", {}).get("code")) for each in found] == [
        ("z", "ESCRIPT"), ("a", "EBUNDLEMISSING"), ("b", None),
    ]  # fmt: skip
    done = run(root, "-ws", "--pack-destination", "fast", "--fail-fast")
    assert (done.returncode, done.stdout) == (5, "")
    assert not (root / "fast").exists()


@pytest.mark.parametrize("scripts", [{}, {"prepack": "false"}])
def test_fail_fast(scripts: dict[str, str], root: Path) -> None:
    """Nothing begins after the first failure, be it a manifest or a bundle."""
    write(root / "pk" / "a", version="x")
    write(root / "z", scripts=scripts, dependencies={"gone": "1"}, bundleDependencies=["gone"])
    batch = Batch("out", fail_fast=True, crew=Crew(1))
    outcomes = list(pack_many([*NAMES], batch))
    assert [each.name for each in outcomes] in (["z"], ["a"])
    assert not (root / "out").exists()


def test_fail_fast_after_the_first(root: Path) -> None:
    """What had begun before the failure is told, what had not is missing."""
    write(root / "pk" / "b", dependencies={"gone": "1"}, bundleDependencies=["gone"])
    outcomes = list(pack_many([*NAMES], Batch("out", fail_fast=True, crew=Crew(1))))
    assert [(each.name, type(each)) for each in outcomes] == [("z", Packed), ("b", Failed)]
    assert files_of(root / "out") == ["z-1.0.0.tgz"]


def test_scripts_that_stay_out_where_the_tarballs_go(root: Path) -> None:
    """A workspace that holds the tarballs of all is packed before the others; its tarball holds none of them."""
    write(root / "z", scripts={"prepare": "exit 3"})
    outcomes = list(pack_many([*NAMES], Batch("z/out", crew=Crew(2))))
    packed = [each for each in outcomes if isinstance(each, Packed)]
    assert [each.tarball.path for each in packed] == [f"z/out/{name}-1.0.0.tgz" for name in ("z", "b", "a")]
    assert [file.path for file in packed[0].tarball.files] == ["package.json"]


def broken(item: int) -> int:
    """A task that ends its process for one of its items."""
    if item == 1:
        os._exit(3)
    return item


def test_a_worker_that_dies() -> None:
    """Every item has a result, though the processes that work on them break."""
    found = run_all(broken, [0, 1, 2], Crew(2), stops=lambda _: False, lost=lambda item, _: -item)
    results = list(found)
    assert len(results) == 3
    assert results[1] == -1


def test_a_worker_that_dies_before_all_is_handed_out() -> None:
    """What a broken executor is given is as lost as what it had."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as executor:
        had = executor.submit(broken, 1)
        with pytest.raises(BrokenExecutor):
            had.result()
        given = parallel._submit(executor, broken, 0)  # noqa: SLF001 - when a worker dies is luck
        assert isinstance(given.exception(), BrokenExecutor)


def test_a_worker_that_cannot_be_told(root: Path) -> None:
    """A package whose process broke is a failure of its own, which names the package and the reason."""
    del root
    options = {"unknown": lambda: None}  # nothing that another process could be sent
    outcomes = list(pack_many([*NAMES], Batch("out", options=options, crew=Crew(2))))
    problems = [each.problems[0] for each in outcomes if isinstance(each, Failed)]
    assert [one.code for one in problems] == ["EWORKER"] * 3
    assert all("the process that packed it broke: " in one.message and "lambda" in one.message for one in problems)


def test_cancelling(root: Path) -> None:
    """A result that stops leaves the rest undone; a caller that wants no more ends the work."""
    del root
    for crew in (Crew(1), Crew(2)):
        found = list(run_all(abs, list(range(40)), crew, stops=lambda each: each == 0, lost=lambda *_: -1))
        assert found[0] == 0
        assert None in found
        some = run_all(abs, list(range(40)), crew, stops=lambda _: False, lost=lambda *_: -1)
        assert next(some) == 0
        some.close()


def shared(tmp_path: Path, many: int) -> list[str]:
    """*many* projects that bundle one linked package, which has a dependency of its own."""
    write(tmp_path / "lib", dependencies={"deep": "*"})
    write(tmp_path / "lib" / "node_modules" / "deep")
    for name in ("lib", "lib/node_modules/deep"):
        (tmp_path / name / "index.js").write_text("// code\n" * 100)
    folders = []
    for number in range(many):
        folder = write(tmp_path / f"p{number}", dependencies={"lib": "*"}, bundleDependencies=["lib"])
        (folder / "node_modules").mkdir()
        (folder / "node_modules" / "lib").symlink_to(tmp_path / "lib")
        folders.append(str(folder))
    return folders


def test_the_number_of_workers_does_not_matter(tmp_path: Path) -> None:
    """Plans, results and bytes are the same with 1, 2 or 5 processes, and those of each package packed alone."""
    folders = shared(tmp_path, 12)
    results: list[Any] = []
    for jobs in (1, 2, 5):
        out = str(tmp_path / f"out{jobs}")
        outcomes = list(pack_many(folders, Batch(out, crew=Crew(jobs))))
        assert all(isinstance(each, Packed) for each in outcomes)
        told = [(each.plan, each.tarball._replace(path="")) for each in outcomes if isinstance(each, Packed)]
        results.append((told, files(tmp_path / f"out{jobs}")))
    assert results[0] == results[1] == results[2]
    assert run(tmp_path, *folders, "--pack-destination", "alone").returncode == 0
    assert files(tmp_path / "alone") == results[0][1]


def test_what_is_shared_is_read_once(tmp_path: Path) -> None:
    """While remembering, a second reading of the same thing is the first one's; errors are not kept."""
    reads: list[str] = []

    def read() -> str:
        reads.append("read")
        return "found"

    memo: dict[Any, Any] = {}
    assert [once(("a",), read) for _ in range(2)] == ["found"] * 2
    with remembering(memo):
        assert [once(("a",), read) for _ in range(2)] == ["found"] * 2
    assert (len(reads), memo) == (3, {("a",): "found"})
    folders = shared(tmp_path, 3)
    assert all(isinstance(each, Packed) for each in pack_many(folders, Batch(str(tmp_path / "o"), crew=Crew(1))))


def test_two_packages_of_one_name(root: Path) -> None:
    """Two that would be written to one file are refused before anything is done."""
    write(root / "pk" / "a", name="b")
    done = run(root, "-ws")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error EOUTSAME" in done.stderr


def test_a_broken_member_is_named_by_its_folder(root: Path) -> None:
    """A package without a usable manifest has its folder's name."""
    (root / "z" / "package.json").write_text("{")
    outcomes = list(pack_many(NAMES, Batch("out")))
    assert [type(each) for each in outcomes] == [Failed, Packed, Packed]
    assert outcomes[0].name == "z"


def test_scripts_run_one_by_one_and_first(root: Path) -> None:
    """What a workspace's prepare builds is in the tarballs of those that bundle it, wherever they stand."""
    write(root / "pk" / "b", scripts={"prepare": "touch built"})
    write(root / "z", dependencies={"b": "*"}, bundleDependencies=["b"])
    (root / "node_modules").mkdir()
    (root / "node_modules" / "b").symlink_to(root / "pk" / "b")
    found = json.loads(run(root, "-ws", "--json", "-j", "2").stdout)
    assert [each["name"] for each in found] == ["z", "a", "b"]
    assert "node_modules/b/built" in {file["path"] for file in found[0]["files"]}


def test_a_record_is_made_of_each(root: Path) -> None:
    """With a record asked for, workspaces are packed together, as it tells of what was there before."""
    done = run(root, "-ws", "--snapshot-manifest", "%s.json", "--pack-destination", "out")
    assert done.stdout == "z-1.0.0.tgz\na-1.0.0.tgz\nb-1.0.0.tgz\n"
    assert {f"{name}.json" for name in "zab"} <= set(files_of(root))


def files_of(folder: Path) -> list[str]:
    """The names in *folder*."""
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize(
    ("jobs", "items", "size"), [(0, 7, 1), (0, 8, 5), (0, 300, 5), (0, 0, 1), (3, 2, 2), (3, 300, 3)]
)
def test_how_many_work(monkeypatch: pytest.MonkeyPatch, jobs: int, items: int, size: int) -> None:
    """One process more than processors, as each waits for the disk at times; few packages need none."""
    monkeypatch.setattr("linkpack.disk.fs.processors", lambda: 4)
    assert Crew(jobs).size(items) == size


def test_what_is_shared_may_be_published_in_two_ways(tmp_path: Path) -> None:
    """In one run a linked package can ship with its publishConfig applied, and without: each time its files."""
    lib = write(tmp_path / "lib", main="a.js", files=["x"], publishConfig={"main": "b.js"})
    for name in ("a.js", "b.js"):
        (lib / name).touch()
    app = write(
        tmp_path / "app", dependencies={"lib": "*"}, bundleDependencies=["lib"], publishConfig={"main": "c.js"}
    )
    (app / "node_modules").mkdir()
    (app / "node_modules/lib").symlink_to("../../lib")
    with remembering({}):
        plans = [plan_pack(app, publish_config=applied) for applied in (False, True)]
    shipped = [{entry.path.rpartition("/")[2] for entry in plan.entries} for plan in plans]
    assert shipped == [{"package.json", "a.js"}, {"package.json", "b.js"}]
