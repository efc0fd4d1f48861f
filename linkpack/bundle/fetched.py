"""Plan the dependencies that do not ship, for the root to depend on.

A selected package ships without its dependencies that are not selected. A consumer gets these from a registry, as
dependencies of the root, under one spec for all packages that need them. A dependency with specs that no version
satisfies together ships after all.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from linkpack.bundle.consumer import read_consumer
from linkpack.bundle.consumer_specs import SpecChange
from linkpack.bundle.graph import Package, Wish
from linkpack.bundle.vendor import find_hosted_names, find_spec, is_fetched, join_specs
from linkpack.errors import PlanRejected, Problem
from linkpack.npm.manifest import parse_manifest
from linkpack.npm.protocols import is_local
from linkpack.npm.ranges import is_subset, parse_range
from linkpack.npm.specs import allows, make_exact, parse_spec
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from linkpack.bundle.consumer_specs import Mode, SpecPlan
    from linkpack.bundle.graph import BundleGraph, Fetched
    from linkpack.bundle.selectors import Selectors

_SECTIONS = ("dependencies", "optionalDependencies")
_NAMED = 3  # packages that a reason names


class Supply(Record):
    """The dependencies that the root gets, and those that have to ship.

    *homes* maps each name that a registry supplies to the id of the package on disk, and *specs* to the spec that
    the root has for it. *changes* are the changes of the root's manifest. *conflicts* are the dependencies that
    have to ship, by package id and name, and *warnings* have the reason for each.
    """

    homes: Mapping[str, str]
    specs: Mapping[str, str]
    changes: tuple[SpecChange, ...]
    conflicts: frozenset[tuple[str, str]]
    warnings: tuple[Problem, ...]


class _Request(Record):
    """The *spec* that the package *label* has for a dependency.

    *version* is the one that it finds on disk, "" for none.
    """

    label: str
    spec: str
    version: str


def read_snapshot(
    read: Callable[[Wish], BundleGraph], selectors: Selectors | None, mode: Mode, *, nests: bool
) -> tuple[BundleGraph, SpecPlan]:
    """Read the bundle with *read*, and the specs that its consumers need.

    In a layout that *nests* packages, a dependency that a registry cannot supply for all ships as well, with a
    warning: the bundle is read again with it. Raises `PlanRejected` for a bundle with problems.
    """
    wish = Wish(selectors)
    warnings: tuple[Problem, ...] = ()
    while True:
        graph = read(wish)
        if graph.problems:
            raise PlanRejected(graph.problems)
        consumer = read_consumer(graph, mode)
        supply = plan_supply(graph, consumer)
        if not nests or not supply.conflicts:
            break
        # This ends: what is a wish ships, and is no conflict again, so that each reading ships more.
        wish = wish._replace(conflicts={*wish.conflicts, *supply.conflicts})
        warnings += supply.warnings
    replaced = {(change.section, change.key) for change in supply.changes}
    kept = (
        change
        for change in consumer.changes
        if change.package != graph.root or (change.section, change.key) not in replaced
    )
    changes = (*kept, *supply.changes, *_list_names(graph))
    return graph, consumer._replace(changes=changes, warnings=(*consumer.warnings, *warnings))


def _list_names(graph: BundleGraph) -> Iterator[SpecChange]:
    """Yield the changes that add selected names to the root's list."""
    root = graph.packages[graph.root]
    # npm 12.2 reads this spelling only where the other is missing (@npmcli/package-json, lib/normalize.js).
    section = "bundleDependencies"
    if section not in root.manifest.members and "bundledDependencies" in root.manifest.members:
        section = "bundledDependencies"
    for name, selector in graph.selected.items():
        if name in graph.bundled:
            yield SpecChange(
                package=root.id,
                label=root.label,
                section=section,
                key=name,
                old="",
                new=name,
                reason=f"it is bundled by {selector}",
            )


