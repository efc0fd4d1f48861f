"""Colour, and a line of progress, where a person is looking at a terminal.

Reports are made without colour. `paint` adds it to lines whose form it knows, just before they are printed.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from typing_extensions import Self

_RESET = "\x1b[0m"
_RED, _GREEN, _YELLOW, _CYAN, _DIM = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[2m"
_CLEAR_LINE = "\r\x1b[K"
_PATIENCE = 1.0  # seconds before the first line of progress: shorter work shows none
_PAUSE = 0.1  # seconds between two lines of progress
_WIDTH = 79  # columns that a line of progress may take: a longer one would wrap and stay

_SEVERITY = re.compile(r"^(linkpack: (?:.*?: )?)((error|warning) [A-Z]+)(?=:)")
_CHANGED = re.compile(r"^(  )?([AMDT]) (?=\S)")
_MARKS = {"A": _GREEN, "D": _RED, "M": _YELLOW, "T": _YELLOW}


def wants_colour(env: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Return True if what is printed should be coloured.

    The rules are those of npm (supports-color): FORCE_COLOR decides, then NO_COLOR and TERM=dumb refuse, then it
    depends on whether the stream is a terminal.

    >>> wants_colour({"FORCE_COLOR": "1", "NO_COLOR": "1"}, is_terminal=False)
    True
    >>> wants_colour({"NO_COLOR": "1"}, is_terminal=True)
    False
    """
    forced = env.get("FORCE_COLOR")
    if forced is not None:
        return forced not in {"0", "false"}
    return is_terminal and not env.get("NO_COLOR") and env.get("TERM") != "dumb"


def paint(text: str) -> str:
    r"""Return *text* with errors red, warnings yellow and hints cyan.

    >>> paint("linkpack: error EREAD: no.tgz cannot be read")
    'linkpack: \x1b[31merror EREAD\x1b[0m: no.tgz cannot be read'
    """
    painted = []
    is_hint = False
    for line in text.split("\n"):
        severity = _SEVERITY.match(line)
        if severity:
            colour = _RED if severity[3] == "error" else _YELLOW
            line = f"{severity[1]}{colour}{severity[2]}{_RESET}{line[severity.end() :]}"  # noqa: PLW2901 - the line, painted
        elif is_hint and line.startswith("  "):
            line = f"{_CYAN}{line}{_RESET}"  # noqa: PLW2901 - as above
        painted.append(line)
        is_hint = severity is not None
    return "\n".join(painted)


def paint_diff(text: str) -> str:
    """Return the output of `linkpack diff` in the colours of git."""
    return "\n".join(map(_painted_change, text.split("\n")))


def _painted_change(line: str) -> str:
    change = _CHANGED.match(line)
    if change:
        return f"{change[1] or ''}{_MARKS[change[2]]}{change[2]}{_RESET} {line[change.end() :]}"
    if line.startswith(("+++", "---")):
        return f"{_DIM}{line}{_RESET}"
    for start, colour in (("+", _GREEN), ("-", _RED), ("@@", _CYAN)):
        if line.startswith(start):
            return f"{colour}{line}{_RESET}"
    return line


class ProgressLine:
    """One line on *stream* that says how far the work is.

    It appears after a second. *now* is a clock in seconds.
    """

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now = now
        self._next = now() + _PATIENCE
        self._is_shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.wipe()

    def show(self, step: str, done: int, total: int) -> None:
        """Say that of *step* so many bytes or things are *done*; a *total* of 0 is unknown."""
        moment = self._now()
        if moment < self._next:
            return
        self._next = moment + _PAUSE
        share = f" {100 * done // total} %" if total else f" {done:,}" if done else ""
        self._stream.write(f"{_CLEAR_LINE}{step[: _WIDTH - len(share)]}{share}")
        self._stream.flush()
        self._is_shown = True

    def wipe(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self._is_shown:
            self._stream.write(_CLEAR_LINE)
            self._stream.flush()
            self._is_shown = False
