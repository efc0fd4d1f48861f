"""The selectors of --bundle: what each takes, what it takes away, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from linkpack.bundle.selectors import parse_selectors
from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.bundle.layouts import LayoutName
    from linkpack.packing.plan import PackPlan

MEMBERS: dict[str, dict[str, Any]] = {
    "core": {"private": True, "dependencies": {"util": "workspace:*", "open": "workspace:^", "left": "^1.0.0"}},
    "util": {"private": True, "dependencies": {"right": "^2.0.0"}},
    "open": {"dependencies": {"util": "workspace:*"}},
}
INSTALLED = {"left": "1.2.3", "right": "2.0.0", "@s/one": "1.0.0", "@s/two": "1.0.0"}


def lay(folder: Path, app: dict[str, Any] | None = None, **changes: dict[str, Any]) -> Path:
    """A workspace with the member `app`; it depends on two members, a linked package and four installed ones.

    *app* has fields for its manifest, *changes* those for other members.
    """
    names = ("core", "open", "outer", *INSTALLED)
    write(folder / "mono", {"name": "mono", "private": True, "workspaces": ["packages/*"]})
    write(folder / "mono/packages/app", {"name": "app", "dependencies": dict.fromkeys(names, "*"), **(app or {})})
    for name, fields in MEMBERS.items():
        write(folder / "mono/packages" / name, {"name": name, **fields, **changes.get(name, {})})
    write(folder / "outer", {"name": "outer"})
    for name, version in INSTALLED.items():
        write(folder / "mono/node_modules" / name, {"name": name, "version": version})
    for name in MEMBERS:
        (folder / "mono/node_modules" / name).symlink_to(folder / "mono/packages" / name)
    (folder / "mono/node_modules/outer").symlink_to(folder / "outer")
    return folder / "mono/packages/app"


def write(folder: Path, fields: dict[str, Any]) -> None:
    """Write a package of two files."""
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"version": "1.0.0", **fields}, indent=2), encoding="utf-8")
    (folder / "index.js").write_text("", encoding="utf-8")


def shipped(plan: PackPlan) -> list[str]:
    """The names of the packages in the tarball."""
    return sorted(package.name for package in plan.bundled)


def root_manifest(plan: PackPlan) -> dict[str, Any]:
    """The root's planned manifest."""
    (entry,) = [entry for entry in plan.entries if entry.path == "package/package.json"]
    assert isinstance(entry.source, bytes)
    return dict(json.loads(entry.source))


@pytest.mark.parametrize(
    ("selectors", "names"),
    [
        (["linked"], ["core", "open", "outer", "util"]),
        (["workspace"], ["core", "open", "util"]),
        (["private"], ["core", "util"]),
        (["all"], ["@s/one", "@s/two", "core", "left", "open", "outer", "right", "util"]),
        (["left"], ["left"]),
        (["@s/*"], ["@s/one", "@s/two"]),
        (["@s/*,!@s/two"], ["@s/one"]),
        (["!@s/*", "all", "!linked"], ["left", "right"]),
        (["workspace", "!private"], ["open"]),
        (["workspace", "!open"], ["core", "util"]),
        (["core", "left"], ["core", "left"]),
    ],
)
@pytest.mark.parametrize("layout", ["bundle", "vendor"])
def test_a_selector(selectors: list[str], names: list[str], layout: LayoutName, tmp_path: Path) -> None:
    """What is selected ships, and what it needs follows the same selectors."""
    assert shipped(linkpack.plan_pack(lay(tmp_path), bundle=selectors, layout=layout)) == names


@pytest.mark.parametrize(
    ("selectors", "layout"),
    [(["private"], "thin"), (["workspace"], "thin"), (["private", "left"], "vendor"), (["linked"], "bundle")],
)
def test_the_usual_layout(selectors: list[str], layout: str, tmp_path: Path) -> None:
    """Members of the workspace go to the vendor folder."""
    assert linkpack.plan_pack(lay(tmp_path), bundle=selectors).layout == layout


def test_the_manifest_can_have_the_selectors(tmp_path: Path) -> None:
    """Those of a call, or of --bundle, take their place."""
    app = lay(tmp_path, {"linkpack": {"bundle": ["private", "!util"]}})
    assert shipped(linkpack.plan_pack(app)) == ["core"]
    assert shipped(linkpack.plan_pack(app, bundle=["left"])) == ["left"]
    assert shipped(linkpack.plan_pack(app, bundle=[])) == []


def test_bundle_dependencies_ship_whole(tmp_path: Path) -> None:
    """What the manifest names is bundled with all that it needs, whatever selectors take of it."""
    app = lay(tmp_path, {"bundleDependencies": ["core"]})
    assert shipped(linkpack.plan_pack(app, bundle=["@s/one"])) == [
        "@s/one",
        "core",
        "left",
        "open",
        "right",
        "util",
    ]


@pytest.mark.parametrize("selector", ["", "!", "privat e", "@s", "*", "a/*", "./lib", "@s/a*", "!!left", "../x"])
def test_an_unknown_selector(selector: str) -> None:
    """What is no word, name or scope is refused."""
    with pytest.raises(LinkpackError) as caught:
        parse_selectors([selector], "--bundle")
    assert caught.value.code == "EBUNDLESELECTOR"


@pytest.mark.parametrize("selector", ["lft", "@t/*", "!lft", "!@t/*"])
def test_a_selector_without_effect(selector: str, tmp_path: Path) -> None:
    """It is a warning that names the selector."""
    plan = linkpack.plan_pack(lay(tmp_path), bundle=["left", selector])
    (found,) = [warning for warning in plan.warnings if warning.code == "WBUNDLESELECTOR"]
    assert f" {selector} " in found.message


@pytest.mark.parametrize("selectors", [["private"], ["all"], ["core"]])
def test_a_package_that_must_not_ship(selectors: list[str], tmp_path: Path) -> None:
    """It is refused by name, and ! leaves it out."""
    app = lay(tmp_path, core={"linkpack": {"bundle": False}})
    with pytest.raises(LinkpackError) as caught:
        linkpack.plan_pack(app, bundle=selectors)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message.split()[0]) == ("EBUNDLEKEPT", "core@1.0.0")
    assert "core" not in shipped(linkpack.plan_pack(app, bundle=[*selectors, "!core"]))


@pytest.mark.parametrize("value", ["private", ["private", 1], {"a": 1}, True])
def test_a_wrong_setting(value: object, tmp_path: Path) -> None:
    """A manifest's selectors are a list of texts, or false."""
    with pytest.raises(LinkpackError) as caught:
        linkpack.plan_pack(lay(tmp_path, {"linkpack": {"bundle": value}}))
    assert caught.value.code == "EMANIFEST"


def test_dev_dependencies_are_never_selected(tmp_path: Path) -> None:
    """Not by name, and not by `all`."""
    app = lay(tmp_path, {"dependencies": {}, "devDependencies": {"left": "*"}})
    for selectors in (["all"], ["left"]):
        plan = linkpack.plan_pack(app, bundle=selectors)
        assert (shipped(plan), [warning.code for warning in plan.warnings]) == ([], ["WBUNDLESELECTOR"])


def test_a_selected_package_that_is_not_installed(tmp_path: Path) -> None:
    """It is an error like any bundled package that is missing."""
    app = lay(tmp_path, {"dependencies": {"gone": "1"}})
    with pytest.raises(LinkpackError) as caught:
        linkpack.plan_pack(app, bundle=["gone"])
    assert [problem.code for problem in caught.value.problems] == ["EBUNDLEMISSING"]
