"""Do what pnpm does when it packs, and npm does not: licenses and hooks.

Measured on pnpm 12.21.0.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.packlist.builder import PacklistBuilder
from linkpack.project.workspace import package_manager, read_yaml
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.project.project import Project
    from linkpack.project.workspace import Workspace

_LICENSE = r"(?i)licen[sc]e(?:\..*)?"

_HOOK = b"beforePacking"
_HOOKS_LIMIT = 1 << 20  # bytes of a file that is searched for a hook


def add_license(around: Workspace | None, builder: PacklistBuilder) -> None:
    """Add the license files of a pnpm workspace to a package without one.

    *around* is the workspace, and *builder* has the package's files. A file called LICENSE or LICENCE in any
    folder of the package, in any case and with any extension, is a license of its own. All regular files of such
    a name at the workspace's root are its license files. Neither ignore files nor `files` apply to them.
    """
    if around is None or around.manager != "pnpm":
        return
    if any(_is_license(file.path.rpartition("/")[2]) for file in builder.files):
        return
    # By a builder of their own, as these files have another root than the package's.
    licenses = PacklistBuilder(around.root, frozenset())
    taken = {file.path.partition("/")[0] for file in builder.files}
    for entry in fs.scan(around.root):
        if entry.name not in taken and _is_license(entry.name) and entry.is_file(follow_symlinks=False):
            licenses.ship(entry.name, f"{around.root}/{entry.name}", entry.stat(follow_symlinks=False))
    builder.files += licenses.files
    builder.problems += licenses.problems


def warn_of_hooks(project: Project) -> Iterator[Problem]:
    """Warn of each `beforePacking` hook, which pnpm would run.

    Its hooks are in .pnpmfile.cjs or .pnpmfile.mjs at the workspace's root, or in the files that the setting
    `pnpmfile` names instead.
    """
    # linkpack runs no code of the project but its scripts (docs/security.md).
    around = project.around
    folder = project.root if around is None else around.root
    named = "" if around is not None else project.manifest.package_manager
    if (package_manager(folder, named) if around is None else around.manager) != "pnpm":
        return
    setting = read_yaml(f"{folder}/pnpm-workspace.yaml", (b"pnpmfile",)).get("pnpmfile")
    listed = setting if isinstance(setting, list) else [setting] if setting else [".pnpmfile.cjs", ".pnpmfile.mjs"]
    for name in listed:
        if not isinstance(name, str):
            continue
        path = posixpath.normpath(posixpath.join(folder, name))
        if fs.is_file(path) and _has_hook(path):
            message = f"{path} has a beforePacking hook, which is not run: the manifest ships without its changes"
            yield Problem("WPNPMFILE", path, message, "change the manifest with publishConfig or a prepack script")


def _has_hook(path: str) -> bool:
    # The name in a comment warns too: only running the file would tell.
    with contextlib.suppress(OSError):
        return _HOOK in fs.read_file(path, _HOOKS_LIMIT)
    return False


def _is_license(name: str) -> bool:
    return re.fullmatch(_LICENSE, name) is not None
