"""publishConfig: which fields replace the manifest's own, when they do, and the folder that is packed instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from linkpack.errors import LinkpackError
from linkpack.npm.manifest import parse_manifest
from linkpack.packing import plan as api
from linkpack.packing.publish_config import OVERRIDES, apply_overrides

if TYPE_CHECKING:
    from pathlib import Path

RAW = b"""\xef\xbb\xbf{
  "name": "app",
  "version": "1.0.0",
  "main":  "src.js",
  "publishConfig": {"access": "public", "main": "out.js",
    "exports": {".":   "./out.js"}, "executableFiles": ["./run.sh"]}
}
"""
APPLIED = b"""\xef\xbb\xbf{
  "name": "app",
  "version": "1.0.0",
  "main":  "out.js",
  "publishConfig": {"access": "public", "executableFiles": ["./run.sh"]},
  "exports": {".":   "./out.js"}
}
"""


def lay(folder: Path, raw: bytes = RAW, **files: str) -> Path:
    """A project of that manifest with some files; double underscores in their names are slashes."""
    folder.mkdir(parents=True)
    (folder / "package.json").write_bytes(raw)
    for name in ("src.js", "out.js", "run.sh"):
        (folder / name).write_text(name, encoding="utf-8")
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def shipped(plan: api.PackPlan) -> bytes:
    """The bytes planned for the package.json."""
    found = next(entry.source for entry in plan.entries if entry.path == "package/package.json")
    assert isinstance(found, bytes)
    return found


def test_fields_take_their_place_and_leave_publish_config(tmp_path: Path) -> None:
    """The fields are spliced into place and leave publishConfig; what pnpm makes executable is."""
    plan = api.plan_pack(lay(tmp_path / "app"), publish_config=True)
    assert shipped(plan) == APPLIED
    modes = {entry.path: entry.mode for entry in plan.entries}
    assert modes["package/run.sh"] == 0o755
    assert modes["package/out.js"] == 0o644
    assert (plan.publish_config, plan.publish_fields) == (
        "--publish-config",
        ("main", "exports", "executableFiles"),
    )


def test_without_a_sign_of_pnpm_or_yarn_nothing_changes(tmp_path: Path) -> None:
    """Without anything that says pnpm or yarn the manifest ships byte for byte, as npm ships it."""
    plan = api.plan_pack(lay(tmp_path / "app"))
    assert shipped(plan) == RAW
    assert (plan.publish_config, len(plan.publish_fields)) == ("", 3)


WORKSPACE = {"name": "all", "version": "1.0.0", "workspaces": ["app"]}
OWNERS: dict[str, tuple[dict[str, str], str]] = {
    "nothing": ({}, ""),
    "a lockfile of pnpm": ({"app/pnpm-lock.yaml": ""}, "there is a pnpm-lock.yaml"),
    "a lockfile of yarn": ({"app/yarn.lock": ""}, "there is a yarn.lock"),
    "a lockfile of npm": ({"app/package-lock.json": "{}"}, ""),
    "a lockfile around": ({"package.json": json.dumps(WORKSPACE), "yarn.lock": ""}, "there is a yarn.lock"),
    "a lockfile around, not ours": ({"yarn.lock": ""}, ""),
    "the workspace": (
        {"package.json": json.dumps({**WORKSPACE, "packageManager": "pnpm@12.0.0"})},
        "packageManager of the workspace is pnpm@12.0.0",
    ),
    "the workspace of npm": ({"package.json": json.dumps({**WORKSPACE, "packageManager": "npm@11.0.0"})}, ""),
    "a workspace file alone": ({"pnpm-workspace.yaml": "packages: [app]"}, "there is a pnpm-workspace.yaml"),
    "a workspace file around, not ours": ({"pnpm-workspace.yaml": "packages: [b]"}, ""),
    "Rush with pnpm": (
        {"rush.json": '{"pnpmVersion": "9.0.0", /* x */ "projects": [{"projectFolder": "app"},]}'},
        "rush.json has pnpm",
    ),
    "Rush with npm": ({"rush.json": '{"npmVersion": "9.0.0", "projects": [{"projectFolder": "app"}]}'}, ""),
}


@pytest.mark.parametrize("owner", OWNERS)
def test_a_lockfile_or_package_manager_says_whose_rules_apply(tmp_path: Path, owner: str) -> None:
    """A lockfile or a packageManager, here or at the workspace's root, says whose rules count."""
    files, reason = OWNERS[owner]
    root = lay(tmp_path / "app")
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert api.plan_pack(root).publish_config == reason
    assert api.plan_pack(root, publish_config=False).publish_config == ""


@pytest.mark.parametrize(
    ("manager", "applied"), [("pnpm@12.0.0", True), ("yarn@4.0.0", True), ("npm@11.0.0", False)]
)
def test_the_projects_own_package_manager_decides(tmp_path: Path, manager: str, *, applied: bool) -> None:
    """The packageManager field of the project itself counts."""
    raw = RAW.replace(b'"main":', f'"packageManager": "{manager}", "main":'.encode())
    assert bool(api.plan_pack(lay(tmp_path / "app", raw)).publish_config) is applied


def manifest(**fields: object) -> bytes:
    """A manifest of the project."""
    return json.dumps({"name": "app", "version": "1.0.0", **fields}).encode()


