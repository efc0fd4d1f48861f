"""Generated input that several property tests share: bundle graphs as `read_bundle` could find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from linkpack.bundle.graph import BundleGraph, Package, is_linked
from linkpack.npm.manifest import parse_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import DrawFn

ROOT = "/src/app"
NAMES = ("a", "b", "c", "@s/d", "app")  # the last is the project's own name


def package(
    at: str, needs: Mapping[str, str | None] | None = None, peers: Mapping[str, str | None] | None = None
) -> Package:
    """The package in the real directory *at*, called as its folder is, with its edges."""
    manifest = parse_manifest(b'{"name": "%b"}' % at.rpartition("/")[2].encode(), at, "installed")
    return Package(at, manifest, needs or {}, peers or {}, is_linked(at), at)


def graph_of(
    packages: Mapping[str, Package],
    bundled: Mapping[str, str | None],
    reserved: Mapping[str, str | None] | None = None,
) -> BundleGraph:
    """The graph of what is reached from the *bundled* names over the edges of *packages*, breadth first."""
    found = {ROOT: package(ROOT, bundled)}
    queue = list(bundled.values())
    for at in queue:
        if at is not None and at not in found:
            found[at] = packages[at]
            queue += found[at].needs.values()
    present = {name: at for name, at in bundled.items() if at is not None}
    return BundleGraph(ROOT, found, present, reserved or {})


@st.composite
def places(draw: DrawFn) -> dict[str, str]:
    """Real directories to names: sources, stores, hoisted and nested folders."""
    found: dict[str, str] = {}
    for number in range(draw(st.integers(1, 9))):
        name = draw(st.sampled_from(NAMES))
        above = draw(st.sampled_from([ROOT, *found]))
        at = draw(
            st.sampled_from(
                (
                    f"/src/{number}/{name}",
                    f"{ROOT}/node_modules/.store/{number}/node_modules/{name}",
                    f"{ROOT}/node_modules/{name}",
                    f"{above}/node_modules/{name}",
                )
            )
        )
        found.setdefault(at, name)
    return found


@st.composite
def graphs(draw: DrawFn, *, acyclic: bool = False) -> BundleGraph:
    """A bundle with conflicts, absent optionals, peers, needs of the project itself, and names that it keeps.

    An *acyclic* one has none of the last two: the project is in no ring.
    """
    found = draw(places())
    order = list(found)
    packages = {}
    for index, at in enumerate(order):
        targets = order[index + 1 :] if acyclic else [other for other in order if other != at]
        packages[at] = draw(_package(at, {other: found[other] for other in targets}, own=not acyclic))
    bundled = draw(_edges(found, (None,), least=1))
    kept = {} if acyclic else draw(_edges(found, (None,)))
    return graph_of(packages, bundled, {name: to for name, to in kept.items() if name not in bundled})


@st.composite
def _edges(
    draw: DrawFn, targets: Mapping[str, str], others: tuple[str | None, ...], least: int = 0
) -> dict[str, str | None]:
    """Names to one of the *targets* so called, or now and then to one of *others*."""
    names = sorted(set(targets.values()))
    if not names:
        return {}
    chosen = draw(st.lists(st.sampled_from(names), unique=True, min_size=least, max_size=3))
    return {
        name: draw(st.sampled_from([*[at for at in targets if targets[at] == name] * 3, *others]))
        for name in chosen
    }


@st.composite
def _package(draw: DrawFn, at: str, targets: Mapping[str, str], *, own: bool) -> Package:
    needs = draw(_edges(targets, (None,)))
    if own and draw(st.integers(0, 9)) == 0:
        needs["app"] = ROOT
    peers = draw(_edges(targets, (None,)))
    return package(at, needs, {name: to for name, to in peers.items() if name not in needs})
