"""Values become text that a terminal can take, and JSON that npm's readers can."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack import report
from linkpack.bundle.specs import SpecChange
from linkpack.errors import LinkpackError, PlanRejected, Problem
from tests.support.trees import parse_tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("lib/index.js", "lib/index.js"),
        ("日本 é", "日本 é"),
        ("a\nb", r"a\nb"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
        ("\x00\x7f", r"\x00\x7f"),
        ("", ""),
    ],
)
def test_safe(text: str, shown: str) -> None:
    """What is not a printable character is escaped; what is stays."""
    assert report.safe(text) == shown
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1049, "1.0 kB"),
        (999_949, "999.9 kB"),
        (1_000_000, "1.0 MB"),
        (13_800_000, "13.8 MB"),
        (2_500_000_000, "2.5 GB"),
    ],
)
def test_amount(size: int, shown: str) -> None:
    """Sizes are in decimal units with one decimal, as npm writes them."""
    assert report.amount(size) == shown


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
    text = report.packed(plan, tarball)
    assert text.startswith("blog@1.0.0 (npm 12 rules)\n")
    assert [line.split()[-1] for line in section(text, "files")] == ["package.json"]
    assert section(text, "snapshots") == ["  redis@3.1.2  1 file, 38 B  of ../redis  in node_modules/redis"]
    assert "redis  file:../redis  -> 3.1.2" in section(text, "rewritten specs")[0]
    assert text.endswith(
        "runtime graph: entry points: 32 packages, all inside; declared dependencies: 31 edges, as on disk"
    )
    assert "left out" not in text.split("\n")


def test_packed_is_short_unless_verbose(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    """Twenty bundled packages are listed, the rest counted; verbose lists all, and what was left out."""
    short, full = report.packed(plan, tarball), report.packed(plan, tarball, verbose=True)
    assert len(section(short, "bundled")) == 21
    assert section(short, "bundled")[-1] == "  and 10 more (-v lists them)"
    assert len(section(full, "bundled")) == 30
    assert len(section(full, "files")) == len(tarball.files)
    assert any(line.endswith("  away") for line in section(full, "left out"))


def test_packed_is_safe_and_says_dry_run(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    """Names are escaped wherever they come from, and a dry run says that nothing was written."""
    change = SpecChange("id", "red\x1bis", "dependencies", "a\u202eb", "file:\n", "", "why\x07")
    text = report.packed(plan._replace(changes=(change,)), tarball, dry_run=True)
    assert all(line.isprintable() for line in text.split("\n"))
    assert r"out/x\x1b.tgz (dry run: not written)" in text
    assert "dropped" in section(text, "rewritten specs")[0]


def test_a_package_in_several_places_says_how_many(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    """A bundled package without a version is called by its name; of many places the first is named."""
    many = linkpack.Bundled("x", "", ("node_modules/x", "node_modules/y/node_modules/x"), False, "/x", "/x", 1, 2)
    text = report.packed(plan._replace(bundled=(many,)), tarball)
    assert section(text, "bundled") == ["  x  1 file, 2 B  in node_modules/x and 1 more"]


def test_tables_align() -> None:
    """Columns are as wide as their widest cell; the last one is ragged, and no rows give no title."""
    assert list(report._table("t", [("a", "bbb"), ("aaa", "b")])) == ["t", "  a    bbb", "  aaa  b"]  # noqa: SLF001
    assert list(report._table("t", [])) == []  # noqa: SLF001


def test_warnings_and_failures_have_code_message_and_hint() -> None:
    """Each problem is a line with its code, and an indented one with what to do."""
    problems = (Problem("EA", "p", "a\nb is wrong", "mend\tit"), Problem("EB", "p", "b"))
    assert report.failure(PlanRejected(problems)) == (
        "linkpack: error EA: a\\nb is wrong\n  mend\\tit\nlinkpack: error EB: b"
    )


def test_warnings_of_a_plan(plan: linkpack.PackPlan) -> None:
    """The plan's warnings are printed with their codes."""
    assert report.warnings(plan.warnings).startswith("linkpack: warning WLINK: ")


