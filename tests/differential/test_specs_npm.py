"""A tarball whose specs were rewritten installs cleanly with npm, today and tomorrow; without, it does not."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING, NamedTuple

import pytest

from linkpack.bundle.consumer_specs import NOWHERE, plan_specs, rewrite_specs
from linkpack.npm.manifest import Manifest, parse_manifest
from tests.support.npm import npm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SPECS = [
    "^1",
    "*",
    "^2",
    "latest",
    "a/lib",
    "https://example.com/x.tgz",
    "file:../x",
    "link:../x",
    "catalog:",
    "jsr:@a/b@1",
]
SPECS += ["npm:^1", "npm:1.4.2", "npm:latest", "not a spec!!", "patch:lib@npm%3A1#x", " npm:real@^1"]
SPECS += ["workspace:*", "workspace:^", "workspace:@s/lib@~", "npm:real@^1", "npm:real@^2", "^1 || workspace:^"]
STEPS = [["install", "./app-1.0.0.tgz"], ["ls", "--all"], ["install"], ["ls", "--all"], ["ci"], ["ls", "--all"]]


class Package(NamedTuple):
    """A package as the graph gives it."""

    manifest: Manifest
    needs: Mapping[str, str | None]
    peers: Mapping[str, str | None]
    label: str = "p"


def read(**fields: object) -> Manifest:
    """The manifest with *fields*."""
    return parse_manifest(json.dumps({"version": "1.4.2", **fields}).encode(), "package.json", "installed")


def packages() -> dict[str, Package]:
    """A root that bundles one package for each spec, with that spec; `user` needs them all, in the same ways."""
    specs = {f"d{i}": spec for i, spec in enumerate(SPECS)}
    peers = {f"e{i}": spec for i, spec in enumerate(SPECS)}
    needs = {name: f"/node_modules/{name}" for name in [*specs, *peers]}
    root = read(
        name="app",
        dependencies={**specs, **dict.fromkeys(peers, "*"), "user": "1.4.2"},
        devDependencies={"x": "workspace:*", "y": "file:../y", "z": "not a spec!!"},
        bundleDependencies=[*needs, "user"],
    )
    user = read(
        name="user",
        dependencies={**specs, "gone": "^1", "app": "workspace:*"},
        optionalDependencies={"gone": "^1", "away": "^1"},
        devDependencies={"x": "workspace:*", "y": "file:../y", "z": "not a spec!!"},
        peerDependencies=peers,
    )
    answers = {**{name: needs[name] for name in specs}, "app": "", "gone": None, "away": None}
    return {
        "": Package(root, {**needs, "user": "/node_modules/user"}, {}),
        "/node_modules/user": Package(user, answers, {name: needs[name] for name in peers}),
        **{
            place: Package(read(name=name if name[1:] != "9" else "@s/lib"), {}, {})
            for name, place in needs.items()
        },
    }


def consumer_faults(manifests: Mapping[str, bytes], home: Path) -> list[str]:
    """The npm commands that fail in a project that installs a tarball of *manifests*."""
    home.mkdir()
    (home / "package.json").write_text('{"name":"consumer","version":"1.0.0"}')
    with tarfile.open(home / "app-1.0.0.tgz", "w:gz") as tarball:
        for place, raw in manifests.items():
            member = tarfile.TarInfo(f"package{place}/package.json")
            member.size = len(raw)
            tarball.addfile(member, io.BytesIO(raw))
    environment = {
        **os.environ,
        "npm_config_cache": str(home / "cache"),
        "npm_config_audit": "false",
        "HOME": str(home),
    }
    failed = []
    for step in STEPS:
        run = subprocess.run(
            [npm(), *step, "--offline"], cwd=home, env=environment, capture_output=True, text=True, check=False
        )
        if run.returncode != 0:
            failed.append(f"{step}: {run.stderr}")
    return failed


@pytest.mark.differential
@pytest.mark.installs
def test_rewritten_manifests_install_cleanly(tmp_path: Path) -> None:
    """With the planned changes install, ls, a second install and ci pass; without them most fail."""
    found = packages()
    plan = plan_specs(found, "", mode="resolve", disk=NOWHERE)
    assert plan.problems == ()
    manifests = {
        place: rewrite_specs(package.manifest.raw, [change for change in plan.changes if change.package == place])
        for place, package in found.items()
    }
    assert consumer_faults(manifests, tmp_path / "after") == []
    raw = {place: package.manifest.raw for place, package in found.items()}
    assert len(consumer_faults(raw, tmp_path / "before")) >= 4
