"""The project being packed: its directory, its manifest, and the workspaces it has to do with."""

from __future__ import annotations

import errno
import posixpath
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.errors import LinkpackError, ManifestInvalid, ProjectNotFound
from linkpack.npm.manifest import parse_manifest
from linkpack.packlist.editions import NPM_RULES, range_edition, rules_edition
from linkpack.packlist.ignore import decode_rules
from linkpack.packlist.outer_ignores import IgnoreFile, OuterIgnores
from linkpack.project.workspace import find_workspace, names_member, read_workspace
from linkpack.read_cache import once
from linkpack.system import read as fs
from linkpack.system.read import upward
from linkpack.system.tree import read_beneath

if TYPE_CHECKING:
    from linkpack.npm.manifest import Manifest, Role
    from linkpack.packlist.npm_rules import Edition
    from linkpack.project.workspace import Workspace

_OTHER_FORMS = ("package.json5", "package.yaml")  # what pnpm reads in the place of package.json
_PNPM_FILES = ("pnpm-workspace.yaml", "pnpm-lock.yaml")
_UNREAD = {errno.EACCES: "EUNREADABLE", errno.EPERM: "EUNREADABLE", errno.EXDEV: "EMANIFESTLINK"}


class Project(NamedTuple):
    """A package directory (real path) and its manifest.

    *around* is the workspace that names it as a member, *own* the one whose root it is (or whose catalogs lie
    in it).
    """

    root: str
    manifest: Manifest
    around: Workspace | None
    own: Workspace | None


def find_project(start: str, *, walk_up: bool = False) -> Project:
    """Find the project in the directory *start*, or, to *walk_up*, in the nearest directory above that is one.

    As npm: the nearest with a package.json or a node_modules (@npmcli/config, `loadLocalPrefix`). Where the
    project is pnpm's, a manifest in one of its other forms ends the search too: what lies above is another one.
    `ProjectNotFound` when there is none, `ManifestInvalid` when its manifest cannot be used, `ProjectError` when
    a workspace file above it cannot.
    """
    if not start:
        raise _no_project('""', "it is no path")
    try:
        root = fs.real_path(start)
    except (OSError, ValueError) as err:
        raise _no_project(start, getattr(err, "strerror", None) or str(err)) from err
    if walk_up:
        root = nearest_root(root)
    try:
        fs.lstat(f"{root}/package.json")
    except FileNotFoundError as err:
        other = next((name for name in _OTHER_FORMS if fs.is_file(f"{root}/{name}")), None)
        if other is not None:
            why = f"it has a {other}, which pnpm reads, but no package.json"
            raise _no_project(root, why, "write it as package.json, or pack it with pnpm") from err
        raise _no_project(root, "it has no package.json") from err
    except OSError as err:
        raise _no_project(root, str(err.strerror)) from err
    manifest = read_manifest(root, "root")
    return Project(root, manifest, find_workspace(root), read_workspace(root))


def nearest_root(start: str) -> str:
    """Return the nearest project at or above the real directory *start*; *start* itself when there is none."""
    return next(filter(_is_marked, upward(start)), start)


def _is_marked(folder: str) -> bool:
    """True if npm takes *folder* for the root of a project, or pnpm does where it is pnpm's."""
    if fs.is_file(f"{folder}/package.json") or fs.is_dir(f"{folder}/node_modules"):
        return True
    is_other = any(fs.is_file(f"{folder}/{name}") for name in _OTHER_FORMS)
    return is_other and any(fs.is_file(f"{at}/{name}") for at in upward(folder) for name in _PNPM_FILES)


def _no_project(path: str, why: str, hint: str = "name the folder that holds the package.json") -> ProjectNotFound:
    return ProjectNotFound(f"{path} is not a package: {why}", path=path, hint=hint)


def read_manifest(folder: str, role: Role) -> Manifest:
    """The manifest of the package in *folder*, a path without links.

    `ManifestInvalid` naming the file when it cannot be used, or lies elsewhere (EMANIFESTLINK).
    """
    path = posixpath.join(folder, "package.json")
    return once(("manifest", path, role), lambda: _read_manifest(folder, path, role))


