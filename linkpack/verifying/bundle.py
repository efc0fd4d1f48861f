"""Check the packages that a consumer gets at run time.

Every dependency of every bundled package is looked up in the tarball, as Node does it.
"""

from __future__ import annotations

import posixpath
from types import MappingProxyType
from typing import TYPE_CHECKING

from linkpack.archive.findings import Finding
from linkpack.bundle.consumer_specs import NOWHERE, plan_specs
from linkpack.bundle.layout_check import count_flat_edges
from linkpack.npm.protocols import is_inside, is_local
from linkpack.npm.specs import parse_spec
from linkpack.project.resolve import SlotIndex
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from linkpack.archive.findings import Findings
    from linkpack.bundle.consumer_specs import SpecChange
    from linkpack.npm.manifest import Manifest


_NONE: Mapping[str, Manifest] = MappingProxyType({})


class TarballPackage(Record):
    """A package in the tarball, as `plan_specs` wants it.

    *needs* and *peers* map each name that it depends on to the slot where Node finds it, None if in none.
    """

    slot: str
    manifest: Manifest
    needs: Mapping[str, str | None]
    peers: Mapping[str, str | None]

    @property
    def label(self) -> str:
        """Return `name@version`, and where it is."""
        name = self.manifest.name or self.slot.rpartition("node_modules/")[2]
        label = f"{name}@{self.manifest.version}" if self.manifest.version else name
        return f"{label} in {self.slot}" if self.slot else label

    @property
    def manifest_path(self) -> str:
        """Return the path of its package.json in the tarball."""
        return f"{self.slot}/package.json".lstrip("/")


class Runtime(Record):
    """The runtime graph, in numbers, and which installers it serves."""

    packages: int
    edges: int
    serves: tuple[str, ...]


NO_RUNTIME = Runtime(0, 0, ())


def check_runtime(
    manifests: Mapping[str, Manifest],
    paths: Collection[str],
    findings: Findings,
    vendored: Mapping[str, Manifest] = _NONE,
) -> Runtime:
    """Look up the runtime graph, and note in *findings* what is wrong.

    *manifests* are by slot, and the root's is among them. *paths* are the tarball's files. *vendored* are packages
    that the root depends on by a folder, by that folder. A dependency of a bundled package must be in the tarball,
    or declared by the root.
    """
    index = SlotIndex(manifests)
    packages = {slot: _look_up(slot, manifest, index) for slot, manifest in manifests.items()}
    root = packages[""]
    # An installer brings what the root depends on, but for the bundled names: those it expects to be there.
    declared = _list_dependencies(root.manifest) - set(root.manifest.bundle)
    findings.extend(
        _report_missing(root, name, "is not in node_modules of the tarball, though it is bundled")
        for name in root.manifest.bundle
        if name not in root.manifest.optional_dependencies and f"node_modules/{name}" not in packages
    )
    for package in packages.values():
        if package.slot:
            findings.extend(_check_dependencies(package, declared))
    findings.extend(_check_extraneous(packages))
    specs = list(_check_specs(packages, paths))
    findings.extend(specs)
    for folder, manifest in vendored.items():
        package = TarballPackage(slot=folder, manifest=manifest, needs={}, peers={})
        findings.extend(_check_vendored(package, {*declared, *root.manifest.bundle}))
    return Runtime(
        packages=len(packages) + len(vendored),
        edges=_count_edges(packages, vendored),
        serves=_list_installers(root.manifest, specs),
    )


def _look_up(slot: str, manifest: Manifest, index: SlotIndex) -> TarballPackage:
    """Return the package in *slot* with its dependencies looked up in *index*."""
    needs = {name: index.find(slot, name) for name in {**manifest.dependencies, **manifest.optional_dependencies}}
    # A package may bundle what it does not declare: it needs that where it is in the package itself.
    for name in manifest.bundle if slot else ():
        own = f"{slot}/node_modules/{name}"
        if name not in needs and index.find(slot, name) == own:
            needs[name] = own
    peers = {name: index.find(slot, name) for name in manifest.peer_dependencies if name not in needs}
    return TarballPackage(slot=slot, manifest=manifest, needs=needs, peers=peers)


def _list_dependencies(manifest: Manifest) -> set[str]:
    return {*manifest.dependencies, *manifest.optional_dependencies, *manifest.peer_dependencies}


def _count_edges(packages: Mapping[str, TarballPackage], vendored: Mapping[str, Manifest]) -> int:
    """Count the dependencies that lead to a package of the tarball."""
    root = packages[""].manifest
    edges = sum(f"node_modules/{name}" in packages for name in root.bundle)  # the root's own, one a bundled name
    for package in packages.values():
        if package.slot:
            edges += sum(slot is not None for slot in (*package.needs.values(), *package.peers.values()))
    specs = {**root.dependencies, **root.optional_dependencies}
    names = {folder: _list_dependencies(manifest) for folder, manifest in vendored.items()}
    return edges + count_flat_edges(specs, names)


def _list_installers(root: Manifest, specs: Iterable[Finding]) -> tuple[str, ...]:
    """Return which installers can install the tarball.

    *specs* are the findings about its specs.
    """
    if any(finding.severity == "error" for finding in specs):
        return ()  # which installer understands which spec of another one is not looked into
    # docs/verify.md: npm and pnpm install bundled packages, yarn 4 and bun do not.
    return ("npm", "pnpm") if root.bundle else ("npm", "pnpm", "yarn", "bun")


