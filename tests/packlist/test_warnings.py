"""What a user wants to know before the upload is said once, with the file or rule that it is about."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from linkpack import plan_pack
from linkpack.npm.manifest import parse_manifest
from linkpack.packlist.editions import NPM_RULES
from linkpack.packlist.packlist import PackageFolder, read_packlist

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from linkpack.errors import Problem
    from linkpack.packlist.npm_rules import Edition


class Tree(NamedTuple):
    """Files by name, texts by path, and the fields of the manifest besides name and version."""

    files: str
    texts: Mapping[str, str] = {}
    fields: Mapping[str, object] = {}

    def lay(self, root: Path) -> Path:
        """Lay the tree out in the directory *root*; a name with a slash at its end is an empty folder."""
        for path in (*self.files.split(), *self.texts):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            if path.endswith("/"):
                (root / path).mkdir()
            else:
                (root / path).write_text(self.texts.get(path, ""), encoding="utf-8")
        (root / "package.json").write_text(json.dumps({"name": "p", "version": "1.0.0", **self.fields}))
        return root


def told(warnings: Iterable[Problem], root: Path) -> list[str]:
    """Code and message of each warning, paths relative to *root*."""
    return [f"{each.code} {each.message}".replace(f"{root}/", "") for each in warnings]


def lines(text: str) -> list[str]:
    """The warnings in *text*, one a line; an indented line goes on."""
    return re.sub(r"\n +", " ", text.strip("\n")).split("\n") if text else []


CASES: dict[str, tuple[Tree, str]] = {
    # Exceptions below an ignored folder.
    "an exception lets in the other files of a folder": (
        Tree(
            "config/example.json config/local.json config/sub/x a.js",
            {".gitignore": "config/\n!config/example.json\n"},
        ),
        """
WOPENED config/ is ignored (.gitignore:1: config/), but ships because of .gitignore:2: !config/example.json:
  with it config/local.json and 1 more
""",
    ),
    "an exception for all that there is": (
        Tree("config/example.json", {".gitignore": "config/\n!config/*.json\n"}),
        "",
    ),
    "an exception to rules for files": (
        Tree("config/example.json config/local.json", {".gitignore": "config/*\n!config/example.json\n"}),
        "",
    ),
    "an exception for the folder itself": (
        Tree("dist/a.js dist/b.js src/c.js", {".npmignore": "*\n!dist\n!dist/**\n"}),
        "",
    ),
    "several exceptions": (
        Tree("dist/a.js dist/b.js dist/c.js", {".npmignore": "/*\n!/dist/a.js\n!/dist/b.js\n"}),
        """
