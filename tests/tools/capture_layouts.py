"""Remakes fixtures/trees/layouts: what npm, pnpm, bun and yarn lay out for a small project and a small workspace.

    python -m tests.tools.capture_layouts [NAME]...

Needs a network, and `npm`, `pnpm` (12), `bun` (1.4) and `yarn` (4) on PATH. Of each installed package a fixture
keeps the name, version and dependencies, and a line of code that says where it lies; of what an installer adds
around the packages it keeps the links. The bundle is listed after the install: npm's linked strategy cannot
install with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.packed import outcome
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

Manifest = dict[str, Any]

KEPT = (
    "name",
    "version",
    "private",
    "workspaces",
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
)
# is-even needs another is-odd, that another is-number, and that another kind-of; the hook needs its user's react.
DEPENDENCIES = {
    "is-even": "^1.0.0",
    "is-number": "^7.0.0",
    "is-odd": "^3.0.1",
    "kind-of": "^6.0.3",
    "old-ms": "npm:ms@^1.0.0",
    "ms": "^2.1.3",
    "react": "^18.3.1",
    "use-sync-external-store": "~1.2.0",
}
NPM_LINKED = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--install-strategy=linked")


class Layout(NamedTuple):
    """How one fixture is made: the *command* that installs, and how its workspace names a sibling."""

    command: tuple[str, ...]
    sibling: str = "workspace:^"
    settings: str = ""


def pnpm(linker: str) -> Layout:
    """A layout of pnpm."""
    return Layout(("pnpm", "install", "--ignore-scripts", f"--config.node-linker={linker}"))


def bun(linker: str) -> Layout:
    """A layout of bun."""
    return Layout(("bun", "install", "--ignore-scripts", "--linker", linker))


def yarn(linker: str) -> Layout:
    """A layout of yarn, whose settings are a file."""
    return Layout(("yarn", "install"), settings=f"nodeLinker: {linker}\nenableScripts: false\n")


LAYOUTS = {
    "npm-hoisted": Layout(NPM_LINKED[:-1], sibling="^1.0.0"),
    "npm-linked": Layout(NPM_LINKED, sibling="^1.0.0"),
    "pnpm-isolated": pnpm("isolated"),
    "pnpm-hoisted": pnpm("hoisted"),
    "bun-hoisted": bun("hoisted"),
    "bun-isolated": bun("isolated"),
    "yarn-node-modules": yarn("node-modules"),
    "yarn-pnpm": yarn("pnpm"),
}


def single() -> dict[str, Manifest]:
    """The manifests of a project, by folder."""
    return {
        ".": {
            "name": "app",
            "version": "1.0.0",
            "dependencies": DEPENDENCIES,
            "devDependencies": {"isarray": "^2.0.5"},
        }
    }


def workspace(sibling: str) -> dict[str, Manifest]:
    """The manifests of a workspace, by folder; app needs lib, lib needs util, and each some registry packages."""
    root = {"name": "mono", "version": "1.0.0", "private": True, "workspaces": ["packages/*"]}
    app = {"@acme/lib": sibling, "is-number": "^7.0.0", "react": "^18.3.1"}
    lib = {"@acme/util": sibling, "is-odd": "^3.0.1", "use-sync-external-store": "~1.2.0"}
    util = {"is-even": "^1.0.0", "kind-of": "^3.2.2"}
    dev = {"isarray": "^2.0.5"}
    return {
        ".": root | {"devDependencies": dev},
        "packages/app": {"name": "app", "version": "1.0.0", "dependencies": app},
        "packages/lib": {
            "name": "@acme/lib",
            "version": "1.0.0",
            "dependencies": lib,
            "devDependencies": dev | {"kind-of": "^6.0.3"},
            "peerDependencies": {"react": "^18.0.0"},
        },
        "packages/util": {"name": "@acme/util", "version": "1.0.0", "dependencies": util},
    }


def install(layout: Layout, manifests: dict[str, Manifest], root: Path, home: Path) -> None:
    """Write the manifests below *root* and run the installer there, its caches in *home*."""
    for folder, manifest in manifests.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    if len(manifests) > 1 and layout.command[0] == "pnpm":
        (root / "pnpm-workspace.yaml").write_text("packages: ['packages/*']\n", encoding="utf-8")
    if layout.settings:
        (root / ".yarnrc.yml").write_text(layout.settings, encoding="utf-8")
        (root / "yarn.lock").touch()
    ask = ("npm", "config", "get", "registry")
    registry = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    env = {
        **os.environ,
        "CI": "",
        "BUN_CONFIG_REGISTRY": registry,
        "BUN_INSTALL_CACHE_DIR": str(home / "bun"),
        "npm_config_store_dir": str(home / "pnpm"),
        "YARN_GLOBAL_FOLDER": str(home / "yarn"),
        "YARN_ENABLE_TELEMETRY": "0",
        "YARN_NPM_REGISTRY_SERVER": registry,
    }
    subprocess.run(layout.command, cwd=root, env=env, check=True)


def captured(root: Path) -> Iterator[str]:
    """The lines of a tree file for what lies below *root*."""
    for at, folders, _ in os.walk(root):
        folder = Path(at)
        here = folder.relative_to(root)
        for name in sorted(folders):
            path = folder / name
            if path.is_symlink():
                target = os.path.relpath(os.path.join(at, path.readlink()), at)  # noqa: PTH118 - keeps ".."
                yield f"-- {here / name} -> {target} --"
        folders[:] = sorted(name for name in folders if name != ".bin" and not (folder / name).is_symlink())
        # With yarn's pnpm linker each package is in a folder called "package", else it is below node_modules.
        above = folder.parent.name
        is_package = above == "node_modules" or above.startswith("@") or folder.name == "package"
        if (folder / "package.json").exists() and (is_package or "node_modules" not in here.parts):
            yield from package(folder, here)


def package(folder: Path, here: Path) -> Iterator[str]:
    """The lines for one package."""
    manifest = json.loads((folder / "package.json").read_bytes())
    kept = {key: manifest[key] for key in KEPT if manifest.get(key)}
    if manifest["name"] == "app":
        kept["bundleDependencies"] = list(manifest["dependencies"])
    yield f"-- {here / 'package.json'} --"
    yield json.dumps(kept)
    yield f"-- {here / 'index.js'} --"
    yield f"module.exports = '{manifest['name']}@{manifest['version']} in {here}'"


def capture(name: str, layout: Layout, target: Path) -> None:
    """Write the two fixtures of one layout."""
    for kind, manifests in (("single", single()), ("workspace", workspace(layout.sibling))):
        with TemporaryDirectory() as made:
            home = Path(made).resolve()
            root = home / "tree"
            install(layout, manifests, root, home)
            lines = list(captured(root))
            if (root / "pnpm-workspace.yaml").exists():
                lines += ["-- pnpm-workspace.yaml --", "packages: ['packages/*']"]
            lines += ["-- want --", f"pack {'packages/app' if kind == 'workspace' else '.'}"]
            tree = parse_tree("\n".join(lines))
            lines += outcome(tree, tree.write_to(home / "again"))
        (target / f"{name}-{kind}.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")


def main() -> None:
    """Remake the fixtures of the layouts named on the command line, or of all."""
    target = FIXTURES / "trees" / "layouts"
    target.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or LAYOUTS:
        capture(name, LAYOUTS[name], target)


if __name__ == "__main__":
    main()
