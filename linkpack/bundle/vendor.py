"""Plan the flat folder `vendor/`, and the root's spec for each name.

A flat folder has one package for each name. A graph with two versions of one name does not fit, and the problem
names both. The root declares every name, and the packages beside each other are peers (`bundle.vendor_manifests`).
Measured with npm 11.19.1, npm 12.2.0, pnpm 12.21.0, yarn 4.18.1 and bun 1.4.5: `file:./vendor/x` in a published
package installs, runs, installs again and passes `npm ls` and `npm ci` with such manifests.
"""

from __future__ import annotations

import re
from collections import deque
from itertools import count
from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.npm.protocols import is_local
from linkpack.npm.ranges import is_subset
from linkpack.npm.specs import allows, make_exact
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from linkpack.bundle.consumer_specs import SpecChange
    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.npm.manifest import Manifest

FOLDER = "vendor"

_REWRITTEN = ("npm:", "workspace:", "catalog:", "jsr:")
_HINT = "make the versions agree, or pack with --layout bundle"
_ALIASED = r"(?s)npm:((?:@[^/@]+/)?[^/@]+)@(.*)"


class Flat(Record):
    """The plan of a flat folder.

    *folders* maps package ids to their folders (`vendor/lib`). *keys* maps each name that the root declares to the
    id of its package on disk, and *specs* maps it to the root's spec (`file:./vendor/lib`, or a range in the thin
    layout). *optional* are the names that nothing requires. *twins* maps further installed copies of one package
    to the first.
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
    fetched: Mapping[str, str] = {},
    *,
    thin: bool,
) -> Flat:
    """Plan the flat folder for *graph*.

    With *thin* it holds linked packages only, and the root asks a registry for the others. *changes* are those
    that a consumer needs (`consumer.read_consumer`), *outside* the manifests of what the root needs and does not
    bundle, by real directory. *own* are the root's own files that ship: a package takes another folder
    (`vendor/lib-2`) where the root has one of that name, which is not the package itself. *fetched* are the specs
    by which the root asks for packages that no selector takes (`fetched.plan_supply`). Names that only the root's
    peerDependencies declare stay with the host.

    Problems: EVENDORCONFLICT (two packages of one name), EVENDORLINKED (thin: an installed package needs a linked
    one), EVENDORLOCAL (thin: a package that was installed from a path).
    """
    flat = _Flattening(graph, changes, outside, thin=thin)
    flat.taken = {path for path in own if path.startswith(f"{FOLDER}/")}
    flat.fetched = fetched
    flat.run()
    return Flat(
        folders=flat.folders,
        keys=flat.keys,
        specs={key: flat.spec(key) for key in flat.keys},
        optional=frozenset(flat.keys) - flat.required(),
        twins=flat.twins,
        problems=tuple(dict.fromkeys(flat.problems)),
        warnings=tuple(dict.fromkeys(flat.warnings)),
    )


def find_hosted_names(graph: BundleGraph) -> frozenset[str]:
    """Return the root's peers that are no dependencies of it."""
    # The host supplies these.
    manifest = graph.packages[graph.root].manifest
    own = {*manifest.dependencies, *manifest.optional_dependencies, *graph.bundled}
    return frozenset(manifest.peer_dependencies) - own


def find_spec(package: Package, key: str) -> str:
    """Return the spec of *package* for *key*, as written."""
    # The optional field comes first, as for npm, and peers last.
    manifest = package.manifest
    fields = (manifest.optional_dependencies, manifest.dependencies, manifest.peer_dependencies)
    return next((specs[key] for specs in fields if key in specs), "")


