"""The documentation names what there is, and only that."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from linkpack.cli.main import linkpack

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))

# The pages of commands; those of all others are in link.md.
PLACES = {
    "pack": "pack.md",
    "verify": "verify.md",
    "diff": "verify.md",
    "unpack": "verify.md",
    "why": "why.md",
    "report": "report.md",
    "help": "../README.md",
    "explain": "codes.md",
}


def page(name: str) -> str:
    """The text of docs/*name*."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def commands() -> list[str]:
    """Every command of the command line."""
    return linkpack.list_commands(click.Context(linkpack))


def command(name: str) -> click.Command:
    """The command *name*."""
    found = linkpack.get_command(click.Context(linkpack), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_is_documented(name: str) -> None:
    """Each command has a page or a place in one that names all its options, and each option has a help text."""
    more = {"pack": "provenance.md", "report": "verify.md"}.get(name)
    text = page(PLACES.get(name, "link.md")) + (page(more) if more else "")
    assert f"linkpack {name}" in text
    for parameter in command(name).params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert any(f"`{option}" in text or f", `{option}" in text for option in parameter.opts), parameter.opts


@pytest.mark.parametrize("path", [ROOT / "README.md", *PAGES], ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of a page names a file that exists."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_help_without_a_command_lists_the_commands() -> None:
    """The help of the program names each command with a line about it."""
    text = CliRunner().invoke(linkpack, ["--help"]).output
    assert all(re.search(rf"^  {name}(?:, \w+)?\s+\S", text, re.MULTILINE) for name in commands())
