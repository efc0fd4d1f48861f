"""Find the project that a command is about, as npm finds it."""

from __future__ import annotations

import posixpath

from linkpack.errors import LinkError
from linkpack.project.workspace import find_workspace
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system.read import walk_up

OTHER_FORMS = ("package.json5", "package.yaml")
"""Files that pnpm reads in the place of a package.json."""

_PNPM_FILES = ("pnpm-workspace.yaml", "pnpm-lock.yaml")


class LocalProject(Record):
    """The project that a command is about.

    *start* is the real directory of the nearest project. *root* is the workspace root that names *start* as a
    member, if there is one, and else *start* itself. *implicit* says that there is one: a command without
    workspace options is then about the member *start*.
    """

    root: str
    start: str
    implicit: bool


class WorkspaceChoice(Record):
    """Which workspaces a command was asked for.

    *workspaces* are names, paths or folders above them. *every* asks for all workspaces, and *with_root* for the
    root as well.
    """

    workspaces: tuple[str, ...] = ()
    every: bool = False
    with_root: bool = False


def find_local_project(cwd: str) -> LocalProject:
    """Find the project that a command in *cwd* is about.

    Raises `LinkError` (ENOENT) when *cwd* does not exist, and `ProjectError` for a workspace file that cannot be
    understood.
    """
    try:
        # As npm (@npmcli/config, lib/index.js, `loadLocalPrefix`), which does not read the manifest of the nearest
        # project: a broken one does not make a folder further up the project.
        start = nearest_root(fs.real_path(cwd))
    except (OSError, ValueError) as err:
        raise LinkError(f"{cwd} does not exist", code="ENOENT", path=cwd, hint="name an existing folder") from err
    # A cheap look first: most projects have no package.json above them, and `find_workspace` reads much more.
    above = posixpath.dirname(start)
    if above != start and fs.is_file(f"{start}/package.json") and any(map(_may_be_workspace_root, walk_up(above))):
        workspace = find_workspace(start)
        if workspace is not None:
            return LocalProject(workspace.root, start, implicit=True)
    return LocalProject(start, start, implicit=False)


def nearest_root(start: str) -> str:
    """Return the nearest project at or above *start*, else *start*.

    Both are real directories. A project is a folder with a package.json file or a node_modules directory. In a
    project of pnpm, a manifest in one of its other forms makes a project too.
    """
    return next(filter(_is_root, walk_up(start)), start)


def _is_root(folder: str) -> bool:
    if fs.is_file(f"{folder}/package.json") or fs.is_dir(f"{folder}/node_modules"):
        return True
    # Without this the command would be about another project, further up.
    is_other = any(fs.is_file(f"{folder}/{name}") for name in OTHER_FORMS)
    return is_other and any(fs.is_file(f"{above}/{name}") for above in walk_up(folder) for name in _PNPM_FILES)


def _may_be_workspace_root(folder: str) -> bool:
    return fs.is_file(f"{folder}/package.json") or fs.is_file(f"{folder}/pnpm-workspace.yaml")