class _Flattening:
    """One planning of a flat folder, with what was decided so far.

    *askers* are the packages that ask for each name, *taken* the root's own paths in the folder.
    """

    def __init__(
        self, graph: BundleGraph, changes: tuple[SpecChange, ...], outside: Mapping[str, Manifest], *, thin: bool
    ) -> None:
        self.graph = graph
        self.outside = outside
        self.thin = thin
        self.hosted = find_hosted_names(graph)
        # Of several fields the last in this order decides: the optional one as for npm, peers least of all.
        order = sorted(changes, key=lambda change: (change.section != "peerDependencies", change.section))
        self.changed = {
            (change.package, change.key): change.new for change in order if change.section != "devDependencies"
        }
        self.keys: dict[str, str] = {}
        self.askers: dict[str, list[str]] = {}
        self.folders: dict[str, str] = {}
        self.twins: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.taken: Collection[str] = ()
        self.fetched: Mapping[str, str] = {}

    def run(self) -> None:
        """Claim a name for every edge, from the root outward."""
        waiting = deque([self.graph.root])
        while waiting:
            asker = waiting.popleft()
            for name, to in self._edges(asker):
                self.askers.setdefault(name, []).append(asker)
                # The package that asks first decides: the root, then those nearer to it before those further away.
                if name not in self.keys:
                    self.keys[name] = self.twins.get(to, to)
                    self._check_reserved(name, to)
                if not self._is_same(name, self.keys[name], to):
                    self._conflict(name, (self.askers[name][0], self.keys[name]), (asker, to))
                elif to not in self.folders and to not in self.twins and self._ships(to):
                    self.folders[to] = self._free_folder(name, to)
                    waiting.append(to)
        if self.thin:
            for name, id_ in self.keys.items():
                if id_ not in self.folders and id_ not in self.graph.outside:
                    self._check_registry(name, id_)

    def _free_folder(self, name: str, id_: str) -> str:
        """Return a folder for a package that neither the root nor another one has."""
        natural = f"{FOLDER}/{name}"
        folders = (natural if number == 1 else f"{natural}-{number}" for number in count(1))
        # A project may link a folder of its own: what is in vendor/lib then is the package itself.
        is_own = id_ == f"{self.graph.root}/{natural}"
        return next(
            folder
            for folder in folders
            if folder not in self.folders.values()
            and (is_own or not any(f"{path}/".startswith(f"{folder}/") for path in self.taken))
        )

    def _edges(self, id_: str) -> Iterator[tuple[str, str]]:
        """Yield the names that a package needs from the tarball, with their ids."""
        package = self.graph.packages[id_]
        for name, to in sorted({**package.peers, **package.needs}.items()):
            # A peer pulls nothing in, but has to be found if it is in the bundle anyway.
            if to is None or to == self.graph.root or to not in self.graph.packages:
                continue
            if (
                name in package.peers and to in self.graph.outside
            ):  # the consumer's, as any peer outside the bundle
                continue
            if name not in self.hosted:
                yield name, to
            elif self.graph.reserved.get(name) != to:
                self._conflict(name, (self.graph.root, self.graph.reserved.get(name)), (id_, to))

    def _ships(self, id_: str) -> bool:
        if id_ in self.graph.outside:
            return False
        return not self.thin or self.graph.packages[id_].linked

    def _is_same(self, name: str, first: str, second: str) -> bool:
        """Return True if two packages can be one.

        They can if they are installed copies of one version.
        """
        if self.twins.get(second, second) == first:
            return True
        one, other = self.graph.packages[first], self.graph.packages[second]
        if one.linked or other.linked or second in self.folders or not self._is_copy(one.manifest, other.manifest):
            return False
        self.twins[second] = first
        message = f"{one.label} is installed twice, in {one.via} and in {other.via}: a flat folder has it once"
        self.warnings.append(Problem("WVENDORTWICE", other.via, message, f"dedupe {name} to test what ships"))
        return True

    def _is_copy(self, one: Manifest, other: Manifest) -> bool:
        """Return True if two installed packages are copies of one.

        In the thin layout name and version tell: a registry has each version once.
        """
        return (one.name, one.version) == (other.name, other.version) if self.thin else one.raw == other.raw

    def _check_reserved(self, name: str, to: str) -> None:
        """Note a conflict with a dependency of the root that is not bundled."""
        own = self.graph.reserved.get(name, to)
        if own == to:
            return
        package = self.graph.packages[to]
        manifest = self.outside.get(own or "")
        if package.linked or manifest is None or not self._is_copy(manifest, package.manifest):
            self._conflict(name, (self.graph.root, own), (self.askers[name][0], to))

    def _check_registry(self, name: str, id_: str) -> None:
        """Note the reasons why no registry can supply a package.

        In the thin layout the registry has to supply the package and all that it needs, so none of these may be
        linked or installed from a path.
        """
        seen = {id_}
        waiting = deque(seen)
        while waiting:
            package = self.graph.packages[waiting.popleft()]
            if package.linked:
                message = (
                    f"{name} comes from the registry in the thin layout, but what it needs here is the linked"
                )
                hint = "pack with --layout vendor, or bundle"
                self.problems.append(Problem("EVENDORLINKED", package.via, f"{message} {package.label}", hint))
                continue
            needed = [to for to in package.needs.values() if to and to != self.graph.root and to not in seen]
            seen.update(needed)
            waiting.extend(dict.fromkeys(needed))
        if any(is_local(find_spec(self.graph.packages[asker], name)) for asker in self.askers[name]):
            message = f"{name} was installed from a path, so no registry has it for the thin layout"
            self.problems.append(Problem("EVENDORLOCAL", id_, message, "pack with --layout vendor, or publish it"))

    def _conflict(self, name: str, first: tuple[str, str | None], second: tuple[str, str]) -> None:
        """Note that two packages need different ones of one name.

        *first* and *second* are pairs of ids: the package that asks, and the package that it needs.
        """
        ways = []
        for asker, to in (first, second):
            package = self.graph.packages.get(to) if to else None
            who = "the project" if asker == self.graph.root else self.graph.packages[asker].label
            ways.append(f"{who} needs {package.label if package else 'another ' + name}, in {to or 'no place'}")
        message = f"a flat folder has one package called {name}: {', but '.join(ways)}"
        self.problems.append(Problem("EVENDORCONFLICT", second[1], message, _HINT))

    def required(self) -> frozenset[str]:
        """Return the names that are reached without an optional dependency."""
        names: set[str] = set()
        waiting = deque([self.graph.root])
        while waiting:
            id_ = waiting.popleft()
            package = self.graph.packages[id_]
            free = {*package.manifest.optional_dependencies, *package.manifest.optional_peers}
            for name, to in self._edges(id_):
                if name in self.keys and name not in names and name not in free:
                    names.add(name)
                    if self._ships(to):
                        waiting.append(to)
        return frozenset(names)

    def spec(self, key: str) -> str:
        """Return the root's spec for *key*."""
        id_ = self.keys[key]
        if id_ in self.folders:
            return f"file:./{self.folders[id_]}"
        if key in self.fetched:
            return self.fetched[key]
        asked = [self._asked(asker, key) for asker in dict.fromkeys((self.graph.root, *self.askers[key]))]
        version = make_exact(self.graph.packages[id_].manifest.version) or "*"
        joined = join_specs([spec for spec in asked if spec], version)
        if not version or is_fetched(joined) or allows(joined, version):
            return joined
        # A range of the root's that what is installed does not satisfy, or a tag: the version is what was tried.
        alias = re.fullmatch(_ALIASED, joined)
        return f"npm:{alias[1]}@{version}" if alias else version

    def _asked(self, asker: str, key: str) -> str:
        """Return the spec for *key* of *asker*, as a consumer needs it."""
        written = find_spec(self.graph.packages[asker], key)
        return written if is_fetched(written) else self.changed.get((asker, key), written)


