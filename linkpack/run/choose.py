"""Which workspaces a command is about: by name, by path, by parent folder, or all of them.

npm's options and its order (get-workspaces.js of npm and @npmcli/map-workspaces; measured on npm 11.19.1), for the
workspaces of npm, yarn, bun and pnpm alike. Unlike npm, a name that is no workspace is an error even beside others
that are.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.bundle.workspace import member_folders, read_workspace
from linkpack.disk import fs
from linkpack.errors import ProjectError
from linkpack.linking.linkhome import find_local_project
from linkpack.linking.linkpackage import read_loose
from linkpack.npm.collate import collation_key
from linkpack.select.glob import compile_glob, matches_file
from linkpack.select.wildcard import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.bundle.workspace import Workspace


def choose_workspaces(
    cwd: str, wanted: Sequence[str], *, every: bool = False, with_root: bool = False
) -> tuple[str, ...]:
    """The real directories of the workspaces that a command started in *cwd* asks for, each once.

    *wanted* are names, paths from *cwd* or the workspace root, or folders above workspaces; *every* asks for all.
    With *with_root* the root is the first. The order is that of *wanted*, then of the patterns that name the
    members, then of paths. `ProjectError` (EWORKSPACE) for one that does not exist.
    """
    start = fs.real_path(cwd)
    root = find_local_project(start).root
    workspace = read_workspace(root)
    members = _ordered(workspace) if workspace is not None else []
    if not members:
        raise ProjectError(
            f"{root} has no workspaces",
            code="EWORKSPACE",
            path=root,
            hint="leave the workspace options out, or name folders in its workspaces field",
        )
    chosen = [root] if with_root else []
    chosen += members if every else []
    for each in wanted:
        found = [folder for folder in members if each and _is_meant(folder, each, (start, root))]
        if not found:
            raise ProjectError(
                f'no workspace of {root} is called "{each}"',
                code="EWORKSPACE",
                path=root,
                hint="name a workspace's package, its folder, or a folder above it",
            )
        chosen += found
    return tuple(dict.fromkeys(chosen))


def _is_meant(folder: str, wanted: str, bases: tuple[str, str]) -> bool:
    paths = (posixpath.normpath(posixpath.join(base, wanted)) for base in bases)
    if any(folder == path or folder.startswith(f"{path}/") for path in paths):
        return True
    manifest = read_loose(folder)
    return manifest is not None and manifest.name == wanted


def _ordered(workspace: Workspace) -> list[str]:
    """The members by the first pattern that names them, then by path as npm sorts."""
    rules = [compile_glob("/" + posixpath.normpath(each).lstrip("/")) for each in workspace.patterns]

    def key(folder: str) -> tuple[int, bytes]:
        relative = posixpath.relpath(folder, workspace.root)
        parts = tuple(fold(part) for part in relative.split("/"))
        first = next((at for at, rule in enumerate(rules) if matches_file(rule, parts)), len(rules))
        return first, collation_key(relative)

    return sorted(member_folders(workspace), key=key)
