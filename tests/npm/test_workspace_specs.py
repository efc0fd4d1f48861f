"""What takes the place of `workspace:` specs."""

from __future__ import annotations

import pytest

from linkpack.npm.protocols import Supplied, UnresolvableError
from linkpack.npm.workspace_specs import WorkspaceSpecs

LIB = Supplied("lib", "1.2.3", "/repo/packages/lib")
OTHER = Supplied("other", "2.0.0", "/repo/packages/other")
BARE = Supplied("bare", "", "/repo/packages/bare")
SPECS = WorkspaceSpecs(
    folder="/repo/packages/app",
    key="lib",
    workspaces={package.name: package for package in (LIB, OTHER, BARE)},
    answer=None,
    installed=None,
    binding=False,
)


@pytest.mark.parametrize(
    ("spec", "want", "package"),
    [
        ("workspace:*", "1.2.3", LIB),
        ("workspace:", "1.2.3", LIB),
        ("workspace:^", "^1.2.3", LIB),
        ("workspace:~", "~1.2.3", LIB),
        ("workspace:^0.9", "^0.9", LIB),
        ("workspace:other@^", "npm:other@^2.0.0", OTHER),
        ("workspace:../other", "npm:other@2.0.0", OTHER),
        ("workspace:packages/other", "npm:other@2.0.0", OTHER),
        ("^0.9 || workspace:^", "^0.9 || ^1.2.3", LIB),
        ("^0.9", "^0.9", None),
    ],
)
def test_workspace_specs_become_what_pnpm_publishes(spec: str, want: str, package: Supplied | None) -> None:
    """Ranges stay, shorthands get the version, names and paths of other packages become aliases."""
    assert SPECS.resolve(spec) == (want, package)


@pytest.mark.parametrize(
    ("spec", "code"), [("workspace:none@*", "EWORKSPACESPEC"), ("workspace:bare@*", "ENOVERSION")]
)
def test_a_missing_workspace_or_version_is_an_error(spec: str, code: str) -> None:
    """There must be such a workspace, and it needs a version where that is written."""
    with pytest.raises(UnresolvableError) as caught:
        SPECS.resolve(spec)
    assert caught.value.code == code


def test_what_is_installed_comes_last() -> None:
    """A package that is no workspace is taken if it is installed as the key."""
    there = SPECS._replace(key="dep", installed=Supplied("dep", "3.0.0"))
    assert there.resolve("workspace:^")[0] == "^3.0.0"


def test_a_binding_answer_is_named_exactly_when_the_range_excludes_it() -> None:
    """A bundled copy must satisfy what is written."""
    bundled = SPECS._replace(answer=Supplied("lib", "1.2.3"), binding=True)
    assert [bundled.resolve(spec)[0] for spec in ("workspace:^1", "workspace:^2")] == ["^1", "1.2.3"]
    assert bundled._replace(binding=False).resolve("workspace:^2")[0] == "^2"
