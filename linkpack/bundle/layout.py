"""Which package sits in which slot of the tarball.

A slot is `""` for the root or `node_modules/a/node_modules/@s/b`. Placing works outward from the root,
breadth first, names sorted; what is right on disk stays, everything else goes to the outermost level where it
hides nothing (the npm-folders document: "Cycles, Conflicts, and Folder Parsimony").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import UnplaceableGraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.bundle.graph import BundleGraph, Package

    # name -> what it must be wherever the package sees it; None: nothing inside the tarball
    _Edges = Mapping[str, "str | None"]

# A package that lies this often inside itself is a ring that no finite tree holds: each further copy
# would see the same neighbours as the last.
_NESTED = 4
# Placing starts again with one more level ruled out each time an early choice turns out to hide something.
_RESTARTS = 500
# A ring that the first way of placing does not end on may still fit another way: as many are tried.
_WAYS = 64
_OUTERMOST = range(2)  # with the names forwards, then backwards
_INNERMOST = range(2, 4)
# Versions that conflict at every level need copies without end long before this many.
_MOST = 50_000
# Slots placed over all attempts together, plus some a package: an answer comes in seconds (1 for 30,000).
_WORK, _WORK_EACH = 20_000, 100


class Layout(NamedTuple):
    """Slots to package ids, in the order placed; the root's slot `""` comes first."""

    slots: Mapping[str, str]


class _Slot:
    """A placed copy of a package while placing goes on."""

    __slots__ = ("above", "asker", "closed", "held", "id", "path")

    def __init__(self, path: str, at: str, above: _Slot | None, asker: _Slot | None) -> None:
        self.path = path
        self.id = at
        self.above = above
        self.asker = asker  # the slot whose edge put it here
        self.held: dict[str, _Slot] = {}  # this slot's node_modules
        self.closed: set[str] = set()  # names that an answer given below passes through here

    def outward(self) -> Iterator[_Slot]:
        """This slot and those around it, nearest first: where Node looks."""
        at: _Slot | None = self
        while at is not None:
            yield at
            at = at.above


class _Clash(Exception):
    """An earlier choice hides something: *slot* may not be called *name* where it is."""

    def __init__(self, slot: _Slot, name: str) -> None:
        super().__init__(name)
        self.ban = (slot.above.path if slot.above else "", name)


class _Ring(Exception):
    """Placing would go on for ever; *chain* holds ids, each needing the next, the first of a ring again last."""

    def __init__(self, chain: list[str]) -> None:
        super().__init__(chain)
        self.chain = chain


class _Placing:
    """One attempt to place a graph, of which *edges* are the `_edges` by id; `_Clash` or `_Ring` end it."""

    def __init__(
        self, graph: BundleGraph, edges: Mapping[str, _Edges], bans: frozenset[tuple[str, str]], way: int
    ) -> None:
        self.graph = graph
        self.edges = edges
        self.bans = bans
        self.way = way
        self.dice = way
        self.root = _Slot("", graph.root, None, None)
        self.slots = [self.root]

    def place(self) -> Layout:
        for slot in self.slots:  # grows while it is walked: breadth first
            package = self.graph.packages[slot.id]
            for name in self._sorted(package):
                self._answer(slot, name, self.edges[slot.id][name], beside=name in package.peers)
        return Layout({slot.path: slot.id for slot in self.slots})

    def _sorted(self, package: Package) -> list[str]:
        """The names to answer: the absent, then packages without peers, then with, then its own peers.

        Packages with peers come late, where they find the peers that they have on disk.
        """
        edges = self.edges[package.id]

        def rank(name: str) -> int:
            to = edges[name]
            if to is None:
                return 0
            return 3 if name in package.peers else 2 if self._peers(to) else 1

        return sorted(sorted(edges, reverse=self.way % 2 == 1), key=rank)

    def _peers(self, at: str) -> bool:
        package = self.graph.packages[at]
        return any(name in self.edges[at] for name in package.peers)

    def _answer(self, slot: _Slot, name: str, to: str | None, *, beside: bool) -> None:
        """Make Node's lookup of *name* from *slot* give *to*, by a copy already there or a new one."""
        found = _visible(slot, name)
        if found is not None and found.id == to:
            _close(slot, name, found.above)
        elif to is not None:
            self._put(slot, name, to, beside=beside)
        elif found is None:
            _close(slot, name, None)
        elif not self._pinned(found, name):
            raise _Clash(found, name)
        elif self._outside(slot.id, name):
            raise _Ring(self._chain(slot, self.graph.root))
        else:
            _close(slot, name, found.above)

    def _put(self, slot: _Slot, name: str, to: str, *, beside: bool) -> None:
        """Place a copy of *to* where *slot* sees it, nearer than another package of that name."""
        levels = []
        for level in slot.outward():
            if name in level.held:
                break
            if self._free(level, slot, name, to):
                levels.append(level)
        # A peer inside its user makes the consumer's `npm ci` fail: only where nothing else is right.
        outside = [level for level in levels if level is not slot] if beside else levels
        levels = outside or levels
        suited = [level for level in levels if self._misfit(level, to, name) is None]
        if not suited and levels:
            misfit = self._misfit(levels[0], to, name)
            if misfit is not None and not self._pinned(misfit[0], misfit[1]):
                raise _Clash(*misfit)
        homes = [level for level in suited if _home(level.id, name) == to]
        choice = self._chosen(homes[:1] or suited or levels or [slot])
        new = _Slot(_join(choice.path, name), to, choice, slot)
        nested = sum(level.id == to for level in choice.outward())
        if name in choice.held or nested >= _NESTED or len(self.slots) >= _MOST:
            raise _Ring(self._chain(slot, to))
        choice.held[name] = new
        self.slots.append(new)
        _close(slot, name, choice)

    def _chosen(self, levels: list[_Slot]) -> _Slot:
        """The level to use, of *levels* from the innermost to the outermost: the outermost, at first."""
        if self.way in _OUTERMOST:
            return levels[-1]
        if self.way in _INNERMOST:
            return levels[0]
        # Lehmer's generator: any choice will do, and it is the same on every machine.
        self.dice = self.dice * 48271 % 0x7FFFFFFF
        return levels[self.dice % len(levels)]

    def _free(self, level: _Slot, slot: _Slot, name: str, to: str) -> bool:
        """Whether *to* may be called *name* in *level*'s node_modules."""
        if name in level.closed:
            return False
        if level is self.root and self.graph.reserved.get(name, to) != to:
            return False
        if level is slot:
            return True
        home = _home(level.id, name)
        return (
            (level.path, name) not in self.bans
            # the level's own package means something else by the name
            and self.edges[level.id].get(name, to) == to
            # kept for the package that lies there on disk
            and (home == to or home not in self.graph.packages)
        )

    def _misfit(self, level: _Slot, to: str, own: str) -> tuple[_Slot, str] | None:
        """What a copy of *to* in *level* would see wrongly: another peer, or what must be absent."""
        peers = self.graph.packages[to].peers
        for name, wanted in self.edges[to].items():
            if name != own and (wanted is None or name in peers):
                found = _visible(level, name)
                if found is not None and found.id != wanted:
                    return found, name
        return None

    def _pinned(self, slot: _Slot, name: str) -> bool:
        """Whether *slot* is where it is because the package around it needs it there itself."""
        return slot.above is not None and self.edges[slot.above.id].get(name) == slot.id

    def _outside(self, at: str, name: str) -> bool:
        """Whether *name* is the project itself to the package *at*, or what the host installs for it."""
        package = self.graph.packages[at]
        to = package.needs.get(name, package.peers.get(name))
        return to is not None and to in {self.graph.root, self.graph.reserved.get(name)}

    def _chain(self, slot: _Slot, to: str) -> list[str]:
        """The packages from the last copy of *to* that led to *slot*, or from the root, to *to*."""
        chain = [to]
        at: _Slot | None = slot
        while at is not None:
            chain.append(at.id)
            if at.id == to:
                break
            at = at.asker
        return chain[::-1]


