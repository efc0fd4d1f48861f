"""Brace expansion: what expands, what stays text, and what is refused."""

from __future__ import annotations

import pytest

from linkpack import limits
from linkpack.errors import LinkpackError
from linkpack.glob.braces import expand_braces


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a", ["a"]),
        ("a{b,c}d", ["abd", "acd"]),
        ("a{b,}c", ["abc", "ac"]),
        ("{a,b}{1,2}", ["a1", "a2", "b1", "b2"]),
        ("{a,{b,c}d}", ["a", "bd", "cd"]),
        ("{{a,b},c}", ["a", "b", "c"]),
        ("x{{a,b}}y", ["x{a}y", "x{b}y"]),
        ("{a,{b,c}", ["{a,b", "{a,c"]),
        ("{x{a,b}{c,d}", ["{xac", "{xad", "{xbc", "{xbd"]),
        ("{1..3}", ["1", "2", "3"]),
        ("{3..1}", ["3", "2", "1"]),
        ("{01..3}", ["01", "02", "03"]),
        ("{-01..1}", ["-01", "000", "001"]),
        ("{1..7..3}", ["1", "4", "7"]),
        ("{1..3..0}", ["1", "2", "3"]),
        ("{7..1..-3}", ["7", "4", "1"]),
        ("{a..e..2}", ["a", "c", "e"]),
        ("{Z..a}", ["Z", "[", "]", "^", "_", "`", "a"]),
        ("{a}", ["{a}"]),
        ("{}", ["{}"]),
        ("{},a}b", ["{},a}b"]),
        ("a{},b}c", ["a}c", "abc"]),
        ("{a},b}", ["a}", "b"]),
        ("{a}{b,c}", ["{a}b", "{a}c"]),
        ("${a,b}", ["${a,b}"]),
        ("${a,b}{c,d}", ["${a,b}c", "${a,b}d"]),
        ("\\{a,b}", ["{a,b}"]),
        ("{a\\,b,c}", ["a,b", "c"]),
        ("{a\\\\,b}", ["a\\", "b"]),
        ("\\{a", ["\\{a"]),
        ("}a{", ["}a{"]),
        ("{a,a}", ["a"]),
        ("{,}", []),
        ("\ue000{a,b}", ["\ue000a", "\ue000b"]),
    ],
)
def test_braces_expand_as_in_npm(pattern: str, expected: list[str]) -> None:
    """Empty results, which match nothing, are dropped."""
    assert expand_braces(pattern) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "{1..1000000}",
        "{1..100000000}",
        "{1..99999999999999999999}",
        "{1..1000000..0}",
        "{a,b}" * 26,
        "{" + "a" * 2000 + ",b}" + "{1..999}",
        "{a," * 60 + "b" + "}" * 60,
        "{" * 20_000 + "}" * 20_000,
    ],
)
def test_a_pattern_of_too_many_results_is_refused(pattern: str) -> None:
    with pytest.raises(LinkpackError, match="cannot be used") as caught:
        expand_braces(pattern)
    assert caught.value.code == "EPATTERN"


def test_many_expansions_are_refused_together() -> None:
    """The results of each are counted as work."""
    assert expand_braces("{1..9000}") == [str(number) for number in range(1, 9001)]
    with limits.within(limits.Limits()), pytest.raises(LinkpackError) as caught:
        _expand_all([f"{each}{{1..9000}}" for each in "abcdefghij"])
    assert caught.value.code == "ELIMIT"


def _expand_all(patterns: list[str]) -> None:
    for each in patterns:
        expand_braces(each)
