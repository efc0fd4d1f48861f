"""Workspaces: which are chosen, how many are packed at a time, and what one that fails means for the others."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import subprocess
import sys
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest

from linkpack.jobs import workers as parallel
from linkpack.jobs.batch import Batch, Failed, Packed, pack_many
from linkpack.jobs.workers import Crew, run_all
from linkpack.packing.options import PackOptions
from linkpack.packing.plan import plan_pack
from linkpack.read_cache import once, remembering
from tests.support.trees import write_package as write

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("z", "pk/b", "pk/a")


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


@pytest.mark.parametrize("arguments", [("-w", "nope"), ("-w", "a", "-w", "pk/out"), ("-w", "")])
def test_an_unknown_workspace_is_an_error(arguments: tuple[str, ...], root: Path) -> None:
    """A name that is no workspace is an error, beside others too, and nothing is packed."""
    done = run(root, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error EWORKSPACE" in done.stderr


def test_named_folders_replace_the_workspaces(root: Path) -> None:
    """Named folders take the workspaces' place, with a warning, unless `.` is among them."""
    done = run(root, "pk/out", "-w", "a")
    assert done.stdout == "out-1.0.0.tgz\n"
    assert "warning WWORKSPACES" in done.stderr
    assert run(root, ".", "pk/out", "-w", "a").stdout == "a-1.0.0.tgz\nout-1.0.0.tgz\n"


def test_the_json_is_in_the_order_of_the_workspaces(root: Path) -> None:
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
def test_with_fail_fast_nothing_begins_after_a_failure(scripts: dict[str, str], root: Path) -> None:
    """Nothing begins after the first failure, be it a manifest or a bundle."""
    write(root / "pk" / "a", version="x")
    write(root / "z", scripts=scripts, dependencies={"gone": "1"}, bundleDependencies=["gone"])
    batch = Batch(PackOptions(destination="out"), fail_fast=True, crew=Crew(1))
    outcomes = list(pack_many([*NAMES], batch))
    assert [each.name for each in outcomes] in (["z"], ["a"])
    assert not (root / "out").exists()


def test_with_fail_fast_what_had_begun_is_told(root: Path) -> None:
    """What had begun before the failure is told, what had not is missing."""
    write(root / "pk" / "b", dependencies={"gone": "1"}, bundleDependencies=["gone"])
    outcomes = list(pack_many([*NAMES], Batch(PackOptions(destination="out"), fail_fast=True, crew=Crew(1))))
    assert [(each.name, type(each)) for each in outcomes] == [("z", Packed), ("b", Failed)]
    assert files_of(root / "out") == ["z-1.0.0.tgz"]


def test_scripts_that_stay_out_where_the_tarballs_go(root: Path) -> None:
    """A workspace that holds the tarballs of all is packed before the others; its tarball holds none of them."""
    write(root / "z", scripts={"prepare": "exit 3"})
    outcomes = list(pack_many([*NAMES], Batch(PackOptions(destination="z/out"), crew=Crew(2))))
    packed = [each for each in outcomes if isinstance(each, Packed)]
    assert [each.tarball.path for each in packed] == [f"z/out/{name}-1.0.0.tgz" for name in ("z", "b", "a")]
    assert [file.path for file in packed[0].tarball.files] == ["package.json"]


def broken(item: int) -> int:
    """A task that ends its process for one of its items."""
    if item == 1:
        os._exit(3)
    return item


def test_every_item_has_a_result_when_workers_die() -> None:
    found = run_all(broken, [0, 1, 2], Crew(2), stops=lambda _: False, lost=lambda item, _: -item)
    results = list(found)
    assert len(results) == 3
    assert results[1] == -1


