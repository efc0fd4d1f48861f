from __future__ import annotations

import pytest

from linkpack.npm.collation import collation_key, is_js_upper, js_lower, numeric_case_key

RISING = [
    ["", "_", "-", ".", "/", "&", "~", "$", "0", "9", "a", "A", "b", "z", "Z"],
    ["a", "a.js", "a/b", "aa", "ab", "Ab", "abc"],
    ["10", "2", "20"],
    ["resume", "resumé", "résumé", "Résumé", "resumes"],
    ["ss", "ß", "st", "z", "Ω", "Ж", "א", "\N{ARABIC LETTER ALEF}", "ก", "あ", "ア", "日", "\ue000", "\U0001fffe"],
    ["fi", "ﬁ", "fj"],
    ["ae", "æ", "Æ", "af"],
    ["한", "핞", "힣", "日"],
    ["e\u0301", "e\u0301\u0323"],
    ["\ue000", "\ud800", "\udc80", "\udcff"],
]


@pytest.mark.parametrize("texts", RISING, ids="|".join)
def test_each_text_of_a_row_comes_after_the_one_before(texts: list[str]) -> None:
    keys = [collation_key(text) for text in texts]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("é", "e\u0301"),
        ("ệ", "e\u0302\u0323"),
        ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
        ("가", "\u1100\u1161"),
        ("a\x01b\x7f", "ab"),
        ("a\u200bb", "ab"),
        ("Å", "Å"),
        ("豈", "豈"),
        ("", "\u200b"),
    ],
)
def test_equivalent_texts_have_one_key(one: str, other: str) -> None:
    """Canonically equivalent texts, and texts that differ in ignored characters, have one key."""
    assert collation_key(one) == collation_key(other)
    assert numeric_case_key(one) == numeric_case_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\u0e40\u0e01", "\u0e40\x01\u0e01"),  # a Thai vowel changes places with its consonant
        ("\u0438\u0306", "\u0438\x01\u0306"),  # й is a letter of its own
        ("\u0438\u0323\u0306", "\u0438\u0323\x01\u0306"),  # … also over a mark below
        ("\u0fb2\u0f71\u0f80", "\u0fb2\u0f71\x01\u0f80"),  # three in one
    ],
)
def test_contracted_characters_have_a_key_of_their_own(one: str, other: str) -> None:
    """Characters that contract have another key than the same characters held apart."""
    assert collation_key(one) != collation_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\u0438\u0301\u0306", "\u0438\x01\u0301\u0306"),  # the acute is in the way
        ("\u0fb2\u0f71\u0f72", "\u0fb2\x01\u0f71\u0f72"),  # half of a contraction is none
    ],
)
def test_blocked_marks_and_parts_do_not_contract(one: str, other: str) -> None:
    """What a mark of the same class blocks, or what is only a part of a contraction, does not contract."""
    assert collation_key(one) == collation_key(other)


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "A", "aa"],
        ["2", "10", "0011"],
        ["a2b", "a2B", "a10b"],
        ["9" * 254, "9" * 255],
        ["\uff11", "१0", "11"],
        ["9", "⓪", "①"],
        ["é1", "É1", "e2"],
    ],
    ids="|".join,
)
def test_numbers_compare_by_value(texts: list[str]) -> None:
    """Numbers of any script compare by value, below digits that are only characters."""
    keys = [numeric_case_key(text) for text in texts]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize(
    ("one", "other"),
    [("007", "7"), ("é", "e"), ("\uff11\uff12", "12"), ("٣", "3"), ("1" * 254 + "05", "1" * 254 + "5")],
)
def test_numeric_keys_ignore_zeros_accents_widths_and_scripts(one: str, other: str) -> None:
    assert numeric_case_key(one) == numeric_case_key(other)


@pytest.mark.parametrize(
    ("text", "lower"),
    [
        ("README", "readme"),
        ("ÉCOLE", "école"),
        ("İ", "i\u0307"),
        ("ΟΔΟΣ", "οδος"),
        ("ΟΔΟΣ.Σ", "οδοσ.ς"),
        ("Σ日", "σ日"),
        ("\U00010d50", "\U00010d70"),  # Garay, new in Unicode 16
        ("\ua7da", "\ua7db"),
        ("\udc80A", "\udc80a"),
    ],
)
def test_text_is_lowered_as_javascript_does(text: str, lower: str) -> None:
    """Text is lowered as JavaScript does, final sigma included."""
    assert js_lower(text) == lower


@pytest.mark.parametrize(
    ("char", "upper"),
    [
        ("", True),
        ("A", True),
        ("_", True),
        ("7", True),
        ("a", False),
        ("É", True),
        ("é", False),
        ("ß", False),
        ("日", True),
        ("\U00010428", True),
    ],
)
def test_only_characters_that_javascript_raises_are_no_capitals(char: str, upper: bool) -> None:  # noqa: FBT001 - the expected value
    """Only characters that JavaScript's toUpperCase changes are not capitals; beyond the BMP none is."""
    assert is_js_upper(char) is upper
