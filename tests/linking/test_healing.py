"""The scripts of docs/link.md that bring links back after an install, each run by its package manager."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import linkpack
from tests.support.installers import environment, program
from tests.support.linkbox import LinkBox

pytestmark = pytest.mark.installs

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/link.md").read_text(encoding="utf-8")


class Manager(NamedTuple):
    """A package manager: its *program*, and commands after which its script has run.

    *heals* are those that drop the link, or may; *add* needs the tarball's path, *remove* the name.
    """

    program: str
    heals: tuple[str, ...]
    remove: str


MANAGERS = {
    "npm": Manager("npm", ("npm install ADD", "npm ci", "npm prune", "npm update"), "npm uninstall lib"),
    "npm 12": Manager("npm12", ("npm install ADD", "npm ci", "npm prune", "npm update"), "npm uninstall lib"),
    "pnpm": Manager("pnpm", ("pnpm update", "CLEAN", "pnpm install --frozen-lockfile"), "pnpm remove lib"),
    "yarn": Manager("yarn", ("yarn add extra@ADD", "CLEAN", "yarn install --immutable"), "yarn remove lib"),
    "bun": Manager("bun", ("bun install", "bun add ADD", "bun update", "CLEAN", "bun install"), "bun remove lib"),
}

ONCE = [name for name in MANAGERS if name != "npm 12"]


def script_of(name: str) -> tuple[str, str]:
    """The script that the page gives for the manager *name*: when it is run, and what."""
    text = re.search(r'^"scripts": \{ "dependencies": "([^"]+)" \}$', PAGE, re.MULTILINE)
    event = re.search(rf"^\| {name.partition(' ')[0]} [^|]*\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert text
    assert event
    return event[1], text[1]


class Project:
    """A project that depends on the tarball of `lib`, installed by a package manager, with the page's script."""

    def __init__(self, root: Path, name: str) -> None:
        self.box = LinkBox(root)
        self.manager = MANAGERS[name]
        for folder, package in (("old", "lib"), ("extra", "extra")):
            linkpack.pack(self.box.package(folder, package), destination=str(root))
        event, command_line = script_of(name)
        tarball = f"file:{root}/lib-1.0.0.tgz"
        self.app = Path(
            self.box.package("app", "app", dependencies={"lib": tarball}, scripts={event: command_line})
        )
        if self.manager.program == "yarn":
            (self.app / "yarn.lock").touch()
            (self.app / ".yarnrc.yml").write_text(
                "nodeLinker: node-modules\nenableTelemetry: false\nenableGlobalCache: false\n"
            )
        self.lib = self.box.package("lib", "lib", version="1.1.0")

    def env(self, root: Path, *, with_linkpack: bool = True) -> dict[str, str]:
        """The environment of a user, with or without linkpack on PATH."""
        tools = root / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "linkpack").write_text(
            f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m linkpack "$@"\n'
        )
        (tools / "linkpack").chmod(0o755)
        base = environment(root / "consumer")
        path = f"{tools}:{base['PATH']}" if with_linkpack else base["PATH"]
        own = {key: value for key, value in self.box.env.items() if key != "PATH"}
        return {**base, **own, "PATH": path, "npm_config_offline": "true", "YARN_ENABLE_NETWORK": "0"}

    def run(self, line: str, *, with_linkpack: bool = True) -> str:
        """Run a command of the package manager, which has to succeed; what it printed."""
        if line == "CLEAN":
            shutil.rmtree(self.app / "node_modules")
            return ""
        words = line.replace("ADD", f"file:{self.box.root}/extra-1.0.0.tgz").split()[1:]
        done = subprocess.run(
            [*program(self.manager.program), *words],
            cwd=self.app,
            env=self.env(self.box.root, with_linkpack=with_linkpack),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def leads(self) -> str:
        """Where the link leads."""
        return self.box.leads(str(self.app), "lib")


def linked(root: Path, name: str) -> Project:
    """A project in which the installed package has made way for a link."""
    project = Project(root, name)
    project.run(f"{name.partition(' ')[0]} install")
    linkpack.link([project.lib], str(project.app), project.box.options(link_global=False))
    return project


@pytest.mark.parametrize("name", MANAGERS)
def test_links_come_back_after_each_command(name: str, tmp_path: Path) -> None:
    project = linked(tmp_path, name)
    for line in project.manager.heals:
        project.run(line)
        assert line == "CLEAN" or project.leads == project.lib, line


@pytest.mark.parametrize("name", ONCE)
def test_what_the_user_removes_stays_away(name: str, tmp_path: Path) -> None:
    """`relink` restores the link of an uninstalled package only when it is named."""
    project = linked(tmp_path, name)
    project.run(project.manager.remove)
    assert not (project.app / "node_modules/lib").exists()
    (status,) = linkpack.links(str(project.app), project.box.options())
    assert (status.state, status.is_in_order) == ("uninstalled", True)
    plan = linkpack.relink((), str(project.app), project.box.options()).plan
    assert ([problem.code for problem in plan.warnings], plan.added) == (["WUNINSTALLED"], ())
    linkpack.relink(["lib"], str(project.app), project.box.options())
    assert project.leads == project.lib


@pytest.mark.parametrize("name", ONCE)
def test_a_machine_without_linkpack_installs(name: str, tmp_path: Path) -> None:
    """A colleague or a CI job does not need linkpack, nor a folder that only one machine has."""
    project = Project(tmp_path, name)
    project.run(f"{name.partition(' ')[0]} install", with_linkpack=False)
    assert (project.app / "node_modules/lib/package.json").exists()
    linkpack.link([project.lib], str(project.app), project.box.options(link_global=False))
    shutil.rmtree(project.lib)
    project.run("CLEAN")
    project.run(f"{name.partition(' ')[0]} install")
    manifest = json.loads((project.app / "node_modules/lib/package.json").read_text())
    assert manifest["version"] == "1.0.0"


def test_if_present_forgives_a_missing_package_and_no_conflict(tmp_path: Path) -> None:
    """No link at all is no failure either."""
    project = Project(tmp_path, "npm")
    command = [str(tmp_path / "tools/linkpack"), "relink", "-C", str(project.app)]

    def relink(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [*command, *words], env=project.env(tmp_path), capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr

    assert relink()[0] == 0
    assert "WNOLINKS" in relink()[1]
    assert relink("--if-present") == (0, "")
    assert relink("nosuch")[0] == 1
    assert relink("nosuch", "--if-present")[0] == 0
    linkpack.link([project.lib], str(project.app), project.box.options(link_global=False))
    shutil.rmtree(project.lib)
    assert relink()[0] == 1
    status, said = relink("--if-present")
    assert (status, "WSOURCEGONE" in said) == (0, True)
