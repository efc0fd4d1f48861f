"""`linkpack pack`: its options, what it prints where, and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from linkpack import __version__
from linkpack.archive.gzip import describe_compressor
from linkpack.cli.main import linkpack
from tests.support.packed import read_packed
from tests.support.program import Done, forget_npm, run_program
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINKED = parse_tree((FIXTURES / "trees" / "pack" / "linked.txt").read_text(encoding="utf-8"), "linked")


@pytest.fixture
def blog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a linked package, the current directory."""
    folder = LINKED.write_to(tmp_path / "tree") / "blog"
    monkeypatch.chdir(folder)
    forget_npm(monkeypatch, tmp_path)
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run `linkpack pack` in this process, as its entry point does."""
    return partial(run_program, capsys, "pack")


def listing(folder: Path) -> list[str]:
    """Every path below *folder*."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_stdout_is_the_file_name(blog: Path, run: Callable[..., Done]) -> None:
    """A pack prints the file name on stdout and the report on stderr, its last line being the proof."""
    done = run()
    assert (done.status, done.out) == (0, "blog-1.0.0.tgz\n")
    assert done.err.splitlines()[0] == "blog@1.0.0 (npm 12 rules)"
    proof = (
        "runtime graph: entry points: 3 packages, all inside; declared dependencies: 2 edges, as on disk;"
        " imports: 2 sources, all brought along"
    )
    assert done.err.splitlines()[-1] == proof
    assert len(read_packed(blog / "blog-1.0.0.tgz").members) == 7


def test_a_dry_run_prints_the_same_and_writes_nothing(
    blog: Path, tmp_path: Path, run: Callable[..., Done]
) -> None:
    """But for the note that nothing was written, a dry run's output is a real run's, JSON included."""
    before = listing(tmp_path)
    dry, dry_json = run("--dry-run"), run("--dry-run", "--json", "--pack-destination", "out")
    assert listing(tmp_path) == before
    assert dry.err.replace(" (dry run: not written)", "") == run().err
    (blog / "blog-1.0.0.tgz").unlink()
    assert dry_json == run("--json", "--pack-destination", "out")
    assert dry.out == "blog-1.0.0.tgz\n"
    assert (blog / "out" / "blog-1.0.0.tgz").is_file()


WARNED = "linkpack: warning WLINK: away is a symbolic link to gone, which leads nowhere: left out\n"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("-s --silent --loglevel=silent --loglevel=error", ""),
        ("-q --quiet --loglevel=warn", "warnings"),
        ("--loglevel=notice --loglevel=http -d", "warnings report"),
        ("-v --verbose -dd -ddd --loglevel=silly", "warnings report omissions"),
    ],
)
def test_levels(flags: str, told: str, run: Callable[..., Done], blog: Path) -> None:
    """How much is told follows npm's levels; the result and errors always are."""
    (blog / "away").symlink_to("gone")
    for flag in flags.split():
        done = run(flag, "--dry-run")
        assert (done.status, done.out) == (0, "blog-1.0.0.tgz\n"), flag
        assert (WARNED in done.err) == ("warnings" in told), flag
        assert ("runtime graph" in done.err) == ("report" in told), flag
        assert ("left out\n" in done.err.removeprefix(WARNED)) == ("omissions" in told), flag
        assert "ENOPROJECT" in run(flag, "nowhere").err, flag


def test_the_last_level_counts(run: Callable[..., Done], blog: Path) -> None:
    """Of several flags the last one decides, as for npm."""
    assert blog.is_dir()
    assert run("-v", "--silent").err == ""
    assert "runtime graph" in run("--silent", "--loglevel", "notice").err


def test_verbose(run: Callable[..., Done], blog: Path) -> None:
    """Verbose lists every file, and what was left out with the reason."""
    (blog / ".npmrc").touch()
    err = run("-v").err
    assert "node_modules/redis/node_modules/is-odd/index.js" in err
    assert any(line.strip() == "never packed: .npmrc  .npmrc" for line in err.splitlines())