def _read_manifest(folder: str, path: str, role: Role) -> Manifest:
    try:
        raw = read_beneath(folder, "package.json", limits.current().manifest)
    except OSError as err:
        code = _UNREAD.get(err.errno or 0, "EMANIFEST")
        large = err.errno == errno.EFBIG
        hint = "raise --max-manifest if it is right" if large else "it must be a readable JSON file"
        raise ManifestInvalid(f"{path} cannot be read: {err.strerror}", code=code, path=path, hint=hint) from err
    return parse_manifest(raw, path, role)


class ProjectEdition(NamedTuple):
    """The edition of npm's rules for a project. *is_named*: somebody asks for it; else it is the newest."""

    edition: Edition
    is_named: bool


def project_edition(project: Project, npm_rules: str | None) -> ProjectEdition:
    """Find out which edition of npm's rules selects the files of *project*.

    *npm_rules*, a version of npm, counts first. Then the manifest of the project counts, and that of the workspace
    around it: `"linkpack": {"npmRules": "11"}`, packageManager, devEngines.packageManager.

    Raises `LinkpackError` (ERULES) for a version without known rules.
    """
    if npm_rules is not None:
        return ProjectEdition(rules_edition(npm_rules), is_named=True)
    manifests = [(project.root, project.manifest)]
    if project.around is not None:
        with suppress(ManifestInvalid):
            manifests.append((project.around.root, read_manifest(project.around.root, "installed")))
    for folder, manifest in manifests:
        if manifest.npm_rules:
            try:
                return ProjectEdition(rules_edition(manifest.npm_rules), is_named=True)
            except LinkpackError as err:
                path = f"{folder}/package.json"
                message = f"{path}: linkpack.npmRules: {err.message}"
                raise LinkpackError(message, code=err.code, path=path, hint=err.hint) from err
        edition = range_edition(manifest.npm_range) if manifest.npm_range else None
        if edition is not None:
            return ProjectEdition(edition, is_named=True)
    return ProjectEdition(NPM_RULES[-1], is_named=False)


def read_outer_ignores(workspace: Workspace | None, folder: str) -> OuterIgnores:
    """Read the ignore files between the root of *workspace* and its member *folder*.

    They are outermost first, one for each directory, .npmignore before .gitignore, the member's own directory not
    included (npm-packlist 10.0.4 and 11.3.0, lib/index.js, `readOutOfTreeIgnoreFiles`).

    npm applies them where `workspaces` in package.json names the member, pnpm in its workspaces, but not beside
    the member's own .npmignore, which says all there is to say. npm does even then (npm/cli#6808), linkpack does
    not. The packers of yarn and bun do not read them. Measured on npm 11.19.1 and 12.2.0, pnpm 12.21.0, yarn
    4.18.1, bun 1.4.5.

    Raises `ManifestInvalid` (EUNREADABLE, EIGNOREFILE) when one cannot be read: its rules may keep secrets out.
    """
    if workspace is None:
        return OuterIgnores()
    relative = posixpath.relpath(folder, workspace.root)
    by_npm = names_member(workspace._replace(patterns=_npm_patterns(workspace.root)), relative)
    by_manager = {"npm": by_npm, "pnpm": True}.get(workspace.manager, False)
    if not by_npm and not by_manager:
        return OuterIgnores()
    is_alone = fs.answer(fs.lstat, f"{folder}/.npmignore") is None
    found = OuterIgnores((), by_manager and is_alone, by_npm, workspace.manager)
    between = [at for at in upward(posixpath.dirname(folder)) if at.startswith(workspace.root)]
    try:
        files = [file for at in reversed(between) if (file := _ignore_file(at)) is not None]
    except ManifestInvalid:
        if found.applied:
            raise
        return OuterIgnores()
    return found._replace(files=tuple(files))


def _ignore_file(folder: str) -> IgnoreFile | None:
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


def _npm_patterns(root: str) -> tuple[str, ...]:
    """Return the patterns by which npm knows the members of the workspace in *root*."""
    try:
        return read_manifest(root, "installed").workspaces
    except LinkpackError:
        return ()
