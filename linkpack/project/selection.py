"""Choose workspaces: by name, by path, by a folder around several, or all.

The options and the order are npm's (lib/utils/get-workspaces.js, @npmcli/map-workspaces; measured on npm 11.19.1).
They apply to the workspaces of npm, yarn, bun and pnpm alike, and to the packages of Lerna and Rush.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ProjectError
from linkpack.glob.pattern import compile_glob, matches_file
from linkpack.glob.portion_matcher import fold
from linkpack.npm.collation import collation_key
from linkpack.project.package_json import read_usable
from linkpack.project.workspace import list_members
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkpack.project.local import WorkspaceChoice
    from linkpack.project.workspace import Workspace


class ChosenWorkspace(Record):
    """A workspace that was asked for, by its real directory.

    *named* says that its own name or folder was given, not `--workspaces` or a folder around it.
    """

    folder: str
    named: bool


class Publishable(Record):
    """The workspaces to publish and the private ones, by real directory."""

    folders: tuple[str, ...]
    private: tuple[str, ...]


def choose_workspaces(
    root: str, workspace: Workspace | None, picks: WorkspaceChoice, start: str
) -> tuple[ChosenWorkspace, ...]:
    """Choose members of *workspace* for a command started in *start*.

    *root* is the workspace's root. Paths in *picks* start at *start* or at *root*, both real directories. The root
    comes first, then the members as they were asked for. Members that one word means are ordered by the patterns
    that name them, then by path.

    Raises `ProjectError` (EWORKSPACE) when *workspace* has no members, or when a word means none of them.
    """
    members = _ordered_members(workspace) if workspace is not None else []
    if not members:
        raise ProjectError(
            f"{root} has no workspaces",
            code="EWORKSPACE",
            path=root,
            hint="leave the workspace options out, or name folders in its workspaces field",
        )
    chosen: dict[str, bool] = {root: False} if picks.with_root else {}
    if picks.every:
        chosen.update(dict.fromkeys(members, False))
    for wanted in picks.workspaces:
        meant = list(_find_meant(members, wanted, (start, root)))
        # npm fails only if no word means a workspace, and passes over a misspelt one beside others.
        if not meant:
            raise ProjectError(
                f'no workspace of {root} is called "{wanted}"',
                code="EWORKSPACE",
                path=root,
                hint="name a workspace's package, its folder, or a folder above it",
            )
        for member in meant:
            chosen[member.folder] = member.named or chosen.get(member.folder, False)
    return tuple(ChosenWorkspace(folder, named) for folder, named in chosen.items())


def leave_private(chosen: Iterable[ChosenWorkspace]) -> Publishable:
    """Set the private workspaces apart, unless they were named."""
    # `npm publish --workspaces`, `pnpm -r publish`, lerna and changesets pass over those as well.
    folders: list[str] = []
    private: list[str] = []
    for workspace in chosen:
        manifest = None if workspace.named else read_usable(workspace.folder)
        is_private = manifest is not None and manifest.private
        (private if is_private else folders).append(workspace.folder)
    return Publishable(tuple(folders), tuple(private))


def _find_meant(members: Iterable[str], wanted: str, bases: tuple[str, str]) -> Iterator[ChosenWorkspace]:
    """Yield the members that *wanted* means, a name or a path from *bases*."""
    if not wanted:
        return
    paths = {fs.canonical_path(posixpath.join(base, wanted)) for base in bases}
    for folder in members:
        manifest = read_usable(folder)
        if folder in paths or (manifest is not None and manifest.name == wanted):
            yield ChosenWorkspace(folder, named=True)
        elif any(folder.startswith(f"{path}/") for path in paths):
            yield ChosenWorkspace(folder, named=False)


def _ordered_members(workspace: Workspace) -> list[str]:
    """List the members by the first pattern that names them, then by path."""
    # @npmcli/map-workspaces, lib/index.js: sorted by localeCompare, then pattern by pattern.
    rules = [compile_glob("/" + posixpath.normpath(pattern).lstrip("/")) for pattern in workspace.patterns]

    def key(folder: str) -> tuple[int, bytes]:
        relative = posixpath.relpath(folder, workspace.root)
        parts = tuple(fold(part) for part in relative.split("/"))
        first = next((index for index, rule in enumerate(rules) if matches_file(rule, parts)), len(rules))
        return first, collation_key(relative)

    return sorted(list_members(workspace), key=key)
