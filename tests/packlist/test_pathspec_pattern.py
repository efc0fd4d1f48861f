"""pathspec: it names the rule for `why`, and no other command loads it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from linkpack.packlist.ignore import RuleSet, parse_rules
from linkpack.packlist.pathspec_pattern import find_last_match

if TYPE_CHECKING:
    from pathlib import Path

LOADED = """
import sys
from linkpack.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print("pathspec" in sys.modules)
"""


def test_pathspec_finds_the_last_match() -> None:
    """A slash behind a path makes it a directory."""
    rules = RuleSet(parse_rules("*.js\n!a.js\nlib/\n", ".npmignore"))
    numbers = {
        path: rules.rules.index(rule) for path in PATHS if (rule := find_last_match(rules, path)) is not None
    }
    assert numbers == {"x/b.js": 0, "a.js": 1, "x/lib/": 2}


PATHS = ("x/b.js", "a.js", "lib", "x/lib/", "c")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["pack", "--dry-run"], "False"),
        (["why", "a.log"], "True"),
    ],
)
def test_only_why_loads_pathspec(tmp_path: Path, arguments: list[str], expected: str) -> None:
    """A project with ignore rules is packed without a second matcher."""
    (tmp_path / "package.json").write_text('{"name": "a", "version": "1.0.0"}')
    (tmp_path / ".npmignore").write_text("*.log\n!b.log\n")
    for name in ("a.log", "b.log", "c.js"):
        (tmp_path / name).write_text("")
    run = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.stdout.splitlines()[-1] == expected, run.stderr
