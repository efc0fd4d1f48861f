"""`pack --bundle private` from a workspace to a consumer: published, installed, run, installed again."""

from __future__ import annotations

import json
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest

from linkpack.bundle.layouts import list_installers
from linkpack.packing.pack import pack
from tests.support.installers import INSTALLERS, Installer, call, consume, program
from tests.support.pipeline import publish
from tests.support.registry import serving
from tests.support.trees import FIXTURES, parse_tree, write_package

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.bundle.layouts import LayoutName
    from tests.support.registry import Registry

pytestmark = [pytest.mark.installs, pytest.mark.differential]

SAYS = "app, core open util by right left right {}, left"
SCRIPT = "const found = require('app'); if (found !== {!r}) throw new Error(found);"
CASES = [
    pytest.param(layout, installer, id=f"{layout or 'default'}-{installer.name}".replace(" ", "-"))
    for layout in (None, "bundle")
    for installer in INSTALLERS
    if layout is None or installer.name.startswith(list_installers("bundle", bundled=True))
]


def release(registry: Registry, home: Path, layout: LayoutName | None, **fast: object) -> None:
    """Publish the member `app` with its private siblings inside, after what a registry has of its dependencies.

    The optional dependency `fast` is published with the fields *fast*; it is not installed here.
    """
    text = (FIXTURES / "trees" / "ship" / "members.txt").read_text(encoding="utf-8")
    root = parse_tree(text, "members").write_to(home / "tree")
    write_package(home / "fast", name="fast", version="1.0.5", **fast)
    (home / "fast" / "index.js").write_text("module.exports = 'fast'", encoding="utf-8")
    for folder in ("node_modules/left", "node_modules/right", "packages/open"):
        publish(registry, root / folder, ".")
    publish(registry, home / "fast", ".")
    packed = pack(root / "packages/app", destination=home / "out", bundle=["private"], layout=layout)
    assert packed.warnings == ()
    publish(registry, home / "out", f"./{packed.filename}")


@pytest.mark.parametrize(("layout", "installer"), CASES)
def test_an_installer(layout: LayoutName | None, installer: Installer, tmp_path: Path) -> None:
    """Private members come with the tarball, and nobody asks the registry for them; the rest comes from there."""
    with serving() as registry:
        release(registry, tmp_path, layout)
        registry.asked.clear()
        steps = consume(installer, registry, tmp_path / "consumer", "app", SCRIPT.format(SAYS.format("fast")))
        private = [line for line in registry.asked if "core" in line or "util" in line]
    assert steps[-1].status == 0, "\n".join(map(str, steps[-2:]))
    assert private == []


@pytest.mark.parametrize("name", ["npm 11", "npm 12"])
@pytest.mark.parametrize("layout", [None, "bundle"])
def test_an_optional_dependency_for_another_system(layout: LayoutName | None, name: str, tmp_path: Path) -> None:
    """An optional dependency of a member stays optional: without it `npm ls` and `npm ci` have no complaint."""
    (installer,) = [each for each in INSTALLERS if each.name == name]
    with serving() as registry:
        release(registry, tmp_path, layout, os=["nowhere"])
        steps = consume(installer, registry, tmp_path / "consumer", "app", SCRIPT.format(SAYS.format("slow")))
    assert steps[-1].status == 0, "\n".join(map(str, steps[-2:]))


