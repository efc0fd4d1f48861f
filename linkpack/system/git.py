"""Run git without running anything that the repository names.

Every question to git goes through `Git`, in one clean environment. A repository may come from a stranger, as a
linked package or an unpacked archive does, and its settings and attributes can name programs: filters, hooks, file
system monitors, text converters, credential helpers, programs of a remote. So git gets only commands that start
none of these, an environment that points to no other repository, and options that switch off the rest:

- `rev-parse`, `ls-files`, `cat-file --batch`, `check-attr`, `config --get-regexp`. Never `status`, `diff`,
  `checkout` or `archive`, which run filters and write the index.
- No missing object is fetched: `GIT_NO_LAZY_FETCH` does that from git 2.44 on, and `protocol.allow=never` before.
- No repository that is a plain folder of a tree is used: `safe.bareRepository` (git 2.38 and newer), and a check
  in `repository.open_repository`.
- The git program itself is not taken from the project (`find_git`).
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import selectors
import subprocess
import sys
from typing import TYPE_CHECKING, cast

from linkpack.record import Record
from linkpack.system.read import CHUNK, is_within, walk_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

TIMEOUT = 60.0  # seconds of silence after which git is given up: it waits for ever for a pipe among the files
_MOST_OUTPUT = 1 << 28  # bytes of one answer
_MOST_MEMORY = 2 << 30  # bytes for git itself, which holds two versions of a file of up to 512 MB

_OPTIONS = (
    "--no-pager",
    "--no-optional-locks",
    "--no-replace-objects",
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "core.fsmonitor="),  # "false" was the name of a program before git 2.36
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.allow=never"),
    *("-c", "credential.helper="),
)
# Settings of the user, in files or, as containers have them, in variables. Other GIT_ variables point to another
# repository (hooks run with GIT_DIR set, and more), write traces to files or name programs.
_KEPT = re.compile(
    "GIT_(?:CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM"
    "|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|(?:KEY|VALUE)_[0-9]+))"
)
# Parts of git's messages, with our own words. Git 2.35 calls an "unsafe repository" what later ones say otherwise.
_FAULTS = (
    ("not a git repository", "it is in no git repository"),
    ("cannot use bare repository", "it is in no git work tree"),
    ("dubious ownership", "its git repository belongs to another user (git's safe.directory setting allows it)"),
    ("unsafe repository", "its git repository belongs to another user (git's safe.directory setting allows it)"),
)


class GitFault(Exception):
    """The reason why git has no answer.

    *reason* is a clause without any path, so that records can hold it. *detail* is git's own message, or "".
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class Git(Record):
    """The git *program* and the *folder* it runs in.

    It is given up when it prints nothing for *timeout* seconds.
    """

    program: str
    folder: str
    timeout: float = TIMEOUT

    def ask(self, *words: str, stdin: bytes = b"", accepted: tuple[int, ...] = (0,)) -> str:
        """Run git with *words*, and return what it prints.

        Raises `GitFault` when its exit status is not among those *accepted*, or when it prints too much.
        """
        process = self.start(*words, stderr=subprocess.PIPE)
        with process:
            try:
                out, err = self._exchange(process, stdin)
            finally:
                process.kill()  # without effect once it has ended
        if process.returncode not in accepted:
            raise _explain(os.fsdecode(err), process.returncode)
        return os.fsdecode(out)

    def start(self, *words: str, stderr: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start git with its standard input and output as pipes.

        Raises `GitFault` when it cannot be run.
        """
        try:
            process = subprocess.Popen(  # no text of a user's is among the options
                [self.program, *_OPTIONS, *words],
                cwd=self.folder,
                env=git_environment(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=0,  # the pipes are read by their descriptors, past any buffer
            )
        except OSError as err:
            raise GitFault(f"git cannot be run: {err.strerror}") from err
        _limit_memory(process)
        return process

    def silence(self) -> GitFault:
        """Return the fault of a git that prints nothing in time."""
        return GitFault(f"git did not answer within {self.timeout:g} seconds")

    def _exchange(self, process: subprocess.Popen[bytes], text: bytes) -> tuple[bytes, bytes]:
        """Write *text* to *process*, and return what it prints.

        That is its standard output and its standard error.
        """
        stdin, stdout, stderr = cast("tuple[IO[bytes], ...]", (process.stdin, process.stdout, process.stderr))
        printed = {stdout: bytearray(), stderr: bytearray()}
        # Written and read in turn: git prints before it has read everything, and either pipe may be full.
        os.set_blocking(stdin.fileno(), False)
        left = memoryview(text)
        with selectors.DefaultSelector() as pipes:
            pipes.register(stdin, selectors.EVENT_WRITE)
            for pipe in printed:
                pipes.register(pipe, selectors.EVENT_READ)
            while pipes.get_map():
                ready = [key.fileobj for key, _ in pipes.select(self.timeout)]
                if not ready:
                    raise self.silence()
                if stdin in ready:
                    left = _write_some(stdin, left)
                    if not left:
                        pipes.unregister(stdin)
                        stdin.close()
                for pipe in [pipe for pipe in printed if pipe in ready]:
                    piece = os.read(pipe.fileno(), CHUNK)
                    printed[pipe] += piece
                    if not piece:
                        pipes.unregister(pipe)
                if sum(map(len, printed.values())) > _MOST_OUTPUT:
                    raise GitFault("git's answer is too long")
        try:
            process.wait(self.timeout)
        except subprocess.TimeoutExpired as err:
            raise self.silence() from err
        return bytes(printed[stdout]), bytes(printed[stderr])


def git_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that git runs with, made of our own *variables*."""
    kept = {
        name: value for name, value in variables.items() if not name.startswith("GIT_") or _KEPT.fullmatch(name)
    }
    folders = variables.get("PATH", os.defpath).split(os.pathsep)
    return {
        **kept,
        # Relative folders would be looked up from the working directory of git, which is the project.
        "PATH": os.pathsep.join([folder for folder in folders if os.path.isabs(folder)]),
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",  # a list of one protocol, which does not exist
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",  # `_explain` looks for English messages
    }


def find_git(path: str, folder: str) -> str:
    """Return the first git on the search path that is not the project's.

    *path* is a value of PATH, *folder* a real path in the project. Passed over are relative folders, which git's
    working directory would decide, `node_modules/.bin`, which package managers put first for scripts, and programs
    that are in the outermost work tree around *folder* or are links into it. Raises `GitFault` when no other git
    is there.
    """
    project = _find_outermost_work_tree(folder)
    reason = "git is not installed, or not on PATH"
    for bin_folder in path.split(os.pathsep):
        if not os.path.isabs(bin_folder) or os.path.normpath(bin_folder).endswith("/node_modules/.bin"):
            continue
        program = os.path.join(bin_folder, "git")
        if not os.path.isfile(program) or not os.access(program, os.X_OK):
            continue
        # Both are looked at: a folder elsewhere can hold a link into the project.
        if not any(is_within(os.path.realpath(place), project) for place in (bin_folder, program)):
            return program
        reason = "the git on PATH is part of the project, and is not run"
    raise GitFault(reason)


def _find_outermost_work_tree(folder: str) -> str:
    """Return the outermost folder around that has a `.git`.

    It is *folder* or above it, and *folder* when none has one.
    """
    tops = [above for above in walk_up(folder) if os.path.lexists(os.path.join(above, ".git"))]
    return tops[-1] if tops else folder


def _limit_memory(process: subprocess.Popen[bytes]) -> None:
    """Limit git's memory, on Linux.

    A repository can have it read a device without end.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError):  # a lower limit is in force
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))


def _write_some(pipe: IO[bytes], text: memoryview) -> memoryview:
    """Write what *pipe* takes of *text*, and return the rest.

    The rest is empty once git reads no more.
    """
    try:
        return text[os.write(pipe.fileno(), text) :]
    except BrokenPipeError:
        return text[:0]


def _explain(message: str, status: int) -> GitFault:
    """Return the fault that git's error *message* means.

    *status* is git's exit status.
    """
    for part, reason in _FAULTS:
        if part in message:
            return GitFault(reason)
    lines = message.strip().splitlines() or [""]
    detail = lines[0].removeprefix("fatal: ").removeprefix("error: ")
    return GitFault(
        "git cannot read its settings" if "config" in detail else f"git failed with status {status}", detail
    )
