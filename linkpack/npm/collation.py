"""Make sort keys for the order of JavaScript's `localeCompare`.

npm sorts names by it. That order is the Unicode collation algorithm (UTS 10) with the root weights of CLDR.
ASCII text needs no data. For other text the weights are read once from collation.dat, which
`tests/tools/make_collation.py` measured from node's `Intl.Collator`. A text has the same key on every machine
and every Python: nothing comes from the locale or from the interpreter's own Unicode data.

A key has three levels, with a zero byte after the first and the second: primary weights (letters), accents,
shapes (case, width, ...). A weight is a string of bytes that begins no other weight of its level. The lowest
accent and the lowest shape are dropped at a level's end: keys only differ there when they already differed.
`tests/differential/test_collate.py` compares the order with node's.
"""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from linkpack.npm.collation_table import ASCII_ORDER, decompose, read_table
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.npm.collation_table import Table

# ICU ignores control characters other than white space.
_IGNORED = bytes(code for code in range(128) if chr(code).lower() not in ASCII_ORDER)
_LOWEST = b"\x01"
LOWEST_WEIGHT = "\x01"
_SHORT_ACCENTS = 128  # as many accents have weights of one byte
_CAPITAL_SHAPE = 101
_CAPITAL_CASE = 9
_CAPITALS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# The first byte of a primary weight: odd for an ASCII character, even for all that sorts between two of them.
_PRIMARY = bytes(2 * ASCII_ORDER.find(chr(code).lower()) + 3 for code in range(128)) + bytes(128)
_SHAPE = bytes(_CAPITAL_SHAPE if code in _CAPITALS else 1 for code in range(256))
_CASE = bytes(_CAPITAL_CASE if code in _CAPITALS else 1 for code in range(256))
# A number has a weight in the gap before the digit 0, above those of all characters in that gap.
_NUMBER = bytes([2 * ASCII_ORDER.index("0") + 2]) + b"\xff\xff\xff"
_NUMBER_DIGITS = 254
# ASCII text needs no table of the digits of other scripts.
_DIGITS = {digit: digit for digit in "0123456789"}

_SIGMA = "\u03a3"
_FINAL_SIGMA = "\u03c2"


class _Weights(Record):
    """The bytes that one unit adds to each level of a key."""

    primary: bytes
    accent: bytes
    shape: bytes
    case: bytes


def collation_key(text: str) -> bytes:
    """Return the sort key of *text* for `a.localeCompare(b, "en")`.

    Keys are equal exactly when that gives 0, as for canonically equivalent texts and for texts that differ in
    ignored characters only. Lone surrogates (undecodable bytes) come after all else, in their order.

    >>> sorted(["_b", "a-c", "B", "ab", "a"], key=collation_key)
    ['_b', 'a', 'a-c', 'ab', 'B']
    """
    # Fast path: an ASCII character is one byte of each level, and has no accent.
    if text.isascii():
        raw = text.encode()
        shape = raw.translate(_SHAPE, _IGNORED).rstrip(_LOWEST)
        return raw.translate(_PRIMARY, _IGNORED) + b"\0\0" + shape
    weights = [_weights(unit) for unit in _units(decompose(text))]
    accent = b"".join([weight.accent for weight in weights]).rstrip(_LOWEST)
    shape = b"".join([weight.shape for weight in weights]).rstrip(_LOWEST)
    return b"".join([weight.primary for weight in weights]) + b"\0" + accent + b"\0" + shape


def ascii_weights(text: str) -> str:
    """Return the primary weights of the ASCII *text*, one character each.

    They sort as the characters do where case is ignored. An ignored character has the weight `LOWEST_WEIGHT`.

    >>> ascii_weights("a") == ascii_weights("A") < ascii_weights("b")
    True
    """
    return text.encode("ascii").translate(_PRIMARY).decode("latin-1")


def numeric_case_key(text: str) -> bytes:
    """Return the sort key of *text* for numeric comparison.

    The options of localeCompare are `{sensitivity: "case", numeric: true}`. Accents and widths are ignored,
    capitals follow small letters, and a run of decimal digits of any script is one number (of at most 254
    digits, then the next number begins, as in ICU).

    >>> sorted(["v10", "v9", "V9"], key=numeric_case_key)
    ['v9', 'V9', 'v10']
    """
    digits: Mapping[str, str] = _DIGITS  # of all scripts, to "0" to "9", once the text is not ASCII
    chars = list(text)
    if not text.isascii():
        digits = read_table().digits
        chars = decompose(text)
    primary: list[bytes] = []
    case: list[bytes] = []
    at = 0
    while at < len(chars):
        end = at
        while end < len(chars) and chars[end] in digits:
            end += 1
        if end > at:
            number = "".join([digits[char] for char in chars[at:end]])
            primary.append(_number(number))
            case.append(_LOWEST)
        at = end
        while end < len(chars) and chars[end] not in digits:
            end += 1
        _add_plain(chars[at:end], primary, case)
        at = end
    return b"".join(primary) + b"\0" + b"".join(case).rstrip(_LOWEST)


