"""`linkpack why`: the rule that decides, where it stands, and who pulls a package in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from linkpack.cli.main import linkpack
from linkpack.errors import LinkpackError
from linkpack.explaining.why import explain
from linkpack.packing.options import PackOptions
from linkpack.packing.plan import plan_pack
from linkpack.report.why import answer_text
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.packlist.packlist import Edition

NPM12 = PackOptions(npm_rules="12")

TREE = """
-- .npmignore --
*.outer
-- package.json --
{"workspaces": ["app", "bare"]}
-- app/package.json --
{
  "name": "app",
  "version": "1.0.0",
  "main": "./build/main.js",
  "browser": "build/web.js",
  "bin": {
    "run": "bin/run.js"
  },
  "dependencies": {"redis": "^3.1.2", "left": "1"},
  "devDependencies": {"dev": "1"},
  "bundleDependencies": ["redis", "hole"]
}
-- app/.npmignore --
# what is built
build
*.log
!keep.log
bin
-- app/README.md --
-- app/.npmrc --
-- app/build/main.js --
-- app/build/web.js --
-- app/build/other.js --
-- app/bin/run.js --
-- app/lib/index.js --
-- app/lib/.npmignore --
deep.js
-- app/lib/deep.js --
-- app/a.log --
-- app/keep.log --
-- app/logs/x.log --
-- app/star*.js --
-- app/s*r/x.js --
-- app/away -> nowhere --
-- app/app-1.0.0.tgz --
-- app/node_modules/redis -> ../../redis --
-- app/node_modules/left/package.json --
{"name": "left", "version": "1.0.0"}
-- app/node_modules/dev/package.json --
{"name": "dev", "version": "1.0.0"}
-- app/node_modules/@s/stray/index.js --
-- redis/package.json --
{
  "name": "redis",
  "version": "3.1.2",
  "bin": "cli.js",
  "files": [
    "./lib",
    "docs/*",
    "!lib/not.js",
    "one.js"
  ],
  "dependencies": {"is-odd": "^3.0.0", "odd2": "npm:is-odd@3"}
}
-- redis/cli.js --
-- redis/one.js --
-- redis/lib/index.js --
-- redis/lib/not.js --
-- redis/docs/a.md --
-- redis/test/index.js --
-- redis/node_modules/is-odd/package.json --
{"name": "is-odd", "version": "3.0.1", "directories": {"bin": "cmd"}, "files": []}
-- redis/node_modules/is-odd/cmd/odd.js --
-- redis/node_modules/is-odd/index.js --
-- redis/node_modules/odd2 -> is-odd --
-- bare/package.json --
{"name": "bare", "version": "1.0.0"}
-- bare/lib/a.outer --
-- other/index.js --
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the tree."""
    return parse_tree(TREE, "why").write_to(tmp_path_factory.mktemp("why") / "t") / "app"


def told(app: Path, path: str, edition: Edition = "12") -> tuple[str, str]:
    """The first two lines of the text about *path*."""
    answer = explain(str(app), path, PackOptions(npm_rules=edition), walk_up=False)
    first, second, *_ = [*answer_text(answer).splitlines(), ""]
    return first, second.strip()


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("README.md", "README.md ships", "npm always ships it: !/readme{,.*[^~$]}"),
        ("package.json", "package.json ships", "npm always ships it: !/package.json"),
        (".npmrc", ".npmrc does not ship", "npm never packs it: .npmrc"),
        (".npmignore", ".npmignore does not ship", "npm never packs it: .npmignore"),
        ("build/main.js", "build/main.js ships", "always ships: it is main: ./build/main.js (package.json:4)"),
        ("build/web.js", "build/web.js ships", "always ships: it is browser: build/web.js (package.json:5)"),
        ("build", "build ships, with 3 files", "always ships: it is main: ./build/main.js (package.json:4)"),
        ("build/other.js", "build/other.js ships",
         "its folder build/ is ignored, but opened for what is forced in, whole: build (.npmignore:2)"),
        ("bin/run.js", "bin/run.js ships", "always ships: it is bin run: bin/run.js (package.json:7)"),
        ("lib/index.js", "lib/index.js ships", "no rule excludes it"),
        ("lib/deep.js", "lib/deep.js does not ship", "excluded by: deep.js (lib/.npmignore:1)"),
        ("a.log", "a.log does not ship", "excluded by: *.log (.npmignore:3)"),
        ("keep.log", "keep.log ships", "taken back by: !keep.log (.npmignore:4)"),
        ("logs", "logs does not ship", "nothing in it ships"),
        ("lib", "lib ships, with 1 file", "no rule excludes it"),
        ("star*.js", "star*.js does not ship", "a * in the name"),
        ("s*r/x.js", "s*r/x.js does not ship", "a * in the name"),
        ("redis", "redis@3.1.2 ships, with 5 files", 'left out: lib/not.js ("files": !lib/not.js)'),
        ("away", "away does not ship", "a link to nowhere, which leads nowhere"),
        ("app-1.0.0.tgz", "app-1.0.0.tgz does not ship", "named like an earlier output of linkpack"),
        ("../redis/cli.js",
         "cli.js of redis@3.1.2 ships",
         "always ships: it is bin redis: cli.js (../redis/package.json:4)"),
        ("../redis/lib/index.js",
         "lib/index.js of redis@3.1.2 ships", 'named in "files": ./lib (../redis/package.json:6)'),
        ("../redis/lib",
         "lib of redis@3.1.2 ships, with 1 file", 'named in "files": ./lib (../redis/package.json:6)'),
        ("../redis/docs/a.md",
         "docs/a.md of redis@3.1.2 ships", 'named in "files": docs/* (../redis/package.json:7)'),
        (
            "../redis/lib/not.js",
            "lib/not.js of redis@3.1.2 does not ship",
            'taken out by "files": !lib/not.js (../redis/package.json:8)',
        ),
        ("../redis/one.js", "one.js of redis@3.1.2 ships", 'named in "files": one.js (../redis/package.json:9)'),
        ("../redis/test", "test of redis@3.1.2 does not ship", 'not named in "files" (../redis/package.json:5)'),
        (
            "../redis/test/index.js",
            "test/index.js of redis@3.1.2 does not ship",
            'its folder test/ does not ship: not named in "files" (../redis/package.json:5)',
        ),
        (
            "node_modules/redis/node_modules/is-odd/cmd/odd.js",
            "cmd/odd.js of is-odd@3.0.1 ships",
            "always ships: it is in directories.bin: cmd (../redis/node_modules/is-odd/package.json:1)",
        ),
        (
            "package/node_modules/redis/lib/index.js",
            "lib/index.js of redis@3.1.2 ships",
            'named in "files": ./lib (../redis/package.json:6)',
        ),
        (".", "app@1.0.0 ships, with 8 files", "left out: .npmignore (never packed: .npmignore)"),
        (
            "is-odd",
            "is-odd@3.0.1 ships, with 3 files",
            "is-odd@3.0.1 is installed in ../redis/node_modules/is-odd",
        ),
        (
            "node_modules/redis/node_modules/is-odd/index.js",
            "index.js of is-odd@3.0.1 ships",
            "installed: ships as it was published",
        ),
        ("left",
         "left does not ship",
         "bundleDependencies does not name it: who installs the package gets it through dependencies"),
        ("node_modules/dev/package.json",
         "package.json of dev does not ship", "devDependencies are never bundled"),
        ("node_modules/@s/stray/index.js",
         "index.js of @s/stray does not ship", "no package of the bundle needs it"),
    ],
)  # fmt: skip
def test_the_answer_names_the_rule_and_its_line(app: Path, path: str, first: str, second: str) -> None:
    """The answer says whether the path ships, by which rule, and on which line of which file that stands."""
    assert told(app, path) == (first, second)


def test_an_ignore_file_around_a_workspace_member_counts(app: Path) -> None:
    """The rule of an ignore file above the package is named with that file's path."""
    bare = app.with_name("bare")
    assert told(bare, "lib/a.outer")[1] == f"excluded by: *.outer ({app.parent}/.npmignore:1)"


