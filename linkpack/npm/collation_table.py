"""Read the data of the root collation.

The data are weights, canonical decompositions and letter case. collation.dat is JSON compressed with zlib, after a
line that says what it was measured on. `tests/tools/make_collation.py` makes it. It is read once, for the
first text that is not ASCII.
"""

from __future__ import annotations

import functools
import json
import zlib
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The ASCII characters from lowest to highest, letters once. Other control characters are ignored.
ASCII_ORDER = "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz"

# Hangul syllables are decomposed by arithmetic (Unicode, section 3.12).
_HANGUL = 0xAC00
_HANGUL_COUNT = 11172


class Table(Record):
    """The contents of collation.dat.

    *starts* are the code points at which runs of single primary weights begin, in rising order, *ranks* the
    rank of each. *units* maps a character or contraction to its elements, four numbers each: rank or 0,
    accent, shape, case. Characters that are not in it have the lowest accent, shape and case of their rank.
    *classes* are the combining classes, from 1. *cased* and *case_ignorable* are edges of ranges. *raised* are
    the characters that toUpperCase changes.
    """

    starts: Sequence[int]
    ranks: Sequence[int]
    ascii_ranks: Sequence[int]
    units: Mapping[str, Sequence[int]]
    contractions: frozenset[str]
    prefixes: frozenset[str]
    decompositions: Mapping[str, str]
    classes: Mapping[str, int]
    digits: Mapping[str, str]
    lower: Mapping[str, str]
    raised: frozenset[str]
    cased: Sequence[int]
    case_ignorable: Sequence[int]


def decompose(text: str) -> list[str]:
    """Return the characters of *text* in normal form D."""
    table = read_table()
    result: list[str] = []
    for char in text:
        syllable = ord(char) - _HANGUL
        if 0 <= syllable < _HANGUL_COUNT:
            lead, rest = divmod(syllable, 588)
            vowel, tail = divmod(rest, 28)
            result += [chr(0x1100 + lead), chr(0x1161 + vowel)] + [chr(0x11A7 + tail)] * (tail > 0)
        else:
            result.extend(table.decompositions.get(char, char))
    classes = [table.classes.get(char, 0) for char in result]
    if not any(classes):
        return result
    # Sorting by (starters so far, class) keeps starters in place and orders the marks after each.
    starters = list(accumulate(int(cls == 0) for cls in classes))
    order = sorted(range(len(result)), key=lambda at: (starters[at], classes[at]))
    return [result[at] for at in order]


@functools.cache
def read_table() -> Table:
    """Return the table, which is read on first use."""
    # 13 ms (`python -X importtime`), which only names outside of ASCII need to pay.
    from importlib.resources import files  # noqa: PLC0415

    packed = files("linkpack.npm").joinpath("collation.dat").read_bytes()
    raw: dict[str, Any] = json.loads(zlib.decompress(packed[packed.index(b"\n") + 1 :]))
    # A run is code points in a row with ranks in a row. It is stored by the gap to the run before and its length.
    gaps, counts, steps = raw["runs"]
    ends = list(accumulate(map(int.__add__, gaps, counts)))
    starts = tuple(map(int.__sub__, ends, counts))
    last_ranks = list(accumulate(map(int.__add__, steps, counts)))
    ranks = tuple(map(int.__sub__, last_ranks, counts))
    units: dict[str, Sequence[int]] = raw["units"]
    contractions = frozenset(unit for unit in units if len(unit) > 1)
    units.update(dict.fromkeys(raw["ignorable"], ()))
    in_order = (bisect_right(starts, ord(char)) - 1 for char in ASCII_ORDER)
    ascii_ranks = tuple(
        ranks[run] + ord(char) - starts[run] for run, char in zip(in_order, ASCII_ORDER, strict=True)
    )
    return Table(
        starts=starts,
        ranks=ranks,
        ascii_ranks=ascii_ranks,
        units=units,
        contractions=contractions,
        prefixes=frozenset(unit[:size] for unit in contractions for size in (1, 2, 3)),
        decompositions=raw["decompositions"],
        classes={char: number for number, chars in enumerate(raw["classes"], 1) for char in chars},
        digits={chr(ord(zero) + value): str(value) for zero in raw["zeros"] for value in range(10)},
        lower=raw["lower"],
        raised=frozenset(raw["raised"]),
        cased=raw["cased"],
        case_ignorable=raw["case_ignorable"],
    )
