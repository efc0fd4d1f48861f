"""Whose rules a project's files are selected by, and what is told where npm 11 and npm 12 differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from linkpack import diff, pack, plan_pack, verify
from linkpack.cli.main import linkpack
from linkpack.errors import LinkpackError
from linkpack.packlist.editions import find_edition, find_range_edition

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("wanted", "edition"),
    [
        ("11", "11"),
        ("11.6.0", "11"),
        ("11.6.0+sha512.abc", "11"),
        ("11.x", "11"),
        ("^11.0.0", "11"),
        ("~11.2", "11"),
        (">=10 <12", "11"),
        ("<=11.9.0", "11"),
        ("10.9.0", "11"),
        ("^9 || ^10", "11"),
        ("12", "12"),
        ("12.2.0", "12"),
        ("13.0.0", "12"),
        ("^11 || ^12", "12"),
        (">=11", "12"),
        (">11", "12"),
        ("<=12.0.0", "12"),
        ("<13", "12"),
        ("*", "12"),
        ("latest", None),
        ("", "12"),
    ],
)
def test_a_range_has_the_newest_edition_of_its_versions(wanted: str, edition: str | None) -> None:
    """Versions older than all editions have the oldest. A tag is no range."""
    assert find_range_edition(wanted) == edition


@pytest.mark.parametrize("version", ["10", "10.9.9", "x", ""])
def test_a_version_without_known_rules_is_refused(version: str) -> None:
    """No other version's rules are used in its place."""
    with pytest.raises(LinkpackError) as caught:
        find_edition(version)
    assert caught.value.code == "ERULES"


def project(root: Path, **fields: object) -> Path:
    """A package whose two lists differ: a shrinkwrap, and a negation that npm 11 takes for any depth."""
    (root / "dist" / "deep").mkdir(parents=True)
    for path in ("dist/a.js", "dist/a.map", "dist/deep/b.map", "npm-shrinkwrap.json"):
        (root / path).write_text("{}", encoding="utf-8")
    manifest = {"name": "p", "version": "1.0.0", "files": ["dist", "*.json", "!*.map"], **fields}
    (root / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    return root


NAMED: list[tuple[dict[str, object], str]] = [
    ({"packageManager": "npm@11.6.0"}, "11"),
    ({"packageManager": "npm@12.2.0+sha512.x"}, "12"),
    ({"packageManager": "npm@10.1.0"}, "11"),
    ({"devEngines": {"packageManager": {"name": "npm", "version": "^11"}}}, "11"),
    ({"devEngines": {"packageManager": [{"name": "yarn"}, {"name": "npm", "version": "11.x"}]}}, "11"),
    ({"devEngines": {"packageManager": {"name": "npm"}}}, "12"),
    ({"linkpack": {"npmRules": "11"}}, "11"),
    ({"linkpack": {"npmRules": 11}}, "11"),
    ({"linkpack": {"npmRules": "12"}, "packageManager": "npm@11.6.0"}, "12"),
    ({"packageManager": "npm@11.6.0", "devEngines": {"packageManager": {"name": "npm", "version": "12"}}}, "11"),
]


@pytest.mark.parametrize(("fields", "edition"), NAMED)
def test_a_project_names_its_edition(fields: dict[str, object], edition: str, tmp_path: Path) -> None:
    """Its own manifest does, or that of the workspace around it. Then no warning compares the editions."""
    inner = project(tmp_path / "packages" / "p", **fields)
    outer = project(tmp_path / "other" / "packages" / "p")
    (tmp_path / "other" / "package.json").write_text(json.dumps({"workspaces": ["packages/*"], **fields}))
    for root in (inner, outer):
        plan = plan_pack(root)
        assert plan.rules == edition
        assert [warning.code for warning in plan.warnings] == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"packageManager": "pnpm@12.21.0"},
        {"packageManager": "npm@latest"},
        {"packageManager": 1},
        {"devEngines": {"packageManager": {"name": "npm", "version": "latest"}}},
        {"devEngines": {"packageManager": "npm"}},
        {"linkpack": {}},
        {"linkpack": "x"},
    ],
)
def test_a_warning_says_where_the_editions_differ(fields: dict[str, object], tmp_path: Path) -> None:
    """One line names the first files, the shrinkwrap before all others. Naming an edition silences it."""
    root = project(tmp_path, **fields)
    plan = plan_pack(root)
    assert plan.rules == "12"
    (warning,) = plan.warnings
    assert warning.code == "WEDITION"
    assert warning.message == (
        "only npm 11 packs npm-shrinkwrap.json and only npm 12 packs dist/a.map and 1 more; "
        "npm 12's rules are used"
    )
    assert [plan_pack(root, npm_rules=version).warnings for version in ("11", "12.1")] == [(), ()]