@pytest.mark.parametrize(
    ("path", "second"),
    [
        ("../redis/lib/index.js", 'named in "files": ./lib (../redis/package.json:6)'),
        ("../redis/docs/a.md", 'named in "files": docs/* (../redis/package.json:7)'),
        ("../redis/one.js", 'named in "files": one.js (../redis/package.json:9)'),
    ],
)
def test_npm_11s_rules_are_named_by_their_entry(app: Path, path: str, second: str) -> None:
    """What npm 11 makes of an entry of `files` is told as the entry that it came from."""
    assert told(app, path, "11")[1] == second


def test_an_entry_of_several_lines(tmp_path: Path) -> None:
    """Where the rule is no entry of `files` (npm 11 cuts entries at line ends) the field's line is told."""
    (tmp_path / "package.json").write_text(
        '{"name": "a", "version": "1.0.0",\n"files": ["x\\n!a.js"]}', encoding="utf-8"
    )
    (tmp_path / "a.js").touch()
    assert told(tmp_path, "a.js", "11") == ("a.js ships", 'named in "files": !a.js (package.json:2)')


def test_a_bundled_package_has_its_chains_and_places(app: Path) -> None:
    """A bundled package is told with its source, its places in the tarball, and each way to it."""
    text = answer_text(explain(str(app), "is-odd", NPM12, walk_up=False))
    assert text.splitlines()[1:] == [
        "is-odd@3.0.1 is installed in ../redis/node_modules/is-odd",
        "  in the tarball: package/node_modules/redis/node_modules/is-odd, package/node_modules/odd2",
        "  pulled in: app@1.0.0 -> redis@3.1.2 -> is-odd@3.0.1",
        "  pulled in: app@1.0.0 -> redis@3.1.2 -> is-odd@3.0.1",
    ]


