"""Parse one portion of a pattern: stars, classes, extglobs, quoting.

A portion is the text between two slashes. Its grammar is that of minimatch 10.2.5 with the options dot and nocase,
measured on npm 11.19.1. Its faults are fixed (row D11 of docs/differences-from-npm.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError
from linkpack.glob.portion_matcher import (
    ANY,
    POSIX_NAMES,
    STAR,
    CharClass,
    Extglob,
    find_affixes,
    fold,
    fold_points,
    from_units,
    has_posix,
    make_matcher,
    to_units,
)
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from linkpack.glob.portion_matcher import Piece

MAX_NESTING = 32  # extglobs inside extglobs
_KINDS = "?*+@!"
_SPECIAL = frozenset("*?[\\(")  # without one of these, a portion is plain text
_MAX_UNCLOSED = 10  # brackets that are never closed: after so many, all further ones are taken as text
_NEVER = CharClass((), (), negated=False)


class Portion(Record):
    """A compiled portion, which is asked about one name.

    *fits* is true of each folded name that the portion matches, *empty* if it matches the empty name. *literal* is
    the only name that fits, if there is only one. *ends* is (start, end) if the portion is text around one star.
    """

    literal: str | None
    ends: tuple[str, str] | None
    fits: Callable[[str], bool]
    empty: bool


def compile_portion(text: str, *, blind: bool = True) -> Portion:
    r"""Compile *text*, a portion that is not `**`.

    Names are given folded. With *blind* off they are given in units (see `to_units`), and case matters. The empty
    text fits the empty name only.

    >>> [compile_portion("*.m[jt]s").fits(name) for name in ("A.MJS", "A.MXS")]
    [True, False]
    >>> compile_portion("a+(b|c)", blind=False).fits("abcb"), compile_portion("!(a)").fits("A")
    (True, False)
    >>> compile_portion("a*.js").ends, compile_portion(r"\*").literal
    (('A', '.JS'), '*')
    """
    fold_pieces, fold_text = (fold_points, fold) if blind else (str, to_units)
    if _SPECIAL.isdisjoint(text):
        literal = fold_text(text)
        return Portion(literal, None, literal.__eq__, not literal)
    # Whole characters first: whether there are POSIX classes is known only afterwards.
    pieces = _parse_pieces(text, fold_pieces)
    posix = has_posix(pieces)
    if not posix and not text.isascii():
        # Without POSIX classes npm counts in UTF-16 units: read again in units.
        pieces = _parse_pieces(to_units(text), fold_text)
    if all(isinstance(piece, str) for piece in pieces):
        literal = fold_text("".join([str(piece) for piece in pieces]))
        return Portion(literal, None, literal.__eq__, not literal)
    test = make_matcher(pieces, blind=blind)
    fits = (lambda name: test(from_units(name))) if posix else test
    has_extglob = any(isinstance(piece, Extglob) for piece in pieces)
    return Portion(None, find_affixes(pieces), fits, has_extglob and fits(""))


def _parse_pieces(text: str, case: Callable[[str], str]) -> tuple[Piece, ...]:
    """Return the pieces of a portion, with literal text put through *case*."""
    closes = _find_closes(text)
    pieces, _ = _parse_sequence(text, 0, closes, case, 0)
    if len(pieces) == 1 and isinstance(pieces[0], Extglob):
        return _settle_extglob(pieces[0], text, case)
    return _join_star_to_negation(pieces)


def _settle_extglob(extglob: Extglob, text: str, case: Callable[[str], str]) -> tuple[Piece, ...]:
    """Return the pieces of *text*, which is *extglob* and nothing else.

    There npm drops empty alternatives, and a star that is a whole alternative asks for one character at least.
    Without any other alternative a `!` is any name that is not empty, and every other kind is plain text.
    """
    kind, alternatives = extglob
    if kind == "!" and not any(alternatives):
        return (ANY, STAR) if len(alternatives) == 1 else (Extglob(kind, ()),)
    if not any(alternatives):
        return (case(text),)
    some = tuple((ANY, STAR) if pieces == (STAR,) else pieces for pieces in alternatives if pieces)
    return (Extglob(kind, some),)


def _join_star_to_negation(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Return *pieces* with the negation and the star of `!(a)*` made one.

    To be refused by it, `a` needs at least one character more behind it.
    """
    negations = [piece for piece in pieces[:-1] if isinstance(piece, Extglob) and piece.kind == "!"]
    if not negations or len(negations) + 1 != len(pieces) or pieces[-1] is not STAR:
        return pieces
    return (*negations[:-1], Extglob("!*", negations[-1].alternatives))


def _find_closes(text: str) -> dict[int, int]:
    """Return where each extglob of *text* closes, by where it opens.

    The places are those of its parentheses. From an extglob that is never closed to the end, *text* is plain, and
    has no extglobs.

    >>> _find_closes("+(a|@(b))c"), _find_closes("+(a")
    ({5: 7, 1: 8}, {})
    """
    closes: dict[int, int] = {}
    opened: list[int] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif char == "[":
            position = _skip_class(text, position) - 1
        elif char in _KINDS and text.startswith("(", position + 1):
            position += 1
            opened.append(position)
        elif char == ")" and opened:
            closes[opened.pop()] = position
        position += 1
    if opened:  # everything inside or behind an extglob that is never closed is plain
        closes = {start: end for start, end in closes.items() if end < opened[0]}
    return closes


