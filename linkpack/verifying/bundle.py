"""What a consumer finds at run time: every dependency of every bundled package, looked up in the tarball."""

from __future__ import annotations

import posixpath
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from linkpack.archive.findings import Finding
from linkpack.bundle.consumer_specs import NOWHERE, plan_specs
from linkpack.bundle.layout_check import SlotIndex, count_flat_edges
from linkpack.npm.protocols import is_inside, is_local
from linkpack.npm.specs import parse_spec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from linkpack.archive.findings import Findings
    from linkpack.bundle.consumer_specs import SpecChange
    from linkpack.npm.manifest import Manifest


_NONE: Mapping[str, Manifest] = MappingProxyType({})


class Placed(NamedTuple):
    """A package in the tarball, as `plan_specs` wants it: its slot, and those that its dependencies lead to."""

    slot: str
    manifest: Manifest
    needs: Mapping[str, str | None]
    peers: Mapping[str, str | None]

    @property
    def label(self) -> str:
        """`name@version`, and where it is."""
        name = self.manifest.name or self.slot.rpartition("node_modules/")[2]
        label = f"{name}@{self.manifest.version}" if self.manifest.version else name
        return f"{label} in {self.slot}" if self.slot else label


class Runtime(NamedTuple):
    """What was looked up: packages, edges, and which installers can install the tarball, if any."""

    packages: int
    edges: int
    serves: tuple[str, ...]


def check_runtime(
    manifests: Mapping[str, Manifest],
    paths: Collection[str],
    found: Findings,
    vendored: Mapping[str, Manifest] = _NONE,
) -> Runtime:
    """Look up the runtime graph of the packages in *manifests* (slot to manifest), which has the root in it.

    *vendored* are packages that the root asks for in a folder of its own, by folder. *paths* are the tarball's
    files. A dependency of a bundled package must be inside, or declared by the root. Faults go to *found*.
    """
    index = SlotIndex(manifests)
    placed = {slot: _placed(slot, manifest, index) for slot, manifest in manifests.items()}
    root = placed[""]
    declared = {
        *root.manifest.dependencies,
        *root.manifest.optional_dependencies,
        *root.manifest.peer_dependencies,
    } - set(root.manifest.bundle)
    found.extend(
        _missing(root, name, "is not in node_modules of the tarball, though it is bundled")
        for name in root.manifest.bundle
        if name not in root.manifest.optional_dependencies and f"node_modules/{name}" not in placed
    )
    for package in placed.values():
        if package.slot:
            found.extend(_closure(package, declared))
    found.extend(_extraneous(placed))
    specs = list(_specs(placed, paths))
    found.extend(specs)
    for folder, manifest in vendored.items():
        found.extend(_flat(Placed(folder, manifest, {}, {}), {*declared, *root.manifest.bundle}))
    edges = sum(f"node_modules/{name}" in placed for name in root.manifest.bundle)
    for package in placed.values():
        if package.slot:
            edges += sum(to is not None for to in (*package.needs.values(), *package.peers.values()))
    asked = {**root.manifest.dependencies, **root.manifest.optional_dependencies}
    edges += count_flat_edges(asked, {folder: _asked(each) for folder, each in vendored.items()})
    serves: tuple[str, ...] = ("npm", "pnpm") if root.manifest.bundle else ("npm", "pnpm", "yarn", "bun")
    if any(each.severity == "error" for each in specs):
        serves = ()  # which installer knows which spec of another one is not looked into
    return Runtime(len(placed) + len(vendored), edges, serves)


def _placed(slot: str, manifest: Manifest, index: SlotIndex) -> Placed:
    needs = {name: index.find(slot, name) for name in {**manifest.dependencies, **manifest.optional_dependencies}}
    # What a package bundles without declaring it is its own business, and is needed where it is in the package.
    for name in manifest.bundle if slot else ():
        own = f"{slot}/node_modules/{name}"
        if name not in needs and index.find(slot, name) == own:
            needs[name] = own
    peers = {name: index.find(slot, name) for name in manifest.peer_dependencies if name not in needs}
    return Placed(slot, manifest, needs, peers)


def _asked(manifest: Manifest) -> set[str]:
    return {*manifest.dependencies, *manifest.optional_dependencies, *manifest.peer_dependencies}


