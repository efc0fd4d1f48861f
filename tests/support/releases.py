"""What a release runs on: the examples of docs/pipelines.md, and a shell in which they find their tools."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from tests.support.gitbox import git
from tests.support.installers import environment
from tests.support.npm import node, npm
from tests.support.tools import ROOT
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.registry import Registry

PAGE = ROOT / "docs" / "pipelines.md"
NX = Path(os.environ.get("LINKPACK_NX") or ROOT / "build" / "nx") / "node_modules"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WHO = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}


def examples(heading: str, language: str) -> list[str]:
    """The fenced blocks in *language* below *heading* of the page."""
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [body for kind, body in _FENCE.findall(section) if kind == language]


def workflow() -> dict[str, Any]:
    """The GitHub Actions example as YAML has it."""
    (text,) = examples("GitHub Actions", "yaml")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def nx() -> Path:
    """The node_modules that hold nx; without them the test is skipped, in CI failed."""
    if not (NX / "nx").is_dir():
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("nx is not in build/nx")
    return NX


class Shell(NamedTuple):
    """A shell at *home*, whose PATH begins with the folder *bins*, and with npm set to *registry* alone."""

    home: Path
    bins: Path
    registry: Registry

    def run(self, command: str, env: Mapping[str, str] | None = None, *, cwd: Path | None = None) -> str:
        """What *command* prints, run as GitHub runs a step; it has to end well."""
        around = {**environment(self.home), **_WHO, "GIT_CONFIG_NOSYSTEM": "1", "CI": "true", **(env or {})}
        around["PATH"] = f"{self.bins}:{around['PATH']}"
        done = subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=cwd or self.home,
            env=around,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout


def shell(home: Path, registry: Registry, tools: Mapping[str, str]) -> Shell:
    """A shell in the folder *home* that has linkpack, npm and *tools* (name to what the shell runs for it)."""
    home.mkdir(parents=True, exist_ok=True)
    bins = home.parent / f"{home.name}-bins"
    bins.mkdir()
    own = {"linkpack": f"{sys.executable} -m linkpack", "node": node(), "npm": npm(), **tools}
    for name, command in own.items():
        (bins / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        (bins / name).chmod(0o755)
    (home / ".npmrc").write_text(registry.npmrc, encoding="utf-8")
    return Shell(home, bins, registry)


def site(home: Path, registry: Registry) -> Path:
    """The project of fixtures/trees/ship/site.txt in *home*; what it needs of a registry is published there."""
    text = (FIXTURES / "trees" / "ship" / "site.txt").read_text(encoding="utf-8")
    root = parse_tree(text, "site").write_to(home) / "site"
    for name in ("right", "left"):
        publish(registry, root / "node_modules" / name, home)
    return root


def publish(registry: Registry, folder: Path, home: Path) -> None:
    """Have npm publish the package in *folder*."""
    rc = home / "publish.npmrc"
    rc.write_text(registry.npmrc, encoding="utf-8")
    subprocess.run(
        [npm(), "publish", str(folder), "--ignore-scripts"],
        cwd=home,
        env={**environment(home), "npm_config_userconfig": str(rc)},
        check=True,
        capture_output=True,
    )


def commit(folder: Path, ignore: str, message: str = "feat: one") -> Path:
    """A bare repository that *folder*, now a repository of its own, has pushed its one commit to."""
    bare = folder.parent / f"{folder.name}.git"
    (folder / ".gitignore").write_text(ignore, encoding="utf-8")
    git(folder.parent, "init", "-q", "--bare", "-b", "main", str(bare))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)
    git(folder, "remote", "add", "origin", bare.as_uri())
    git(folder, "push", "-q", "origin", "main")
    return bare


def write_json(path: Path, document: object) -> None:
    """Write *document* at *path*, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
