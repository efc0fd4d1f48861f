"""Place the packages of a bundle in the slots of a tarball.

A slot is `""` for the root or `node_modules/a/node_modules/@s/b`. Placing goes outward from the root, breadth
first, names sorted: nothing where the lookup already finds the package; where it is on disk, in the node_modules
of a placed package, it stays; everything else goes to the outermost level where it hides nothing (npm-folders:
"Cycles, Conflicts, and Folder Parsimony").
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from linkpack.errors import UnplaceableGraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.bundle.graph import BundleGraph, Package

    # name -> what it must be wherever the package sees it; None: nothing in the tarball
    _Edges = Mapping[str, "str | None"]

# A package that is this often inside of itself is a ring that no finite tree holds: each further copy
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
# Slots placed over all attempts together, and some more for each package: 30,000 take 1 second.
_WORK, _WORK_EACH = 20_000, 100


class _Slot:
    """A placed copy of a package while placing goes on."""

    __slots__ = ("above", "asker", "closed", "held", "id", "path")

    def __init__(self, path: str, id_: str, above: _Slot | None, asker: _Slot | None) -> None:
        self.path = path
        self.id = id_
        self.above = above
        self.asker = asker  # the slot whose edge put it here
        self.held: dict[str, _Slot] = {}  # this slot's node_modules
        self.closed: set[str] = set()  # names that an answer given below passes through here

    def outward(self) -> Iterator[_Slot]:
        """Yield this slot and those around it, nearest first: where Node looks."""
        slot: _Slot | None = self
        while slot is not None:
            yield slot
            slot = slot.above


class _Clash(Exception):
    """An earlier choice hides something: *slot* is in the way of *name*."""

    def __init__(self, slot: _Slot, name: str) -> None:
        super().__init__(name)
        self.ban = (slot.above.path if slot.above else "", name)


class _Ring(Exception):
    """Placing would go on for ever.

    *chain* holds ids, each needing the next. That of a ring begins and ends with the same one.
    """

    def __init__(self, chain: list[str]) -> None:
        super().__init__(chain)
        self.chain = chain


class _Placing:
    """One attempt to place a graph, which `_Clash` or `_Ring` may end.

    *edges* are the `_list_edges` of each package, *bans* the slots and names that earlier attempts ruled out.
    *way* is the number of the attempt's order.
    """

    def __init__(
        self, graph: BundleGraph, edges: Mapping[str, _Edges], bans: frozenset[tuple[str, str]], way: int
    ) -> None:
        self.graph = graph
        self.edges = edges
        self.bans = bans
        self.way = way
        self.dice = way  # see `_choose_level`
        self.root = _Slot("", graph.root, None, None)
        self.slots = [self.root]

    def place(self) -> dict[str, str]:
        waiting = deque(self.slots)
        while waiting:
            slot = waiting.popleft()
            placed = len(self.slots)
            package = self.graph.packages[slot.id]
            for name in self._sort_names(package):
                self._answer(slot, name, self.edges[slot.id][name], beside=name in package.peers)
            waiting.extend(self.slots[placed:])
        return {slot.path: slot.id for slot in self.slots}

    def _sort_names(self, package: Package) -> list[str]:
        """Sort the names of a package into the order in which they are answered.

        What must be absent comes first, then packages without peers, those with peers, which then find the peers
        that they have on disk, and the package's own peers last.
        """
        edges = self.edges[package.id]

        def rank(name: str) -> int:
            to = edges[name]
            if to is None:
                return 0
            return 3 if name in package.peers else 2 if self._has_peers(to) else 1

        return sorted(sorted(edges, reverse=self.way % 2 == 1), key=rank)

    def _has_peers(self, id_: str) -> bool:
        return any(name in self.edges[id_] for name in self.graph.packages[id_].peers)

    def _answer(self, slot: _Slot, name: str, to: str | None, *, beside: bool) -> None:
        """Have Node find *to* as *name* from *slot*, by a new copy if need be.

        A copy of a peer (*beside*) goes outside of its user where it can.
        """
        visible = _find_visible(slot, name)
        if visible is not None and visible.id == to:
            _close_levels(slot, name, visible.above)
        elif to is not None:
            self._put_copy(slot, name, to, beside=beside)
        elif visible is None:
            _close_levels(slot, name, None)
        elif not self._is_pinned(visible, name):
            raise _Clash(visible, name)
        elif self._is_outside(slot.id, name):
            raise _Ring(self._list_chain(slot, self.graph.root))
        else:
            _close_levels(slot, name, visible.above)

    def _put_copy(self, slot: _Slot, name: str, to: str, *, beside: bool) -> None:
        """Place a copy of *to* where *slot* sees it before others of that name."""
        levels = []
        for level in slot.outward():
            if name in level.held:
                break
            if self._is_free(level, slot, name, to):
                levels.append(level)
        # A peer inside its user makes the consumer's `npm ci` fail: only where nothing else is right.
        outside = [level for level in levels if level is not slot] if beside else levels
        levels = outside or levels
        suited = [level for level in levels if self._find_misfit(level, to, name) is None]
        if not suited and levels:
            misfit = self._find_misfit(levels[0], to, name)
            if misfit is not None and not self._is_pinned(misfit[0], misfit[1]):
                raise _Clash(*misfit)
        # What is right on disk stays: the level that is the package which holds it there.
        homes = [level for level in suited if _path_on_disk(level.id, name) == to]
        choice = self._choose_level(homes[:1] or suited or levels or [slot])
        new = _Slot(_join_slot(choice.path, name), to, choice, slot)
        nested = sum(level.id == to for level in choice.outward())
        if name in choice.held or nested >= _NESTED or len(self.slots) >= _MOST:
            raise _Ring(self._list_chain(slot, to))
        choice.held[name] = new
        self.slots.append(new)
        _close_levels(slot, name, choice)

    def _choose_level(self, levels: list[_Slot]) -> _Slot:
        """Choose one of *levels*, which go outward: at first the outermost."""
        if self.way in _OUTERMOST:
            return levels[-1]
        if self.way in _INNERMOST:
            return levels[0]
        # A Lehmer generator, not `random`: the choice has to be the same on every machine and Python.
        self.dice = self.dice * 48271 % 0x7FFFFFFF
        return levels[self.dice % len(levels)]

    def _is_free(self, level: _Slot, slot: _Slot, name: str, to: str) -> bool:
        """Return True if *to* may have *name* in the node_modules of *level*."""
        if name in level.closed:
            return False
        if level is self.root and self.graph.reserved.get(name, to) != to:
            return False
        if level is slot:
            return True
        home = _path_on_disk(level.id, name)
        return (
            (level.path, name) not in self.bans
            # The level's own package may mean something else by the name.
            and self.edges[level.id].get(name, to) == to
            # The place is kept for a package of the bundle that is there on disk.
            and (home == to or home not in self.graph.packages)
        )

    def _find_misfit(self, level: _Slot, to: str, own: str) -> tuple[_Slot, str] | None:
        """Return what a copy of *to* in *level* would see wrongly, if anything.

        That is another package than its peer on disk, or one where there must be none; *own* is the copy's name.
        """
        peers = self.graph.packages[to].peers
        for name, wanted in self.edges[to].items():
            if name != own and (wanted is None or name in peers):
                visible = _find_visible(level, name)
                if visible is not None and visible.id != wanted:
                    return visible, name
        return None

    def _is_pinned(self, slot: _Slot, name: str) -> bool:
        """Return True if the package around *slot* needs it there itself."""
        return slot.above is not None and self.edges[slot.above.id].get(name) == slot.id

    def _is_outside(self, id_: str, name: str) -> bool:
        """Return True if *name* means the project itself, or what the host installs."""
        package = self.graph.packages[id_]
        to = package.needs.get(name, package.peers.get(name))
        return to is not None and to in {self.graph.root, self.graph.reserved.get(name)}

    def _list_chain(self, slot: _Slot, to: str) -> list[str]:
        """List the packages from the last *to*, or the root, to *slot* and *to*."""
        chain = [to]
        asker: _Slot | None = slot
        while asker is not None:
            chain.append(asker.id)
            if asker.id == to:
                break
            asker = asker.asker
        return chain[::-1]


def _list_edges(graph: BundleGraph, package: Package) -> _Edges:
    """Map the names that *package* looks up to what they must be.

    None means that nothing in the tarball may have the name. An edge to the root is answered by the installed
    package itself, outside. A peer is an edge where its package on disk is in the bundle, or where the host
    supplies it.
    """
    edges = {name: None if to == graph.root else to for name, to in package.needs.items()}
    for name, to in package.peers.items():
        if to in graph.packages and to != graph.root:
            edges[name] = to
        elif to == graph.root or name in graph.reserved:
            edges[name] = None
    return edges


def _find_visible(slot: _Slot, name: str) -> _Slot | None:
    """Return what Node finds for *name* from *slot* so far."""
    for level in slot.outward():
        if name in level.held:
            return level.held[name]
    return None


def _close_levels(slot: _Slot, name: str, level: _Slot | None) -> None:
    """Keep *name* out of the levels from *slot* to its answer in *level*.

    None is beyond the outermost: there is no answer in the tarball.
    """
    for nearer in slot.outward():
        if nearer is level:
            return
        nearer.closed.add(name)


def _path_on_disk(id_: str, name: str) -> str:
    """Return the path on disk of *name* in a package's own node_modules."""
    return f"{id_.rstrip('/')}/node_modules/{name}"


