"""Which package sits in which slot: the rules of placement, one graph each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from linkpack.bundle.layout_check import check_layout
from linkpack.bundle.placement import place
from linkpack.errors import UnplaceableGraph
from tests.property.strategies import ROOT, graph_of, package

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.bundle.graph import BundleGraph

Edges = dict[str, dict[str, str | None]]
STORE = re.compile(r"^/store/(.*?)/node_modules/.*")


def real(at: str) -> str:
    """The directory of a short id: `baz@2` is in a store, `./bar` in the root's node_modules, "/src/x" itself."""
    if at in {"", ROOT}:
        return ROOT
    if at.startswith("./"):
        return ROOT + re.sub("(^|/)", r"\1node_modules/", at[2:]).replace("node_modules/", "/node_modules/", 1)
    return at if at.startswith("/") else f"/store/{at}/node_modules/{at[0] + at[1:].partition('@')[0]}"


def full(edges: Mapping[str, str | None]) -> dict[str, str | None]:
    """*edges* with short ids written out."""
    return {name: to if to is None else real(to) for name, to in edges.items()}


def bundle(needs: Edges, peers: Edges | None = None, reserved: dict[str, str | None] | None = None) -> BundleGraph:
    """The graph with the edges *needs*, those of "" being the root's."""
    given = peers or {}
    packages = {
        real(at): package(real(at), full(edges), full(given.get(at, {}))) for at, edges in needs.items() if at
    }
    return graph_of(packages, full(needs[""]), full(reserved or {}))


def slots(graph: BundleGraph) -> dict[str, str]:
    """The layout of *graph*, which the check has to confirm: `bar/baz` for node_modules/bar/node_modules/baz."""
    layout = place(graph)
    assert check_layout(graph, layout, [f"{slot}/package.json".lstrip("/") for slot in layout]).problems == ()
    return {
        re.sub("(^|/)node_modules/", r"\1", slot): STORE.sub(r"\1", at).replace(f"{ROOT}/node_modules/", "./")
        for slot, at in layout.items()
        if slot
    }


def test_the_example_of_npms_document_comes_out_as_drawn() -> None:
    """The example that npm's document on folders draws, read from disk as drawn, comes out as drawn."""
    drawn = {
        "": {"blerg": "./blerg", "bar": "./bar", "baz": "./baz"},
        "./blerg": {},
        "./bar": {"blerg": "./blerg", "baz": "./bar/baz", "asdf": "./bar/asdf"},
        "./baz": {"quux": "./baz/quux"},
        "./bar/baz": {"quux": "./bar/baz/quux"},
        "./bar/asdf": {},
        "./baz/quux": {"bar": "./bar"},
        "./bar/baz/quux": {"bar": "./bar"},
    }
    wanted = ["bar", "bar/asdf", "bar/baz", "bar/baz/quux", "baz", "baz/quux", "blerg"]
    assert sorted(slots(bundle({at: dict(edges) for at, edges in drawn.items()}))) == wanted