def is_fetched(spec: str) -> bool:
    """Return True if *spec* names a place to fetch from that is no registry.

    >>> [is_fetched(spec) for spec in ("user/repo", "https://x.org/a.tgz", "^1.0.0", "npm:a@1", "file:../a")]
    [True, True, False, False, False]
    """
    return (":" in spec or "/" in spec) and not spec.startswith(_REWRITTEN) and not is_local(spec)


def join_specs(specs: list[str], version: str) -> str:
    """Return one spec for all of *specs*.

    A range that contains another one says nothing more. The others, of one package, are joined by a space, which
    means both (node-semver). A place to fetch from wins. When they cannot be joined it is *version*, that of the
    copy which is installed.

    >>> join_specs(["^1.2.0", "~1.4.0"], "1.4.2"), join_specs([">=1.2.0", "<3"], "1.4.2")
    ('~1.4.0', '>=1.2.0 <3')
    >>> join_specs(["^1.2.0", "1 || 2"], "1.4.2"), join_specs(["1.2 || 3", "1.1 || 3"], "3.0.0")
    ('^1.2.0', '3.0.0')
    >>> join_specs(["npm:lib@^1", "npm:lib@*"], "1.4.2")
    'npm:lib@^1'
    """
    texts = list(dict.fromkeys(spec.strip() for spec in specs))
    fetched = [text for text in texts if is_fetched(text)]
    if fetched or len(texts) == 1:
        return (fetched or texts)[0]
    aliases = [re.fullmatch(_ALIASED, text) for text in texts]
    names = {match[1] if match else "" for match in aliases}
    ranges = [match[2] if match else text for match, text in zip(aliases, texts, strict=True)]
    ranges = _list_narrowest([text for text in dict.fromkeys(ranges) if text not in {"", "*"}])
    if len(ranges) == 1 and len(names) == 1 and not "".join(names):
        return ranges[0]
    is_plain = all(re.fullmatch(r"[\^~<>=\d.\w+-]+", text) for text in ranges) and len(names) == 1
    both = " ".join(ranges) if is_plain else version
    alias = max(names, default="")
    return f"npm:{alias}@{both or '*'}" if alias else both or "*"


def _list_narrowest(ranges: list[str]) -> list[str]:
    """List those of *ranges* that do not contain another one.

    Of two that contain each other the first stays.
    """
    kept: list[str] = []
    for text in ranges:
        if not any(is_subset(other, text) for other in kept):
            kept = [other for other in kept if not is_subset(text, other)] + [text]
    return kept
