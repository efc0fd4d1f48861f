"""Remakes fixtures/tarballs, by `python -m tests.tools.remake_golden`.

Each golden is a tarball that linkpack made, and a .json of its entries and of the digests of the tar stream and of
the file. Both are fixed for good: remake them only for a change of format, and name that in the changelog.
A change of the selection rules shows in the stream, one of the compressor in the file alone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import linkpack
from linkpack.archive.gzip import COMPRESSOR
from tests.support.packed import folder, options, read_packed
from tests.support.trees import FIXTURES, Tree, parse_tree

TARBALLS = FIXTURES / "tarballs"
KEPT = 50_000  # bytes; of a larger golden only the .json is kept


def blocks() -> Tree:
    """A package of several of the compressor's blocks, text and noise, with names that need PAX headers."""
    noise = "".join(hashlib.sha256(str(number).encode()).hexdigest() + "\n" for number in range(6_000))
    squares = "".join(f"{number * number}\n" for number in range(80_000))
    manifest = '{"name": "blocks", "version": "1.0.0"}\n'
    files = {
        "blog/package.json": manifest,
        "blog/noise.txt": noise,
        "blog/squares.txt": squares,
        f"blog/{'long' * 30}/{'name' * 30}.js": "1\n",
        "blog/日本/é.js": "2\n",
        "blog/empty.js": "",
    }
    return Tree("blocks", files, frozenset(), {}, {}, (), ())


def goldens() -> list[Tree]:
    """The trees whose tarballs are golden."""
    names = ("pack/linked", "pack/npm-folders", "layouts/pnpm-isolated-workspace")
    texts = [(FIXTURES / "trees" / f"{name}.txt").read_text(encoding="utf-8") for name in names]
    return [blocks(), *(parse_tree(text, name.split("/")[1]) for name, text in zip(names, texts, strict=True))]


def pack(tree: Tree, where: Path) -> Path:
    """The tarball of *tree*, laid out and packed below *where*."""
    package = folder(tree, tree.write_to(where / "tree"))
    return Path(linkpack.pack(package, destination=where, npm_rules="12", **options(tree)).path)


def described(tarball: Path) -> dict[str, Any]:
    """What the .json of a golden holds."""
    packed = read_packed(tarball)
    return {
        "compressor": COMPRESSOR,
        "file": hashlib.sha256(tarball.read_bytes()).hexdigest(),
        "stream": hashlib.sha256(packed.stream).hexdigest(),
        "entries": [f"{path} {mode:o} {len(data)}" for path, mode, data in packed.members],
    }


def main() -> None:
    """Write every golden anew."""
    for tree in goldens():
        with TemporaryDirectory() as temporary:
            tarball = pack(tree, Path(temporary).resolve())
            text = json.dumps(described(tarball), indent=1, ensure_ascii=False)
            (TARBALLS / f"{tree.name}.json").write_text(f"{text}\n", encoding="utf-8")
            if tarball.stat().st_size <= KEPT:
                shutil.copyfile(tarball, TARBALLS / f"{tree.name}.tgz")


if __name__ == "__main__":
    main()
