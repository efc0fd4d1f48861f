"""How the command line explains itself: help, summaries, suggestions, completion."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from linkpack import __version__
from linkpack.cli.main import linkpack

COMMANDS = (
    "pack",
    "why",
    "verify",
    "diff",
    "unpack",
    "link",
    "unlink",
    "relink",
    "ls",
    "undo",
    "config",
    "doctor",
)
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def said(*words: str, status: int = 0, columns: int = 80) -> str:
    """What the command line *words* prints."""
    done = CliRunner(env={"COLUMNS": str(columns)}).invoke(linkpack, words, prog_name="linkpack")
    assert done.exit_code == status
    return done.output


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_summaries_are_whole(columns: int) -> None:
    """No summary is cut off, and another name of a command stands beside it."""
    text = said("--help", columns=columns)
    assert "..." not in text.partition("Commands:")[2]
    assert [name for name in COMMANDS if not re.search(rf"^  {name}\b", text, re.MULTILINE)] == []
    assert re.search(r"^  link, ln +Link this package", text, re.MULTILINE)
    assert re.search(r"^  ls, status +List the links", text, re.MULTILINE)


@pytest.mark.parametrize("name", [*COMMANDS, "ln"])
def test_help_of_a_command(name: str) -> None:
    """`linkpack help NAME` prints what `linkpack NAME --help` does."""
    assert said("help", name) == said(name, "--help")


def test_help_alone() -> None:
    """`linkpack help` is `linkpack --help`."""
    assert said("help") == said("--help")


@pytest.mark.parametrize("words", [("pakc",), ("help", "pakc")])
def test_a_command_that_is_mistyped(words: tuple[str, ...]) -> None:
    """An unknown command is an error that names those like it."""
    assert "No such command 'pakc'. Did you mean 'pack' or 'unpack'?\n" in said(*words, status=2)


def test_a_command_like_no_other() -> None:
    """Where nothing is alike, nothing is suggested."""
    assert said("xyzzy", status=2).endswith("Error: No such command 'xyzzy'.\n")


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version(option: str) -> None:
    """Both spellings print the version alone."""
    assert said(option) == f"{__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    """The lines of the README make a script for each shell, and commands are completed."""
    assert f"_LINKPACK_COMPLETE={shell}_source linkpack" in README
    code = "from linkpack.cli.startup import main; main()"
    env = {"_LINKPACK_COMPLETE": f"{shell}_source", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert f"_LINKPACK_COMPLETE={shell}_complete" in done.stdout
