"""Runs linkpack commands in processes to which something happens: a call of the system fails, or a signal comes.

One server process has everything loaded and forks for each command, so that thousands of runs take seconds.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.syscalls import HITS, WATCH, Fault, install, stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

ROOT = Path(__file__).parents[2]
NOBODY = 65534
_CODE = str(ROOT / "linkpack")
_ENCODINGS = ("idna", "utf_8_sig", "utf_16_le", "utf_16_be", "latin_1", "unicode_escape")
# What commands import when they need it; a process without rights could not read it.
_OTHERS = (
    *("zlib_ng.zlib_ng", "tarsafe", "tarfile", "yaml", "pathspec", "packaging.version", "packaging.specifiers"),
    *(
        "click._textwrap",
        "click.formatting",
        "ctypes",
        "shutil",
        "json",
        "gzip",
        "linecache",
        "difflib",
        "textwrap",
    ),
    *("pathlib", "tempfile", "subprocess", "base64", "importlib.resources", "uuid", "platform"),
    *(f"encodings.{name}" for name in _ENCODINGS),
)


class Run(NamedTuple):
    """A command that ended: its *status* (a signal's number, negative, when killed), its output and calls."""

    status: int
    out: str
    err: str
    hit: bool
    counts: Mapping[str, int]
    log: tuple[str, ...]
    read: int

    def total(self, calls: Sequence[str]) -> int:
        """How many calls were of *calls*."""
        return sum(self.counts.get(name, 0) for name in calls)


class Faulty:
    """A server; `run` starts commands in it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(
        self,
        argv: Sequence[str],
        cwd: Path | str,
        *,
        env: Mapping[str, str] | None = None,
        fault: Fault | None = None,
        **more: object,
    ) -> Run:
        """The command line *argv* in *cwd* with *env* alone as its environment.

        *more*: `shuffle`, a seed for the order of directories; `size` and `memory`, limits in bytes of files
        written and of the address space; `nobody`, to run without root's rights; `umask`; `cpus`, a list; `out`,
        a path that standard output goes to; `lines`, to count and strike at each line of Python as well; `log`,
        to tell every call.
        """
        lines = fault is not None and fault.calls == ("line",)
        base = {"argv": list(argv), "cwd": str(cwd), "env": dict(env or {}), "fault": fault, "lines": lines}
        request = {**base, **more}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return Run(**{**answer, "log": tuple(answer["log"])})


@contextlib.contextmanager
def faulty(python: str = sys.executable, **env: str) -> Iterator[Faulty]:
    """A server of the interpreter *python*."""
    command = [python, "-m", "tests.support.faulty"]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Faulty(process)
        finally:
            process.kill()


# --- the server


def _load() -> None:
    """Import all that a command could, so that no import is among the calls."""
    import linkpack  # noqa: PLC0415 - after `install`

    for found in pkgutil.walk_packages(linkpack.__path__, "linkpack."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in _OTHERS:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from linkpack.npm.collation_table import read_table  # noqa: PLC0415
    from linkpack.system import links as fslinks  # noqa: PLC0415

    read_table()  # kept from then on
    real = fslinks.exchange
    fslinks.exchange = lambda left, right: WATCH.call("exchange", real, (left, right), {})


def _settle(request: dict[str, Any]) -> None:
    """Make this process one as the request wants it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    os.environ.clear()
    os.environ.update(request["env"])
    os.umask(request.get("umask", 0o022))
    if request.get("cpus"):
        os.sched_setaffinity(0, request["cpus"])
    os.chdir(request["cwd"])
    for limit, key in ((resource.RLIMIT_FSIZE, "size"), (resource.RLIMIT_AS, "memory")):
        if request.get(key):
            resource.setrlimit(limit, (request[key], resource.RLIM_INFINITY))
    if request.get("nobody") and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def _command(argv: list[str]) -> int:
    """Run the command line; what the process would exit with."""
    from linkpack.cli.main import main  # noqa: PLC0415 - after `install`

    try:
        try:
            main(argv)
        except SystemExit as err:
            status = err.code if isinstance(err.code, int) else int(err.code is not None)
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - as the interpreter's own last resort
        with contextlib.suppress(OSError):
            traceback.print_exc()
        return 1
    return status


def _traced(frame: FrameType, event: str, arg: object) -> Any:  # noqa: ANN401, ARG001 - as sys.settrace wants it
    """Count each line of linkpack's that is run as a call of `line`."""
    if not frame.f_code.co_filename.startswith(_CODE):
        return None
    if event == "line":
        WATCH.call("line", int, (), {})
    return _traced


def _child(request: dict[str, Any], folder: Path) -> None:
    """All that the forked process does."""
    for number, name in ((1, "out"), (2, "err"), (HITS, "hit")):
        where = request.get(name) or folder / name
        made = os.open(where, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(made, number)
        os.close(made)
    sys.stdout = io.TextIOWrapper(stream(1, "wb", ours=False), encoding="utf-8")
    sys.stderr = io.TextIOWrapper(
        io.FileIO(2, "w", closefd=False), encoding="utf-8", errors="backslashreplace", write_through=True
    )
    answer = os.open(folder / "answer", os.O_WRONLY | os.O_CREAT, 0o600)
    _settle(request)
    fault = Fault(*request["fault"]) if request["fault"] else None
    WATCH.start(fault, request.get("shuffle"))
    if request.get("lines"):
        sys.settrace(_traced)
    status = _command(request["argv"])
    sys.settrace(None)
    WATCH.on = False
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    found = {"counts": WATCH.counts, "log": WATCH.log if request.get("log") else [], "read": WATCH.read}
    os.write(answer, json.dumps(found).encode())
    os._exit(status)


def _serve(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    pid = os.fork()
    if pid == 0:
        try:
            _child(request, folder)
        except BaseException:  # noqa: BLE001 - a fork must not go on as a server
            traceback.print_exc()
        finally:
            os._exit(99)
    _, ended = os.waitpid(pid, 0)
    found: dict[str, Any] = {"counts": {}, "log": [], "read": 0}
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((folder / "answer").read_bytes())
    texts = {name: (folder / name).read_text("utf-8", "replace") if (folder / name).exists() else ""
             for name in ("out", "err", "hit")}  # fmt: skip
    for name in ("out", "err", "hit", "answer"):
        (folder / name).unlink(missing_ok=True)
    return {"status": os.waitstatus_to_exitcode(ended), **found, **texts, "hit": bool(texts["hit"])}


def main() -> None:
    """Answer requests, a line of JSON each, until there are no more."""
    install()
    _load()
    with tempfile.TemporaryDirectory() as name:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(_serve(json.loads(line), Path(name))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
