"""What a package.json says of its license: an SPDX expression, or words that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 1000  # characters of an expression that is looked at


class License(NamedTuple):
    """A license: the SPDX *expression*, or the *words* that stand in its place; both empty: nothing is said."""

    expression: str
    words: str


def read_license(members: Mapping[str, object]) -> License:
    """The license in the *members* of a package.json.

    `license` is a text or, as in old packages, an object with a type; `licenses` is a list of such, of which a
    user may choose one. npm's "UNLICENSED" and "SEE LICENSE IN <file>" are words.
    """
    words = _words(members.get("license"))
    many = members.get("licenses")
    if not words and isinstance(many, list):
        found = [text for each in many if (text := _words(each))]
        words = f"({' OR '.join(found)})" if len(found) > 1 else "".join(found)
    expression = _expression(words)
    return License(expression, "" if expression else words)


def _words(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("type")
    return value.strip() if isinstance(value, str) else ""


def _expression(words: str) -> str:
    """*words* as an SPDX expression in its usual form; empty when it is none."""
    if not words or len(words) > _LONGEST:
        return ""
    from packaging.licenses import (  # noqa: PLC0415 - a table of all licenses, which only an SBOM needs
        InvalidLicenseExpression,
        canonicalize_license_expression,
    )

    try:
        return str(canonicalize_license_expression(words))
    except InvalidLicenseExpression:
        return ""
