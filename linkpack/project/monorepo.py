"""Find the monorepo around a folder, whoever manages it: a package manager's workspaces, Lerna or Rush.

Package managers do not read lerna.json and rush.json, so what depends on a manager's own workspaces (which ignore
files apply, where links go) asks `linkpack.project.workspace` alone.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, cast

from linkpack import limits
from linkpack.errors import LinkpackError, ManifestInvalid, ProjectError
from linkpack.npm.json_text import parse, without_comments
from linkpack.project.workspace import (
    Workspace,
    member_folders,
    names_member,
    package_manager,
    read_workspace,
    specs_by_catalog,
)
from linkpack.read_cache import once
from linkpack.system import read as fs
from linkpack.system.read import upward

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.project.workspace import PackageManager

_LERNA_DEFAULT = ("packages/*",)  # Lerna before 7, where lerna.json has no `packages`


def read_monorepo(folder: str) -> Workspace | None:
    """Read what the files in *folder* say of a monorepo; None when they say nothing.

    The workspaces of a package manager count before the `packages` of lerna.json, and those before the `projects`
    of rush.json. `ProjectError` (EWORKSPACEFILE) when one of the files cannot be understood.
    """
    return once(("monorepo", folder), lambda: _read_monorepo(folder))


def _read_monorepo(folder: str) -> Workspace | None:
    found = read_workspace(folder)
    if found is not None and found.patterns:
        return found
    other = _read_lerna(folder) or _read_rush(folder)
    if other is None or found is None:
        return other or found
    return other._replace(catalogs={**other.catalogs, **found.catalogs})


def enclosing_monorepos(folder: str) -> tuple[Workspace, ...]:
    """Find the monorepos that can say what a spec in the real directory *folder* means, the likeliest first.

    First what the folder itself is the root of, then those that it is part of. When it is part of none, the
    nearest above: builds also write to the root's `dist/packages/a`, and examples lie beside the members.
    """
    own = read_monorepo(folder)
    around = monorepos_of(folder) or tuple(_above(folder))[:1]
    return (own, *around) if own is not None else around


def monorepos_of(folder: str) -> tuple[Workspace, ...]:
    """Find the monorepos that name *folder*, or a folder around it, as a member; the nearest first.

    There may be several, since yarn's workspaces nest. A folder in a member counts as the member's: builds write
    packages there (`packages/a/dist`).
    """
    return tuple(found for found in _above(folder) if _names_around(found, folder))


def _above(folder: str) -> Iterator[Workspace]:
    for at in upward(posixpath.dirname(folder)):
        found = read_monorepo(at)
        if found is not None:
            yield found


def _names_around(found: Workspace, folder: str) -> bool:
    """True if *folder*, or a folder between it and the root of *found*, is named as a member."""
    inside = posixpath.relpath(folder, found.root).split("/")
    return any(names_member(found, "/".join(inside[:count])) for count in range(len(inside), 0, -1))


def all_members(monorepo: Workspace) -> Iterator[str]:
    """List the real directories of the members, and of members of members, as yarn nests them; each once."""
    todo, known = [monorepo], {monorepo.root}
    while todo:
        for folder in member_folders(todo.pop(0)):
            if folder in known:
                continue
            known.add(folder)
            yield folder
            inner = read_monorepo(folder)
            if inner is not None and inner.patterns:
                todo.append(inner)


def _read_lerna(folder: str) -> Workspace | None:
    """Read the members that lerna.json names; None without the file."""
    members = _read_json(f"{folder}/lerna.json")
    if members is None:
        return None
    listed = members.get("packages")
    patterns = (
        tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else _LERNA_DEFAULT
    )
    client = members.get("npmClient")
    return Workspace(folder, patterns, {}, package_manager(folder, client if isinstance(client, str) else ""))


def _read_rush(folder: str) -> Workspace | None:
    """Read the projects that rush.json lists, and the catalogs of its pnpm settings; None without the file."""
    members = _read_json(f"{folder}/rush.json")
    if members is None:
        return None
    listed = members.get("projects")
    projects = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    folders = [project.get("projectFolder") for project in projects]
    settings = _read_json(f"{folder}/common/config/rush/pnpm-config.json") or {}
    manager = next((name for name in ("pnpm", "yarn") if f"{name}Version" in members), "npm")
    return Workspace(
        root=folder,
        patterns=tuple(each for each in folders if isinstance(each, str)),
        catalogs=dict(specs_by_catalog({"catalogs": settings.get("globalCatalogs")})),
        manager=cast("PackageManager", manager),
    )


def _read_json(path: str) -> Mapping[str, object] | None:
    """Read a JSON file that may have comments; None when there is no such file."""
    if not fs.is_file(path):
        return None
    try:
        raw = fs.read_file(path, limits.current().manifest)
        return parse(without_comments(raw), path)
    except (OSError, LinkpackError) as err:
        why = err.message if isinstance(err, ManifestInvalid) else f"{path} cannot be read: {err}"
        raise ProjectError(why, code="EWORKSPACEFILE", path=path, hint="it must be a readable JSON file") from err
