from __future__ import annotations

from itertools import pairwise

import pytest

from linkpack.npm.semver import (
    MAX_LENGTH,
    MAX_SAFE_INTEGER,
    Version,
    clean_version,
    compare,
    compare_build,
    find_version_fault,
    parse_version,
)

ORDER = [  # section 11 of the standard, and what npm does beyond it
    "0.0.0-0",
    "0.0.0",
    "0.0.1",
    "0.1.0",
    "1.0.0-0",
    "1.0.0-0.0",
    "1.0.0-2",
    "1.0.0-10",
    "1.0.0-9007199254740990",
    "1.0.0-9007199254740991",
    "1.0.0-9007199254740992",
    "1.0.0-99999999999999999999",
    "1.0.0--",
    "1.0.0--1",
    "1.0.0-0a",
    "1.0.0-A",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "2.0.0",
    "10.0.0",
    f"{MAX_SAFE_INTEGER}.0.0",
]


def parsed(text: str) -> Version:
    version = parse_version(text)
    assert version is not None, text
    return version


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("1.2.3", Version(1, 2, 3)),
        ("0.0.0", Version(0, 0, 0)),
        ("v1.2.3", Version(1, 2, 3)),
        (" \t1.2.3\ufeff\n", Version(1, 2, 3)),
        ("1.2.3-beta.1", Version(1, 2, 3, ("beta", 1))),
        ("1.2.3-0a.-.--1", Version(1, 2, 3, ("0a", "-", "--1"))),
        ("1.2.3-a+b.01", Version(1, 2, 3, ("a",), ("b", "01"))),
        ("1.2.3+-", Version(1, 2, 3, (), ("-",))),
        ("1.2.3-9007199254740990", Version(1, 2, 3, (MAX_SAFE_INTEGER - 1,))),
        ("1.2.3-9007199254740991", Version(1, 2, 3, (str(MAX_SAFE_INTEGER),))),
        (f"{MAX_SAFE_INTEGER}.0.0", Version(MAX_SAFE_INTEGER, 0, 0)),
        ("1.2.3-" + "a" * (MAX_LENGTH - 6), Version(1, 2, 3, ("a" * (MAX_LENGTH - 6),))),
    ],
)
def test_a_version_comes_back_in_parts(text: str, want: Version) -> None:
    """A version comes back in parts, its pre-release numbers as numbers."""
    assert parse_version(text) == want


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "=1.2.3",
        "vv1.2.3",
        "V1.2.3",
        "v 1.2.3",
        "01.2.3",
        "1.02.3",
        "1.2.03",
        "1.2.3-",
        "1.2.3-01",
        "1.2.3-a..b",
        "1.2.3-a.",
        "1.2.3+",
        "1.2.3+a+b",
        "1.2.3-a_b",
        "1.2.3-é",
        "1.2.3beta",
        "-1.2.3",
        "1e3.0.0",
        "\u0661.\u0662.\u0663",
        "1.2.3\0",
        "\x1c1.2.3",
        "1.2.3\x85",
        f"{MAX_SAFE_INTEGER + 1}.0.0",
        "0.0.99999999999999999999",
        " " * MAX_LENGTH + "1.2.3",
        "1.2.3-" + "a" * (MAX_LENGTH - 5),
        "latest",
        "*",
    ],
)
def test_what_npm_reads_as_no_version_is_none(text: str) -> None:
    """What npm does not read as a version is None, never an error."""
    assert parse_version(text) is None


@pytest.mark.parametrize(
    ("text", "full", "public"),
    [
        ("v1.2.3", "1.2.3", "1.2.3"),
        (" 1.2.3-a.0+b.c ", "1.2.3-a.0+b.c", "1.2.3-a.0"),
        ("1.2.3+b", "1.2.3+b", "1.2.3"),
    ],
)
def test_the_text_of_a_version_is_canonical(text: str, full: str, public: str) -> None:
    """A version's text is canonical; build metadata is in it, but not in its public form."""
    assert str(parsed(text)) == full
    assert parsed(text).public == public


@pytest.mark.parametrize(("low", "high"), list(pairwise(ORDER)))
def test_each_version_comes_before_the_next(low: str, high: str) -> None:
    """Each version comes before the next of the list, and neither before nor after itself."""
    assert compare(parsed(low), parsed(high)) == -1
    assert compare(parsed(high), parsed(low)) == 1
    assert compare(parsed(low), parsed(low)) == 0


@pytest.mark.parametrize(
    ("left", "right", "want"),
    [
        ("1.0.0+a", "1.0.0+b", -1),
        ("1.0.0+2", "1.0.0+10", -1),
        ("1.0.0+a", "1.0.0", 1),
        ("1.0.0+01", "1.0.0+1", 0),
        ("1.0.0+a.b", "1.0.0+a.b", 0),
        ("1.0.0+1", "1.0.0+a", -1),
        ("2.0.0+a", "1.0.0+b", 1),
    ],
)
def test_build_metadata_orders_only_equal_versions(left: str, right: str, want: int) -> None:
    assert compare_build(parsed(left), parsed(right)) == want
    assert compare_build(parsed(right), parsed(left)) == -want


def test_numbers_that_javascript_rounds_to_one_are_equal() -> None:
    """Pre-release numbers that JavaScript rounds to one number are equal, whatever follows, as in npm."""
    left, right = parsed("1.0.0-9007199254740992.1"), parsed("1.0.0-9007199254740993.2")
    assert compare(left, right) == 0


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("1.2.3", "1.2.3"),
        ("=v 1.2.3", "1.2.3"),
        ("01.02.03-00", "1.2.3-0"),
        ("1.2.3beta", "1.2.3-beta"),
        ("1.2.3-", "1.2.3--"),
        ("1.2.3-a+b", "1.2.3-a"),
        ("V1.2.3", None),
        ("1.2", None),
        ("1.2.3+", None),
        ("1.2.3-099999999999999999999", None),
        (" " * MAX_LENGTH + "1.2.3", None),
    ],
)
def test_versions_are_cleaned_as_publishing_cleans_them(text: str, want: str | None) -> None:
    """What publishing cleans is cleaned; what it refuses is None."""
    assert clean_version(text) == want


@pytest.mark.parametrize("version", ["1.2.3", "0.0.0-0", "1.2.3-rc.1+b.01", "1.2.3-9007199254740993"])
def test_a_canonical_version_has_no_fault(version: str) -> None:
    assert find_version_fault(version) == ""


@pytest.mark.parametrize(
    ("version", "want"),
    [
        ("", "is empty"),
        ("1.0.0-" + "a" * 300, "is longer than 256 characters"),
        ("v1.2.3", "is not a semantic version"),
        ("1.2.3\n", "is not a semantic version"),
        ("1.2", "is not a semantic version"),
        ("latest", "is not a semantic version"),
        ("../1.0.0", "is not a semantic version"),
        ("1.0.0-a/b", "is not a semantic version"),
    ],
)
def test_any_other_version_has_a_fault(version: str, want: str) -> None:
    assert want in find_version_fault(version)
