"""Apply publishConfig as pnpm does when it packs.

publishConfig replaces fields of the manifest, and may name another folder to pack. Measured on pnpm 12.21.0. A
field that replaces one of the manifest is removed from publishConfig, and so is publishConfig itself when it is
empty then. `executableFiles` stays, and the files that it names get mode 755. npm does none of this.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ManifestInvalid, Problem
from linkpack.npm.json_edit import get_raw, set_raw
from linkpack.npm.json_text import BOM
from linkpack.npm.manifest import clean_path, parse_manifest
from linkpack.project.monorepo import find_monorepos
from linkpack.project.package_json import read_usable
from linkpack.project.project import find_project
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.bundle.graph import BundleGraph
    from linkpack.npm.manifest import Manifest, Role
    from linkpack.packing.options import PackOptions
    from linkpack.packlist.packlist import Packlist
    from linkpack.project.project import Project

OVERRIDES = frozenset(
    {
        *("name", "main", "exports", "types", "typings", "bin", "browser", "module", "unpkg", "imports"),
        *("engines", "os", "cpu", "libc", "type", "esnext", "es2015", "umd:main", "typesVersions"),
    }
)
"""Members of publishConfig that replace the manifest's own."""

_MARKS = ("pnpm-lock.yaml", "yarn.lock", "pnpm-workspace.yaml")  # files that only pnpm or yarn makes
_MANAGERS = ("pnpm@", "yarn@")


class PublishView(Record):
    """The *project* as it is published, with or without its publishConfig.

    *reason* says why publishConfig was applied, "" when it was not. *fields* are the members of publishConfig
    that mean something to pnpm, applied or not.
    """

    project: Project
    reason: str
    fields: tuple[str, ...]

    def graph(self, graph: BundleGraph) -> BundleGraph:
        """Return *graph* with publishConfig applied to its linked packages.

        Nothing changes when the project's publishConfig was not applied.
        """
        if not self.reason:
            return graph
        packages = dict(graph.packages)
        warnings = list(graph.warnings)
        for folder, package in packages.items():
            # The root has had its turn, and installed packages were published already.
            if not package.linked or folder == graph.root:
                continue
            manifest = apply_overrides(package.manifest, f"{folder}/package.json", "linked")
            packages[folder] = package._replace(manifest=manifest)
            # Its slot and its identity are those of the linked folder, so another one cannot take its place.
            if "directory" in package.manifest.publish_config:
                message = f"{package.label} publishes another folder (publishConfig.directory); this one ships"
                warnings.append(Problem("WPUBLISHDIR", folder, message, "link that folder instead"))
        return graph._replace(packages=packages, warnings=tuple(warnings))

    def packlists(self, graph: BundleGraph, packlists: Mapping[str, Packlist]) -> Mapping[str, Packlist]:
        """Return *packlists* with mode 755 for the files in executableFiles.

        This is for the root and linked packages, and only when publishConfig was applied.
        """
        if not self.reason:
            return packlists
        published = dict(packlists)
        for folder, package in graph.packages.items():
            if package.linked or folder == graph.root:
                names = package.manifest.publish_config.get("executableFiles")
                published[folder] = _make_executable(published[folder], names)
        return published


def apply_publish_config(project: Project, options: PackOptions) -> PublishView:
    """Return *project* as it is published, with publishConfig or without.

    publishConfig is applied if *options* say so. If they say nothing, it is applied to projects of pnpm and yarn
    (see `_find_manager`). The folder `publishConfig.directory` becomes the project. Raises `ManifestInvalid`
    (EPUBLISHDIR) when that is no package, or is outside of this one.
    """
    config = project.manifest.publish_config
    fields = tuple(key for key in config if key in OVERRIDES or key in {"directory", "executableFiles"})
    # --publish-config changes nothing either where no field concerns packing.
    if not fields or options.publish_config is False:
        reason = ""
    else:
        reason = "--publish-config" if options.publish_config else _find_manager(project)
    if not reason:
        return PublishView(project, "", fields)
    if "directory" in config:
        project = _enter_directory(project, config["directory"])
    manifest = apply_overrides(project.manifest, f"{project.root}/package.json", "root")
    return PublishView(project._replace(manifest=manifest), reason, fields)


