"""Text and packages made up for the benchmark, always the same."""

from __future__ import annotations

import json
from functools import cache
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_POOL = 6 << 20  # bytes of text that all files are cut from: far more than a compressor looks back
_SHAPES = (
    "const %s = require('./%s');\n",
    "  if (%s.%s === undefined) {\n    return %s;\n  }\n",
    "export function %s(%s, %s) {\n",
    "  // %s %s %s %s %s\n",
    "  this.%s = %s.%s(%s);\n",
    "}\n\n",
    "  for (let i = 0; i < %s.%s; i++) {\n    %s(%s[i]);\n  }\n",
    "  %s: '%s %s',\n",
    "  throw new Error(`%s ${%s} %s`);\n",
)
_NAMES = 1500  # in use at a time
_AGAIN = 0.08  # how often lines come again
_NEAR = 40  # lines back that they come from
_FOLDERS = ("lib", "lib/internal", "dist/cjs", "dist/esm", "src")
_ENDINGS = (".js", ".js", ".js", ".d.ts", ".js.map", ".json", ".md", ".mjs")


@cache
def _pool() -> bytes:
    """The text: names from a set that drifts, and now and then lines from just before.

    It compresses much as npm's own folder does: to a quarter, at the same speed on each level.
    """
    random = Random(0)  # noqa: S311 - always the same, no secret
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(random.choices(letters, range(26, 0, -1), k=n % 9 + 2)) for n in range(6000)]
    words = [word + random.choice(words).title() * (n % 3 == 0) for n, word in enumerate(words)]
    names = random.choices(words, k=_NAMES)
    often = list(accumulate(1 / (rank + 2) for rank in range(_NAMES)))
    lines: list[bytes] = []
    size = 0
    while size < _POOL:
        if random.random() < _AGAIN and len(lines) > _NEAR:
            start = len(lines) - random.randrange(5, _NEAR)
            more = lines[start : start + random.randint(1, 4)]
        else:
            shape = random.choice(_SHAPES)
            names[random.randrange(_NAMES)] = random.choice(words)
            more = [(shape % tuple(random.choices(names, cum_weights=often, k=shape.count("%s")))).encode()]
        lines += more
        size += sum(map(len, more))
    return b"".join(lines)


class Writer:
    """Writes files of made-up source text, and counts them; *seed* decides what it writes."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - always the same, no secret
        self.files = 0
        self._pool = _pool()

    def text(self, size: int) -> bytes:
        """*size* bytes of text."""
        start = self.random.randrange(_POOL // 2)
        piece = self._pool[start : start + size]
        return piece if len(piece) == size else piece + self.text(size - len(piece))

    def file(self, path: Path, size: int) -> None:
        """A file of *size* bytes."""
        path.write_bytes(self.text(size))
        self.files += 1

    def manifest(self, folder: Path, name: str, **fields: object) -> None:
        """A package.json, and its folder."""
        folder.mkdir(parents=True, exist_ok=True)
        about = {"name": name, "version": "1.0.0", "description": "made up", "license": "MIT", **fields}
        (folder / "package.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        self.files += 1

    def package(
        self,
        folder: Path,
        name: str,
        files: int,
        mean: int,
        needs: Mapping[str, str] | None = None,
        **fields: object,
    ) -> None:
        """A package of *files* files, *mean* bytes each on the average, as real ones are spread."""
        self.manifest(folder, name, dependencies=dict(needs or {}), **fields)
        self.file(folder / "README.md", mean // 2)
        for each in _FOLDERS:
            (folder / each).mkdir(parents=True, exist_ok=True)
        for number in range(files - 2):
            size = int(mean * min(self.random.lognormvariate(-0.7, 1.2), 30))
            ending = self.random.choice(_ENDINGS)
            self.file(folder / self.random.choice(_FOLDERS) / f"part-{number}{ending}", size)
