"""Our links beside those of the real npm, in throw-away prefixes and without a network."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.npm.dependency_sections import SECTIONS, copy_sections, place_dependency
from tests.support.linkbox import CLI, LinkBox
from tests.support.npm import npm, run_node

if TYPE_CHECKING:
    from pathlib import Path

NPM_ENV = {
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_update_notifier": "false",
    "npm_config_offline": "true",
}

# what it shows, the command lines (folder, then arguments), the same for the library (folder, specs, flags)
CASES: list[tuple[str, list[tuple[str, list[str], dict[str, object]]]]] = [
    ("a package", [("lib", [], {})]),
    ("by name", [("lib", [], {}), ("app", ["@s/alpha"], {})]),
    ("several", [("other", [], {}), ("app", ["../lib", "other"], {})]),
    ("no commands", [("lib", [], {"bin_links": False}), ("app", ["@s/alpha"], {"bin_links": False})]),
    ("over a folder", [("lib", [], {}), ("full", ["@s/alpha"], {})]),
    ("saved", [("app", ["../lib"], {"save": True})]),
    ("saved as dev", [("app", ["../lib", "../other"], {"save_dev": True})]),
    ("saved as optional", [("full", ["../lib"], {"save_optional": True})]),
    ("saved as peer", [("app", ["../lib"], {"save_peer": True})]),
    ("saved in the bundle", [("app", ["../lib"], {"save": True, "save_bundle": True})]),
    ("a workspace", [("mono", ["../lib"], {"workspace": ("wa",), "save": True})]),
    ("workspaces registered", [("mono", [], {"workspaces": True})]),
]


def scene(root: Path) -> LinkBox:
    """Two packages, two projects and a workspace root."""
    root.mkdir()
    box = LinkBox(root)
    (box.prefix / "lib").mkdir(parents=True)
    members = {
        "license": "MIT",
        "engines": {"node": ">=10"},
        "funding": "https://x.org",
        "devDependencies": {"x": "1"},
    }
    box.package(
        "lib",
        "@s/alpha",
        {"cli.js": CLI, "b/c.js": CLI, "a.1": ""},
        bin={"one": "./cli.js", "../two": "b/c.js"},
        man=["a.1"],
        **members,
    )
    box.package("other", "other", {"cli.js": CLI}, bin="cli.js", scripts={"install": "true"})
    box.package("app", "app")
    full = box.package("full", "full")
    box.installed(full, "@s/alpha")
    box.package("mono", "mono", workspaces=["packages/*"])
    box.package("mono/packages/wa", "wa")
    (box.work / "mono/node_modules").mkdir()
    (box.work / "mono/node_modules/wa").symlink_to("../packages/wa")
    return box


def arguments(specs: list[str], flags: dict[str, object]) -> list[str]:
    """The command line of npm for *specs* and *flags*."""
    words = list(specs)
    for key, value in flags.items():
        name = key.replace("_", "-")
        if isinstance(value, tuple):
            words += [f"--{name}={each}" for each in value]
        else:
            words.append(f"--{name}" if value else f"--no-{name}")
    return words


def run_npm(box: LinkBox, folder: str, *args: str) -> subprocess.CompletedProcess[str]:
    """One run of npm in work/*folder* of *box*."""
    env = {**os.environ, **box.env, **NPM_ENV, "npm_config_cache": str(box.home / "cache")}
    return subprocess.run(
        [npm(), *args], cwd=box.work / folder, env=env, capture_output=True, text=True, check=False
    )


def facts(box: LinkBox) -> dict[str, str]:
    """The tree without what either tool keeps for itself."""
    own = (".package-lock.json", ".linkpack")
    return {
        path: what
        for path, what in box.tree().items()
        if not any(part in own for part in path.split("/")) and not what.startswith("folder")
    }


@pytest.mark.differential
@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_same_tree(tmp_path: Path, case: tuple[str, list[tuple[str, list[str], dict[str, object]]]]) -> None:
    """Links, commands, manifests and lockfiles are those that npm makes, byte for byte."""
    theirs, ours = scene(tmp_path / "a"), scene(tmp_path / "b")
    for folder, specs, flags in case[1]:
        done = run_npm(theirs, folder, "link", *arguments(specs, flags))
        assert done.returncode == 0, done.stderr
        linkpack.link(specs, str(ours.work / folder), ours.options(**flags))
    assert facts(ours) == facts(theirs)


@pytest.mark.differential
def test_each_sees_the_other(tmp_path: Path) -> None:
    """Npm lists and uses our links, and we list, use and undo npm's."""
    box = scene(tmp_path / "a")
    app, lib = str(box.work / "app"), str(box.work / "lib")
    linkpack.link((), lib, box.options())
    assert "@s/alpha" in json.loads(run_npm(box, "app", "ls", "-g", "--json").stdout)["dependencies"]
    assert run_npm(box, "app", "link", "@s/alpha").returncode == 0
    assert [(link.name, link.state, link.ours) for link in linkpack.links(app, box.options())] == [
        ("@s/alpha", "linked", False)
    ]
    linkpack.unlink(["@s/alpha"], app, box.options())
    assert not [path for path in box.tree(app) if path.startswith("node_modules/.bin/")]
    assert run_npm(box, "other", "link").returncode == 0
    linkpack.link(["other"], app, box.options())
    assert (
        json.loads(run_npm(box, "app", "ls", "--json").stdout)["dependencies"]["other"]["resolved"]
        == "file:../../other"
    )
    linkpack.unlink((), str(box.work / "other"), box.options())
    assert not [path for path in box.tree(box.prefix) if "other" in path]


@pytest.mark.differential
@pytest.mark.parametrize("flag", ["save", "save_dev", "save_peer"])
def test_npm_ci_takes_it(tmp_path: Path, flag: str) -> None:
    """After a save npm ci passes, and after unlinking again."""
    box = scene(tmp_path / "a")
    app = str(box.work / "app")
    linkpack.link(["../lib"], app, box.options(**{flag: True}))
    done = run_npm(box, "app", "ci", "--ignore-scripts")
    assert done.returncode == 0, done.stderr
    assert box.leads(app, "@s/alpha") == str(box.work / "lib")
    linkpack.link(["../other"], app, box.options(save=True))
    linkpack.unlink(["@s/alpha"], app, box.options())
    done = run_npm(box, "app", "ci", "--ignore-scripts")
    assert done.returncode == 0, done.stderr


ADD = """
const kinds = {prod: 'prod', dev: 'dev', optional: 'optional', peer: 'peer'};
const pkg = request.pkg, originalContent = structuredClone(pkg);
if (pkg.optionalDependencies && pkg.dependencies) {
  for (const name of Object.keys(pkg.optionalDependencies)) delete pkg.dependencies[name];
}
use('@npmcli/arborist/lib/add-rm-pkg-deps.js').add({
  pkg, add: [{name: 'x', rawSpec: 'file:../x'}], saveType: kinds[request.kind]});
if (!request.kind) for (const section of Object.values(pkg)) if (section.x) section.x = 'file:../x'; // reify.js
const empty = {dependencies: {}, optionalDependencies: {}, devDependencies: {}, peerDependencies: {}};
return use('@npmcli/package-json/lib/update-dependencies.js')({content: {...empty, ...pkg}, originalContent});
"""


@pytest.mark.differential
@pytest.mark.parametrize("kind", ["", "prod", "dev", "optional", "peer"])
def test_sections_like_npm(kind: str) -> None:
    """A name goes into the sections that npm's own functions put it into, from wherever it stood."""
    sections = [section for section in SECTIONS if not (kind == "prod" and section == "optionalDependencies")]
    packages = [
        {section: {"x": "1"} for section in sections if mask >> sections.index(section) & 1}
        for mask in range(1 << len(sections))
    ]
    theirs = run_node(ADD, [{"pkg": package, "kind": kind} for package in packages])
    for package, answer in zip(packages, theirs, strict=True):
        assert isinstance(answer, dict)
        ours = place_dependency(copy_sections(package), "x", "file:../x", kind)
        assert {section: ours[section] for section in SECTIONS if ours[section]} == {
            section: answer[section] for section in SECTIONS if section in answer
        }, package
