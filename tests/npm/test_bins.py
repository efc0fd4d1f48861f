"""Where commands and man pages go."""

from __future__ import annotations

import json

import pytest

from linkpack.npm.bins import commands, find_man_pages, make_link_text, place_commands, place_man_page, points_into
from linkpack.npm.manifest import Manifest, parse_manifest


def manifest(**members: object) -> Manifest:
    """The manifest of a package called @s/tool with *members*."""
    return parse_manifest(json.dumps({"name": "@s/tool", **members}).encode(), "package.json", "installed")


@pytest.mark.parametrize(
    ("members", "listed", "found"),
    [
        ({"bin": "./cli.js"}, [], {"tool": "cli.js"}),
        ({"bin": {"a": "../../x", "../b": "y", "": "z", "n": 5, "c": ""}}, [], {"a": "x", "b": "y"}),
        ({"bin": ["bin/x.js", "y"]}, [], {"x.js": "bin/x.js", "y": "y"}),
        (
            {"directories": {"bin": "./bins"}},
            ["p.js", ".hidden", "sub/q", "sub/.r"],
            {"p.js": "bins/p.js", "q": "bins/sub/q"},
        ),
        ({"bin": {"a": "a"}, "directories": {"bin": "bins"}}, ["p"], {"a": "a"}),
        ({}, [], {}),
    ],
)
def test_each_form_of_bin_gives_its_commands(
    members: dict[str, object], listed: list[str], found: dict[str, str]
) -> None:
    """Each form of bin gives its commands; what is no text or no path in the package is left out."""
    assert commands(manifest(**members), listed) == found


@pytest.mark.parametrize(
    ("members", "listed", "found"),
    [
        ({"man": "./a.1"}, [], ("a.1",)),
        ({"man": ["a.1", "a.1", "../../b.2"]}, [], ("a.1", "b.2")),
        ({"directories": {"man": "man"}}, ["x.1", "y.txt", ".z.1", "sub/w.3"], ("man/sub/w.3", "man/x.1")),
        ({"man": "a.1", "directories": {"man": "man"}}, ["x.1"], ("a.1",)),
        ({}, [], ()),
    ],
)
def test_each_form_of_man_gives_each_page_once(
    members: dict[str, object], listed: list[str], found: tuple[str, ...]
) -> None:
    assert find_man_pages(manifest(**members), listed) == found


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("m/a.1", "/s/man1/a.1"),
        ("a.5.gz", "/s/man5/a.5.gz"),
        ("a.12", "/s/man12/a.12"),
        ("a.txt", None),
        ("a.1x", None),
        ("1", None),
    ],
)
def test_a_page_goes_to_the_folder_of_its_section(page: str, path: str | None) -> None:
    """A page goes to the folder of its section; without one it goes nowhere."""
    target = place_man_page(page, "/s")
    assert (target.path if target else None) == path


def test_a_command_links_through_the_link_of_its_package() -> None:
    """A command is in its folder, and its link leads through the package's own link."""
    (target,) = place_commands({"tool": "cli.js"}, "/p/bin")
    assert target.path == "/p/bin/tool"
    assert (
        make_link_text(target.path, "/p/lib/node_modules/@s/tool/cli.js") == "../lib/node_modules/@s/tool/cli.js"
    )


@pytest.mark.parametrize(
    ("target", "inside"),
    [
        ("../m/tool/cli.js", True),
        ("../m/tool", True),
        ("../M/Tool/x", True),
        ("../m/tool2/x", False),
        ("/p/m/tool/../x", False),
    ],
)
def test_the_words_of_a_link_say_where_it_leads(target: str, inside: bool) -> None:  # noqa: FBT001 - an expectation
    """Whether a link leads into a folder is decided by its words, upper and lower case alike."""
    assert points_into("/p/bin/tool", target, "/p/m/tool") is inside
