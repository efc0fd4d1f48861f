"""The specs that ship are those that the project's own package manager ships, or the table says why not."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

import linkpack
from tests.support.installers import program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.differential, pytest.mark.installs]

CATALOGS = """
catalog:
  left: ^1.3.0
  number: 1.10
  aliased: npm:real@^2
catalogs:
  old: {left: ^0.1.0}
  "a b": {left: ^0.2.0}
"""
PNPM = f"""
packages: [packages/*]
base: &base {{merged: ^4.0.0, left: ^9}}
{CATALOGS}
  merging:
    <<: *base
    left: ^0.3.0
"""
YARN = f"""
enableTelemetry: false
enableNetwork: false
enableGlobalCache: false
nodeLinker: node-modules
{CATALOGS.replace("1.10", '"1.10"')}
  merging: {{merged: ^4.0.0, left: ^0.3.0}}
"""
BUN = {
    "catalog": {"left": "^1.3.0", "number": "1.10", "aliased": "npm:real@^2"},
    "catalogs": {"merging": {"merged": "^4.0.0"}},
}
# by the name of the dependency; members are called b, c (a pre-release) and @s/d
SPECS = {
    "plain": "^1.0.0",
    "tag": "next",
    "git": "git+https://example.com/x.git#v1",
    "alias": "npm:real@^1",
    "b": "workspace:*",
    "c": "workspace:^",
    "@s/d": "workspace:~",
    "left": "catalog:",
    "number": "catalog:",
    "aliased": "catalog:",
    "merged": "catalog:merging",
    "jsr": "jsr:@a/b@1",
    "own": "workspace:>=1 <9",
}
# What the others write and npm cannot install, and what linkpack writes.
OTHERWISE = {
    "pnpm": {"range": ("npm:^7.0.0", "^7.0.0"), "version": ("npm:7.0.0", "7.0.0")},
    "yarn": {
        "range": ("npm:^7.0.0", "^7.0.0"),
        "version": ("npm:7.0.0", "7.0.0"),
        "word": ("npm:latest", "latest"),
        "aliased": ("real@^2", "npm:real@^2"),
    },
    "bun": {"range": ("npm:^7.0.0", "^7.0.0"), "jsr": ("jsr:@a/b@1", "npm:@jsr/a__b@1")},
}


COMMANDS = {"bun": ("pm", "pack", "--filename")}


def lay(root: Path, manager: str) -> Path:
    """A workspace of *manager* in *root*; the member that has all the specs."""
    odd = {name: spec for name, (spec, _) in OTHERWISE[manager].items()}
    manifests: dict[str, dict[str, object]] = {
        ".": {"name": "root", "private": True, "packageManager": "", "workspaces": ["packages/*"]},
        "packages/a": {"name": "a", "version": "1.0.0", "dependencies": {**odd, **SPECS}},
        "packages/b": {"name": "b", "version": "2.0.0"},
        "packages/c": {"name": "c", "version": "3.0.0-rc.1"},
        "packages/d": {"name": "@s/d", "version": "4.5.6"},
        "packages/own": {"name": "own", "version": "1.0.0"},
    }
    files = {"pnpm-workspace.yaml": PNPM, "pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}
    if manager == "yarn":
        files = {".yarnrc.yml": YARN, "yarn.lock": ""}
    elif manager == "bun":
        files = {"bun.lock": ""}
        manifests["."]["workspaces"] = {"packages": ["packages/*"], **BUN}
    for folder, manifest in manifests.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    return root / "packages" / "a"


def shipped(raw: bytes) -> dict[str, str]:
    """The dependencies in the manifest of a tarball."""
    with tarfile.open(fileobj=io.BytesIO(raw)) as tarball:
        member = tarball.extractfile("package/package.json")
        assert member is not None
        found: dict[str, str] = json.loads(member.read())["dependencies"]
        return found


@pytest.mark.parametrize("manager", OTHERWISE)
def test_specs_are_those_of_the_projects_manager(manager: str, tmp_path: Path) -> None:
    """Workspaces, catalogs with merges and names, and JSR come out alike; yarn's `npm:` is ours alone to write."""
    member = lay(tmp_path / "w", manager)
    target = tmp_path / f"{manager}.tgz"
    done = subprocess.run(
        [*program(manager), *COMMANDS.get(manager, ("pack", "--out")), str(target)],
        cwd=member,
        env={**os.environ, "HOME": str(tmp_path), "npm_config_offline": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-800:]
    theirs = shipped(target.read_bytes())
    ours = shipped((tmp_path / linkpack.pack(member, destination=tmp_path).path).read_bytes())
    assert {name: (theirs[name], ours[name]) for name in ours if ours[name] != theirs[name]} == OTHERWISE[manager]
    assert list(ours) == list(theirs)
