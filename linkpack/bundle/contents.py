"""Read the files of every package of a bundle, each package once."""

from __future__ import annotations

import posixpath
from functools import partial
from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError
from linkpack.notices import current_meter
from linkpack.packlist.packlist import Outputs, PackageFolder, read_packlist
from linkpack.project.package_json import read_manifest
from linkpack.project.pnpm import add_license
from linkpack.project.project import read_outer_ignores
from linkpack.project.workspace import find_workspace, list_members
from linkpack.read_cache import once
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from linkpack.bundle.graph import BundleGraph
    from linkpack.npm.manifest import Manifest
    from linkpack.packlist.packlist import Edition, Packlist
    from linkpack.project.project import Project
    from linkpack.project.workspace import Workspace


def read_contents(
    project: Project, graph: BundleGraph, edition: Edition, written: Iterable[str], *, compare: bool = False
) -> Mapping[str, Packlist]:
    """Read the packlist of every package of *graph*, by id.

    The packlists of the root and of linked packages are what packing them would ship, without their node_modules.
    Those of installed packages are what was published. *written* are the paths that this run will write, and files
    there are part of no package. With *compare* it is a warning when the rules of the other edition give other
    files.

    Raises `ManifestInvalid` when an ignore file above a workspace member cannot be read.
    """
    paths = tuple(written)  # the packages of a run share it
    targets = once(("written", paths), lambda: _group_by_folder(paths))
    packlists: dict[str, Packlist] = {}
    meter = current_meter()
    for folder, package in graph.packages.items():
        if meter is not None:
            meter("reading packages", len(packlists), len(graph.packages), "packages")
        if folder == project.root:
            root = PackageFolder(
                root=folder,
                manifest=package.manifest,
                kind="root",
                edition=edition,
                outer_ignores=read_outer_ignores(project.around, folder),
                members=_read_members(project.own, edition),
                outputs=_list_outputs(folder, package.manifest, targets),
                add=partial(add_license, project.around),
            )
            packlists[folder] = read_packlist(root, compare=compare)
        elif package.linked:
            # A linked package may belong to another workspace than the project.
            around, outputs = find_workspace(folder), _list_outputs(folder, package.manifest, targets)
            packlists[folder] = _read_linked(folder, package.manifest, edition, around, outputs, compare=compare)
        else:
            packlists[folder] = _read_installed(folder, package.manifest, edition, compare=compare)
    return packlists


def _read_installed(folder: str, manifest: Manifest, edition: Edition, *, compare: bool) -> Packlist:
    # Its `files` and its ignore files did their work when it was published (docs/differences-from-npm.md, B1).
    key = ("installed", folder, manifest.raw, edition, compare)
    package = PackageFolder(root=folder, manifest=manifest, kind="installed", edition=edition)
    return once(key, lambda: read_packlist(package, compare=compare))


def _read_linked(
    folder: str,
    manifest: Manifest,
    edition: Edition,
    around: Workspace | None,
    outputs: Outputs,
    *,
    compare: bool = False,
) -> Packlist:
    """Read what packing the source folder *folder* would ship."""

    # A package that several members of a workspace bundle is read once for all of them.
    def read() -> Packlist:
        package = PackageFolder(
            root=folder,
            manifest=manifest,
            kind="linked",
            edition=edition,
            outer_ignores=read_outer_ignores(around, folder),
            outputs=outputs,
            add=partial(add_license, around),
        )
        return read_packlist(package, compare=compare)

    return once(("linked", folder, manifest.raw, edition, around and around.root, outputs, compare), read)


def _read_members(own: Workspace | None, edition: Edition) -> tuple[tuple[str, frozenset[str]], ...]:
    """Read which files of the members of *own* may ship with its root.

    Returns the members' folders relative to the root, and paths below them.
    """
    # Below a member's folder only what the member ships (docs/differences-from-npm.md, W7).
    members = []
    for folder in list_members(own) if own is not None else ():
        try:
            manifest = read_manifest(folder, "linked")
            packlist = _read_linked(folder, manifest, edition, own, _list_outputs(folder, manifest, {}))
            allowed = frozenset(file.path for file in packlist.files)
        except LinkpackError:
            allowed = frozenset()  # without a usable manifest its rules are not known
        members.append((posixpath.relpath(folder, own.root if own is not None else "/"), allowed))
    return tuple(members)


def _list_outputs(folder: str, manifest: Manifest, targets: Mapping[str, Sequence[str]]) -> Outputs:
    """Describe what linkpack writes or wrote into the source folder *folder*.

    *targets* are the names of the files that this run writes, by folder.
    """
    # Tarballs of earlier runs are known by the package's name, unless `files` asks for them
    # (docs/differences-from-npm.md, S1).
    inside = f"{folder.rstrip('/')}/"
    written: set[str] = set()
    for target, names in targets.items():
        real = _find_real_path(target)
        if f"{real}/".startswith(inside):
            written |= {posixpath.join(real, name)[len(inside) :] for name in names}
    return Outputs(manifest.name, frozenset(written), manifest.files or ())


def _group_by_folder(paths: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Group the last portions of *paths* by folder."""
    found: dict[str, list[str]] = {}
    for path in paths:
        folder, name = posixpath.split(path)
        found.setdefault(folder, []).append(name)
    return found


def _find_real_path(folder: str) -> str:
    """Return the real path of *folder*, or *folder* if it does not exist."""
    try:
        return once(("real", folder), lambda: fs.real_path(folder or "."))
    except (OSError, ValueError):
        return folder
