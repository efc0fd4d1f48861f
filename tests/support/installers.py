"""Every package manager that a consumer may have, each with what it does on its first days with a package.

Peers are looked for in build/peers, where
`npm install --prefix build/peers npm@12.2.0 pnpm@12.21.0 bun@1.4.5 @yarnpkg/cli-dist@4.18.1` puts them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.npm import node, npm

if TYPE_CHECKING:
    from tests.support.registry import Registry

PEERS = Path(os.environ.get("LINKPACK_PEERS") or Path(__file__).parents[2] / "build" / "peers")
_KEPT = ("PATH", "LANG", "TMPDIR")


class Step(NamedTuple):
    """A command that ended: what it was, its status, and all that it printed."""

    command: str
    status: int
    output: str


class Installer(NamedTuple):
    """A package manager in one of its modes: *files* configure it, *steps* are its commands, `APP` the package."""

    name: str
    program: str
    files: dict[str, str]
    steps: tuple[str, ...]


_NPM = ("npm install APP", "npm ls --all", "npm install", "npm ls --all", "CLEAN", "npm ci", "npm ls --all")
# There `npm ls --all` dies of a fault of its own (a TypeError) over a link below node_modules. A second install
# makes its links in no safe order: one in ten fails, with ENOENT or EEXIST.
_LINKED = ("npm install APP", "npm ls", "CLEAN", "npm ci", "npm ls")
_PNPM = ("pnpm add APP", "pnpm install", "CLEAN", "pnpm install --frozen-lockfile")
_YARN = ("yarn add APP", "yarn install", "CLEAN", "yarn install --immutable")
_BUN = ("bun add APP", "bun install", "CLEAN", "bun install --frozen-lockfile")
_YARNRC = """
enableTelemetry: false
enableGlobalCache: false
npmMinimalAgeGate: 0
unsafeHttpWhitelist: ["127.0.0.1"]
npmRegistryServer: "REGISTRY"
nodeLinker: %s
"""

INSTALLERS = (
    Installer("npm 11", "npm", {}, _NPM),
    Installer("npm 11 linked", "npm", {".npmrc": "install-strategy=linked\n"}, _LINKED),
    Installer("npm 12", "npm12", {}, _NPM),
    Installer("pnpm 12 isolated", "pnpm", {}, _PNPM),
    Installer("pnpm 12 hoisted", "pnpm", {"pnpm-workspace.yaml": "nodeLinker: hoisted\n"}, _PNPM),
    Installer("yarn 4 node-modules", "yarn", {".yarnrc.yml": _YARNRC % "node-modules"}, _YARN),
    Installer("yarn 4 pnpm", "yarn", {".yarnrc.yml": _YARNRC % "pnpm"}, _YARN),
    Installer("yarn 4 pnp", "yarn", {".yarnrc.yml": _YARNRC % "pnp"}, _YARN),
    Installer("bun 1.4 hoisted", "bun", {"bunfig.toml": '[install]\nlinker = "hoisted"\n'}, _BUN),
    Installer("bun 1.4 isolated", "bun", {"bunfig.toml": '[install]\nlinker = "isolated"\n'}, _BUN),
)

_WHERE = {
    "npm12": "npm/bin/npm-cli.js",
    "pnpm": ".bin/pnpm",
    "yarn": "@yarnpkg/cli-dist/bin/yarn.js",
    "bun": ".bin/bun",
}


def program(name: str) -> list[str]:
    """The command that starts *name*; without it the test is skipped, in CI failed."""
    if name == "npm":
        return [npm()]
    path = PEERS / "node_modules" / _WHERE[name]
    if not path.exists():
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing(f"{name} is not in build/peers")
    return [node(), str(path)] if path.suffix == ".js" else [str(path)]


def environment(home: Path) -> dict[str, str]:
    """An environment without the user's settings, everything that is cached being below *home*."""
    cache = str(home.parent / f"{home.name}-home")
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **env,
        "HOME": cache,
        "XDG_CACHE_HOME": f"{cache}/cache",
        "XDG_DATA_HOME": f"{cache}/data",
        "BUN_INSTALL_CACHE_DIR": f"{cache}/bun",
        "npm_config_cache": f"{cache}/npm",
        "npm_config_userconfig": str(home / ".npmrc"),
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
        "COREPACK_ENABLE_STRICT": "0",
    }


def call(home: Path, command: list[str]) -> Step:
    """Run *command* in *home*."""
    done = subprocess.run(
        command, cwd=home, env=environment(home), capture_output=True, text=True, timeout=120, check=False
    )
    return Step(" ".join(command), done.returncode, done.stdout + done.stderr)


def consume(installer: Installer, registry: Registry, home: Path, app: str, script: str) -> list[Step]:
    """What *installer* did with the package *app* in the new project *home*, up to the first step that failed.

    After each install the JavaScript text *script* is run; it must end with status 0.
    """
    home.mkdir(parents=True)
    (home / ".npmrc").write_text(registry.npmrc, encoding="utf-8")
    (home / "package.json").write_text(json.dumps({"name": "consumer", "version": "0.0.0", "private": True}))
    for name, text in installer.files.items():
        with (home / name).open("a", encoding="utf-8") as file:
            file.write(text.replace("REGISTRY", registry.url))
    if installer.program == "yarn":
        (home / "yarn.lock").touch()
    (home / "run.cjs").write_text(script, encoding="utf-8")
    start = program(installer.program)
    runner = [*start, "node"] if installer.program == "yarn" else [node()]
    steps: list[Step] = []
    for step in installer.steps:
        if step == "CLEAN":
            shutil.rmtree(home / "node_modules", ignore_errors=True)
            continue
        steps.append(call(home, [*start, *step.replace("APP", app).split(" ")[1:]])._replace(command=step))
        if steps[-1].status == 0 and " ls" not in step:
            steps.append(call(home, [*runner, "run.cjs"])._replace(command=f"run after {step}"))
        if steps[-1].status:
            break
    return steps