WOPENED dist/ is ignored (.npmignore:1: /*), but ships because of .npmignore:3: !/dist/b.js: with it dist/c.js
""",
    ),
    "exceptions in a folder's own ignore file": (
        Tree("lib/x/a.js lib/x/b.js", {"lib/.gitignore": "x\n!x/a.js\n"}),
        """
WOPENED lib/x/ is ignored (lib/.gitignore:1: x), but ships because of lib/.gitignore:2: !x/a.js:
  with it lib/x/b.js
""",
    ),
    "main in an ignored folder": (
        Tree("dist/a.js dist/b.js", {".npmignore": "dist\n"}, {"main": "./dist/a.js"}),
        "WFORCED dist/ is ignored (.npmignore:1: dist), but ships because dist/a.js is forced in",
    ),
    "main in a folder that exceptions open": (
        Tree("dist/x/a.js dist/x/b.js", {".npmignore": "*\n!dist/**/*\n"}, {"main": "dist/x/a.js"}),
        "",
    ),
    "an exception in another ignore file": (
        Tree("lib/x/a.js lib/x/b.js", {".npmignore": "x\n", "lib/.npmignore": "!x/a.js\n"}),
        """
WOPENED lib/x/ is ignored (.npmignore:1: x), but ships because of lib/.npmignore:1: !x/a.js: with it lib/x/b.js
""",
    ),
    "main alone in an ignored folder": (
        Tree("dist/a.js", {".npmignore": "dist\n"}, {"main": "dist/a.js"}),
        "",
    ),
    # Entries of `files`.
    "entries that match nothing": (
        Tree("a.js", {}, {"files": ["a.js", "typo/", "**/*.nothing", "!nor/this"]}),
        """
WFILES "files": nothing matches typo/, **/*.nothing
""",
    ),
    "an entry whose files are ignored": (
        Tree("pkg/a.js pkg/a.wasm b.js", {"pkg/.gitignore": "*\n"}, {"files": ["pkg", "b.js"]}),
        'WFILES "files": pkg: nothing of it ships: pkg/a.js is left out (pkg/.gitignore:1: *)',
    ),
    "an entry of which nothing but an ignore file is there": (
        Tree("b.js", {"pkg/.gitignore": "*\n"}, {"files": ["pkg", "b.js"]}),
        'WFILES "files": pkg: nothing of it ships: pkg/.gitignore is left out (pkg/.gitignore:1: *)',
    ),
    "an entry in a folder that is ignored": (
        Tree("lib/x/y/a.js b.js", {"lib/.npmignore": "x\n"}, {"files": ["lib/x/y", "b.js"]}),
        'WFILES "files": lib/x/y: nothing of it ships: lib/x/ is left out (lib/.npmignore:1: x)',
    ),
    "an empty folder": (
        Tree("a.js dist/", {}, {"files": ["dist", "a.js"]}),
        'WFILES "files": dist: no file is in it',
    ),
    "what is never packed": (
        Tree("a.js package-lock.json", {}, {"files": ["a.js", "package-lock.json"]}),
        """
WFILES "files": package-lock.json: nothing of it ships:
  package-lock.json is left out (never packed: /package-lock.json)
""",
    ),
    "entries that say the same, what always ships, and no entry": (
        Tree(
            "lib/a.js README.md LICENSE",
            {},
            {"files": ["lib", "lib/", "lib/**", "./lib/a.js", "package.json", "README.md", "LICENS*"]},
        ),
        "",
    ),
    "nothing in files": (Tree("a.js", {}, {"files": []}), ""),
    # Names that npm takes for something else.
    "a folder of sources called cvs": (
        Tree("src/cvs/parse.js src/a.js", {}, {"files": ["src"]}),
        "WBUILTIN src/cvs/ is left out, by its name: npm takes it for a folder of CVS (**/CVS/**)",
    ),
    "a folder of CVS": (Tree("src/CVS/Entries src/CVS/Repository src/CVS/Root src/a.js"), ""),
    "a command called cvs": (
        Tree("bin/cvs"),
        "WBUILTIN bin/cvs is left out, by its name: npm takes it for a folder of CVS (**/CVS)",
    ),
    "files that name a folder called cvs, told once": (
        Tree("src/cvs/parse.js a.js", {}, {"files": ["src", "a.js"]}),
        "WBUILTIN src/cvs/ is left out, by its name: npm takes it for a folder of CVS (**/CVS/**)",
    ),
    "an archive": (
        Tree("lib/archived-packages/a.js"),
        """
WBUILTIN lib/archived-packages/ is left out, by its name:
  npm takes it for npm's own archive (/archived-packages/**)
""",
    ),
    "a config.gypi of its own": (
        Tree("build/x.js", {"build/config.gypi": "{'variables': {}}\n"}),
        """
WBUILTIN build/config.gypi is left out, by its name:
  npm takes it for what node-gyp writes (/build/config.gypi)
""",
    ),
    "a config.gypi of node-gyp": (
        Tree("build/x.js", {"build/config.gypi": "# Do not edit. File was generated by node-gyp's x\n{}\n"}),
        "",
    ),
    "what is left out on purpose": (
        Tree(".git/HEAD a.orig .DS_Store npm-debug.log ._x .npmrc x.js yarn.lock node_modules/y/i.js .svn/x"),
        "",
    ),
}


@pytest.mark.parametrize("edition", NPM_RULES)
@pytest.mark.parametrize("name", CASES)
def test_each_tree_gives_its_warnings_and_no_others(name: str, edition: Edition, tmp_path: Path) -> None:
    """Each tree gives its warnings, and no others."""
    tree, wanted = CASES[name]
    root = tree.lay(tmp_path)
    manifest = parse_manifest((root / "package.json").read_bytes(), "package.json", "root")
    packlist = read_packlist(PackageFolder(str(root), manifest, "root", edition))
    assert packlist.problems == ()
    assert told(packlist.warnings, root) == lines(wanted)


def workspace(root: Path, manager: str, ignored: str, member: Tree) -> Path:
    """A workspace of *manager* with *ignored* as its .gitignore and a member in packages/m."""
    fields: dict[str, object] = {"name": "r", "private": True, "packageManager": f"{manager}@1.0.0"}
    if manager == "pnpm":
        (root / "pnpm-workspace.yaml").write_text("packages: ['packages/*']\n")
    else:
        fields["workspaces"] = ["packages/*"]
    (root / "package.json").write_text(json.dumps(fields))
    (root / ".gitignore").write_text(ignored)
    return member.lay(root / "packages" / "m")


