"""Reads many nearly right tarballs with the gate and with the real readers, and says where they differ.

    python -m tests.differential.tar_campaign --count 1000000 [--seed N] [--real FOLDER] [--installers N]

Whatever the gate passes must have one and the same list of paths, contents and execute bits in every reader. Those
that it refuses count for nothing. *FOLDER* holds real tarballs, of which small ones are changed as well.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
import time
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from linkpack.archive.reader import Wanted, read_archive
from tests.support.tarinstallers import installed, managers
from tests.support.tarmutants import mutant, parts_of, seeds
from tests.support.tarreaders import (
    LIMITS,
    Libarchive,
    as_npm_names,
    disagreements,
    in_python,
    node_readers,
    verified,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.support.tarmutants import Part
    from tests.support.tarreaders import Found, Node

BATCH = 200
REAL_MAX = 20_000  # bytes of a real tarball that is changed
PARTS_MAX = 40


def say(*words: object) -> None:
    """Print *words* at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


class Tally:
    """What a campaign saw: archives *tried* and *passed* by the gate, and how readers *differ* on those."""

    def __init__(self) -> None:
        self.tried = 0
        self.passed = 0
        self.refused: Counter[str] = Counter()
        self.differ: dict[str, dict[str, str]] = {}

    def __str__(self) -> str:
        refused = ", ".join(f"{code} {count}" for code, count in self.refused.most_common())
        return f"{self.tried} tried, {self.passed} passed, {len(self.differ)} read differently\nrefused: {refused}"


def passed(archives: Iterable[bytes], tally: Tally) -> Iterator[bytes]:
    """Those of *archives* that the gate passes, each once."""
    seen = set()
    for raw in archives:
        tally.tried += 1
        own = verified(raw)
        if own.error:
            tally.refused[own.error.partition(":")[0]] += 1
            continue
        tally.passed += 1
        if hash(raw) not in seen:
            seen.add(hash(raw))
            yield raw


def compare(batch: Sequence[bytes], node: Node, library: Libarchive, tally: Tally) -> None:
    """Have every reader read each of *batch*, which the gate passes, and note where one differs."""
    for raw, said in zip(batch, node.read(batch), strict=True):
        everybody: dict[str, Found] = {**said, "libarchive": library.read(raw), "python": in_python(raw)}
        found = disagreements(raw, everybody)
        if found:
            tally.differ[raw.hex()] = found


def run(archives: Iterable[bytes], places: Sequence[Path] = ()) -> Tally:
    """Compare all readers on each of *archives* that the gate passes."""
    tally = Tally()
    library = Libarchive()
    with node_readers(places) as node:
        batch: list[bytes] = []
        for raw in passed(archives, tally):
            batch.append(raw)
            if len(batch) == BATCH:
                compare(batch, node, library, tally)
                batch.clear()
        compare(batch, node, library, tally)
    return tally


def mutants(count: int, seed: int, bases: Sequence[Sequence[Part]] = ()) -> Iterator[bytes]:
    """*count* changed archives, always the same for one *seed*; half of them of *bases*, when there are any."""
    choices = random.Random(seed)  # noqa: S311 - test input
    made = seeds()
    for _ in range(count):
        yield mutant(bases if bases and choices.random() < 0.5 else made, choices)


def real_parts(folder: Path) -> list[list[Part]]:
    """The parts of the small real tarballs in *folder*."""
    found = []
    for path in sorted(folder.glob("*.tgz")):
        raw = path.read_bytes()
        if len(raw) <= REAL_MAX and not verified(raw).error:
            parts = parts_of(zlib.decompress(raw, 31))
            if len(parts) <= PARTS_MAX:
                found.append(parts)
    return found


def is_installable(raw: bytes) -> bool:
    """Whether a project can depend on *raw* without a registry: it has a name, and needs nothing."""
    keep = Wanted(lambda path, _size: path == "package.json")
    members = read_archive(io.BytesIO(raw), len(raw), keep, LIMITS).files
    try:
        about = json.loads(members["package.json"].kept)
    except (KeyError, ValueError):
        return False
    return isinstance(about, dict) and "name" in about and "dependencies" not in about


def install(
    archives: Sequence[bytes], places: Sequence[Path], managers_of: Callable[[str], bool] = bool
) -> Counter[str]:
    """Install each of *archives* with each package manager; print and count where one differs from the gate.

    *managers_of* chooses them by name.
    """
    differ: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as home:
        for manager in filter(lambda each: managers_of(each.name), managers(places)):
            size = 1 if manager.name == "yarn 1" else 50
            for start in range(0, len(archives), size):
                batch = archives[start : start + size]
                found = installed(manager, batch, Path(home) / "app")
                for raw, said in zip(batch, found, strict=True):
                    own = verified(raw)
                    expected = as_npm_names(own) if manager.name.startswith("npm") else own
                    if said.error or said.files != expected.files:
                        differ[manager.name] += 1
                        say(manager.name, said.error[-300:] or (expected.files, said.files), raw.hex()[:80])
            say(f"{manager.name}: {len(archives)} installed, {differ[manager.name]} differ")
    return differ


def main() -> int:
    """Run what the arguments say; 1 when readers differ on something that the gate passes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--readers", type=Path, action="append", default=[])
    parser.add_argument("--installers", type=int, default=0, help="archives to install as well")
    parser.add_argument("--keep", type=Path, help="folder for archives that are read differently")
    args = parser.parse_args()
    bases = real_parts(args.real) if args.real else []
    started = time.monotonic()
    tally = run(mutants(args.count, args.seed, bases), args.readers)
    say(f"{tally}\n{time.monotonic() - started:.0f} seconds, {len(bases)} real tarballs")
    for number, (raw, found) in enumerate(tally.differ.items()):
        say(found)
        if args.keep:
            args.keep.mkdir(parents=True, exist_ok=True)
            (args.keep / f"{args.seed}-{number}.tgz").write_bytes(bytes.fromhex(raw))
    differ: Counter[str] = Counter()
    if args.installers:
        some = filter(is_installable, passed(mutants(args.count, args.seed + 1), Tally()))
        differ = install(list(islice(some, args.installers)), args.readers)
    return int(bool(tally.differ) or bool(differ))


if __name__ == "__main__":
    sys.exit(main())
