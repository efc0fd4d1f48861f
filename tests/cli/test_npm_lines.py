"""Command lines that were made for npm: what of them is ours, and what is dropped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from linkpack import link
from linkpack.cli import main as cli
from linkpack.cli.npm_command import NpmCommand
from linkpack.npm.flags import SWITCHES
from tests.support.npm import npm_root

if TYPE_CHECKING:
    from pathlib import Path

LINES = [
    # the line, the arguments, the flags that are set
    ("--no-audit --omit dev ../lib", ["../lib"], {}),
    ("--omit=dev --omit peer ../lib", ["../lib"], {}),
    ("--save=true --fund false ../lib", ["../lib"], {"save": True}),
    ("--save false ../lib", ["../lib"], {"save": False}),
    ("--no-save ../lib", ["../lib"], {"save": False}),
    ("--no-save=false ../lib", ["../lib"], {"save": True}),
    ("--dry-run=false ../lib", ["../lib"], {"dry_run": False}),
    ("--no-dry-run ../lib", ["../lib"], {"dry_run": False}),
    ("--dry-run true true", ["true"], {"dry_run": True}),
    ("--no-no-dry-run a", ["a"], {"dry_run": True}),
    ("--no-shrinkwrap a", ["a"], {"package_lock": False}),
    ("-D -dd -y a", ["a"], {"save_dev": True}),
    ("--quiet --verbose --reg http://x a", ["a"], {}),
    ("--loglevel silent a", ["a"], {"silent": True}),
    ("--loglevel=error -L user a", ["a"], {}),
    ("--location=global", [], {"global_": True}),
    ("--cache --json a", ["a"], {}),  # a cache called --json, as for npm
    ("--no-dry-run --dry-run a", ["a"], {"dry_run": True}),
    ("--dry-run --no-dry-run a", ["a"], {"dry_run": False}),
    ("--no-save-dev -D a", ["a"], {"save_dev": True}),
    ("-D --save-dev=false a", ["a"], {"save_dev": False}),
    ("--save-dev=1", None, {}),
    ("--color always a", ["a"], {}),
    ("--color a", ["a"], {}),
    ("--color=always --no-color a", ["a"], {}),
    ("--prefix /p --no-bin-links a", ["a"], {"prefix": "/p", "bin_links": False}),
    ("--userconfig=/u -w x -w y", [], {"userconfig": "/u", "workspace": ("x", "y")}),
    ("a -- --no-audit", ["a", "--no-audit"], {}),
    ("- a", ["-", "a"], {}),
    ("-C sub --install-links a", ["a"], {"cwd": "sub", "copy": True}),
    ("--prefix", None, {}),
    ("--nosuch a", None, {}),
    ("--nosuch=1", None, {}),
    ("-z", None, {}),
]


def link_command() -> NpmCommand:
    """The link command, for its options."""
    found = cli.linkpack.get_command(click.Context(cli.linkpack), "link")
    assert isinstance(found, NpmCommand)
    return found


@pytest.mark.parametrize(("line", "specs", "flags"), LINES, ids=[line for line, _, _ in LINES])
def test_a_line_made_for_npm(line: str, specs: list[str] | None, flags: dict[str, object]) -> None:
    """Options of npm are dropped with their values, ours are read as npm reads them, others are an error."""
    try:
        found = link_command().make_context("link", line.split())
    except click.UsageError:
        assert specs is None
        return
    unset = {None, False, (), "."}
    params = {key: value for key, value in found.params.items() if key not in {"specs", "max_steps"}}
    assert specs == list(found.params["specs"])
    assert {key: value for key, value in params.items() if value not in unset or key in flags} == flags


@pytest.mark.differential
@pytest.mark.parametrize("command", ["link", "unlink"])
def test_the_documented_options_do_no_harm(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option that `npm help link` or `npm help unlink` lists is taken."""
    page = npm_root() / "docs/content/commands" / {"link": "npm-link.md", "unlink": "npm-uninstall.md"}[command]
    names = [
        line.strip("#` ") for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#### `")
    ]
    assert len(names) > 5
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("npm_config_prefix", str(tmp_path / "prefix"))
    for folder in ("app", "lib"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "package.json").write_text(json.dumps({"name": folder, "version": "1.0.0"}))
    # `unlink ../lib` is an error where nothing is linked to that folder.
    link([str(tmp_path / "lib")], str(tmp_path / "app"))
    for name in names:
        if name in {"global", "workspace", "workspaces", "include-workspace-root"}:  # they mean something here
            continue
        words = [f"--{name}"] if name in SWITCHES else [f"--{name}", "all"]
        line = [command, "-C", str(tmp_path / "app"), "--dry-run", *words, str(tmp_path / "lib")]
        done = CliRunner().invoke(cli.linkpack, line, standalone_mode=False)
        assert done.exception is None, (name, done.exception)
