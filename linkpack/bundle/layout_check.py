"""The independent check: what the tarball's own paths mean to Node, compared with what is on disk.

It knows nothing of how packages were placed. It reads the planned paths, finds the packages among them, and
looks every name up as Node will. It always runs; a layout that fails it is never written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import Problem
from linkpack.project.resolve import SlotIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from linkpack.bundle.graph import BundleGraph, Package

_MANIFEST = "/package.json"


class Proof(NamedTuple):
    """What the check saw: placed packages, edges inside the tarball, and whatever is not as on disk.

    An edge is a name that a package asks for and finds in the tarball: `linkpack verify` counts the same.
    *nowhere* counts the names that a package requires and that are nothing on disk.
    """

    packages: int
    edges: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    nowhere: int = 0


def check_layout(graph: BundleGraph, slots: Mapping[str, str], paths: Iterable[str]) -> Proof:
    """Every edge of every package of *slots* (slot to package id), looked up among the planned *paths*.

    *paths* are relative to the package's root. A slot without a package.json, a package.json of no slot, an
    edge that leads elsewhere than on disk, a name at the top that the project itself needs from outside: each is
    a problem. A name that has to be visible in the tarball, since a package around needs it, and is absent on
    disk, or a peer that is another copy there, is a warning.
    """
    held = {slot for path in paths if (slot := slot_of(path)) is not None}
    index = SlotIndex(slots)
    wrong = [
        Problem("ELAYOUT", slot, f"{slot} is {'planned but has no' if slot in slots else 'no slot but has a'}"
                " package.json in the tarball")
        for slot in sorted(held.symmetric_difference(slots))
    ]  # fmt: skip
    for name, to in graph.reserved.items():
        if slots.get(f"node_modules/{name}", to) != to:
            wrong.append(_misled(graph, "", name, (to, slots[f"node_modules/{name}"])))
    warnings: list[Problem] = []
    edges = nowhere = 0
    for slot, at in slots.items():
        package = graph.packages[at]
        nowhere += len(missing_names(package))
        compared = dict(_expected(graph, package))
        for name in {**package.needs, **package.peers}:
            found = index.find(slot, name)
            ships = name in package.peers or package.needs[name] is not None
            edges += found is not None and ships  # an absent optional name leaves the manifest
            got = None if found is None else slots[found]
            to = compared.get(name, got)
            if got == to:
                continue
            on_disk = package.needs.get(name, package.peers.get(name))
            if to is not None or (on_disk is not None and on_disk in {graph.root, graph.reserved.get(name)}):
                wrong.append(_misled(graph, slot, name, (on_disk, got)))
            else:
                warnings.append(_exposed(package, name, slot, (on_disk, found)))
    return Proof(len(slots), edges, tuple(wrong), tuple(warnings), nowhere)


def missing_names(package: Package) -> tuple[str, ...]:
    """Return the names that *package* requires and that are nothing on disk."""
    manifest = package.manifest
    required = {*manifest.dependencies, *manifest.bundle} - set(manifest.optional_dependencies)
    return tuple(name for name, to in package.needs.items() if to is None and name in required)


def slot_of(path: str) -> str | None:
    """The slot whose manifest *path* is, if it is one's: `node_modules/a/package.json`, not `a/package.json`."""
    if path == "package.json":
        return ""
    if not path.endswith(_MANIFEST) or not path.startswith("node_modules/"):
        return None
    slot = path[: -len(_MANIFEST)]
    names = slot[len("node_modules/") :].split("/node_modules/")
    plain = all(name and name.count("/") == name.startswith("@") for name in names)
    return slot if plain else None


def count_flat_edges(specs: Mapping[str, str], packages: Mapping[str, Iterable[str]]) -> int:
    """Count the edges inside a tarball whose packages lie in folders that its root asks for.

    *specs* are the root's dependencies, *packages* the names that each such package asks for, by its folder.

        {"a": "file:./vendor/a", "b": "^1"}, {"vendor/a": ["a", "b"]}  ->  2: the root's and the package's own `a`
    """
    inside = {name for name, spec in specs.items() if spec.removeprefix("file:./") in packages}
    return len(inside) + sum(len(inside.intersection(names)) for names in packages.values())


def _expected(graph: BundleGraph, package: Package) -> Iterator[tuple[str, str | None]]:
    """The names that *package* looks up, and what each is on disk; None: nothing in the tarball."""
    for name, to in package.needs.items():
        yield name, None if to == graph.root else to
    for name, to in package.peers.items():
        if to in graph.packages and to != graph.root:
            yield name, to
        elif to == graph.root or name in graph.reserved:
            yield name, None


def _exposed(package: Package, name: str, slot: str, ways: tuple[str | None, str | None]) -> Problem:
    on_disk, found = ways
    return Problem(
        "WOPTIONAL",
        slot,
        f"{package.label} finds {on_disk or f'no {name}'} on disk, but will find {found} in the tarball",
        f"install {name} where {package.via} finds it",
    )


def _misled(graph: BundleGraph, slot: str, name: str, ids: tuple[str | None, str | None]) -> Problem:
    labels = [graph.packages[at].label if at is not None and at in graph.packages else at for at in ids]
    want, got = (label or "nothing" for label in labels)
    return Problem(
        "ELAYOUT",
        slot,
        f"{name}, needed in {slot or 'the root'}, would be {got} in the tarball and is {want} on disk",
        "this is a fault of linkpack: please report it",
    )
