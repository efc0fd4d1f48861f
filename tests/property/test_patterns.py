"""Laws of the pattern language on generated patterns, against the plainest reference that could do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.glob.braces import expand_braces
from linkpack.glob.pattern import compile_glob, matches_file
from linkpack.packlist.ignore import RuleSet, make_rules
from linkpack.packlist.pathspec_pattern import find_last_match
from linkpack.packlist.precedence import (
    Candidate,
    add_directory,
    find_applicable_rules,
    find_deciding_set,
    judge_files,
    keeps,
)
from linkpack.packlist.rule_index import applies

if TYPE_CHECKING:
    from linkpack.packlist.precedence import DirectoryRules

pytestmark = pytest.mark.property
quick = settings(derandomize=True, deadline=None, max_examples=300)

names = st.text("ABX.", min_size=1, max_size=6).filter(lambda name: name not in {".", ".."})
paths = st.lists(names, min_size=1, max_size=4).map(tuple)
portions = st.text("abx.*?", min_size=1, max_size=6).filter(lambda text: text not in {".", ".."})
patterns = st.lists(st.one_of(st.just("**"), portions), min_size=1, max_size=5).map("/".join)


def regex(pattern: str) -> str:
    """The pattern as a regular expression that may backtrack, on paths with a slash before each portion."""
    made = ""
    parts = pattern.split("/")
    for index, portion in enumerate(parts):
        if portion == "**":
            made += "(/[^/]+)+" if index == len(parts) - 1 else "(/[^/]+)*"
        else:
            some = "(?=[^/])"  # no portion of a path is empty
            made += (
                "/" + some + "".join({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)) for char in portion)
            )
    return made


@quick
@given(patterns, paths)
def test_stars_match_as_a_regular_expression_says(pattern: str, parts: tuple[str, ...]) -> None:
    """Whatever order stars and double stars come in, a pattern matches what its regular expression does."""
    tried = parts if "/" in pattern or pattern == "**" else parts[-1:]
    # Of two ** that are neighbours one does nothing.
    plain = re.sub(r"\*\*(/\*\*)+", "**", pattern)
    wanted = re.fullmatch(regex(plain.upper()), "".join(f"/{part}" for part in tried)) is not None
    assert matches_file(compile_glob(pattern), parts) is wanted


@quick
@given(
    st.lists(st.lists(st.text("ab", max_size=2), min_size=2, max_size=3), max_size=4), st.text("cd", max_size=2)
)
def test_braces_are_a_product(groups: list[list[str]], tail: str) -> None:
    """Groups of braces side by side give each choice of members, in order."""
    wanted = [""]
    for group in groups:
        wanted = [before + member for before in wanted for member in group]
    pattern = "".join("{" + ",".join(group) + "}" for group in groups) + tail
    assert expand_braces(pattern) == [
        one for one in dict.fromkeys(one + tail for one in wanted) if one or not groups
    ]


@quick
@given(
    st.lists(st.tuples(st.sampled_from(["", "!", "/"]), patterns, st.sampled_from(["", "/"])), max_size=6), paths
)
def test_the_last_rule_that_matches_decides(texts: list[tuple[str, str, str]], parts: tuple[str, ...]) -> None:
    """A set answers each question like its last matching rule, and pathspec names that rule."""
    rules = RuleSet(make_rules(["".join(text) for text in texts], ""))
    last = [rule for rule in rules.rules if applies(rule, parts, "file")]
    assert rules.keeps_file(parts) is (last[-1].negated if last else None)
    assert (
        find_last_match(rules, "/".join(parts)) == rules.last_match(parts, "file") == (last[-1] if last else None)
    )
    for question in ("folder", "maybe"):
        last = [rule for rule in rules.rules if applies(rule, parts, question)]
        assert rules.keeps_folder(parts, question) is (last[-1].negated if last else None)


def test_many_stars_in_one_portion() -> None:
    """However many stars a portion has, each still finds its place: no number of theirs is read as a character."""
    for count in (99, 100, 101, 300, 450):
        glob = compile_glob("*a*b" * count)
        assert matches_file(glob, ("XAXB" * count,))
        assert not matches_file(glob, ("XAXB" * (count - 1) + "XAX",))


@st.composite
def draw_rules(draw: st.DrawFn) -> tuple[tuple[str, ...], tuple[DirectoryRules, ...]]:
    """Draw the parts of a path, and the rules of the directories above it, mostly about names of that path."""
    parts = tuple(draw(st.lists(st.sampled_from("ABC"), min_size=1, max_size=6)))
    name = st.sampled_from([*parts, "*", "**", "?"])
    text = st.builds(
        lambda sign, root, names: sign + root + "/".join(names),
        st.sampled_from(["", "!"]),
        st.sampled_from(["", "/"]),
        st.lists(name, min_size=1, max_size=3),
    )
    rules = st.lists(text, max_size=3).map(lambda texts: RuleSet(make_rules(texts, "")))
    plain = tuple(draw(st.lists(st.lists(text, min_size=1, max_size=4), min_size=1, max_size=2)))
    # What is built in looks at one or two names: only that may be asked at the last depths alone.
    shared = tuple(
        RuleSet(make_rules([each for each in texts if "/" not in each.lstrip("!/")], "")) for texts in plain
    )
    directories: tuple[DirectoryRules, ...] = ()
    for _ in parts:
        sets = shared if draw(st.integers(0, 2)) else tuple(draw(st.lists(rules, min_size=1, max_size=3)))
        directories = add_directory(directories, sets, is_open=draw(st.booleans()))
    return parts, directories


@settings(quick, max_examples=1000)
@given(draw_rules())
def test_files_are_judged_together_as_each_by_itself(
    asked: tuple[tuple[str, ...], tuple[DirectoryRules, ...]],
) -> None:
    """All files of a directory are judged at once, with the verdict and the deciding set of each."""
    parts, directories = asked
    wanted = keeps(Candidate("/".join(parts), parts, directories), "file")
    verdicts = judge_files(find_applicable_rules(directories, parts[:-1]), parts[:-1], [parts[-1], "OTHER"])
    assert (parts[-1] in verdicts.kept) is wanted
    if not wanted:
        assert verdicts.blamed[parts[-1]] == find_deciding_set(
            Candidate("/".join(parts), parts, directories), "file"
        )
