"""changesets' publish plan: read, its packages packed, and written with their tarballs."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from linkpack.cli.main import linkpack
from linkpack.errors import LinkpackError
from linkpack.jobs.changesets import read_publish_plan, write_publish_plan

if TYPE_CHECKING:
    from pathlib import Path

PLAN: dict[str, Any] = {
    "version": 1,
    "plan": [
        [{"kind": "publish", "name": "@s/a", "version": "1.0.0", "access": "public", "tag": "next"}],
        [
            {"kind": "tag-only", "name": "c", "version": "3.0.0"},
            {"kind": "publish", "name": "b", "version": "2.0.0"},
        ],
    ],
}


@pytest.fixture(name="workspace")
def make_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of three packages, one of them broken, and a plan; the current directory."""
    packages: dict[str, object] = {
        ".": {"name": "root", "version": "1.0.0", "workspaces": ["packages/*"]},
        "packages/a": {"name": "@s/a", "version": "1.0.0"},
        "packages/b": {"name": "b", "version": "2.0.0", "dependencies": {"@s/a": "workspace:^"}},
        "packages/c": [],
    }
    for folder, manifest in packages.items():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / "plan.json").write_text(json.dumps(PLAN), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_package_to_publish_is_packed(workspace: Path) -> None:
    """Each package to publish is packed into packages/; its release gains path and integrity, all else stays."""
    done = CliRunner().invoke(
        linkpack, ["pack", "--from-publish-plan", "plan.json", "--out-dir", "out"], catch_exceptions=False
    )
    assert done.stdout.splitlines() == ["s-a-1.0.0.tgz", "b-2.0.0.tgz"]
    found = json.loads((workspace / "out" / "publish-plan.json").read_text(encoding="utf-8"))
    for group in found["plan"]:
        for each in group:
            tarball = each.pop("tarball", None)
            assert (tarball is None) == (each["kind"] == "tag-only")
            if tarball:
                digest = hashlib.sha256((workspace / "out" / tarball["path"]).read_bytes()).digest()
                assert tarball["integrity"] == f"sha256-{base64.b64encode(digest).decode()}"
    assert found == PLAN


def test_a_dry_run_writes_nothing(workspace: Path) -> None:
    """A dry run packs nothing and writes no plan."""
    words = ["pack", "--from-publish-plan", "plan.json", "--out-dir", "out", "--dry-run"]
    assert CliRunner().invoke(linkpack, words, catch_exceptions=False).exit_code == 0
    assert not (workspace / "out").exists()


def test_a_plan_without_packages_packs_nothing(workspace: Path) -> None:
    """A plan without packages is written as it is, and nothing is packed, not even the current directory."""
    (workspace / "plan.json").write_text('{"version": 1, "plan": []}', encoding="utf-8")
    words = ["pack", "--from-publish-plan", "plan.json", "--out-dir", "out"]
    assert CliRunner().invoke(linkpack, words, catch_exceptions=False).stdout == ""
    assert json.loads((workspace / "out" / "publish-plan.json").read_text()) == {"version": 1, "plan": []}


def test_one_package_needs_no_workspace(tmp_path: Path) -> None:
    """Without a workspace the plan may name the package around the current directory."""
    (tmp_path / "package.json").write_text('{"name": "b", "version": "2.0.0"}', encoding="utf-8")
    (tmp_path / "plan.json").write_text(json.dumps({"version": 1, "plan": [PLAN["plan"][1]]}), encoding="utf-8")
    (tmp_path / "lib").mkdir()
    plan = read_publish_plan(str(tmp_path / "plan.json"), str(tmp_path / "lib"))
    assert [each.folder for each in plan.releases] == [str(tmp_path.resolve())]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "is no JSON object"),
        ("{", "is no JSON object"),
        ('{"version": 2, "plan": []}', "version 1"),
        ('{"version": 1, "plan": {}}', "version 1"),
        ('{"version": 1, "plan": [{}]}', "list of lists"),
        ('{"version": 1, "plan": [[5]]}', "list of lists"),
        ('{"version": 1, "plan": [[{"kind": "publish"}]]}', "without name or version"),
        ('{"version": 1, "plan": [[{"kind": "publish", "name": "x", "version": "1.0.0"}]]}', "names x"),
        ('{"version": 1, "plan": [[{"kind": "publish", "name": "b", "version": "1.0.0"}]]}', "is at 2.0.0"),
    ],
)
def test_what_is_no_plan_is_refused(workspace: Path, text: str, message: str) -> None:
    """What is no plan, or does not fit the workspace, is refused with a reason."""
    (workspace / "plan.json").write_text(text, encoding="utf-8")
    with pytest.raises(LinkpackError) as caught:
        read_publish_plan("plan.json")
    assert caught.value.code == "EPUBLISHPLAN"
    assert message in caught.value.message


