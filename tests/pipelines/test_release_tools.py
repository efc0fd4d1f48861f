"""Release tools, the real ones, take our tarballs and staged folders in the ways that docs/pipelines.md has."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.gitbox import git
from tests.support.installers import INSTALLERS
from tests.support.npm import node
from tests.support.packed import read_packed
from tests.support.pipeline import try_out
from tests.support.registry import serving
from tests.support.releases import commit, examples, nx, shell, site, workflow, write_json
from tests.support.tools import tools

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry
    from tests.support.releases import Shell

pytestmark = [pytest.mark.installs, pytest.mark.differential]


# The one thing of node 22 that changesets 3 needs in what is tried here.
OLD_NODE = """
Promise.withResolvers ??= function () {
  const found = {};
  found.promise = new Promise((resolve, reject) => Object.assign(found, { resolve, reject }));
  return found;
};
"""


def held(data: bytes) -> set[str]:
    """The paths in a tarball."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name for member in archive if member.isfile()}


def semantic(home: Path, registry: Registry, config: str) -> Shell:
    """A shell with semantic-release in the site, committed and pushed, with *config* for its release."""
    root = site(home / "tree", registry)
    about = json.loads((root / "package.json").read_text(encoding="utf-8"))
    write_json(root / "package.json", {**about, "version": "0.0.0-development"})
    start = f"{node()} {tools()}/semantic-release/bin/semantic-release.js"
    found = shell(root, registry, {"semantic-release": start})
    bare = root.parent / "site.git"
    write_json(
        root / ".releaserc.json", {**json.loads(config), "branches": ["main"], "repositoryUrl": bare.as_uri()}
    )
    assert commit(root, "node_modules\nout\nstaged\n.npmrc\n") == bare
    return found


def test_semantic_release_uploads_our_tarball(tmp_path: Path) -> None:
    """The npm plugin sets the version, exec packs and publishes: the registry has the bytes that we wrote."""
    with serving() as registry:
        terminal = semantic(tmp_path, registry, examples("semantic-release", "json")[0])
        terminal.run("semantic-release --no-ci", {"NPM_TOKEN": "anything", "npm_config_registry": registry.url})
        packed = (terminal.home / "out" / "site.tgz").read_bytes()
        assert registry.tarballs["site/-/site-1.0.0.tgz"] == packed
        steps = try_out(INSTALLERS[0], registry, tmp_path / "consumer")
    assert steps[-1].status == 0, steps[-1].output
    assert "package/vendor/shout/index.js" in held(packed)


def test_semantic_release_takes_a_staged_folder(tmp_path: Path) -> None:
    """With pkgRoot the npm plugin packs the staged tree: the same files, at the version that it chose."""
    with serving() as registry:
        terminal = semantic(tmp_path, registry, examples("semantic-release", "json")[1])
        terminal.run(examples("semantic-release", "")[0])
        terminal.run("semantic-release --no-ci", {"NPM_TOKEN": "anything", "npm_config_registry": registry.url})
        published = registry.tarballs["site/-/site-1.0.0.tgz"]
    (staged,) = (terminal.home / "out").glob("*.tgz")
    assert held(published) == {path for path, _, _ in read_packed(str(staged)).members}


def test_semantic_release_packs_through_us(tmp_path: Path) -> None:
    """The npm plugin's tarballDir takes the last line that `npm pack` prints for the file: ours is that."""
    config = '{"plugins": ["@semantic-release/commit-analyzer", ["@semantic-release/npm", %s]]}'
    with serving() as registry:
        terminal = semantic(tmp_path, registry, config % '{"npmPublish": false, "tarballDir": "out"}')
        hand_over(terminal)
        terminal.run("semantic-release --no-ci", {"npm_config_registry": registry.url})
    assert "package/node_modules/shout/index.js" in held((terminal.home / "out" / "site-1.0.0.tgz").read_bytes())


def changesets(home: Path, registry: Registry) -> Shell:
    """A shell with changesets in a workspace of two packages, one of which needs the other; a script is noisy."""
    old = home.parent / "old.cjs"
    old.write_text(OLD_NODE, encoding="utf-8")
    start = f"{node()} --require {old} {tools()}/@changesets/cli/dist/index.mjs"
    terminal = shell(home, registry, {"changeset": start})
    for name, needs in (("a", {}), ("b", {"@s/a": "workspace:^"})):
        about = {"name": f"@s/{name}", "version": "1.0.0", "dependencies": needs}
        more = {"publishConfig": {"access": "public"}, "scripts": {"prepack": 'echo \'{"not": ["ours"]}\''}}
        write_json(home / "packages" / name / "package.json", {**about, **more})
    write_json(home / "package.json", {"name": "root", "private": True, "workspaces": ["packages/*"]})
    write_json(home / "package-lock.json", {"name": "root", "lockfileVersion": 3, "packages": {}})
    write_json(home / ".changeset" / "config.json", {"access": "public", "baseBranch": "main"})
    commit(home, "release\n.npmrc\n")
    return terminal


