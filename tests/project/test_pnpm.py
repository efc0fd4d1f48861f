"""What pnpm does when it packs, and npm does not: the license of the workspace's root, and hooks."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.explaining.why import explain
from linkpack.packing.options import PackOptions
from linkpack.packlist.editions import NPM_RULES
from tests.support.installers import program
from tests.support.trees import parse_tree

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.packlist.packlist import Edition

ROOT = {"package.json": '{"name": "r", "private": true}', "pnpm-lock.yaml": "lockfileVersion: '9.0'"}
MEMBER = '{"name": "a", "version": "1.0.0", "main": "i.js"}'
WORKSPACE = "packages: [packages/**]"
# what is beside the member's package.json and i.js, and which licenses ship
CASES: dict[str, tuple[dict[str, str], list[str]]] = {
    "one": ({"LICENSE": ""}, ["LICENSE"]),
    "with an extension": ({"LICENSE.md": ""}, ["LICENSE.md"]),
    "British": ({"LICENCE.txt": ""}, ["LICENCE.txt"]),
    "small": ({"license": ""}, ["license"]),
    "several": (
        {"LICENSE": "", "LICENSE-MIT": "", "License.txt": "", "LICENSE.": ""},
        ["LICENSE", "LICENSE.", "License.txt"],
    ),
    "others": ({"LICENSE-MIT": "", "COPYING": "", "UNLICENSE": "", "NOTICE": ""}, []),
    "its own": ({"LICENSE": "", "packages/a/LICENCE.txt": ""}, ["LICENCE.txt"]),
    "its own, further in": ({"LICENSE": "", "packages/a/lib/license.md": ""}, ["lib/license.md"]),
    "its own of another name": ({"LICENSE": "", "packages/a/LICENSE-MIT": ""}, ["LICENSE", "LICENSE-MIT"]),
    "a copying": ({"LICENSE": "", "packages/a/COPYING": ""}, ["COPYING", "LICENSE"]),
    "ignored": ({"LICENSE": "", "packages/a/.npmignore": "LICENSE", ".gitignore": "LICENSE"}, ["LICENSE"]),
    "not listed": (
        {
            "LICENSE": "",
            "packages/a/package.json": '{"name": "a", "version": "1.0.0", "files": ["i.js", "!LICENSE"]}',
        },
        ["LICENSE"],
    ),
    "a folder": ({"LICENSE/x": ""}, []),
    "a folder in the member": (
        {"LICENSE": "", "LICENSE.md": "", "packages/a/LICENSE/x": ""},
        ["LICENSE.md", "LICENSE/x"],
    ),
    "a nearer one that is no root": (
        {"LICENSE.md": "", "packages/LICENSE": ""},
        ["LICENSE.md"],
    ),
}


def lay(at: Path, files: dict[str, str]) -> Path:
    """The member of a workspace of pnpm, with *files* laid around it."""
    whole = {**ROOT, "pnpm-workspace.yaml": WORKSPACE, "packages/a/package.json": MEMBER, "packages/a/i.js": "1"}
    parse_tree("".join(f"-- {name} --\n{text}\n" for name, text in {**whole, **files}.items())).write_to(at)
    return at / "packages" / "a"


def licenses(paths: list[str]) -> list[str]:
    """The paths that are neither the manifest nor the code."""
    return sorted(path for path in paths if path not in {"package.json", "i.js"})


def shipped(folder: Path) -> list[str]:
    """The licenses that linkpack ships."""
    return licenses([entry.path.removeprefix("package/") for entry in linkpack.plan_pack(folder).entries])


@pytest.mark.parametrize("case", CASES)
def test_a_member_without_a_license_gets_those_of_the_root(case: str, tmp_path: Path) -> None:
    """All license files of the root ship, and none where the member has a file of such a name."""
    files, wanted = CASES[case]
    assert shipped(lay(tmp_path, files)) == wanted


@pytest.mark.parametrize("npm_rules", NPM_RULES)
@pytest.mark.parametrize("entry", ["LICENSE", "./LICENSE", "/license", "LICEN[CS]E*"])
def test_an_entry_of_files_may_name_the_roots_license(entry: str, npm_rules: Edition, tmp_path: Path) -> None:
    """It ships, so that nothing is said about the entry; of another one that matches nothing it is."""
    manifest = {"name": "a", "version": "1.0.0", "files": ["i.js", entry, "NOTICE"]}
    member = lay(tmp_path, {"LICENSE": "", "packages/a/package.json": json.dumps(manifest)})
    (warning,) = linkpack.plan_pack(member, npm_rules=npm_rules).warnings
    assert (warning.code, warning.message) == ("WFILES", '"files": nothing matches NOTICE')


@pytest.mark.differential
@pytest.mark.installs
def test_licenses_are_those_of_pnpm(tmp_path: Path) -> None:
    """Every case above but one is packed so by the installed pnpm: there it writes a file and a folder LICENSE."""
    environment = {**os.environ, "HOME": str(tmp_path), "npm_config_offline": "true"}
    for number, (case, (files, wanted)) in enumerate(CASES.items()):
        if case == "a folder in the member":
            continue
        member = lay(tmp_path / str(number), files)
        target = tmp_path / f"{number}.tgz"
        command = [*program("pnpm"), "pack", "--out", str(target)]
        subprocess.run(command, cwd=member, env=environment, check=True, capture_output=True)
        with tarfile.open(target) as tarball:
            found = licenses([name.removeprefix("package/") for name in tarball.getnames()])
        assert found == wanted, case


@pytest.mark.parametrize(
    "files",
    [
        {"pnpm-workspace.yaml": "packages: [other/*]"},
        {"package.json": '{"workspaces": ["packages/*"], "packageManager": "npm@12.0.0"}'},
        {"package.json": '{"workspaces": ["packages/*"], "packageManager": "yarn@4.0.0"}'},
    ],
    ids=["no member", "npm", "yarn"],
)
def test_only_members_of_pnpms_workspaces_get_it(files: dict[str, str], tmp_path: Path) -> None:
    """Elsewhere nobody ships it: npm, yarn and bun pack what is in the folder."""
    assert shipped(lay(tmp_path, {"LICENSE": "", **files})) == []


def test_a_link_at_the_root_is_no_license(tmp_path: Path) -> None:
    """What a link leads to may lie anywhere, and pnpm does not take one either."""
    member = lay(tmp_path, {"other": ""})
    (tmp_path / "LICENSE").symlink_to("other")
    assert shipped(member) == []


def test_linked_packages_bring_theirs(tmp_path: Path) -> None:
    """A snapshot is what packing the linked package ships, its workspace's license included."""
    lay(tmp_path / "w", {"LICENSE": "MIT"})
    app = tmp_path / "app"
    (app / "node_modules").mkdir(parents=True)
    (app / "node_modules" / "a").symlink_to(tmp_path / "w" / "packages" / "a")
    manifest = {"name": "app", "version": "1.0.0", "dependencies": {"a": "1"}, "bundleDependencies": True}
    (app / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    plan = linkpack.plan_pack(app)
    assert [entry.source for entry in plan.entries if entry.path.endswith("LICENSE")] == [
        str(tmp_path / "w" / "LICENSE")
    ]


def test_the_folder_that_is_published_gets_it(tmp_path: Path) -> None:
    """publishConfig.directory is packed in the member's place, and is not asked for the member's own license."""
    files = {
        "LICENSE": "",
        "packages/a/LICENSE.own": "",
        "packages/a/package.json": '{"name": "a", "version": "1.0.0", "publishConfig": {"directory": "dist"}}',
        "packages/a/dist/package.json": '{"name": "a", "version": "1.0.0"}',
    }
    assert shipped(lay(tmp_path, files)) == ["LICENSE"]


def test_why_says_where_it_is_from(tmp_path: Path) -> None:
    """The file is not in the package, and the answer says so."""
    member = lay(tmp_path, {"LICENSE": ""})
    answer = explain(str(member), "LICENSE", PackOptions(), walk_up=False)
    assert (answer.ships, answer.tarball, answer.ruling) == (True, ("package/LICENSE",), None)
    assert answer.reason.endswith(f"so that of the workspace ships, as by pnpm: {tmp_path / 'LICENSE'}")


HOOK = "module.exports = { hooks: { beforePacking: (pkg) => ({ ...pkg, hooked: true }) } }"
HOOKS: dict[str, tuple[dict[str, str], list[str]]] = {
    "of the workspace": ({".pnpmfile.cjs": HOOK}, [".pnpmfile.cjs"]),
    "as a module": ({".pnpmfile.mjs": HOOK}, [".pnpmfile.mjs"]),
    "of the member": ({"packages/a/.pnpmfile.cjs": HOOK}, []),
    "other hooks": ({".pnpmfile.cjs": "module.exports = { hooks: { readPackage() {} } }"}, []),
    "elsewhere": (
        {"x.cjs": HOOK, ".pnpmfile.cjs": HOOK, "pnpm-workspace.yaml": f"{WORKSPACE}\npnpmfile: x.cjs"},
        ["x.cjs"],
    ),
    "of a project of yarn": ({".pnpmfile.cjs": HOOK, "package.json": '{"packageManager": "yarn@4.0.0"}'}, []),
}


@pytest.mark.parametrize("case", HOOKS)
def test_a_hook_that_is_not_run_is_told(case: str, tmp_path: Path) -> None:
    """Exactly the files that pnpm would run before it packs are named."""
    files, wanted = HOOKS[case]
    warnings = [each for each in linkpack.plan_pack(lay(tmp_path, files)).warnings if each.code == "WPNPMFILE"]
    assert [each.path for each in warnings] == [str(tmp_path / name) for name in wanted]
    assert ["beforePacking hook, which is not run" in each.message for each in warnings] == [True] * len(wanted)


def test_a_hook_of_a_project_by_itself_is_told(tmp_path: Path) -> None:
    """Without a workspace the file lies beside the manifest."""
    (tmp_path / "package.json").write_text('{"name": "p", "version": "1.0.0"}', encoding="utf-8")
    (tmp_path / ".pnpmfile.cjs").write_text(HOOK, encoding="utf-8")
    assert linkpack.plan_pack(tmp_path).warnings == ()
    (tmp_path / "pnpm-lock.yaml").touch()
    assert [each.code for each in linkpack.plan_pack(tmp_path).warnings] == ["WPNPMFILE"]
