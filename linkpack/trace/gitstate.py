"""What git knows of a directory: the commit, what differs from it, and which files it holds.

The only place that runs git. Nothing in the repository is run (file system monitors are off, and neither of the
commands has hooks), nothing is written (no optional locks), and nothing is asked or fetched.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What would lead git to another repository than the one that the directory is in: git hooks set some of them.
_LEADING = frozenset(
    (
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    )
)
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-optional-locks")
# Installed packages are nobody's source, and often neither committed nor ignored.
_HERE = ("--", ".", ":(exclude,glob)**/node_modules", ":(exclude,glob)**/node_modules/**")
_NO_COMMIT = "(initial)"
# Fields before the path in the lines of `git status --porcelain=v2`, by the kind of line.
_FIELDS = {"1": 8, "u": 10, "?": 1}


class GitState(NamedTuple):
    """What git says of one directory; paths are relative to it, sorted, and node_modules are not looked into.

    *commit* is HEAD's id; empty when nothing is known, *fault* then says why. *dirty* are the files that differ
    from it, new ones that are not ignored included; *tracked* those in git's index.
    """

    commit: str
    dirty: tuple[str, ...]
    tracked: frozenset[str]
    fault: str = ""


class _GitFault(Exception):
    """Why git has no answer."""


def read_git(folder: str) -> GitState:
    """What git says of the directory *folder*, whatever repository that belongs to.

    Nothing is raised: without git, a repository or a commit, and for a repository that git does not trust
    (safe.directory), the fault says so.
    """
    try:
        where = _git(folder, "rev-parse", "--is-inside-work-tree", "--show-prefix")
        inside, _, prefix = where.removesuffix("\n").partition("\n")
        if inside != "true":
            return _unknown("it is in no git work tree")
        status = ("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames")
        lines = _git(folder, *status, "--ignore-submodules=none", *_HERE).split("\0")
        tracked = frozenset(_git(folder, "ls-files", "-z", *_HERE).split("\0")) - {""}
    except _GitFault as err:
        return _unknown(str(err))
    commit = next((line.rpartition(" ")[2] for line in lines if line.startswith("# branch.oid ")), _NO_COMMIT)
    if commit == _NO_COMMIT:
        return _unknown("its git repository has no commit")
    return GitState(commit, tuple(sorted(path.removeprefix(prefix) for path in _changed(lines))), tracked)


def _changed(lines: list[str]) -> Iterator[str]:
    for line in lines:
        kind = line[:1]
        if kind in _FIELDS:
            yield line.split(" ", _FIELDS[kind])[-1]


def _unknown(fault: str) -> GitState:
    return GitState("", (), frozenset(), fault)


def _git(folder: str, *words: str) -> str:
    """What git prints for *words* in *folder*; `_GitFault` when it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; no text of a user's is among its options
            ["git", *_SAFE, *words],  # noqa: S607 - the git that the user has on PATH
            cwd=folder,
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as err:
        raise _GitFault(f"git cannot be run: {err.strerror}") from err
    if done.returncode:
        raise _GitFault(_told(os.fsdecode(done.stderr)))
    return os.fsdecode(done.stdout)


def _environment(around: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in around.items() if name not in _LEADING}
    # A relative folder would be one of the directory that is asked about: its files are not to be run.
    path = ":".join(folder for folder in around.get("PATH", os.defpath).split(":") if folder.startswith("/"))
    return {
        **kept,
        "PATH": path,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "LC_ALL": "C",
    }


def _told(message: str) -> str:
    """The reason in git's own *message*, in one line."""
    if "not a git repository" in message:
        return "it is in no git repository"
    if "dubious ownership" in message:
        return "its git repository belongs to another user (git's safe.directory setting allows it)"
    lines = message.strip().splitlines() or ["without a message"]
    return f"git failed: {lines[0].removeprefix('fatal: ')}"
