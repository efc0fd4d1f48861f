"""Read who needs whom: the packages of a bundle and their edges.

A package's identity (*instance*) is its real directory, as for Node: two links to one directory are one
instance, two directories with equal contents are two. An edge is what Node's walk-up finds for a name from
a package's real directory (`project.resolve`). That one rule reads the tree of every installer.
"""

from __future__ import annotations

import posixpath
from collections import deque
from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError, Problem
from linkpack.project.package_json import read_manifest
from linkpack.project.plug_n_play import name_pnp
from linkpack.project.resolve import Lookup, node_modules_above
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.npm.manifest import Manifest
    from linkpack.project.project import Project


class Package(Record):
    """One instance of the bundle, or the root.

    *id* is its real directory. *needs* maps each name in `dependencies`, `optionalDependencies` and its bundle to
    the id that the name resolves to, or to None when it is absent and that is allowed. *peers* maps the other
    peers in the same way. A *linked* package is a source directory (`is_linked`). *via* is the path that it was
    first reached by, which may be a link.
    """

    id: str
    manifest: Manifest
    needs: Mapping[str, str | None]
    peers: Mapping[str, str | None]
    linked: bool
    via: str

    @property
    def label(self) -> str:
        """Return `name@version`, with the directory's name for a missing name."""
        name = self.manifest.name or posixpath.basename(self.id)
        return f"{name}@{self.manifest.version}" if self.manifest.version else name


class BundleGraph(Record):
    """The root, the bundled instances, and the faults found on the way.

    *packages* holds the root and every bundled instance by id, in the order reached (breadth first, names
    sorted). *bundled* maps the root's bundled names to ids. *reserved* maps the names that the root needs and
    does not bundle to their real directories, or None if there is nothing on disk. At the top of the tarball's
    node_modules such a name belongs to that instance alone.
    """

    root: str
    packages: Mapping[str, Package]
    bundled: Mapping[str, str]
    reserved: Mapping[str, str | None]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def is_linked(real: str) -> bool:
    """Return True if a real directory is a source directory.

    Packages that an installer put there have a node_modules around them.

    >>> is_linked("/src/lib"), is_linked("/app/node_modules/lib")
    (True, False)
    """
    return "node_modules" not in real.split("/")