@pytest.mark.parametrize(("path", "code"), [("nothing", "ENOPATH"), ("package/node_modules/redis/no", "ENOPATH"),
                                           ("../other/index.js", "EOUTSIDE"), ("a\0b", "ENOPATH")])  # fmt: skip
def test_a_path_that_is_nowhere_is_an_error(app: Path, path: str, code: str) -> None:
    with pytest.raises(LinkpackError) as caught:
        explain(str(app), path, NPM12, walk_up=False)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["linked", "workspace-ignores", "symlinks-in-package", "plain", "peer-in-bundle"])
def test_the_answers_agree_with_the_plan(name: str, tmp_path: Path) -> None:
    """Of every file in the tarball `why` says that it ships there, and of every omission that it does not."""
    tree = parse_tree((FIXTURES / "trees" / "pack" / f"{name}.txt").read_text(encoding="utf-8"), name)
    start = str(tree.write_to(tmp_path / "t") / (tree.settings("pack") or ["blog"])[0])
    plan = plan_pack(start)
    for entry in plan.entries:
        answer = explain(start, entry.path.removeprefix("package/"), NPM12, walk_up=False)
        assert (answer.ships, entry.path in answer.tarball) == (True, True)
        assert answer.ruling is not None
        assert answer.ruling.keeps
    for each in plan.omissions:
        answer = explain(start, each.path.rstrip("/"), NPM12, walk_up=False)
        assert not answer.ships
        assert answer.reason or (answer.ruling is not None and not answer.ruling.keeps)


def test_a_bundle_that_no_tree_holds(tmp_path: Path) -> None:
    """Where the bundle cannot be packed, the rules are told all the same; there are no places."""
    tree = parse_tree((FIXTURES / "trees" / "pack" / "store-ring.txt").read_text(encoding="utf-8"), "")
    start = str(tree.write_to(tmp_path / "t") / (tree.settings("pack") or ["blog"])[0])
    answer = explain(start, "package.json", NPM12, walk_up=False)
    assert (answer.ships, answer.slots, answer.tarball) == (True, (), ())


def test_a_file_that_cannot_be_packed(tmp_path: Path) -> None:
    """A file that the rules keep and no tarball may hold is told with the problem."""
    (tmp_path / "package.json").write_text('{"name": "a", "version": "1.0.0"}', encoding="utf-8")
    for name in ("a\\b", "b\\c"):
        (tmp_path / name).touch()
    answer = explain(str(tmp_path), "b\\c", NPM12, walk_up=False)
    assert (answer.ships, answer.reason) == (False, "the name b\\c has a backslash")


