"""One portion of a pattern (what stands between two slashes) and how it is compared with a name.

A portion is a sequence of pieces: literal text, `STAR`, `ANY`, a `CharClass` or an `Extglob`. Names and literals
are compared folded (see `fold`). The work is bounded: plain text is compared, stars are placed leftmost first, and
everything richer runs on an automaton.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from unicodedata import category

from linkpack.select.automaton import END, Automaton

if TYPE_CHECKING:
    from collections.abc import Callable


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
    """A function that says whether a name fits *pieces* from end to end.

    The name is folded, or with *blind* off given in `units`, so that the classes of *pieces* see its case.
    """
    if pieces == (STAR,):
        return bool
    if (ends := affixes(pieces)) is not None:
        head, tail = ends
        least = len(head) + len(tail)
        return lambda name: len(name) >= least and name.startswith(head) and name.endswith(tail)
    if not any(_rich(token) for token in pieces):
        matches = re.compile(_source(pieces, "i" if blind else "")).fullmatch
        return lambda name: matches(name) is not None
    return _automaton_matcher(pieces, blind=blind)


def _rich(token: Piece) -> bool:
    return isinstance(token, Extglob) or (isinstance(token, CharClass) and bool(token.posix))


def has_posix(pieces: tuple[Piece, ...]) -> bool:
    """Whether a POSIX class is anywhere in *pieces*: such a portion counts whole characters, not UTF-16 units."""
    return any(
        (isinstance(token, CharClass) and bool(token.posix))
        or (isinstance(token, Extglob) and any(map(has_posix, token.alternatives)))
        for token in pieces
    )


def _source(pieces: tuple[Piece, ...], flags: str) -> str:
    """A regular expression for stars, single characters and text, which cannot backtrack across a star.

    Between two stars everything has a fixed length, so its first place is as good as any: the lookahead finds
    it and the back reference keeps it (an atomic group, which `re` has only from Python 3.11 on). The groups have
    names: a number from 100 on would be read as a character in octal digits.
    """
    stretches = [""]
    for token in pieces:
        if token is STAR:
            stretches.append("")
        else:
            stretches[-1] += _piece_source(token, flags)
    if len(stretches) == 1:
        return stretches[0]
    head, *middle, tail = stretches
    places = "".join(f"(?=(?P<_{index}>[^/]*?{one}))(?P=_{index})" for index, one in enumerate(middle, 1))
    return f"{head}{places}[^/]*{tail}"


def _piece_source(token: Piece, flags: str) -> str:
    if isinstance(token, str):
        return re.escape(token)
    if isinstance(token, CharClass):
        return _class_source(token, flags)
    return "[^/]"


def _class_source(chars: CharClass, flags: str) -> str:
    if not chars.ranges:
        return "[^/]" if chars.negated else "(?!)"
    body = "".join(f"{_escape(first)}-{_escape(last)}" for first, last in chars.ranges)
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
    """A function that says whether one character is in the class, case aside when *blind*."""

    @lru_cache(maxsize=1024)
    def test(char: str) -> bool:
        forms = {char, char.lower(), char.upper()} if blind else {char}
        inside = any(first <= form <= last for form in forms for first, last in chars.ranges) or any(
            _in_posix(name, form) for form in forms if len(form) == 1 for name in chars.posix
        )
        return inside != chars.negated

    return test


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