def test_json(run: Callable[..., Done], blog: Path) -> None:
    """With --json stdout is npm 11's array, with npm12's format an object by name; warnings stay on stderr."""
    (blog / "away").symlink_to("gone")
    done = run("--json")
    [found] = done.json
    assert found["files"][0] == {"path": "README.md", "size": 7, "mode": 0o644}
    assert (found["id"], found["bundled"]) == ("blog@1.0.0", ["redis"])
    assert found["linkpack"]["path"] == "./blog-1.0.0.tgz"
    assert done.err == WARNED
    (blog / "blog-1.0.0.tgz").unlink()
    assert run("--json", "--dry-run", "-q").err == WARNED
    assert run("--json", "--dry-run", "-s").err == ""
    by_name = run("--json", "--json-format", "npm12").json
    assert list(by_name) == ["blog"]
    assert {**by_name["blog"], "linkpack": 0} == {**found, "linkpack": 0}


@pytest.mark.parametrize("more", [[], ["--jobs", "1"], ["--dry-run"]])
def test_gzip_level(more: list[str], run: Callable[..., Done], blog: Path) -> None:
    """Packed alone, side by side or not at all, the JSON names the level that was asked for."""
    assert blog.is_dir()
    done = run("--json", "--gzip-level", "max", *more)
    assert done.json[0]["linkpack"]["compressor"] == describe_compressor("max")
    assert run("--json", *more).json[0]["linkpack"]["compressor"] == describe_compressor("default")
    assert run("--gzip-level", "9").status == 2


def test_gzip_level_in_the_record(run: Callable[..., Done], blog: Path) -> None:
    """The snapshot manifest names the level, plain or as a statement."""
    for form in ("json", "intoto"):
        assert run("--gzip-level", "max", "--snapshot-manifest", "../m.json", "--format", form).status == 0
        assert describe_compressor("max") in (blog.parent / "m.json").read_text(encoding="utf-8")


def test_a_failure_under_json(run: Callable[..., Done], blog: Path) -> None:
    """A failure is npm's error object on stdout, with every problem in it, and the usual lines on stderr."""
    (blog.parent / "redis" / "node_modules" / "is-odd" / "package.json").unlink()
    (blog.parent / "redis" / "package.json").write_text(
        '{"name": "redis", "version": "3.1.2", "dependencies": {"is-odd": "*", "is-even": "*"}}', encoding="utf-8"
    )
    done = run("--json")
    error = done.json["error"]
    assert (done.status, list(done.json), list(error)) == (1, ["error", "problems"], ["code", "summary", "detail"])
    assert error["code"] == "EBUNDLEMISSING"
    assert [line.split(",")[0] for line in error["summary"].split("\n")] == [
        "redis needs is-even",
        "redis needs is-odd",
    ]
    assert "install" in error["detail"]
    assert done.err.count("linkpack: error EBUNDLEMISSING: ") == 2


def test_a_failure(run: Callable[..., Done], blog: Path) -> None:
    """A failure leaves stdout empty and exits 1; stderr says what is wrong and what to do."""
    (blog / "node_modules" / "redis").unlink()
    done = run()
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("linkpack: error EBUNDLEMISSING: the project needs redis, which is not installed")
    assert "\n  run your package manager's install" in done.err
    assert listing(blog) == ["README.md", "index.js", "node_modules", "package.json"]


@pytest.mark.parametrize(
    "args",
    [
        ("--nope",),
        ("--npm-rules", "10"),
        ("--npm-rules", "latest"),
        ("--npm-rules",),
        ("--specs", "guess"),
        ("--json-format", "npm10"),
        ("--dry-run=1",),
    ],
)
@pytest.mark.usefixtures("blog")
def test_usage_errors(args: tuple[str, ...], run: Callable[..., Done]) -> None:
    """A wrong command line exits 2 with the usage on stderr and nothing on stdout."""
    done = run(*args)
    assert (done.status, done.out) == (2, "")
    assert "Error: " in done.err
    assert args[-1].split("=")[0] in done.err


