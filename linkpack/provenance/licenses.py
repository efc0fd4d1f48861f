"""Read what a package.json says of its license."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.npm.license_expression import read_license_expression
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


class License(Record):
    """A license: an SPDX *expression*, or *words* that are none.

    Both are "" when the manifest names no license.
    """

    expression: str
    words: str


def read_license(members: Mapping[str, object]) -> License:
    """Return the license in the *members* of a package.json.

    `license` is a text or, in old packages, an object with a type. `licenses` is a list of such; a user may choose
    one. npm's "UNLICENSED" and "SEE LICENSE IN <file>" are words.

    >>> read_license({"licenses": [{"type": "MIT"}, {"type": "isc"}]})
    License(expression='(MIT OR ISC)', words='')
    >>> read_license({"license": "SEE LICENSE IN terms.txt"})
    License(expression='', words='SEE LICENSE IN terms.txt')
    """
    words = _read_words(members.get("license"))
    licenses = members.get("licenses")  # the form of old packages, which npm has deprecated
    if not words and isinstance(licenses, list):
        choices = [text for license_ in licenses if (text := _read_words(license_))]
        words = f"({' OR '.join(choices)})" if len(choices) > 1 else "".join(choices)
    expression = read_license_expression(words)
    return License(expression, "" if expression else words)  # never both: the formats have one place for each


def _read_words(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("type")
    return value.strip() if isinstance(value, str) else ""
