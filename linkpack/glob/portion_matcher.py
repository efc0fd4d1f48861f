"""One portion of a pattern (what stands between two slashes) and how it is compared with a name.

A portion is a sequence of pieces: literal text, `STAR`, `ANY`, a `CharClass` or an `Extglob`. Names and literals
are compared folded (see `fold`). The work is bounded: plain text is compared, stars are placed leftmost first, and
everything richer runs on an automaton. What a name costs beyond the usual is counted (`limits.spend`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from unicodedata import category

from linkpack import limits
from linkpack.glob.automaton import END, Automaton

if TYPE_CHECKING:
    from collections.abc import Callable

_FREE = 8  # stars, or places to try for a character, that cost no more than asking a pattern does anyway
_MOST_RANGES = 100  # of a class that goes to `re`, which takes its time to compile more


class CharClass(NamedTuple):
    """One character out of ranges (first, last) and POSIX names (`alpha`), or with *negated* out of the rest."""

    ranges: tuple[tuple[str, str], ...]
    posix: tuple[str, ...]
    negated: bool


class Extglob(NamedTuple):
    """One of `? * + @ !`, over alternatives that are token sequences; `!*` is a `!` with a star behind."""

    kind: str
    alternatives: tuple[tuple[Piece, ...], ...]


class Wild(NamedTuple):
    """A `*` (any run of characters) or a `?` (exactly one)."""

    many: bool


STAR = Wild(many=True)
ANY = Wild(many=False)

Piece: TypeAlias = "str | Wild | CharClass | Extglob"


@lru_cache(maxsize=4096)
def _fold_char(char: str) -> str:
    upper = char.upper()
    if len(upper) != 1 or (char > "\x7f" and upper < "\x80"):
        return char
    return upper


def fold(text: str) -> str:
    """*text* as it is compared: upper case, characters above U+FFFF as two units.

    JavaScript's case-blind comparison, which npm uses: characters whose upper case is longer than one, or ASCII
    when they are not, stay as they are; `?` counts UTF-16 units.
    """
    if text.isascii():
        return text.upper()
    return "".join(map(_fold_char, units(text)))


def fold_names(names: list[str]) -> list[str]:
    """Fold each of *names*, none of which has a slash: the same as `fold`, but all of them at once."""
    text = "/".join(names)
    return text.upper().split("/") if text.isascii() else [fold(name) for name in names]


def units(text: str) -> str:
    """*text* with each character above U+FFFF as its two UTF-16 units."""
    if text.isascii() or max(text) <= "\uffff":
        return text
    data = text.encode("utf-16-le", "surrogatepass")
    return "".join([chr(data[i] | data[i + 1] << 8) for i in range(0, len(data), 2)])


def fold_points(text: str) -> str:
    """*text* folded for case, characters above U+FFFF left whole."""
    return "".join(map(_fold_char, text))


def affixes(pieces: tuple[Piece, ...]) -> tuple[str, str] | None:
    """What a name must start and end with, when that is all the pieces ask for: `a*`, `*.js`, `a*.js`, `*`."""
    texts = ["", ""]
    stars = 0
    for token in pieces:
        if token is STAR:
            stars += 1
        elif isinstance(token, str):
            texts[min(stars, 1)] += token
        else:
            return None
    return (texts[0], texts[1]) if stars == 1 else None


def matcher(pieces: tuple[Piece, ...], *, blind: bool) -> Callable[[str], bool]:
    """Return a function that says whether a name fits *pieces* from end to end.

    The name is folded, or with *blind* off given in `units`, so that the classes of *pieces* see its case.
    """
    if pieces == (STAR,):
        return bool
    if (ends := affixes(pieces)) is not None:
        head, tail = ends
        least = len(head) + len(tail)
        return lambda name: len(name) >= least and name.startswith(head) and name.endswith(tail)
    if any(_rich(token) for token in pieces):
        return _automaton_matcher(pieces, blind=blind)
    return _star_matcher(pieces, "i" if blind else "")


def _rich(token: Piece) -> bool:
    return isinstance(token, Extglob) or (
        isinstance(token, CharClass) and (bool(token.posix) or len(token.ranges) > _MOST_RANGES)
    )


def has_posix(pieces: tuple[Piece, ...]) -> bool:
    """Whether a POSIX class is anywhere in *pieces*: such a portion counts whole characters, not UTF-16 units."""
    return any(
        (isinstance(token, CharClass) and bool(token.posix))
        or (isinstance(token, Extglob) and any(map(has_posix, token.alternatives)))
        for token in pieces
    )


class _Stretch:
    """What stands between two stars: of fixed *width* in characters, plain *text* or else a *source* for `re`."""

    __slots__ = ("_find", "_match", "source", "text", "width")

    def __init__(self, pieces: tuple[Piece, ...], flags: str) -> None:
        self.width = sum([len(token) if isinstance(token, str) else 1 for token in pieces])
        self.text = "".join(map(str, pieces)) if all(isinstance(token, str) for token in pieces) else None
        self.source = "" if self.text is not None else "".join([_piece_source(token, flags) for token in pieces])
        self._match: Callable[[str, int], re.Match[str] | None] | None = None
        self._find: Callable[[str, int, int], re.Match[str] | None] | None = None

    def fits_at(self, name: str, at: int) -> bool:
        """True if it stands at *at* in *name*, which is long enough."""
        if self.text is not None:
            return name.startswith(self.text, at)
        if self._match is None:  # compiled when a name is long enough: no name is as long as some patterns
            self._match = re.compile(self.source).match
        return self._match(name, at) is not None

    def find(self, name: str, at: int, end: int) -> int:
        """Return the first place in *name* from *at* on where it stands; -1 when none ends by *end*."""
        if self.text is not None:
            return name.find(self.text, at, end)
        if self._find is None:
            self._find = re.compile(self.source).search
        found = self._find(name, at, end)
        return -1 if found is None else found.start()


def _star_matcher(pieces: tuple[Piece, ...], flags: str) -> Callable[[str], bool]:
    """Return the matcher of stars, single characters and text.

    What stands between two stars has a fixed width, so that its first place is as good as any.
    """
    stretches: list[list[Piece]] = [[]]
    for token in pieces:
        if token is STAR:
            stretches.append([])
        else:
            stretches[-1].append(token)
    head, *middle = [_Stretch(tuple(one), flags) for one in stretches]
    if not middle:
        return lambda name: len(name) == head.width and head.fits_at(name, 0)
    tail = middle.pop()
    least = head.width + tail.width + sum([one.width for one in middle])
    # Places tried, at most, for each character of a name: only what `re` looks for is tried place by place.
    tries = sum([one.width for one in middle if one.text is None])

    def fits(name: str) -> bool:
        if len(name) < least:
            return False
        if tries > _FREE or len(middle) > _FREE:
            limits.spend(len(middle) // 4 + (tries * len(name) >> 8))
        at, end = head.width, len(name) - tail.width
        if not (head.fits_at(name, 0) and tail.fits_at(name, end)):
            return False
        for one in middle:
            at = one.find(name, at, end)
            if at < 0:
                return False
            at += one.width
        return True

    return fits


def _piece_source(token: Piece, flags: str) -> str:
    if isinstance(token, str):
        return re.escape(token)
    if isinstance(token, CharClass):
        return _class_source(token, flags)
    return "[^/]"


def _class_source(chars: CharClass, flags: str) -> str:
    if not chars.ranges:
        return "[^/]" if chars.negated else "(?!)"
    body = "".join([f"{_escape(first)}-{_escape(last)}" for first, last in chars.ranges])
    return f"(?{flags}:[{'^' if chars.negated else ''}{body}])"


def _escape(char: str) -> str:
    return char if char.isalnum() else f"\\u{ord(char):04x}" if char <= "\uffff" else char


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


def _in_posix(name: str, char: str) -> bool:
    """Whether *char* is in the class *name*, by Unicode's general categories as npm's minimatch has it."""
    kind = category(char)
    if name in _POSIX:
        return kind.startswith(_POSIX[name]) or char in _EXTRA.get(name, "")
    if name in _NOT_POSIX:
        return not kind.startswith(_NOT_POSIX[name])
    return char in _EXTRA[name]


def _class_test(chars: CharClass, *, blind: bool) -> Callable[[str], bool]:
    """Return a function that says whether one character is in the class, case aside when *blind*."""
    starts, ends = _merged(chars.ranges)

    @lru_cache(maxsize=1024)
    def test(char: str) -> bool:
        forms = {char, char.lower(), char.upper()} if blind else {char}
        inside = any(_in_ranges(form, starts, ends) for form in forms) or any(
            _in_posix(name, form) for form in forms if len(form) == 1 for name in chars.posix
        )
        return inside != chars.negated

    return test


def _merged(ranges: tuple[tuple[str, str], ...]) -> tuple[list[str], list[str]]:
    """Return the starts and the ends of *ranges*, in order, those that overlap made one."""
    starts: list[str] = []
    ends: list[str] = []
    for first, last in sorted(ranges):
        if ends and first <= ends[-1]:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends


def _in_ranges(text: str, starts: list[str], ends: list[str]) -> bool:
    place = bisect_right(starts, text)
    return place > 0 and text <= ends[place - 1]


def _automaton_matcher(pieces: tuple[Piece, ...], *, blind: bool) -> Callable[[str], bool]:
    automaton = Automaton()
    start = _sequence(automaton, pieces, END, blind=blind)
    return lambda name: automaton.accepts(start, name)


def _sequence(automaton: Automaton, pieces: tuple[Piece, ...], after: int, *, blind: bool) -> int:
    """The state that accepts *pieces* with *after* behind them."""
    for token in reversed(pieces):
        if isinstance(token, str):
            after = automaton.text(token, after)
        elif isinstance(token, CharClass):
            after = automaton.one(_class_test(token, blind=blind), after)
        elif isinstance(token, Wild):
            after = automaton.star(after) if token.many else automaton.one(bool, after)
        else:
            after = _choice(automaton, token, after, blind=blind)
    return after


def _choice(automaton: Automaton, token: Extglob, after: int, *, blind: bool) -> int:
    """The state that accepts the extglob *token* with *after* behind it."""
    kind, alternatives = token
    if kind in {"!", "!*"}:
        # Measured: none of the alternatives, with the rest of the portion behind it, may fit; then any text. Where
        # that rest is a star, plain alternatives need at least one character more to be refused.
        rest = automaton.star(after) if kind == "!*" else after
        more = _sequence(automaton, (ANY,), rest, blind=blind) if kind == "!*" else after
        ends = [rest if any(isinstance(each, Extglob) for each in one) else more for one in alternatives]
        bar = [_sequence(automaton, one, end, blind=blind) for one, end in zip(alternatives, ends, strict=True)]
        return automaton.unless(bar, automaton.star(after))
    if kind in {"@", "?"}:
        starts = [_sequence(automaton, one, after, blind=blind) for one in alternatives]
        return automaton.either([*starts, after] if kind == "?" else starts)
    loop = automaton.loop(after)
    starts = [_sequence(automaton, one, loop, blind=blind) for one in alternatives]
    automaton.close_loop(loop, starts)
    return loop if kind == "*" else automaton.either(starts)