def test_destinations(run: Callable[..., Done], blog: Path, tmp_path: Path) -> None:
    """A destination is made with its parents; stdout has the bare file name, as npm's, or with --out the path."""
    assert run("--pack-destination", "a/b").out == "blog-1.0.0.tgz\n"
    there = tmp_path / "c" / "d" / "blog@1.0.0.tgz"
    assert run("-q", "--pack-destination", str(tmp_path / "c"), "--out", "d/%s@%v.tgz").out == f"{there}\n"
    assert run("-q", "--out", "./e/%s.tgz").out == "e/blog.tgz\n"
    several = run("-q", "--out", "f/%s.tgz", ".", "../redis", "-j", "1").out
    assert several == "f/blog.tgz\nf/redis.tgz\n"
    assert all((blog / path).is_file() for path in several.split())
    assert (blog / "a" / "b" / "blog-1.0.0.tgz").is_file()
    assert (tmp_path / "c" / "d" / "blog@1.0.0.tgz").is_file()


def test_an_unusable_destination(run: Callable[..., Done], blog: Path) -> None:
    """A destination that is a file, below one, or read-only is an error that names it; nothing is left."""
    locked = blog.parent / "locked"
    locked.mkdir(mode=0o555)
    # root may write anywhere but to a file system that takes no files
    for destination in ("index.js", "index.js/x", "/proc" if os.geteuid() == 0 else str(locked)):
        done = run("--pack-destination", destination)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith(f"linkpack: error EWRITE: {destination}")
    assert listing(locked) == []


def test_a_destination_inside_the_package(run: Callable[..., Done], blog: Path) -> None:
    """The tarball of an earlier run, inside the package, is left out, and the second run says no more of it."""
    first = run("--json", "--pack-destination", "dist").json[0]
    done = run("--json", "--pack-destination", "dist")
    assert done.json[0]["integrity"] == first["integrity"]
    assert "WOWNTARBALL" not in done.err
    done = run("--pack-destination", str(blog))
    assert done.out == "blog-1.0.0.tgz\n"
    assert "WOWNTARBALL: left out, as earlier outputs of linkpack by name: dist/blog-1.0.0.tgz\n" in done.err


def test_standard_error_may_be_a_file_of_the_package(blog: Path) -> None:
    """Warnings are told when the files have been read: what takes them may be one of these files."""
    (blog / "blog-0.9.0.tgz").touch()
    command = [sys.executable, "-m", "linkpack", "pack", "--pack-destination", str(blog.parent / "out")]
    with (blog / "err").open("w") as err, (blog / "out.txt").open("w") as out:
        assert subprocess.run(command, cwd=blog, stdout=out, stderr=err, check=False).returncode == 0
    assert "WOWNTARBALL" in (blog / "err").read_text(encoding="utf-8")


def test_several_folders(run: Callable[..., Done], blog: Path) -> None:
    """Several folders give a line each, in the order asked for, and one JSON document."""
    both = ("../redis", ".", "--pack-destination", "../out")
    assert run(*both).out == "redis-3.1.2.tgz\nblog-1.0.0.tgz\n"
    assert [each["name"] for each in run("--json", *both).json] == ["redis", "blog"]
    assert list(run("--json", "--json-format", "npm12", *both).json) == ["redis", "blog"]
    assert listing(blog.parent / "out") == ["blog-1.0.0.tgz", "redis-3.1.2.tgz"]


@pytest.mark.usefixtures("blog")
def test_several_folders_into_one_of_them(run: Callable[..., Done]) -> None:
    """What a run writes into a package that it packs as well is no part of that package, now or the next time."""
    first = [each["integrity"] for each in run("--json", "../redis", ".").json]
    done = run("--json", "../redis", ".")
    assert [each["integrity"] for each in done.json] == first
    assert "WOWNTARBALL" not in done.err


def test_all_are_planned_before_one_is_written(run: Callable[..., Done], blog: Path) -> None:
    """When one of several folders cannot be packed none is, and no destination is made."""
    assert run("--pack-destination", "out", ".", "../nowhere").status == 1
    assert not (blog / "out").exists()


@pytest.mark.parametrize("args", [(".", "."), (".", "../redis", "--out", "same.tgz")])
def test_one_name_for_two_packages(args: tuple[str, ...], run: Callable[..., Done], blog: Path) -> None:
    """Two packages that would be written to one file are refused, before anything is written."""
    before = listing(blog)
    done = run(*args)
    assert (done.status, "EOUTSAME" in done.err) == (1, True)
    assert listing(blog) == before


