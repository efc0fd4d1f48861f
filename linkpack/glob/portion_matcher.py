"""Compare one portion of a pattern with a name.

A portion is the text between two slashes. It is a sequence of pieces: literal text, `STAR`, `ANY`, a `CharClass`
or an `Extglob`. Names and literals are compared folded (see `fold`). The work is bounded: plain text is compared,
stars are placed leftmost first, and extglobs and POSIX classes run on an automaton. What a name costs beyond the
usual is counted (`limits.spend`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias
from unicodedata import category

from linkpack import limits
from linkpack.glob.automaton import END, Automaton
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

_FREE = 8  # stars, or places to try for a character, that add nothing to the usual cost of a pattern
_MOST_RANGES = 100  # of a class that `re` compiles; it is slow to compile more


class CharClass(Record):
    """One character of `[a-z]`.

    *ranges* are pairs of a first and a last character, *posix* names such as `alpha`. *negated* takes every
    character that is in none of them.
    """

    ranges: tuple[tuple[str, str], ...]
    posix: tuple[str, ...]
    negated: bool


class Extglob(Record):
    """An extglob such as `+(a|b)`: its *kind* and its alternatives.

    *kind* is one of `? * + @ !`, or `!*` for a `!` with a star behind it.
    """

    kind: str
    alternatives: tuple[tuple[Piece, ...], ...]


class Wild(Record):
    """A `*` (any run of characters) or a `?` (exactly one)."""

    many: bool


STAR = Wild(many=True)
ANY = Wild(many=False)

Piece: TypeAlias = "str | Wild | CharClass | Extglob"


def fold(text: str) -> str:
    """Fold *text* as npm does to compare regardless of case.

    JavaScript compares upper case in UTF-16 units (see `to_units`), and `?` matches one of these. A character
    stays as it is when its upper case is longer than one, or is ASCII while the character is not:

    >>> fold("Readme"), fold("Straße")
    ('README', 'STRAßE')
    """
    if text.isascii():
        return text.upper()
    return "".join(map(_fold_character, to_units(text)))


def fold_names(names: list[str]) -> list[str]:
    """Fold each of *names*, none of which has a slash, all at once."""
    text = "/".join(names)
    return text.upper().split("/") if text.isascii() else [fold(name) for name in names]


def fold_points(text: str) -> str:
    """Fold *text* for case, but leave characters above U+FFFF whole."""
    return "".join(map(_fold_character, text))


@lru_cache(maxsize=4096)
def _fold_character(char: str) -> str:
    upper = char.upper()
    if len(upper) != 1 or (char > "\x7f" and upper < "\x80"):
        return char
    return upper


def to_units(text: str) -> str:
    """Write each character of *text* above U+FFFF as its two UTF-16 units.

    >>> len(to_units("a😀"))
    3
    """
    if text.isascii() or max(text) <= "\uffff":
        return text
    data = text.encode("utf-16-le", "surrogatepass")
    return "".join([chr(data[i] | data[i + 1] << 8) for i in range(0, len(data), 2)])


def from_units(text: str) -> str:
    """Write each pair of UTF-16 units in *text* as one character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def make_matcher(pieces: tuple[Piece, ...], *, blind: bool) -> Callable[[str], bool]:
    """Return a predicate that is true of the names that fit *pieces*.

    Names are given folded. With *blind* off they are given in units (see `to_units`), and case matters.
    """
    if pieces == (STAR,):
        return bool  # every name but the empty one
    if (affixes := find_affixes(pieces)) is not None:
        head, tail = affixes
        least = len(head) + len(tail)
        return lambda name: len(name) >= least and name.startswith(head) and name.endswith(tail)
    if any(_needs_automaton(piece) for piece in pieces):
        return _make_automaton_matcher(pieces, blind=blind)
    return _make_star_matcher(pieces, "i" if blind else "")


def find_affixes(pieces: tuple[Piece, ...]) -> tuple[str, str] | None:
    """Return the start and end of a name, if *pieces* ask for no more.

    >>> find_affixes(("A", STAR, ".JS")), find_affixes((STAR,)), find_affixes(("A", ANY))
    (('A', '.JS'), ('', ''), None)
    """
    texts = ["", ""]
    stars = 0
    for piece in pieces:
        if piece is STAR:
            stars += 1
        elif isinstance(piece, str):
            texts[min(stars, 1)] += piece
        else:
            return None
    return (texts[0], texts[1]) if stars == 1 else None