# name: edges of each package, slots wanted
PLACED: dict[str, tuple[Edges, dict[str, str]]] = {
    "nothing": ({"": {}}, {}),
    "a linked package keeps its own": (
        {"": {"l": "/src/l"}, "/src/l": {"odd": "/src/l/node_modules/odd"}, "/src/l/node_modules/odd": {}},
        {"l": "/src/l", "l/odd": "/src/l/node_modules/odd"},
    ),
    "a store is hoisted": (
        {"": {"a": "a@1"}, "a@1": {"b": "b@1"}, "b@1": {"@s/c": "@s/c@1"}, "@s/c@1": {}},
        {"a": "a@1", "b": "b@1", "@s/c": "@s/c@1"},
    ),
    "a conflict stays below its user": (
        {"": {"a": "a@1", "b": "b@1"}, "a@1": {"b": "b@2"}, "b@1": {}, "b@2": {}},
        {"a": "a@1", "b": "b@1", "a/b": "b@2"},
    ),
    "an alias is a name of its own": (
        {"": {"a": "a@1", "old": "a@0"}, "a@1": {"old": "a@0"}, "a@0": {}},
        {"a": "a@1", "old": "a@0"},
    ),
    "one package under two names is in two slots": (
        {"": {"a": "a@1", "b": "a@1"}, "a@1": {}},
        {"a": "a@1", "b": "a@1"},
    ),
    "a ring of one version is flat": (
        {"": {"a": "a@1"}, "a@1": {"b": "b@1"}, "b@1": {"a": "a@1"}},
        {"a": "a@1", "b": "b@1"},
    ),
    "a package that needs itself": ({"": {"a": "a@1"}, "a@1": {"a": "a@1"}}, {"a": "a@1"}),
    "an absent optional stays absent": (
        {"": {"a": "a@1", "b": "b@1"}, "a@1": {"x": None}, "b@1": {"x": "x@1"}, "x@1": {}},
        {"a": "a@1", "b": "b@1", "b/x": "x@1"},
    ),
    "an absent optional found too late moves what hides it": (
        {"": {"a": "a@1", "b": "b@1"}, "a@1": {"x": "x@1"}, "b@1": {"c": "c@1"}, "c@1": {"x": None}, "x@1": {}},
        {"a": "a@1", "b": "b@1", "c": "c@1", "a/x": "x@1"},
    ),
    "the project itself is not hidden": (
        {"": {"a": "a@1", "b": "b@1"}, "a@1": {"app": ROOT}, "b@1": {"app": "app@0"}, "app@0": {}},
        {"a": "a@1", "b": "b@1", "b/app": "app@0"},
    ),
    "what is right on disk stays, though it could go up": (
        {"": {"a": "./a"}, "./a": {"b": "./a/b"}, "./a/b": {"c": "./a/b/c"}, "./a/b/c": {}},
        {"a": "./a", "a/b": "./a/node_modules/b", "a/b/c": "./a/node_modules/b/node_modules/c"},
    ),
    "a natural place is kept for its package": (
        {"": {"a": "./a", "b": "./b"}, "./a": {"x": "x@1", "y": "y@1"}, "y@1": {"z": "./z"}, "./b": {"z": "z@2"},
         "x@1": {}, "z@2": {}, "./z": {}},
        {"a": "./a", "b": "./b", "x": "x@1", "y": "y@1", "z": "./z", "b/z": "z@2"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PLACED)
def test_each_graph_is_placed_as_its_name_says(case: str) -> None:
    needs, wanted = PLACED[case]
    assert slots(bundle(needs)) == wanted


def test_diamonds_are_linear() -> None:
    """Twenty levels of diamonds over links, a million paths, give the forty packages once each."""
    edges: Edges = {"": {"a0": "/src/a0", "b0": "/src/b0"}}
    for level in range(20):
        below: dict[str, str | None] = (
            {f"{s}{level + 1}": f"/src/{s}{level + 1}" for s in "ab"} if level < 19 else {}
        )
        edges |= {f"/src/{side}{level}": below for side in "ab"}
    assert len(slots(bundle(edges))) == 40


def test_a_long_chain_of_conflicts_is_nested() -> None:
    """Two names that alternate through 600 versions nest 300 deep, without recursion."""
    edges: Edges = {"": {"a": "a@0"}}
    for number in range(600):
        names = "ab" if number % 2 == 0 else "ba"
        edges[f"{names[0]}@{number}"] = {names[1]: f"{names[1]}@{number + 1}"} if number < 599 else {}
    assert max(slot.count("/") for slot in slots(bundle(edges))) == 299


def test_ring_of_conflicts_is_refused() -> None:
    """Versions that need each other in a ring have no tree, and the error says which."""
    ring: Edges = {
        "": {"a": "a@1"},
        "a@1": {"b": "b@1"},
        "b@1": {"a": "a@2"},
        "a@2": {"b": "b@2"},
        "b@2": {"a": "a@1"},
    }
    with pytest.raises(UnplaceableGraph, match=r"which need each other: b -> a -> b -> a -> b$") as caught:
        place(bundle(ring))
    assert (caught.value.code, caught.value.path) == ("EBUNDLERING", ROOT)
    assert caught.value.hint


def test_a_package_that_hides_the_project_from_itself_is_refused() -> None:
    """A bundled namesake of the project that needs the project can see it nowhere; the ring is named."""
    with pytest.raises(UnplaceableGraph, match=r"need each other: app -> app -> app$"):
        place(bundle({"": {"app": "app@0"}, "app@0": {"app": ROOT}}))


def test_too_many_conflicts_are_refused() -> None:
    """Without a ring, but with more copies than anybody could want: refused in bounded time, and said so."""
    edges: Edges = {"": {"a0": "a0@0"}}
    for level in range(20):
        for version in range(3):
            below = {f"{s}{level + 1}": f"{s}{level + 1}@{(version * 2 + i) % 3}" for i, s in enumerate("abc")}
            edges |= {f"{s}{level}@{version}": dict(below) if level < 19 else {} for s in "abc"}
    with pytest.raises(UnplaceableGraph, match="too many versions conflict") as caught:
        place(bundle(edges))
    assert caught.value.code == "EBUNDLECONFLICT"


def test_a_kept_name_is_free_at_the_top() -> None:
    """A name that the project needs from outside the bundle is no other package's at the top."""
    needs: Edges = {"": {"a": "a@1"}, "a@1": {"x": "x@1"}, "x@1": {}}
    assert slots(bundle(needs, reserved={"x": "x@2"})) == {"a": "a@1", "a/x": "x@1"}
    assert slots(bundle(needs, reserved={"x": None})) == {"a": "a@1", "a/x": "x@1"}
    assert slots(bundle(needs, reserved={"x": "x@1"})) == {"a": "a@1", "x": "x@1"}


def test_peers_stand_beside_their_user() -> None:
    """A peer in the bundle goes beside or above the package that names it, never inside."""
    needs: Edges = {"": {"a": "a@1", "p": "p@2"}, "a@1": {"b": "b@1", "p": "p@1"}, "b@1": {}, "p@1": {}, "p@2": {}}
    found = slots(bundle(needs, peers={"b@1": {"p": "p@1"}}))
    assert found == {"a": "a@1", "p": "p@2", "a/p": "p@1", "a/b": "b@1"}


def test_a_peer_from_the_host_is_not_hidden() -> None:
    """A package whose peer the host supplies stays where no bundled package of that name comes between."""
    needs: Edges = {"": {"a": "a@1"}, "a@1": {"b": "b@1", "p": "p@1"}, "b@1": {}, "p@1": {}}
    found = slots(bundle(needs, peers={"b@1": {"p": "p@2"}}, reserved={"p": "p@2"}))
    assert found == {"a": "a@1", "b": "b@1", "a/p": "p@1"}


def test_a_peer_on_the_project_is_not_hidden() -> None:
    """A plugin whose peer is the project itself does not see a bundled namesake of it."""
    needs: Edges = {"": {"a": "a@1", "b": "b@1"}, "a@1": {"app": "app@0"}, "b@1": {}, "app@0": {}}
    assert slots(bundle(needs, peers={"b@1": {"app": ROOT}})) == {"a": "a@1", "b": "b@1", "a/app": "app@0"}
