"""Find the monorepo around a folder: workspaces, Lerna or Rush.

Package managers do not read lerna.json and rush.json, so what depends on a manager's own workspaces (which ignore
files apply, where links go) asks `linkpack.project.workspace` alone.
"""

from __future__ import annotations

import posixpath
from collections import deque
from typing import TYPE_CHECKING, cast

from linkpack import limits
from linkpack.errors import LinkpackError, ManifestInvalid, ProjectError
from linkpack.npm.json_text import blank_comments, parse
from linkpack.project.workspace import (
    Workspace,
    iter_catalogs,
    list_members,
    names_member,
    package_manager,
    read_workspace,
)
from linkpack.read_cache import once
from linkpack.system import read as fs
from linkpack.system.read import walk_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.project.workspace import PackageManager

_LERNA_DEFAULT: tuple[str, ...] = ("packages/*",)  # Lerna before 7, where lerna.json has no `packages`


def read_monorepo(folder: str) -> Workspace | None:
    """Read what the files in *folder* say of a monorepo, if anything.

    The workspaces of a package manager come before the `packages` of lerna.json, and these before the `projects`
    of rush.json. Raises `ProjectError` (EWORKSPACEFILE) when one of the files cannot be understood.
    """
    return once(("monorepo", folder), lambda: _read_monorepo(folder))


def _read_monorepo(folder: str) -> Workspace | None:
    workspace = read_workspace(folder)
    if workspace is not None and workspace.patterns:
        return workspace
    other = _read_lerna(folder) or _read_rush(folder)
    # Files without members may still have catalogs.
    if other is None or workspace is None:
        return other or workspace
    return other._replace(catalogs={**other.catalogs, **workspace.catalogs})


def find_enclosing_monorepos(folder: str) -> tuple[Workspace, ...]:
    """Find the monorepos that can say what a spec in *folder* means.

    *folder* is a real directory. The monorepo that it is the root of comes first, then those that it is part of.
    If it is part of none, the nearest one above comes instead.
    """
    # Builds also write to the root's `dist/packages/a`, and examples are beside the members.
    own = read_monorepo(folder)
    around = find_monorepos(folder) or tuple(_iter_above(folder))[:1]
    return (own, *around) if own is not None else around


def find_monorepos(folder: str) -> tuple[Workspace, ...]:
    """Find the monorepos that *folder* is part of, the nearest first.

    A folder in a member is part of the monorepo too.
    """
    # Several, since yarn's workspaces nest. Builds write packages into members (`packages/a/dist`).
    return tuple(monorepo for monorepo in _iter_above(folder) if _is_part_of(monorepo, folder))


def _iter_above(folder: str) -> Iterator[Workspace]:
    for above in walk_up(posixpath.dirname(folder)):
        monorepo = read_monorepo(above)
        if monorepo is not None:
            yield monorepo


def _is_part_of(monorepo: Workspace, folder: str) -> bool:
    """Return True if *folder* is a member of *monorepo* or inside one."""
    inside = posixpath.relpath(folder, monorepo.root).split("/")
    return any(names_member(monorepo, "/".join(inside[:count])) for count in range(len(inside), 0, -1))


def list_all_members(monorepo: Workspace) -> Iterator[str]:
    """Yield the real directories of the members, and of members of members.

    yarn's workspaces nest. Each folder comes once.
    """
    waiting, known = deque([monorepo]), {monorepo.root}
    while waiting:
        for folder in list_members(waiting.popleft()):
            if folder in known:
                continue
            known.add(folder)
            yield folder
            inner = read_monorepo(folder)
            if inner is not None and inner.patterns:
                waiting.append(inner)


def _read_lerna(folder: str) -> Workspace | None:
    """Read the members that lerna.json names, if there is one."""
    members = _read_json(f"{folder}/lerna.json")
    if members is None:
        return None
    listed = members.get("packages")
    patterns = _LERNA_DEFAULT
    if isinstance(listed, list):
        patterns = tuple(pattern for pattern in listed if isinstance(pattern, str))
    # Lerna's own setting for the package manager, `npm` by default.
    client = members.get("npmClient")
    return Workspace(folder, patterns, {}, package_manager(folder, client if isinstance(client, str) else ""))


def _read_rush(folder: str) -> Workspace | None:
    """Read the projects of rush.json, if there is one, and its pnpm catalogs."""
    members = _read_json(f"{folder}/rush.json")
    if members is None:
        return None
    listed = members.get("projects")
    projects = [project for project in listed if isinstance(project, dict)] if isinstance(listed, list) else []
    folders = [project.get("projectFolder") for project in projects]
    settings = _read_json(f"{folder}/common/config/rush/pnpm-config.json") or {}
    # Exactly one of pnpmVersion, npmVersion and yarnVersion is in a rush.json.
    manager = next((name for name in ("pnpm", "yarn") if f"{name}Version" in members), "npm")
    return Workspace(
        root=folder,
        patterns=tuple(folder for folder in folders if isinstance(folder, str)),
        catalogs=dict(iter_catalogs({"catalogs": settings.get("globalCatalogs")})),
        manager=cast("PackageManager", manager),
    )


def _read_json(path: str) -> Mapping[str, object] | None:
    """Read a JSON file that may have comments, if there is one."""
    if not fs.is_file(path):
        return None
    try:
        raw = fs.read_file(path, limits.current().manifest)
        return parse(blank_comments(raw), path)
    except (OSError, LinkpackError) as err:
        why = err.message if isinstance(err, ManifestInvalid) else f"{path} cannot be read: {err}"
        raise ProjectError(why, code="EWORKSPACEFILE", path=path, hint="it must be a readable JSON file") from err
