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


SPANS = re.compile(r"`(linkpack [^`]+)`|^(?:\$ )?(linkpack [^#\n`]+)", re.MULTILINE)


def fenced(text: str) -> str:
    """The code of a page: its blocks, and the spans in its prose."""
    blocks = re.findall(r"^```(?:sh|console)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`linkpack [^`\n]+`", text)])


@pytest.mark.parametrize("path", [ROOT / "README.md", *PAGES], ids=lambda path: path.name)
def test_each_command_line_on_a_page_can_be_typed(path: Path) -> None:
    """Each `linkpack …` names a command that there is, with options that it has."""
    wrong = []
    for found in SPANS.finditer(fenced(path.read_text(encoding="utf-8"))):
        line = found[1] or found[2]
        name, *words = re.split(r"[\s|&;]+", line.strip())[1:]
        if name.startswith(("-", "[", "COMMAND")):
            continue
        named = linkpack.get_command(click.Context(linkpack), name)
        options = [opt for each in (named.params if named else []) for opt in (*each.opts, *each.secondary_opts)]
        unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]
        if named is None or unknown:
            wrong.append((line, unknown))
    assert wrong == []


def anchors(path: Path) -> set[str]:
    """The anchors of a page: its headings as GitHub names them, and its own."""
    text = path.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)", prose, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)"', text))


@pytest.mark.parametrize("path", [ROOT / "README.md", *PAGES], ids=lambda path: path.name)
def test_links_into_pages_name_a_heading(path: Path) -> None:
    """Every `page.md#heading` names a heading of that page."""
    links = re.findall(r"\]\(([\w./-]*)#([^)]+)\)", path.read_text(encoding="utf-8"))
    targets = [((path.parent / page) if page else path, anchor) for page, anchor in links]
    assert [(page.name, anchor) for page, anchor in targets if anchor not in anchors(page)] == []