def test_without_a_folder_the_project_above_is_packed(
    run: Callable[..., Done], blog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a folder of the project the project is packed; naming that folder asks for that folder."""
    (blog / "lib").mkdir()
    monkeypatch.chdir(blog / "lib")
    assert run("-q").out == "blog-1.0.0.tgz\n"
    assert run(".").status == 1
    assert listing(blog / "lib") == ["blog-1.0.0.tgz"]


def test_specs(run: Callable[..., Done], blog: Path) -> None:
    """--specs keep ships the manifest as it is, error refuses, and resolve is the default."""
    assert "file:../redis  -> 3.1.2" in run("--dry-run").err
    assert run("--specs", "error").status == 1
    assert run("--specs", "keep").status == 0
    raw = read_packed(blog / "blog-1.0.0.tgz").files["package.json"]
    assert raw == (blog / "package.json").read_bytes()


def test_allow_missing(run: Callable[..., Done], blog: Path) -> None:
    """--allow-missing makes an error a warning."""
    (blog / "node_modules" / "redis").unlink()
    done = run("--allow-missing", "--specs", "keep")
    assert (done.status, "warning WBUNDLEMISSING" in done.err) == (0, True)


@pytest.mark.usefixtures("blog")
def test_rules(run: Callable[..., Done]) -> None:
    """The rules used are in the JSON; a version stands for its edition, and the newest is the default."""
    used = [
        run("--json", "--dry-run", *args).json[0]["linkpack"]["npmRules"]
        for args in ((), ("--npm-rules", "11"), ("--npm-rules", "11.19.1"), ("--npm-rules=99",))
    ]
    assert used == ["12", "11", "11", "12"]


def test_scripts_run_unless_ignored(run: Callable[..., Done], blog: Path) -> None:
    """Lifecycle scripts run as with npm, unless a flag says otherwise."""
    fields = json.loads((blog / "package.json").read_text(encoding="utf-8"))
    fields["scripts"] = dict.fromkeys(("prepack", "prepare", "postpack"), "touch ran")
    (blog / "package.json").write_text(json.dumps(fields), encoding="utf-8")
    for args, ran in ((("--ignore-scripts",), False), ((), True), (("--no-ignore-scripts",), True)):
        assert run(*args).status == 0
        assert (blog / "ran").exists() is ran
        (blog / "ran").unlink(missing_ok=True)


def test_help_and_version() -> None:
    """Help and version are data: on stdout, with exit 0."""
    runner = CliRunner()
    helped = runner.invoke(linkpack, ["pack", "-h"])
    assert (helped.exit_code, "--pack-destination DIR" in helped.stdout) == (0, True)
    assert runner.invoke(linkpack, ["--version"]).stdout == f"{__version__}\n"
    assert runner.invoke(linkpack, ["nope"]).exit_code == 2


@pytest.mark.usefixtures("blog")
def test_the_readmes_example(run: Callable[..., Done]) -> None:
    """What the README shows of a run is what the run prints."""
    readme = (FIXTURES.parent / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("$ linkpack pack\n")[2].partition("```")[0].splitlines()
    done = run()
    printed = (done.err + done.out).splitlines()
    at = shown.index("...")
    assert printed[:at] == shown[:at]
    assert printed[at - len(shown) + 1 :] == shown[at + 1 :]


def test_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Done]) -> None:
    """Selectors are read from --bundle, which can be given again; with workspaces each worker gets them."""
    text = (FIXTURES / "trees" / "ship" / "members.txt").read_text(encoding="utf-8")
    root = parse_tree(text, "members").write_to(tmp_path / "tree")
    monkeypatch.chdir(root / "packages/app")
    done = run("--json", "--dry-run", "--bundle", "private", "--bundle", "!@mono/util,left")
    (packed,) = json.loads(done.out)
    assert packed["linkpack"]["layout"] == "vendor"
    assert [package["name"] for package in packed["linkpack"]["snapshots"]] == ["@mono/core"]
    monkeypatch.chdir(root)
    done = run("--json", "--dry-run", "--workspaces", "--jobs", "2", "--bundle", "private")
    inside = {packed["name"]: len(packed["linkpack"]["snapshots"]) for packed in json.loads(done.out)}
    assert inside == {"app": 2, "@mono/open": 0}
    assert run("--bundle", "pri vate").status == 1