def _report_missing(package: TarballPackage, name: str, why: str) -> Finding:
    message = f"{package.label} needs {name}, which {why}"
    fix = f"pack it again with {name} installed, or add it to the root's dependencies"
    return Finding("EBUNDLEMISSING", package.manifest_path, message, fix)


def _check_dependencies(package: TarballPackage, declared: Collection[str]) -> Iterator[Finding]:
    """Yield a finding for each dependency that is nowhere.

    *package* is a bundled one. *declared* are the names that an installer brings for the root.
    """
    for name, slot in package.needs.items():
        if slot is None and name not in declared and name not in package.manifest.optional_dependencies:
            yield _report_missing(package, name, "is neither in the tarball nor declared by the root")
    for name, slot in package.peers.items():
        if slot is None and name not in declared and name not in package.manifest.optional_peers:
            why = f"{package.label} has the peer dependency {name}, which nothing supplies"
            fix = f"add {name} to the root's dependencies or peerDependencies"
            yield Finding("WPEER", package.manifest_path, why, fix, "warning")


def _check_vendored(package: TarballPackage, declared: Collection[str]) -> Iterator[Finding]:
    """Yield a finding for each dependency that no installer can get.

    *package* is a vendored one. Installers see only what the root itself depends on, *declared*.
    """
    manifest = package.manifest
    for name in manifest.peer_dependencies:
        if name not in declared and name not in manifest.optional_peers:
            why = f"{package.label} has the peer dependency {name}, which the root does not declare"
            fix = f"add {name} to the root's dependencies"
            yield Finding("WPEER", package.manifest_path, why, fix, "warning")
    for name, spec in {**manifest.dependencies, **manifest.optional_dependencies}.items():
        if is_local(spec) or parse_spec(spec).fault:
            why = f'{package.label}: dependencies.{name} "{spec}" leads to nothing at the consumer\'s'
            fix = "pack it again with linkpack pack --layout vendor"
            yield Finding("ESPECLOCAL", package.manifest_path, why, fix)


def _check_extraneous(packages: Mapping[str, TarballPackage]) -> Iterator[Finding]:
    """Yield a warning for each package that no bundled name leads to.

    npm removes such packages at its second install.
    """
    # From the bundled names along everything that Node finds. Optional ones and peers keep a package, too.
    waiting = [slot for name in packages[""].manifest.bundle if (slot := f"node_modules/{name}") in packages]
    reached = set(waiting)
    while waiting:
        package = packages[waiting.pop()]
        new = {slot for slot in (*package.needs.values(), *package.peers.values()) if slot} - reached
        reached |= new
        waiting += new
    for slot, package in packages.items():
        if slot and slot not in reached:
            why = f"{package.label} is in the tarball, but no bundled package needs it"
            fix = "add it to bundleDependencies or leave it out"
            yield Finding("WEXTRANEOUS", slot, why, fix, "warning")


def _check_specs(packages: Mapping[str, TarballPackage], paths: Collection[str]) -> Iterator[Finding]:
    """Yield a finding for each spec that a consumer cannot use."""
    # What `pack` would have rewritten is what a consumer cannot use.
    plan = plan_specs(packages, "", mode="resolve", disk=NOWHERE)
    for change in plan.changes:
        place = f"{change.package}/package.json".lstrip("/")
        what = f'{change.label}: {change.section}.{change.key} "{change.old}"'
        if not change.new:
            why = f"{what} is not in the tarball, and npm ci will miss it in the lockfile"
            yield Finding("WSPEC", place, why, "drop it from the bundled manifest", "warning")
        elif change.section != "devDependencies":
            why = f"{what} is of no use to a consumer: {change.reason}"
            yield Finding("ESPEC", place, why, _suggest(change))
    for problem in plan.problems:
        place, hint = problem.path.lstrip("/"), problem.hint
        if problem.code in {"EWORKSPACESPEC", "ECATALOG"}:  # the author's monorepo is not here to be asked
            hint = "pack it with linkpack pack, which writes what it means"
        yield Finding(problem.code, place, problem.message, hint)
    yield from _check_inner_paths(packages[""], paths)


def _suggest(change: SpecChange) -> str:
    return f'write "{change.new}", or pack with linkpack pack, which does'


def _check_inner_paths(root: TarballPackage, paths: Collection[str]) -> Iterator[Finding]:
    """Yield an error for each path of *root* into itself with nothing there."""
    for name, spec in {**root.manifest.dependencies, **root.manifest.optional_dependencies}.items():
        # Specs that lead out of the package are found above. A bundled name is in node_modules, whatever its spec.
        if root.needs[name] is not None or not is_local(spec) or not is_inside(spec):
            continue
        path = posixpath.normpath(spec.partition(":")[2] or spec)
        if path not in paths and f"{path}/package.json" not in paths:
            why = f'{root.label}: dependencies.{name} "{spec}" leads to nothing in the tarball'
            yield Finding("ESPECLOCAL", "package.json", why, "add the folder to files, or publish the package")
