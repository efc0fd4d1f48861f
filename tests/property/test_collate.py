from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.npm.collation import collation_key, js_lower, numeric_case_key
from linkpack.npm.sorting import entry_key, listing_key, order_entries

pytestmark = pytest.mark.property

ASCII = st.text(st.characters(max_codepoint=127), max_size=20)
ANY = st.text(st.characters(), max_size=12)  # lone surrogates included
NAMES = st.text(st.sampled_from("aAbé\u0301\u0323ßﬁ日本Ж12\u200b/._@한\u0e40\u0e01й"), max_size=8)
quick = settings(derandomize=True, deadline=None, max_examples=150)


@quick
@given(ASCII)
def test_ascii_takes_the_same_key_by_either_way(text: str) -> None:
    """The short way for ASCII gives the key of the long one, which an ignored character brings about."""
    assert collation_key(text) == collation_key(f"{text}\u200b")
    assert numeric_case_key(text) == numeric_case_key(f"{text}\u200b")


@quick
@given(NAMES)
def test_canonical_equivalence(text: str) -> None:
    """However a text is normalised, its key is the same."""
    forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")} | {text}
    assert len({collation_key(each) for each in forms}) == 1
    assert len({numeric_case_key(each) for each in forms}) == 1


@quick
@given(ANY, ANY)
def test_what_follows_comes_after(text: str, more: str) -> None:
    """A text comes before itself with a letter, and whatever else, behind it."""
    assert collation_key(text) < collation_key(f"{text}\x01a{more}")


@quick
@given(ANY, ANY, ANY)
def test_letters_decide_before_case(before: str, one: str, other: str) -> None:
    """A later difference in letters outweighs an earlier one in case."""
    head = f"{before}\x01"
    assert collation_key(f"{head}A\x01{one}a") < collation_key(f"{head}a\x01{one}b{other}")


@quick
@given(ANY)
def test_any_text_has_keys(text: str) -> None:
    """No text, undecodable bytes and unassigned code points included, is without its keys."""
    assert isinstance(collation_key(text), bytes)
    assert isinstance(numeric_case_key(text), bytes)
    assert entry_key(text) == entry_key(text)
    assert listing_key(text) == listing_key(text)


PLAIN = st.text(st.sampled_from("aAbB12/._-@ \n~\x01"), max_size=8)


@settings(quick, max_examples=1500)
@given(st.lists(PLAIN | ASCII, max_size=6) | st.lists(PLAIN | NAMES, max_size=6))
def test_many_paths_have_the_order_of_their_keys(paths: list[str]) -> None:
    """Paths that are translated together have the order of one by one, and equal ones keep theirs."""
    assert order_entries(paths) == sorted(range(len(paths)), key=lambda index: entry_key(paths[index]))


@quick
@given(ANY)
def test_lowering_twice_changes_nothing(text: str) -> None:
    """Lower case stays as it is."""
    assert js_lower(js_lower(text)) == js_lower(text)


@quick
@given(st.binary(min_size=1, max_size=6), st.binary(min_size=1, max_size=6))
def test_undecodable_names_stay_apart(one: bytes, other: bytes) -> None:
    """Names of bytes above 127, none of which is a character, have different keys and the order of the bytes."""
    first, second = (
        bytes(byte | 0xC0 for byte in name).decode("utf-8", "surrogateescape") for name in (one, other)
    )
    assert (collation_key(first) < collation_key(second)) is (first < second)
    assert (collation_key(first) == collation_key(second)) is (first == second)
