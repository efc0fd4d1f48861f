"""Versions as npm reads them: semantic versioning 2.0.0 with node-semver's few liberties and limits.

Ranges are in `linkpack.npm.ranges`. The rules were measured on node-semver 7.8.5, the one inside npm 11.19.1.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_LENGTH = 256
"""Characters in the longest text that is read as a version; npm's own limit."""

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest major, minor or patch number: what a JavaScript number holds exactly."""

_SHORT = 15  # digits: any such number is below the limit

_QUADS = "".join(map(chr, range(0x2000, 0x200B)))
WHITESPACE = f"\t\n\v\f\r \u00a0\u1680{_QUADS}\u2028\u2029\u202f\u205f\u3000\ufeff"
"""What JavaScript trims. Python's own set has U+001C to U+001F and U+0085 too, and lacks U+FEFF."""

_NUMBER = "(0|[1-9][0-9]*)"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_BUILD = rf"(?:\+({_IDENTIFIERS}))?"
_STRICT = rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_IDENTIFIERS}))?{_BUILD}"
_LOOSE = rf"[v={WHITESPACE}]*([0-9]+)\.([0-9]+)\.([0-9]+)(?:-?({_IDENTIFIERS}))?{_BUILD}"


class Version(NamedTuple):
    """A version's parts; order them with `compare`, never with `<`, which knows nothing of pre-releases.

    A pre-release identifier is an int when it is a number below `MAX_SAFE_INTEGER`, else a str.
    """

    major: int
    minor: int
    patch: int
    prerelease: tuple[int | str, ...] = ()
    build: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The version in canonical form, with its build metadata."""
        return self.public + ("+" + ".".join(self.build) if self.build else "")

    @property
    def public(self) -> str:
        """The version in canonical form, without its build metadata: what a registry files it under."""
        numbers = f"{self.major}.{self.minor}.{self.patch}"
        return numbers + ("-" + ".".join(map(str, self.prerelease)) if self.prerelease else "")


def parse_version(text: str) -> Version | None:
    """The version that *text* spells, or None when npm's strict reading has none.

    White space around it and one leading "v" are allowed, "=" is not. None also for more than `MAX_LENGTH`
    characters, numbers above `MAX_SAFE_INTEGER`, and numbers with leading zeros (except in build metadata).
    """
    return plain_version(text) or _parse(_STRICT, text)


def plain_version(text: str) -> Version | None:
    """The version that *text* spells when it is three numbers, not long ones, and dots; None for any other text.

    Nearly all versions are: they are read without a pattern, whose compilation a short run would feel.
    """
    parts = text.split(".")
    if len(parts) != 3 or not text.isascii():  # noqa: PLR2004 - major, minor, patch
        return None
    for part in parts:
        if not part.isdigit() or len(part) > _SHORT or (part[0] == "0" and part != "0"):
            return None
    return Version(int(parts[0]), int(parts[1]), int(parts[2]))


def valid(text: str) -> str | None:
    """The canonical form of the version *text*, without build metadata; None when it is no version."""
    version = parse_version(text)
    return None if version is None else version.public


def cleaned(text: str) -> str | None:
    """Return the version under which `npm publish` files a manifest that has *text*; None when it refuses.

    Publishing is more liberal than `parse_version`: "=v1.2.3", "01.2.3" and "1.2.3beta" are cleaned, and build
    metadata is cut off (measured on npm 11.19.1). `npm pack` takes any text at all and cleans nothing.
    """
    version = _parse(_LOOSE, text)
    return None if version is None else valid(version.public)


def version_fault(version: str) -> str:
    """Say why a manifest's *version* is not acceptable, to be read after the version; "" when it is fine.

    Fine is semver 2.0.0 to the letter: `npm pack` asks nothing, but names the tarball after the text as it is
    written, and `npm publish` then cleans it (see `cleaned`) or refuses it.
    """
    if version == "":
        return "is empty"
    if len(version) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    parsed = parse_version(version)
    if parsed is not None and str(parsed) == version:
        return ""
    return "is not a semantic version like 1.2.3 or 1.2.3-beta.1"


def compare(left: Version, right: Version) -> int:
    """-1, 0 or 1 as *left* comes before, with or after *right*; build metadata does not count."""
    if left[:3] != right[:3]:
        return -1 if left[:3] < right[:3] else 1
    if not left.prerelease or not right.prerelease:
        return bool(right.prerelease) - bool(left.prerelease)
    return _compare_identifiers(left.prerelease, right.prerelease)


def compare_build(left: Version, right: Version) -> int:
    """-1, 0 or 1 as with `compare`; versions that are equal there are ordered by build metadata."""
    return compare(left, right) or _compare_identifiers(left.build, right.build)


def _parse(grammar: str, text: str) -> Version | None:
    """The version in *text* by *grammar*, None when it does not match or a number is out of bounds."""
    if len(text) > MAX_LENGTH:
        return None
    match = re.fullmatch(grammar, text.strip(WHITESPACE))
    if match is None:
        return None
    major, minor, patch = (int(number) for number in match.group(1, 2, 3))
    if max(major, minor, patch) > MAX_SAFE_INTEGER:
        return None
    prerelease = match[4].split(".") if match[4] else []
    if grammar == _STRICT and any(part[0] == "0" and part != "0" and part.isdecimal() for part in prerelease):
        return None
    build = tuple(match[5].split(".")) if match[5] else ()
    return Version(major, minor, patch, tuple(_identifier(part) for part in prerelease), build)


def _identifier(text: str) -> int | str:
    """*text* as a number when it is one that JavaScript holds exactly, else as it is."""
    if text.isdecimal() and int(text) < MAX_SAFE_INTEGER:
        return int(text)
    return text


def _compare_identifiers(left: tuple[int | str, ...], right: tuple[int | str, ...]) -> int:
    """-1, 0 or 1 for dotted identifiers: numbers before words, a prefix before what continues it."""
    for mine, other in zip(left, right, strict=False):
        if mine != other:
            # npm stops here even when the two are equal as (huge, hence rounded) numbers.
            return _compare_identifier(mine, other)
    return (len(left) > len(right)) - (len(left) < len(right))


def _compare_identifier(left: int | str, right: int | str) -> int:
    """-1, 0 or 1 for two identifiers; numbers too big for an int here compare as JavaScript rounds them."""
    mine, other = _rank(left), _rank(right)
    return (mine > other) - (mine < other)


def _rank(identifier: int | str) -> tuple[bool, float, str]:
    """The sort key of an identifier: whether it is a word, its number, its word."""
    if isinstance(identifier, int) or identifier.isdecimal():
        return (False, float(identifier), "")
    return (True, 0.0, identifier)
