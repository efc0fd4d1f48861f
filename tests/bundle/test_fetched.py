"""What a registry supplies of the dependencies of selected packages, and what ships because it cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linkpack
from linkpack.bundle.fetched import find_common_spec
from linkpack.errors import LinkpackError
from linkpack.npm.ranges import is_subset, satisfies

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.bundle.layouts import LayoutName
    from linkpack.packing.plan import PackPlan

Fields = dict[str, Any]


def lay(folder: Path, app: Fields, members: dict[str, Fields], installed: dict[str, str]) -> Path:
    """A workspace with the member `app` and private *members*, and packages *installed* by path and version."""
    write(folder, {"name": "mono", "private": True, "workspaces": ["packages/*"]})
    for name, fields in {"app": app, **members}.items():
        about = {"private": True} if name != "app" else {"dependencies": dict.fromkeys(members, "workspace:*")}
        declared = {**about.get("dependencies", {}), **fields.get("dependencies", {})}  # type: ignore[dict-item]
        write(folder / "packages" / name, {"name": name, **about, **fields, "dependencies": declared})
        link = folder / "node_modules" / name
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(folder / "packages" / name)
    for path, version in installed.items():
        write(folder / path, {"name": path.rpartition("node_modules/")[2], "version": version})
    return folder / "packages/app"


def write(folder: Path, fields: Fields) -> None:
    """Write a package without files of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"version": "1.0.0", **fields}, indent=2), encoding="utf-8")


def manifest(plan: PackPlan, folder: str = "") -> Fields:
    """A planned manifest."""
    path = f"package/{folder}/package.json" if folder else "package/package.json"
    (source,) = [entry.source for entry in plan.entries if entry.path == path]
    assert isinstance(source, bytes)
    return dict(json.loads(source))


def asked(plan: PackPlan) -> dict[str, str]:
    """What the root asks a registry for."""
    root = manifest(plan)
    inside = {package.slots[0].partition("/")[2] for package in plan.bundled}
    specs = {**root.get("dependencies", {}), **root.get("optionalDependencies", {})}
    return {name: spec for name, spec in specs.items() if name not in inside}


def slots(plan: PackPlan) -> dict[str, str]:
    """The versions in the tarball by slot."""
    return {slot: package.version for package in plan.bundled for slot in package.slots}


LEFT = {"node_modules/left": "1.2.3"}


@pytest.mark.parametrize("layout", [None, "bundle", "vendor"])
@pytest.mark.parametrize(
    ("own", "ranges", "spec"),
    [
        (None, ["^1.0.0"], "^1.0.0"),
        (None, ["^1.0.0", "^1.2.0"], "^1.2.0"),
        ("^1.2.0", ["^1.0.0"], "^1.2.0"),
        ("*", ["^1.0.0"], "^1.0.0"),
        (None, [">=1.1.0", "<1.5.0"], ">=1.1.0 <1.5.0"),
        (None, ["1.1 || 1.2", "1.2 || 1.3"], "1.2.3"),
        (None, ["catalog:"], "~1.2.0"),
        (None, ["latest"], "1.2.3"),
        (None, ["npm:right@^1.0.0"], "npm:right@^1.0.0"),
    ],
)
def test_the_root_asks_under_one_spec(
    own: str | None,
    ranges: list[str],
    spec: str,
    layout: LayoutName | None,
    tmp_path: Path,
) -> None:
    """It is the narrowest range, all of them, or the version that is installed."""
    members = {f"m{number}": {"dependencies": {"left": text}} for number, text in enumerate(ranges)}
    app = lay(tmp_path, {"dependencies": {"left": own}} if own else {}, members, LEFT)
    (tmp_path / "pnpm-workspace.yaml").write_text("packages: ['packages/*']\ncatalog:\n  left: ~1.2.0\n")
    plan = linkpack.plan_pack(app, bundle=["private"], layout=layout)
    assert asked(plan) == {"left": spec}
    assert plan.warnings == ()


