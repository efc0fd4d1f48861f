"""The command line as a process: streams, signals, and a terminal that must not be given commands."""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from linkpack.system import temporary as drafts
from tests.support.packed import read_packed

ROOT = Path(__file__).parents[2]
MAIN = "from linkpack.cli.startup import main; main()"
HOSTILE = ("esc\x1b[31m.js", "bidi\u202e.js", "new\nline.js", "c1\x9b31m.js", "日本.js")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A package of one file."""
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "p", "version": "1.0.0"}', encoding="utf-8")
    (folder / "index.js").write_text("1\n", encoding="utf-8")
    return folder


def start(
    *args: str | bytes,
    cwd: Path | None = None,
    before: str = "",
    out: int | IO[bytes] = subprocess.PIPE,
    env: dict[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """The command line as a process; *before* is Python that it runs first."""
    program = [sys.executable, "-c", f"{before}\n{MAIN}", *args]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    return subprocess.Popen(program, cwd=cwd, env=settings, stdout=out, stderr=subprocess.PIPE)


def run(
    *args: str | bytes, cwd: Path | None = None, before: str = "", env: dict[str, str] | None = None
) -> tuple[int, bytes, bytes]:
    """The exit status of linkpack, and what it printed."""
    process = start(*args, cwd=cwd, before=before, env=env)
    out, err = process.communicate()
    return process.returncode, out, err


def test_as_a_module(project: Path) -> None:
    """`python -m linkpack` is the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "linkpack", "pack", "-q", str(project)],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"p-1.0.0.tgz\n", b"")


def test_importing_the_module_runs_nothing() -> None:
    """Only as a program does `linkpack.__main__` do anything."""
    assert importlib.import_module("linkpack.__main__").__name__ == "linkpack.__main__"


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_hostile_names_are_escaped(locale: str, project: Path) -> None:
    """Names never send a control character or a change of direction to a terminal, as text, JSON or in errors."""
    for name in HOSTILE:
        (project / name).write_text("1\n", encoding="utf-8")
        (project / f"link to {name}").symlink_to(f"gone/{name}")
    runs = [
        run("pack", *args, cwd=project, env={"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
        for args in ((), ("-v",), ("--json",), *((name,) for name in HOSTILE), *((f"--{n}",) for n in HOSTILE))
    ]
    assert [status for status, _, _ in runs[:3]] == [0, 0, 0]
    for _, out, err in runs:
        for line in (out + err).decode().split("\n"):
            assert line.isprintable()
    assert json.loads(runs[2][1])[0]["entryCount"] == len(HOSTILE) + 2
    assert b"esc\\x1b[31m.js" in runs[1][2]


def test_a_name_that_is_no_text(project: Path) -> None:
    """A file name that is not UTF-8 is escaped wherever it is shown, and never ends in a traceback."""
    with open(os.path.join(os.fsencode(project), b"bad\xff.js"), "wb"):  # noqa: PTH118, PTH123 - bytes
        pass
    for args in ((), ("--json",), ("-v", "--dry-run"), (b"bad\xff.js",), (b"--out", b"\xff-%s.tgz")):
        _, out, err = run("pack", *args, cwd=project, env={"LC_ALL": "C"})
        assert (out + err).isascii()
        assert b"bad\\udcff.js" in err or b"bad\\udcff" in out or b"udcff-p.tgz" in out
        assert b"Traceback" not in err


def test_a_reader_that_went_away(project: Path) -> None:
    """A closed pipe ends the run without a word about it."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        process = start("pack", "-q", "--json", cwd=project, out=out)
    err = process.communicate()[1]
    assert (process.returncode, err) == (1, b"")


@pytest.mark.parametrize("redirection", [">&-", ">&- 2>&-", "2>&-"])
def test_no_streams_at_all(redirection: str, project: Path) -> None:
    """Closed streams do not stop the packing, and nothing else gets their numbers' output."""
    script = f'exec "$0" -c "$1" pack {redirection}'
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", script, sys.executable, MAIN], cwd=project, env=env, check=False)
    assert done.returncode == 0
    assert set(read_packed(project / "p-1.0.0.tgz").files) == {"index.js", "package.json"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_stdout(project: Path) -> None:
    """Output that cannot be written is an error, for a script would otherwise go on without the name."""
    with Path("/dev/full").open("wb") as out:
        process = start("pack", "-q", cwd=project, out=out)
        err = process.communicate()[1]
    assert (process.returncode, err) == (1, b"linkpack: error ENOSPC: No space left on device\n")


def test_a_disk_that_is_full(project: Path) -> None:
    """When the tarball does not fit, nothing of it is left and the older one stays."""
    (project / "noise.bin").write_bytes(os.urandom(100_000))
    (project / "out").mkdir()
    (project / "out" / "p-1.0.0.tgz").write_bytes(b"older")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))"
    status, out, err = run("pack", "--pack-destination", "out", cwd=project, before=limit)
    assert (status, out) == (1, b"")
    assert b"linkpack: error EWRITE: out/p-1.0.0.tgz cannot be written: File too large" in err
    assert [path.name for path in (project / "out").iterdir()] == ["p-1.0.0.tgz"]
    assert (project / "out" / "p-1.0.0.tgz").read_bytes() == b"older"


def test_a_deleted_working_directory(project: Path, tmp_path: Path) -> None:
    """In a directory that is no more, what can be done is done and the rest is an error, not a traceback."""
    for args in ((), ("--json",), (str(project), "--pack-destination", str(tmp_path / "o"))):
        (tmp_path / "gone").mkdir()
        before = f"import os; os.chdir({str(tmp_path / 'gone')!r}); os.rmdir(os.getcwd())"
        status, _, err = run("pack", *args, before=before)
        assert (status == 0) == (tmp_path / "o" / "p-1.0.0.tgz").exists()
        assert err.startswith(b"linkpack: error E" if status else b"p@1.0.0")


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=["SIGTERM", "SIGHUP", "SIGINT"],
)
def test_a_signal_in_the_middle(number: signal.Signals, status: int, project: Path) -> None:
    """A run that is stopped while it writes leaves nothing, and an older tarball as it was."""
    with (project / "big.bin").open("wb") as file:
        file.truncate(600_000_000)  # a hole: no space is taken, and compressing it takes a while
    out = project.parent / "out"
    out.mkdir()
    (out / "p-1.0.0.tgz").write_bytes(b"older")
    # A test run in the background may have these ignored, which its children inherit.
    usual = "import signal; signal.signal(1, signal.SIG_DFL); signal.signal(2, signal.default_int_handler)"
    process = start("pack", "--pack-destination", str(out), cwd=project, before=usual)
    end = time.monotonic() + 60
    while len(list(out.iterdir())) < 2 and process.poll() is None and time.monotonic() < end:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.005)
    process.send_signal(number)
    printed = process.communicate()
    said = b"linkpack: interrupted, and has written nothing\n" if number == signal.SIGINT else b""
    assert (process.returncode, *printed) == (status, b"", said)
    assert [path.name for path in out.iterdir()] == ["p-1.0.0.tgz"]
    assert (out / "p-1.0.0.tgz").read_bytes() == b"older"


