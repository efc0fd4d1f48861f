"""Colour follows the usual rules, and progress leaves nothing behind."""

from __future__ import annotations

import io
import itertools
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.cli import terminal
from linkpack.cli.terminal import ProgressLine, paint, paint_diff, wants_colour, wants_progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("env", "is_terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": "0"}, True, True),  # as npm documents `color`
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
def test_colour_follows_the_usual_rules(*, env: dict[str, str], is_terminal: bool, expected: bool) -> None:
    assert wants_colour(env, is_terminal=is_terminal) is expected


@pytest.mark.parametrize(
    ("setting", "is_terminal", "expected"),
    [
        (False, True, False),
        ("false", True, False),
        ("always", False, True),
        (True, True, True),
        (True, False, False),
        ("true", True, True),
        ("sometimes", True, False),  # no value of npm's: NO_COLOR decides
    ],
)
def test_npms_setting_color_goes_before_the_environment(
    *, setting: object, is_terminal: bool, expected: bool
) -> None:
    assert wants_colour({"NO_COLOR": "1"}, is_terminal=is_terminal, setting=setting) is expected


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
    progress = ProgressLine(stream, clock(0, 0.2, 0.9))
    progress.show("packing", 1, 2, "bytes")
    progress.show("packing", 2, 2, "bytes")
    progress.wipe()
    assert stream.getvalue() == ""


def test_progress_is_drawn_ten_times_a_second_and_wiped() -> None:
    stream = io.StringIO()
    progress = ProgressLine(stream, clock(0, 1.5, 1.55, 1.7))
    progress.show("packing", 1, 4, "bytes")
    progress.show("packing", 2, 4, "bytes")
    progress.show("packing", 3, 4, "bytes")
    progress.wipe()
    assert stream.getvalue() == "\r\x1b[Kpacking: 25 %\r\x1b[Kpacking: 75 %\r\x1b[K"


def test_packages_are_counted_and_a_long_or_hostile_step_is_cut() -> None:
    stream = io.StringIO()
    progress = ProgressLine(stream, clock(0, 2, 3, 4))
    progress.show("reading packages", 12, 1430, "packages")
    progress.show("x" * 200, 1, 2, "bytes")
    progress.show("a\x1b[2J", 9, 0, "bytes")
    first, second, third = stream.getvalue().split("\r\x1b[K")[1:]
    assert first == "reading packages: 12 of 1,430"
    assert len(second) == 79
    assert third == "a\\x1b[2J: 0 %"


def test_a_line_of_progress_fits_a_narrow_terminal() -> None:
    stream = io.StringIO()
    progress = ProgressLine(stream, clock(0, 2, 3), width=20)
    progress.show("packing a-package-1.0.0.tgz", 1, 2, "bytes")
    assert stream.getvalue() == "\r\x1b[Kpacking a-pack: 50 %"