@pytest.mark.parametrize("layout", [None, "bundle"])
def test_kinds_stay(layout: LayoutName | None, tmp_path: Path) -> None:
    """An optional dependency stays optional, installed or not; a peer stays with its member."""
    fields = {
        "optionalDependencies": {"left": "^1.0.0", "fast": "^3.0.0"},
        "peerDependencies": {"react": "*"},
        "peerDependenciesMeta": {"react": {"optional": True}},
    }
    app = lay(tmp_path, {}, {"core": fields}, {**LEFT, "node_modules/react": "19.0.0"})
    plan = linkpack.plan_pack(app, bundle=["private"], layout=layout)
    assert manifest(plan)["optionalDependencies"] == {"left": "^1.0.0", "fast": "^3.0.0"}
    assert "react" not in asked(plan)
    core = manifest(plan, plan.bundled[0].slots[0])
    assert core["peerDependencies"]["react"] == "*"
    assert {**core["peerDependencies"], **core.get("optionalDependencies", {})}["fast"] == "^3.0.0"


def test_a_peer_that_the_registry_supplies_for_others(tmp_path: Path) -> None:
    """A peer is not compared with what another member has the root ask for."""
    members = {"a": {"dependencies": {"left": "^1.0.0"}}, "b": {"peerDependencies": {"left": "^2.0.0"}}}
    plan = linkpack.plan_pack(lay(tmp_path, {}, members, LEFT), bundle=["private"])
    assert asked(plan) == {"left": "^1.0.0"}
    assert manifest(plan, "vendor/b")["peerDependencies"] == {"left": "^2.0.0"}


CONFLICT = {"a": {"dependencies": {"left": "^1.0.0"}}, "b": {"dependencies": {"left": "^2.0.0"}}}
BOTH = {**LEFT, "packages/b/node_modules/left": "2.0.0"}


def test_a_conflict_ships(tmp_path: Path) -> None:
    """Of two versions the registry supplies the one that was asked for first; a warning names both ranges."""
    plan = linkpack.plan_pack(lay(tmp_path, {}, CONFLICT, BOTH), bundle=["private"], layout="bundle")
    assert slots(plan) == {
        "node_modules/a": "1.0.0",
        "node_modules/b": "1.0.0",
        "node_modules/b/node_modules/left": "2.0.0",
    }
    assert asked(plan) == {"left": "^1.0.0"}
    (found,) = plan.warnings
    assert found.code == "WBUNDLERANGE"
    assert "b@1.0.0 asks for left ^2.0.0, and a@1.0.0 for ^1.0.0" in found.message


def test_a_conflict_with_the_root_ships(tmp_path: Path) -> None:
    """The root's own dependency stays as it is."""
    app = lay(tmp_path, {"dependencies": {"left": "^1.0.0"}}, {"b": CONFLICT["b"]}, BOTH)
    plan = linkpack.plan_pack(app, bundle=["private"], layout="bundle")
    assert slots(plan)["node_modules/b/node_modules/left"] == "2.0.0"
    assert asked(plan) == {"left": "^1.0.0"}


def test_an_installed_version_that_no_range_allows_ships(tmp_path: Path) -> None:
    """Only the version that was tried is right, and the range would bring another one."""
    app = lay(tmp_path, {}, {"b": CONFLICT["b"]}, LEFT)
    plan = linkpack.plan_pack(app, bundle=["private"], layout="bundle")
    assert slots(plan)["node_modules/left"] == "1.2.3"
    (found,) = plan.warnings
    assert found.code == "WBUNDLERANGE"
    assert "b@1.0.0 asks for left ^2.0.0, which 1.2.3 does not satisfy" in found.message


def test_a_conflict_in_a_flat_layout(tmp_path: Path) -> None:
    """A flat folder has no room for two versions: it is refused, and the hint names the layout that has it."""
    with pytest.raises(LinkpackError) as caught:
        linkpack.plan_pack(lay(tmp_path, {}, CONFLICT, BOTH), bundle=["private"])
    (problem,) = caught.value.problems
    assert problem.code == "EVENDORCONFLICT"
    assert "--layout bundle" in problem.hint


def test_a_path_that_is_not_selected_is_refused(tmp_path: Path) -> None:
    """A consumer has no folder of the author's."""
    members = {"core": {"dependencies": {"lib": "file:../../lib"}}}
    app = lay(tmp_path, {}, members, {})
    write(tmp_path / "lib", {"name": "lib"})
    (tmp_path / "node_modules/lib").symlink_to(tmp_path / "lib")
    layouts: tuple[LayoutName, ...] = ("thin", "bundle")
    for layout in layouts:
        with pytest.raises(LinkpackError) as caught:
            linkpack.plan_pack(app, bundle=["private"], layout=layout)
        assert [problem.code for problem in caught.value.problems] == ["ESPECLOCAL"]
    assert [each.name for each in linkpack.plan_pack(app, bundle=["private", "lib"]).bundled] == ["core", "lib"]


