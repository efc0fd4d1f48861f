"""What npm makes of a spec; tests/differential/test_spec_parser_npm.py asks npm itself."""

from __future__ import annotations

import pytest

from linkpack.npm.specs import Spec, allows, make_exact, parse_spec


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "registry"),
        ("^1.2.0 || 3", "registry"),
        ("latest", "registry"),
        ("npm:@scope/a@^1", "alias"),
        ("file:../a", "file"),
        ("~/a", "file"),
        ("C:/a", "file"),
        ("a.tgz", "file"),
        ("user/repository#main", "git"),
        ("github:user/repository", "git"),
        ("git@github.com:user/repository", "git"),
        ("git+ssh://host/a.git", "git"),
        ("https://github.com/user/repository", "git"),
        ("https://host/a.tgz", "remote"),
        ("workspace:*", ""),
        ("npm:npm:a", ""),
        ("user/repository#a::b", ""),
        ("a b!c%", ""),
    ],
)
def test_a_spec_has_the_kind_that_npm_gives_it(text: str, kind: str) -> None:
    """A spec has the kind that npm gives it, and a reason if it has none."""
    spec = parse_spec(text)
    assert (spec.kind, bool(spec.fault)) == (kind, kind == "")


def test_an_alias_has_a_name_and_a_spec() -> None:
    """Behind `npm:` there are both, and the spec may be left out."""
    assert parse_spec("npm:@scope/a@^1") == Spec("alias", name="@scope/a", wanted="^1")
    assert parse_spec("npm:a") == Spec("alias", name="a", wanted="*")


@pytest.mark.parametrize(
    ("spec", "version", "is_allowed"),
    [
        ("*", "not a version", True),
        ("^1", "1.2.3", True),
        ("^1", "2.0.0", False),
        ("npm:a@^1", "1.2.3", True),
        ("npm:.a@^1", "1.2.3", False),
        ("latest", "1.2.3", False),
        ("file:../a", "1.2.3", False),
        ("^1", "not a version", False),
    ],
)
def test_only_ranges_allow_a_bundled_version(spec: str, version: str, *, is_allowed: bool) -> None:
    """Only a range, or an alias with one, allows a bundled version."""
    assert allows(spec, version) is is_allowed


def test_exact_allows_the_version_it_is_made_of() -> None:
    """A version that only publishing takes is cleaned; any other text has no spec."""
    assert [make_exact(text) for text in ("1.2.3+b", "=1.2.3", "1.2")] == ["1.2.3+b", "1.2.3", ""]
    assert allows(make_exact("=1.2.3"), "=1.2.3")
