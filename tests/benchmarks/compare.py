"""Whether the tarballs that a packer made hold what they should."""

from __future__ import annotations

import tarfile
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_MODULES = "node_modules/"
_SHOWN = 1  # names that are given as examples


class Made(NamedTuple):
    """What a packer left in a folder: its tarballs' bytes together, and the entries of each, by file name."""

    size: int
    entries: Mapping[str, tuple[str, ...]]

    @property
    def total(self) -> int:
        """All entries."""
        return sum(map(len, self.entries.values()))


def read_made(folder: Path) -> Made:
    """The tarballs in *folder*."""
    tarballs = sorted(folder.glob("*.tgz"))
    return Made(
        sum(path.stat().st_size for path in tarballs),
        {path.name.lstrip("@").replace("/", "-"): tuple(_names(path)) for path in tarballs},
    )


def _names(path: Path) -> Iterable[str]:
    with tarfile.open(path, "r|gz", errors="surrogateescape") as archive:
        for member in archive:
            if member.isfile():
                yield member.name


def faults(found: Made, right: Made) -> tuple[str, ...]:
    """What is wrong with *found* where *right* is right, in words; packages may lie in other places."""
    said = []
    tarballs = right.entries.keys() - found.entries.keys()
    if tarballs:
        said.append(f"{len(tarballs)} of {len(right.entries)} tarballs missing")
    climbing = [name for names in found.entries.values() for name in names if climbs(name)]
    if climbing:
        said.append(f"{_count(climbing, 'name')} out of the package")
    lost: Counter[tuple[str, str]] = Counter()
    more: Counter[tuple[str, str]] = Counter()
    packages = 0
    for tarball in right.entries.keys() & found.entries.keys():
        want, have = places(right.entries[tarball]), places(found.entries[tarball])
        gone = {package for package, _ in want if package} - {package for package, _ in have}
        packages += len(gone)
        lost += Counter({at: n for at, n in (want - have).items() if at[0] not in gone})
        more += have - want
    if packages:
        said.append(f"{packages} bundled {'package' if packages == 1 else 'packages'} missing")
    if lost:
        said.append(f"{_count([_path(at) for at in lost.elements()], 'file')} missing")
    if more:
        said.append(f"{_count([_path(at) for at in more.elements()], 'file')} too many")
    return tuple(said)


def climbs(name: str) -> bool:
    """Whether the entry *name* leads out of the tarball's one folder."""
    parts = name.split("/")
    return name.startswith("/") or ".." in parts or len(parts) < 2


def places(names: Iterable[str]) -> Counter[tuple[str, str]]:
    """How often each file of each package is in a tarball: the bundled package ("" the root), the path in it."""
    return Counter(map(_place, names))


def _place(name: str) -> tuple[str, str]:
    path = name.partition("/")[2]
    _, between, inside = path.rpartition(_MODULES)
    if not between:
        return "", path
    parts = inside.split("/")
    depth = 2 if parts[0].startswith("@") else 1
    return "/".join(parts[:depth]), "/".join(parts[depth:])


def _path(at: tuple[str, str]) -> str:
    return f"{at[0]}/{at[1]}" if at[0] else at[1]


def _count(names: list[str], word: str) -> str:
    few = ", ".join(sorted(names)[:_SHOWN])
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names)} {word}{'' if len(names) == 1 else 's'} ({few}{more})"
