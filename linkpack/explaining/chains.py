"""Find the chains of edges that pull a bundled package in."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.bundle.graph import BundleGraph, Package


class Edge(Record):
    """One step of a chain: *label* asks for *name* by a spec in a section."""

    label: str
    section: str
    name: str
    spec: str


def find_chains(graph: BundleGraph, target: str) -> tuple[tuple[Edge, ...], ...]:
    """Find the chains of edges that pull in the package with the id *target*.

    One shortest chain for each package that needs it, shortest first, then by name. There is none through a
    package that only *target* itself pulls in, and none to the root.
    """
    if target == graph.root:  # nothing pulls the project in
        return ()
    before = _find_steps_before(graph, target)
    chains = []
    for id_, package in graph.packages.items():
        names = [name for name, to in package.needs.items() if to == target]
        if id_ in before and names:
            chains += [(*_follow_back(graph, before, id_), _make_edge(package, name)) for name in names]
    return tuple(sorted(chains, key=lambda chain: (len(chain), chain)))


def _find_steps_before(graph: BundleGraph, target: str) -> Mapping[str, tuple[str, str] | None]:
    """Map packages to the step before them on a shortest way from the root.

    A step is a package's id and a name that it asks for; the root has none before it. Only packages that are
    reached without *target* are in the mapping.
    """
    before: dict[str, tuple[str, str] | None] = {graph.root: None}
    waiting = deque([graph.root])
    while waiting:
        id_ = waiting.popleft()
        needs = graph.packages[id_].needs
        # Sorted, so that of two chains of one length it is always the same that is found.
        for name in sorted(needs):
            to = needs[name]
            # A way through *target* would only come back to it.
            if to is not None and to != target and to in graph.packages and to not in before:
                before[to] = (id_, name)
                waiting.append(to)
    return before


def _follow_back(graph: BundleGraph, before: Mapping[str, tuple[str, str] | None], id_: str) -> tuple[Edge, ...]:
    """Follow *before* back from a package to the root."""
    edges = []
    step = before[id_]
    while step is not None:
        edges.append(_make_edge(graph.packages[step[0]], step[1]))
        step = before[step[0]]
    return tuple(reversed(edges))


def _make_edge(package: Package, name: str) -> Edge:
    manifest = package.manifest
    # Where a name is in both sections, npm takes the optional one (docs of package.json, "optionalDependencies").
    for section, specs in (
        ("optionalDependencies", manifest.optional_dependencies),
        ("dependencies", manifest.dependencies),
    ):
        if name in specs:
            return Edge(package.label, section, name, specs[name])
    return Edge(package.label, "bundleDependencies", name, "")  # bundled without being declared
