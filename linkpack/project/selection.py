"""Chooses the workspaces that a command is about: by name, by path, by a folder around several, or all of them.

npm's options and its order (get-workspaces.js of npm and @npmcli/map-workspaces; measured on npm 11.19.1), for the
workspaces of npm, yarn, bun and pnpm alike, and where there are none for the packages of Lerna and Rush. Unlike
npm, a name that is no workspace is an error even beside others that are.
"""

from __future__ import annotations

import posixpath
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import LinkpackError, ProjectError
from linkpack.glob.pattern import compile_glob, matches_file
from linkpack.glob.portion_matcher import fold
from linkpack.npm.collation import collation_key
from linkpack.project.monorepo import read_monorepo
from linkpack.project.project import nearest_root, read_manifest
from linkpack.project.workspace import find_workspace, member_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.npm.manifest import Manifest
    from linkpack.project.workspace import Workspace


class Chosen(NamedTuple):
    """A workspace that was asked for, by its real directory.

    It is *named* when its own name or folder was given, and not when it is one of all, or of those in a folder.
    """

    folder: str
    named: bool


class Publishable(NamedTuple):
    """The workspaces to publish, and the private ones among those asked for, by their real directories."""

    folders: tuple[str, ...]
    private: tuple[str, ...]


def project_root(start: str) -> str:
    """Return the root of the project that a command in the real directory *start* is about.

    That is the nearest directory with a package.json or a node_modules, or the workspace root that names it as a
    member; *start* itself when there is neither. `ProjectError` for a workspace file that cannot be understood.
    """
    root = nearest_root(start)
    around = find_workspace(root)
    return around.root if around else root


def choose_workspaces(
    root: str, start: str, wanted: Sequence[str], *, every: bool = False, with_root: bool = False
) -> tuple[Chosen, ...]:
    """Choose workspaces of the project in *root* for a command started in *start*, each once.

    *wanted* are names, paths from *start* or *root*, or folders above workspaces; *every* asks for all,
    *with_root* for the root in front of them. The order is that of *wanted*, then of the patterns that name the
    members, then of paths. Both directories are real.

    `ProjectError` (EWORKSPACE) for a workspace that does not exist.
    """
    workspace = read_monorepo(root)
    members = _ordered(workspace) if workspace is not None else []
    if not members:
        raise ProjectError(
            f"{root} has no workspaces",
            code="EWORKSPACE",
            path=root,
            hint="leave the workspace options out, or name folders in its workspaces field",
        )
    chosen: dict[str, bool] = {root: False} if with_root else {}
    if every:
        chosen.update(dict.fromkeys(members, False))
    for name in wanted:
        found = list(_meant(members, name, (start, root)))
        if not found:
            raise ProjectError(
                f'no workspace of {root} is called "{name}"',
                code="EWORKSPACE",
                path=root,
                hint="name a workspace's package, its folder, or a folder above it",
            )
        for each in found:
            chosen[each.folder] = each.named or chosen.get(each.folder, False)
    return tuple(Chosen(folder, named) for folder, named in chosen.items())


def leave_private(chosen: Iterable[Chosen]) -> Publishable:
    """Tell what is to be published of *chosen* from the private packages that nobody named.

    `npm publish --workspaces`, `pnpm -r publish`, lerna and changesets pass over those as well.
    """
    folders: list[str] = []
    private: list[str] = []
    for each in chosen:
        manifest = None if each.named else _read(each.folder)
        (private if manifest is not None and manifest.private else folders).append(each.folder)
    return Publishable(tuple(folders), tuple(private))


def _meant(members: Iterable[str], wanted: str, bases: tuple[str, str]) -> Iterator[Chosen]:
    """The members that *wanted* means; none for an empty text."""
    paths = [posixpath.normpath(posixpath.join(base, wanted)) for base in bases]
    if not wanted:
        return
    for folder in members:
        manifest = _read(folder)
        if folder in paths or (manifest is not None and manifest.name == wanted):
            yield Chosen(folder, named=True)
        elif any(folder.startswith(f"{path}/") for path in paths):
            yield Chosen(folder, named=False)


def _read(folder: str) -> Manifest | None:
    """The manifest in *folder*; None when there is none to use, which whoever packs it says."""
    with suppress(LinkpackError):
        return read_manifest(folder, "installed")
    return None


def _ordered(workspace: Workspace) -> list[str]:
    """The members by the first pattern that names them, then by path as npm sorts."""
    rules = [compile_glob("/" + posixpath.normpath(each).lstrip("/")) for each in workspace.patterns]

    def key(folder: str) -> tuple[int, bytes]:
        relative = posixpath.relpath(folder, workspace.root)
        parts = tuple(fold(part) for part in relative.split("/"))
        first = next((at for at, rule in enumerate(rules) if matches_file(rule, parts)), len(rules))
        return first, collation_key(relative)

    return sorted(member_folders(workspace), key=key)
