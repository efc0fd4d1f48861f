"""The manifests as a consumer gets them: reads what `plan_specs` has to know, and applies what it decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.bundle.project import read_manifest
from linkpack.bundle.specs import Supplied, plan_specs, rewritten
from linkpack.bundle.workspace import find_workspace, member_folders, read_workspace
from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.bundle.graph import BundleGraph
    from linkpack.bundle.specs import Mode, SpecPlan
    from linkpack.bundle.workspace import Workspace
    from linkpack.npm.manifest import Manifest


def read_consumer(graph: BundleGraph, mode: Mode, around: Workspace | None = None) -> SpecPlan:
    """The spec changes that the manifests of *graph* need; workspaces are looked at only when a spec names one.

    *around* is the workspace that the root belongs to, where its own folder does not tell, as a folder that
    publishConfig names. Raises `ProjectError` when a workspace file cannot be understood.
    """
    sources = [package for package in graph.packages.values() if package.linked or package.id == graph.root]
    asking = [p.id for p in sources if b"workspace:" in p.manifest.raw or b"catalog:" in p.manifest.raw]
    workspaces = _read_workspaces(asking)
    if around is not None and graph.root in asking and all(each.root != around.root for each in workspaces):
        workspaces.insert(0, around)
    catalogs = {name: specs for each in reversed(workspaces) for name, specs in each.catalogs.items()}
    named = any(b"workspace:" in package.manifest.raw for package in sources)
    members = _read_members(graph, workspaces) if named else {}
    plan = plan_specs(graph.packages, graph.root, mode=mode, catalogs=catalogs, workspaces=members)
    return plan._replace(warnings=tuple(each for package in sources for each in package.manifest.warnings))


def _read_workspaces(folders: list[str]) -> list[Workspace]:
    """The workspaces that *folders* are part of; those of the first folder come first and count most."""
    found: dict[str, Workspace] = {}
    for folder in folders:
        for workspace in (read_workspace(folder), find_workspace(folder)):
            if workspace is not None:
                found.setdefault(workspace.root, workspace)
    return list(found.values())


def _read_members(graph: BundleGraph, workspaces: list[Workspace]) -> dict[str, Supplied]:
    """What `workspace:` can mean: the members, and the roots themselves, by name."""
    members: dict[str, Supplied] = {}
    for workspace in workspaces:
        for folder in (workspace.root, *member_folders(workspace)):
            manifest = _manifest(graph, folder)
            if manifest is not None and manifest.name:
                members.setdefault(manifest.name, Supplied(manifest.name, manifest.version, folder))
    return members


def _manifest(graph: BundleGraph, folder: str) -> Manifest | None:
    """The manifest in *folder*; None when it cannot be used, as may be of a member that nothing here needs."""
    if folder in graph.packages:
        return graph.packages[folder].manifest
    try:
        return read_manifest(folder, "installed")
    except LinkpackError:
        return None


def consumer_manifests(graph: BundleGraph, plan: SpecPlan) -> Mapping[str, bytes]:
    """The package.json of every package of *graph*, by id: the bytes that were read, with the plan's changes."""
    changes = {at: [change for change in plan.changes if change.package == at] for at in graph.packages}
    return {at: rewritten(package.manifest.raw, changes[at]) for at, package in graph.packages.items()}