def _missing(package: Placed, name: str, why: str) -> Finding:
    message = f"{package.label} needs {name}, which {why}"
    fix = f"pack it again with {name} installed, or add it to the root's dependencies"
    return Finding("EBUNDLEMISSING", f"{package.slot}/package.json".lstrip("/"), message, fix)


def _closure(package: Placed, declared: Collection[str]) -> Iterator[Finding]:
    """The dependencies of a bundled package that nobody will bring."""
    for name, to in package.needs.items():
        if to is None and name not in declared and name not in package.manifest.optional_dependencies:
            yield _missing(package, name, "is neither in the tarball nor declared by the root")
    for name, to in package.peers.items():
        if to is None and name not in declared and name not in package.manifest.optional_peers:
            why = f"{package.label} has the peer dependency {name}, which nothing supplies"
            fix = f"add {name} to the root's dependencies or peerDependencies"
            yield Finding("WPEER", f"{package.slot}/package.json", why, fix, "warning")


def _flat(package: Placed, declared: Collection[str]) -> Iterator[Finding]:
    """What a vendored package asks for, and its consumer's installer cannot get: it sees only the root's own."""
    manifest = package.manifest
    place = f"{package.slot}/package.json"
    for name in manifest.peer_dependencies:
        if name not in declared and name not in manifest.optional_peers:
            why = f"{package.label} has the peer dependency {name}, which the root does not declare"
            yield Finding("WPEER", place, why, f"add {name} to the root's dependencies", "warning")
    for name, spec in {**manifest.dependencies, **manifest.optional_dependencies}.items():
        if is_local(spec) or parse_spec(spec).fault:
            why = f'{package.label}: dependencies.{name} "{spec}" leads to nothing at the consumer\'s'
            yield Finding("ESPECLOCAL", place, why, "pack it again with linkpack pack --layout vendor")


def _extraneous(placed: Mapping[str, Placed]) -> Iterator[Finding]:
    """Packages that nothing leads to from the bundled names: npm's second install removes them."""
    todo = [slot for name in placed[""].manifest.bundle if (slot := f"node_modules/{name}") in placed]
    reached = set(todo)
    while todo:
        package = placed[todo.pop()]
        new = {to for to in (*package.needs.values(), *package.peers.values()) if to} - reached
        reached |= new
        todo += new
    for slot, package in placed.items():
        if slot and slot not in reached:
            why = f"{package.label} is in the tarball, but no bundled package needs it"
            fix = "add it to bundleDependencies or leave it out"
            yield Finding("WEXTRANEOUS", slot, why, fix, "warning")


def _specs(placed: Mapping[str, Placed], paths: Collection[str]) -> Iterator[Finding]:
    """Specs that a consumer cannot use."""
    plan = plan_specs(placed, "", mode="resolve", around=NOWHERE)
    for change in plan.changes:
        place = f"{change.package}/package.json".lstrip("/")
        what = f'{change.label}: {change.section}.{change.key} "{change.old}"'
        if not change.new:
            why = f"{what} is not in the tarball, and npm ci will miss it in the lockfile"
            yield Finding("WSPEC", place, why, "drop it from the bundled manifest", "warning")
        elif change.section != "devDependencies":
            why = f"{what} is of no use to a consumer: {change.reason}"
            yield Finding("ESPEC", place, why, _remedy(change))
    for problem in plan.problems:
        place, hint = problem.path.lstrip("/"), problem.hint
        if problem.code in {"EWORKSPACESPEC", "ECATALOG"}:  # the author's monorepo is not here to be asked
            hint = "pack it with linkpack pack, which writes what it means"
        yield Finding(problem.code, place, problem.message, hint)
    yield from _inside(placed[""], paths)


def _remedy(change: SpecChange) -> str:
    return f'write "{change.new}", or pack with linkpack pack, which does'


def _inside(root: Placed, paths: Collection[str]) -> Iterator[Finding]:
    """Paths into the package itself, as of vendored packages, that lead to nothing."""
    for name, spec in {**root.manifest.dependencies, **root.manifest.optional_dependencies}.items():
        if root.needs[name] is not None or not is_local(spec) or not is_inside(spec):
            continue
        path = posixpath.normpath(spec.partition(":")[2] or spec)
        if path not in paths and f"{path}/package.json" not in paths:
            why = f'{root.label}: dependencies.{name} "{spec}" leads to nothing in the tarball'
            yield Finding("ESPECLOCAL", "package.json", why, "add the folder to files, or publish the package")
