from __future__ import annotations

import pytest

from linkpack.npm.collation_table import ASCII_ORDER, decompose, read_table


def test_the_table_covers_every_code_point() -> None:
    """Every code point is ignored, listed, decomposed, a Hangul syllable or in a run of ranks."""
    table = read_table()
    known = {ord(char) for char in table.units if len(char) == 1} | set(map(ord, table.decompositions))
    known.update(range(0xAC00, 0xD7A4))
    ends = [*table.starts[1:], 0x110000]
    assert table.starts[0] == ord("\t")
    assert len(table.starts) == len(table.ranks)
    assert [start < end for start, end in zip(table.starts, ends, strict=True)] == [True] * len(table.ranks)
    assert {0, 0x7F, 0x301, 0x200B, 0xDF} <= known


def test_the_order_of_ascii_is_that_of_the_table() -> None:
    """The ASCII characters have rising ranks in the order that the code states."""
    table = read_table()
    assert len(table.ascii_ranks) == len(ASCII_ORDER) == 74
    assert list(table.ascii_ranks) == sorted(set(table.ascii_ranks))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("abc", "abc"),
        ("é", "e\u0301"),
        ("e\u0301\u0323", "e\u0323\u0301"),
        ("a\u0301b\u0323\u0301", "a\u0301b\u0323\u0301"),
        ("각", "\u1100\u1161\u11a8"),
        ("가", "\u1100\u1161"),
        ("\u0344", "\u0308\u0301"),
    ],
)
def test_decomposed_marks_are_in_canonical_order(text: str, plain: str) -> None:
    """Text is taken apart and its marks are put in canonical order."""
    assert "".join(decompose(text)) == plain