def test_a_hint_is_told_once() -> None:
    """The same advice is not repeated, for errors and for warnings; other advice is."""
    problems = [Problem("EA", "p", "one", "mend"), Problem("EA", "p", "two", "mend"), Problem("EB", "p", "c", "x")]
    lines = ["EA: one", "  mend", "EA: two", "EB: c", "  x"]
    for text, kind in ((report.failures(problems), "error"), (report.warnings(problems), "warning")):
        assert text.replace(f"linkpack: {kind} ", "").split("\n") == lines


def test_many_warnings_of_one_code_are_counted() -> None:
    """Ten of a code are told, the rest counted; verbose tells all, and errors are always all told."""
    problems = [Problem("WA", "p", f"number {number}") for number in range(13)] + [Problem("WB", "p", "other")]
    lines = report.warnings(problems).split("\n")
    assert lines[9:] == [
        "linkpack: warning WA: number 9",
        "linkpack: warning WB: other",
        "linkpack: warning WA: and 3 more (-v lists them)",
    ]
    assert len(report.warnings(problems, verbose=True).split("\n")) == 14
    assert len(report.failures(problems).split("\n")) == 14


def test_a_cause_of_many_packages_is_told_once() -> None:
    """What several packages have in common is one line with their names, wherever their files are."""
    found = [(name, [Problem("WA", f"/{name}", "same", "mend"), Problem("WB", "", name)]) for name in "abcdefg"]
    lines = report.warnings_by_package(found).split("\n")
    assert lines[:3] == [
        "linkpack: warning WA: a, b, c, d, e and 2 more: same",
        "  mend",
        "linkpack: warning WB: a: a",
    ]
    assert len(lines) == 9
    full = report.failures_by_package(found, verbose=True).split("\n")
    assert full[0] == "linkpack: error WA: a, b, c, d, e, f, g: same"


def test_specs_are_told_shortly(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    """A reason is told once, and what only developers install is counted; verbose has all."""

    def change(section: str, key: str) -> SpecChange:
        return SpecChange("id", "a@1.0.0", section, key, "workspace:*", "1.0.0", "why")

    changes = (change("dependencies", "x"), change("devDependencies", "y"), change("dependencies", "z"))
    short = section(report.packed(plan._replace(changes=changes), tarball), "rewritten specs")
    assert short == [
        "  a@1.0.0  dependencies.x  workspace:*  -> 1.0.0  why",
        "  a@1.0.0  dependencies.z  workspace:*  -> 1.0.0",
        "  and 1 in devDependencies (-v lists them)",
    ]
    full = section(report.packed(plan._replace(changes=changes), tarball, verbose=True), "rewritten specs")
    assert [line.split()[-1] for line in full] == ["why"] * 3
    alone = section(report.packed(plan._replace(changes=changes[1:2]), tarball), "rewritten specs")
    assert alone == ["  1 in devDependencies (-v lists them)"]
    assert "2 specs rewritten" in report.packed_line(plan._replace(changes=changes), tarball)


@pytest.mark.parametrize(("number", "shown"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_one_and_several(number: int, shown: str) -> None:
    """One of a thing is called as one."""
    assert report.count(number, "file") == shown


def test_failure_json() -> None:
    """A failure's JSON has npm's three keys, a line for each problem in the summary, and each hint once."""
    problems = (Problem("EA", "p", "a\x1b", "mend"), Problem("EB", "p", "b", "mend"), Problem("EC", "p", "c"))
    error = json.loads(report.failure_json(PlanRejected(problems)))
    assert error == {"error": {"code": "EA", "summary": "a\\x1b\nb\nc", "detail": "mend"}}
    alone = json.loads(report.failure_json(LinkpackError("no", code="ENO")))
    assert alone == {"error": {"code": "ENO", "summary": "no", "detail": ""}}


def test_packed_json(plan: linkpack.PackPlan, tarball: linkpack.Tarball) -> None:
    """The JSON is ASCII, npm 11's array or npm 12's object by name, and has our own keys under `linkpack`."""
    text = report.packed_json([(plan, tarball)])
    [found] = json.loads(text)
    assert text.isascii()
    assert json.loads(report.packed_json([(plan, tarball)], npm12=True)) == {"blog": found}
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