def _skip_class(text: str, position: int) -> int:
    """Return the place behind the bracket expression that opens at *position*.

    That is the end if it is never closed. This is how extglobs skip one. `_parse_class` reads it more closely.
    """
    first = position + 1
    if text.startswith(("^", "!"), first):
        first += 1
    place = first
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] == "]" and place > first:
            return place + 1
        place += 1
    return len(text)


def _parse_sequence(
    text: str, position: int, closes: dict[int, int], case: Callable[[str], str], depth: int
) -> tuple[tuple[Piece, ...], int]:
    """Return the pieces from *position* on, and the place where they end.

    *depth* is the number of extglobs around *position*. Inside one the pieces end with its alternative, else with
    *text*.
    """
    pieces: list[Piece] = []
    start = position  # of the plain piece being read
    while position < len(text) and not (depth and text[position] in "|)"):
        char = text[position]
        if char == "\\":
            position += 2
        elif char == "[":
            position = _skip_class(text, position)
        elif char in _KINDS and position + 1 in closes:
            pieces += _parse_plain(text[start:position], case)
            extglob, position = _parse_extglob(text, position, closes, case, depth + 1)
            pieces.append(extglob)
            start = position
        else:
            position += 1
    position = min(position, len(text))
    pieces += _parse_plain(text[start:position], case)
    return tuple(pieces), position


def _parse_extglob(
    text: str, position: int, closes: dict[int, int], case: Callable[[str], str], depth: int
) -> tuple[Extglob, int]:
    """Return the extglob that begins at *position*, and the place behind it."""
    if depth > MAX_NESTING:
        raise _refuse(f"its extglobs nest deeper than {MAX_NESTING}")
    kind = text[position]
    alternatives: list[tuple[Piece, ...]] = []
    position += 1
    while text[position] != ")" or not alternatives:
        pieces, position = _parse_sequence(text, position + 1, closes, case, depth)
        alternatives.append(pieces)
    return Extglob(kind, tuple(alternatives)), position + 1


def _parse_plain(text: str, case: Callable[[str], str]) -> list[Piece]:
    """Return the pieces of text without extglobs."""
    pieces: list[Piece] = []
    plain: list[str] = []
    unclosed = 0
    position = 0
    while position < len(text):
        char = text[position]
        piece: Piece
        chars = None
        if char == "[" and unclosed < _MAX_UNCLOSED:
            chars = _parse_class(text, position)
            unclosed += chars is None
        if char in "*?":
            piece = STAR if char == "*" else ANY
            position += 1
        elif chars is not None:
            piece, position = chars
        else:
            if char == "\\" and position + 1 < len(text):
                position += 1
                char = text[position]
            plain.append(char)
            position += 1
            continue
        if plain:
            pieces.append(case("".join(plain)))
            plain.clear()
        if piece is not STAR or not pieces or pieces[-1] is not STAR:
            pieces.append(piece)
    if plain:
        pieces.append(case("".join(plain)))
    return pieces


def _parse_class(text: str, position: int) -> tuple[Piece, int] | None:
    """Return the class that opens at *position*, and the place behind it.

    None if it is never closed. A class that can match nothing (`[b-a]`) extends to the end of *text*: the portion
    matches nothing, whatever is behind it.
    """
    if text.find("]", position) < 0:
        return None  # a quick look: to read each of many brackets to the end takes quadratic time
    negated = text.startswith(("!", "^"), position + 1)
    position += 1 + negated
    first = position
    ranges: list[tuple[str, str]] = []
    posix: list[str] = []
    # A closing bracket in the first place is plain, as in a shell.
    while position < len(text) and (text[position] != "]" or position == first):
        if name := _read_posix_name(text, position):
            posix.append(name)
            position += len(name) + 4
            continue
        low, position = _read_character(text, position)
        if text.startswith("-]", position):  # a hyphen at the end is plain
            ranges.append(("-", "-"))
            position += 1
        elif text.startswith("-", position):
            if _read_posix_name(text, position + 1):
                return _NEVER, len(text)
            high, position = _read_character(text, position + 1)
            ranges += [(low, high)] if low <= high else []
            continue
        ranges.append((low, low))
    if position >= len(text):
        return None
    if not ranges and not posix:
        return _NEVER, len(text)
    return CharClass(tuple(ranges), tuple(posix), negated), position + 1


def _read_character(text: str, position: int) -> tuple[str, int]:
    """Return the character at *position*, and the place behind it.

    A backslash before the character is skipped. The character is "" at the end.
    """
    if text.startswith("\\", position) and position + 1 < len(text):
        position += 1
    return text[position : position + 1], position + 1


def _read_posix_name(text: str, position: int) -> str:
    """Return the name in `[:name:]` at *position*, or "" if none is there."""
    end = text.find(":]", position + 2, position + 12)
    name = text[position + 2 : end]
    return name if end > 0 and text.startswith("[:", position) and name in POSIX_NAMES else ""


def _refuse(why: str) -> LinkpackError:
    return LinkpackError(f"the pattern cannot be used: {why}", code="EPATTERN", hint="write a simpler pattern")
