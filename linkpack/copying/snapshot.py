"""Read what a copy of a package holds.

That is what its tarball would hold, and the dependencies that the project lacks.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from linkpack.archive.entry import ROOT, Entry
from linkpack.bundle.consumer import read_consumer, rewrite_manifests
from linkpack.bundle.contents import read_contents
from linkpack.bundle.entries import plan_archive
from linkpack.bundle.graph import BundleGraph, Package, read_bundle
from linkpack.bundle.placement import place
from linkpack.errors import PlanRejected, Problem
from linkpack.linking.package import meets_range
from linkpack.npm.manifest import Manifest, parse_manifest
from linkpack.packing.options import PackOptions
from linkpack.packing.plan import make_plan
from linkpack.packing.publish_config import apply_publish_config
from linkpack.project.package_json import read_loose
from linkpack.project.project import find_project, project_edition
from linkpack.project.resolve import Lookup, lookup_paths
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MANIFEST = f"{ROOT}package.json"
_NESTED = f"{ROOT}node_modules/"


class Snapshot(Record):
    """What a copy of a package holds.

    *entries* are its files, as `pack` has them. *nested* are the packages in its own node_modules (`ms@2.1.3`),
    without those that its tarball bundles. *peers* are the peer dependencies that it finds in the project.
    """

    entries: tuple[Entry, ...]
    nested: tuple[str, ...]
    peers: tuple[str, ...]
    warnings: tuple[Problem, ...]


class ProjectPackages:
    """The packages that a copy finds in the project around it.

    *modules* is the node_modules that the copy is in, *project* the root of the project. *planned* are packages
    that the same command puts there, as versions by path.
    """

    def __init__(self, modules: str, project: str, planned: Mapping[str, str]) -> None:
        self.project = project
        self._modules = modules
        self._planned = planned
        self._lookup = Lookup()

    def version(self, name: str) -> str | None:
        """Return the version of *name*, None if Node does not find it."""
        # A planned copy is not on the disk yet (tests/copying/test_copies.py, test_two_copies_of_one_command_…).
        paths = lookup_paths(self._modules, name)
        planned = next((path for path in paths if path in self._planned), None)
        if planned is not None:
            return self._planned[planned]
        real = self._lookup.resolve(self._modules, name).real
        manifest = read_loose(real) if real else None
        return None if manifest is None else manifest.version

    def satisfies(self, name: str, wanted: str) -> bool:
        """Return True if the project has *name* in the range *wanted*."""
        version = self.version(name)
        return version is not None and meets_range(version, wanted)


def read_snapshot(source: str, around: ProjectPackages) -> Snapshot:
    """Read what a copy of the package in *source* holds.

    *around* has the packages of the project. A peer is always the project's. Another dependency is the project's
    where that satisfies the range, and else is copied from where the source finds it. Raises as `make_plan`.
    """
    # What `pack` ships, with its specs rewritten.
    options = PackOptions()
    plan = make_plan(source, options)
    shipped = _read_shipped(plan.entries)

    # The dependencies that the project does not have.
    # What the tarball bundles is part of the copy, whatever the project has.
    paths = {entry.path for entry in plan.entries}
    own = {name for name in shipped.bundle if f"{_NESTED}{name}/package.json" in paths}
    missing = [
        name
        for name, wanted in _list_needs(shipped).items()
        if name not in own and name not in shipped.peer_dependencies and not around.satisfies(name, wanted)
    ]
    lookup = Lookup()
    nested = tuple(name for name in missing if lookup.resolve(source, name).real)
    warnings = [
        _warn_of_missing(source, shipped, name, around)
        for name in missing
        if name not in nested and name not in shipped.optional_dependencies
    ]
    entries, packages = plan.entries, [shipped]
    labels: dict[str, str] = {}
    if nested:
        # These share node_modules with the bundled packages, so that both are placed anew, together.
        graph, more = _read_nested(source, nested, own, around)
        labels = {slot: label for slot, label in more.labels.items() if _top_name(slot) not in own}
        entries = (*(entry for entry in entries if not entry.path.startswith(_NESTED)), *more.entries)
        packages += [package.manifest for id_, package in graph.packages.items() if id_ != graph.root]

    # Peers are the project's: there is one copy of each, unless a dependency has the name too.
    peers = {name: wanted for package in packages for name, wanted in _list_peers(package, set(own) | set(nested))}
    warnings += [problem for package in packages for problem in _check_peers(package, around, {*own, *nested})]
    held = {slot.rpartition("node_modules/")[2] for slot in labels}
    shared = tuple(name for name in sorted(peers) if around.version(name) is not None and name not in held)
    return Snapshot(
        entries=entries,
        nested=tuple(sorted(set(labels.values()))),
        peers=shared,
        warnings=(*plan.warnings, *warnings),
    )


def _read_shipped(entries: Sequence[Entry]) -> Manifest:
    """Return the manifest that ships."""
    entry = next(entry for entry in entries if entry.path == _MANIFEST)
    return parse_manifest(b"".join(entry.read()), "package.json", "installed")


def _top_name(slot: str) -> str:
    """Return the name of the outermost package around *slot*.

    >>> _top_name("node_modules/@s/b/node_modules/c")
    '@s/b'
    """
    return slot.removeprefix("node_modules/").split("/node_modules/")[0]


def _list_needs(manifest: Manifest) -> dict[str, str]:
    # For a name in both sections the optional one is read last, as by npm 12.2 (arborist, lib/node.js, _loadDeps).
    return {**manifest.dependencies, **manifest.optional_dependencies}


def _list_peers(manifest: Manifest, nested: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the peers that the project is to provide, with their ranges."""
    return ((name, wanted) for name, wanted in manifest.peer_dependencies.items() if name not in nested)


