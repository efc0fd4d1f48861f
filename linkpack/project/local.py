"""Finds the project that a command is about, as npm finds it."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from linkpack.errors import LinkError
from linkpack.system import read as fs


class LocalProject(NamedTuple):
    """The local project: *root* is its real directory, or that of the workspace root which names it.

    *start* is the project proper; *implicit* says that it is a workspace of *root*, which then counts as
    selected.
    """

    root: str
    start: str
    implicit: bool


def find_local_project(cwd: str) -> LocalProject:
    """Return the project that a command in *cwd* is about.

    The nearest directory with a package.json file or a node_modules directory, else *cwd* itself; a broken
    manifest counts. `LinkError` when *cwd* does not exist, `ProjectError` for a workspace file that is no YAML.
    """
    try:
        start = at = fs.real_path(cwd)
    except (OSError, ValueError) as err:
        raise LinkError(f"{cwd} does not exist", code="ENOENT", path=cwd, hint="name an existing folder") from err
    above = [at]
    while at != posixpath.dirname(at):
        at = posixpath.dirname(at)
        above.append(at)
    root = next((at for at in above if fs.is_file(f"{at}/package.json") or fs.is_dir(f"{at}/node_modules")), start)
    outer = [at for at in above if len(at) < len(root)]
    roots = (fs.is_file(f"{at}/package.json") or fs.is_file(f"{at}/pnpm-workspace.yaml") for at in outer)
    if fs.is_file(f"{root}/package.json") and any(roots):
        from linkpack.project.workspace import find_workspace  # noqa: PLC0415 - only projects inside of others need it

        around = find_workspace(root)
        if around is not None:
            return LocalProject(around.root, root, implicit=True)
    return LocalProject(root, root, implicit=False)
