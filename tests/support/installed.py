"""Real node_modules: one workspace, installed by each package manager in each of its layouts."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import tarfile
from typing import TYPE_CHECKING, NamedTuple

from tests.support.installers import INSTALLERS, call, program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.installers import Installer
    from tests.support.registry import Registry

CLI = "#!/usr/bin/env node\nconsole.log('hi')\n"
# Plug'n'Play has no node_modules to link into.
LAYOUTS = {installer.name: installer for installer in INSTALLERS if not installer.name.endswith("pnp")}
_RUSH = "Rush"
NAMES = (*LAYOUTS, _RUSH)


class Tree(NamedTuple):
    """An installed workspace: *root* is its folder, *around* the one that also holds what it links to."""

    around: Path
    root: Path

    def copy_to(self, folder: Path) -> Tree:
        """Return a copy of everything in *folder*, with links, modes and hard links as they are."""
        shutil.copytree(self.around, folder, symlinks=True)
        return Tree(folder, folder / self.root.relative_to(self.around))


def publish(registry: Registry, name: str, version: str, **members: object) -> None:
    """Put a small package with one command into *registry*."""
    manifest: dict[str, object] = {"name": name, "version": version, "bin": "cli.js", **members}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for file, text in (("package.json", json.dumps(manifest)), ("cli.js", CLI)):
            info = tarfile.TarInfo(f"package/{file}")
            info.size, info.mode = len(text), 0o755
            archive.addfile(info, io.BytesIO(text.encode()))
    raw = buffer.getvalue()
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(raw).digest()).decode()}"
    manifest["dist"] = {"integrity": integrity, "shasum": hashlib.sha1(raw).hexdigest()}  # noqa: S324 - npm's format
    registry.publish(
        {
            "name": name,
            "versions": {version: manifest},
            "dist-tags": {"latest": version},
            "_attachments": {f"{name}-{version}.tgz": {"data": base64.b64encode(raw).decode()}},
        }
    )


def fill(registry: Registry) -> None:
    """Publish what the workspace depends on."""
    publish(registry, "leaf", "1.0.0")
    publish(registry, "mid", "1.0.0", dependencies={"leaf": "^1.0.0"})


def package(folder: Path, name: str, version: str = "1.0.0", **members: object) -> Path:
    """Lay a package with one command into *folder*; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"name": name, "version": version, "bin": "cli.js", **members}
    (folder / "package.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    (folder / "cli.js").write_text(CLI, encoding="utf-8")
    (folder / "cli.js").chmod(0o755)
    return folder


_PROTOCOLS = {"npm": "file:", "npm12": "file:", "pnpm": "link:", "yarn": "portal:", "bun": "link:"}


def install(name: str, registry: Registry, around: Path) -> Tree:
    """Install the workspace in the layout *name*; members wa and wb, a package from the registry, and a folder.

    The root depends on mid, on the folder lib beside it, and on wb; wa on wb and on leaf.
    """
    if name == _RUSH:
        return _install_rush(registry, around)
    installer = LAYOUTS[name]
    root = around / "mono"
    root.mkdir(parents=True)
    package(around / "lib", "lib")
    _configure(installer, registry, root)
    sibling = "*" if installer.program.startswith("npm") else "workspace:*"
    wants: dict[str, str] = {"mid": "^1.0.0", "wb": sibling}
    # bun copies what `file:` names, and `link:` is what `bun link` made.
    if installer.program != "bun":
        wants["lib"] = f"{_PROTOCOLS[installer.program]}../lib"
    package(root, "mono", private=True, workspaces=["packages/*"], dependencies=wants)
    package(root / "packages/wa", "wa", dependencies={"wb": sibling, "leaf": "^1.0.0"})
    package(root / "packages/wb", "wb", dependencies={"mid": "^1.0.0"})
    done = call(root, [*program(installer.program), "install"])
    assert done.status == 0, done.output
    return Tree(around, root)


def _configure(installer: Installer, registry: Registry, root: Path) -> None:
    (root / ".npmrc").write_text(registry.npmrc, encoding="utf-8")
    for file, text in installer.files.items():
        with (root / file).open("a", encoding="utf-8") as out:
            out.write(text.replace("REGISTRY", registry.url))
    if installer.program == "pnpm":
        with (root / "pnpm-workspace.yaml").open("a", encoding="utf-8") as out:
            out.write("packages: ['packages/*']\n")
    if installer.program == "yarn":
        (root / "yarn.lock").touch()


def _install_rush(registry: Registry, around: Path) -> Tree:
    """Install as Rush does with pnpm: one store in common/temp, each project with links into it and to others."""
    made = install("pnpm 12 isolated", registry, around)
    temp = made.root / "common/temp"
    temp.mkdir(parents=True)
    shutil.rmtree(made.root / "node_modules/.bin", ignore_errors=True)
    (made.root / "node_modules").rename(temp / "node_modules")
    for name in ("package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml", "cli.js"):
        (made.root / name).rename(temp / name)
    for link in (temp / "node_modules").iterdir():
        if link.is_symlink() and not link.exists():
            link.unlink()
    projects = [{"packageName": name, "projectFolder": f"packages/{name}"} for name in ("wa", "wb")]
    text = f"// Rush's own comments\n{json.dumps({'rushVersion': '5.0.0', 'projects': projects}, indent=2)}"
    (made.root / "rush.json").write_text(text, encoding="utf-8")
    stores = {"wa": {"leaf": "leaf@1.0.0"}, "wb": {"mid": "mid@1.0.0"}}
    for member, links in stores.items():
        modules = made.root / "packages" / member / "node_modules"
        for name, store in links.items():
            (modules / name).unlink()
            (modules / name).symlink_to(f"../../../common/temp/node_modules/.pnpm/{store}/node_modules/{name}")
    return Tree(around, made.root / "packages/wa")


def links(tree: Tree) -> Mapping[str, str]:
    """Return the links to packages in the node_modules of *tree*'s workspace: path to text, by relative path."""
    found = {}
    for modules in (tree.root / "node_modules", *tree.root.glob("packages/*/node_modules")):
        for path in modules.glob("*"):
            if path.is_symlink():
                found[str(path.relative_to(tree.root))] = str(path.readlink())
    return found
