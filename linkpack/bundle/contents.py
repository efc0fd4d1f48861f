"""The files of every package of a bundle, each package read once however often it is placed."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.bundle.project import read_manifest, read_outer_ignores
from linkpack.bundle.workspace import find_workspace, member_folders
from linkpack.disk import fs
from linkpack.errors import LinkpackError
from linkpack.memo import once
from linkpack.npm.names import tarball_name
from linkpack.select.packlist import read_packlist

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from linkpack.bundle.graph import BundleGraph
    from linkpack.bundle.project import Project
    from linkpack.bundle.workspace import Workspace
    from linkpack.npm.manifest import Manifest
    from linkpack.select.packlist import Edition, Packlist


def read_contents(
    project: Project, graph: BundleGraph, edition: Edition, written: Iterable[str], *, compare: bool = False
) -> Mapping[str, Packlist]:
    """Read the packlist of every package of *graph*, by id.

    The root and linked packages give what packing them would ship, less their node_modules; installed ones give
    what was published. *written* are the paths that this run will write; what is there, or under a source
    directory's own default name, is an earlier run's, and to pack it again is to grow for ever, as npm's
    tarballs do (npm/cli#7478). To *compare* is to warn where the rules of the other edition give other files.

    Raises `ManifestInvalid` when an ignore file above a workspace member cannot be read.
    """
    paths = tuple(written)  # the packages of a run share it
    targets = once(("written", paths), lambda: _by_folder(paths))
    packlists: dict[str, Packlist] = {}
    for at, package in graph.packages.items():
        own = _own_tarballs(at, package.manifest, targets)
        if at == project.root:
            packlists[at] = read_packlist(
                at,
                package.manifest,
                "root",
                edition=edition,
                outer_ignores=read_outer_ignores(project.around, at),
                members=_read_members(project.own, edition),
                own_tarballs=own,
                compare=compare,
            )
        elif package.linked:
            packlists[at] = _read_linked(at, package.manifest, edition, find_workspace(at), own, compare=compare)
        else:
            packlists[at] = _read_installed(at, package.manifest, edition, compare=compare)
    return packlists


def _read_installed(at: str, manifest: Manifest, edition: Edition, *, compare: bool) -> Packlist:
    key = ("installed", at, manifest.raw, edition, compare)
    return once(key, lambda: read_packlist(at, manifest, "installed", edition=edition, compare=compare))


def _read_linked(
    at: str,
    manifest: Manifest,
    edition: Edition,
    around: Workspace | None,
    own: frozenset[str] = frozenset(),
    *,
    compare: bool = False,
) -> Packlist:
    def read() -> Packlist:
        outer = read_outer_ignores(around, at)
        return read_packlist(
            at, manifest, "linked", edition=edition, outer_ignores=outer, own_tarballs=own, compare=compare
        )

    return once(("linked", at, manifest.raw, edition, around and around.root, own, compare), read)


def _read_members(own: Workspace | None, edition: Edition) -> tuple[tuple[str, frozenset[str]], ...]:
    """What each member of the workspace *own* may ship when its root is packed: folder and paths below it.

    A member whose manifest cannot be used may ship nothing: its own rules are not known.
    """
    members = []
    for folder in member_folders(own) if own is not None else ():
        try:
            packlist = _read_linked(folder, read_manifest(folder, "linked"), edition, own)
            allowed = frozenset(file.path for file in packlist.files)
        except LinkpackError:
            allowed = frozenset()
        members.append((posixpath.relpath(folder, own.root if own is not None else "/"), allowed))
    return tuple(members)


def _own_tarballs(at: str, manifest: Manifest, targets: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The paths below the source directory *at* where earlier runs may have written; *targets* by folder."""
    inside = f"{at.rstrip('/')}/"
    own = {tarball_name(manifest.name, manifest.version)}
    for folder, names in targets.items():
        real = _real(folder)
        if f"{real}/".startswith(inside):
            own |= {posixpath.join(real, name)[len(inside) :] for name in names}
    return frozenset(own)


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
