"""Which packages lie in the flat `vendor/` folder, and what the root asks for under each name.

A flat folder has one package a name, so a graph with two versions of one name does not fit: that is a problem that
names both. Every name is declared by the root; the packages beside each other are peers (`ship.manifests`).
Measured with npm 11.19.1, npm 12.2.0, pnpm 12.21.0, yarn 4.18.1 and bun 1.4.5: `file:./vendor/x` in a published
package installs, runs, installs again and passes `npm ls` and `npm ci` when the manifests are of that form.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import Problem
from linkpack.npm.protocols import is_local
from linkpack.npm.specs import exact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from linkpack.bundle.consumer_specs import SpecChange
    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.npm.manifest import Manifest

FOLDER = "vendor"

_REWRITTEN = ("npm:", "workspace:", "catalog:", "jsr:")
_HINT = "make the versions agree, or pack with --layout bundle"
_ALIASED = r"(?s)npm:((?:@[^/@]+/)?[^/@]+)@(.*)"


class Flat(NamedTuple):
    """A flat folder, decided.

    *folders* maps package ids to their folders (`vendor/lib`), *keys* each name that the root declares to the
    package that answers it on disk, *specs* the same names to what the root asks for (`file:./vendor/lib`, or a
    range in the thin layout), *optional* the names that nothing requires. *twins* maps ids of further installed
    copies of one package to the id that stands for all of them.
    """

    folders: Mapping[str, str]
    keys: Mapping[str, str]
    specs: Mapping[str, str]
    optional: frozenset[str]
    twins: Mapping[str, str]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def plan_flat(
    graph: BundleGraph,
    changes: tuple[SpecChange, ...],
    outside: Mapping[str, Manifest],
    own: Collection[str] = (),
    *,
    thin: bool,
) -> Flat:
    """Plan the flat folder for *graph*; with *thin* it holds linked packages only, the root asking for the others.

    *changes* are those that a consumer needs (`consumer.read_consumer`), *outside* the manifests of what the root
    needs and does not bundle, by real directory. *own* are the root's own files that ship: a package takes another
    folder (`vendor/lib-2`) where the root has one of that name, which is not the package itself. Names that only
    the root's peerDependencies declare stay with the host.

    Problems: EVENDORCONFLICT (two packages of one name), EVENDORLINKED (thin: an installed package needs a linked
    one), EVENDORLOCAL (thin: a package that was installed from a path).
    """
    flat = _Flattening(graph, changes, outside, thin=thin)
    flat.taken = {path for path in own if path.startswith(f"{FOLDER}/")}
    flat.run()
    return Flat(
        flat.folders,
        flat.keys,
        {key: flat.spec(key) for key in flat.keys},
        frozenset(flat.keys) - flat.required(),
        flat.twins,
        tuple(dict.fromkeys(flat.problems)),
        tuple(dict.fromkeys(flat.warnings)),
    )


def hosted_names(graph: BundleGraph) -> frozenset[str]:
    """The names that the host supplies: peers of the root that are no dependencies of it."""
    manifest = graph.packages[graph.root].manifest
    own = {*manifest.dependencies, *manifest.optional_dependencies, *graph.bundled}
    return frozenset(manifest.peer_dependencies) - own


def spec_of(package: Package, key: str) -> str:
    """What *package* asks for under *key*, as written; the optional field counts first, as for npm, peers last."""
    manifest = package.manifest
    fields = (manifest.optional_dependencies, manifest.dependencies, manifest.peer_dependencies)
    return next((specs[key] for specs in fields if key in specs), "")


class _Flattening:
    """One planning; its fields are what was decided so far."""

    def __init__(
        self, graph: BundleGraph, changes: tuple[SpecChange, ...], outside: Mapping[str, Manifest], *, thin: bool
    ) -> None:
        self.graph = graph
        self.outside = outside
        self.thin = thin
        self.hosted = hosted_names(graph)
        # The optional field counts first, as for npm, and peers last.
        order = sorted(changes, key=lambda change: (change.section[:4] != "peer", change.section))
        self.changed = {(each.package, each.key): each.new for each in order if each.section != "devDependencies"}
        self.keys: dict[str, str] = {}
        self.askers: dict[str, list[str]] = {}
        self.folders: dict[str, str] = {}
        self.twins: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.taken: Collection[str] = ()

    def run(self) -> None:
        """Claim a name for every edge, from the root outward."""
        queue = [self.graph.root]
        for at in queue:
            for name, to in self._edges(at):
                self.askers.setdefault(name, []).append(at)
                if name not in self.keys:
                    self.keys[name] = self.twins.get(to, to)
                    self._reserved(name, to)
                if not self._same(name, self.keys[name], to):
                    self._conflict(name, (self.askers[name][0], self.keys[name]), (at, to))
                elif to not in self.folders and to not in self.twins and self._ships(to):
                    self.folders[to] = self._folder(name, to)
                    queue.append(to)
        for name, at in self.keys.items() if self.thin else ():
            if at not in self.folders:
                self._unlinked(name, at)

    def _folder(self, name: str, at: str) -> str:
        """Return a folder for the package *at* that nobody else has: the root, or a package of a like name."""
        natural = f"{FOLDER}/{name}"
        folders = (natural if number == 1 else f"{natural}-{number}" for number in count(1))
        is_own = at == f"{self.graph.root}/{natural}"
        return next(
            folder
            for folder in folders
            if folder not in self.folders.values()
            and (is_own or not any(f"{path}/".startswith(f"{folder}/") for path in self.taken))
        )

    def _edges(self, at: str) -> Iterator[tuple[str, str]]:
        """The names that the package *at* needs from the tarball, and the packages that they are."""
        package = self.graph.packages[at]
        for name, to in sorted({**package.peers, **package.needs}.items()):
            # A peer pulls nothing in, but what is in the bundle anyway has to be found.
            if to is None or to == self.graph.root or to not in self.graph.packages:
                continue
            if name not in self.hosted:
                yield name, to
            elif self.graph.reserved.get(name) != to:
                self._conflict(name, (self.graph.root, self.graph.reserved.get(name)), (at, to))

    def _ships(self, at: str) -> bool:
        return not self.thin or self.graph.packages[at].linked

    def _same(self, name: str, first: str, second: str) -> bool:
        """Whether two packages can be one: two installed copies of the same version may."""
        if self.twins.get(second, second) == first:
            return True
        one, other = self.graph.packages[first], self.graph.packages[second]
        if one.linked or other.linked or second in self.folders or not self._equal(one.manifest, other.manifest):
            return False
        self.twins[second] = first
        message = f"{one.label} is installed twice, in {one.via} and in {other.via}: a flat folder has it once"
        self.warnings.append(Problem("WVENDORTWICE", other.via, message, f"dedupe {name} to test what ships"))
        return True

    def _equal(self, one: Manifest, other: Manifest) -> bool:
        """Whether two installed packages are copies of one; a registry has a version but once."""
        return (one.name, one.version) == (other.name, other.version) if self.thin else one.raw == other.raw

    def _reserved(self, name: str, to: str) -> None:
        """The root's own dependency of that name, though not bundled, must be the same package."""
        own = self.graph.reserved.get(name, to)
        if own == to:
            return
        package = self.graph.packages[to]
        found = self.outside.get(own or "")
        if package.linked or found is None or not self._equal(found, package.manifest):
            self._conflict(name, (self.graph.root, own), (self.askers[name][0], to))

    def _unlinked(self, name: str, at: str) -> None:
        """In the thin layout the registry supplies *at* and all that it needs: no linked package is among that."""
        seen = [at]
        for each in seen:
            package = self.graph.packages[each]
            if package.linked:
                message = (
                    f"{name} comes from the registry in the thin layout, but what it needs here is the linked"
                )
                hint = "pack with --layout vendor, or bundle"
                self.problems.append(Problem("EVENDORLINKED", package.via, f"{message} {package.label}", hint))
                continue
            seen += [to for to in package.needs.values() if to and to != self.graph.root and to not in seen]
        if any(is_local(self._written(asker, name)) for asker in self.askers[name]):
            message = f"{name} was installed from a path, so no registry has it for the thin layout"
            self.problems.append(Problem("EVENDORLOCAL", at, message, "pack with --layout vendor, or publish it"))

    def _conflict(self, name: str, first: tuple[str, str | None], second: tuple[str, str]) -> None:
        ways = []
        for asker, to in (first, second):
            package = self.graph.packages.get(to) if to else None
            who = "the project" if asker == self.graph.root else self.graph.packages[asker].label
            ways.append(f"{who} needs {package.label if package else 'another ' + name}, in {to or 'no place'}")
        message = f"a flat folder has one package called {name}: {', but '.join(ways)}"
        self.problems.append(Problem("EVENDORCONFLICT", second[1], message, _HINT))

    def required(self) -> frozenset[str]:
        """The names that are reached without an optional dependency on the way."""
        names: set[str] = set()
        queue = [self.graph.root]
        for at in queue:
            package = self.graph.packages[at]
            free = {*package.manifest.optional_dependencies, *package.manifest.optional_peers}
            for name, to in self._edges(at):
                if name in self.keys and name not in names and name not in free:
                    names.add(name)
                    queue += [to] if self._ships(to) else []
        return frozenset(names)

    def _written(self, at: str, key: str) -> str:
        return spec_of(self.graph.packages[at], key)

    def spec(self, key: str) -> str:
        """What the root asks for under *key*."""
        at = self.keys[key]
        if at in self.folders:
            return f"file:./{self.folders[at]}"
        asked = [self._asked(asker, key) for asker in dict.fromkeys((self.graph.root, *self.askers[key]))]
        version = exact(self.graph.packages[at].manifest.version) or "*"
        return joined([spec for spec in asked if spec], version)

    def _asked(self, at: str, key: str) -> str:
        """The spec under which a consumer gets what *at* calls *key* from a registry, or whence it came."""
        old = self._written(at, key)
        if is_fetched(old):
            return old
        return self.changed.get((at, key), old)


def is_fetched(spec: str) -> bool:
    """Whether *spec* names a place other than a registry that a consumer can reach: git, GitHub, a URL."""
    return (":" in spec or "/" in spec) and not spec.startswith(_REWRITTEN) and not is_local(spec)


def joined(specs: list[str], version: str) -> str:
    """One spec for all of *specs*; *version*, the copy that is installed, when they cannot be said in one.

    Ranges of one package are joined by a space, which means both (node-semver); a place to fetch from wins.
    """
    texts = list(dict.fromkeys(spec.strip() for spec in specs))
    fetched = [text for text in texts if is_fetched(text)]
    if fetched or len(texts) == 1:
        return (fetched or texts)[0]
    found = [re.fullmatch(_ALIASED, text) for text in texts]
    names = {match[1] if match else "" for match in found}
    ranges = [match[2] if match else text for match, text in zip(found, texts, strict=True)]
    ranges = [text for text in dict.fromkeys(ranges) if text not in {"", "*"}]
    is_plain = all(re.fullmatch(r"[\^~<>=\d.\w+-]+", text) for text in ranges) and len(names) == 1
    both = " ".join(ranges) if is_plain else version
    alias = max(names, default="")
    return f"npm:{alias}@{both or '*'}" if alias else both or "*"
