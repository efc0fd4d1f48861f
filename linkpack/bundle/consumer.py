"""Read from disk what decides a consumer's specs, and rewrite manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.bundle.bundled_names import is_of_bundle, plan_bundled_names, rewrite_bundled_names
from linkpack.bundle.consumer_specs import AuthorDisk, SpecPlan, Supplied, plan_specs, refuse_change, rewrite_specs
from linkpack.project.monorepo import find_enclosing_monorepos, list_all_members
from linkpack.project.package_json import read_usable
from linkpack.project.resolve import find_installed
from linkpack.project.workspace import package_manager

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.bundle.consumer_specs import Mode
    from linkpack.bundle.graph import BundleGraph
    from linkpack.npm.manifest import Manifest
    from linkpack.project.workspace import PackageManager, Workspace


# Only a monorepo can say what these mean, yarn's `npm:` included (`protocols.strip_npm`).
_ASKING = (b"workspace:", b"catalog:", b"npm:")


def read_consumer(graph: BundleGraph, mode: Mode) -> SpecPlan:
    """Plan the spec changes that the manifests of *graph* need.

    Warnings of the project's own manifest and of linked ones are included. Raises `ProjectError` when a workspace
    file cannot be understood.
    """
    # Installed packages were published already. Specs that only their author's disk resolves are problems there.
    sources = [package for package in graph.packages.values() if package.linked or package.id == graph.root]
    # A monorepo is searched for its members, so only when a manifest asks for it.
    asking = [package.id for package in sources if any(word in package.manifest.raw for word in _ASKING)]
    monorepos = _read_monorepos(asking)
    # The first monorepo's catalogs win over those of the next with the same name.
    catalogs = {name: specs for monorepo in reversed(monorepos) for name, specs in monorepo.catalogs.items()}
    # A catalog may say `workspace:` too.
    named = any(b"workspace:" in package.manifest.raw for package in sources)
    members = _read_members(graph, monorepos) if named or b"workspace:" in repr(catalogs).encode() else {}
    disk = AuthorDisk(
        catalogs=catalogs,
        workspaces=members,
        installed=lambda folder, name: _read_installed(graph, folder, name),
        tags="yarn" in {_find_manager(graph), *(monorepo.manager for monorepo in monorepos)},
    )
    supplied = {(edge.package, edge.name) for edge in graph.fetched}
    plan = plan_specs(graph.packages, graph.root, supplied, mode=mode, disk=disk)
    names = tuple(plan_bundled_names(graph)) if mode != "keep" else ()
    warnings = (*(warning for package in sources for warning in package.manifest.warnings), *plan.warnings)
    if mode == "error":
        return plan._replace(problems=(*plan.problems, *map(refuse_change, names)), warnings=warnings)
    return plan._replace(changes=(*plan.changes, *names), warnings=warnings)


def _read_monorepos(folders: list[str]) -> list[Workspace]:
    """Read the monorepos around *folders*, those of the first folder first."""
    by_root: dict[str, Workspace] = {}
    for folder in folders:
        for monorepo in find_enclosing_monorepos(folder):
            by_root.setdefault(monorepo.root, monorepo)
    return list(by_root.values())


def _read_members(graph: BundleGraph, monorepos: list[Workspace]) -> dict[str, Supplied]:
    """Read what `workspace:` can mean, by name: members, and the roots."""
    members: dict[str, Supplied] = {}
    for monorepo in monorepos:
        for folder in (monorepo.root, *list_all_members(monorepo)):
            manifest = _find_manifest(graph, folder)
            if manifest is not None and manifest.name:
                members.setdefault(
                    manifest.name, Supplied(manifest.name, manifest.version, folder, manifest.private)
                )
    return members


def _find_manager(graph: BundleGraph) -> PackageManager:
    return package_manager(graph.root, graph.packages[graph.root].manifest.package_manager)


def _read_installed(graph: BundleGraph, folder: str, name: str) -> Supplied | None:
    """Read the package that Node finds for *name* from *folder*, if any."""
    real = find_installed(folder, name)
    manifest = None if real is None else _find_manifest(graph, real)
    return None if manifest is None or real is None else Supplied(manifest.name, manifest.version, real)


def _find_manifest(graph: BundleGraph, folder: str) -> Manifest | None:
    """Read the manifest in *folder*, if it can be used."""
    return graph.packages[folder].manifest if folder in graph.packages else read_usable(folder)


def rewrite_manifests(graph: BundleGraph, plan: SpecPlan) -> Mapping[str, bytes]:
    """Map every package id to its package.json, rewritten by *plan*."""
    specs = drop_bundled_names(graph, plan)
    manifests = {}
    for id_, package in graph.packages.items():
        changes = [change for change in specs.changes if change.package == id_]
        names = [change for change in plan.changes if change.package == id_ and change not in changes]
        manifests[id_] = rewrite_bundled_names(rewrite_specs(package.manifest.raw, changes), names)
    return manifests


def drop_bundled_names(graph: BundleGraph, plan: SpecPlan) -> SpecPlan:
    """Return *plan* without the changes of `plan_bundled_names`.

    Flat layouts have no lists of bundled names.
    """
    kept = (change for change in plan.changes if not is_of_bundle(graph.packages[change.package].manifest, change))
    return plan._replace(changes=tuple(kept))
