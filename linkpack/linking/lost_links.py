"""Find the recorded links of a project that an install took away.

`pack` warns of them, as it ships what is in their place now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError, Problem
from linkpack.linking.link_search import lost_links
from linkpack.linking.record import Store
from linkpack.project.local import find_local_project
from linkpack.project.resolve import lookup_paths, node_modules_above
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.linking.states import RecordedLink


class LostLinks(Record):
    """The recorded links that are not in place, by path.

    *warnings* say why a record cannot be read.
    """

    links: Mapping[str, RecordedLink]
    warnings: tuple[Problem, ...] = ()


def read_lost_links(state: str, folder: str) -> LostLinks:
    """Return the lost links of the project that *folder* belongs to.

    *state* is the state folder, which has the record. A record that cannot be read is a warning (WRELINK), as
    packing can do without it.
    """
    try:
        project = find_local_project(folder).root
        return LostLinks(dict(lost_links(Store(fs.canonical_path(state)), project, node_modules_above(folder))))
    except LinkpackError as err:
        why = f"whether links of {folder} were replaced is not known: {err.message}"
        return LostLinks({}, (Problem(code="WRELINK", path=err.path, message=why, hint=err.hint),))


def warn_of_lost_links(state: str, graph: BundleGraph, lost: LostLinks) -> Iterator[Problem]:
    """Warn of lost links to packages that the root and linked packages use.

    *lost* are the lost links of the root's project. Those of the projects of linked packages are read here.
    """
    yield from lost.warnings
    warned = set()
    for package in graph.packages.values():
        if package.id == graph.root:
            links = lost.links
        elif package.linked:
            links = read_lost_links(state, package.id).links
        else:
            continue
        if not links:
            continue
        for path, name in _list_lookups(package):
            if path in links and path not in warned:
                warned.add(path)
                yield _warn_of_link(graph, package, name, links[path])


def _list_lookups(package: Package) -> Iterator[tuple[str, str]]:
    """Yield each path at which Node may find a dependency, with its name."""
    # Development dependencies too: a link may have served to build what ships
    # (test_a_link_for_development_is_a_warning_too).
    manifest = package.manifest
    sections = (
        manifest.dependencies,
        manifest.optional_dependencies,
        manifest.peer_dependencies,
        manifest.dev_dependencies,
    )
    names = {*package.needs, *manifest.bundle, *(name for section in sections for name in section)}
    for name in sorted(names):
        for path in lookup_paths(package.id, name):
            yield path, name


def _warn_of_link(graph: BundleGraph, package: Package, name: str, link: RecordedLink) -> Problem:
    """Return the warning that a link of *package* to *name* is lost."""
    if fs.is_link(link.path):
        how = "the link leads elsewhere now"
    elif fs.exists(link.path):
        how = "an install has replaced the link"
    else:
        how = "the link is gone"
    shipped = package.needs.get(name)
    ships = ""
    if shipped is not None and shipped in graph.packages and shipped != graph.root:
        ships = f": {graph.packages[shipped].label} ships, of {shipped}"
    hint = f"run linkpack relink {name}, or linkpack unlink {name} to leave it so"
    if not fs.is_dir(link.target):
        hint = f"{link.target} is gone as well: bring it back, or run linkpack unlink {name}"
    message = f"{name} was linked to {link.target}, and {how}{ships}"
    return Problem(code="WRELINK", path=link.path, message=message, hint=hint)