def test_the_named_folder_is_packed_instead(tmp_path: Path) -> None:
    """The folder that publishConfig names is packed in the project's place, by its own manifest."""
    inner = json.dumps({"name": "inner", "version": "2.0.0", "main": "a.js", "publishConfig": {"main": "b.js"}})
    root = lay(
        tmp_path / "app",
        manifest(publishConfig={"directory": "./dist"}),
        **{"dist__package.json": inner, "dist__b.js": ""},
    )
    plan = api.plan_pack(root, publish_config=True)
    assert (plan.filename, plan.root) == ("inner-2.0.0.tgz", str((root / "dist").resolve()))
    assert b'"main": "b.js"' in shipped(plan)
    assert api.plan_pack(root).filename == "app-1.0.0.tgz"


@pytest.mark.parametrize("directory", ["nope", "..", "../app", "/", 5, ".git/../../app", "leads-out"])
def test_a_named_folder_outside_is_refused(tmp_path: Path, directory: object) -> None:
    """A folder that is no package, or not inside, is refused, also behind a link."""
    root = lay(tmp_path / "app", manifest(publishConfig={"directory": directory}))
    (root / "leads-out").symlink_to(lay(tmp_path / "app-2", manifest()))
    with pytest.raises(LinkpackError) as caught:
        api.plan_pack(root, publish_config=True)
    assert caught.value.code == "EPUBLISHDIR"


def test_linked_packages_ship_as_published(tmp_path: Path) -> None:
    """A linked package ships as it would be published, too; another folder of it is only warned of."""
    fields: dict[str, Any] = {"dependencies": dict.fromkeys(("lib", "left", "more"), "*")}
    fields["bundleDependencies"] = True
    root = lay(tmp_path / "app", manifest(publishConfig={"main": "out.js"}, **fields))
    inner = {
        "name": "lib",
        "version": "1.0.0",
        "main": "a.js",
        "publishConfig": {"main": "b.js", "directory": "d"},
    }
    lay(tmp_path / "lib", json.dumps(inner).encode())
    lay(root / "node_modules" / "left", json.dumps({**inner, "name": "left"}).encode())
    lay(tmp_path / "more", b'{"name": "more", "main": "c.js"}')
    for name in ("lib", "more"):
        (root / "node_modules" / name).symlink_to(tmp_path / name)
    plan = api.plan_pack(root, publish_config=True)
    mains = {
        entry.path: json.loads(entry.source)["main"] for entry in plan.entries if isinstance(entry.source, bytes)
    }
    assert mains == {
        "package/package.json": "out.js",
        "package/node_modules/lib/package.json": "b.js",
        "package/node_modules/left/package.json": "a.js",
        "package/node_modules/more/package.json": "c.js",
    }
    assert [problem.code for problem in plan.warnings if problem.code != "WENTRYPOINT"] == ["WPUBLISHDIR"]


def test_every_override_leaves_publish_config(tmp_path: Path) -> None:
    """Each field that pnpm takes leaves publishConfig, which is gone with its last one."""
    config = {
        key: {} if key in {"exports", "imports", "engines", "bin", "typesVersions"} else "x" for key in OVERRIDES
    }
    config |= {"os": ["linux"], "cpu": [], "libc": []}
    raw = manifest(publishConfig=config)
    found = apply_overrides(parse_manifest(raw, str(tmp_path), "root"), "package.json", "root")
    fields = json.loads(found.raw)
    assert "publishConfig" not in fields
    assert {key: fields[key] for key in OVERRIDES} == config


def test_a_publish_config_about_the_registry_stays(tmp_path: Path) -> None:
    """A publishConfig about the registry is none of our business."""
    raw = manifest(publishConfig={"access": "public"})
    parsed = parse_manifest(raw, str(tmp_path), "root")
    assert apply_overrides(parsed, "package.json", "root") is parsed


@pytest.mark.parametrize("own", [False, True], ids=["npm", "pnpm"])
def test_workspace_specs_in_the_named_folder_mean_members(tmp_path: Path, own: bool) -> None:  # noqa: FBT001 - a table
    """The folder that is packed is no member of the workspace, but the specs in it mean its members."""
    member = {"name": "app", "version": "1.0.0", "publishConfig": {"directory": "dist"}}
    built = {"name": "app", "version": "1.0.0", "dependencies": {"lib": "workspace:^"}}
    root: dict[str, Any] = {"name": "root", "version": "1.0.0", "workspaces": ["packages/*"]}
    if own:
        del root["workspaces"]
        (tmp_path / "pnpm-workspace.yaml").write_text("packages: [packages/*]\n", encoding="utf-8")
    for folder, manifest in (
        (".", root),
        ("packages/app", member),
        ("packages/app/dist", built),
        ("packages/lib", {"name": "lib", "version": "2.1.0"}),
    ):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    plan = api.plan_pack(tmp_path / "packages" / "app", publish_config=True)
    assert json.loads(shipped(plan))["dependencies"] == {"lib": "^2.1.0"}
    built_plan = api.plan_pack(tmp_path / "packages" / "app" / "dist")
    assert json.loads(shipped(built_plan))["dependencies"] == {"lib": "^2.1.0"}
