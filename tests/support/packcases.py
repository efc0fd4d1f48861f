r"""Small trees with the listing that packing them gives, many to a text file (fixtures/trees/packlist).

A case is a heading `== name` and lines, each a word and its arguments; an argument with a space is a JSON string:

    files a.js lib/b.js       files of some content; `dir`, `fifo`: what their names say
    text .npmignore "a\n"     a file with that content
    link l a.js               a link, here to a.js; `hard` a hard link to a file named before
    mode a.sh 755             a file with that mode (octal)
    manifest {"files": []}    fields of package.json besides name and version
    npm a.js package.json     what npm 11.19.1 and 12.2.0 pack; `npm11`, `npm12` where they differ; `fails`
    ours …                    what linkpack packs where it differs on purpose; `ours11`, `ours12`
    row M1                    the row of docs/differences-from-npm.md that says why
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

FIXTURES = Path(__file__).parents[2] / "fixtures" / "trees" / "packlist"
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"(?=\s|$)|\S+')


class PackCase(NamedTuple):
    """One case: its *name*, the *lines* that make the tree, and the listings by word (`npm`, `ours12`, …)."""

    name: str
    lines: tuple[tuple[str, ...], ...]
    listings: dict[str, tuple[str, ...]]

    def npm(self, edition: str) -> tuple[str, ...]:
        """What npm packs, in no particular order."""
        return self.listings.get(f"npm{edition}") or self.listings.get("npm", ())

    def ours(self, edition: str) -> tuple[str, ...]:
        """What linkpack packs."""
        return self.listings.get(f"ours{edition}") or self.listings.get("ours") or self.npm(edition)

    def build(self, root: Path) -> Path:
        """Lay the tree out in the new directory *root*, and return that."""
        root.mkdir(parents=True)
        fields: dict[str, object] = {"name": "p", "version": "1.0.0"}
        for word, *rest in self.lines:
            if word == "manifest":
                fields |= json.loads(rest[0])
            else:
                _lay(root, word, rest)
        if not os.path.lexists(root / "package.json"):
            (root / "package.json").write_text(json.dumps(fields), encoding="utf-8")
        return root


def _lay(root: Path, word: str, rest: list[str]) -> None:
    """Put what one line says below *root*."""
    for name in rest if word == "files" else rest[:1]:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if word == "dir":
            path.mkdir()
        elif word == "fifo":
            os.mkfifo(path)
        elif word == "link":
            path.symlink_to(rest[1])
        elif word == "hard":
            path.hardlink_to(root / rest[1])
        else:
            path.write_text(rest[1] if word == "text" else name, encoding="utf-8", newline="")
            path.chmod(int(rest[1], 8) if word == "mode" else 0o644)


def pack_cases() -> list[PackCase]:
    """Every case of the fixtures."""
    cases = []
    for file in sorted(FIXTURES.glob("*.txt")):
        for block in file.read_text(encoding="utf-8").split("== ")[1:]:
            name, *lines = block.strip("\n").split("\n")
            cases.append(_case(name, lines))
    return cases


def _case(name: str, lines: list[str]) -> PackCase:
    made: list[tuple[str, ...]] = []
    listings = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "manifest":
            made.append((word, rest))
            continue
        words = tuple(json.loads(one) if one.startswith('"') else one for one in _WORD.findall(rest))
        if word.startswith(("npm", "ours")):
            listings[word] = words
        elif word != "row":
            made.append((word, *words))
    return PackCase(name, tuple(made), listings)
