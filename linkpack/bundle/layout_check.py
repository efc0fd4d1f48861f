"""Compare what Node will find in the tarball with the disk.

The check knows nothing of how packages were placed. It reads the planned paths, finds the packages among them, and
looks every name up as Node will. It always runs, and a layout that fails it is never written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.project.resolve import SlotIndex
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from linkpack.bundle.graph import BundleGraph, Package

_MANIFEST = "/package.json"


class LayoutCheck(Record):
    """How much was checked, and what differs from the disk.

    An edge is a name that a package asks for and finds in the tarball, as for `linkpack verify`. *nowhere* is the
    number of required names that are not on disk.
    """

    packages: int
    edges: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    nowhere: int = 0


def check_layout(graph: BundleGraph, slots: Mapping[str, str], paths: Iterable[str]) -> LayoutCheck:
    """Look up every edge of every package among the planned *paths*.

    *slots* maps slots to package ids, and *paths* are relative to the package's root. A problem (ELAYOUT) is a
    slot without a package.json, a package.json outside of all slots, an edge that leads elsewhere than on disk, or
    a name at the top that the project needs from outside. A warning (WOPTIONAL) is a name that is absent on disk,
    or another copy of a peer there, if a package around needs the name in the tarball.
    """
    # From the paths, not from the slots: a slot that was planned and not written is found as well.
    shipped_slots = {slot for path in paths if (slot := find_slot(path)) is not None}
    index = SlotIndex(slots)
    wrong = [
        Problem("ELAYOUT", slot, f"{slot} is {'planned but has no' if slot in slots else 'no slot but has a'}"
                " package.json in the tarball")
        for slot in sorted(shipped_slots.symmetric_difference(slots))
    ]  # fmt: skip
    # The project's other dependencies are installed beside its node_modules, and a bundled copy would hide them.
    for name, to in graph.reserved.items():
        if slots.get(f"node_modules/{name}", to) != to:
            wrong.append(_refuse_misled(graph, "", name, (to, slots[f"node_modules/{name}"])))
    warnings: list[Problem] = []
    edges = nowhere = 0
    for slot, id_ in slots.items():
        package = graph.packages[id_]
        nowhere += len(list_missing_names(package))
        compared = dict(_iter_expected(graph, package))
        for name in {**package.needs, **package.peers}:
            shipped_slot = index.find(slot, name)
            ships = name in package.peers or package.needs[name] is not None
            edges += shipped_slot is not None and ships  # an absent optional name leaves the manifest
            # A name that need not hold is compared with itself.
            got = None if shipped_slot is None else slots[shipped_slot]
            to = compared.get(name, got)
            if got == to:
                continue
            on_disk = package.needs.get(name, package.peers.get(name))
            if to is not None or (on_disk is not None and on_disk in {graph.root, graph.reserved.get(name)}):
                wrong.append(_refuse_misled(graph, slot, name, (on_disk, got)))
            else:
                warnings.append(_warn_of_exposed(package, name, slot, (on_disk, shipped_slot)))
    return LayoutCheck(len(slots), edges, tuple(wrong), tuple(warnings), nowhere)


def list_missing_names(package: Package) -> tuple[str, ...]:
    """Return the names that *package* requires and that are not on disk."""
    manifest = package.manifest
    required = {*manifest.dependencies, *manifest.bundle} - set(manifest.optional_dependencies)
    return tuple(name for name, to in package.needs.items() if to is None and name in required)


def find_slot(path: str) -> str | None:
    """Return the slot with its manifest at *path*, if any.

    >>> find_slot("node_modules/@s/a/package.json"), find_slot("package.json"), find_slot("a/package.json")
    ('node_modules/@s/a', '', None)
    """
    if path == "package.json":
        return ""
    if not path.endswith(_MANIFEST) or not path.startswith("node_modules/"):
        return None
    slot = path[: -len(_MANIFEST)]
    names = slot[len("node_modules/") :].split("/node_modules/")
    plain = all(name and name.count("/") == name.startswith("@") for name in names)
    return slot if plain else None


def count_flat_edges(specs: Mapping[str, str], packages: Mapping[str, Iterable[str]]) -> int:
    """Count the edges inside a tarball of a flat layout.

    *specs* are the root's dependencies, *packages* the names that each such package asks for, by its folder.

    >>> count_flat_edges({"a": "file:./vendor/a", "b": "^1"}, {"vendor/a": ["a", "b"]})  # the root's, its own `a`
    2
    """
    inside = {name for name, spec in specs.items() if spec.removeprefix("file:./") in packages}
    return len(inside) + sum(len(inside.intersection(names)) for names in packages.values())


def _iter_expected(graph: BundleGraph, package: Package) -> Iterator[tuple[str, str | None]]:
    """Yield the names that *package* looks up, and their ids.

    The id is None if the name must lead to nothing in the tarball.
    """
    # The root is not in its own tarball: the installed package answers, outside. A peer must hold where its
    # package ships anyway, or where the host supplies it.
    for name, to in package.needs.items():
        yield name, None if to == graph.root else to
    for name, to in package.peers.items():
        if to in graph.packages and to != graph.root:
            yield name, to
        elif to == graph.root or name in graph.reserved:
            yield name, None


def _warn_of_exposed(package: Package, name: str, slot: str, ways: tuple[str | None, str | None]) -> Problem:
    on_disk, shipped = ways
    return Problem(
        "WOPTIONAL",
        slot,
        f"{package.label} finds {on_disk or f'no {name}'} on disk, but will find {shipped} in the tarball",
        f"install {name} where {package.via} finds it",
    )


def _refuse_misled(graph: BundleGraph, slot: str, name: str, ids: tuple[str | None, str | None]) -> Problem:
    labels = [graph.packages[id_].label if id_ is not None and id_ in graph.packages else id_ for id_ in ids]
    want, got = (label or "nothing" for label in labels)
    return Problem(
        "ELAYOUT",
        slot,
        f"{name}, needed in {slot or 'the root'}, would be {got} in the tarball and is {want} on disk",
        "this is a fault of linkpack: please report it",
    )
