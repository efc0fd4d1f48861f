"""Reports on packed packages, for persons and for programs that know npm's JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.bundle.consumer_specs import SpecChange
from linkpack.report import pack as report
from linkpack.report.pack_json import packages_json
from tests.support.trees import parse_tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def plan(tmp_path: Path) -> linkpack.PackPlan:
    """A plan with a snapshot, 30 installed packages, a rewritten spec, an omission and a warning."""
    names = [f"dep-{number:02}" for number in range(30)]
    tree = [
        "-- blog/package.json --",
        json.dumps(
            {
                "name": "blog",
                "version": "1.0.0",
                "dependencies": dict.fromkeys(names, "*") | {"redis": "file:../redis"},
                "bundleDependencies": [*names, "redis"],
            }
        ),
        "-- blog/.npmrc --",
        "-- blog/away -> gone --",
        "-- blog/node_modules/redis -> ../../redis --",
        "-- redis/package.json --",
        '{"name": "redis", "version": "3.1.2"}',
    ]
    for name in names:
        tree += [f"-- blog/node_modules/{name}/package.json --", f'{{"name": "{name}", "version": "1.0.0"}}']
    return linkpack.plan_pack(parse_tree("\n".join([*tree, ""])).write_to(tmp_path) / "blog")


@pytest.fixture
def tarball(plan: linkpack.PackPlan) -> linkpack.Tarball:
    """A tarball with that plan's files and made-up digests."""
    files = tuple(
        linkpack.TarballFile(each.path.removeprefix("package/"), each.size, each.mode) for each in plan.entries
    )
    return linkpack.Tarball("out/x\x1b.tgz", "x\x1b.tgz", files, 1234, 5678, "0" * 40, "sha512-AA==")


def section(text: str, title: str) -> list[str]:
    """The indented lines below *title*."""
    lines = text.split("\n")
    below = lines[lines.index(title) + 1 :]
    end = next(at for at, line in enumerate(below) if not line.startswith("  "))
    return below[:end]