@pytest.mark.parametrize("listed", [None, [], ["left"], False, True, {"left": 1}])
@pytest.mark.parametrize("alias", ["bundleDependencies", "bundledDependencies"])
@pytest.mark.parametrize("layout", ["bundle", "thin"])
def test_only_reported_keys_differ(listed: object, alias: str, layout: LayoutName | None, tmp_path: Path) -> None:
    """The shipped manifest is the source's in all but what the report lists; the source stays as it is."""
    fields: Fields = {"dependencies": {"left": "^1.0.0"}, "zeta": [1, 2], "files": ["lib"]}
    app = lay(tmp_path, {**fields, **({} if listed is None else {alias: listed})}, {"core": CONFLICT["a"]}, LEFT)
    before = (app / "package.json").read_bytes()
    plan = linkpack.plan_pack(app, bundle=["private"], layout=layout)
    assert (app / "package.json").read_bytes() == before
    old, new = json.loads(before), manifest(plan)
    reported = {change.section for change in plan.changes if change.package == str(app)}
    differing = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    # A flat layout has no list, and its folder is added to `files`: the layouts' page says so of every tarball.
    assert differing - ({"files", alias} if layout == "thin" else set()) <= reported
    if layout == "bundle" and listed is not True:
        assert set(new[alias if listed is not None else "bundleDependencies"]) >= {"core"}
    changed = {(change.section, change.key) for change in plan.changes if change.package == str(app)}
    for section in ("dependencies", "optionalDependencies"):
        keys = {*old.get(section, {}), *new.get(section, {})}
        assert {
            (section, key) for key in keys if old.get(section, {}).get(key) != new.get(section, {}).get(key)
        } <= changed


def test_verify_and_diff_pack_with_the_selectors(tmp_path: Path) -> None:
    """A tarball is what its folder packs to with the same selectors, and not without them."""
    app = lay(tmp_path, {}, {"core": CONFLICT["a"]}, LEFT)
    layouts: tuple[LayoutName, ...] = ("thin", "bundle")
    for layout in layouts:
        tarball = linkpack.pack(app, destination=tmp_path / layout, bundle=["private"], layout=layout)
        verdict = linkpack.verify(tarball.path, against=app, bundle=["private"])
        assert "EAGAINST" not in {finding.code for finding in verdict.findings}
        assert linkpack.diff(tarball.path, app, bundle=["private"], layout=layout).is_same
    verdict = linkpack.verify(tarball.path, against=app)
    assert "EAGAINST" in {finding.code for finding in verdict.findings}


VERSIONS = [f"{major}.{minor}.0" for major in range(3) for minor in range(4)]
RANGES = st.builds(lambda sign, version: f"{sign}{version}", st.sampled_from(["^", "~", ">=", "<", "<=", ">", ""]),
                   st.sampled_from(VERSIONS))  # fmt: skip
UNIONS = st.lists(RANGES, min_size=1, max_size=2).map(" || ".join)


@settings(max_examples=200, deadline=None)
@given(inner=UNIONS, outer=UNIONS)
def test_a_subset_allows_nothing_else(inner: str, outer: str) -> None:
    """Every version that a subset allows is allowed by the range around it."""
    if is_subset(inner, outer):
        more = [*VERSIONS, "1.2.9", "0.0.1", "2.3.1", "9.9.9"]
        assert [v for v in more if satisfies(v, inner) and not satisfies(v, outer)] == []


@settings(max_examples=200, deadline=None)
@given(specs=st.lists(UNIONS, min_size=1, max_size=3), version=st.sampled_from(VERSIONS))
def test_a_common_spec_satisfies_all(specs: list[str], version: str) -> None:
    """What one spec for several requests allows, each of them allows."""
    common = find_common_spec(specs, [version])
    if common is not None:
        assert [
            v for v in VERSIONS if satisfies(v, common) and not all(satisfies(v, each) for each in specs)
        ] == []
