"""What the benchmark decides by itself: whether a tarball is right, which ratios count, where its tables go."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import linkpack
from tests.benchmarks import inputs
from tests.benchmarks.__main__ import main
from tests.benchmarks.compare import Made, climbs, faults, places, read_made
from tests.benchmarks.document import BEGIN, END, as_json, as_text, write_part
from tests.benchmarks.figures import Figures, Goal, goal_rows, ratio, reached, rows, shown, table
from tests.benchmarks.packers import Packer, find_packers, packing
from tests.benchmarks.runs import Command, Cost, best, environment, in_turn
from tests.benchmarks.slopes import Point, marginal, slope_rows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

RIGHT = ("package/package.json", "package/node_modules/a/a.js", "package/node_modules/a/node_modules/@s/b/b.js")


def made(*names: str, tarball: str = "p.tgz") -> Made:
    """A folder with one tarball of these entries."""
    return Made(100, {tarball: names})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (RIGHT, ()),
        (("package/package.json", "package/node_modules/a/a.js", "package/node_modules/@s/b/b.js"), ()),
        (RIGHT[:2], ("1 bundled package missing",)),
        (RIGHT[:1], ("2 bundled packages missing",)),
        (RIGHT[1:], ("1 file (package.json) missing",)),
        ((*RIGHT, "package/x", "package/y"), ("2 files (x, ...) too many",)),
        ((*RIGHT, RIGHT[1]), ("1 file (a/a.js) too many",)),
        (
            (*RIGHT[:2], "package/../lib/node_modules/@s/b/b.js"),
            ("1 name (package/../lib/node_modules/@s/b/b.js) out of the package",),
        ),
    ],
)
def test_faults(found: tuple[str, ...], said: tuple[str, ...]) -> None:
    """Missing packages, missing and surplus files and names that lead out are said; another right place is not."""
    assert faults(made(*found), made(*RIGHT)) == said


def test_missing_tarballs() -> None:
    """A packer that made fewer tarballs, or others, is told so."""
    assert faults(made(*RIGHT, tarball="q.tgz"), made(*RIGHT)) == ("1 of 1 tarballs missing",)


@pytest.mark.parametrize("name", ["/etc/x", "package/../x", "..", "package", "package/a/../../x"])
def test_names_that_climb(name: str) -> None:
    """Absolute names, names with `..` and names beside the one folder lead out."""
    assert climbs(name)
    assert not climbs("package/a..b/c")


def test_places_count_copies() -> None:
    """A file of a package counts once for each copy, scoped names whole."""
    names = ("package/node_modules/@s/b/x", "package/node_modules/a/node_modules/@s/b/x", "package/x/y")
    assert places(names) == {("@s/b", "x"): 2, ("", "x/y"): 1}


def test_reads_tarballs(tmp_path: Path) -> None:
    """Size and entries are those of the tarballs in the folder."""
    given = inputs.make_input("tiny", tmp_path)
    tarball = linkpack.pack(given.folder, destination=tmp_path / "out")
    found = read_made(tmp_path / "out")
    assert (found.size, found.total) == (tarball.size, given.files)
    assert faults(found, found) == ()


def digest(folder: Path) -> str:
    """A digest of names and contents below *folder*."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = [f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@pytest.mark.parametrize("name", ["tiny", "linked"])
def test_inputs_are_always_the_same(name: str, tmp_path: Path) -> None:
    """An input is made once, the same everywhere, and linkpack packs as many files of it as its maker says."""
    first = inputs.make_input(name, tmp_path / "1")
    again = inputs.make_input(name, tmp_path / "1")
    second = inputs.make_input(name, tmp_path / "2")
    assert again == first
    assert digest(first.folder.parent) == digest(second.folder.parent)
    assert len(linkpack.plan_pack(first.folder).entries) == first.files


@pytest.mark.parametrize("entries", [(), ("dist/**/*", "!**/*.map")])
@pytest.mark.parametrize("count", [1, 250])
def test_wide_inputs(count: int, entries: tuple[str, ...], tmp_path: Path) -> None:
    """A wide input has as many files as asked for."""
    assert inputs.make_wide(tmp_path / "w", count, entries) == count
    assert len(linkpack.plan_pack(tmp_path / "w").entries) == count


def test_huge_inputs(tmp_path: Path) -> None:
    """A huge input has one file of the size asked for, beside the manifest."""
    assert inputs.make_huge(tmp_path / "h", 3 << 20) == 2
    assert (tmp_path / "h" / "data.txt").stat().st_size == 3 << 20


OURS = Figures(1, 2, 3, 4)
RESULTS = {
    "npm-self": {
        "linkpack": OURS,
        "npm": Figures(20, 4, 6, 4),
        "bun": Figures(4, 4, 6, 8, faults=("wrong",)),
        "pnpm": Figures(0, 0, 0, failure="exit 1, gone"),
    }
}


@pytest.mark.parametrize(
    ("goal", "found"),
    [
        (Goal("npm-self", "wall", ("npm", "bun"), 1), 0.25),
        (Goal("npm-self", "wall", ("npm", "bun"), 1, right=True), 0.05),
        (Goal("npm-self", "size", ("npm", "pnpm"), 1), 1),
        (Goal("npm-self", "wall", ("pnpm",), 1), None),
        (Goal("npm-self", "wall", ("npm",), 1, "linkpack max"), None),
    ],
)
def test_goals(goal: Goal, found: float | None) -> None:
    """A goal is the ratio to the least of its peers, or of those that are right; without figures there is none."""
    assert reached(goal, RESULTS["npm-self"]) == found


