"""Whatever is selected, each dependency in the tarball is there, or is what the root asks a registry for."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

import linkpack
from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from linkpack.bundle.layouts import LayoutName
    from linkpack.packing.plan import PackPlan

MEMBERS = ("m1", "m2", "m3")
INSTALLED = ("p1", "p2", "p3")
NAMES = (*MEMBERS, *INSTALLED)
RANGES = ("*", "^1.0.0", "^2.0.0", ">=1.5.0", "1.2.0", "latest")
SELECTORS = ("private", "workspace", "linked", "all", *NAMES)

specs = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(RANGES), max_size=4)
packages = st.fixed_dictionaries({"dependencies": specs, "optionalDependencies": specs, "peerDependencies": specs})
versions = st.sampled_from(["1.2.0", "1.9.0", "2.0.0"])
worlds = st.fixed_dictionaries(
    {
        "app": packages,
        "members": st.fixed_dictionaries(dict.fromkeys(MEMBERS, packages)),
        "private": st.sets(st.sampled_from(MEMBERS)),
        "installed": st.dictionaries(st.sampled_from(INSTALLED), st.tuples(versions, packages)),
        "nested": st.dictionaries(
            st.tuples(st.sampled_from(NAMES), st.sampled_from(INSTALLED)), versions, max_size=3
        ),
        "listed": st.lists(st.sampled_from(NAMES), max_size=1),
    }
)


def lay(folder: Path, world: dict[str, Any]) -> Path:
    """The workspace *world* below *folder*; the member `app` is what is packed."""
    write(folder, {"name": "mono", "private": True, "workspaces": ["packages/*"]})
    write(folder / "packages/app", {"name": "app", "bundleDependencies": world["listed"], **world["app"]})
    (folder / "node_modules").mkdir()
    for name, fields in world["members"].items():
        write(folder / "packages" / name, {"name": name, "private": name in world["private"], **fields})
        (folder / "node_modules" / name).symlink_to(folder / "packages" / name)
    for name, (version, fields) in world["installed"].items():
        write(folder / "node_modules" / name, {**fields, "name": name, "version": version})
    for (around, name), version in world["nested"].items():
        write(folder / "node_modules" / around / "node_modules" / name, {"name": name, "version": version})
    return folder / "packages/app"


def write(folder: Path, fields: dict[str, Any]) -> None:
    """Write a package.json, unless there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "package.json").exists():
        (folder / "package.json").write_text(json.dumps({"version": "1.0.0", **fields}), encoding="utf-8")


def manifests(plan: PackPlan) -> dict[str, dict[str, Any]]:
    """The planned manifests by slot."""
    return {
        entry.path[len("package/") : -len("package.json")].rstrip("/"): json.loads(entry.source)
        for entry in plan.entries
        if entry.path.endswith("package.json") and isinstance(entry.source, bytes)
    }


def strangers(plan: PackPlan) -> list[str]:
    """The dependencies in the tarball that neither it nor the root's manifest supplies."""
    found = manifests(plan)
    root = found[""]
    sections = ("dependencies", "optionalDependencies", "peerDependencies")
    supplied = {name for section in sections for name in root.get(section, {})} | {"app"}
    lost = []
    for slot, manifest in found.items():
        inside = {
            path.rpartition("node_modules/")[2] for path in found if path.startswith(f"{slot}/node_modules/")
        }
        above = {path.partition("node_modules/")[2] for path in found if path.startswith("node_modules/")}
        there = supplied | inside | above
        lost += [f"{slot}: {name}" for name in manifest.get("dependencies", {}) if name not in there]
    return lost


def plan_or_refuse(app: Path, selectors: list[str], layout: LayoutName | None) -> tuple[PackPlan | None, set[str]]:
    """The plan, None if it is refused, and the codes of its warnings or problems."""
    try:
        plan = linkpack.plan_pack(app, bundle=selectors, layout=layout, allow_missing=True)
    except LinkpackError as err:
        return None, {problem.code for problem in err.problems}
    return plan, {warning.code for warning in plan.warnings}


@settings(max_examples=60, deadline=None)
@given(
    world=worlds,
    chosen=st.lists(st.sampled_from(SELECTORS), min_size=1, max_size=3),
    unwanted=st.lists(st.sampled_from(SELECTORS[:2] + NAMES), max_size=1),
    layout=st.sampled_from([None, "bundle", "vendor", "thin"]),
)
def test_any_workspace(
    world: dict[str, Any], chosen: list[str], unwanted: list[str], layout: LayoutName | None
) -> None:
    """It is planned, or refused for a reason that is not a fault of linkpack; nothing is left without a source."""
    folder = Path(tempfile.mkdtemp()).resolve()
    try:
        app = lay(folder, world)
        selectors = [*chosen, *(f"!{name}" for name in unwanted)]
        plan, codes = plan_or_refuse(app, selectors, layout)
        assert "ELAYOUT" not in codes
        if plan is not None and "WBUNDLEMISSING" not in codes:
            assert strangers(plan) == []
    finally:
        shutil.rmtree(folder)
