"""Whose selection rules are known, and which of them a version of npm goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from linkpack.select.selection import Edition

NPM_RULES: tuple[Edition, Edition] = ("11", "12")  # oldest first


def rules_edition(npm_rules: str) -> Edition:
    """The edition of the selection rules, `"11"` or `"12"`, that the npm version *npm_rules* goes by.

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