@pytest.mark.parametrize(
    ("env", "is_terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"CI": "true"}, True, False),
        ({"CI": "false"}, True, True),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_progress_is_for_terminals_that_a_person_watches(
    *, env: dict[str, str], is_terminal: bool, expected: bool
) -> None:
    assert wants_progress(env, is_terminal=is_terminal) is expected


class Screen(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        """Return True, as a terminal does."""
        return True


def watch(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Put a terminal in place of standard error, outside of CI."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = Screen()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def make_package(folder: Path) -> None:
    (folder / "package.json").write_text('{"name": "p", "version": "1.0.0"}')


def test_packing_shows_packages_and_bytes_and_wipes_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watch(monkeypatch)
    make_package(tmp_path)
    with terminal.open_screen(itertools.count().__next__):  # a second later at each look
        tarball = linkpack.pack(tmp_path, destination=tmp_path / "out")
    assert "\r\x1b[Kreading packages: 0 of 1\r" in screen.getvalue()
    assert "\r\x1b[Kpacking p-1.0.0.tgz: 100 %\r" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")
    with terminal.open_screen(itertools.count().__next__):
        linkpack.verify(tarball.path)
    assert "\r\x1b[Kreading the tarball: 100 %\r" in screen.getvalue()


def test_nothing_is_printed_behind_a_line_of_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watch(monkeypatch)
    make_package(tmp_path)
    with terminal.open_screen(itertools.count().__next__):
        linkpack.plan_pack(tmp_path)
        assert "reading packages" in screen.getvalue()
        terminal.print_report("linkpack: warning WNAME: odd")
    assert "\r\x1b[Klinkpack: \x1b[33mwarning WNAME" in screen.getvalue()


def test_progress_false_shows_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watch(monkeypatch)
    make_package(tmp_path)
    with terminal.open_screen(itertools.count().__next__):
        terminal.apply_flags({"progress": False})
        linkpack.pack(tmp_path, destination=tmp_path / "out")
    assert screen.getvalue() == ""


def test_an_interrupted_command_names_what_it_has_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watch(monkeypatch)
    make_package(tmp_path)
    with terminal.open_screen():
        terminal.print_interruption()
        linkpack.pack(tmp_path, destination=tmp_path)
        terminal.print_interruption()
    first, second = screen.getvalue().split("\n")[1::2]
    assert first == "linkpack: interrupted, and has written nothing"
    assert second == f"linkpack: interrupted; done before: {tmp_path}/p-1.0.0.tgz"


def on_terminal(cwd: Path, *words: str, **env: str) -> str:
    """Run linkpack on a terminal of its own, and return what that shows."""
    parent, child = pty.openpty()
    usual = {"PATH": os.environ["PATH"], "HOME": str(cwd), "TERM": "xterm", "npm_config_prefix": str(cwd / "npm")}
    command = [sys.executable, "-m", "linkpack", *words]
    subprocess.run(command, cwd=cwd, env={**usual, **env}, stdout=child, stderr=child, check=False)
    os.close(child)
    shown = b""
    while True:
        try:
            piece = os.read(parent, 1 << 16)
        except OSError:  # all is read, and nothing writes any more
            break
        shown += piece
    os.close(parent)
    return shown.decode()


@pytest.mark.parametrize(
    ("words", "npmrc", "env", "is_coloured"),
    [
        (["verify", "no.tgz"], "", {}, True),
        (["verify", "no.tgz"], "", {"NO_COLOR": "1"}, False),
        (["verify", "no.tgz"], "", {"TERM": "dumb"}, False),
        (["verify", "--nosuch"], "", {}, True),
        (["pack", "gone"], "", {}, True),
        (["pack", "gone"], "color=false", {}, False),
        (["pack", "gone", "--color"], "color=false", {}, True),
        (["pack", "gone", "--no-color"], "", {"FORCE_COLOR": "1"}, False),
        (["pack", "gone", "--color=always"], "", {"NO_COLOR": "1"}, True),
        (["link", "./gone"], "", {}, True),
        (["link", "./gone"], "color=false", {}, False),
        (["link", "--nosuch", "--no-color"], "", {}, False),
    ],
)
def test_failures_are_coloured_on_a_terminal_as_it_is_set(
    words: list[str], npmrc: str, env: dict[str, str], *, is_coloured: bool, tmp_path: Path
) -> None:
    make_package(tmp_path)
    (tmp_path / ".npmrc").write_text(npmrc)
    shown = on_terminal(tmp_path, *words, **env)
    assert "rror" in shown
    assert ("\x1b[31m" in shown) is is_coloured


def test_a_diff_is_coloured_on_a_terminal(tmp_path: Path) -> None:
    make_package(tmp_path)
    old = linkpack.pack(tmp_path, destination=tmp_path / "out")
    (tmp_path / "index.js").write_text("1\n")
    shown = on_terminal(tmp_path, "diff", old.path, ".")
    assert "\x1b[32mA\x1b[0m index.js" in shown
    assert "\x1b[32m+1\x1b[0m" in shown
    assert "\x1b" not in on_terminal(tmp_path, "diff", "--json", old.path, ".")