AROUND: dict[str, tuple[str, str, Tree, str]] = {
    "an anchored line that drops a folder": (
        "npm",
        "/build\n",
        Tree("build/a.js lib/build/b.js"),
        """
WANCHORED ../../.gitignore:1: /build is read by npm from this package's folder, not from its own:
  build/ is left out
""",
    ),
    "an anchored line that lets a secret in": (
        "npm",
        "# c\npackages/m/secret\n",
        Tree("secret/key secret/other a.js"),
        """
WANCHORED ../../.gitignore:2: packages/m/secret is read by npm from this package's folder, not from its own:
  secret/key and 1 more are shipped
""",
    ),
    "pnpm reads both alike": (
        "pnpm",
        "/build\npackages/*/secret/\n",
        Tree("build/a.js secret/key a.js"),
        """
WANCHORED ../../.gitignore:1: /build is read by pnpm from this package's folder, not from its own:
  build/ is left out
WANCHORED ../../.gitignore:2: packages/*/secret/ is read by pnpm from this package's folder, not from its own:
  secret/key is shipped
WPACKERS pnpm, the manager of this workspace, leaves out build/a.js (../../.gitignore:1: /build);
  npm would ship it
""",
    ),
    "lines that mean the same from both folders": (
        "npm",
        "build\n*.log\nnode_modules/\n/packages/*/tmp\n/packages/x/a.js\npackages/m/keep\n!packages/m/keep\n",
        Tree("build/a.js a.log a.js lib/x.js keep/y"),
        "",
    ),
    "what the manifest speaks of is meant to ship": (
        "npm",
        "packages/*/dist\n",
        Tree("dist/a.js", {}, {"exports": {".": "./dist/a.js"}}),
        "",
    ),
    "a member that is ignored as a whole": ("npm", "/packages/m/\n", Tree("a.js"), ""),
    "files beats them all": (
        "npm",
        "/dist\npackages/m/dist\n",
        Tree("dist/a.js", {}, {"files": ["dist"]}),
        "",
    ),
    "yarn does not read them": (
        "yarn",
        "coverage\n*.log\n",
        Tree("coverage/a.html x.log a.js"),
        """
WPACKERS npm would leave out coverage/a.html and 1 more (../../.gitignore:1: coverage);
  yarn, the manager of this workspace, ships it
""",
    ),
    "bun does not read them": (
        "bun",
        "/dist\n",
        Tree("dist/a.js a.js"),
        """
WPACKERS npm would leave out dist/a.js (../../.gitignore:1: /dist); bun, the manager of this workspace, ships it
""",
    ),
    "bun, with files": ("bun", "/dist\n", Tree("dist/a.js a.js", {}, {"files": ["dist"]}), ""),
    "yarn, and nothing that they ignore": ("yarn", "coverage\n", Tree("a.js"), ""),
    "npm applies them beside the member's own": (
        "npm",
        "dist\n",
        Tree("dist/a.js src/b.js", {".npmignore": "src\n"}),
        """
WPACKERS npm would leave out dist/a.js (../../.gitignore:1: dist), beside the package's own .npmignore
  (npm/cli#6808)
""",
    ),
    "pnpm does not": ("pnpm", "dist\n", Tree("dist/a.js src/b.js", {".npmignore": "src\n"}), ""),
}


@pytest.mark.parametrize("name", AROUND)
def test_ignore_files_around_a_member_that_mislead_give_warnings(name: str, tmp_path: Path) -> None:
    """There is one too where npm and the workspace's own manager ship different files."""
    manager, ignored, member, wanted = AROUND[name]
    root = workspace(tmp_path, manager, ignored, member)
    assert told(plan_pack(root).warnings, root) == lines(wanted)


def test_an_ignore_file_in_utf_16_around_a_member_gives_a_warning(tmp_path: Path) -> None:
    """It is read by its mark, and named from the member's folder."""
    root = workspace(tmp_path, "npm", "", Tree("a.js b.log"))
    (tmp_path / ".gitignore").write_bytes("\ufeff*.log\r\n".encode("utf-16-le"))
    plan = plan_pack(root)
    assert [entry.path for entry in plan.entries] == ["package/a.js", "package/package.json"]
    assert told(plan.warnings, root) == [
        "WIGNOREFILE ../../.gitignore is in UTF-16-LE: npm and git read none of its rules"
    ]
