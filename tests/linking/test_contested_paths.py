"""Paths that several links claim."""

from __future__ import annotations

from itertools import permutations

import pytest

from linkpack.linking.contested_paths import find_displacer, inherit
from linkpack.linking.states import ABSENT, Change, Link, RecordedLink, State

PATH = "node_modules/.bin/tool"
BASES: dict[str, State] = {"nothing": ABSENT, "a link of its own": Link("x"), "what one of them puts": Link("b")}


def linked(name: str, before: State) -> RecordedLink:
    """The link *name*, whose command displaced *before*."""
    owned = (Change("elsewhere", ABSENT, Link("c")), Change(PATH, before, Link(name)))
    return RecordedLink(name, "1.0.0", f"/{name}", f"node_modules/{name}", name, bin_links=True, owned=owned)


@pytest.mark.parametrize("order", list(permutations("abc")), ids="".join)
@pytest.mark.parametrize("base", list(BASES.values()), ids=list(BASES))
def test_links_over_one_path_can_be_removed_in_any_order(order: tuple[str, ...], base: State) -> None:
    """The next link above inherits what the removed one displaced, and the last one restores it."""
    for goes in permutations(order):
        left = list(order)
        links = {
            name: linked(name, Link(below) if below else base)
            for below, name in zip(("", *order), order, strict=False)
        }
        now: State = Link(order[-1])
        for name in goes:
            change = links.pop(name).owned[1]
            above = find_displacer(change, links, now)
            at = left.index(name)
            assert above == (left[at + 1] if at + 1 < len(left) else None)
            if above is None:
                now = change.before
            else:
                links[above] = inherit(links[above], change)
            left.remove(name)
        assert now == base


def test_a_foreign_file_at_the_path_does_not_hide_the_displacer() -> None:
    """What each link found there tells."""
    links = {"b": linked("b", Link("a")), "c": linked("c", Link("b"))}
    change = linked("a", ABSENT).owned[1]
    assert find_displacer(change, links, Link("x")) == "b"
    assert find_displacer(links["c"].owned[1], {"b": links["b"]}, ABSENT) is None
