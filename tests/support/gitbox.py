"""Git repositories for tests: made, committed to, and without the user's settings."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_WHO = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}
_WHEN = {"GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z"}
_ALONE = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *words: str) -> str:
    """What git prints for *words* in *folder*; the test is skipped where there is no git."""
    if shutil.which("git") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("git is not installed")
        pytest.skip("git is not installed")
    env = {**os.environ, **_WHO, **_WHEN, **_ALONE}
    return subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


def committed(folder: Path, ignore: str = "node_modules\n") -> str:
    """The id of the first commit of a new repository of all that is in *folder*, but for what is to be ignored."""
    (folder / ".gitignore").write_text(ignore, encoding="utf-8")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return git(folder, "rev-parse", "HEAD").strip()


def set_traps(repository: Path, marker: Path) -> None:
    """Let every program that *repository* can name write its name into the folder *marker* when it is run.

    Every file is attributed to them, and times of files are not those of the index, so that a `git status` would
    run filters.
    """
    marker.mkdir(exist_ok=True)
    inner = repository / ".git"
    text = "".join(f"{line}\n" for line in _TRAPS).replace("RUN", f"touch {marker}/")
    (inner / "trapped").write_text(text, encoding="utf-8")
    with (inner / "config").open("a", encoding="utf-8") as config:
        config.write(text)
        config.write(f'[include]\n\tpath = trapped\n[includeIf "gitdir:{inner}"]\n\tpath = trapped\n')
    (inner / "info").mkdir(exist_ok=True)
    (inner / "info" / "attributes").write_text("* filter=trap diff=trap merge=trap ident\n", encoding="utf-8")
    for hook in _HOOKS:
        path = inner / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {marker}/{hook}\n", encoding="utf-8")
        path.chmod(0o755)
    for path in repository.rglob("*"):
        if path.is_file() and ".git" not in path.relative_to(repository).parts:
            os.utime(path, (1, 1))


_HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit",
    "post-index-change", "post-merge", "post-rewrite", "pre-applypatch", "pre-auto-gc", "pre-commit",
    "pre-merge-commit", "pre-push", "pre-rebase", "prepare-commit-msg", "push-to-checkout", "sendemail-validate",
    "reference-transaction", "update",
)  # fmt: skip
_TRAPS = (
    "[core]",
    "\tfsmonitor = RUNfsmonitor",
    "\tpager = RUNpager",
    "\teditor = RUNeditor",
    "\taskPass = RUNaskPass",
    "\tsshCommand = RUNsshCommand",
    "\tgitProxy = RUNgitProxy",
    "\talternateRefsCommand = RUNalternateRefs",
    "\tuntrackedCache = true",
    '[filter "trap"]',
    "\tclean = RUNclean",
    "\tsmudge = RUNsmudge",
    "\tprocess = RUNprocess",
    "\trequired = true",
    '[diff "trap"]',
    "\ttextconv = RUNtextconv",
    "\tcommand = RUNdiffCommand",
    "[diff]",
    "\texternal = RUNdiffExternal",
    '[merge "trap"]',
    "\tdriver = RUNmergeDriver",
    "[pager]",
    *(
        f"\t{command} = RUNpager-{command}"
        for command in ("ls-files", "cat-file", "rev-parse", "config", "check-attr")
    ),
    "[alias]",
    *(
        f"\t{command} = !RUNalias-{command}"
        for command in ("ls-files", "cat-file", "rev-parse", "status", "archive")
    ),
    "[credential]",
    "\thelper = !RUNcredential",
    "[gpg]",
    "\tprogram = RUNgpg",
    "[log]",
    "\tshowSignature = true",
    "[uploadpack]",
    "\tpackObjectsHook = RUNpackObjectsHook",
    "[extensions]",
    "\tpartialClone = origin",
    '[remote "origin"]',
    "\turl = ext::sh -c RUNext",
    "\tpromisor = true",
    "\tuploadpack = RUNuploadpack;",
    "\treceivepack = RUNreceivepack;",
    "\tvcs = trap",
    '[remote "near"]',
    "\turl = .",
    "\tpromisor = true",
    "\tuploadpack = RUNuploadpack-near;",
    "[protocol]",
    "\tallow = always",
    "[trace2]",
    "\tnormalTarget = 1",
    "[submodule]",
    "\trecurse = true",
)