def test_nohup(project: Path) -> None:
    """A hang-up that is ignored stays so."""
    ignored = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    after = "; import atexit; atexit.register(lambda: print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN))"
    status, out, _ = run("pack", "-q", cwd=project, before=ignored + after)
    assert (status, out) == (0, b"p-1.0.0.tgz\nTrue\n")


def test_what_a_killed_run_left_is_swept(project: Path, tmp_path: Path) -> None:
    """A temporary file of a run that was killed is removed by the next one; a file that looks like it stays."""
    left = Path(drafts.draft_path(str(tmp_path)))
    left.write_bytes(b"half a tarball")
    alike = [tmp_path / ".linkpack-notes.tmp", tmp_path / ".linkpack-0123456789abcdef.tmp"]
    for path in alike:
        path.touch()
    assert run("pack", "-q", "--pack-destination", "..", cwd=project) == (0, b"p-1.0.0.tgz\n", b"")
    assert not left.exists()
    assert all(path.exists() for path in alike)


def test_usage_errors_are_escaped() -> None:
    """A word of the command line can be a hostile file name, by a glob."""
    status, _, err = run("unpack", "a.tgz", "b\x1b[31mred\x1b]0;title\x07")
    assert status == 2
    assert b"b\\x1b[31mred" in err
    assert all(line.isprintable() for line in err.decode().splitlines())


@pytest.mark.parametrize("silent", [False, True])
def test_waiting_for_another_process_is_told(tmp_path: Path, *, silent: bool) -> None:
    """After a second a command says whom it waits for, and goes on when that is done."""
    env = {"HOME": str(tmp_path), "XDG_STATE_HOME": "", "npm_config_prefix": str(tmp_path / "prefix")}
    for folder in ("app", "lib"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "package.json").write_text(f'{{"name": "{folder}"}}')
    assert run("link", "../lib", cwd=tmp_path / "app", env=env)[0] == 0
    (lock,) = (tmp_path / ".local/state/linkpack/locks").glob("*app.json")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        words = ["link", "../lib", *(["--silent"] if silent else [])]
        process = start(*words, cwd=tmp_path / "app", env=env)
        assert process.stderr is not None
        if not silent:
            line = process.stderr.readline().decode()
            assert line.startswith(f"linkpack: waiting for process {os.getpid()} (")
            assert line.endswith(f"), which is at work in {tmp_path}/app\n")
    _, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
