"""Project trees as text: one readable file holds a whole project, its links, and what is expected of it.

Each member of a tree starts with a marker line and goes on to the next one:

    -- app/package.json --            a file; what follows is its contents
    -- app/cli.js +x --               an executable one
    -- app/node_modules/redis -> ../../redis --    a symbolic link
    -- app/b.js => app/a.js --        a hard link to a file of the tree
    -- app/empty/ --                  a directory
    -- want --                        what is expected, a line each; must come last

The lines under `want` in fixtures/trees/pack and fixtures/trees/layouts start with settings,

    pack packages/app                 the folder that is packed; without it `blog`
    with specs=keep                   an option of `plan_pack`
    npm                               npm 11's tar stream is the same, byte for byte

and go on with the plan (tests/support/packed.py): the entries in order and their modes, then `spec:` for each spec
that is rewritten, `warning:` with code and path, or, when the tree cannot be packed, `error:` lines alone.
Paths on disk are relative to the tree.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

FIXTURES = Path(__file__).parents[2] / "fixtures"

_MARKER = re.compile(r"^-- (?P<path>\S+?)(?P<x> \+x)?(?: (?P<kind>[-=]>) (?P<target>\S+))? --$", re.MULTILINE)


class Tree(NamedTuple):
    """A parsed tree file: *name*, its members by path, and the lines that are wanted of it."""

    name: str
    files: dict[str, str]
    executable: frozenset[str]
    links: dict[str, str]
    hard_links: dict[str, str]
    folders: tuple[str, ...]
    want: tuple[str, ...]

    def settings(self, word: str) -> list[str]:
        """What stands after *word* on the lines of `want` that start with it."""
        return [line[len(word) :].strip() for line in self.want if line.split(" ")[0] == word]

    def write_to(self, folder: Path) -> Path:
        """Lay the tree out below *folder*, which is made; the same folder, resolved."""
        folder.mkdir(parents=True, exist_ok=True)
        for path in self.folders:
            (folder / path).mkdir(parents=True, exist_ok=True)
        for path, text in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="")
            target.chmod(0o755 if path in self.executable else 0o644)
        for path, to in self.links.items():
            link = folder / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(to)
        for path, to in self.hard_links.items():
            (folder / path).hardlink_to(folder / to)
        return folder.resolve()


def parse_tree(text: str, name: str = "") -> Tree:
    """The tree that *text* describes."""
    markers = list(_MARKER.finditer(text))
    files: dict[str, str] = {}
    executable: set[str] = set()
    links: dict[str, dict[str, str]] = {"->": {}, "=>": {}}
    folders: list[str] = []
    want: tuple[str, ...] = ()
    for marker, after in zip(markers, [*markers[1:], None], strict=True):
        body = text[marker.end() + 1 : after.start() if after else len(text)]
        path = marker["path"]
        if path == "want":
            want = tuple(body.splitlines())
        elif marker["target"]:
            links[marker["kind"]][path] = marker["target"]
        elif path.endswith("/"):
            folders.append(path)
        else:
            files[path] = body
            if marker["x"]:
                executable.add(path)
    return Tree(name, files, frozenset(executable), links["->"], links["=>"], tuple(folders), want)


def trees(topic: str) -> list[Tree]:
    """Every tree below fixtures/trees/*topic*, sorted by name."""
    return [
        parse_tree(path.read_text(encoding="utf-8"), path.stem)
        for path in sorted((FIXTURES / "trees" / topic).glob("*.txt"))
    ]


def main() -> None:
    """Lay out the tree file named first on the command line below the folder named second."""
    source, target = sys.argv[1:]
    parse_tree(Path(source).read_text(encoding="utf-8")).write_to(Path(target))


if __name__ == "__main__":
    main()


def write_package(folder: Path, **fields: object) -> Path:
    """Write a package of one file into *folder*: a package.json with *fields*, a name and a version."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"name": folder.name, "version": "1.0.0", **fields}
    (folder / "package.json").write_text(json.dumps(about), encoding="utf-8")
    return folder
