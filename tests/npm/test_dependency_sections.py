"""Where a saved dependency goes; tests/differential/test_link_npm.py asks npm itself."""

from __future__ import annotations

import pytest

from linkpack.npm.dependency_sections import META, SECTIONS, copy_sections, find_kind, place_dependency

PROD, OPTIONAL, DEV, PEER = SECTIONS


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [
        ((), "", {PROD: "2"}),
        ((), "dev", {DEV: "2"}),
        ((PROD,), "dev", {DEV: "2"}),
        ((DEV,), "prod", {PROD: "2"}),
        ((DEV,), "", {DEV: "2"}),
        ((DEV,), "peer", {DEV: "2", PEER: "2"}),
        ((DEV,), "optional", {DEV: "1", OPTIONAL: "2"}),
        ((PEER,), "prod", {PROD: "2"}),
        ((OPTIONAL,), "peer", {PEER: "2"}),
        ((PROD, OPTIONAL), "", {OPTIONAL: "2"}),
        ((PROD, PEER), "peer", {PROD: "2", PEER: "2"}),
        ((DEV, PEER), "", {DEV: "2", PEER: "2"}),
    ],
)
def test_a_dependency_is_saved_in_the_sections_that_npm_leaves(
    before: tuple[str, ...], kind: str, after: dict[str, str]
) -> None:
    """The dependency is in exactly the sections, with the specs, that npm leaves."""
    sections = place_dependency(copy_sections({section: {"a": "1"} for section in before}), "a", "2", kind)
    assert {section: sections[section]["a"] for section in SECTIONS if sections[section]} == after


def test_a_saved_peer_is_no_longer_optional() -> None:
    """It becomes false where the manifest had true, and a dependency of another kind loses the entry."""
    before = copy_sections({PEER: {"a": "1"}, META: {"a": {"optional": True}}})
    assert place_dependency(before, "a", "2", "peer")[META] == {"a": {"optional": False}}
    assert place_dependency(before, "a", "2", "prod")[META] == {}


def test_dev_goes_before_optional_prod_and_peer() -> None:
    """In several sections a dependency is dev, then optional, prod and peer."""
    sections = copy_sections(
        {PROD: {"a": "1", "b": "1"}, DEV: {"a": "1"}, PEER: {"b": "1", "c": "1"}, OPTIONAL: []}
    )
    assert [find_kind(sections, name) for name in "abcd"] == ["dev", "prod", "peer", "prod"]