class _Reader:
    """One reading of a bundle, with what it found so far."""

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
        """Read the bundled names, and then all that they lead to."""
        root, manifest = self.project.root, self.project.manifest
        bundled: dict[str, str | None] = {}
        for name in sorted(manifest.bundle):
            optional = name in manifest.optional_dependencies
            bundled[name] = self._follow(root, "the project", name, optional=optional)
            self._warn_if_undeclared(name)
        present = {name: to for name, to in bundled.items() if to is not None}
        # The installed package itself answers edges of others to it, but a copy of it cannot be in its own bundle.
        for name in [name for name, to in present.items() if to == root]:
            self._refuse("EBUNDLESELF", root, f"{name} is bundled but leads to the project itself")
            del present[name]
        self.packages[root] = Package(
            id=root, manifest=manifest, needs=dict(bundled), peers={}, linked=is_linked(root), via=root
        )
        waiting = deque(dict.fromkeys(present.values()))
        while waiting:
            folder = waiting.popleft()
            if folder not in self.packages:
                self.packages[folder] = self._read_package(folder)
                needs = self.packages[folder].needs
                waiting += [to for name in sorted(needs) if (to := needs[name]) is not None]
        # Warn of peers last, as any package of the bundle may be one.
        reserved = self._find_reserved(frozenset(bundled))
        self._warn_of_peers(frozenset(reserved) | frozenset(bundled))
        return BundleGraph(
            root=root,
            packages=self.packages,
            bundled=present,
            reserved=reserved,
            problems=tuple(self.problems),
            warnings=tuple(self.warnings),
        )

    def _read_package(self, folder: str) -> Package:
        """Follow the names that the package in *folder* needs."""
        manifest, via = self.manifests[folder]
        label = manifest.name or posixpath.basename(folder)
        names = {*manifest.dependencies, *manifest.optional_dependencies}
        names.update(name for name in manifest.bundle if self._ships_with(folder, name))
        needs = {
            name: self._follow(folder, label, name, optional=name in manifest.optional_dependencies)
            for name in sorted(names)
        }
        peers = {
            name: self._find(folder, name) for name in sorted(manifest.peer_dependencies) if name not in needs
        }
        return Package(id=folder, manifest=manifest, needs=needs, peers=peers, linked=is_linked(folder), via=via)

    def _ships_with(self, folder: str, name: str) -> bool:
        """Return True if the package in *folder* ships *name* of its bundle."""
        # A source directory ships it when it is packed. An installed package brought along only what is in its own
        # node_modules: npm drops names that are not declared, and a package further up belongs to another one.
        return is_linked(folder) or fs.is_file(f"{folder}/node_modules/{name}/package.json")

    def _follow(self, start: str, dependent: str, name: str, *, optional: bool) -> str | None:
        """Return the id that *name* leads to, or None.

        An absent name and a broken link on the way are problems, unless the edge is *optional*. Other faults are
        always problems.
        """
        real, via, fault = self.lookup.resolve(start, name)
        if fault and not optional:
            self._refuse(
                "EBUNDLELINK",
                start,
                f"{dependent} needs {name}, and {fault}",
                "fix the link, or install the package",
            )
            return None
        if not real:
            if not optional:
                self._note_missing(start, dependent, name)
            return None
        # A ring: the manifest was read and checked already, as that of a root.
        if real == self.project.root:
            return real
        # Packing a folder around the project would pack the project into itself.
        if self.project.root.startswith(real.rstrip("/") + "/"):
            self._refuse(
                "EBUNDLEANCESTOR",
                via,
                f"{dependent} needs {name}, which leads to {real}, a folder around the project itself",
                "bundle a package that does not contain this one",
            )
            return None
        return real if self._is_readable(real, via) else None

    def _find(self, start: str, name: str) -> str | None:
        """Return what *name* is on disk, without recording any problem."""
        return self.lookup.resolve(start, name).real or None

    def _is_readable(self, folder: str, via: str) -> bool:
        """Return True if the package in *folder* has a usable manifest.

        A fault is recorded, once, with the path *via* that led there.
        """
        if folder in self.manifests:
            return True
        try:
            manifest = read_manifest(folder, "linked" if is_linked(folder) else "installed")
        except LinkpackError as err:
            new = [
                problem._replace(message=f"{problem.message} (reached through {via})") for problem in err.problems
            ]
            self.problems += [problem for problem in new if problem not in self.problems]
            return False
        self.manifests[folder] = (manifest, via)
        return True

    def _note_missing(self, start: str, dependent: str, name: str) -> None:
        """Note that *name*, which *dependent* needs, is not installed."""
        # npm packs without it and exits with 0 (docs/differences-from-npm.md, B4).
        folders = list(node_modules_above(start))
        hint = f"run your package manager's install in {start}, or pass --allow-missing to pack without it"
        target = next((self.lost[path] for folder in folders if (path := f"{folder}/{name}") in self.lost), None)
        if target:
            hint = f"it was linked to {target}: run linkpack relink {name}"
        message = f"{dependent} needs {name}, which is not installed (looked in {', '.join(folders)})"
        if self.allow_missing:
            self.warnings.append(Problem("WBUNDLEMISSING", start, message))
        else:
            self.problems.append(Problem("EBUNDLEMISSING", start, message, hint))

    def _warn_if_undeclared(self, name: str) -> None:
        """Warn if the project bundles *name* without declaring it."""
        manifest = self.project.manifest
        # npm leaves such a name out without a word (docs/differences-from-npm.md, B2).
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

    def _find_reserved(self, bundled: frozenset[str]) -> dict[str, str | None]:
        """Map the root's other dependencies to what they are on disk."""
        manifest = self.project.manifest
        declared = {
            *manifest.dependencies,
            *manifest.optional_dependencies,
            *manifest.peer_dependencies,
        }
        return {name: self._find(self.project.root, name) for name in sorted(declared - bundled)}

    def _warn_of_peers(self, supplied: frozenset[str]) -> None:
        """Warn of each peer that neither the project nor the bundle supplies."""
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

    def _refuse(self, code: str, path: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(code, path, message, hint))


def read_bundle(project: Project, lost: Mapping[str, str] = {}, *, allow_missing: bool = False) -> BundleGraph:
    """Read the graph of everything that the project's tarball will hold.

    From the bundled names on, it follows `dependencies`, `optionalDependencies` and what a package bundles itself,
    but never `devDependencies` and peers. All faults (a name that does not resolve, a broken link, a broken
    manifest) are in the graph's *problems*. With *allow_missing* a name that is not installed is a warning. *lost*
    maps the paths of recorded links that are gone to their targets, for hints.
    """
    graph = _Reader(project, lost, allow_missing=allow_missing).read()
    # With yarn's Plug'n'Play every package is missing, for one reason that is named once.
    root = project.root
    return graph._replace(problems=name_pnp(root, graph.problems), warnings=name_pnp(root, graph.warnings))
