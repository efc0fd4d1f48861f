"""What a consumer gets: the tarball, installed offline by npm and again from its lockfile, runs as on our disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

import linkpack
from tests.support.linked import lay
from tests.support.npm import npm
from tests.support.packed import folder, options, runtime_graph
from tests.support.registry import serving
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.installs, pytest.mark.differential]

# tree -> what the consumer has besides: packages that the project needs and does not bundle
TREES = {
    "pack/alias": [],
    "pack/bin-in-bundled": [],
    "pack/bundle-brings-undeclared": [],
    "pack/bundle-of-linked-undeclared": [],
    "pack/link-chain": [],
    "pack/link-conflict": [],
    "pack/link-diamond": [],
    "pack/optional": [],
    "pack/peer-in-bundle": [],
    "pack/peer-of-host": ["blog/node_modules/react"],
    "pack/pnpm-store": [],
    "pack/spec-alias": [],
    "pack/spec-file-nested": [],
    "pack/spec-unsatisfied": [],
    "pack/workspace-member": [],
    "layouts/npm-linked-single": [],
    "layouts/pnpm-isolated-workspace": [],
}


def npm_offline(home: Path, *args: object) -> None:
    """Run npm in *home*, cut off from the network and from the user's settings; it must succeed."""
    npm_alone(home, *args, "--offline")


def npm_alone(home: Path, *args: object) -> None:
    """Run npm in *home*, with the settings in its .npmrc and none of the user's; it must succeed."""
    env = {name: value for name, value in os.environ.items() if not name.lower().startswith("npm_")}
    done = subprocess.run(
        [npm(), *map(str, args), "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=home,
        env={**env, "npm_config_cache": str(home / "cache"), "npm_config_userconfig": str(home / ".npmrc")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", TREES)
def test_a_consumer(name: str, tmp_path: Path) -> None:
    """After `npm install`, and after `npm ci`, Node finds the source graph, and `npm ls` has no complaint."""
    text = (FIXTURES / "trees" / f"{name}.txt").read_text(encoding="utf-8")
    tree = parse_tree(text, name)
    root = tree.write_to(tmp_path / "tree")
    package = folder(tree, root)
    plan = linkpack.plan_pack(package, **options(tree))
    home = tmp_path / "consumer"
    tarballs = [linkpack.write_pack(plan, home).filename]
    tarballs += [linkpack.pack(root / each, destination=home).filename for each in TREES[name]]
    (home / "package.json").write_text('{"name": "consumer", "version": "0.0.0"}', encoding="utf-8")
    names = sorted({*plan.manifest.bundle, *plan.manifest.dependencies})
    source = runtime_graph(package, names)
    assert source.edges
    installed = home / "node_modules" / plan.manifest.name

    npm_offline(home, "install", *(f"./{tarball}" for tarball in tarballs))
    assert source.differences(runtime_graph(installed, names)) == []
    npm_offline(home, "ls", "--all")
    shutil.rmtree(home / "node_modules")
    npm_offline(home, "ci")
    assert source.differences(runtime_graph(installed, names)) == []


def test_a_consumer_gets_an_optional_package_that_was_not_installed(tmp_path: Path) -> None:
    """A bundled name that is optional and absent has left the list, so that npm fetches it like any other."""
    fields = {"name": "app", "optionalDependencies": {"fast": "1"}, "bundleDependencies": ["fast"]}
    files = {"app/package.json": json.dumps(fields), "fast/package.json": '{"name": "fast"}'}
    home = lay(tmp_path, files).parent / "consumer"
    tarball = linkpack.pack(tmp_path / "app", destination=home).filename
    (home / "package.json").write_text('{"name": "consumer", "version": "0.0.0"}', encoding="utf-8")
    with serving() as registry:
        (home / ".npmrc").write_text(registry.npmrc, encoding="utf-8")
        npm_alone(home, "publish", "../fast")
        npm_alone(home, "install", f"./{tarball}")
        npm_alone(home, "ls", "--all")
        npm_alone(home, "ci")
    assert (home / "node_modules" / "fast" / "package.json").is_file()