def plan_supply(graph: BundleGraph, consumer: SpecPlan) -> Supply:
    """Plan the dependencies that the root gets from a registry.

    Where specs conflict, the first one decides: that of the root, then those of the packages in the order reached.
    *consumer* has the registry's specs in place of those that only the project can use (`workspace:^`).
    """
    hosted = find_hosted_names(graph)
    edges: dict[str, list[Fetched]] = {}
    for edge in graph.fetched:
        edges.setdefault(edge.name, []).append(edge)
    written = {
        (change.package, change.key): change.new
        for change in consumer.changes
        if change.section not in {"peerDependencies", "devDependencies"} and change.new
    }
    homes: dict[str, str] = {}
    specs: dict[str, str] = {}
    changes: list[SpecChange] = []
    conflicts: set[tuple[str, str]] = set()
    warnings: list[Problem] = []
    for name in sorted(edges):
        requests = _list_root_requests(graph, name, written)
        common = ""
        askers: list[Fetched] = []
        for edge in edges[name]:
            request = _read_request(graph, edge, written)
            joined = None if name in graph.bundled else _join_requests([*requests, request])
            if joined is None:
                conflicts.add((edge.package, name))
                warnings.append(_warn_of_conflict(graph, edge, requests, request))
                continue
            requests.append(request)
            askers.append(edge)
            common = joined
        if askers:
            homes[name] = _choose_home(graph, askers, common)
        # A peer of the root stays one: whoever installs the root supplies it.
        if askers and name not in hosted:
            specs[name] = common
            changes += _ask_for(graph, name, common, askers, written)
    return Supply(
        homes=homes,
        specs=specs,
        changes=tuple(changes),
        conflicts=frozenset(conflicts),
        warnings=tuple(warnings),
    )


def _list_root_requests(graph: BundleGraph, name: str, written: Mapping[tuple[str, str], str]) -> list[_Request]:
    """List what the root itself asks for under *name*: one request, or none."""
    root = graph.packages[graph.root]
    if name not in root.manifest.dependencies and name not in root.manifest.optional_dependencies:
        return []
    return [_Request("the project", written.get((root.id, name), find_spec(root, name)), "")]


def _read_request(graph: BundleGraph, edge: Fetched, written: Mapping[tuple[str, str], str]) -> _Request:
    package = graph.packages[edge.package]
    version = graph.outside[edge.to].manifest.version if edge.to and edge.to in graph.outside else ""
    return _Request(package.label, written.get((package.id, edge.name), find_spec(package, edge.name)), version)


def _join_requests(requests: list[_Request]) -> str | None:
    specs = [request.spec for request in requests]
    return find_common_spec(specs, [request.version for request in requests if request.version])


def find_common_spec(specs: Iterable[str], versions: Sequence[str]) -> str | None:
    """Return one spec that satisfies all of *specs*, None if there is none.

    *versions* are what is installed: one of them has to be right for all, unless nothing is installed.

    >>> find_common_spec(["^1.2.0", "~1.4.0"], ["1.4.0"]), find_common_spec(["^1.2.0", "^2.0.0"], ["1.4.0"])
    ('~1.4.0', None)
    >>> find_common_spec(["latest"], ["1.4.0"])
    '1.4.0'
    """
    specs = list(dict.fromkeys(spec.strip() for spec in specs))
    if len(specs) == 1:
        (spec,) = specs
        if (
            not versions
            or is_local(spec)
            or is_fetched(spec)
            or any(allows(spec, version) for version in versions)
        ):
            return spec
        # A tag names no version for good: the one that was installed is asked for.
        return make_exact(versions[0]) or None if _is_tag(spec) else None
    # An address names one package, which no range of another spec can be joined with.
    if any(is_fetched(spec) for spec in specs):
        return None
    for version in versions:
        joined = join_specs(specs, make_exact(version))
        if all(allows(spec, version) for spec in (*specs, joined)):
            return joined
    narrow = next((spec for spec in specs if all(is_subset(spec, other) for other in specs)), None)
    return None if versions else narrow


def _is_tag(spec: str) -> bool:
    """Return True if *spec* is a tag of the registry, such as `latest`."""
    return parse_spec(spec).kind == "registry" and parse_range(spec) is None


