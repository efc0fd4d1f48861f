"""Who needs whom: the bundle's packages by real directory, and the edges between them.

A package's identity (*instance*) is its real directory, as for Node: two links to one directory are one
instance, two directories with equal contents are two. An edge is what Node's walk-up finds for a name from
a package's real directory; that one rule reads every installer's tree.
Source: Node's documentation of `require` ("Loading from node_modules folders").
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import LinkpackError, Problem
from linkpack.project.package_json import read_manifest
from linkpack.project.plug_n_play import name_pnp
from linkpack.project.resolve import Lookup, node_modules_above
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.npm.manifest import Manifest
    from linkpack.project.project import Project


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
        real, via, fault = self.lookup.resolve(start, name)
        if fault and not optional:
            self._problem(
                "EBUNDLELINK",
                start,
                f"{dependent} needs {name}, and {fault}",
                "mend the link, or install the package",
            )
            return None
        if not real:
            if not optional:
                self._missing(start, dependent, name)
            return None
        if real == self.project.root:
            return real
        if self.project.root.startswith(real.rstrip("/") + "/"):
            self._problem(
                "EBUNDLEANCESTOR",
                via,
                f"{dependent} needs {name}, which leads to {real}, a folder around the project itself",
                "bundle a package that does not contain this one",
            )
            return None
        return real if self._readable(real, via) else None

    def _peer(self, start: str, name: str) -> str | None:
        return self.lookup.resolve(start, name).real or None

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
