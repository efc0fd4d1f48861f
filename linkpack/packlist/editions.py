"""Whose selection rules are known, and which of them a version of npm, or a range of versions, goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError
from linkpack.npm.ranges import parse_range
from linkpack.npm.semver import compare, parse_version

if TYPE_CHECKING:
    from linkpack.npm.ranges import Comparator
    from linkpack.npm.semver import Version
    from linkpack.packlist.npm_rules import Edition

NPM_RULES: tuple[Edition, Edition] = ("11", "12")  # oldest first


def rules_edition(npm_rules: str) -> Edition:
    """Return the edition of the selection rules, `"11"` or `"12"`, that the npm version *npm_rules* goes by.

    `LinkpackError` (ERULES) for a version without known rules.
    """
    for known in NPM_RULES:
        if npm_rules == known:
            return known
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - only odd values need it

    try:
        asked = Version(npm_rules)
    except InvalidVersion:
        asked = None
    if asked is None or asked < Version(NPM_RULES[0]):
        raise LinkpackError(
            f"no selection rules are known for npm {npm_rules}",
            code="ERULES",
            hint=f"known are those of npm {' and '.join(NPM_RULES)}",
        )
    return NPM_RULES[-1] if asked >= Version(NPM_RULES[-1]) else NPM_RULES[0]


def range_edition(wanted: str) -> Edition | None:
    """Return the newest edition that a version in the range *wanted* goes by; None for what is no range.

    Versions older than all editions go by the oldest, which is the nearest that is known:

        11.6.0, ^11, >=10 <12  ->  11      >=11, ^11 || ^12, *  ->  12      9.x  ->  11
    """
    found = parse_range(wanted)
    if found is None:
        return None
    newest = parse_version(f"{NPM_RULES[-1]}.0.0")
    is_newest = newest is not None and any(
        all(_reaches(bound, newest) for bound in comparators) for comparators in found.alternatives
    )
    return NPM_RULES[-1] if is_newest else NPM_RULES[0]


def _reaches(bound: Comparator, version: Version) -> bool:
    """True if *bound* allows *version* or something above it."""
    return bound.operator.startswith(">") or compare(bound.version, version) > (0 if bound.operator == "<" else -1)
