"""Read the project to pack: manifest, workspaces, rules, ignore files."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack import limits
from linkpack.errors import LinkpackError, ManifestInvalid, ProjectNotFound
from linkpack.packlist.editions import NPM_RULES, find_edition, find_range_edition
from linkpack.packlist.ignore import decode_rules
from linkpack.packlist.outer_ignores import IgnoreFile, OuterIgnores
from linkpack.project.local import OTHER_FORMS, nearest_root
from linkpack.project.package_json import read_manifest, read_usable
from linkpack.project.workspace import find_workspace, names_member, read_workspace
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system.read import walk_up

if TYPE_CHECKING:
    from linkpack.npm.manifest import Manifest
    from linkpack.packlist.npm_rules import Edition
    from linkpack.project.workspace import Workspace


class Project(Record):
    """A package: its real directory and its manifest.

    *around* is the workspace that names the project as a member. *own* is the workspace that the project is the
    root of, or that has only its catalogs.
    """

    root: str
    manifest: Manifest
    around: Workspace | None
    own: Workspace | None


def find_project(start: str, *, walk_up: bool = False) -> Project:
    """Find the project in the directory *start*.

    With *walk_up* it is the nearest at or above *start* (see `local.nearest_root`).

    Raises `ProjectNotFound` when there is none, `ManifestInvalid` when its manifest cannot be used, `ProjectError`
    when a workspace file above it cannot.
    """
    if not start:
        raise _make_not_found('""', "it is no path")
    try:
        root = fs.real_path(start)
    except (OSError, ValueError) as err:
        raise _make_not_found(start, getattr(err, "strerror", None) or str(err)) from err
    if walk_up:
        root = nearest_root(root)
    # Before the manifest is read, so that a folder without one has another error than a manifest with a fault.
    try:
        fs.lstat(f"{root}/package.json")
    except FileNotFoundError as err:
        other = next((name for name in OTHER_FORMS if fs.is_file(f"{root}/{name}")), None)
        if other is not None:
            why = f"it has a {other}, which pnpm reads, but no package.json"
            raise _make_not_found(root, why, "write it as package.json, or pack it with pnpm") from err
        raise _make_not_found(root, "it has no package.json") from err
    except OSError as err:
        raise _make_not_found(root, str(err.strerror)) from err
    manifest = read_manifest(root, "root")
    return Project(root, manifest, find_workspace(root), read_workspace(root))


def _make_not_found(
    path: str, why: str, hint: str = "name the folder that holds the package.json"
) -> ProjectNotFound:
    return ProjectNotFound(f"{path} is not a package: {why}", path=path, hint=hint)


class ProjectEdition(Record):
    """The edition of npm's rules for a project.

    If the user or a manifest asks for it, *is_named* is true. Else it is the newest.
    """

    edition: Edition
    is_named: bool


def project_edition(project: Project, npm_rules: str | None) -> ProjectEdition:
    """Find the edition of npm's rules for the files of *project*.

    *npm_rules*, a version of npm, decides if given. Else the manifest of the project decides, or that of the
    workspace around it: by `"linkpack": {"npmRules": "11"}`, packageManager or devEngines.packageManager.

    Raises `LinkpackError` (ERULES) for a version without known rules.
    """
    if npm_rules is not None:
        return ProjectEdition(find_edition(npm_rules), is_named=True)
    manifests = [(project.root, project.manifest)]
    if project.around is not None:
        manifest = read_usable(project.around.root)
        if manifest is not None:
            manifests.append((project.around.root, manifest))
    for folder, manifest in manifests:
        if manifest.npm_rules:
            try:
                return ProjectEdition(find_edition(manifest.npm_rules), is_named=True)
            except LinkpackError as err:
                path = f"{folder}/package.json"
                message = f"{path}: linkpack.npmRules: {err.message}"
                raise LinkpackError(message, code=err.code, path=path, hint=err.hint) from err
        edition = find_range_edition(manifest.npm_range) if manifest.npm_range else None
        if edition is not None:
            return ProjectEdition(edition, is_named=True)
    return ProjectEdition(NPM_RULES[-1], is_named=False)


def read_outer_ignores(workspace: Workspace | None, folder: str) -> OuterIgnores:
    """Read the ignore files from a workspace's root down to a member.

    *folder* is the member. The files are outermost first, one for each directory, .npmignore before .gitignore,
    the member's own directory not included (npm-packlist 10.0.4 and 11.3.0, lib/index.js,
    `readOutOfTreeIgnoreFiles`). They apply in workspaces of npm and pnpm.

    Raises `ManifestInvalid` (EUNREADABLE, EIGNOREFILE) when one cannot be read: its rules may keep secrets out.
    """
    if workspace is None:
        return OuterIgnores()
    relative = posixpath.relpath(folder, workspace.root)
    by_npm = names_member(workspace._replace(patterns=_read_npm_patterns(workspace.root)), relative)
    # npm applies them where `workspaces` in package.json names the member, pnpm in its workspaces, yarn and bun
    # never (docs/differences-from-npm.md, W8; npm 11.19.1 and 12.2.0, pnpm 12.21.0, yarn 4.18.1, bun 1.4.5).
    by_manager = {"npm": by_npm, "pnpm": True}.get(workspace.manager, False)
    if not by_npm and not by_manager:
        return OuterIgnores()
    # The member's own .npmignore replaces them, as for pnpm. npm applies both (npm/cli#6808; row W4).
    is_alone = fs.answer(fs.lstat, f"{folder}/.npmignore") is None
    ignores = OuterIgnores((), by_manager and is_alone, by_npm, workspace.manager)
    between = [above for above in walk_up(posixpath.dirname(folder)) if above.startswith(workspace.root)]
    try:
        files = [file for above in reversed(between) if (file := _read_ignore_file(above)) is not None]
    except ManifestInvalid:
        # Rules that only npm would apply are kept for a warning, and cannot fail.
        if ignores.applied:
            raise
        return OuterIgnores()
    return ignores._replace(files=tuple(files))


def _read_ignore_file(folder: str) -> IgnoreFile | None:
    """Read the ignore file of *folder*, its .npmignore before its .gitignore."""
    for name in (".npmignore", ".gitignore"):
        path = posixpath.join(folder, name)
        try:
            text, encoding = decode_rules(fs.read_file(path, limits.current().ignore_file), path)
        except FileNotFoundError:
            continue
        except OSError as err:
            raise ManifestInvalid(
                f"{path} cannot be read: {err.strerror}",
                code="EUNREADABLE",
                path=path,
                hint="it must be a readable text file: its rules may keep secrets out",
            ) from err
        except LinkpackError as err:
            raise ManifestInvalid(err.message, code=err.code, path=path, hint=err.hint) from err
        return IgnoreFile(path, text, encoding)
    return None


def _read_npm_patterns(root: str) -> tuple[str, ...]:
    """Return the patterns of members that npm reads in *root*."""
    manifest = read_usable(root)
    return manifest.workspaces if manifest is not None else ()
