"""A command to which something happens: the disk is full, or fails, or forbids, or a signal comes, at every call.

Afterwards: the old output or the new one, one error line with a code, no traceback, nothing temporary (but after
SIGKILL, where the next run removes it), and the sources as they were. Each test takes a sample of the faults;
`LINKPACK_FAULTS=all` takes every one, as `python -m tests.tools.fault_table` does for docs/security.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import badtar
from tests.support.faultscenes import ERROR, SCENES, TEMPORARY, state
from tests.support.faultstage import Stage, faults, sample
from tests.support.faulty import NOBODY, ROOT, faulty
from tests.support.syscalls import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.faulty import Faulty

pytestmark = pytest.mark.slow

EVERY = os.environ.get("LINKPACK_FAULTS") == "all"
MOST = {"pack": 8, "unpack": 10, "verify": 5}  # faults of one kind; the link commands take longer to set up
CODE = ["-m", "linkpack"]


@pytest.fixture(scope="module")
def server() -> Iterator[Faulty]:
    """A server for the tests of this module."""
    with faulty() as found:
        yield found


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder that users without rights can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        yield path


@pytest.mark.parametrize("name", SCENES)
def test_every_call_may_fail(name: str, tmp_path: Path, server: Faulty) -> None:
    """Whichever call fails or is interrupted, the outcome is the old state or the new one, and is told."""
    stage = Stage(server, SCENES[name](tmp_path / "scene"))
    all_of_them = faults(stage.calls())
    wrong = []
    for kind, found in all_of_them.items():
        assert found, kind
        for fault in found if EVERY else sample(found, MOST.get(name, 5)):
            what = stage.suffer(fault)
            wrong += [f"{kind} {fault}: {what}"] if what else []
    assert wrong == []


@pytest.mark.parametrize("name", ["pack", "unpack", "link"])
def test_interrupted_between_any_two_lines(name: str, tmp_path: Path, server: Faulty) -> None:
    """A signal comes not at system calls only: at any line of linkpack's it leaves the old state or the new.

    The first lines are those of the program's start, when nothing has begun.
    """
    stage = Stage(server, SCENES[name](tmp_path / "scene"))
    stage.scene.reset()
    lines = stage.play(lines=True).counts["line"]
    assert lines > 1000
    step = 11 if EVERY else lines // 12
    wrong = {at: stage.suffer(Fault(("line",), at, "SIGINT")) for at in range(60, lines, step)}
    assert {at: what for at, what in wrong.items() if what} == {}


def test_full_standard_output(server: Faulty, tmp_path: Path) -> None:
    """When standard output is full the tarball is there, whole, and the exit status says that all is not well."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    stage = Stage(server, SCENES["pack"](tmp_path / "scene"))
    stage.scene.reset()
    run = stage.play(out="/dev/full")
    assert run.status == 1
    assert "linkpack: error ENOSPC: " in run.err
    assert stage.scene.target() == stage.new


@pytest.mark.parametrize("size", [400, 600])
@pytest.mark.parametrize("name", ["pack", "unpack"])
def test_a_file_system_with_a_limit(name: str, size: int, server: Faulty, tmp_path: Path) -> None:
    """A limit that the system itself sets on the size of files ends in an error, and the old state."""
    stage = Stage(server, SCENES[name](tmp_path / "scene"))
    stage.scene.reset()
    run = stage.play(size=size)
    assert run.status == 1, run
    assert ERROR.search(run.err)
    assert stage.scene.target() == stage.old


