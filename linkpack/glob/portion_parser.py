"""Reading one portion of a pattern (what stands between two slashes): stars, classes, extglobs, quoting.

The grammar is that of minimatch 10.2.5 with the options dot and nocase, measured on npm 11.19.1; its faults are
mended (docs/differences-from-npm.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import LinkpackError
from linkpack.glob.portion_matcher import (
    ANY,
    POSIX_NAMES,
    STAR,
    CharClass,
    Extglob,
    affixes,
    fold,
    fold_points,
    has_posix,
    matcher,
    units,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from linkpack.glob.portion_matcher import Piece

MAX_NESTING = 32  # extglobs inside extglobs
_KINDS = "?*+@!"
_SPECIAL = frozenset("*?[\\(")  # without one of these, a portion is plain text
_MAX_UNCLOSED = 10  # brackets that are never closed; after so many the rest are taken for such, unread
_NEVER = CharClass((), (), negated=False)


class Portion(NamedTuple):
    """What one portion asks of a name.

    *literal* is the folded name itself when only that fits; *ends* is (start, end) when the portion is text
    around one star; *fits* tells for any folded name; *empty* says that the empty name fits.
    """

    literal: str | None
    ends: tuple[str, str] | None
    fits: Callable[[str], bool]
    empty: bool


def compile_portion(text: str, *, blind: bool = True) -> Portion:
    """The compiled form of one portion that is not `**`; the empty text fits the empty name only.

    Names are given folded, or with *blind* off, where case counts, in `units`.
    """
    whole, halves = (fold_points, fold) if blind else (str, units)
    if _SPECIAL.isdisjoint(text):
        literal = halves(text)
        return Portion(literal, None, literal.__eq__, not literal)
    pieces = _pieces(text, whole)
    posix = has_posix(pieces)
    if not posix and not text.isascii():
        # Without POSIX classes npm counts in UTF-16 units: read again in units.
        pieces = _pieces(units(text), halves)
    if all(isinstance(token, str) for token in pieces):
        literal = halves("".join([str(token) for token in pieces]))
        return Portion(literal, None, literal.__eq__, not literal)
    test = matcher(pieces, blind=blind)
    fits = (lambda name: test(_points(name))) if posix else test
    rich = any(isinstance(token, Extglob) for token in pieces)
    return Portion(None, affixes(pieces), fits, rich and fits(""))


def _points(name: str) -> str:
    """*name*, given in UTF-16 units, with its pairs as the characters they stand for."""
    return name.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _pieces(text: str, case: Callable[[str], str]) -> tuple[Piece, ...]:
    """The pieces of a portion; literal text goes through *case*."""
    closes = _closes(text)
    pieces, _ = _sequence(text, 0, closes, case, 0)
    return _settled(pieces, text, case)


def _settled(pieces: tuple[Piece, ...], text: str, case: Callable[[str], str]) -> tuple[Piece, ...]:
    """*pieces*, with npm's exceptions for an extglob that is the whole portion: it has to ask for something."""
    if len(pieces) != 1 or not isinstance(pieces[0], Extglob):
        return _star_after_negation(pieces)
    kind, alternatives = pieces[0]
    if kind == "!" and not any(alternatives):
        return (ANY, STAR) if len(alternatives) == 1 else (Extglob(kind, ()),)
    if not any(alternatives):
        return (case(text),)
    some = tuple((ANY, STAR) if one == (STAR,) else one for one in alternatives if one)
    return (Extglob(kind, some),)


def _star_after_negation(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """*pieces*, with the negation and the star of `!(a)*` made one: to be refused, `a` needs more behind it."""
    first = [token for token in pieces[:-1] if isinstance(token, Extglob) and token.kind == "!"]
    if not first or len(first) + 1 != len(pieces) or pieces[-1] is not STAR:
        return pieces
    return (*first[:-1], Extglob("!*", first[-1].alternatives))


def _closes(text: str) -> dict[int, int]:
    """Where each extglob of *text* that is closed opens (its parenthesis) and closes.

    Nothing inside an extglob that is never closed counts: it is text from there to the end.
    """
    closes: dict[int, int] = {}
    opened: list[int] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "[":
            at = _after_class(text, at) - 1
        elif char in _KINDS and text.startswith("(", at + 1):
            at += 1
            opened.append(at)
        elif char == ")" and opened:
            closes[opened.pop()] = at
        at += 1
    if opened:
        closes = {start: end for start, end in closes.items() if end < opened[0]}
    return closes


def _after_class(text: str, at: int) -> int:
    """The place behind the bracket expression that opens at *at*, or the end when it is never closed.

    This is how extglobs skip them; `_class` reads them more closely.
    """
    first = at + 1
    if text[first : first + 1] in ("^", "!") and first < len(text):
        first += 1
    place = first
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] == "]" and place > first:
            return place + 1
        place += 1
    return len(text)