def _add_plain(chars: list[str], primary: list[bytes], case: list[bytes]) -> None:
    """Append the levels of characters that are not digits."""
    text = "".join(chars)
    if text.isascii():
        raw = text.encode()
        primary.append(raw.translate(_PRIMARY, _IGNORED))
        case.append(raw.translate(_CASE, _IGNORED))
        return
    for unit in _units(chars):
        weight = _weights(unit)
        primary.append(weight.primary)
        case.append(weight.case)


def _number(digits: str) -> bytes:
    """Return the primary weight of a run of decimal digits.

    Numbers are ordered by size, and below every digit that is only a character.
    """
    result = []
    while digits:
        digits = digits.lstrip("0") or "0"
        part, digits = digits[:_NUMBER_DIGITS], digits[_NUMBER_DIGITS:]
        result.append(_NUMBER + bytes([len(part)]) + part.encode())  # the longer of two numbers is the larger
    return b"".join(result)


def js_lower(text: str) -> str:
    """Return *text* in JavaScript's lower case.

    It has the letters of Unicode 17, whatever Python's own version.
    """
    if text.isascii():
        return text.lower()
    table = read_table()
    mapped = [table.lower.get(char, char) for char in text]
    for at, char in enumerate(text):
        if char == _SIGMA and _is_final(text, at, table):
            mapped[at] = _FINAL_SIGMA
    return "".join(mapped)


def is_js_upper(char: str) -> bool:
    """Return True if JavaScript's `toUpperCase` does not change *char*.

    So for a capital, and for a character without case. Also for every one above U+FFFF: npm asks about the
    first half of its surrogate pair.
    """
    return char == char.upper() if char.isascii() else char not in read_table().raised


def _is_final(text: str, at: int, table: Table) -> bool:
    """Return True if the sigma at *at* ends a word (Unicode, Final_Sigma)."""
    before = next((char for char in reversed(text[:at]) if not _within(char, table.case_ignorable)), "")
    after = next((char for char in text[at + 1 :] if not _within(char, table.case_ignorable)), "")
    return _within(before, table.cased) and not _within(after, table.cased)


def _within(char: str, edges: Sequence[int]) -> bool:
    """Return True if *char* is in one of the ranges with these *edges*.

    A range is from an edge at an even index up to the next. The empty text is in none.
    """
    return char != "" and bisect_right(edges, ord(char)) % 2 == 1


def _units(chars: list[str]) -> list[str]:
    """Split decomposed *chars* into the units with weights.

    These are contractions and single characters. The list *chars* is changed on the way.
    """
    table = read_table()
    # Fast path: no character here begins a contraction.
    if table.prefixes.isdisjoint(chars):
        return chars
    result = []
    at = 0
    while at < len(chars):
        unit = chars[at]
        if unit in table.prefixes:
            unit = _contraction(chars, at, table)
        result.append(unit)
        at += 1
    return result


def _contraction(chars: list[str], at: int, table: Table) -> str:
    """Return the longest unit that begins at *at* (UTS 10, S2.1).

    The characters behind *at* that belong to it are removed from *chars*.
    """
    unit = chars[at]
    for size in (3, 2):
        longer = "".join(chars[at : at + size])
        if longer in table.contractions:
            del chars[at + 1 : at + size]
            unit = longer
            break
    # Marks further on may join in, over others of a lower class; a part of a contraction alone does not.
    grown, waiting, taken, blocked = unit, [], set[int](), 0
    for after in range(at + 1, len(chars)):
        cls = table.classes.get(chars[after], 0)
        if cls == 0:
            break
        longer = grown + chars[after]
        if cls <= blocked or longer not in table.prefixes:
            blocked = cls
            continue
        grown = longer
        waiting.append(after)
        if grown in table.contractions:
            unit = grown
            taken.update(waiting)
    if taken:
        chars[:] = [char for place, char in enumerate(chars) if place not in taken]
    return unit


@functools.lru_cache(maxsize=8192)
def _weights(unit: str) -> _Weights:
    """Return the weights of a character or contraction."""
    table = read_table()
    numbers = table.units.get(unit)
    if numbers is None:
        code = ord(unit)
        run = bisect_right(table.starts, code) - 1
        numbers = (table.ranks[run] + code - table.starts[run], 0, 0, 0)
    elements = list(zip(*[iter(numbers)] * 4, strict=True))
    return _Weights(
        b"".join(_primary(rank, table) for rank, _, _, _ in elements if rank),
        b"".join(_accent(accent) for _, accent, _, _ in elements),
        bytes(shape + 1 for _, _, shape, _ in elements),
        bytes(case + 1 for rank, _, _, case in elements if rank),
    )


def _primary(rank: int, table: Table) -> bytes:
    """Return the primary weight of *rank*.

    It is one byte for an ASCII character, else the gap between two of them and the rank.
    """
    place = bisect_left(table.ascii_ranks, rank)
    if table.ascii_ranks[place : place + 1] == (rank,):
        return bytes([2 * place + 3])
    return bytes([2 * place + 2]) + rank.to_bytes(3, "big")


def _accent(accent: int) -> bytes:
    """Return the weight of an accent, in one byte or two.

    Accent 0 is the lowest, and no second byte is like it.
    """
    if accent < _SHORT_ACCENTS:
        return bytes([accent + 1])
    lead, trail = divmod(accent - _SHORT_ACCENTS, 250)
    return bytes([_SHORT_ACCENTS + 1 + lead, trail + 2])