@pytest.mark.parametrize("name", ["npm 11", "npm 12", "pnpm 12 isolated"])
def test_a_version_that_no_registry_can_supply_for_all(name: str, tmp_path: Path) -> None:
    """Of two versions that two members need one is asked for, and the other ships inside its member."""
    (installer,) = [each for each in INSTALLERS if each.name == name]
    root = tmp_path / "tree"
    deps = {"a": {"left": "^1.0.0"}, "b": {"left": "^2.0.0"}, "app": {"a": "*", "b": "*"}}
    for member, specs in deps.items():
        write_package(
            root / member,
            name=member,
            version="1.0.0",
            dependencies=specs,
            **({"private": True} if len(specs) < 2 else {}),
        )
        text = "module.exports = [{}].join(' ')".format(
            ", ".join(f"'{member} by ' + require('{each}')" for each in specs)
        )
        (root / member / "index.js").write_text(text, encoding="utf-8")
        (root / "node_modules" / member).parent.mkdir(exist_ok=True)
        (root / "node_modules" / member).symlink_to(root / member)
    for place, version in (("node_modules/left", "1.2.0"), ("b/node_modules/left", "2.0.0")):
        write_package(root / place, name="left", version=version)
        (root / place / "index.js").write_text(f"module.exports = 'left {version}'", encoding="utf-8")
    (root / "package.json").write_text(json.dumps({"name": "mono", "private": True, "workspaces": ["*"]}))
    with serving() as registry:
        publish(registry, root / "node_modules" / "left", ".")
        packed = pack(root / "app", destination=tmp_path / "out", bundle=["private"], layout="bundle")
        assert [warning.code for warning in packed.warnings] == ["WBUNDLERANGE"]
        publish(registry, tmp_path / "out", f"./{packed.filename}")
        says = "app by a by left 1.2.0 app by b by left 2.0.0"
        steps = consume(installer, registry, tmp_path / "consumer", "app", SCRIPT.format(says))
    assert steps[-1].status == 0, "\n".join(map(str, steps[-2:]))


def lay_for(registry: Registry, home: Path) -> Path:
    """The workspace of members.txt in *home*, as npm and pnpm can install it, with a list of bundled packages."""
    text = (FIXTURES / "trees" / "ship" / "members.txt").read_text(encoding="utf-8")
    root = parse_tree(text, "members").write_to(home / "by-hand")
    for folder in ("node_modules/left", "node_modules/right"):
        publish(registry, root / folder, ".")
    for member, fields in {"core": ("devDependencies", "optionalDependencies", "scripts"), "app": ()}.items():
        path = root / "packages" / member / "package.json"
        kept = {key: value for key, value in json.loads(path.read_text()).items() if key not in fields}
        more = {"bundleDependencies": ["@mono/core"]} if member == "app" else {}
        path.write_text(json.dumps({**kept, **more}), encoding="utf-8")
    (root / ".npmrc").write_text(registry.npmrc, encoding="utf-8")
    workspace = "packages: ['packages/*']\ninjectWorkspacePackages: true\n"
    (root / "pnpm-workspace.yaml").write_text(workspace, encoding="utf-8")
    return root


def test_what_others_ship(tmp_path: Path) -> None:
    """What docs/bundle.md says: npm ships no member, pnpm `workspace:` specs, and its deploy names our folders."""
    with serving() as registry:
        root = lay_for(registry, tmp_path)
        app = root / "packages/app"
        by_npm = json.loads(call(app, [*program("npm"), "pack", "--dry-run", "--json"]).output)
        assert [file["path"] for file in by_npm[0]["files"]] == ["index.js", "package.json"]
        shutil.rmtree(root / "node_modules")
        pnpm = program("pnpm")
        assert call(root, [*pnpm, "install"]).status == 0
        assert call(app, [*pnpm, "pack", "--out", str(tmp_path / "by-pnpm.tgz")]).status == 0
        with tarfile.open(tmp_path / "by-pnpm.tgz") as tar:
            assert "package/node_modules/right/index.js" in tar.getnames()
            inner = tar.extractfile("package/node_modules/@mono/core/package.json")
            assert inner is not None
            assert json.loads(inner.read())["dependencies"]["@mono/util"] == "workspace:*"
        done = call(root, [*pnpm, "--filter", "app", "deploy", "--prod", str(tmp_path / "deployed")])
        assert done.status == 0, done.output
        deployed = json.loads((tmp_path / "deployed/package.json").read_text(encoding="utf-8"))
        assert str(root) in deployed["dependencies"]["@mono/core"]
