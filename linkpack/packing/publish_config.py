"""publishConfig as pnpm takes it when it packs: fields that replace the manifest's own, another folder to pack.

Measured on pnpm 12.21.0. A field that replaces another one leaves publishConfig, which goes when nothing is left
in it; `executableFiles` stays, and gives the files that it names mode 755. npm does none of it.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import ManifestInvalid, Problem
from linkpack.npm.json_edit import get_raw, set_raw
from linkpack.npm.json_text import BOM
from linkpack.npm.manifest import cleaned, parse_manifest
from linkpack.project.monorepo import monorepos_of
from linkpack.project.package_json import read_usable
from linkpack.project.project import find_project
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.bundle.graph import BundleGraph
    from linkpack.npm.manifest import Manifest, Role
    from linkpack.packlist.packlist import Packlist
    from linkpack.project.project import Project

OVERRIDES = frozenset(
    {
        "name",
        "main",
        "exports",
        "types",
        "typings",
        "bin",
        "browser",
        "module",
        "unpkg",
        "imports",
        "engines",
        "os",
    }
    | {"cpu", "libc", "type", "esnext", "es2015", "umd:main", "typesVersions"}
)
_MARKS = ("pnpm-lock.yaml", "yarn.lock", "pnpm-workspace.yaml")  # files that only pnpm or yarn makes
_MANAGERS = ("pnpm@", "yarn@")


class PublishView(NamedTuple):
    """The *project* as it is to be published; *reason* says why publishConfig was applied, "" when it was not.

    *fields* are the members of publishConfig that mean something to pnpm, whether applied or not.
    """

    project: Project
    reason: str
    fields: tuple[str, ...]

    def graph(self, graph: BundleGraph) -> BundleGraph:
        """*graph* with the overrides of its linked packages made as well, when the project's are."""
        if not self.reason:
            return graph
        packages = dict(graph.packages)
        warnings = list(graph.warnings)
        for at, package in packages.items():
            if not package.linked or at == graph.root:
                continue
            manifest = overridden(package.manifest, f"{at}/package.json", "linked")
            packages[at] = package._replace(manifest=manifest)
            if "directory" in package.manifest.publish_config:
                message = f"{package.label} publishes another folder (publishConfig.directory); this one ships"
                warnings.append(Problem("WPUBLISHDIR", at, message, "link that folder instead"))
        return graph._replace(packages=packages, warnings=tuple(warnings))

    def packlists(self, graph: BundleGraph, packlists: Mapping[str, Packlist]) -> Mapping[str, Packlist]:
        """*packlists* with the executableFiles of the root and of linked packages executable, when applied."""
        found = dict(packlists)
        for at, package in graph.packages.items() if self.reason else ():
            if package.linked or at == graph.root:
                found[at] = _executable(found[at], package.manifest.publish_config.get("executableFiles"))
        return found


def publish_view(project: Project, asked: bool | None) -> PublishView:  # noqa: FBT001 - yes, no, or as the project is
    """*project* with its publishConfig applied, when *asked* or when it is pnpm's or yarn's own; see the module.

    A project is theirs when its packageManager field, or that of a monorepo around it, or a lockfile or
    pnpm-workspace.yaml beside either, or rush.json says so. `publishConfig.directory` makes that folder the
    project; `ManifestInvalid` (EPUBLISHDIR) when it is none, or leads out of the package.
    """
    config = project.manifest.publish_config
    fields = tuple(key for key in config if key in OVERRIDES or key in {"directory", "executableFiles"})
    reason = ""
    if fields:
        reason = ("--publish-config" if asked else "") if asked is not None else _owner(project)
    if not reason:
        return PublishView(project, "", fields)
    if "directory" in config:
        project = _moved(project, config["directory"])
    manifest = overridden(project.manifest, f"{project.root}/package.json", "root")
    return PublishView(project._replace(manifest=manifest), reason, fields)


def _owner(project: Project) -> str:
    """Say what makes the project pnpm's or yarn's; "" when nothing does."""
    if project.manifest.package_manager.startswith(_MANAGERS):
        return f"packageManager is {project.manifest.package_manager}"
    monorepos = monorepos_of(project.root)
    for folder in (project.root, *(each.root for each in monorepos)):
        for name in _MARKS:
            if fs.is_file(f"{folder}/{name}"):
                return f"there is a {name}"
    for monorepo in monorepos:
        manager = _manager(monorepo.root)
        if manager.startswith(_MANAGERS):
            return f"packageManager of the workspace is {manager}"
        if monorepo.manager in {"pnpm", "yarn"} and fs.is_file(f"{monorepo.root}/rush.json"):
            return f"rush.json has {monorepo.manager}"
    return ""


def _manager(folder: str) -> str:
    manifest = read_usable(folder)
    return manifest.package_manager if manifest is not None else ""


def _moved(project: Project, directory: object) -> Project:
    """The project in the folder that publishConfig.directory names."""
    where = f"{project.root}/package.json"
    path = posixpath.normpath(directory) if isinstance(directory, str) else ".."
    found = None
    if not path.startswith(("/", "../")) and path != ".." and fs.is_file(f"{project.root}/{path}/package.json"):
        found = find_project(f"{project.root}/{path}")
    if found is None or not f"{found.root}/".startswith(f"{project.root}/"):  # a link may lead out as well
        raise ManifestInvalid(
            f"{where}: publishConfig.directory is {directory!r}, which is no package inside of this one",
            code="EPUBLISHDIR",
            path=where,
            hint="build it first; it needs a package.json of its own",
        )
    return found._replace(around=found.around or project.around)


def overridden(manifest: Manifest, where: str, role: Role) -> Manifest:
    """Put the overriding fields of the publishConfig of *manifest* in place; bytes that they do not touch stay.

    *where* and *role* are for its second reading: `ManifestInvalid` when a field is not what it has to be.
    """
    keys = [key for key in manifest.publish_config if key in OVERRIDES]
    if not keys:
        return manifest
    mark = BOM if manifest.raw.startswith(BOM) else b""
    text = manifest.raw[len(mark) :].decode()
    for key in keys:
        value = get_raw(text, ("publishConfig", key))
        text = set_raw(text, (key,), value)
        text = set_raw(text, ("publishConfig", key), None)
    # The warnings name places in the file, not in this text.
    return parse_manifest(mark + text.encode(), where, role)._replace(warnings=manifest.warnings)


def _executable(packlist: Packlist, names: object) -> Packlist:
    wanted = {cleaned(name) for name in names if isinstance(name, str)} if isinstance(names, list) else set()
    files = [file._replace(mode=0o755) if file.path in wanted else file for file in packlist.files]
    return packlist._replace(files=tuple(files))
