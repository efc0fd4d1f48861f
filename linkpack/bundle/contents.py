"""The files of every package of a bundle, each package read once however often it is placed."""

from __future__ import annotations

import posixpath
from functools import partial
from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError
from linkpack.packlist.packlist import Outputs, PackageFolder, read_packlist
from linkpack.project.pnpm import add_license
from linkpack.project.project import read_manifest, read_outer_ignores
from linkpack.project.workspace import find_workspace, member_folders
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

    The root and linked packages give what packing them would ship, less their node_modules; installed ones give
    what was published. *written* are the paths that this run will write: what is there now is part of no package.
    To *compare* is to warn where the rules of the other edition give other files.

    Raises `ManifestInvalid` when an ignore file above a workspace member cannot be read.
    """
    paths = tuple(written)  # the packages of a run share it
    targets = once(("written", paths), lambda: _by_folder(paths))
    packlists: dict[str, Packlist] = {}
    for at, package in graph.packages.items():
        outputs = _outputs(at, package.manifest, targets)
        if at == project.root:
            folder = PackageFolder(
                root=at,
                manifest=package.manifest,
                kind="root",
                edition=edition,
                outer_ignores=read_outer_ignores(project.around, at),
                members=_read_members(project.own, edition),
                outputs=outputs,
                add=partial(add_license, project.around),
            )
            packlists[at] = read_packlist(folder, compare=compare)
        elif package.linked:
            around = find_workspace(at)
            packlists[at] = _read_linked(at, package.manifest, edition, around, outputs, compare=compare)
        else:
            packlists[at] = _read_installed(at, package.manifest, edition, compare=compare)
    return packlists


def _read_installed(at: str, manifest: Manifest, edition: Edition, *, compare: bool) -> Packlist:
    key = ("installed", at, manifest.raw, edition, compare)
    folder = PackageFolder(root=at, manifest=manifest, kind="installed", edition=edition)
    return once(key, lambda: read_packlist(folder, compare=compare))


def _read_linked(
    at: str,
    manifest: Manifest,
    edition: Edition,
    around: Workspace | None,
    outputs: Outputs,
    *,
    compare: bool = False,
) -> Packlist:
    def read() -> Packlist:
        folder = PackageFolder(
            root=at,
            manifest=manifest,
            kind="linked",
            edition=edition,
            outer_ignores=read_outer_ignores(around, at),
            outputs=outputs,
            add=partial(add_license, around),
        )
        return read_packlist(folder, compare=compare)

    return once(("linked", at, manifest.raw, edition, around and around.root, outputs, compare), read)


def _read_members(own: Workspace | None, edition: Edition) -> tuple[tuple[str, frozenset[str]], ...]:
    """What each member of the workspace *own* may ship when its root is packed: folder and paths below it.

    A member whose manifest cannot be used may ship nothing: its own rules are not known.
    """
    members = []
    for folder in member_folders(own) if own is not None else ():
        try:
            manifest = read_manifest(folder, "linked")
            packlist = _read_linked(folder, manifest, edition, own, _outputs(folder, manifest, {}))
            allowed = frozenset(file.path for file in packlist.files)
        except LinkpackError:
            allowed = frozenset()
        members.append((posixpath.relpath(folder, own.root if own is not None else "/"), allowed))
    return tuple(members)


def _outputs(at: str, manifest: Manifest, targets: Mapping[str, Sequence[str]]) -> Outputs:
    """Say what linkpack writes into the source directory *at*, or may have written; *targets* are by folder."""
    inside = f"{at.rstrip('/')}/"
    written: set[str] = set()
    for folder, names in targets.items():
        real = _real(folder)
        if f"{real}/".startswith(inside):
            written |= {posixpath.join(real, name)[len(inside) :] for name in names}
    return Outputs(manifest.name, frozenset(written), manifest.files or ())


def _by_folder(paths: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The last portions of *paths* by their folder."""
    found: dict[str, list[str]] = {}
    for path in paths:
        folder, name = posixpath.split(path)
        found.setdefault(folder, []).append(name)
    return found


def _real(folder: str) -> str:
    """The real path of *folder*; as it is when there is none yet, and so nothing in it."""
    try:
        return once(("real", folder), lambda: fs.real_path(folder or "."))
    except (OSError, ValueError):
        return folder