def test_a_patch_that_npm_applies(tmp_path: Path) -> None:
    """The files of patchedDependencies are left out by npm 12, and the answer says why."""
    (tmp_path / "package.json").write_text(
        '{"name": "a", "version": "1.0.0",\n"patchedDependencies": {"w": "q.patch", "x": "./p.patch"}}',
        encoding="utf-8",
    )
    (tmp_path / "p.patch").touch()
    assert told(tmp_path, "p.patch") == (
        "p.patch does not ship",
        "npm 12 leaves out what patchedDependencies names: ./p.patch (package.json:2)",
    )


def run(*args: str) -> tuple[int, str]:
    """Exit status and standard output of the command."""
    done = CliRunner().invoke(linkpack, ["why", *args])
    return done.exit_code, done.stdout


def test_the_command(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path is taken from the current directory, or from the folder that -C names; a folder below finds up."""
    assert run("keep.log", "-C", str(app))[1].startswith("keep.log ships\n")
    monkeypatch.chdir(app / "lib")
    assert run("index.js")[1].startswith("lib/index.js ships\n")
    assert run("../keep.log", "--npm-rules", "11")[1].startswith("keep.log ships\n")


def test_json_names_the_rulings_file_from_the_project(app: Path) -> None:
    """With --json the answer is an object, with the ruling's file relative to the project."""
    status, out = run("node_modules/redis/lib/index.js", "--json", "-C", str(app))
    found: dict[str, Any] = json.loads(out)
    assert status == 0
    assert found["tarball"] == ["package/node_modules/redis/lib/index.js"]
    assert found["ruling"] == {
        "keeps": True,
        "about": "lib/index.js",
        "why": 'named in "files"',
        "text": "./lib",
        "source": "../redis/package.json",
        "line": 6,
    }
    assert found["chains"] == [
        [{"label": "app@1.0.0", "section": "dependencies", "name": "redis", "spec": "^3.1.2"}]
    ]
    assert json.loads(run("left", "--json", "-C", str(app))[1])["ruling"] is None


def test_a_failure_is_reported_as_by_other_commands(app: Path) -> None:
    """An error is told as by the other commands, with --json on standard output too; unknown rules are misuse."""
    assert json.loads(run("nothing", "--json", "-C", str(app))[1])["error"]["code"] == "ENOPATH"
    assert run("nothing", "-C", str(app)) == (1, "")
    assert run("lib", "--npm-rules", "1")[0] == 2


def test_long_answers_are_cut(tmp_path: Path) -> None:
    """The text lists twenty omissions and says how many more there are."""
    (tmp_path / "package.json").write_text('{"name": "a", "version": "1.0.0", "files": []}', encoding="utf-8")
    for number in range(25):
        (tmp_path / f"{number}.js").touch()
    lines = answer_text(explain(str(tmp_path), ".", NPM12, walk_up=False)).splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  and 5 more paths left out (--json lists them)"


@pytest.fixture(name="site")
def make_site(tmp_path: Path) -> Path:
    """The project of the pipeline tests: two linked packages, and two of a registry."""
    text = (FIXTURES / "trees" / "ship" / "site.txt").read_text(encoding="utf-8")
    return parse_tree(text, "site").write_to(tmp_path / "tree") / "site"


@pytest.mark.parametrize(
    ("layout", "path", "lines"),
    [
        ("bundle", "shout", ["in the tarball: package/node_modules/shout"]),
        ("vendor", "shout", ["in the tarball: package/vendor/shout"]),
        ("vendor", "../words/index.js", ["index.js of @site/words@0.2.0 ships",
                                         "in the tarball: package/vendor/@site/words/index.js"]),
        ("vendor", "package/vendor/left/index.js", ["index.js of left@1.2.3 ships"]),
        ("thin", "shout/index.js", []),
        ("thin", "@site/words", ["in the tarball: package/vendor/@site/words"]),
        ("thin", "left", ["left@1.2.3 does not ship",
                          "in the thin layout the consumer gets this package from the registry"]),
        ("thin", "node_modules/left/index.js", ["index.js of left@1.2.3 does not ship"]),
    ],
)  # fmt: skip
def test_the_places_are_those_of_the_layout(site: Path, layout: str, path: str, lines: list[str]) -> None:
    """The places are those of the layout, and what the thin one leaves to the registry does not ship."""
    if path == "shout/index.js":
        path = "../shout/index.js"
        lines = ["in the tarball: package/vendor/shout/index.js"]
    done = CliRunner().invoke(linkpack, ["why", "-C", str(site), path, "--layout", layout])
    assert set(lines) <= {line.strip() for line in done.stdout.splitlines()}, done.output


def test_a_layout_that_cannot_be(tmp_path: Path) -> None:
    """Where a flat folder cannot hold the bundle there is an answer all the same."""
    tree = parse_tree(
        """
-- app/package.json --
{"name": "app", "version": "1.0.0", "dependencies": {"a": "1", "b": "1"}, "bundleDependencies": true}
-- app/node_modules/a/package.json --
{"name": "a", "version": "1.0.0", "dependencies": {"b": "2"}}
-- app/node_modules/a/node_modules/b/package.json --
{"name": "b", "version": "2.0.0"}
-- app/node_modules/b/package.json --
{"name": "b", "version": "1.0.0"}
""",
        "conflict",
    )
    folder = tree.write_to(tmp_path / "t") / "app"
    assert explain(str(folder), "a", NPM12._replace(layout="vendor"), walk_up=False).slots == ("vendor/a",)


def test_publish_config(tmp_path: Path) -> None:
    """Where publishConfig names a folder, that is the project, and what lies beside it is passed over."""
    tree = parse_tree(
        """
-- app/package.json --
{"name": "app", "version": "1.0.0", "publishConfig": {"directory": "dist"}}
-- app/src/index.js --
-- app/dist/package.json --
{"name": "app", "version": "1.0.0", "main": "m.js"}
-- app/dist/m.js --
-- app/node_modules/x/package.json --
{"name": "x", "version": "1.0.0"}
""",
        "published",
    )
    folder = str(tree.write_to(tmp_path / "t") / "app")

    def asked(path: str, *more: str) -> list[str]:
        done = CliRunner().invoke(linkpack, ["why", "-C", folder, path, *more])
        return [line.strip() for line in done.stdout.splitlines()]

    assert asked("dist/m.js", "--publish-config")[:2] == [
        "m.js ships",
        "always ships: it is main: m.js (package.json:1)",
    ]
    passed = ["src/index.js does not ship", "publishConfig.directory has dist packed instead (--publish-config)"]
    assert asked("src/index.js", "--publish-config") == passed
    assert asked("src", "--publish-config")[0] == "src does not ship"
    assert asked("src/index.js")[0] == "src/index.js ships"
    for path in (".", "gone.js", "node_modules/x"):
        done = CliRunner().invoke(linkpack, ["why", "-C", folder, path, "--publish-config"])
        assert isinstance(done.exception, LinkpackError), path


ASKERS, FETCHED = "@mono/core@0.1.0, @mono/util@0.2.0", "consumers get it from a registry"


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("@mono/core", ["bundled by --bundle private", "in the tarball: package/vendor/@mono/core"]),
        ("@mono/util", ["bundled by --bundle private"]),
        ("../core/index.js", ["index.js of @mono/core@0.1.0 ships"]),
        ("right", ["right does not ship", f"no selector takes it: {ASKERS} ask for it, and {FETCHED}"]),
    ],
)
def test_selectors(tmp_path: Path, path: str, lines: list[str]) -> None:
    """The answer names the selector that took a package, or who asks for one that none took."""
    text = (FIXTURES / "trees" / "ship" / "members.txt").read_text(encoding="utf-8")
    app = parse_tree(text, "members").write_to(tmp_path / "tree") / "packages/app"
    done = CliRunner().invoke(linkpack, ["why", "-C", str(app), path, "--bundle", "private"])
    assert set(lines) <= {line.strip() for line in done.stdout.splitlines()}, done.output
