"""Name the edition of npm's selection rules that a version of npm has."""

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


def find_edition(npm_rules: str) -> Edition:
    """Return the edition of the rules of the npm version *npm_rules*.

    >>> find_edition("11"), find_edition("12.2.0"), find_edition("11.6")
    ('11', '12', '11')

    Raises `LinkpackError` (ERULES) for a version without known rules.
    """
    for known in NPM_RULES:
        if npm_rules == known:
            return known
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - 1.6 ms, for odd values only

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


def find_range_edition(wanted: str) -> Edition | None:
    """Return the newest edition of the npm versions in the range *wanted*.

    None if *wanted* is no range. Versions older than all editions have the oldest one, which is the nearest known:

    >>> [find_range_edition(wanted) for wanted in ("^11", ">=10 <12", "^11 || ^12", "*", "9.x", "latest")]
    ['11', '11', '12', '12', '11', None]
    """
    versions = parse_range(wanted)
    if versions is None:
        return None
    newest = parse_version(f"{NPM_RULES[-1]}.0.0")
    # A range may reach it by versions that do not exist yet, such as those of npm 13.
    is_newest = newest is not None and any(
        all(_reaches(bound, newest) for bound in comparators) for comparators in versions.alternatives
    )
    return NPM_RULES[-1] if is_newest else NPM_RULES[0]


def _reaches(bound: Comparator, version: Version) -> bool:
    """Return True if *bound* allows *version* or a newer one."""
    return bound.operator.startswith(">") or compare(bound.version, version) > (0 if bound.operator == "<" else -1)
