"""The pattern dialect is that of the installed npm's minimatch, its faults apart."""

from __future__ import annotations

import random

import pytest

from linkpack.glob.pattern import compile_glob, matches_file, matches_folder, may_hold
from linkpack.glob.portion_matcher import fold
from tests.support.npm import run_node

pytestmark = pytest.mark.differential

# What ignore-walk asks of a pattern, for files, for directories, and on the way down.
SCRIPT = """
const { Minimatch } = use('minimatch');
const [pattern, paths] = request;
const options = { matchBase: true, dot: true, flipNegate: true, nocase: true, nonegate: true, nocomment: true };
const mm = new Minimatch(pattern, options);
const relative = mm.globParts.some((parts) => parts.length <= (parts.at(-1) ? 1 : 2));
return [relative, paths.map((path) => [
  mm.match('/' + path) || mm.match(path),
  mm.match('/' + path + '/') || mm.match(path + '/'),
  mm.match('/' + path, true) || mm.match(path, true),
])];
"""
NAMES = ("a", "b", "A", ".", "-", "é", "😀", "js", "i", "(", ")", "+", "@", "{", "}", ",", "#", " ", "$", "^", "1")
SPECIAL = (
    *(
        "*",
        "?",
        "**",
        "***",
        "[ab]",
        "[!a]",
        "[^a]",
        "[a-c]",
        "[",
        "[]a]",
        "[b-a]",
        "..",
        "*.js",
        "?.js",
        ".*",
        "(",
    ),
    *(
        "{a,b}",
        "{1..3}",
        "{",
        "}",
        "{,x}",
        "{{a,b},c}",
        "{a},b}",
        "${a,b}",
        "+(",
        "|",
        "[[:alpha:]]",
        "[[:digit:]a]",
    ),
    *("+(a|b)", "*(a)", "?(b)", "@(a|js)", "!(a)", "!(a|b)", "!(*.js)", "*(?(a)|b)", "+(@(a)b)"),
)
LIKELY = (("**", "a/b"), ("*", "a"), ("?", "b"), ("[ab]", "a"), ("+(a|b)", "ab"), ("{a,b}", "a"), ("!(a)", "b"))


def name(source: random.Random) -> str:
    """A name for a file."""
    made = "".join(source.choice(NAMES) for _ in range(source.randint(1, 3)))
    return "a" if made in {".", ".."} else made


def pattern_and_paths(source: random.Random) -> tuple[str, list[str]]:
    """A pattern, and paths of which some are likely to match."""
    portions = []
    for _ in range(source.choice((1, 1, 1, 2, 2, 3, 4))):
        pieces = [
            source.choice(SPECIAL) if source.random() < 0.6 else name(source) for _ in range(source.randint(1, 3))
        ]
        portions.append(source.choice((name(source), "**", "".join(pieces), "".join(pieces))))
    pattern = source.choice(("", "", "", "/")) + "/".join(portions) + source.choice(("", "", "", "/"))
    paths = ["/".join(name(source) for _ in range(source.randint(1, 3))) for _ in range(3)]
    for _ in range(3):
        path = pattern
        for old, new in LIKELY:
            path = path.replace(old, new) if source.random() < 0.8 else path
        paths.append("/".join(part for part in path.split("/") if part not in {"", ".", ".."}) or "a")
    return pattern, paths


@pytest.mark.parametrize("seed", range(3))
def test_minimatch(seed: int) -> None:
    """Random patterns match the paths, and the directories on the way, that minimatch's match."""
    source = random.Random(seed)  # noqa: S311 - a test's data
    cases = [pattern_and_paths(source) for _ in range(4000)]
    # A class with a POSIX name and a quoted character throws in minimatch.
    cases = [case for case in cases if "[:" not in case[0] or not set(case[0]) & set("-,#&!@ ")]
    for (pattern, paths), answer in zip(cases, run_node(SCRIPT, list(cases)), strict=True):
        glob = compile_glob(pattern)
        split = [tuple(fold(path).split("/")) for path in paths]
        asked = [[matches_file(glob, one), matches_folder(glob, one), may_hold(glob, one)] for one in split]
        assert [glob.relative, asked] == answer, pattern
