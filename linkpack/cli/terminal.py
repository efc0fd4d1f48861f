"""Print for people, in colour and with a line of progress.

Both appear by default only on a terminal. Reports are made without colour. `paint` adds it to lines of a form
that it knows, just before they are printed. All that the program prints goes through `print_report` (standard
error) and `print_result` (standard output), which wipe the line of progress before.
"""

from __future__ import annotations

import re
import sys
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import click

from linkpack import notices
from linkpack.report.text import escape, shorten
from linkpack.system.own_process import count_columns, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TextIO

    from linkpack.notices import Unit
    from linkpack.npm.config import Config
    from linkpack.npm.flags import FlagValue
    from linkpack.npm.npmrc_text import Value

_RESET = "\x1b[0m"
_RED, _GREEN, _YELLOW, _CYAN, _DIM = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[2m"
_CLEAR_LINE = "\r\x1b[K"
_PATIENCE = 1.0  # seconds before the first line of progress: shorter work shows none
_PAUSE = 0.1  # seconds between two lines of progress
_WIDTH = 79  # columns that a line of progress may take
_MOST_OUTPUTS = 3  # files that an interrupted command names

# Texts, compiled at their first use: most runs paint nothing.
_SEVERITY = r"((?:linkpack: (?:.*?: )?)?)((error|warning) [A-Z][A-Z0-9]+|Error)(?=:)"
_CHANGED = r"(  )?([AMDT]) (?=\S)"
_MARKS = {"A": _GREEN, "D": _RED, "M": _YELLOW, "T": _YELLOW}


def wants_colour(env: Mapping[str, str], *, is_terminal: bool, setting: object = None) -> bool:
    """Return True if what is printed should be coloured.

    *setting* is npm's `color`, None where it is not set: false and "always" decide, and true leaves it to whether
    the stream is a terminal. Without the setting FORCE_COLOR decides, then NO_COLOR (but for 0, as npm reads it)
    and TERM=dumb refuse, then it depends on the terminal.

    >>> wants_colour({"FORCE_COLOR": "1", "NO_COLOR": "1"}, is_terminal=False)
    True
    >>> wants_colour({"NO_COLOR": "1"}, is_terminal=True)
    False
    >>> wants_colour({"NO_COLOR": "1"}, is_terminal=True, setting="always")
    True
    """
    word = str(setting).lower()
    if word in {"always", "true", "false"}:
        # npm 12.2, @npmcli/config, lib/definitions/definitions.js, `color`.
        return word == "always" or (word == "true" and is_terminal)
    forced = env.get("FORCE_COLOR")
    if forced is not None:
        return forced not in {"0", "false"}
    return is_terminal and env.get("NO_COLOR", "") in {"", "0"} and env.get("TERM") != "dumb"


def wants_progress(env: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Return True if a line of progress may be shown.

    In CI there is none, since its logs are read later, nor on a terminal that cannot wipe a line.
    """
    # npm decides alike, and looks at stdout too (npm 12.2, @npmcli/config, lib/definitions/definitions.js).
    return is_terminal and env.get("CI", "") in {"", "0", "false"} and env.get("TERM") != "dumb"


def paint(text: str) -> str:
    r"""Return *text* with errors red, warnings yellow and hints cyan.

    >>> paint("linkpack: error EREAD: no.tgz cannot be read")
    'linkpack: \x1b[31merror EREAD\x1b[0m: no.tgz cannot be read'
    """
    painted = []
    is_hint = False
    for line in text.split("\n"):
        severity = re.match(_SEVERITY, line)
        if severity:
            colour = _YELLOW if severity[3] == "warning" else _RED
            painted.append(f"{severity[1]}{colour}{severity[2]}{_RESET}{line[severity.end() :]}")
        else:
            painted.append(f"{_CYAN}{line}{_RESET}" if is_hint and line.startswith("  ") else line)
        is_hint = severity is not None
    return "\n".join(painted)


def paint_diff(text: str) -> str:
    """Return the output of `linkpack diff` in the colours of git."""
    return "\n".join(map(_painted_change, text.split("\n")))


def _painted_change(line: str) -> str:
    change = re.match(_CHANGED, line)
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

    It appears after a second. *now* is a clock in seconds, *width* the columns that it may take: a longer line
    would wrap, and stay.
    """

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic, width: int = _WIDTH) -> None:
        self._stream = stream
        self._width = width
        self._now = now
        self._next = now() + _PATIENCE
        self.is_shown = False
        """True while the line is on the terminal."""

    def show(self, step: str, done: int, total: int, unit: Unit) -> None:
        """Say that of *step* so many bytes or packages are *done*."""
        moment = self._now()
        if moment < self._next:
            return
        self._next = moment + _PAUSE
        share = f"{100 * min(done, total) // max(total, 1)} %" if unit == "bytes" else f"{done:,} of {total:,}"
        front = escape(step)[: max(self._width - len(share) - 2, 0)]
        self._stream.write(f"{_CLEAR_LINE}{f'{front}: {share}'[: self._width]}")
        self._stream.flush()
        self.is_shown = True

    def wipe(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self.is_shown:
            self.is_shown = False
            self._stream.write(_CLEAR_LINE)
            self._stream.flush()


class _Screen:
    """What is known of the terminal during one command.

    *colour* is npm's setting, *progress* the line of progress, if there may be one. *outputs* are the files that
    the command has put in place. *annotates* is true if problems are printed as annotations of a workflow run.
    """

    def __init__(self) -> None:
        self.colour: object = None
        self.progress: ProgressLine | None = None
        self.outputs: list[str] = []
        self.annotates = False

    def meter(self, step: str, done: int, total: int, unit: Unit) -> None:
        """Show progress, unless the command wants none."""
        if self.progress is not None:
            self.progress.show(step, done, total, unit)


_SCREEN: ContextVar[_Screen | None] = ContextVar("linkpack_screen", default=None)


@contextmanager
def open_screen(now: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Show progress inside the block, and wipe it however the block ends.

    *now* is a clock in seconds.
    """
    screen = _Screen()
    token = _SCREEN.set(screen)
    try:
        with notices.tracking_outputs(screen.outputs):
            if wants_progress(environment(), is_terminal=_is_terminal(sys.stderr)):
                screen.progress = ProgressLine(sys.stderr, now, min(_WIDTH, count_columns(sys.stderr) - 1))
                with notices.metering(screen.meter):
                    yield
            else:
                yield
    finally:
        wipe_progress()
        _SCREEN.reset(token)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def apply_flags(flags: Mapping[str, Value | FlagValue]) -> None:
    """Have npm's `color` and `progress` among *flags* apply from now on."""
    screen = _SCREEN.get()
    if screen is None:
        return
    screen.colour = flags.get("color", screen.colour)
    if str(flags.get("progress")).lower() == "false":
        hide_progress()


def apply_settings(config: Config) -> None:
    """Apply npm's settings `color`, `progress` and `loglevel` from now on."""
    apply_flags({key: config.settings[key].value for key in ("color", "progress") if key in config.settings})
    if config.is_silent:
        hide_progress()


def hide_progress() -> None:
    """Show no progress from now on."""
    wipe_progress()
    screen = _SCREEN.get()
    if screen is not None:
        screen.progress = None


def wipe_progress() -> None:
    """Take the line of progress away, before something else is printed."""
    screen = _SCREEN.get()
    if screen is not None and screen.progress is not None:
        screen.progress.wipe()


def print_report(text: str) -> None:
    """Print *text* for a person on standard error, painted by `paint`."""
    wipe_progress()
    is_coloured = _is_coloured(sys.stderr)
    # True keeps the escapes, which click strips for a stream that is no terminal (FORCE_COLOR, `--color always`).
    click.echo(paint(text) if is_coloured else text, err=True, color=is_coloured or None)


def annotate_problems() -> None:
    """Have problems printed as annotations of a workflow run from now on."""
    screen = _SCREEN.get()
    if screen is not None:
        screen.annotates = True


def annotates_problems() -> bool:
    """Return True if problems are printed as annotations of a workflow run."""
    screen = _SCREEN.get()
    return screen is not None and screen.annotates


def print_result(text: str, painter: Callable[[str], str] | None = None) -> None:
    """Print *text* on standard output, painted by *painter* if there is one."""
    wipe_progress()
    is_coloured = painter is not None and _is_coloured(sys.stdout)
    click.echo(painter(text) if painter is not None and is_coloured else text, color=is_coloured or None)


def _is_coloured(stream: TextIO | None) -> bool:
    screen = _SCREEN.get()
    setting = None if screen is None else screen.colour
    return wants_colour(environment(), is_terminal=_is_terminal(stream), setting=setting)


def print_interruption() -> None:
    """Say in one line on stderr what an interrupted command has done."""
    screen = _SCREEN.get()
    outputs = [] if screen is None else screen.outputs
    is_wiped = screen is not None and screen.progress is not None and screen.progress.is_shown
    if _is_terminal(sys.stderr) and not is_wiped:
        click.echo(err=True)  # the terminal has written ^C there
    done = _list_outputs(outputs) if outputs else ", and has written nothing"
    print_report(f"linkpack: interrupted{done}")


def _list_outputs(outputs: Sequence[str]) -> str:
    return f"; done before: {shorten(list(map(escape, outputs)), _MOST_OUTPUTS, verbose=False)}"