def _choose_home(graph: BundleGraph, askers: list[Fetched], common: str) -> str:
    """Return the id of the package on disk that is nearest to *common*.

    It is the first one that *common* allows, the root's own before those of the packages that need it. If none is
    allowed, it is the first of all. If none is installed, it is a path in the node_modules of the first asker.
    """
    name = askers[0].name
    ids = [id_ for id_ in (graph.reserved.get(name), *(edge.to for edge in askers)) if id_ in graph.outside]
    allowed = [id_ for id_ in ids if id_ and allows(common, graph.outside[id_].manifest.version)]
    return next((id_ for id_ in (*allowed, *ids) if id_), f"{askers[0].package}/node_modules/{name}")


def _ask_for(
    graph: BundleGraph, name: str, spec: str, askers: list[Fetched], written: Mapping[tuple[str, str], str]
) -> Iterator[SpecChange]:
    """Yield the change that makes *name* a dependency of the root.

    Nothing is yielded if the root has it under this spec.
    """
    root = graph.packages[graph.root]
    optional = all(name in graph.packages[edge.package].manifest.optional_dependencies for edge in askers)
    section, old = _SECTIONS[optional], ""
    # A name stays in its section. In both, it is optional, as for npm 12.2 (arborist, lib/node.js, _loadDeps).
    for other in reversed(_SECTIONS):
        declared = root.manifest.optional_dependencies if other != _SECTIONS[0] else root.manifest.dependencies
        if name in declared:
            section, old = other, declared[name]
            break
    if spec == written.get((root.id, name), old) and old:
        return
    labels = ", ".join(graph.packages[edge.package].label for edge in askers[:_NAMED])
    more = f" and {len(askers) - _NAMED} more" if len(askers) > _NAMED else ""
    yield SpecChange(
        package=root.id,
        label=root.label,
        section=section,
        key=name,
        old=old,
        new=spec,
        reason=f"{labels}{more} {'needs' if len(askers) == 1 else 'need'} it, and it is not selected",
    )


def _warn_of_conflict(graph: BundleGraph, edge: Fetched, requests: list[_Request], request: _Request) -> Problem:
    """Warn that a package ships since its spec conflicts with others."""
    package = graph.packages[edge.package]
    others = ", ".join(f"{other.label} for {other.spec}" for other in requests)
    why = f"and {others}: no version is both"
    if edge.name in graph.bundled:
        why = "and the project bundles another one"
    elif not requests:
        why = f"which {request.version} does not satisfy"
    message = f"{package.label} asks for {edge.name} {request.spec}, {why}"
    hint = "make the versions agree, so that one of them comes from the registry"
    return Problem("WBUNDLERANGE", package.via, f"{message}, so {edge.name} ships with {package.label}", hint)


def include_fetched(graph: BundleGraph, homes: Mapping[str, str]) -> BundleGraph:
    """Return *graph* with the packages that a registry supplies.

    Each name leads to the one package in *homes*, from every package that needs it. A package that is not
    installed has no version.
    """
    packages = dict(graph.packages)
    reserved = dict(graph.reserved)
    outside = dict(graph.outside)
    for edge in graph.fetched:
        home = homes.get(edge.name)
        if home is None:
            continue
        if home not in outside:
            outside[home] = _make_absent(home, edge.name)
        package = packages[edge.package]
        peers = {name: to for name, to in package.peers.items() if name != edge.name}
        needs = dict(sorted({**package.needs, edge.name: home}.items()))
        packages[edge.package] = package._replace(needs=needs, peers=peers)
        packages[home] = outside[home]
        reserved[edge.name] = home
    return graph._replace(packages=packages, reserved=reserved, outside=outside)


def _make_absent(folder: str, name: str) -> Package:
    """Return a package that is not installed, as if in *folder*."""
    manifest = parse_manifest(json.dumps({"name": name}).encode(), f"{folder}/package.json", "installed")
    return Package(id=folder, manifest=manifest, needs={}, peers={}, linked=False, via=folder)
