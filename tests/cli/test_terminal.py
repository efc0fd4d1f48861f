"""Colour follows the usual rules, and progress leaves nothing behind."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from linkpack.cli.terminal import ProgressLine, paint, paint_diff, wants_colour

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("env", "is_terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),  # no-color.org: only when it is not empty
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": ""}, False, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": "false"}, True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
    ],
)
def test_colour_follows_npms_rules(*, env: dict[str, str], is_terminal: bool, expected: bool) -> None:
    assert wants_colour(env, is_terminal=is_terminal) is expected


@pytest.mark.parametrize(
    ("plain", "painted"),
    [
        (
            "linkpack: error EREAD: gone\n  name a tarball",
            "linkpack: {31}error EREAD{0}: gone\n{36}  name a tarball{0}",
        ),
        ("linkpack: a.tgz: warning WNAME: odd", "linkpack: a.tgz: {33}warning WNAME{0}: odd"),
        ("files\n  3 B  index.js", "files\n  3 B  index.js"),
        ("linkpack: waiting for another process", "linkpack: waiting for another process"),
    ],
)
def test_severities_and_hints_are_painted(plain: str, painted: str) -> None:
    assert paint(plain) == painted.replace("{", "\x1b[").replace("}", "m")


def test_a_diff_is_painted_as_by_git() -> None:
    text = "files\n  A a.js  3 bytes\n  M b.js  3 -> 4 bytes\n\n--- b.js\n+++ b.js\n@@ -1 +1 @@\n-old\n+new\n same"
    lines = paint_diff(text).split("\n")
    assert lines[1] == "  \x1b[32mA\x1b[0m a.js  3 bytes"
    assert lines[4:] == [
        "\x1b[2m--- b.js\x1b[0m",
        "\x1b[2m+++ b.js\x1b[0m",
        "\x1b[36m@@ -1 +1 @@\x1b[0m",
        "\x1b[31m-old\x1b[0m",
        "\x1b[32m+new\x1b[0m",
        " same",
    ]


def clock(*seconds: float) -> Callable[[], float]:
    """Return a clock that shows *seconds*, one a look."""
    moments = iter(seconds)
    return lambda: next(moments)


def test_short_work_shows_no_progress() -> None:
    stream = io.StringIO()
    with ProgressLine(stream, clock(0, 0.2, 0.9)) as progress:
        progress.show("packing", 1, 2)
        progress.show("packing", 2, 2)
    assert stream.getvalue() == ""


def test_progress_is_drawn_ten_times_a_second_and_wiped() -> None:
    stream = io.StringIO()
    with ProgressLine(stream, clock(0, 1.5, 1.55, 1.7)) as progress:
        progress.show("packing", 1, 4)
        progress.show("packing", 2, 4)
        progress.show("packing", 3, 4)
    assert stream.getvalue() == "\r\x1b[Kpacking 25 %\r\x1b[Kpacking 75 %\r\x1b[K"


def test_progress_of_an_unknown_total_counts_and_a_long_step_is_cut() -> None:
    stream = io.StringIO()
    progress = ProgressLine(stream, clock(0, 2, 3))
    progress.show("walking", 12345, 0)
    progress.show("x" * 200, 1, 2)
    first, second = stream.getvalue().split("\r\x1b[K")[1:]
    assert first == "walking 12,345"
    assert len(second) == 79