def _warn_of_missing(source: str, manifest: Manifest, name: str, around: ProjectPackages) -> Problem:
    wanted = _list_needs(manifest)[name]
    message = f"{manifest.name} needs {name} {wanted}, which neither {around.project} nor {source} has"
    return Problem("WDEPENDENCIES", source, message, f"run your package manager's install in {source}")


def _check_peers(manifest: Manifest, around: ProjectPackages, nested: set[str]) -> Iterator[Problem]:
    """Yield a warning for each missing peer, or peer of another version."""
    for name, wanted in _list_peers(manifest, nested):
        version = around.version(name)
        needed = f"{name} {wanted} is needed by {manifest.name}"
        if version is None and name not in manifest.optional_peers:
            message = f"{needed}, and {around.project} does not have it"
        elif version is not None and not meets_range(version, wanted):
            message = f"{needed}, and {around.project} has {version}"
        else:
            continue
        yield Problem("WPEER", around.project, message, f"install {name} there")


class _NestedPackages(Record):
    """Packages in the node_modules of a copy.

    *entries* are their files, *labels* the packages (`ms@2.1.3`) by slot.
    """

    entries: tuple[Entry, ...]
    labels: Mapping[str, str]


def _read_nested(
    source: str, nested: Sequence[str], own: set[str], around: ProjectPackages
) -> tuple[BundleGraph, _NestedPackages]:
    """Read the packages that a copy has of its own, placed as a bundle is.

    *nested* are the dependencies of the package in *source* that are copied with it, and *own* are those that its
    tarball bundles. What these need in turn is read too.
    """
    # As if *nested* were in bundleDependencies, so that one planner places both.
    options = PackOptions()
    view = apply_publish_config(find_project(source), options)
    manifest = view.project.manifest
    project = view.project._replace(
        manifest=manifest._replace(bundle=tuple(dict.fromkeys((*manifest.bundle, *nested))))
    )
    graph = read_bundle(project)
    if graph.problems:
        raise PlanRejected(graph.problems)
    graph = view.graph(_leave_to_project(graph, frozenset((*manifest.bundle, *nested)), frozenset(own), around))
    edition = project_edition(project, options.npm_rules).edition
    packlists = view.packlists(graph, read_contents(project, graph, edition, ()))
    slots = place(graph)
    archive = plan_archive(slots, packlists, rewrite_manifests(graph, read_consumer(graph, options.specs)))
    if archive.problems:
        raise PlanRejected(archive.problems)
    return graph, _NestedPackages(
        entries=tuple(entry for entry in archive.entries if entry.path.startswith(_NESTED)),
        labels={slot: graph.packages[id_].label for slot, id_ in slots.items() if slot},
    )


def _leave_to_project(
    graph: BundleGraph, roots: frozenset[str], own: frozenset[str], around: ProjectPackages
) -> BundleGraph:
    """Return *graph* without what its packages find in the project.

    *roots* are the names at the top of the copy's node_modules. The packages that its tarball bundles, the names
    *own*, stay as they ship.
    """
    shipped = _reach(graph, [graph.bundled[name] for name in own if name in graph.bundled])

    def is_outside(package: Package, name: str) -> bool:
        wanted = _list_needs(package.manifest).get(name, package.manifest.peer_dependencies.get(name, ""))
        return package.id not in shipped and name not in roots and around.satisfies(name, wanted)

    packages = dict(graph.packages)
    for id_, package in graph.packages.items():
        if id_ != graph.root:
            # None, as for a name that is absent and may be: Node finds it further up, in the project.
            needs = {name: None if is_outside(package, name) else to for name, to in package.needs.items()}
            peers = {name: None if is_outside(package, name) else to for name, to in package.peers.items()}
            packages[id_] = package._replace(needs=needs, peers=peers)
    pruned = graph._replace(packages=packages)
    kept = {graph.root, *_reach(pruned, list(graph.bundled.values()))}
    return pruned._replace(
        packages={id_: package for id_, package in packages.items() if id_ in kept},
        # The copy's other dependencies are the project's: nothing in the copy may hide them.
        reserved=dict.fromkeys(graph.reserved),
    )


def _reach(graph: BundleGraph, starts: Sequence[str]) -> set[str]:
    """Return the ids that *starts* lead to, and these themselves."""
    reached: set[str] = set()
    waiting = deque(starts)
    while waiting:
        id_ = waiting.popleft()
        if id_ not in reached and id_ in graph.packages:
            reached.add(id_)
            waiting.extend(to for to in graph.packages[id_].needs.values() if to is not None)
    return reached