def test_packed_has_its_tables(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    """The report shows own files, snapshots with their source, bundled packages, specs and the graph's proof."""
    text = report.package_report(plan, tarball)
    assert text.startswith("blog@1.0.0 (npm 12 rules)\n")
    assert [line.split()[-1] for line in section(text, "files")] == ["package.json"]
    assert section(text, "snapshots") == ["  redis@3.1.2  1 file, 38 B  of ../redis  in node_modules/redis"]
    assert "redis  file:../redis  -> 3.1.2" in section(text, "rewritten specs")[0]
    assert text.endswith(
        "runtime graph: entry points: 32 packages, all inside; declared dependencies: 31 edges, as on disk"
    )
    assert "left out" not in text.split("\n")


def test_packed_is_short_unless_verbose(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    """Ten bundled packages are listed, the rest counted; verbose lists all, and what was left out."""
    short, full = report.package_report(plan, tarball), report.package_report(plan, tarball, verbose=True)
    assert len(section(short, "bundled")) == 11
    assert section(short, "bundled")[-1] == "  and 20 more   20 files, 780 B  -v lists them"
    assert len(section(full, "bundled")) == 30
    assert len(section(full, "files")) == len(tarball.files)
    assert any(line.endswith("  away") for line in section(full, "left out"))


def with_files(tarball: linkpack.Tarball, *paths: str) -> linkpack.Tarball:
    """Return *tarball* with these files of 10 bytes instead of its own."""
    return tarball._replace(files=tuple(linkpack.TarballFile(path, 10, 0o644) for path in paths))


def test_forty_own_files_are_listed_and_more_are_folded_by_folder(
    plan: linkpack.PackPlan, tarball: linkpack.Tarball
) -> None:
    lib = [f"lib/{number:02}.js" for number in range(39)]
    text = report.package_report(plan, with_files(tarball, "package.json", *lib))
    assert len(section(text, "files")) == 40
    many = with_files(tarball, "package.json", *lib, "lib/deep/a.js", "test/deep/a.js", "test/deep/b.js")
    assert section(report.package_report(plan, many), "files") == [
        "  400 B  lib/  40 files",
        "  10 B   package.json",
        "  10 B   test/deep/a.js",
        "  10 B   test/deep/b.js",
    ]


def test_a_package_in_one_folder_is_unfolded_as_far_as_lines_reach(
    plan: linkpack.PackPlan, tarball: linkpack.Tarball
) -> None:
    paths = [f"dist/{folder}/{number}.js" for folder in "abc" for number in range(20)]
    assert section(report.package_report(plan, with_files(tarball, *paths, "dist/x.js")), "files") == [
        *(f"  10 B   dist/a/{number}.js" for number in range(20)),
        "  200 B  dist/b/  20 files",
        "  200 B  dist/c/  20 files",
        "  10 B   dist/x.js",
    ]


def test_bundled_packages_are_listed_by_size(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    sizes = {"a": 5, "b": 700, "c": 60, "d": 700}
    bundled = tuple(
        linkpack.Bundled(name, "1.0.0", (f"node_modules/{name}",), False, f"/{name}", f"/{name}", 1, size)
        for name, size in sizes.items()
    )
    text = report.package_report(plan._replace(bundled=bundled), tarball)
    assert [line.split()[0] for line in section(text, "bundled")] == ["b@1.0.0", "d@1.0.0", "c@1.0.0", "a@1.0.0"]


def test_the_total_tells_own_files_from_bundled_ones(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    files = with_files(tarball, "package.json", "node_modules/redis/package.json", "node_modules/redis/x.js")
    assert "  files      3: 1 own, 2 of 31 bundled packages" in report.package_report(plan, files).split("\n")
    alone = report.package_report(plan._replace(bundled=()), with_files(tarball, "package.json"))
    assert "  files      1" in alone.split("\n")


def test_packed_is_safe_and_says_dry_run(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    """Names are escaped wherever they come from, and a dry run says that nothing was written."""
    change = SpecChange("id", "red\x1bis", "dependencies", "a\u202eb", "file:\n", "", "why\x07")
    text = report.package_report(plan._replace(changes=(change,)), tarball, dry_run=True)
    assert all(line.isprintable() for line in text.split("\n"))
    assert r"out/x\x1b.tgz (dry run: not written)" in text
    assert "dropped" in section(text, "rewritten specs")[0]


def test_a_package_in_several_places_says_how_many(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    """A bundled package without a version is called by its name; of many places the first is named."""
    many = linkpack.Bundled("x", "", ("node_modules/x", "node_modules/y/node_modules/x"), False, "/x", "/x", 1, 2)
    text = report.package_report(plan._replace(bundled=(many,)), tarball)
    assert section(text, "bundled") == ["  x  1 file, 2 B  in node_modules/x and 1 more"]


def test_specs_are_told_shortly(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    """A reason is told once, and what only developers install is counted; verbose has all."""

    def change(section: str, key: str) -> SpecChange:
        return SpecChange("id", "a@1.0.0", section, key, "workspace:*", "1.0.0", "why")

    changes = (change("dependencies", "x"), change("devDependencies", "y"), change("dependencies", "z"))
    short = section(report.package_report(plan._replace(changes=changes), tarball), "rewritten specs")
    assert short == [
        "  a@1.0.0  dependencies.x  workspace:*  -> 1.0.0  why",
        "  a@1.0.0  dependencies.z  workspace:*  -> 1.0.0",
        "  and 1 in devDependencies (-v lists it)",
    ]
    full = section(report.package_report(plan._replace(changes=changes), tarball, verbose=True), "rewritten specs")
    assert [line.split()[-1] for line in full] == ["why"] * 3
    alone = section(report.package_report(plan._replace(changes=changes[1:2]), tarball), "rewritten specs")
    assert alone == ["  1 in devDependencies (-v lists it)"]
    assert "2 specs rewritten" in report.package_line(plan._replace(changes=changes), tarball)


def test_packed_json(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    """The JSON is ASCII, npm 11's array or npm 12's object by name, and has our own keys under `linkpack`."""
    text = packages_json([(plan, tarball)])
    [found] = json.loads(text)
    assert text.isascii()
    assert json.loads(packages_json([(plan, tarball)], npm12=True)) == {"blog": found}
    assert found["entryCount"] == len(found["files"]) == 32
    assert found["bundled"] == [*(f"dep-{number:02}" for number in range(30)), "redis"]
    own = found["linkpack"]
    assert own["npmRules"] == "12"
    assert own["snapshots"] == [
        {
            "name": "redis",
            "version": "3.1.2",
            "slots": ["node_modules/redis"],
            "source": "../redis",
            "files": 1,
            "size": 38,
        }
    ]
    assert [each["key"] for each in own["rewrittenSpecs"]] == ["redis"]
    assert [each["code"] for each in own["warnings"]] == ["WLINK"]
    assert [each["path"] for each in own["omitted"]] == [".npmrc", "away"]
    assert own["runtimeGraph"] == {"packages": 32, "edges": 31, "verified": True}
