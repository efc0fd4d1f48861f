"""Read and order versions as npm does.

npm reads Semantic Versioning 2.0.0, with node-semver's liberties and limits. The rules were measured on
node-semver 7.8.5, inside npm 11.19.1. Ranges are in `ranges`.
"""

from __future__ import annotations

import re

from linkpack.record import Record

MAX_LENGTH = 256
"""Characters in the longest text that is read as a version; npm's own limit."""

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest major, minor or patch number: what a JavaScript number holds exactly."""

_NUMBERS = 3  # major, minor, patch
_SHORT = 15  # digits; such a number is always below MAX_SAFE_INTEGER

_QUADS = "".join(map(chr, range(0x2000, 0x200B)))
WHITESPACE = f"\t\n\v\f\r \u00a0\u1680{_QUADS}\u2028\u2029\u202f\u205f\u3000\ufeff"
"""What JavaScript's trim removes. Python's strip also takes U+001C to U+001F and U+0085, and leaves U+FEFF."""

# The strict grammar, and the liberal one of publishing: `=v01.2.3beta`.
_NUMBER = "(0|[1-9][0-9]*)"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_BUILD = rf"(?:\+({_IDENTIFIERS}))?"
_STRICT = rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_IDENTIFIERS}))?{_BUILD}"
_LOOSE = rf"[v={WHITESPACE}]*([0-9]+)\.([0-9]+)\.([0-9]+)(?:-?({_IDENTIFIERS}))?{_BUILD}"


class Version(Record):
    """The parts of a version.

    Order versions with `compare`: `<` knows nothing of pre-releases. A pre-release identifier is an int when
    it is a number below `MAX_SAFE_INTEGER`, else a str.
    """

    major: int
    minor: int
    patch: int
    prerelease: tuple[int | str, ...] = ()
    build: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the canonical form, with build metadata."""
        return self.public + ("+" + ".".join(self.build) if self.build else "")

    @property
    def public(self) -> str:
        """Return the canonical form without build metadata."""
        numbers = f"{self.major}.{self.minor}.{self.patch}"
        return numbers + ("-" + ".".join(map(str, self.prerelease)) if self.prerelease else "")


def parse_version(text: str) -> Version | None:
    """Parse a version by npm's strict rules, None if invalid.

    White space around it and one leading "v" are allowed, "=" is not. Refused are more than `MAX_LENGTH`
    characters, numbers above `MAX_SAFE_INTEGER`, and leading zeros (except in build metadata).

    >>> parse_version("v1.2.3-beta.2+sha.5")
    Version(major=1, minor=2, patch=3, prerelease=('beta', 2), build=('sha', '5'))
    """
    return plain_version(text) or _parse(_STRICT, text)


def plain_version(text: str) -> Version | None:
    """Parse three short numbers, None for any other text.

    Fast path: nearly all versions are such, and the pattern need not be compiled for them.
    """
    parts = text.split(".")
    if len(parts) != _NUMBERS or not text.isascii():
        return None
    for part in parts:
        if not part.isdigit() or len(part) > _SHORT or (part[0] == "0" and part != "0"):
            return None
    return Version(int(parts[0]), int(parts[1]), int(parts[2]))


def clean_version(text: str) -> str | None:
    """Return what `npm publish` makes of a version.

    None if it refuses it. Publishing is more liberal than `parse_version`, and cuts build metadata off (measured
    on npm 11.19.1). `npm pack` takes any text and cleans nothing.

    >>> clean_version("=v01.2.3beta+sha"), clean_version("1.2")
    ('1.2.3-beta', None)
    """
    version = _parse(_LOOSE, text)
    strict = None if version is None else parse_version(version.public)
    return None if strict is None else strict.public


def find_version_fault(version: str) -> str:
    """Say what is wrong with *version*, "" if nothing is.

    The answer continues a sentence that begins with the version. Only the canonical form is right.
    """
    # `npm pack` asks nothing, but names the tarball by the text as it is written. `npm publish` then cleans the
    # version (see `clean_version`) or refuses it.
    if version == "":
        return "is empty"
    if len(version) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    parsed = parse_version(version)
    if parsed is not None and str(parsed) == version:
        return ""
    return "is not a semantic version like 1.2.3 or 1.2.3-beta.1"


def compare(left: Version, right: Version) -> int:
    """Return -1, 0 or 1 if *left* is lower, equal or higher.

    Build metadata is ignored.

    >>> compare(parse_version("1.0.0-rc.10"), parse_version("1.0.0-rc.9"))
    1
    """
    if left[:3] != right[:3]:
        return -1 if left[:3] < right[:3] else 1
    # A version without a pre-release is higher than one with: 1.0.0-rc < 1.0.0.
    if not left.prerelease or not right.prerelease:
        return bool(right.prerelease) - bool(left.prerelease)
    return _compare_identifiers(left.prerelease, right.prerelease)


def compare_build(left: Version, right: Version) -> int:
    """Compare as `compare` does, then by build metadata."""
    return compare(left, right) or _compare_identifiers(left.build, right.build)


def _parse(grammar: str, text: str) -> Version | None:
    """Parse a version by *grammar*, None if invalid."""
    if len(text) > MAX_LENGTH:
        return None
    match = re.fullmatch(grammar, text.strip(WHITESPACE))
    if match is None:
        return None
    major, minor, patch = (int(number) for number in match.group(1, 2, 3))
    if max(major, minor, patch) > MAX_SAFE_INTEGER:
        return None
    prerelease = match[4].split(".") if match[4] else []
    # Leading zeros in a pre-release are wrong by the strict grammar only.
    if grammar == _STRICT and any(part[0] == "0" and part != "0" and part.isdecimal() for part in prerelease):
        return None
    build = tuple(match[5].split(".")) if match[5] else ()
    return Version(major, minor, patch, tuple(_parse_identifier(part) for part in prerelease), build)


def _parse_identifier(text: str) -> int | str:
    """Return *text* as a number if JavaScript holds it exactly."""
    # node-semver 7, classes/semver.js, keeps a larger number as text.
    if text.isdecimal() and int(text) < MAX_SAFE_INTEGER:
        return int(text)
    return text


def _compare_identifiers(left: tuple[int | str, ...], right: tuple[int | str, ...]) -> int:
    """Compare lists of identifiers.

    Numbers come before words, and a prefix before what continues it.
    """
    for mine, other in zip(left, right, strict=False):
        if mine != other:
            # npm stops here even when the two are equal as (huge, hence rounded) numbers.
            return _compare_identifier(mine, other)
    return (len(left) > len(right)) - (len(left) < len(right))


def _compare_identifier(left: int | str, right: int | str) -> int:
    """Compare identifiers, huge numbers rounded as in JavaScript."""
    mine, other = _make_sort_key(left), _make_sort_key(right)
    return (mine > other) - (mine < other)


def _make_sort_key(identifier: int | str) -> tuple[bool, float, str]:
    """Return the sort key of an identifier.

    The key is whether it is a word, then its number, then its word.
    """
    if isinstance(identifier, int) or identifier.isdecimal():
        return (False, float(identifier), "")
    return (True, 0.0, identifier)
