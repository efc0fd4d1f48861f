"""The root collation's data, as measured from node: weights, canonical decompositions and letter case.

collation.dat is JSON compressed with zlib, after a line that says what it was measured on;
`tests/support/make_collation.py` makes it. It is read once, when text that is not ASCII turns up.
"""

from __future__ import annotations

import functools
import json
import zlib
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The ASCII characters from lowest to highest, letters once. Other control characters are ignored.
ASCII_ORDER = "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz"

_HANGUL = 0xAC00
_HANGUL_COUNT = 11172


class Table(NamedTuple):
    """The contents of collation.dat.

    *starts* are code points where runs of single primary weights begin, in rising order, *ranks* the rank of each.
    *units* gives a character or contraction its elements, four numbers each: rank or 0, accent, shape, case;
    what is not in it is the lowest character of its rank. *classes* are the combining classes, from 1.
    *cased* and *case_ignorable* are edges of ranges; *raised* are the characters that toUpperCase changes.
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
    """The characters of *text* in canonical decomposition and order (NFD)."""
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
    """The table, read on first use."""
    from importlib.resources import files  # noqa: PLC0415 - ASCII names, nearly all there are, do not need it

    packed = files("linkpack.npm").joinpath("collation.dat").read_bytes()
    raw: dict[str, Any] = json.loads(zlib.decompress(packed[packed.index(b"\n") + 1 :]))
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
        starts,
        ranks,
        ascii_ranks,
        units,
        contractions,
        frozenset(unit[:size] for unit in contractions for size in (1, 2, 3)),
        raw["decompositions"],
        {char: number for number, chars in enumerate(raw["classes"], 1) for char in chars},
        {chr(ord(zero) + value): str(value) for zero in raw["zeros"] for value in range(10)},
        raw["lower"],
        frozenset(raw["raised"]),
        raw["cased"],
        raw["case_ignorable"],
    )
