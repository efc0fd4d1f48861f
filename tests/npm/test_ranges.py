from __future__ import annotations

import pytest

from linkpack.npm.ranges import parse_range, satisfies


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("", ""),
        ("*", ""),
        ("x.x", ""),
        (" || ", ""),
        ("~x.1", ""),
        (">=0", ""),
        ("1.2.3", "1.2.3"),
        ("= v1.2.3+build", "1.2.3"),
        ("\u00a01.2.3\ufeff", "1.2.3"),
        ("1", ">=1.0.0 <2.0.0-0"),
        ("=1.x", ">=1.0.0 <2.0.0-0"),
        ("1.2", ">=1.2.0 <1.3.0-0"),
        (">1", ">=2.0.0"),
        (">1.2.*", ">=1.3.0"),
        (">=1.2", ">=1.2.0"),
        ("<1.2", "<1.2.0-0"),
        ("<=1.2", "<1.3.0-0"),
        ("<=1", "<2.0.0-0"),
        (">*", "<0.0.0-0"),
        ("^1.2.3", ">=1.2.3 <2.0.0-0"),
        ("^0.2.3", ">=0.2.3 <0.3.0-0"),
        ("^0.0.3-a", ">=0.0.3-a <0.0.4-0"),
        ("^0.0", "<0.1.0-0"),
        ("^0.x", "<1.0.0-0"),
        ("^1.2", ">=1.2.0 <2.0.0-0"),
        ("^ 1", ">=1.0.0 <2.0.0-0"),
        ("~1.2.3-a", ">=1.2.3-a <1.3.0-0"),
        ("~> 1.2", ">=1.2.0 <1.3.0-0"),
        ("~=1", ">=1.0.0 <2.0.0-0"),
        ("1.2.3 - 2.3.4", ">=1.2.3 <=2.3.4"),
        ("1.2 - 2.3", ">=1.2.0 <2.4.0-0"),
        ("1 - 2", ">=1.0.0 <3.0.0-0"),
        ("1.2.3-a - 2.3.4-b", ">=1.2.3-a <=2.3.4-b"),
        ("x - 2.3.4", "<=2.3.4"),
        ("1.2.3 - x", ">=1.2.3"),
        (">= 1.2.3 < 2", ">=1.2.3 <2.0.0-0"),
        ("> =1.2.3", ">=1.2.3"),
        ("= =1.x", ">=1.0.0 <2.0.0-0"),
        ("1.2.3 1.2.3", "1.2.3"),
        (">1.0.0 <* 2", "<0.0.0-0"),
        ("1.2.3* ", "1.2.3"),
        ("1.2.3-v= *", "1.2.3-v"),
        ("^1 || ^2", ">=1.0.0 <2.0.0-0||>=2.0.0 <3.0.0-0"),
        ("<* || ^2", ">=2.0.0 <3.0.0-0"),
        ("<* || >*", "<0.0.0-0"),
        ("1.2.3-a || *", ""),
        ("<=9007199254740990", "<9007199254740991.0.0-0"),
    ],
)
def test_the_text_of_a_range_is_its_bounds(text: str, want: str) -> None:
    """A range's text is its bounds spelled out, as npm spells them."""
    assert str(parse_range(text)) == want


@pytest.mark.parametrize(
    "text",
    [
        "latest",
        "workspace:*",
        "git+https://github.com/u/r.git",
        "1.2.3.4",
        "01.2.3",
        "1.2.3beta",
        "1.2.3-01",
        "x.1",
        "1.x.3",
        "~",
        "^",
        ">",
        ">> 1",
        "==1.2.3",
        "=<1.2.3",
        "> = 1.2.3",
        "^>1",
        "1 -2",
        "1.2.3 - =2.3.4",
        ">=1 && <2",
        ">=1, <2",
        "1 || latest",
        "9007199254740992.0.0",
        "^9007199254740991",
        "1." + "9" * 5000,
        "^1.2.3-" + "a" * 300,
        "\x1c1.2.3",
    ],
)
def test_what_npm_reads_as_no_range_is_none(text: str) -> None:
    """What npm does not read as a range is None, and no version is in it."""
    assert parse_range(text) is None
    assert not satisfies("1.2.3", text)


@pytest.mark.parametrize(
    ("version", "wanted", "want", "with_prereleases"),
    [
        ("1.2.3", "*", True, True),
        ("1.2.3", "^1", True, True),
        ("2.0.0", "^1", False, False),
        ("v1.2.3", " 1.2.3 ", True, True),
        ("1.2", "*", False, False),
        ("1.2.3+b", "1.2.3+c", True, True),
        ("1.2.3", "<1.2.3", False, False),
        ("1.2.3", ">1.2.3", False, False),
        ("1.2.3", "<=1.2.3", True, True),
        ("1.2.4", "<=1.2.3", False, False),
        ("1.2.4", ">=1.2.3 <1.2.4 || 1.2.4", True, True),
        ("1.2.3-b", "*", False, True),
        ("1.2.3-b", ">=1.2.3-a", True, True),
        ("1.2.4-b", ">=1.2.3-a", False, True),
        ("2.0.0-b", "^1.2.3-a", False, False),
        ("1.2.3-b", "1.2.3-b || *", False, True),
        ("1.2.0-b", "1.2", False, True),
        ("1.2.0-b", "~1.2", False, True),
        ("2.0.0-b", ">1", False, True),
        ("1.2.0-b", "1.2 - 2", False, True),
        ("1.2.3-b", "1.2.3 - 2", False, True),
        ("2.0.0-b", "1 - 2.0.0", False, True),
        ("2.0.1-b", "1 - 2.0.0", False, False),
        ("2.0.0-b", "1 - 2.0.0-a", False, False),
        ("0.0.0-a", ">=0.0.0 <0.0.0-b", True, False),
        ("0.0.0-a", ">=0.0.0-0", True, True),
    ],
)
def test_a_version_is_in_a_range_by_npms_rules(
    version: str, wanted: str, *, want: bool, with_prereleases: bool
) -> None:
    """A version is in a range by npm's rules, pre-releases only where one of that version is named."""
    assert satisfies(version, wanted) == want
    assert satisfies(version, wanted, include_prerelease=True) == with_prereleases
