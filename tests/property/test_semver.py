from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.npm.ranges import parse_range, satisfies
from linkpack.npm.semver import Version, compare, compare_build, find_version_fault, parse_version

pytestmark = pytest.mark.property

NUMBERS = st.integers(0, 3) | st.integers(0, 2**53 - 1)
WORDS = st.from_regex(r"[0-9]{0,2}[A-Za-z-][0-9A-Za-z-]{0,3}", fullmatch=True)
SMALL = st.integers(0, 20)
VERSIONS = st.builds(
    Version,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.lists(SMALL | WORDS, max_size=3).map(tuple),
    st.lists(SMALL.map(str) | WORDS, max_size=2).map(tuple),
)
RANGES = st.text(st.sampled_from("012.-*xXv=<>~^ |+a\t\ufeff"), max_size=24)
TESTED = settings(derandomize=True, deadline=None, max_examples=150)


@TESTED
@given(VERSIONS)
def test_round_trip(version: Version) -> None:
    """A version's text reads back as the same version, and has no fault in a manifest."""
    assert parse_version(str(version)) == version
    assert find_version_fault(str(version)) == ""


@TESTED
@given(VERSIONS, VERSIONS, VERSIONS)
def test_total_order(one: Version, two: Version, three: Version) -> None:
    """Comparing is antisymmetric and transitive, and only what differs in build metadata alone is equal."""
    assert compare(one, two) == -compare(two, one)
    assert compare_build(one, two) == -compare_build(two, one)
    assert (compare(one, two) == 0) == (one.public == two.public)
    if compare(one, two) <= 0 and compare(two, three) <= 0:
        assert compare(one, three) <= 0


@TESTED
@given(RANGES)
def test_canonical_text(text: str) -> None:
    """A range's canonical text reads back as the same range."""
    found = parse_range(text)
    assert found is None or parse_range(str(found)) == found


PARTS = (st.integers(0, 3) | NUMBERS).map(str) | st.sampled_from(["x", "X", "*", "00", "1-a", ""])
SIGNS = st.sampled_from(["", "^", "~", ">=", "^~", "v", "<", ">", "<=", ">= ", "< ", " ", "=", "> =", "~ "])
WORDS_OF_RANGES = st.builds(
    lambda sign, parts: sign + ".".join(parts), SIGNS, st.lists(PARTS, min_size=1, max_size=4)
)


@settings(TESTED, max_examples=1500)
@given(
    st.lists(WORDS_OF_RANGES, min_size=1, max_size=3),
    st.sampled_from(["||", " || ", " ", "  ", " - "]),
    st.booleans(),
)
def test_quick_reading(words: list[str], bars: str, prereleases: bool) -> None:  # noqa: FBT001 - generated
    """What is read without a pattern reads as it does with a tab before it, which takes the patterns."""
    text = bars.join(words)
    assert parse_version(words[0]) == parse_version(f"\t{words[0]}")
    found = parse_range(text, include_prerelease=prereleases)
    assert found == parse_range(f"\t{text}", include_prerelease=prereleases)


@TESTED
@given(VERSIONS, VERSIONS)
def test_bounds(version: Version, bound: Version) -> None:
    """With pre-releases let in, the operators are the order, and a caret is its two bounds."""
    order, text, limit = compare(version, bound), str(version), str(bound)
    assert satisfies(text, f"<{limit}", include_prerelease=True) == (order < 0)
    assert satisfies(text, f"<= {limit}", include_prerelease=True) == (order <= 0)
    assert satisfies(text, f">{limit} || {limit}", include_prerelease=True) == (order >= 0)
    upper = Version(bound.major + 1, 0, 0, (0,))
    if 0 < bound.major < 2**53 - 1:
        inside = order >= 0 and compare(version, upper) < 0
        assert satisfies(text, f"^{limit}", include_prerelease=True) == inside


@TESTED
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text(version: str, wanted: str) -> None:
    """Any two texts have an answer; only a version is in a range."""
    assert satisfies(version, wanted) <= (parse_version(version) is not None)


@TESTED
@given(st.text(st.sampled_from("1.x*-+ ~^<>=v|a"), min_size=1, max_size=6), st.integers(2000, 4000))
def test_long_text(piece: str, times: int) -> None:
    """Long repetitions have an answer: ranges have no length limit, and long versions are none."""
    assert parse_version(piece * times) is None
    assert not satisfies(piece * times, piece)
    assert satisfies("1.1.1", piece * times) <= (parse_range(piece * times) is not None)