def _edges(graph: BundleGraph, package: Package) -> _Edges:
    """What each name must be for *package* inside the tarball; None: nothing there may have the name.

    An edge to the root is answered by the installed package itself, outside. A peer counts when what it is
    on disk is in the bundle, or when the host supplies it from outside.
    """
    edges = {name: None if to == graph.root else to for name, to in package.needs.items()}
    for name, to in package.peers.items():
        if to in graph.packages and to != graph.root:
            edges[name] = to
        elif to == graph.root or name in graph.reserved:
            edges[name] = None
    return edges


def _visible(slot: _Slot, name: str) -> _Slot | None:
    """What Node finds for *name* from *slot*."""
    for level in slot.outward():
        if name in level.held:
            return level.held[name]
    return None


def _close(slot: _Slot, name: str, level: _Slot | None) -> None:
    """Note that *slot*'s answer for *name* came from *level* (None: nothing): no nearer one may appear."""
    for at in slot.outward():
        if at is level:
            return
        at.closed.add(name)


def _home(at: str, name: str) -> str:
    """Where *name* lies on disk when it is directly in the node_modules of the package at *at*."""
    return f"{at.rstrip('/')}/node_modules/{name}"


def _join(slot: str, name: str) -> str:
    return f"{slot}/node_modules/{name}" if slot else f"node_modules/{name}"


def place(graph: BundleGraph) -> Layout:
    """The layout in which every edge of every placed copy finds the package it found on disk.

    A function of the graph alone, whatever the order of its mappings. `UnplaceableGraph` when conflicting
    versions need each other in a ring, naming it; other orders and levels are tried before. A graph without a
    ring is refused (EBUNDLECONFLICT) only when its conflicts need too many copies, `_MOST` or `_WORK`.
    """
    edges = {at: _edges(graph, package) for at, package in graph.packages.items()}
    chains: list[list[str]] = []
    work = _WORK + _WORK_EACH * len(edges)
    for way in range(_WAYS):
        bans: set[tuple[str, str]] = set()
        while len(bans) < _RESTARTS and work > 0:
            attempt = _Placing(graph, edges, frozenset(bans), way)
            try:
                return attempt.place()
            except _Ring as end:
                chains.append(end.chain)
                break
            except _Clash as end:
                bans.add(end.ban)
            finally:
                work -= len(attempt.slots)
    raise _unplaceable(graph, chains)


def _unplaceable(graph: BundleGraph, chains: list[list[str]]) -> UnplaceableGraph:
    """The error that names the first ring of *chains*, or at least where placing ended."""
    ring = next((chain for chain in chains if chain[0] == chain[-1]), None)
    named = " -> ".join(graph.packages[at].label for at in ring or (chains or [[graph.root]])[0])
    why, code = f"no tree without links can hold these packages, which need each other: {named}", ""
    if ring is None:
        why, code = f"too many versions conflict for a tree of these packages, last {named}", "EBUNDLECONFLICT"
    return UnplaceableGraph(why, code=code, path=graph.root, hint="make these versions agree, or bundle less")