def test_items_for_a_broken_executor_are_lost_too() -> None:
    """What a broken executor is given is as lost as what it had."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as executor:
        had = executor.submit(broken, 1)
        with pytest.raises(BrokenExecutor):
            had.result()
        given = parallel._submit(executor, broken, 0)  # noqa: SLF001 - when a worker dies is luck
        assert isinstance(given.exception(), BrokenExecutor)


def test_a_package_that_no_worker_can_be_sent_fails_alone(root: Path) -> None:
    """A package whose process broke is a failure of its own, which names the package and the reason."""
    del root
    unsendable = cast("Any", lambda: None)  # nothing that another process could be sent
    options = PackOptions(destination="out", limits=unsendable)
    outcomes = list(pack_many([*NAMES], Batch(options, crew=Crew(2))))
    problems = [each.problems[0] for each in outcomes if isinstance(each, Failed)]
    assert [one.code for one in problems] == ["EWORKER"] * 3
    assert ["the process that packed it broke: " in one.message for one in problems] == [True] * 3
    assert ["lambda" in one.message for one in problems] == [True] * 3


def test_a_result_that_stops_leaves_the_rest_undone(root: Path) -> None:
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
        outcomes = list(pack_many(folders, Batch(PackOptions(destination=out), crew=Crew(jobs))))
        assert {type(each) for each in outcomes} == {Packed}
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
    batch = Batch(PackOptions(destination=str(tmp_path / "o")), crew=Crew(1))
    assert [type(each) for each in pack_many(folders, batch)] == [Packed] * 3


def test_private_workspaces_are_left_out(root: Path) -> None:
    """Of all workspaces private ones are left out, whatever else is wrong with them, unless asked for."""
    write(root / "pk/a", private=True)
    write(root / "pk/site", version=None, private=True)
    done = run(root, "-ws", "--pack-destination", "out")
    assert (done.returncode, done.stdout) == (0, "z-1.0.0.tgz\nb-1.0.0.tgz\n")
    assert "left out as private: pk/a, pk/site (--private packs them)\n" in done.stderr
    assert [each["name"] for each in json.loads(run(root, "-ws", "--json").stdout)] == ["z", "b"]
    assert run(root, "-w", "pk/a", "-q").stdout == "a-1.0.0.tgz\n"
    done = run(root, "-ws", "--private")
    assert (done.returncode, done.stdout) == (1, "z-1.0.0.tgz\na-1.0.0.tgz\nb-1.0.0.tgz\n")
    assert "error EVERSION: site: " in done.stderr


def test_a_run_of_private_workspaces_packs_nothing(root: Path) -> None:
    """Where every workspace is private nothing is packed, and the line says so."""
    for name in NAMES:
        write(root / name, private=True)
    done = run(root, "-ws")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[0] == "left out as private: z, pk/a, pk/b (--private packs them)"
    assert done.stderr.splitlines()[1].startswith("0 packed, 3 private left out: 0 files, ")
    assert run(root, "-ws", "--json").stdout == "[]\n"


def test_a_run_prints_a_line_for_each_package(root: Path) -> None:
    """A line each, warnings once with their packages, errors, and a line that closes the run."""
    write(root / "pk/a", private=True)
    write(root / "pk/bad")
    (root / "pk/bad/package.json").write_text('{"name": "bad"}', encoding="utf-8")
    for name in ("z", "pk/b"):
        (root / name / "away").symlink_to("gone")
    (root / "z" / "more").symlink_to("gone")
    done = run(root, "-ws", "--pack-destination", "out")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [line.split("  ")[0] for line in lines[:2]] == ["z@1.0.0", "b@1.0.0"]
    assert lines[0].endswith("  out/z-1.0.0.tgz")
    assert [line.removeprefix("linkpack: ") for line in lines[2:5]] == [
        "warning WLINK: z, b: away is a symbolic link to gone, which leads nowhere: left out",
        "warning WLINK: z: more is a symbolic link to gone, which leads nowhere: left out",
        f"error EVERSION: bad: {root}/pk/bad/package.json: version is missing",
    ]
    assert lines[6] == "left out as private: pk/a (--private packs it)"
    assert re.fullmatch(
        r"2 packed, 1 private left out, 1 failed: 2 files, \d+ B packed, \d+ B unpacked, 3 warnings, \d+\.\d s",
        lines[7],
    )
    assert len(lines) == 8


def test_one_cause_of_many_failures_is_one_line(root: Path) -> None:
    """Packages that fail alike are named in one line; each has its place in the JSON."""
    done = run(root, "-ws", "-q", "--pack-destination", "package.json")
    [line] = [line for line in done.stderr.splitlines() if "error" in line]
    assert (
        line == "linkpack: error EWRITE: z, a, b: package.json cannot take the tarball: package.json is no folder"
    )
    done = run(root, "-ws", "--json", "--pack-destination", "package.json")
    errors = [each["error"]["summary"] for each in json.loads(done.stdout)]
    assert [error.split(":")[0] for error in errors] == ["z", "a", "b"]


def test_verbose_reports_on_each_package(root: Path) -> None:
    """Verbose has a report on each, with an empty line between them; quiet has warnings alone."""
    (root / "z" / "away").symlink_to("gone")
    done = run(root, "-ws", "-v", "--dry-run")
    assert done.stderr.count("runtime graph: entry points: 1 package, all inside") == 3
    assert "\n\na@1.0.0 (npm 12 rules)\n" in done.stderr
    assert "3 packed (dry run: not written): " in done.stderr.splitlines()[-1]
    warned = "linkpack: warning WLINK: z: away is a symbolic link to gone, which leads nowhere: left out\n"
    assert run(root, "-ws", "-q", "--dry-run").stderr == warned
    assert run(root, "-ws", "-s", "--dry-run").stderr == ""
    assert run(root, "z", "pk/a", "-q", "--dry-run").stderr == warned


def test_settings_of_npm_choose_workspaces(root: Path) -> None:
    """Workspace settings count; a choice on the command line replaces them."""
    for text, flags, packed in (
        ("workspaces=true", [], ["z", "a", "b"]),
        ("workspaces=true\ninclude-workspace-root=true", [], ["root", "z", "a", "b"]),
        ("workspace[]=a\nworkspace[]=z", [], ["a", "z"]),
        ("workspace=a", ["-ws"], ["z", "a", "b"]),
        ("workspaces=true", ["-w", "a"], ["a"]),
        ("workspaces=true", ["--no-workspaces"], ["root"]),
        ("include-workspace-root=true", [], ["root"]),
    ):
        (root / ".npmrc").write_text(f"{text}\n", encoding="utf-8")
        done = run(root, "-q", "--dry-run", *flags)
        assert done.stdout == "".join(f"{name}-1.0.0.tgz\n" for name in packed), (text, flags)


def test_two_packages_of_one_name_are_refused(root: Path) -> None:
    """Two that would be written to one file are refused before anything is done."""
    write(root / "pk" / "a", name="b")
    done = run(root, "-ws")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error EOUTSAME" in done.stderr


def test_a_broken_member_is_named_by_its_folder(root: Path) -> None:
    """A package without a usable manifest has its folder's name."""
    (root / "z" / "package.json").write_text("{")
    outcomes = list(pack_many(NAMES, Batch(PackOptions(destination="out"))))
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
def test_one_process_more_than_processors_works(
    monkeypatch: pytest.MonkeyPatch, jobs: int, items: int, size: int
) -> None:
    """One process more than processors, as each waits for the disk at times; few packages need none."""
    monkeypatch.setattr("linkpack.system.own_process.count_processors", lambda: 4)
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
