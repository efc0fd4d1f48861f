"""Laws of placement, on random graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linkpack.bundle.layout_check import check_layout
from linkpack.bundle.placement import place
from linkpack.errors import UnplaceableGraph
from tests.property.strategies import graphs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random
    from typing import TypeVar

    from linkpack.bundle.graph import BundleGraph

    Value = TypeVar("Value")

pytestmark = pytest.mark.property
LAWS = settings(derandomize=True, deadline=None, max_examples=40)


def placed(graph: BundleGraph) -> Mapping[str, str]:
    """The layout of *graph*; graphs that have none are no examples."""
    try:
        return place(graph)
    except UnplaceableGraph:
        assume(condition=False)
        raise


def manifests(slots: Mapping[str, str]) -> list[str]:
    """The path of each slot's package.json."""
    return [f"{slot}/package.json" if slot else "package.json" for slot in slots]


def found_from(slots: Mapping[str, str], slot: str, name: str) -> str | None:
    """The slot that Node finds for *name* from *slot*, by the plainest reading of its rule."""
    at = slot
    while True:
        tried = f"{at}/node_modules/{name}" if at else f"node_modules/{name}"
        if tried in slots:
            return tried
        if not at:
            return None
        at = at.rpartition("node_modules/")[0].rstrip("/")


def shuffled(mapping: Mapping[str, Value], random: Random) -> dict[str, Value]:
    """*mapping* in another order."""
    items = list(mapping.items())
    random.shuffle(items)
    return dict(items)


@LAWS
@given(graphs())
def test_every_edge_holds(graph: BundleGraph) -> None:
    """In every layout each edge of each placed copy finds what it found on disk, and the check agrees."""
    slots = placed(graph)
    for slot, at in slots.items():
        for name, to in graph.packages[at].needs.items():
            found = found_from(slots, slot, name)
            if to == graph.root:
                assert found is None
            elif to is not None:
                assert found is not None
                assert slots[found] == to
    assert check_layout(graph, slots, manifests(slots)).problems == ()


@LAWS
@given(graphs(), st.randoms(use_true_random=False))
def test_order_does_not_matter(graph: BundleGraph, random: Random) -> None:
    """The layout, its order included, is the same whatever the order of the graph's mappings."""
    packages = {
        at: package._replace(needs=shuffled(package.needs, random), peers=shuffled(package.peers, random))
        for at, package in shuffled(graph.packages, random).items()
    }
    other = graph._replace(
        packages=packages, bundled=shuffled(graph.bundled, random), reserved=shuffled(graph.reserved, random)
    )
    layout = placed(graph)
    assert list(place(other).items()) == list(layout.items())


@LAWS
@given(graphs(acyclic=True))
def test_acyclic_graphs_have_a_layout(graph: BundleGraph) -> None:
    """A graph without a ring is placed whole, conflicts and peers or not."""
    assert set(place(graph).values()) == set(graph.packages)


@LAWS
@given(graphs())
def test_no_slot_is_idle(graph: BundleGraph) -> None:
    """Each slot but the root's answers a lookup of some placed copy, its package's own included."""
    slots = placed(graph)
    used = {
        found_from(slots, slot, name)
        for slot, at in slots.items()
        for name in (*graph.packages[at].needs, *graph.packages[at].peers)
    }
    assert used >= slots.keys() - {""}


@LAWS
@given(graphs())
def test_kept_names_are_free(graph: BundleGraph) -> None:
    """At the top, a name that the project keeps for a dependency of its own has that very package or none."""
    slots = placed(graph)
    for name, to in graph.reserved.items():
        assert slots.get(f"node_modules/{name}", to) == to


@LAWS
@given(graphs(), st.data())
def test_the_check_finds_planted_faults(graph: BundleGraph, data: st.DataObject) -> None:
    """A slot that goes, or holds another package, is never what the check calls right."""
    slots = dict(placed(graph))
    assume(len(slots) > 1)
    slot = data.draw(st.sampled_from(sorted(slots)[1:]))
    paths = manifests(slots)
    paths.remove(f"{slot}/package.json")
    assert check_layout(graph, slots, paths).problems
    del slots[slot]
    assert check_layout(graph, slots, [*paths, f"{slot}/package.json"]).problems