def test_a_plan_that_is_not_there_is_refused(workspace: Path) -> None:
    with pytest.raises(LinkpackError) as caught:
        read_publish_plan(str(workspace / "nope.json"))
    assert caught.value.code == "EPUBLISHPLAN"


def test_a_folder_that_cannot_be_made_is_an_error(workspace: Path) -> None:
    plan = read_publish_plan("plan.json")._replace(releases=())
    plan = plan._replace(document={"plan": []})
    with pytest.raises(LinkpackError) as caught:
        write_publish_plan(plan, str(workspace / "plan.json" / "x"), [])
    assert caught.value.code == "EWRITE"


@pytest.mark.parametrize(
    "words",
    [
        ["--from-publish-plan", "plan.json"],
        ["--out-dir", "out"],
        ["--from-publish-plan", "plan.json", "--out-dir", "out", "packages/a"],
        ["--from-publish-plan", "plan.json", "--out-dir", "out", "--dir", "x"],
        ["--dir", "x", "packages/a", "packages/b"],
    ],
)
@pytest.mark.usefixtures("workspace")
def test_options_that_do_not_go_together_are_wrong_usage(words: list[str]) -> None:
    assert CliRunner().invoke(linkpack, ["pack", *words]).exit_code == 2


@pytest.mark.usefixtures("workspace")
def test_the_json_names_installers_and_publish_config() -> None:
    """The JSON names the layout's installers and what became of publishConfig."""
    done = CliRunner().invoke(linkpack, ["pack", "packages/a", "--json", "--layout", "thin", "--dir", "tree"])
    (found,) = json.loads(done.stdout)
    assert found["linkpack"]["layout"] == "thin"
    assert found["linkpack"]["installers"][-2:] == ["yarn 4", "bun 1.4"]
    assert found["linkpack"]["publishConfig"] == {"fields": [], "applied": ""}


def test_the_report_names_installers_and_publish_config(tmp_path: Path) -> None:
    """The report names the layout's installers and, where there is such a field, what became of publishConfig."""
    manifest = {"name": "a", "version": "1.0.0", "dependencies": {"b": "*"}, "bundleDependencies": ["b"]}
    (tmp_path / "node_modules" / "b").mkdir(parents=True)
    (tmp_path / "node_modules" / "b" / "package.json").write_text(
        '{"name": "b", "version": "1.0.0"}', encoding="utf-8"
    )
    text = json.dumps({**manifest, "publishConfig": {"main": "a.js"}})
    (tmp_path / "package.json").write_text(text, encoding="utf-8")
    words = ["pack", str(tmp_path), "--dry-run"]
    told = CliRunner().invoke(linkpack, words, catch_exceptions=False).stderr
    assert "bundle: installs with npm 11, npm 12, pnpm 12\n" in told
    assert "main: not applied, as by npm\n" in told
    words += ["--layout", "vendor", "--publish-config"]
    told = CliRunner().invoke(linkpack, words, catch_exceptions=False).stderr
    assert "vendor: installs with npm 11, npm 12, pnpm 12, yarn 4, bun 1.4\n" in told
    assert "main: applied (--publish-config)\n" in told