def test_rows() -> None:
    """Each peer has a row of ratios, or the reason why it has none; so it is when linkpack itself fails."""
    assert rows(RESULTS) == [
        ("npm-self", "npm", "0.050", "0.50", "0.50", "1.000", ""),
        ("npm-self", "bun", "0.25", "0.50", "0.50", "0.50", "wrong"),
        ("npm-self", "pnpm", "-", "-", "-", "-", "pnpm fails: exit 1, gone"),
    ]
    broken = {"tiny": {"linkpack": OURS._replace(failure="exit 1, x"), "npm": OURS}}
    assert rows(broken) == [("tiny", "npm", "-", "-", "-", "-", "linkpack fails: exit 1, x")]
    assert goal_rows(broken) == []


def test_numbers() -> None:
    """Ratios have two decimals, small ones and those near 1 three; nothing to compare with is a dash."""
    assert [shown(each) for each in (None, 0.0512, 0.25, 0.998, 12.345)] == [
        "-",
        "0.051",
        "0.25",
        "0.998",
        "12.35",
    ]
    assert ratio(1, 0) is None


def test_table() -> None:
    """Columns are aligned, and a bar in a cell does not end it."""
    assert table(("a", "bb"), [("x|y", "1")]) == "| a    | bb |\n| ---- | -- |\n| x\\|y | 1  |"


def test_slopes() -> None:
    """The cost of one more is the same between any two points when it is linear."""
    points = [Point(10, 1.0, 5e6), Point(110, 2.0, 6e6), Point(1110, 12.0, 7e6)]
    assert marginal(points) == [0.01, 0.01]
    assert slope_rows({"files": points})[1] == ("110 to 1,110 files", "10,000 us", "7 MB")


def test_text_and_page(tmp_path: Path) -> None:
    """The tables name machine, versions, goals and memory, and replace what stands between the marks of a page."""
    packers = [Packer("linkpack", ("linkpack",), "1"), Packer("npm", ("npm",), "11.0.0")]
    text = as_text(packers, 2, RESULTS, {"files": [Point(1, 1, 1), Point(2, 2, 2)]})
    for part in ("2 cores", "npm 11.0.0", "npm-self: wall of linkpack, to npm", "| npm-self | 0 ", "1 to 2 files"):
        assert part in text
    assert json.loads(as_json(packers, 2, RESULTS, {}))["results"]["npm-self"]["npm"]["wall"] == 20
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write_part(page, text)
    write_part(page, text)
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\n{text}\n{END}\nafter\n"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="no place for figures"):
        write_part(page, text)


def test_commands_for_many_packages(tmp_path: Path) -> None:
    """Every packer is asked for all workspaces at once, but for bun, which is started in each."""
    given = inputs.Input("monorepo", tmp_path, 0, many=True)
    words = {
        name: packing(Packer(name, (name,), ""), given, tmp_path)
        for name in ("linkpack", "npm", "pnpm", "bun", "yarn")
    }
    assert {words[name][-1] for name in ("linkpack", "npm")} == {"--workspaces"}
    assert words["pnpm"][:3] == ("pnpm", "-r", "pack")
    assert words["bun"][0] == "sh"
    assert "foreach" in words["yarn"]


def test_native_programs_go_before_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that is a script on PATH is measured by the native program that is installed."""
    script, native = tmp_path / "bin/pnpm", tmp_path / "peers/node_modules/.bin/pnpm"
    for program in (script, native):
        program.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\necho 1\n", encoding="utf-8")
    script.chmod(0o755)
    native.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(script.parent))
    starts = {packer.name: packer.start for packer in find_packers(tmp_path / "peers", {})}
    assert starts["pnpm"] == (str(native),)
    native.unlink()
    assert {packer.name: packer.version for packer in find_packers(tmp_path / "peers", {})}["pnpm"] == "1"


def test_runs_in_turn(tmp_path: Path) -> None:
    """Commands take turns, the first not counted; one that fails is not run again and says why."""
    order = tmp_path / "order"
    code = "import os, sys; open(sys.argv[1], 'a').write(os.environ['LC_ALL'][0] + sys.argv[2])"
    commands = [Command(name, (sys.executable, "-c", code, str(order), name), tmp_path) for name in "ab"]
    failing = "import sys; print('Error: no /such/path here'); sys.exit(3)"
    commands.append(Command("c", (sys.executable, "-c", failing), tmp_path))
    costs = in_turn(commands, 1, environment(tmp_path), tmp_path / "log")
    assert order.read_text(encoding="utf-8") == "CaCbCaCb"
    assert costs["c"].failure == "exit 3, Error: no here"
    assert all(costs[name].failure == "" and costs[name].peak > 1e6 for name in "ab")
    assert best([Cost(1, 3, 1), Cost(5, 2, 9), Cost(2, 3, 4)]) == Cost(1, 2, 4)


def test_the_program(tmp_path: Path) -> None:
    """`python -m tests.benchmarks` measures one input, prints its table and writes the figures as JSON."""
    words = ["--only", "tiny", "--runs", "1", "--json", str(tmp_path / "f.json"), "--scratch", str(tmp_path / "s")]
    done = CliRunner().invoke(main, [*words, "--peers", str(tmp_path)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "| tiny  | 6 " in done.stdout
    tiny = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))["results"]["tiny"]
    assert (tiny["linkpack"]["entries"], tiny["linkpack"]["faults"]) == (6, [])
