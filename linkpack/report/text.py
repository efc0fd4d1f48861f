"""Small pieces of text that all reports are made of.

Every name goes through `escape`: file names are data, and a terminal takes some data for commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def escape(text: str) -> str:
    r"""Return *text* with each character that is not printable escaped.

    >>> escape("a\x1b[2J.js"), escape("\udc80")
    ('a\\x1b[2J.js', '\\udc80')
    """
    # Marks that turn the direction of writing are not printable either (U+202E, Unicode category Cf).
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


# Source: npm/lib/utils/format-bytes.js of npm 11.19. Units begin where the smaller one would be written as 1000.0.
_QUARTER = 0.25
_UNITS = (("GB", 10**9, 999_950_000), ("MB", 10**6, 999_950), ("kB", 10**3, 1000))


def amount(size: int) -> str:
    """Return *size* bytes as npm writes it: decimal units, one decimal.

    >>> amount(999), amount(1250), amount(999_950)
    ('999 B', '1.3 kB', '1.0 MB')
    """
    for unit, factor, least in _UNITS:
        if size >= least:
            number = size / factor
            # JavaScript rounds a half up, Python to the even digit. They differ for a fraction of exactly 0.25.
            return f"{number + 0.01 if number % 1 == _QUARTER else number:.1f} {unit}"
    return f"{size} B"


def count(number: int, noun: str) -> str:
    """Return *number* with its *noun*: `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def them(number: int) -> str:
    """Return the pronoun for so many things: `it`, `them`."""
    return "it" if number == 1 else "them"


def shorten(names: Sequence[str], most: int, *, verbose: bool) -> str:
    """Return the first *most* of *names*, and how many more there are.

    >>> shorten(["a", "b", "c"], 2, verbose=False)
    'a, b and 1 more'
    """
    if verbose or len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def table(title: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield *title* and *rows* in columns, the last one ragged.

    Without rows there is no title either.
    """
    if not rows:
        return
    if title:
        yield title
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(cells).rstrip()}"


JSON_SCHEMA = 1
"""The number that every JSON of our own has as `schema`; docs/schemas has what it means."""


def clean_json(value: object) -> object:
    """Return the JSON value with stray bytes of file names written as escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {key: clean_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean_json(item) for item in value]
    return value