def test_editions_that_give_the_same_files_need_no_warning(tmp_path: Path) -> None:
    """Their rules may differ."""
    root = project(tmp_path, files=["dist", "!**/*.map", "README.md", "dist/a.js"])
    (root / "npm-shrinkwrap.json").unlink()
    (root / "README.md").touch()
    (root / "bun.lock").mkdir()
    assert plan_pack(root).warnings == ()


def test_a_shrinkwrap_in_files_gets_one_warning(tmp_path: Path) -> None:
    """That the entry ships nothing has the same cause. With npm 12 named, the warning is about the entry."""
    root = project(tmp_path, files=["dist", "npm-shrinkwrap.json"])
    assert [warning.code for warning in plan_pack(root).warnings] == ["WEDITION"]
    (warning,) = plan_pack(root, npm_rules="12").warnings
    assert warning.message == (
        '"files": npm-shrinkwrap.json: nothing of it ships: npm-shrinkwrap.json is left out '
        "(never packed by npm 12: /npm-shrinkwrap.json)"
    )


def test_a_bundled_package_with_a_shrinkwrap_gets_a_warning(tmp_path: Path) -> None:
    """It does so installed or linked. The message is about its folder."""
    root = project(tmp_path / "p", files=["dist"], dependencies={"a": "1"}, bundleDependencies=["a"])
    (root / "npm-shrinkwrap.json").unlink()
    inside = project(root / "node_modules" / "a", name="a", files=None)
    (warning,) = plan_pack(root).warnings
    assert (warning.code, warning.path) == ("WEDITION", f"{inside}/package.json")
    (root / "node_modules" / "a").rename(tmp_path / "a")
    (root / "node_modules" / "a").symlink_to(tmp_path / "a")
    (warning,) = plan_pack(root).warnings
    assert (warning.code, warning.path) == ("WEDITION", f"{tmp_path}/a/package.json")


@pytest.mark.parametrize(("version", "code"), [("9", "ERULES"), ("next", "ERULES"), ([], "EMANIFEST")])
def test_npm_rules_that_name_no_edition_are_refused(version: object, code: str, tmp_path: Path) -> None:
    """The message names the file."""
    root = project(tmp_path, linkpack={"npmRules": version})
    with pytest.raises(LinkpackError, match=r"package\.json.*npmRules") as caught:
        plan_pack(root)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("path", "said"), [("npm-shrinkwrap.json", "npm 12 never packs it, npm 11 does"), ("dist", "")]
)
def test_why_names_the_edition(path: str, said: str, tmp_path: Path) -> None:
    """`why` goes by the project's edition, and does not say of a file of npm 11's that npm never packs it."""
    root = project(tmp_path)
    asked = CliRunner().invoke(linkpack, ["why", "-C", str(root), path], catch_exceptions=False)
    assert said in asked.output
    named = project(tmp_path / "named", packageManager="npm@11.6.0")
    asked = CliRunner().invoke(linkpack, ["why", "-C", str(named), path], catch_exceptions=False)
    assert f"{path} ships" in asked.output


def test_a_tarball_is_compared_by_the_projects_edition(tmp_path: Path) -> None:
    """`verify` and `diff` pack a folder by the rules that it names, as `pack` did, unless others are given."""
    root = project(tmp_path / "p", linkpack={"npmRules": 11}, license="MIT")
    tarball = pack(root, destination=tmp_path).path
    assert "EAGAINST" not in [each.code for each in verify(tarball, against=root).findings]
    assert diff(tarball, root).is_same
    assert not diff(tarball, root, npm_rules="12").is_same
