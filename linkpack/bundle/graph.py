"""Read which packages a bundle has, and which of them need each other.

A package's identity (*instance*) is its real directory, as for Node: two links to one directory are one
instance, two directories with equal contents are two. An edge is what Node's walk-up finds for a name from
a package's real directory (`project.resolve`). That one rule reads the tree of every installer.
"""

from __future__ import annotations

import posixpath
from collections import deque
from typing import TYPE_CHECKING

from linkpack.bundle.selectors import Dependency, match_selectors
from linkpack.errors import LinkpackError, Problem
from linkpack.project.package_json import read_manifest, read_usable
from linkpack.project.plug_n_play import name_pnp
from linkpack.project.resolve import Lookup, node_modules_above
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from linkpack.bundle.selectors import Selectors
    from linkpack.npm.manifest import Manifest
    from linkpack.project.project import Project


class Package(Record):
    """One instance of the bundle, or the root.

    *id* is its real directory. *needs* maps each name in `dependencies`, `optionalDependencies` and its bundle to
    the id that it resolves to, or to None when it is absent and may be. *peers* maps the names that others supply:
    the peer dependencies that are not in *needs*, and `BundleGraph.fetched`. A *linked* package is a source
    directory (`is_linked`). *via* is the path that it was first reached by: that of the link, where there is one.
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


class Fetched(Record):
    """A dependency of a selected package that is not selected itself.

    The package with the id *package* finds *name* at *to* on disk, None for nothing. A consumer gets it from a
    registry, as the root's dependency.
    """

    package: str
    name: str
    to: str | None


class BundleGraph(Record):
    """The root, the bundled instances, and the faults found on the way.

    *packages* holds the root and every bundled instance by id, in the order reached (breadth first, names
    sorted). *bundled* maps the root's bundled names to ids. *reserved* maps the names that the root needs and
    does not bundle to their real directories, None for nothing on disk: at the top of the tarball's node_modules
    only that instance may have the name.

    *selected* maps the names that selectors add to the root's bundle to the selector. *takers* maps the packages
    that are in the bundle for a selector only, by id, to the selector. *fetched* are the dependencies of selected
    packages that no selector takes. Their packages are in *outside* by id, without dependencies.
    """

    root: str
    packages: Mapping[str, Package]
    bundled: Mapping[str, str]
    reserved: Mapping[str, str | None]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    selected: Mapping[str, str] = {}
    takers: Mapping[str, str] = {}
    fetched: tuple[Fetched, ...] = ()
    outside: Mapping[str, Package] = {}


def is_linked(real: str) -> bool:
    """Return True if a real directory is a source directory.

    Packages that an installer put there have a node_modules around them.

    >>> is_linked("/src/lib"), is_linked("/app/node_modules/lib")
    (True, False)
    """
    return "node_modules" not in real.split("/")


class Wish(Record):
    """What is to be bundled besides what the manifest names.

    *conflicts* are dependencies of selected packages, by id and name, that ship although nothing selects them.
    """

    selectors: Selectors | None = None
    conflicts: Collection[tuple[str, str]] = ()


NO_WISH = Wish()


class _Reader:
    """One reading of a bundle, with what it found so far."""

    def __init__(self, project: Project, lost: Mapping[str, str], wish: Wish, *, allow_missing: bool) -> None:
        self.project = project
        self.wish = wish
        self.used: set[str] = set()  # selectors that something matched
        self.whole: set[str] = set()  # packages that ship with all that they need
        self.left: list[Fetched] = []
        self.takers: dict[str, str] = {}  # selectors by the packages that they take
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
        selected = self._select_names()
        bundled: dict[str, str | None] = {}
        for name in sorted({*manifest.bundle, *selected}):
            optional = name in manifest.optional_dependencies
            bundled[name] = self._follow(root, "the project", name, optional=optional)
            self._warn_if_undeclared(name)
        present = {name: to for name, to in bundled.items() if to is not None}
        # A package of the bundle that needs the project finds the installed project around it. In its own bundle
        # the project would be a copy.
        for name in [name for name, to in present.items() if to == root]:
            self._refuse("EBUNDLESELF", root, f"{name} is bundled but leads to the project itself")
            del present[name]
        self.packages[root] = Package(
            id=root,
            manifest=manifest._replace(bundle=(*manifest.bundle, *selected)),
            needs=dict(bundled),
            peers={},
            linked=is_linked(root),
            via=root,
        )
        self._read_packages([(to, name not in selected) for name, to in present.items()])
        fetched, outside = self._set_fetched_apart()
        # Last, as any package of the bundle may be the peer.
        # The root's own package of a name goes before the one that a bundled package finds.
        reserved = {edge.name: edge.to for edge in fetched} | self._find_reserved(frozenset(bundled))
        self._warn_of_peers(frozenset(reserved) | frozenset(bundled))
        self._refuse_kept_back()
        self._warn_of_selectors()
        return BundleGraph(
            root=root,
            packages=self.packages,
            bundled=present,
            reserved=reserved,
            problems=tuple(dict.fromkeys(self.problems)),
            warnings=tuple(dict.fromkeys(self.warnings)),
            selected=selected,
            takers={
                id_: text for id_, text in self.takers.items() if id_ in self.packages and id_ not in self.whole
            },
            fetched=fetched,
            outside=outside,
        )

    def _select_names(self) -> dict[str, str]:
        """Map the names that selectors add to the root's bundle to the selector."""
        manifest = self.project.manifest
        names = sorted({*manifest.dependencies, *manifest.optional_dependencies})
        selected = {name: self._find_selector(self.project.root, name) for name in names}
        return {name: text for name, text in selected.items() if text and name not in manifest.bundle}

    def _find_selector(self, start: str, name: str) -> str:
        """Return the selector that takes what *start* finds as *name*, or ""."""
        if self.wish.selectors is None:
            return ""
        real = self._find(start, name)
        if real == self.project.root:
            return ""
        manifest = read_usable(real) if real else None
        dependency = Dependency(
            name=name, folder=real or "", linked=bool(real) and is_linked(str(real)), manifest=manifest
        )
        match = match_selectors(self.wish.selectors, dependency)
        # Without a match these are "" and "!", which no selector is.
        self.used.update({match.wanted, f"!{match.unwanted}"})
        if not match.is_selected:
            return ""
        selector = f"{self.wish.selectors.source} {match.wanted}"
        self.takers.setdefault(real or "", selector)
        return selector

    def _read_packages(self, first: Iterable[tuple[str, bool]]) -> None:
        """Read the packages from *first* on, which the root bundles.

        Each comes with True if all its dependencies ship, with False if only those that selectors take do.
        """
        waiting = deque(first)
        while waiting:
            folder, is_whole = waiting.popleft()
            # A package that was read for a selector is read again when bundleDependencies lead to it: then all
            # that it needs ships (tests/bundle/test_selectors.py, test_bundle_dependencies_ship_whole).
            is_known = folder in self.whole or (folder in self.packages and not is_whole)
            if is_known or folder == self.project.root:
                continue
            if is_whole:
                self.whole.add(folder)
            self.packages[folder] = package = self._read_package(folder)
            for name in sorted(package.needs):
                to = package.needs[name]
                if to is not None:
                    is_own = is_whole or name in package.manifest.bundle or (folder, name) in self.wish.conflicts
                    waiting.append((to, is_own))

    def _read_package(self, folder: str) -> Package:
        """Follow the names that the package in *folder* needs."""
        manifest, via = self.manifests[folder]
        label = manifest.name or posixpath.basename(folder)
        names = {*manifest.dependencies, *manifest.optional_dependencies}
        names.update(name for name in manifest.bundle if self._brings(folder, name))
        left = {name for name in names if not self._ships(folder, name)}
        needs = {
            name: self._follow(folder, label, name, optional=name in manifest.optional_dependencies)
            for name in sorted(names - left)
        }
        # Those of an earlier reading of the package, by a selector, may ship by now.
        self.left = [edge for edge in self.left if edge.package != folder]
        self.left += [Fetched(folder, name, self._find(folder, name)) for name in sorted(left)]
        # A peer that is a dependency too is a dependency: npm 12.2 loads these last (arborist, lib/node.js,
        # _loadDeps).
        peers = {
            name: self._find(folder, name) for name in sorted(manifest.peer_dependencies) if name not in names
        }
        return Package(id=folder, manifest=manifest, needs=needs, peers=peers, linked=is_linked(folder), via=via)

    def _ships(self, folder: str, name: str) -> bool:
        """Return True if a dependency of a bundled package ships with it."""
        if folder in self.whole or (folder, name) in self.wish.conflicts:
            return True
        return name in self.manifests[folder][0].bundle or bool(self._find_selector(folder, name))

    def _set_fetched_apart(self) -> tuple[tuple[Fetched, ...], dict[str, Package]]:
        """Return the dependencies that do not ship, and their packages by id.

        A dependency on a package that is in the bundle anyway, or on the project, becomes one of its *needs*.
        """
        fetched: list[Fetched] = []
        outside: dict[str, Package] = {}
        for edge in self.left:
            package = self.packages[edge.package]
            if edge.to in self.packages:
                needs = {**package.needs, edge.name: edge.to}
                self.packages[package.id] = package._replace(needs=dict(sorted(needs.items())))
                continue
            manifest = read_usable(edge.to) if edge.to else None
            if edge.to and manifest is not None:
                outside[edge.to] = Package(
                    id=edge.to, manifest=manifest, needs={}, peers={}, linked=is_linked(edge.to), via=edge.to
                )
            self.packages[package.id] = package._replace(peers={**package.peers, edge.name: edge.to})
            fetched.append(edge)
        return tuple(fetched), outside

    def _refuse_kept_back(self) -> None:
        """Refuse linked packages that their manifest keeps out of tarballs."""
        for package in self.packages.values():
            if package.linked and not package.manifest.may_ship and package.id != self.project.root:
                message = f'{package.label} must not ship: its package.json has "linkpack": {{"bundle": false}}'
                name = package.manifest.name or posixpath.basename(package.id)
                self._refuse("EBUNDLEKEPT", package.id, message, f"leave it out with --bundle '!{name}'")

    def _warn_of_selectors(self) -> None:
        """Warn of each selector that nothing matched."""
        selectors = self.wish.selectors
        if selectors is None:
            return
        for text in (*selectors.wanted, *(f"!{text}" for text in selectors.unwanted)):
            if text not in self.used:
                what = "takes nothing away" if text.startswith("!") else "selects nothing"
                message = f"{selectors.source}: {text} {what}: no production dependency matches it"
                hint = "devDependencies and peers are never bundled; see what is installed with npm ls --omit=dev"
                self.warnings.append(Problem("WBUNDLESELECTOR", self.project.root, message, hint))

    def _brings(self, folder: str, name: str) -> bool:
        """Return True if the package in *folder* ships *name* of its bundle.

        A source directory ships it when it is packed. An installed package brought along what is in its own
        node_modules. The other names that it lists were left out when it was published (npm drops those that are
        not declared), and what has such a name further up belongs to another package.
        """
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
        """Return the id that *name* leads to, without recording any problem."""
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
        folders = list(node_modules_above(start))  # all of them, whether they exist or not
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


def read_bundle(
    project: Project, lost: Mapping[str, str] = {}, wish: Wish = NO_WISH, *, allow_missing: bool = False
) -> BundleGraph:
    """Read the graph of everything that the project's tarball will hold.

    Follows `dependencies`, `optionalDependencies` and what a package bundles itself, from the bundled names on,
    never `devDependencies`. A peer pulls nothing in. All faults (a name that does not resolve, a dangling link, a
    broken manifest) are in the graph's *problems*. With *allow_missing* a name that is not installed is a warning.
    *lost* maps the paths of recorded links that are gone to their targets, for hints. *wish* adds to what the
    manifest names. Dependencies of what its selectors take are followed only where a selector takes them too.
    """
    graph = _Reader(project, lost, wish, allow_missing=allow_missing).read()
    # With yarn's Plug'n'Play every package is missing, for one reason that is named once.
    root = project.root
    return graph._replace(problems=name_pnp(root, graph.problems), warnings=name_pnp(root, graph.warnings))
