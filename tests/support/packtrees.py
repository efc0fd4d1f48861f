"""Random small projects, with rules that are likely to speak about their files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

_DIRS = (
    "lib",
    "src",
    "dist",
    "test",
    "docs",
    ".github",
    "build",
    "Lib",
    "a-b",
    "node_modules",
    "archived-packages",
)
_FILES = (
    *(
        "index.js",
        "a.js",
        "b.js",
        "A.js",
        "cli.js",
        "a.test.js",
        "a.d.ts",
        "x.map",
        "README.md",
        "LICENSE",
        "é.js",
        "😀.js",
    ),
    *(
        ".env",
        ".npmrc",
        ".DS_Store",
        "a.orig",
        ".a.swp",
        "._a",
        "npm-debug.log",
        "yarn.lock",
        "bun.lock",
        "config.gypi",
    ),
    *(
        "npm-shrinkwrap.json",
        ".lock-wscript",
        "[a].js",
        "(a).js",
        "a b",
        "#a",
        "!a",
        "{a,b}.js",
        "package.json",
        "CVS",
    ),
)
_PATTERNS = (
    *(
        "*",
        "**",
        "*.js",
        "**/*.js",
        "lib/*",
        "lib/**",
        "dist/",
        "/src",
        "**/test",
        "?.js",
        "[ab].js",
        "!(a).js",
        "*.{js,ts}",
    ),
    *(
        "+(a|b).js",
        "@(lib|src)",
        ".*",
        "./a.js",
        "../x",
        "lib/../a.js",
        "LIB",
        "***",
        "[[:alpha:]].js",
        "\\*.js",
        "a*.*",
    ),
    *(
        "nope",
        "*(a|b)*",
        "{lib,src}/**",
        "**/",
        "/*",
        "//a.js",
        "[!a]*",
        "lib//a.js",
        "{a,b}*.js",
        "!!a.js",
        "!b.js",
    ),
)


_GLOBS = (
    *(
        "**/*",
        "!**/*.js",
        "!**/*.map",
        "**/*.{js,ts}",
        "lib/**/*",
        "!lib/**",
        "*/*",
        "!*/a.js",
        "**/src/**",
        "!**/test",
    ),
    *(
        "dist",
        "!dist",
        "./lib",
        "src/*",
        "a.js/**",
        "*.js/**",
        "**/[ab].js",
        "!**/?.js",
        "node_modules/**",
        "**/.*",
    ),
    *("!**/*", "lib/*/*.js", "{lib,src}/**/*.js", "./**", "**/node_modules/**", "**/a.js", "!a.js", "!lib/a.js"),
)


class RandomTree(NamedTuple):
    """Files by path, with their text."""

    files: dict[str, str]

    def build(self, root: Path) -> None:
        """Lay the files out in the new directory *root*."""
        root.mkdir()
        for path, text in self.files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="")


def random_tree(source: Random) -> RandomTree:
    """A project without links whose main and bins are written plainly: what npm packs of it is no fault."""
    files: dict[str, str] = {}
    folders = [""]
    for _ in range(source.randint(2, 14)):
        folder = source.choice(folders)
        if source.random() < 0.4 and folder.count("/") < 4:
            folder += source.choice(_DIRS) + "/"
            folders.append(folder)
        files[folder + source.choice(_FILES)] = "x"
    files = {
        path: text for path, text in files.items() if not any(other.startswith(f"{path}/") for other in files)
    }
    paths = sorted(files)
    for folder in dict.fromkeys(folders):
        for name, chance in ((".npmignore", 0.2), (".gitignore", 0.2)):
            if source.random() < chance:
                rules = [_rule(source, paths) for _ in range(source.randint(0, 5))]
                files[folder + name] = source.choice(("\n", "\r\n")).join(rules)
    files["package.json"] = json.dumps(_manifest(source, paths))
    return RandomTree(files)


def random_workspace(source: Random) -> tuple[RandomTree, list[str]]:
    """A workspace root with ignore files, and one to three members in folders of two or three levels.

    Returns its files and its members' folders. The ignore files speak about paths of members, from the root's and
    from the member's point of view.
    """
    files: dict[str, str] = {"package.json": '{"name": "r", "workspaces": ["packages/*", "packages/group/*"]}'}
    members = source.sample(["packages/a", "packages/lib", "packages/group/c"], source.randint(1, 3))
    for member in members:
        own = random_tree(source).files
        files |= {f"{member}/{path}": text for path, text in own.items()}
    inner = [path.split("/", 2)[2] for path in files if path.count("/") > 1]
    for folder in ("", "packages/", "packages/group/"):
        for name, chance in ((".npmignore", 0.3), (".gitignore", 0.5)):
            if source.random() < chance:
                paths = source.choice((sorted(files), inner))
                rules = [_rule(source, paths) for _ in range(source.randint(1, 5))]
                files[folder + name] = "\n".join(rules)
    return RandomTree(files), members


def varied_tree(source: Random) -> RandomTree:
    """A project as `random_tree` gives it, whose manifest also asks for what npm forgets or never ships.

    What linkpack packs of it is no longer what npm packs: it is for comparing linkpack with itself.
    """
    files = random_tree(source).files
    paths = sorted(path for path in files if path != "package.json")
    manifest = json.loads(files["package.json"])
    if source.random() < 0.4:
        globs = [source.choice(_GLOBS) for _ in range(source.randint(1, 4))]
        manifest["files"] = source.choice((globs, [*manifest.get("files", []), *globs]))
    if source.random() < 0.4 and paths:
        manifest["main"] = source.choice(("", "./", ".//", "././")) + source.choice(paths)
    if source.random() < 0.1 and paths:
        manifest["patchedDependencies"] = {"x@1": source.choice(("", "./")) + source.choice(paths)}
    if source.random() < 0.1:
        manifest["directories"] = {"bin": source.choice(("lib", "./src"))}
    return RandomTree({**files, "package.json": json.dumps(manifest)})


def _rule(source: Random, paths: list[str]) -> str:
    path = source.choice(paths)
    kinds = (path, path.rpartition("/")[2], path.rpartition("/")[0] or "lib", source.choice(_PATTERNS))
    rule = source.choice(("", "", "/")) + source.choice((*kinds, *kinds, source.choice(_PATTERNS)))
    return source.choice(("", "", "", "!", "# ", " ")) + rule + source.choice(("", "", "/", "/**"))


def _manifest(source: Random, paths: list[str]) -> dict[str, object]:
    fields: dict[str, object] = {"name": "p", "version": "1.0.0"}
    plain = [path for path in paths if path.replace("/", "").replace(".", "").isalnum()] or ["index.js"]
    if source.random() < 0.5:
        entries = [_rule(source, paths).lstrip(" #") for _ in range(source.randint(0, 4))]
        fields["files"] = [source.choice(("", "", "./", "/")) + entry for entry in entries]
    if source.random() < 0.4:
        fields["main"] = source.choice((source.choice(plain), "lib/index.js", "nope"))
    if source.random() < 0.3:
        fields["bin"] = source.choice((source.choice(plain), {"x": f"./{source.choice(plain)}"}))
    if source.random() < 0.1:
        fields["browser"] = source.choice(plain)
    return fields
