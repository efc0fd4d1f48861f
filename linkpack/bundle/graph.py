"""Who needs whom: the bundle's packages by real directory, and the edges between them.

A package's identity (*instance*) is its real directory, as for Node: two links to one directory are one
instance, two directories with equal contents are two. An edge is what Node's walk-up finds for a name from
a package's real directory; that one rule reads every installer's tree.
Source: Node's documentation of `require` ("Loading from node_modules folders").
"""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING, NamedTuple

from linkpack.bundle.plugnplay import name_pnp
from linkpack.bundle.project import read_manifest
from linkpack.disk import fs
from linkpack.errors import LinkpackError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.bundle.project import Project
    from linkpack.npm.manifest import Manifest


class Package(NamedTuple):
    """One instance of the bundle, or the root.

    *id* is its real directory. *needs* maps each name in `dependencies`, `optionalDependencies` and its bundle to
    the id that it resolves to, or None (absent, and allowed to be), *peers* the same for peers besides.
    *linked* says that it is somebody's source directory: no part of its real path is `node_modules`.
    *via* is the path it was first reached by, a link's own path where there is one.
    """

    id: str
    manifest: Manifest
    needs: Mapping[str, str | None]
    peers: Mapping[str, str | None]
    linked: bool
    via: str

    @property
    def label(self) -> str:
        """`name@version`, the directory's name standing in for a missing name."""
        name = self.manifest.name or posixpath.basename(self.id)
        return f"{name}@{self.manifest.version}" if self.manifest.version else name


class BundleGraph(NamedTuple):
    """The root, the bundled instances, and what reading them found.

    *packages* holds the root and every bundled instance by id, in the order reached (breadth first, names
    sorted). *bundled* maps the root's bundled names to ids; *reserved* maps the names that the root needs and
    does not bundle to what they are on disk, None when nothing: at the top of the tarball's node_modules only
    that instance may have the name.
    """

    root: str
    packages: Mapping[str, Package]
    bundled: Mapping[str, str]
    reserved: Mapping[str, str | None]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


class Hit(NamedTuple):
    """What lies at one `node_modules/<name>`: a package's real directory, or the fault of what is there."""

    real: str
    fault: str = ""