def _sequence(
    text: str, at: int, closes: dict[int, int], case: Callable[[str], str], depth: int
) -> tuple[tuple[Piece, ...], int]:
    """The pieces from *at* to the end of the alternative (inside an extglob) or of the text, and where that is."""
    pieces: list[Piece] = []
    start = at  # of the plain piece being read
    while at < len(text) and not (depth and text[at] in "|)"):
        char = text[at]
        if char == "\\":
            at += 2
        elif char == "[":
            at = _after_class(text, at)
        elif char in _KINDS and at + 1 in closes:
            pieces += _plain_pieces(text[start:at], case)
            token, at = _extglob(text, at, closes, case, depth + 1)
            pieces.append(token)
            start = at
        else:
            at += 1
    at = min(at, len(text))
    pieces += _plain_pieces(text[start:at], case)
    return tuple(pieces), at


def _extglob(
    text: str, at: int, closes: dict[int, int], case: Callable[[str], str], depth: int
) -> tuple[Extglob, int]:
    """The extglob whose kind stands at *at*, and the place behind it."""
    if depth > MAX_NESTING:
        raise _unusable(f"its extglobs nest deeper than {MAX_NESTING}")
    kind = text[at]
    alternatives: list[tuple[Piece, ...]] = []
    at += 1
    while text[at] != ")" or not alternatives:
        pieces, at = _sequence(text, at + 1, closes, case, depth)
        alternatives.append(pieces)
    return Extglob(kind, tuple(alternatives)), at + 1


def _plain_pieces(text: str, case: Callable[[str], str]) -> list[Piece]:
    """The pieces of text without extglobs."""
    pieces: list[Piece] = []
    plain: list[str] = []
    unclosed = 0
    at = 0
    while at < len(text):
        char = text[at]
        token: Piece
        found = None
        if char == "[" and unclosed < _MAX_UNCLOSED:
            found = _class(text, at)
            unclosed += found is None
        if char in "*?":
            token = STAR if char == "*" else ANY
            at += 1
        elif found is not None:
            token, at = found
        else:
            if char == "\\" and at + 1 < len(text):
                at += 1
                char = text[at]
            plain.append(char)
            at += 1
            continue
        if plain:
            pieces.append(case("".join(plain)))
            plain.clear()
        if token is not STAR or not pieces or pieces[-1] is not STAR:
            pieces.append(token)
    if plain:
        pieces.append(case("".join(plain)))
    return pieces


def _class(text: str, at: int) -> tuple[Piece, int] | None:
    """The bracket expression that opens at *at* and the place behind it; None when it is never closed.

    One that can match nothing (`[b-a]`) spoils the rest of its piece.
    """
    if text.find("]", at) < 0:
        return None  # seen at once: each of many could be looked for to the end
    negated = text.startswith(("!", "^"), at + 1)
    at += 1 + negated
    first = at
    ranges: list[tuple[str, str]] = []
    posix: list[str] = []
    while at < len(text) and (text[at] != "]" or at == first):
        if name := _posix_name(text, at):
            posix.append(name)
            at += len(name) + 4
            continue
        low, at = _unquoted(text, at)
        if text.startswith("-]", at):
            ranges.append(("-", "-"))
            at += 1
        elif text.startswith("-", at):
            if _posix_name(text, at + 1):
                return _NEVER, len(text)
            high, at = _unquoted(text, at + 1)
            ranges += [(low, high)] if low <= high else []
            continue
        ranges.append((low, low))
    if at >= len(text):
        return None
    if not ranges and not posix:
        return _NEVER, len(text)
    return CharClass(tuple(ranges), tuple(posix), negated), at + 1


def _unquoted(text: str, at: int) -> tuple[str, int]:
    """The character at *at*, a backslash before it left out, and the place behind it; "" at the end."""
    if text.startswith("\\", at) and at + 1 < len(text):
        at += 1
    return text[at : at + 1], at + 1


def _posix_name(text: str, at: int) -> str:
    """The name in `[:name:]` at *at*, empty when that is none."""
    end = text.find(":]", at + 2, at + 12)
    name = text[at + 2 : end]
    return name if end > 0 and text.startswith("[:", at) and name in POSIX_NAMES else ""


def _unusable(why: str) -> LinkpackError:
    return LinkpackError(f"the pattern cannot be used: {why}", code="EPATTERN", hint="write a simpler pattern")