CLOSED = {
    "pack": "out",
    "unpack": "out",
    "link": "box/work/app",
    "unlink": "box/work/app/node_modules",
    "undo": "box/work/app/node_modules",
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_folder_that_is_closed(name: str, server: Faulty, scratch: Path) -> None:
    """In a folder that may not be written to nothing is changed, and the error names it."""
    stage = Stage(server, SCENES[name](scratch / "scene"))
    stage.scene.reset()
    folder = scratch / "scene" / CLOSED[name]
    _give_away(scratch)
    folder.chmod(0o555)
    before = state(scratch / "scene", skip=("locks", "state"))
    run = stage.play(nobody=True)
    assert run.status == 1, run
    assert ERROR.search(run.err), run.err
    assert folder.name in run.err
    assert "Traceback" not in run.err
    assert state(scratch / "scene", skip=("locks", "state")) == before
    folder.chmod(0o755)
    assert stage.play(nobody=True).status == 0


def _give_away(folder: Path) -> None:
    """Give all that is in *folder* to the user that commands without rights run as."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.lchown(path, NOBODY, NOBODY)


@pytest.mark.parametrize("path", ["secret.js", "lib", ".npmignore", "package.json"])
def test_what_cannot_be_read(path: str, server: Faulty, scratch: Path) -> None:
    """A file, folder, ignore file or manifest that may not be read ends packing: nothing is left out silently."""
    project = scratch / "project"
    (project / "lib").mkdir(parents=True)
    (project / "package.json").write_text('{"name": "a", "version": "1.0.0"}')
    for name in ("secret.js", ".npmignore", "lib/x.js"):
        (project / name).write_text("x\n")
    (project / path).chmod(0)
    _give_away(scratch)
    run = server.run(["pack", "--pack-destination", str(scratch / "out")], project, nobody=True)
    assert run.status == 1, run
    assert ERROR.search(run.err)
    assert Path(path).name in run.err
    assert not (scratch / "out").exists()


def test_packing_at_once(tmp_path: Path) -> None:
    """Six runs that pack to one place all succeed, the tarball is whole, and nothing else is left."""
    scene = SCENES["pack"](tmp_path / "scene")
    scene.reset()
    statuses = _at_once(scene.argv, scene.cwd, 6)
    assert statuses == [0] * 6
    assert [path.name for path in (tmp_path / "scene/out").iterdir()] == ["blog-1.0.0.tgz"]
    verdict = subprocess.run(
        [sys.executable, *CODE, "verify", "--against", str(scene.cwd), str(tmp_path / "scene/out/blog-1.0.0.tgz")],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert "EAGAINST" not in verdict.stderr


def test_unpacking_at_once(tmp_path: Path) -> None:
    """Of four runs that unpack to one place one does it, whole, and the others say that it is there."""
    scene = SCENES["unpack"](tmp_path / "scene")
    scene.reset()
    assert sorted(_at_once(scene.argv, scene.cwd, 4)) == [0, 1, 1, 1]
    assert sorted(path.name for path in (tmp_path / "scene/out").iterdir()) == ["other", "package"]
    assert (tmp_path / "scene/out/package/lib/a.js").read_text() == "a" * 3000


def _at_once(argv: tuple[str, ...], cwd: Path, count: int) -> list[int]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *CODE, *argv]
    running = [
        subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(count)
    ]
    told = [process.communicate()[1] for process in running]
    assert not any(b"Traceback" in text for text in told)
    return [process.returncode for process in running]


@pytest.mark.parametrize("name", ["pack", "unpack"])
def test_the_next_run_removes_what_killed_ones_left(name: str, server: Faulty, tmp_path: Path) -> None:
    """A run that is killed leaves at most what linkpack's names tell; the next one leaves nothing of it."""
    stage = Stage(server, SCENES[name](tmp_path / "scene"))
    stage.scene.reset()
    run = stage.play(Fault(("write",), 1, "SIGKILL"))
    assert run.status == -9
    assert any(TEMPORARY.search(path) for path in stage.scene.target())
    assert stage.play().status == 0
    assert stage.scene.target() == stage.new


def test_a_living_run_keeps_its_files(tmp_path: Path, server: Faulty) -> None:
    """A run does not take for left over what only has a name like its own."""
    stage = Stage(server, SCENES["unpack"](tmp_path / "scene"))
    stage.scene.reset()
    mine = tmp_path / "scene/out/.linkpack-mine.tmp"
    mine.mkdir()
    assert stage.play().status == 0
    assert mine.exists()


def test_a_write_may_be_short(tmp_path: Path) -> None:
    """A tarball that was cut short at any block is refused by `unpack` and `verify`, never half unpacked."""
    folder = tmp_path / "in"
    folder.mkdir()
    raw = badtar.gz(badtar.BODY + badtar.END)
    (tmp_path / "out").mkdir()
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    path = badtar.write_raw(folder, raw[: len(raw) // 2])
    done = subprocess.run(
        [sys.executable, *CODE, "unpack", str(path), "-C", str(tmp_path / "out")],
        env=env, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "EGZIP" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_the_watch_sees_what_strace_sees(tmp_path: Path, server: Faulty) -> None:
    """Every call that changes the disk goes past the watch: strace, where there is one, counts the same."""
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    stage = Stage(server, SCENES["pack"](tmp_path / "scene"))
    stage.scene.reset()
    ours = stage.play().counts
    stage.scene.reset()
    log = tmp_path / "strace"
    calls = "write,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,fsync,link,linkat,symlink,symlinkat"
    command = [sys.executable, "-X", "utf8", *CODE, *stage.scene.argv]
    done = subprocess.run(
        ["strace", "-f", "-o", str(log), "-e", f"trace={calls}", *command],
        cwd=stage.scene.cwd, env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"strace does not work here: {done.stderr[:200]}")
    seen = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines()]
    counts = {
        name: sum(line.startswith(name) for line in seen) for name in ("fsync(", "rename", "mkdir", "unlink")
    }
    assert counts == {f"{name}(" if name == "fsync" else name: ours.get(name, 0) for name in
                      ("fsync", "rename", "mkdir", "unlink")}  # fmt: skip
    # Standard error is not watched.
    assert sum(line.startswith("write(") and not line.startswith("write(2,") for line in seen) == ours["write"]