def hand_over(terminal: Shell, *flags: str) -> None:
    """Have the npm of docs/pipelines.md, whose pack is linkpack's with *flags*, stand before npm."""
    (terminal.bins / "npm").rename(terminal.bins / "npms-own")
    (shim,) = examples("An npm that packs by linkpack", "sh")
    shim = shim.replace("NPM:-/usr/bin/npm", f"NPM:-{terminal.bins}/npms-own")
    shim = shim.replace("exec linkpack pack", " ".join(["exec linkpack pack", *flags]))
    (terminal.bins / "npm").write_text(shim, encoding="utf-8")
    (terminal.bins / "npm").chmod(0o755)


def test_changesets(tmp_path: Path) -> None:
    """Its plan is packed by linkpack, and it publishes those very bytes, dependencies first."""
    home = tmp_path / "ws"
    with serving() as registry:
        changesets(home, registry).run(examples("changesets", "")[0])
        for name in ("a", "b"):
            packed = (home / "release" / "packages" / f"s-{name}-1.0.0.tgz").read_bytes()
            assert registry.tarballs[f"@s/{name}/-/@s/{name}-1.0.0.tgz"] == packed
        assert registry.packuments["@s/b"]["versions"]["1.0.0"]["dependencies"] == {"@s/a": "^1.0.0"}


@pytest.mark.parametrize("form", ["npm11", "npm12"])
def test_changesets_reads_our_json(form: str, tmp_path: Path) -> None:
    """Its own `pack` calls `npm pack --json` and finds the tarball in what we print, in either npm's form."""
    home = tmp_path / "ws"
    with serving() as registry:
        terminal = changesets(home, registry)
        hand_over(terminal, "--json-format", form)
        terminal.run("changeset publish-plan --output plan.json")
        terminal.run("changeset pack --from-publish-plan plan.json --out-dir release")
    plan = json.loads((home / "release" / "publish-plan.json").read_text(encoding="utf-8"))
    found = [each["tarball"]["path"] for group in plan["plan"] for each in group]
    assert found == ["packages/s-a-1.0.0.tgz", "packages/s-b-1.0.0.tgz"]
    raw = read_packed(str(home / "release" / found[1])).members
    manifest = next(data for path, _, data in raw if path == "package/package.json")
    assert json.loads(manifest)["dependencies"] == {"@s/a": "^1.0.0"}


def nx_workspace(home: Path, registry: Registry, target: dict[str, Any]) -> Shell:
    """A workspace of nx in *home* with the site in `packages/site`, which *target* releases."""
    root = site(home, registry)
    (home / "packages").mkdir()
    root.rename(home / "packages" / "site")
    for at, to in (
        ("packages/site/node_modules/shout", "../../../shout"),
        ("shout/node_modules/left", "../../packages/site/node_modules/left"),
        ("words/node_modules/right", "../../packages/site/node_modules/right"),
        ("node_modules", str(nx())),
    ):
        (home / at).unlink(missing_ok=True)
        (home / at).symlink_to(to)
    write_json(home / "package.json", {"name": "root", "private": True, "workspaces": ["packages/*"]})
    write_json(home / "package-lock.json", {"name": "root", "lockfileVersion": 3, "packages": {}})
    settings = {"release": {"projects": ["site"]}, "analytics": False, "neverConnectToCloud": True}
    write_json(home / "nx.json", settings)
    write_json(home / "packages" / "site" / "project.json", {"name": "site", "targets": target})
    found = shell(home, registry, {"nx": f"{node()} {nx()}/nx/dist/bin/nx.js"})
    commit(home, "node_modules\ndist\n.nx\n.npmrc\n")
    return found


@pytest.mark.parametrize("way", [0, 1], ids=["staged", "own-bytes"])
def test_nx(way: int, tmp_path: Path) -> None:
    """The executor of nx publishes the staged folder, or with a target of one's own the very tarball."""
    target = json.loads(examples("nx", "json")[way])
    quiet = {"NX_DAEMON": "false", "NX_NO_CLOUD": "true"}
    with serving() as registry:
        terminal = nx_workspace(tmp_path / "ws", registry, target)
        terminal.run(examples("nx", "")[0], quiet)
        published = registry.tarballs["site/-/site-1.0.0.tgz"]
        steps = try_out(INSTALLERS[0], registry, tmp_path / "consumer")
    assert steps[-1].status == 0, steps[-1].output
    packed = (terminal.home / "dist" / "site-1.0.0.tgz").read_bytes()
    assert held(published) == held(packed)
    assert (published == packed) == bool(way)


