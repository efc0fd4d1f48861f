"""Place the packages of a bundle in the slots of a tarball.

A slot is `""` for the root or `node_modules/a/node_modules/@s/b`. The names that packages need are answered
outward from the root, breadth first and sorted. The first rule that applies decides:

1. If Node's lookup finds the package already, nothing is placed.
2. If the package is on disk in the node_modules of a placed package, it stays there.
3. It goes to the outermost level where it hides nothing (npm-folders: "Cycles, Conflicts, and Folder Parsimony").
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

# A package this often inside of itself is part of a ring that no finite tree holds: each further copy would see
# the same neighbours as the last.
_NESTED = 4
# Placing starts again, with one more level ruled out, each time an early choice turns out to hide something.
_RESTARTS = 500
# A graph that ends in a ring one way may be placed another way, so this many are tried.
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
        self.closed: set[str] = set()  # names that may not be put here, as an answer is looked up through here

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

    *chain* holds ids, each needing the next. The chain of a ring begins and ends with the same id.
    """

    def __init__(self, chain: list[str]) -> None:
        super().__init__(chain)
        self.chain = chain


class _Placing:
    """One attempt to place a graph, which `_Clash` or `_Ring` may end.

    *edges* are the `_list_edges` of each package. *bans* are the slots and names that earlier attempts ruled out.
    *way* numbers the orders in which names are answered and levels chosen.
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
        """Answer every name of every placed package, breadth first."""
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
        """Sort the names of a package into the order of answering.

        Names that must be absent come first, then packages without peers, then those with peers, and the package's
        own peers last.
        """
        # So a package with peers finds them in place, where it can be put beside them.
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

        With *beside* the copy is a peer's, and goes outside of its user if it can.
        """
        visible = _find_visible(slot, name)
        if visible is not None and visible.id == to:
            _close_levels(slot, name, visible.above)
        elif to is not None:
            self._put_copy(slot, name, to, beside=beside)
        elif visible is None:
            _close_levels(slot, name, None)
        # The name must be absent. A copy that another package put there may go elsewhere in the next attempt.
        elif not self._is_pinned(visible, name):
            raise _Clash(visible, name)
        elif self._is_outside(slot.id, name):
            raise _Ring(self._list_chain(slot, self.graph.root))
        else:
            # An absent optional name is exposed: `layout_check` warns of it (WOPTIONAL).
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
        # Levels where the copy itself sees the right peers, and nothing that must be absent.
        suited = [level for level in levels if self._find_misfit(level, to, name) is None]
        if not suited and levels:
            misfit = self._find_misfit(levels[0], to, name)
            if misfit is not None and not self._is_pinned(misfit[0], misfit[1]):
                raise _Clash(*misfit)
        # Rule 2: a level whose package holds the copy on disk keeps it.
        homes = [level for level in suited if _join_disk_path(level.id, name) == to]
        choice = self._choose_level(homes[:1] or suited or levels or [slot])
        new = _Slot(_join_slot(choice.path, name), to, choice, slot)
        nested = sum(level.id == to for level in choice.outward())
        if name in choice.held or nested >= _NESTED or len(self.slots) >= _MOST:
            raise _Ring(self._list_chain(slot, to))
        choice.held[name] = new
        self.slots.append(new)
        _close_levels(slot, name, choice)

    def _choose_level(self, levels: list[_Slot]) -> _Slot:
        """Choose one of *levels*, which go outward."""
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
        # The top name of what the project needs from outside belongs to that package alone.
        if level is self.root and self.graph.reserved.get(name, to) != to:
            return False
        if level is slot:
            return True
        home = _join_disk_path(level.id, name)
        return (
            (level.path, name) not in self.bans
            # The level's own package may mean something else by the name.
            and self.edges[level.id].get(name, to) == to
            # The place is kept for a package of the bundle that is there on disk.
            and (home == to or home not in self.graph.packages)
        )

    def _find_misfit(self, level: _Slot, to: str, own: str) -> tuple[_Slot, str] | None:
        """Return what a copy of *to* in *level* would see wrongly, if anything.

        It would see another package than its peer on disk, or one where there must be none. *own* is the name of
        the copy itself.
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
        """Return True if *name* leads to the project, or to the host's package."""
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

    None means that nothing in the tarball may have the name. A peer is an edge if its package on disk is in the
    bundle, or if the host supplies it.
    """
    # The installed package itself, outside of the tarball, answers edges to the root.
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

    With the level None the answer is outside of the tarball, and all levels are closed.
    """
    for nearer in slot.outward():
        if nearer is level:
            return
        nearer.closed.add(name)


def _join_disk_path(id_: str, name: str) -> str:
    """Return the path on disk of *name* in a package's own node_modules."""
    return f"{id_.rstrip('/')}/node_modules/{name}"


def _join_slot(slot: str, name: str) -> str:
    return f"{slot}/node_modules/{name}" if slot else f"node_modules/{name}"


def place(graph: BundleGraph) -> Mapping[str, str]:
    """Place *graph* so that every copy finds what it found on disk.

    Returns slots to package ids, in the order placed, the root's slot `""` first. The result depends on the graph
    alone, not on the order of its mappings.

    Raises `UnplaceableGraph`: EBUNDLERING names a ring of conflicting versions that need each other, after other
    orders and levels were tried. EBUNDLECONFLICT says that conflicts need too many copies (`_MOST`, `_WORK`).
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
    raise _make_error(graph, chains)


def _make_error(graph: BundleGraph, chains: list[list[str]]) -> UnplaceableGraph:
    """Return the error that names a ring of *chains*, or where placing ended."""
    ring = next((chain for chain in chains if chain[0] == chain[-1]), None)
    named = " -> ".join(graph.packages[id_].label for id_ in ring or (chains or [[graph.root]])[0])
    # Without a code it is EBUNDLERING, that of the class.
    why, code = f"no tree without links can hold these packages, which need each other: {named}", ""
    if ring is None:
        why, code = f"too many versions conflict for a tree of these packages, last {named}", "EBUNDLECONFLICT"
    return UnplaceableGraph(why, code=code, path=graph.root, hint="make these versions agree, or bundle less")
