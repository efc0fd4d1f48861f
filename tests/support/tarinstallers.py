"""What the installed package managers make of tarballs: many at a time, as dependencies of one project."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from tests.support.installers import environment, program
from tests.support.npm import node
from tests.support.tarreaders import READERS, Found, row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Manager(NamedTuple):
    """A package manager: how messages call it, its *command*, and *files* that configure it."""

    name: str
    command: list[str]
    files: dict[str, str]


def managers(places: Sequence[Path] = ()) -> list[Manager]:
    """The installed package managers; *places* are where else yarn 1 is looked for."""
    found = [
        Manager("npm 11", [*program("npm"), "install", "--offline", "--ignore-scripts", "--no-audit"], {}),
        Manager(
            "npm 12", [node(), *program("npm12")[1:], "install", "--offline", "--ignore-scripts", "--no-audit"], {}
        ),
        Manager(
            "pnpm 12", [*program("pnpm"), "install", "--offline", "--ignore-scripts", "--no-frozen-lockfile"], {}
        ),
        Manager(
            "yarn 4",
            [*program("yarn"), "install", "--mode=skip-build"],
            {
                ".yarnrc.yml": "enableTelemetry: false\nenableGlobalCache: false\nnodeLinker: node-modules\n",
                "yarn.lock": "",
            },
        ),
        Manager(
            "bun 1.4",
            [*program("bun"), "install", "--ignore-scripts"],
            {"bunfig.toml": '[install]\nlinker = "hoisted"\n'},
        ),
    ]
    for place in (*places, READERS):
        old = place / "node_modules" / "yarn" / "bin" / "yarn.js"
        if old.is_file():
            command = [node(), str(old), "install", "--offline", "--ignore-scripts", "--no-lockfile"]
            return [*found, Manager("yarn 1", [*command, "--cache-folder", "cache"], {})]
    return found


def installed(manager: Manager, batch: Sequence[bytes], home: Path) -> list[Found]:
    """What *manager* installs of each tarball of *batch*, in new folders below *home*.

    One that it cannot install makes the whole project fail: then each half is tried by itself.
    """
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    names = [f"t{number}" for number in range(len(batch))]
    for name, raw in zip(names, batch, strict=True):
        (home / f"{name}.tgz").write_bytes(raw)
    about = {
        "name": "app",
        "version": "1.0.0",
        "private": True,
        "dependencies": {n: f"file:./{n}.tgz" for n in names},
    }
    (home / "package.json").write_text(json.dumps(about), encoding="utf-8")
    for name, text in manager.files.items():
        (home / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        manager.command, cwd=home, env=environment(home), capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode == 0:
        return [_read(home / "node_modules" / name) for name in names]
    if len(batch) == 1:
        return [Found({}, (done.stdout + done.stderr).strip()[-600:] or "it failed")]
    half = len(batch) // 2
    return [each for part in (batch[:half], batch[half:]) for each in installed(manager, part, home)]


def _read(folder: Path) -> Found:
    top = folder.resolve()
    paths = [path for path in top.rglob("*") if path.is_file() and path.name != ".bun-tag"]
    return Found({str(path.relative_to(top)): row(path.lstat().st_mode, path.read_bytes()) for path in paths})