def test_nx_reads_our_json(tmp_path: Path) -> None:
    """The parser that nx has for npm's JSON finds the package in ours."""
    script = """
const path = process.argv[1] + '/@nx/js/dist/src/executors/release-publish/extract-npm-publish-json-data.js';
const read = require(path).extractNpmPublishJsonData;
process.stdout.write(JSON.stringify(read(require('node:fs').readFileSync(0, 'utf8')).jsonData));
"""
    with serving() as registry:
        terminal = shell(site(tmp_path / "tree", registry), registry, {})
        printed = terminal.run("linkpack pack --json")
    done = subprocess.run(
        [node(), "-e", script, str(nx())], input=printed, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert (found["id"], found["filename"]) == ("site@1.0.0", "site-1.0.0.tgz")


def repository(origin: Path, registry: Registry) -> Shell:
    """A workspace in *origin* whose root bundles a member and a package of the registry, with its lockfile."""
    parts = site(origin.parent / "parts", registry)
    about = {"version": "1.0.0", "license": "MIT"}
    build = "node -e \"fs.copyFileSync('source.js', 'index.js')\""
    packages: dict[str, dict[str, object]] = {
        ".": {
            "name": "site",
            "files": ["index.js"],
            "workspaces": ["shout", "words"],
            "scripts": {"build": build},
            "dependencies": {"left": "^1.0.0", "shout": "^1.0.0"},
            "bundleDependencies": ["left", "shout"],
        },
        "shout": {"name": "shout", "dependencies": {"@site/words": "^1.0.0", "left": "^1.1.0"}},
        "words": {"name": "@site/words", "dependencies": {"right": "^2.0.0"}},
    }
    for folder, fields in packages.items():
        write_json(origin / folder / "package.json", {**fields, **about})
    (origin / "source.js").write_bytes((parts / "index.js").read_bytes())
    (origin / "index.js").write_text("throw new Error('not built')", encoding="utf-8")
    for name in ("shout", "words"):
        (origin / name / "index.js").write_bytes((parts.parent / name / "index.js").read_bytes())
    found = shell(origin, registry, {"pip": "echo"})
    found.run("npm install --package-lock-only --ignore-scripts")
    return found


def expanded(text: str, outputs: dict[str, dict[str, str]]) -> str:
    """*text* with `${{ steps.x.outputs.y }}` as GitHub puts it in."""
    return re.sub(r"\$\{\{ steps\.(\w+)\.outputs\.(\w+) \}\}", lambda found: outputs[found[1]][found[2]], text)


def run_job(terminal: Shell, clone: Path, steps: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    """The outputs of *steps*, which are run in *clone* one after the other; actions have nothing to do there."""
    outputs: dict[str, dict[str, str]] = {}
    for number, step in enumerate(steps):
        if "run" in step:
            file = clone.parent / f"output{number}"
            file.touch()
            env = {"GITHUB_OUTPUT": str(file), "npm_config_userconfig": str(terminal.home / ".npmrc")}
            terminal.run(expanded(step["run"], outputs), env, cwd=clone)
            lines = file.read_text(encoding="utf-8").splitlines()
            outputs[step.get("id", "")] = dict(line.split("=", 1) for line in lines)
    return outputs


def test_github_actions(tmp_path: Path) -> None:
    """The steps that run something do it, in order, in a fresh clone; everybody installs the result."""
    with serving() as registry:
        terminal = repository(tmp_path / "origin", registry)
        bare = commit(tmp_path / "origin", "node_modules\nout\n.npmrc\n")
        clone = tmp_path / "clone"
        git(tmp_path, "clone", "-q", str(bare), str(clone))
        (job,) = workflow()["jobs"].values()
        outputs = run_job(terminal, clone, job["steps"])
        assert outputs["pack"]["tarball"] == "out/site-1.0.0.tgz"
        packed = (clone / outputs["pack"]["tarball"]).read_bytes()
        assert registry.tarballs["site/-/site-1.0.0.tgz"] == packed
        for name in ("npm 11", "yarn 4 pnp", "bun 1.4 isolated"):
            (installer,) = (each for each in INSTALLERS if each.name == name)
            steps = try_out(installer, registry, tmp_path / name.replace(" ", "-"))
            assert steps[-1].status == 0, steps[-1].output


def test_a_failing_step_stops_the_job(tmp_path: Path) -> None:
    """When packing fails, nothing is published, and the step that packs is the one that fails."""
    with serving() as registry:
        terminal = repository(tmp_path / "origin", registry)
        (step,) = (each["run"] for each in workflow()["jobs"]["publish"]["steps"] if each.get("id") == "pack")
        with pytest.raises(AssertionError, match="needs left, which is not installed"):
            terminal.run(step, {"GITHUB_OUTPUT": str(tmp_path / "output")})
        assert not (tmp_path / "output").exists()