def has_posix(pieces: tuple[Piece, ...]) -> bool:
    """Return True if a POSIX class is anywhere in *pieces*.

    Such a portion is matched by whole characters, every other by UTF-16 units.
    """
    return any(
        (isinstance(piece, CharClass) and bool(piece.posix))
        or (isinstance(piece, Extglob) and any(map(has_posix, piece.alternatives)))
        for piece in pieces
    )


def _needs_automaton(piece: Piece) -> bool:
    return isinstance(piece, Extglob) or (
        isinstance(piece, CharClass) and (bool(piece.posix) or len(piece.ranges) > _MOST_RANGES)
    )


def _make_star_matcher(pieces: tuple[Piece, ...], flags: str) -> Callable[[str], bool]:
    """Return the predicate of stars, single characters and text.

    The pieces between two stars have a fixed width together, so that the first place where they fit is as good as
    any later one.
    """
    stretches: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece is STAR:
            stretches.append([])
        else:
            stretches[-1].append(piece)
    head, *middle = [_Stretch(tuple(stretch), flags) for stretch in stretches]
    if not middle:
        return lambda name: len(name) == head.width and head.fits_at(name, 0)
    tail = middle.pop()
    least = head.width + tail.width + sum([stretch.width for stretch in middle])
    # Places tried, at most, for each character of a name: only what `re` looks for is tried place by place.
    tries = sum([stretch.width for stretch in middle if stretch.text is None])

    def fits(name: str) -> bool:
        if len(name) < least:
            return False
        if tries > _FREE or len(middle) > _FREE:
            limits.spend(len(middle) // 4 + (tries * len(name) >> 8))
        start, end = head.width, len(name) - tail.width
        if not (head.fits_at(name, 0) and tail.fits_at(name, end)):
            return False
        for stretch in middle:
            start = stretch.find(name, start, end)
            if start < 0:
                return False
            start += stretch.width
        return True

    return fits


class _Stretch:
    """The pieces between two stars, of a fixed *width* in characters.

    *text* is the text to compare, if that is all. Otherwise it is None, and *source* is a pattern for `re`.
    """

    __slots__ = ("_find", "_match", "source", "text", "width")

    def __init__(self, pieces: tuple[Piece, ...], flags: str) -> None:
        self.width = sum([len(piece) if isinstance(piece, str) else 1 for piece in pieces])
        self.text = "".join(map(str, pieces)) if all(isinstance(piece, str) for piece in pieces) else None
        self.source = "" if self.text is not None else "".join([_write_piece(piece, flags) for piece in pieces])
        self._match: Callable[[str, int], re.Match[str] | None] | None = None
        self._find: Callable[[str, int, int], re.Match[str] | None] | None = None

    def fits_at(self, name: str, start: int) -> bool:
        """Return True if the stretch fits *name* at *start*.

        *name* must be long enough.
        """
        if self.text is not None:
            return name.startswith(self.text, start)
        if self._match is None:  # compiled when a name is long enough: no name is as long as some patterns
            self._match = re.compile(self.source).match
        return self._match(name, start) is not None

    def find(self, name: str, start: int, end: int) -> int:
        """Return the first place in *name* where the stretch fits, or -1.

        It is at *start* or later, and the stretch ends by *end*.
        """
        if self.text is not None:
            return name.find(self.text, start, end)
        if self._find is None:
            self._find = re.compile(self.source).search
        match = self._find(name, start, end)
        return -1 if match is None else match.start()


def _write_piece(piece: Piece, flags: str) -> str:
    if isinstance(piece, str):
        return re.escape(piece)
    if isinstance(piece, CharClass):
        return _write_class(piece, flags)
    return "[^/]"


def _write_class(chars: CharClass, flags: str) -> str:
    if not chars.ranges:
        return "[^/]" if chars.negated else "(?!)"  # (?!) matches nothing
    body = "".join([f"{_escape(first)}-{_escape(last)}" for first, last in chars.ranges])
    return f"(?{flags}:[{'^' if chars.negated else ''}{body}])"


def _escape(char: str) -> str:
    # `re` warns of plain [[ and -- in a class, which may get a meaning.
    return char if char.isalnum() else f"\\u{ord(char):04x}" if char <= "\uffff" else char


def _make_automaton_matcher(pieces: tuple[Piece, ...], *, blind: bool) -> Callable[[str], bool]:
    automaton = Automaton()
    start = _add_sequence(automaton, pieces, END, blind=blind)
    return lambda name: automaton.accepts(start, name)


def _add_sequence(automaton: Automaton, pieces: tuple[Piece, ...], after: int, *, blind: bool) -> int:
    """Return the state of *automaton* that accepts *pieces*, then *after*."""
    for piece in reversed(pieces):
        if isinstance(piece, str):
            after = automaton.add_text(piece, after)
        elif isinstance(piece, CharClass):
            after = automaton.add_character(_make_class_test(piece, blind=blind), after)
        elif isinstance(piece, Wild):
            after = automaton.add_star(after) if piece.many else automaton.add_character(bool, after)
        else:
            after = _add_extglob(automaton, piece, after, blind=blind)
    return after


def _add_extglob(automaton: Automaton, extglob: Extglob, after: int, *, blind: bool) -> int:
    """Return the state of *automaton* that accepts *extglob*, then *after*."""
    kind, alternatives = extglob
    if kind in {"!", "!*"}:
        # As measured: `!(a)b` takes any text that ends in `b`, but not `a` with `b` behind it. Where the rest is a
        # star, as in `!(a)*`, a plain alternative refuses only names with one character more.
        rest = automaton.add_star(after) if kind == "!*" else after
        more = _add_sequence(automaton, (ANY,), rest, blind=blind) if kind == "!*" else after
        bar = []
        for pieces in alternatives:
            is_plain = not any(isinstance(piece, Extglob) for piece in pieces)
            bar.append(_add_sequence(automaton, pieces, more if is_plain else rest, blind=blind))
        return automaton.add_refusal(bar, automaton.add_star(after))
    if kind in {"@", "?"}:
        starts = [_add_sequence(automaton, pieces, after, blind=blind) for pieces in alternatives]
        return automaton.add_choice([*starts, after] if kind == "?" else starts)
    loop = automaton.add_loop(after)
    starts = [_add_sequence(automaton, pieces, loop, blind=blind) for pieces in alternatives]
    automaton.close_loop(loop, starts)
    return loop if kind == "*" else automaton.add_choice(starts)


def _make_class_test(chars: CharClass, *, blind: bool) -> Callable[[str], bool]:
    """Return a predicate that is true of the characters in a class.

    With *blind* it is true of a character if its other case is in the class.
    """
    starts, ends = _merge_ranges(chars.ranges)

    @lru_cache(maxsize=1024)
    def test(char: str) -> bool:
        # The class is as written and the name is folded, so that each case of the character has to be tried.
        forms = {char, char.lower(), char.upper()} if blind else {char}
        inside = any(_is_in_ranges(form, starts, ends) for form in forms) or any(
            _is_in_posix(name, form) for form in forms if len(form) == 1 for name in chars.posix
        )
        return inside != chars.negated

    return test


def _merge_ranges(ranges: tuple[tuple[str, str], ...]) -> tuple[list[str], list[str]]:
    """Return the starts and ends of *ranges*, sorted and merged.

    >>> _merge_ranges((("d", "f"), ("a", "b"), ("e", "h")))
    (['a', 'd'], ['b', 'h'])
    """
    starts: list[str] = []
    ends: list[str] = []
    for first, last in sorted(ranges):
        if ends and first <= ends[-1]:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends


def _is_in_ranges(text: str, starts: list[str], ends: list[str]) -> bool:
    place = bisect_right(starts, text)
    return place > 0 and text <= ends[place - 1]


_POSIX = {
    "alnum": ("L", "Nl", "Nd"),
    "alpha": ("L", "Nl"),
    "blank": ("Zs",),
    "cntrl": ("Cc",),
    "digit": ("Nd",),
    "lower": ("Ll",),
    "punct": ("P",),
    "space": ("Z",),
    "upper": ("Lu",),
    "word": ("L", "Nl", "Nd", "Pc"),
}
_NOT_POSIX = {"graph": ("Z", "C"), "print": ("C",)}
_EXTRA = {
    "ascii": "".join(map(chr, range(128))),
    "xdigit": "0123456789abcdefABCDEF",
    "blank": "\t",
    "space": "\t\r\n\v\f",
}
POSIX_NAMES = frozenset((*_POSIX, *_NOT_POSIX, *_EXTRA))


def _is_in_posix(name: str, char: str) -> bool:
    """Return True if *char* is in the POSIX class *name*.

    Categories are those of minimatch 10.2.5 (brace-expressions.js, `posixClasses`), but for `print`, which matches
    control characters there (row D11 of docs/differences-from-npm.md).
    """
    kind = category(char)
    if name in _POSIX:
        return kind.startswith(_POSIX[name]) or char in _EXTRA.get(name, "")
    if name in _NOT_POSIX:
        return not kind.startswith(_NOT_POSIX[name])
    return char in _EXTRA[name]