def _find_manager(project: Project) -> str:
    """Return why *project* is pnpm's or yarn's, "" when it is neither's.

    packageManager in its manifest, or in that of a monorepo around it, says so. So does a lockfile or a
    pnpm-workspace.yaml beside one of these manifests, or rush.json.
    """
    if project.manifest.package_manager.startswith(_MANAGERS):
        return f"packageManager is {project.manifest.package_manager}"
    monorepos = find_monorepos(project.root)
    for folder in (project.root, *(monorepo.root for monorepo in monorepos)):
        for name in _MARKS:
            if fs.is_file(f"{folder}/{name}"):
                return f"there is a {name}"
    for monorepo in monorepos:
        manager = _read_package_manager(monorepo.root)
        if manager.startswith(_MANAGERS):
            return f"packageManager of the workspace is {manager}"
        if monorepo.manager in {"pnpm", "yarn"} and fs.is_file(f"{monorepo.root}/rush.json"):
            return f"rush.json has {monorepo.manager}"
    return ""


def _read_package_manager(folder: str) -> str:
    manifest = read_usable(folder)
    return manifest.package_manager if manifest is not None else ""


def _enter_directory(project: Project, directory: object) -> Project:
    """Return the project in the folder that publishConfig.directory names."""
    where = f"{project.root}/package.json"
    path = posixpath.normpath(directory) if isinstance(directory, str) else ".."
    inner = None
    if not path.startswith(("/", "../")) and path != ".." and fs.is_file(f"{project.root}/{path}/package.json"):
        inner = find_project(f"{project.root}/{path}")
    # A link may lead out as well, so the real path is compared.
    if inner is None or not f"{inner.root}/".startswith(f"{project.root}/"):
        raise ManifestInvalid(
            f"{where}: publishConfig.directory is {directory!r}, which is no package inside of this one",
            code="EPUBLISHDIR",
            path=where,
            hint="build it first; it needs a package.json of its own",
        )
    # No pattern of a workspace names a built folder, but the workspace's license is meant for it too
    # (tests/project/test_pnpm.py, `test_the_folder_that_is_published_gets_it`).
    return inner._replace(around=inner.around or project.around)


def apply_overrides(manifest: Manifest, where: str, role: Role) -> Manifest:
    """Return *manifest* with the fields that its publishConfig replaces.

    All other bytes stay. *where* and *role* are those of the manifest for `parse_manifest`, which reads the new
    text. Raises `ManifestInvalid` when a new field is not what it has to be.
    """
    keys = [key for key in manifest.publish_config if key in OVERRIDES]
    if not keys:
        return manifest
    mark = BOM if manifest.raw.startswith(BOM) else b""
    text = manifest.raw[len(mark) :].decode()
    for key in keys:
        # As written, so that numbers, escapes and spaces stay.
        value = get_raw(text, ("publishConfig", key))
        text = set_raw(text, (key,), value)
        text = set_raw(text, ("publishConfig", key), None)
    # The warnings of the first reading stay: they name places in the file, not in this text.
    return parse_manifest(mark + text.encode(), where, role)._replace(warnings=manifest.warnings)


def _make_executable(packlist: Packlist, names: object) -> Packlist:
    """Return *packlist* with mode 755 for the files *names*.

    *names* are as the manifest has them: anything but a list names none.
    """
    wanted = {clean_path(name) for name in names if isinstance(name, str)} if isinstance(names, list) else set()
    files = [file._replace(mode=0o755) if file.path in wanted else file for file in packlist.files]
    return packlist._replace(files=tuple(files))
