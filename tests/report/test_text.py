"""Names are safe for a terminal, and amounts are written as npm writes them."""

from __future__ import annotations

import pytest

from linkpack.report.text import amount, count, escape, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("lib/index.js", "lib/index.js"),
        ("日本 é", "日本 é"),
        ("a\nb", r"a\nb"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
        ("\x00\x7f", r"\x00\x7f"),
        ("", ""),
    ],
)
def test_safe(text: str, shown: str) -> None:
    """What is not a printable character is escaped; what is stays."""
    assert escape(text) == shown
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1049, "1.0 kB"),
        (1250, "1.3 kB"),
        (1750, "1.8 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (999_950_000, "1.0 GB"),
        (1_000_000, "1.0 MB"),
        (13_800_000, "13.8 MB"),
        (2_500_000_000, "2.5 GB"),
    ],
)
def test_amount(size: int, shown: str) -> None:
    """Sizes are in decimal units with one decimal, as npm writes them."""
    assert amount(size) == shown


def test_tables_align() -> None:
    """Columns are as wide as their widest cell; the last one is ragged, and no rows give no title."""
    assert list(table("t", [("a", "bbb"), ("aaa", "b")])) == ["t", "  a    bbb", "  aaa  b"]
    assert list(table("t", [])) == []


@pytest.mark.parametrize(("number", "shown"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_one_and_several(number: int, shown: str) -> None:
    """One of a thing is called as one."""
    assert count(number, "file") == shown
