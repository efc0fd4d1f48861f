"""Who pulls a bundled package in: chains of edges from the project to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.bundle.graph import BundleGraph, Package


class Edge(NamedTuple):
    """One step of a chain: the package *label* asks for *name* by *spec*, which stands in its *section*."""

    label: str
    section: str
    name: str
    spec: str


def chains_to(graph: BundleGraph, target: str) -> tuple[tuple[Edge, ...], ...]:
    """The chains of edges that pull in the package with the id *target*: a shortest one through each dependent.

    Shortest chains first, then by name. A dependent that only *target* itself pulls in has none; nor has the root.
    """
    if target == graph.root:
        return ()
    before = _ways(graph, target)
    found = []
    for at, package in graph.packages.items():
        names = [name for name, to in package.needs.items() if to == target]
        if at in before and names:
            found += [(*_way(graph, before, at), _edge(package, name)) for name in names]
    return tuple(sorted(found, key=lambda chain: (len(chain), chain)))


def _ways(graph: BundleGraph, target: str) -> Mapping[str, tuple[str, str] | None]:
    """For each package that is reached without *target*: the one before it on a shortest way, and the name."""
    before: dict[str, tuple[str, str] | None] = {graph.root: None}
    queue = [graph.root]
    for at in queue:
        needs = graph.packages[at].needs
        for name in sorted(needs):
            to = needs[name]
            if to is not None and to != target and to in graph.packages and to not in before:
                before[to] = (at, name)
                queue.append(to)
    return before


def _way(graph: BundleGraph, before: Mapping[str, tuple[str, str] | None], at: str) -> tuple[Edge, ...]:
    edges = []
    step = before[at]
    while step is not None:
        edges.append(_edge(graph.packages[step[0]], step[1]))
        step = before[step[0]]
    return tuple(reversed(edges))


def _edge(package: Package, name: str) -> Edge:
    manifest = package.manifest
    # npm goes by the optional one where a name stands in both.
    for section, specs in (
        ("optionalDependencies", manifest.optional_dependencies),
        ("dependencies", manifest.dependencies),
    ):
        if name in specs:
            return Edge(package.label, section, name, specs[name])
    return Edge(package.label, "bundleDependencies", name, "")
