"""How much work a command does: counted in calls, bytes and steps, never in seconds, to hold everywhere."""

from __future__ import annotations

import json
import os
import re
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from linkpack import limits
from linkpack.errors import LinkpackError, PlanRejected
from linkpack.glob.braces import expand_braces
from linkpack.glob.pattern import compile_glob, matches_file
from linkpack.limits import DEFAULTS
from linkpack.npm.manifest import parse_manifest
from linkpack.npm.npmrc_text import expand, parse_npmrc
from linkpack.packing.pack import pack
from linkpack.packing.plan import plan_pack
from linkpack.packlist.editions import NPM_RULES
from linkpack.packlist.ignore import RuleSet, parse_rules
from linkpack.project.resolve import SlotIndex
from linkpack.verifying import verdict as gate
from linkpack.verifying.entry_points import check_entries
from linkpack.verifying.unpack import unpack
from tests.support import badtar
from tests.support.faulty import faulty
from tests.support.npm import npm_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.faulty import Faulty, Run

pytestmark = pytest.mark.slow

MIB = 1 << 20
LOOKING = ("stat", "lstat", "fstat", "access", "readlink")


@pytest.fixture(scope="module")
def server() -> Iterator[Faulty]:
    """A server for the tests of this module."""
    with faulty() as found:
        yield found


def project(root: Path, folders: int, files: int, size: int = 10) -> Path:
    """A project of *folders* folders, with *files* files of *size* bytes in each."""
    for number in range(folders):
        folder = root / f"lib{number}"
        folder.mkdir(parents=True)
        for each in range(files):
            (folder / f"{each}.js").write_bytes(b"x" * size)
    (root / "package.json").write_text('{"name": "a", "version": "1.0.0"}\n')
    return root


def packed(server: Faulty, root: Path) -> Run:
    """What packing *root* calls."""
    run = server.run(["pack", "--quiet", "--pack-destination", str(root.parent / "out")], root)
    assert run.status == 0, run.err
    return run


def test_calls_grow_with_files(server: Faulty, tmp_path: Path) -> None:
    """Each further file of a project costs one open, one close, and at most five looks; it is read once."""
    few, many = (packed(server, project(tmp_path / str(count) / "p", 4, count)) for count in (10, 60))
    more = 4 * 50
    assert many.total(["open"]) - few.total(["open"]) == more
    assert many.total(["close"]) - few.total(["close"]) == more
    assert many.total(["scandir", "listdir"]) == few.total(["scandir", "listdir"])
    assert many.total(LOOKING) - few.total(LOOKING) <= 5 * more
    assert many.total(["mkdir", "rename", "unlink"]) == few.total(["mkdir", "rename", "unlink"])


def test_calls_grow_with_folders(server: Faulty, tmp_path: Path) -> None:
    """Each further folder is listed once, opened at most twice, and looked at at most six times."""
    few, many = (packed(server, project(tmp_path / str(count) / "p", count, 1)) for count in (10, 60))
    more = 50
    assert many.total(["scandir", "listdir"]) - few.total(["scandir", "listdir"]) == more
    assert many.total(["open"]) - few.total(["open"]) <= (1 + 2) * more  # the file in it is opened, too
    assert many.total(LOOKING) - few.total(LOOKING) <= (5 + 6) * more


