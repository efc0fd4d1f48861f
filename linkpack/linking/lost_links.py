"""Finds the recorded links of a project that an install replaced, or that are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.bundle.graph import node_modules_above
from linkpack.errors import LinkpackError, Problem
from linkpack.linking.record import Store
from linkpack.linking.whereabouts import lost_links
from linkpack.project.local import find_local_project
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.linking.states import RecordedLink


class LostLinks(NamedTuple):
    """The links that are recorded and do not stand, by their paths; and why a record cannot be read."""

    links: Mapping[str, RecordedLink]
    warnings: tuple[Problem, ...] = ()


def read_lost_links(state: str, folder: str) -> LostLinks:
    """Return the lost links of the project that *folder* belongs to, by the record in the state folder *state*.

    A record that cannot be read is a warning (WRELINK): packing does not depend on it.
    """
    try:
        project = find_local_project(folder).root
        return LostLinks(dict(lost_links(Store(fs.canonical(state)), project, node_modules_above(folder))))
    except LinkpackError as err:
        why = f"whether links of {folder} were replaced is not known: {err.message}"
        return LostLinks({}, (Problem("WRELINK", err.path, why, err.hint),))


def warn_of_lost_links(state: str, graph: BundleGraph, lost: LostLinks) -> Iterator[Problem]:
    """Warn of each lost link that the root of *graph* or a linked package in it would find packages by.

    *lost* are those of the root's project; the projects of linked packages are asked as well.
    """
    yield from lost.warnings
    seen = set()
    for package in graph.packages.values():
        if package.id == graph.root:
            links = lost.links
        elif package.linked:
            links = read_lost_links(state, package.id).links
        else:
            continue
        for path, name in _ways(package) if links else ():
            if path in links and path not in seen:
                seen.add(path)
                yield _warning(graph, package, name, links[path])


def _ways(package: Package) -> Iterator[tuple[str, str]]:
    """Yield every path at which *package* may find what it names, with the name."""
    manifest = package.manifest
    sections = (
        manifest.dependencies,
        manifest.optional_dependencies,
        manifest.peer_dependencies,
        manifest.dev_dependencies,
    )
    names = {*package.needs, *manifest.bundle, *(name for section in sections for name in section)}
    for name in sorted(names):
        for folder in node_modules_above(package.id):
            yield f"{folder}/{name}", name


def _warning(graph: BundleGraph, package: Package, name: str, entry: RecordedLink) -> Problem:
    if fs.is_link(entry.path):
        how = "the link leads elsewhere now"
    elif fs.exists(entry.path):
        how = "an install has replaced the link"
    else:
        how = "the link is gone"
    to = package.needs.get(name)
    ships = ""
    if to in graph.packages and to is not None and to != graph.root:
        ships = f": {graph.packages[to].label} ships, of {to}"
    hint = f"run linkpack relink {name}, or linkpack unlink {name} to leave it so"
    if not fs.is_dir(entry.target):
        hint = f"{entry.target} is gone as well: bring it back, or run linkpack unlink {name}"
    return Problem("WRELINK", entry.path, f"{name} was linked to {entry.target}, and {how}{ships}", hint)