class Lookup:
    """Node's walk-up, each directory looked at once."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}
        self._above: dict[str, tuple[tuple[str, str], ...]] = {}
        self._hits: dict[tuple[str, str], Hit | None] = {}

    def resolve(self, start: str, name: str) -> tuple[Hit | None, str, str]:
        """What *name* is from the real directory *start*, the path of the hit, and the first fault met.

        The fault is that of a broken link nearer than the hit: Node passes over it, its owner would not.
        """
        fault = ""
        if start not in self._above:
            self._above[start] = tuple(self._existing(start))
        for folder, real in self._above[start]:
            key = (real, name)
            if key not in self._hits:
                self._hits[key] = _look(real, name)
            hit = self._hits[key]
            if hit is not None and not hit.fault:
                return hit, f"{folder}/{name}", fault
            if hit is not None and not fault:
                fault = hit.fault
        return None, "", fault

    def _existing(self, start: str) -> Iterator[tuple[str, str]]:
        """Yield the node_modules folders above *start* that exist, nearest first, each with its real path."""
        for folder in node_modules_above(start):
            if folder not in self._folders:
                self._folders[folder] = fs.real_path(folder) if fs.is_dir(folder) else ""
            if self._folders[folder]:
                yield folder, self._folders[folder]


def node_modules_above(start: str) -> Iterator[str]:
    """The node_modules folders that Node looks in for code in the real directory *start*, nearest first."""
    at = start
    while True:
        if posixpath.basename(at) != "node_modules":
            yield posixpath.join(at, "node_modules")
        above = posixpath.dirname(at)
        if above == at:
            return
        at = above


def _look(folder: str, name: str) -> Hit | None:
    """What lies at *folder*/*name*; None when nothing does, or a directory that is no package."""
    path = f"{folder}/{name}"
    try:
        mode = fs.lstat(path).st_mode
        what = f"the link {path} -> {fs.read_link(path)}" if stat.S_ISLNK(mode) else path
    except OSError:
        return None
    try:
        # A scope's folder may be a link as well.
        real = fs.real_path(path) if stat.S_ISLNK(mode) or "/" in name else path
    except OSError:
        return Hit("", f"{what} leads nowhere")
    if not fs.is_dir(real):
        return Hit("", f"{what} is not a directory")
    try:
        fs.lstat(f"{real}/package.json")
    except PermissionError:
        return Hit("", f"{what} cannot be looked into")
    except OSError:
        # A plain folder is passed over; a link to something that is no package is a mistake.
        return Hit("", f"{what} leads to a folder without package.json") if stat.S_ISLNK(mode) else None
    return Hit(real)


def is_linked(real: str) -> bool:
    """Whether a real directory is somebody's source, not an installer's: no `node_modules` in its path."""
    return "node_modules" not in real.split("/")


class _Reader:
    """One reading of a bundle; its fields are what was found so far."""

    def __init__(self, project: Project, lost: Mapping[str, str], *, allow_missing: bool) -> None:
        self.project = project
        self.lost = lost
        self.allow_missing = allow_missing
        self.lookup = Lookup()
        self.manifests: dict[str, tuple[Manifest, str]] = {}
        self.packages: dict[str, Package] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def read(self) -> BundleGraph:
        root, manifest = self.project.root, self.project.manifest
        bundled: dict[str, str | None] = {}
        for name in sorted(manifest.bundle):
            optional = name in manifest.optional_dependencies
            bundled[name] = self._edge(root, "the project", name, optional=optional)
            self._declared(name)
        found = {name: to for name, to in bundled.items() if to is not None}
        for name in [name for name, to in found.items() if to == root]:
            self._problem("EBUNDLESELF", root, f"{name} is bundled but leads to the project itself")
            del found[name]
        self.packages[root] = Package(root, manifest, dict(bundled), {}, linked=is_linked(root), via=root)
        queue = list(dict.fromkeys(found.values()))
        for at in queue:
            if at not in self.packages:
                self.packages[at] = self._package(at)
                needs = self.packages[at].needs
                queue += [to for name in sorted(needs) if (to := needs[name]) is not None]
        reserved = self._reserved(frozenset(bundled))
        self._peers(frozenset(reserved) | frozenset(bundled))
        return BundleGraph(root, self.packages, found, reserved, tuple(self.problems), tuple(self.warnings))

    def _package(self, at: str) -> Package:
        manifest, via = self.manifests[at]
        label = f"{manifest.name or posixpath.basename(at)}"
        names = {*manifest.dependencies, *manifest.optional_dependencies}
        names.update(name for name in manifest.bundle if self._brings(at, name))
        needs = {
            name: self._edge(at, label, name, optional=name in manifest.optional_dependencies)
            for name in sorted(names)
        }
        peers = {name: self._peer(at, name) for name in sorted(manifest.peer_dependencies) if name not in needs}
        return Package(at, manifest, needs, peers, linked=is_linked(at), via=via)

    def _brings(self, at: str, name: str) -> bool:
        """True if the package *at* bundles *name*, which it does not declare.

        A source directory does when it is packed. An installed package brought along what lies in its own
        node_modules: the other names that it lists were left out when it was published (npm drops them), and what
        has such a name further up is somebody else's.
        """
        return is_linked(at) or fs.is_file(f"{at}/node_modules/{name}/package.json")

    def _edge(self, start: str, dependent: str, name: str, *, optional: bool) -> str | None:
        """The id that *name* leads to; None when absent, which is a problem unless *optional*."""
        hit, via, fault = self.lookup.resolve(start, name)
        if fault and not optional:
            self._problem(
                "EBUNDLELINK",
                start,
                f"{dependent} needs {name}, and {fault}",
                "mend the link, or install the package",
            )
            return None
        if hit is None:
            if not optional:
                self._missing(start, dependent, name)
            return None
        if hit.real == self.project.root:
            return hit.real
        if self.project.root.startswith(hit.real.rstrip("/") + "/"):
            self._problem(
                "EBUNDLEANCESTOR",
                via,
                f"{dependent} needs {name}, which leads to {hit.real}, a folder around the project itself",
                "bundle a package that does not contain this one",
            )
            return None
        return hit.real if self._readable(hit.real, via) else None

    def _peer(self, start: str, name: str) -> str | None:
        hit, _, _ = self.lookup.resolve(start, name)
        return None if hit is None else hit.real

    def _readable(self, at: str, via: str) -> bool:
        """Whether the package at *at* has a usable manifest; a fault is recorded once."""
        if at in self.manifests:
            return True
        try:
            manifest = read_manifest(at, "linked" if is_linked(at) else "installed")
        except LinkpackError as err:
            new = [p._replace(message=f"{p.message} (reached through {via})") for p in err.problems]
            self.problems += [p for p in new if p not in self.problems]
            return False
        self.manifests[at] = (manifest, via)
        return True

    def _missing(self, start: str, dependent: str, name: str) -> None:
        folders = list(node_modules_above(start))
        hint = f"run your package manager's install in {start}, or pass --allow-missing to pack without it"
        target = next((self.lost[path] for folder in folders if (path := f"{folder}/{name}") in self.lost), None)
        if target:
            hint = f"it was linked to {target}: run linkpack relink {name}"
        message = f"{dependent} needs {name}, which is not installed (looked in {', '.join(folders)})"
        found = Problem("EBUNDLEMISSING", start, message, hint)
        if self.allow_missing:
            self.warnings.append(found._replace(code="WBUNDLEMISSING", hint=""))
        else:
            self.problems.append(found)

    def _declared(self, name: str) -> None:
        manifest = self.project.manifest
        if name not in manifest.dependencies and name not in manifest.optional_dependencies:
            self.warnings.append(
                Problem(
                    "WUNDECLARED",
                    self.project.root,
                    f"{name} is in bundleDependencies but neither in dependencies nor in"
                    " optionalDependencies: bundled all the same",
                    "npm would leave it out; add it to dependencies",
                )
            )

    def _reserved(self, bundled: frozenset[str]) -> dict[str, str | None]:
        manifest = self.project.manifest
        declared = {
            *manifest.dependencies,
            *manifest.optional_dependencies,
            *manifest.peer_dependencies,
        }
        return {name: self._peer(self.project.root, name) for name in sorted(declared - bundled)}

    def _peers(self, supplied: frozenset[str]) -> None:
        """Warn of each bundled package's peer that nobody supplies to it."""
        for package in self.packages.values():
            for name, to in package.peers.items():
                if name in supplied or to in self.packages or name in package.manifest.optional_peers:
                    continue
                self.warnings.append(
                    Problem(
                        "WPEER",
                        package.via,
                        f"{package.label} has the peer dependency {name}, which the project does not declare",
                        f"add {name} to the project's dependencies or peerDependencies",
                    )
                )

    def _problem(self, code: str, path: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(code, path, message, hint))


def read_bundle(project: Project, lost: Mapping[str, str] = {}, *, allow_missing: bool = False) -> BundleGraph:
    """Read the graph of everything that the project's tarball will hold.

    Follows `dependencies`, `optionalDependencies` and what a package bundles itself, from the bundled names on,
    never `devDependencies`; a peer pulls nothing in. Faults (a name that does not resolve, a dangling link, a
    broken manifest) are in the graph's *problems*, all of them; with *allow_missing* a name that is not installed
    is a warning. *lost* maps paths where links stood, by their record, to where they led.
    """
    graph = _Reader(project, lost, allow_missing=allow_missing).read()
    root = project.root
    return graph._replace(problems=name_pnp(root, graph.problems), warnings=name_pnp(root, graph.warnings))


def find_installed(start: str, name: str) -> str | None:
    """Find the real directory of the package that Node finds for *name* from the real directory *start*."""
    hit, _, _ = Lookup().resolve(start, name)
    return None if hit is None else hit.real