def test_calls_grow_with_packages(server: Faulty, tmp_path: Path) -> None:
    """Packages in the bundle cost alike, however many there are: there is nothing between each two of them."""
    runs = []
    for count in (10, 20, 40):
        root = project(tmp_path / str(count) / "p", 1, 1)
        names = [f"d{number}" for number in range(count)]
        for name in names:
            made = project(root / "node_modules" / name, 1, 1)
            (made / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0"}))
        fields = {"name": "a", "version": "1.0.0", "dependencies": dict.fromkeys(names, "*")}
        (root / "package.json").write_text(json.dumps({**fields, "bundleDependencies": names}))
        runs.append(packed(server, root))
    for calls in (["open"], LOOKING, ["scandir", "listdir"]):
        few, more, most = (run.total(calls) for run in runs)
        assert most - more == 2 * (more - few), calls


def test_bytes_read(server: Faulty, tmp_path: Path) -> None:
    """Packing reads each file and the tarball once, the manifest up to five times, and settings."""
    sizes = (1_000, 101_000)
    runs = [packed(server, project(tmp_path / str(size) / "p", 2, 3, size)) for size in sizes]
    tarballs = [sum(path.stat().st_size for path in (tmp_path / str(size) / "out").iterdir()) for size in sizes]
    manifest = len('{"name": "a", "version": "1.0.0"}\n')
    npmrcs = (npm_root() / "npmrc", npm_root().parents[2] / "etc" / "npmrc", Path.home() / ".npmrc")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "linkpack" / "node.json"
    settings = sum(path.stat().st_size for path in (*npmrcs, cache) if path.exists())
    for run, size, tarball in zip(runs, sizes, tarballs, strict=True):
        rest = run.read - 6 * size - tarball
        assert 0 < rest <= 5 * manifest + settings


def test_reading_a_tarball_is_reading_it_once(server: Faulty, tmp_path: Path) -> None:
    """Verify opens nothing but the tarball and reads each byte of it once; unpacking three times."""
    path = badtar.write(
        tmp_path, badtar.BODY + b"".join(badtar.member(f"package/{i}", "x" * 999) for i in range(200))
    )
    run = server.run(["verify", str(path)], tmp_path)
    assert (run.counts["open"], run.read) == (1, path.stat().st_size)
    run = server.run(["unpack", str(path)], tmp_path)
    assert run.status == 0, run.err
    assert run.read <= 3 * path.stat().st_size
    assert run.counts["rename"] == 1


def test_refusing_a_tarball_is_cheap(server: Faulty, tmp_path: Path) -> None:
    """A tarball that is refused makes `unpack` write nothing at all, not even a temporary file."""
    path = badtar.write(tmp_path, badtar.BODY + badtar.member("package/../../x"))
    run = server.run(["unpack", str(path), "-C", str(tmp_path / "to")], tmp_path)
    assert run.status == 1
    assert run.total(["mkdir", "rename", "unlink", "chmod", "symlink", "link", "rmdir"]) == 0
    assert run.counts["open"] == 1


def peak(work: Callable[[], object]) -> int:
    """The most bytes that *work* held at a time."""
    work()  # what it imports and keeps is not counted
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_of_packing(tmp_path: Path) -> None:
    """A large file goes through in pieces: packing it takes no memory to speak of."""
    root = project(tmp_path / "p", 1, 1, 24 * MIB)
    assert peak(lambda: pack(root, destination=tmp_path / "out")) < 6 * MIB


def test_memory_of_reading(tmp_path: Path) -> None:
    """So does a large file in a tarball, allowed or not."""
    path = badtar.write(tmp_path, badtar.BODY + badtar.member("package/zeros", bytes(24 * MIB)))
    limits = DEFAULTS
    assert peak(lambda: gate.verify(path, limits=limits._replace(ratio=10**6))) < 6 * MIB
    assert any(each.code == "ELIMIT" for each in gate.verify(path, limits=limits._replace(ratio=10)).findings)


def test_a_bomb_is_left_early(server: Faulty, tmp_path: Path) -> None:
    """A bomb is refused after a share of the file that its ratio allows, whatever it would unpack to."""
    path = badtar.write(tmp_path, badtar.BODY + badtar.member("package/zeros", bytes(64 * MIB)))
    run = server.run(["unpack", str(path), "--max-unpacked", "1MB"], tmp_path)
    assert run.status == 1
    assert "ELIMIT" in run.err
    assert "mkdir" not in run.counts
    assert run.counts.get("write", 0) == 0


def test_many_headers(tmp_path: Path) -> None:
    """The limit of entries ends the reading, so that memory is bounded, too."""
    path = badtar.write(tmp_path, badtar.BODY + b"".join(badtar.header(b"package/%d" % i) for i in range(20_000)))
    limits = DEFAULTS._replace(entries=100)
    with pytest.raises(PlanRejected) as caught:
        unpack(path, tmp_path / "to", limits=limits)
    assert "ELIMIT" in {problem.code for problem in caught.value.problems}
    assert peak(lambda: gate.verify(path, limits=limits)) < 2 * MIB


def steps(work: Callable[[], object]) -> int:
    """How many functions *work* called, those in C included."""
    count = 0

    def each(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(each)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def manifest_of(count: int) -> bytes:
    """A manifest with *count* dependencies."""
    names = {f"d{number}": "^1.0.0" for number in range(count)}
    return json.dumps({"name": "a", "version": "1.0.0", "dependencies": names}).encode()


def nested(count: int) -> bytes:
    """A manifest with lists in lists."""
    return b'{"name":"a","version":"1.0.0","x":' + b"[" * count + b"]" * count + b"}"


def ask(rules: str, path: str) -> object:
    """Ask the rules in the text *rules* about *path*."""
    return RuleSet(parse_rules(rules, "x")).keeps_file(tuple(path.split("/")))


def exported(count: int) -> object:
    """Look *count* patterns of exports up among as many files."""
    exports = {f"./k{i}": f"./lib{i}*.js" for i in range(count)}
    files = {f"f{i}.js": None for i in range(count)}
    manifest = parse_manifest(b'{"name": "a", "version": "1.0.0"}', "package.json", "root")
    return list(check_entries(manifest, {"exports": exports}, files))  # type: ignore[arg-type]


def looked_up(count: int) -> object:
    """Look *count* names up from a package that lies in as many others."""
    slots = ["node_modules/" + "/node_modules/".join(["a"] * depth) for depth in (1, count)]
    index = SlotIndex(slots)
    return [index.find(slots[1], f"d{i}") for i in range(count)]


LINEAR: dict[str, Callable[[int], object]] = {
    "dependencies of a manifest": lambda n: parse_manifest(manifest_of(n), "package.json", "root"),
    "lists in lists": lambda n: parse_manifest(nested(n // 8), "package.json", "root"),
    "lines of an ignore file": lambda n: parse_rules("\n".join(f"x{i}/*.js" for i in range(n)), "x"),
    "portions of a path": lambda n: ask("a/**/b/**/c", "/".join(["A"] * n)),
    "double stars": lambda n: ask("**/a/" * (n // 4) + "b", "/".join(["A"] * n)),
    "stars and groups in a name": lambda n: ask("*(a|b|ab)*(a|ba)c", "AB" * (n // 8)),
    "patterns of exports, and files": exported,
    "names that a deep package asks for": looked_up,
    "lines of an npmrc": lambda n: parse_npmrc("\n".join(f"k{i}[]=${{A}}" for i in range(n))),
    "variables in a value": lambda n: expand("${A}${B?}" * n, {"A": "${A}"}),
}


@pytest.mark.parametrize("what", LINEAR)
def test_steps_grow_as_the_input(what: str) -> None:
    """Twice the input takes about twice the steps, though it is made to take more."""
    LINEAR[what](64)  # imports, caches
    few, many = (steps(lambda n=n: LINEAR[what](n)) for n in (400, 800))  # type: ignore[misc]
    assert few > 20
    assert many <= 2.2 * few + 200


@pytest.mark.parametrize("npm_rules", NPM_RULES)
@pytest.mark.parametrize(
    "entries",
    [
        ("dist",),
        ("dist/**/*", "!**/*.map"),
        ("dist/**/*.js", "!dist/**/f1?.js", "dist/d1"),
        ("**/*", "!dist/d*/*.map"),
    ],
)
def test_globs_of_files_are_linear(entries: tuple[str, ...], npm_rules: str, tmp_path: Path) -> None:
    """Twice the files that a glob of `files` finds take about twice the steps, in one folder or in many."""

    def plan(count: int) -> object:
        return plan_pack(tmp_path / str(count), npm_rules=npm_rules)

    for count in (10, 100, 200):
        for number in range(count):
            folder = tmp_path / str(count) / "dist" / f"d{number // 4 if number % 2 else 0}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"f{number}.js{'.map' * (number % 3 == 0)}").touch()
        manifest = {"name": "a", "version": "1.0.0", "files": entries}
        (tmp_path / str(count) / "package.json").write_text(json.dumps(manifest))
    plan(10)
    few, many = (steps(lambda n=n: plan(n)) for n in (100, 200))  # type: ignore[misc]
    assert many <= 2.2 * few


@pytest.mark.parametrize("npm_rules", NPM_RULES)
def test_many_entries_of_files_are_linear(npm_rules: str, tmp_path: Path) -> None:
    """So do twice the files that `files` names one by one."""

    def plan(count: int) -> object:
        return plan_pack(tmp_path / str(count), npm_rules=npm_rules)

    for count in (10, 100, 200):
        names = [f"d{number % 10}/s{number}/f.js" for number in range(count)]
        for name in names:
            (tmp_path / str(count) / name).parent.mkdir(parents=True)
            (tmp_path / str(count) / name).touch()
        manifest = {"name": "a", "version": "1.0.0", "files": names}
        (tmp_path / str(count) / "package.json").write_text(json.dumps(manifest))
    plan(10)
    few, many = (steps(lambda n=n: plan(n)) for n in (100, 200))  # type: ignore[misc]
    assert many <= 2.2 * few


def test_globs_do_not_search_what_never_ships(tmp_path: Path) -> None:
    """`**` enters neither node_modules nor .git of the root, however much is in there."""
    for folder in ("node_modules/a", ".git/objects"):
        (tmp_path / folder).mkdir(parents=True)
        for number in range(200):
            (tmp_path / folder / f"{number}.js").touch()
    (tmp_path / "a.js").touch()
    manifest = {"name": "a", "version": "1.0.0", "files": ["**/*.js", "**/*.ts", "!**/*.map"]}
    (tmp_path / "package.json").write_text(json.dumps(manifest))
    plan = plan_pack(tmp_path, limits=DEFAULTS._replace(steps=800))
    assert [entry.path for entry in plan.entries] == ["package/a.js", "package/package.json"]


@pytest.mark.parametrize(
    ("files", "ignored", "said"),
    [
        (["src", "dist/**/a?c*"], "", r'package.json: "files": in dist, .* steps: dist/\*\*/a\?c\*$'),
        (None, "/x\n*.[a-b]?\n/y\n", r"^\.npmignore:2: in dist, .* steps: \*\.\[a-b\]\?$"),
    ],
)
def test_who_takes_too_much_work_is_named(
    files: list[str] | None, ignored: str, said: str, tmp_path: Path
) -> None:
    """The refusal names the pattern and the folder that it was too much in; with what its hint says it packs."""
    (tmp_path / "dist").mkdir()
    for number in range(2000):
        (tmp_path / "dist" / f"{number}.js").touch()
    manifest = {"name": "a", "version": "1.0.0", **({"files": files} if files else {})}
    (tmp_path / "package.json").write_text(json.dumps(manifest))
    (tmp_path / ".npmignore").write_text(ignored)
    with pytest.raises(PlanRejected) as caught:
        plan_pack(tmp_path, limits=DEFAULTS._replace(steps=2000))
    (problem,) = caught.value.problems
    assert re.search(said, problem.message)
    assert (problem.code, "--max-steps" in problem.hint) == ("ELIMIT", True)
    assert plan_pack(tmp_path, limits=DEFAULTS._replace(steps=20_000)).entries


@pytest.mark.parametrize(
    "pattern",
    [
        "{1..1000000}",
        "{a,b}" * 40,
        "{" * 5000,
        "{a," * 2000 + "}" * 2000,
        "*" * 60_000,
        "*a" * 3000 + "b",
        "*?" * 10_000,
        "+(" * 300 + "a" + ")" * 300,
        "@(a|" * 300 + ")" * 300,
        "*(*(*(*(a))))b",
        "?" * 30_000,
        "[" * 30_000,
        "[[:alpha:]" * 3000,
        "**/" * 20_000,
        "!" * 60_000,
        "x" * 70_000,
        "\\" * 60_000,
    ],
    ids=lambda pattern: f"{pattern[:12]}-{len(pattern)}",
)
def test_hostile_patterns(pattern: str) -> None:
    """A pattern that is made to explode is answered or refused, in bounded steps and memory."""

    def work() -> None:
        try:
            ask(pattern, "A" * 200 + "/" + "B" * 200)
        except LinkpackError as err:
            assert err.code == "EPATTERN"  # noqa: PT017 - it may be answered, too

    assert steps(work) < 200 * len(pattern) + 100_000
    assert peak(work) < 64 * MIB


STEPS = 3_000
NAME = ("A" * 240 + "1.JS",)
DEEP = ("A",) * 1_500
LONG = "".join(chr(0x4E00 + 2 * number) for number in range(15_000))


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("*a" * 30_000, NAME),
        ("*a" * 119 + "*b", NAME),
        ("*?a" * 60 + "*b", NAME),
        ("*[ab]" * 100 + "*b", NAME),
        (f"*[{LONG}]*b", NAME),
        (f"*[{LONG}]@(b)", NAME),
        ("*" + "?" * 100 + "a*" + "?" * 100 + "b", NAME),
        ("+(a|aa|aaa)b", NAME),
        ("!(a)*" * 3, NAME),
        ("@(" + "aaaa|" * 150 + "b)", NAME),
        ("[[:alpha:]]" * 80, NAME),
        ("**/" + "a/" * 700 + "b/**", DEEP),
        ("**/" + "[a]/" * 700 + "b/**", DEEP),
        ("**/" + "a/" * 700 + "b", DEEP),
        ("a/" * 1_400 + "**/b", DEEP),
        ("**/[a]/b/**", DEEP),
        ("**/a*/**/b/**/c", DEEP),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else f"{len(value)} portions",
)
def test_a_step_costs_the_same_whatever_is_compared(pattern: str, parts: tuple[str, ...]) -> None:
    """What comparing long patterns with long names costs is counted: a limit on steps bounds the calls."""
    glob = compile_glob(pattern)

    def work() -> None:
        with limits.within(DEFAULTS._replace(steps=STEPS)), suppress(LinkpackError):
            for _ in range(STEPS):
                limits.spend(1)  # as the walk counts each pattern that it asks about a name
                matches_file(glob, parts)

    work()  # compiles what is compiled when it is needed
    assert steps(work) < 60 * STEPS


@pytest.mark.parametrize("text", ["x{}", "/q/x{}", "*.x{}", "q/**/*.x{}"])
def test_naming_the_rule_that_decided_is_no_search(text: str) -> None:
    """Of thousands of rules only those are tried that may match a file of that name."""
    rules = RuleSet(parse_rules("*.log\n" + "\n".join(text.format(number) for number in range(5_000)), "x"))
    rules.last_match(("A.LOG",), "file")  # sorts the rules by what they ask for

    def work() -> None:
        for number in range(100):
            found = rules.last_match((f"F{number}.LOG",), "file")
            assert found is not None
            assert found.text == "*.log"

    assert steps(work) < 100 * 60


def test_naming_a_rule_counts() -> None:
    """Where all rules have to be tried to name the one that decided, that is counted."""
    rules = RuleSet(parse_rules("*.log\n" + "\n".join(f"*.[x]{number}" for number in range(800)), "x"))
    with limits.within(DEFAULTS._replace(steps=5_000)), pytest.raises(LinkpackError, match="more than 5000 steps"):
        [rules.last_match((f"F{number}.LOG",), "file") for number in range(100)]


def test_rules_for_one_folder_are_no_work_in_others() -> None:
    """A rule that names a whole path is found by its folder, not tried in every one."""
    rules = RuleSet(parse_rules("\n".join(f"/d{number}/x" for number in range(5_000)), "x"))

    def work() -> None:
        for number in range(1_000):
            assert rules.keeps_file((f"D{number}", "X")) is False

    assert steps(work) < 1_000 * 60


@pytest.mark.parametrize("pattern", ["{1..100000000}", "{a,b}" * 30, "x" * 60_000 + "{1..60000}"], ids=len)
def test_braces_are_bounded(pattern: str) -> None:
    """What braces may stand for is limited in number and in characters."""
    try:
        found: list[Any] = expand_braces(pattern)
    except LinkpackError as err:
        assert err.code == "EPATTERN"  # noqa: PT017 - some are answered
    else:
        assert sum(map(len, found)) <= 16 * MIB


def test_folders_without_files_are_no_work(tmp_path: Path) -> None:
    """What the rules say of files in a folder is put together where there are files, and nowhere else."""
    for number in range(300):
        (tmp_path / f"d{number}" / "sub").mkdir(parents=True)
    (tmp_path / ".npmignore").write_text("+(!(x)y)z*/q/**\n**/+(!(x)y)z*/**\n")
    (tmp_path / "package.json").write_text('{"name": "a", "version": "1.0.0"}\n')
    assert plan_pack(tmp_path, limits=DEFAULTS._replace(steps=300_000)).manifest.name == "a"
    with pytest.raises(PlanRejected, match="more than 100000 steps"):
        plan_pack(tmp_path, limits=DEFAULTS._replace(steps=100_000))