def _join_slot(slot: str, name: str) -> str:
    return f"{slot}/node_modules/{name}" if slot else f"node_modules/{name}"


def place(graph: BundleGraph) -> Mapping[str, str]:
    """Place *graph* so that every copy finds what it found on disk.

    Returns slots to package ids, in the order placed, the root's slot `""` first: a function of the graph alone,
    whatever the order of its mappings.

    Raises `UnplaceableGraph`: EBUNDLERING when conflicting versions need each other in a ring, which it names,
    after other orders and levels were tried; EBUNDLECONFLICT when conflicts need too many copies (`_MOST`,
    `_WORK`).
    """
    # Every attempt asks for the edges of each slot again.
    edges = {id_: _list_edges(graph, package) for id_, package in graph.packages.items()}
    chains: list[list[str]] = []
    work = _WORK + _WORK_EACH * len(edges)
    for way in range(_WAYS):
        bans: set[tuple[str, str]] = set()
        while len(bans) < _RESTARTS and work > 0:
            attempt = _Placing(graph, edges, frozenset(bans), way)
            try:
                return attempt.place()
            except _Ring as end:
                chains.append(end.chain)  # on with the next way
                break
            except _Clash as end:
                bans.add(end.ban)  # the same way again, without this choice
            finally:
                work -= len(attempt.slots)
    raise _unplaceable_error(graph, chains)


def _unplaceable_error(graph: BundleGraph, chains: list[list[str]]) -> UnplaceableGraph:
    """Return the error that names a ring of *chains*, or where placing ended."""
    ring = next((chain for chain in chains if chain[0] == chain[-1]), None)
    named = " -> ".join(graph.packages[id_].label for id_ in ring or (chains or [[graph.root]])[0])
    why, code = f"no tree without links can hold these packages, which need each other: {named}", ""
    if ring is None:
        why, code = f"too many versions conflict for a tree of these packages, last {named}", "EBUNDLECONFLICT"
    return UnplaceableGraph(why, code=code, path=graph.root, hint="make these versions agree, or bundle less")
