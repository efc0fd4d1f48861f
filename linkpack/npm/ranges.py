"""Version ranges as npm reads them: ``||``, hyphens, x-ranges, ``~``, ``^``, comparators.

The grammar is the one in node-semver's README; the corners that it leaves open (where white space may stand,
what a stray ``*`` does) were measured on node-semver 7.8.5, the one inside npm 11.19.1. All work is linear in
the length of the range.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from linkpack.npm.semver import MAX_SAFE_INTEGER, WHITESPACE, Version, compare, parse_version, plain_version

_NOTHING = "<0.0.0-0"  # as text, the comparator that no version meets
_PART = r"(0|[1-9][0-9]*|[xX*])"
_WORD = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_PARTIAL = rf"[v= ]*{_PART}(?:\.{_PART}(?:\.{_PART}(?:-({_WORD}(?:\.{_WORD})*))?)?)?"
_HYPHEN = rf" ?({_PARTIAL}) - ({_PARTIAL}) ?"
_BUILD = r"\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_SPACED = r"[0-9][0-9A-Za-z.-]*|[<>v= ]+"


class Comparator(NamedTuple):
    """One bound of a range: *operator* is "<", "<=", ">", ">=" or, for equality, ""."""

    operator: str
    version: Version

    def __str__(self) -> str:
        """The comparator in canonical form, without build metadata."""
        return self.operator + self.version.public

    def allows(self, version: Version) -> bool:
        """Whether *version* lies on the right side of the bound."""
        order = compare(version, self.version)
        if order == 0:
            return self.operator not in {"<", ">"}
        return self.operator.startswith("<" if order < 0 else ">")


class Range(NamedTuple):
    """Alternatives, one of which must hold; each is comparators that must all hold.

    An alternative without comparators holds for every version. With *include_prerelease* a pre-release is a
    version like any other; without it, only an alternative that names a pre-release of the same
    major.minor.patch lets one in.
    """

    alternatives: tuple[tuple[Comparator, ...], ...]
    include_prerelease: bool = False

    def __str__(self) -> str:
        """The range in canonical form, as node-semver's validRange gives it (but "" for any version)."""
        return "||".join(" ".join(map(str, comparators)) for comparators in self.alternatives)

    def allows(self, version: Version) -> bool:
        """Whether *version* is in the range."""
        return any(self._meets(version, comparators) for comparators in self.alternatives)

    def _meets(self, version: Version, comparators: tuple[Comparator, ...]) -> bool:
        """Whether *version* meets all *comparators* and, being a pre-release, is welcome there."""
        if not all(comparator.allows(version) for comparator in comparators):
            return False
        if not version.prerelease or self.include_prerelease:
            return True
        return any(bound.prerelease and bound[:3] == version[:3] for _, bound in comparators)


def parse_range(text: str, *, include_prerelease: bool = False) -> Range | None:
    """The range that *text* spells, or None when npm finds it invalid (a tag, a URL, a loose version, …)."""
    plain = _plain_comparators(text)
    if plain:
        return Range((plain,), include_prerelease)
    spaced = " ".join(re.split(f"[{WHITESPACE}]+", text.strip(WHITESPACE)))
    alternatives = []
    for part in spaced.split("||"):
        comparators = _alternative(part.strip(" "), "-0" if include_prerelease else "")
        if comparators is None:
            return None
        alternatives.append(comparators)
    possible = [comparators for comparators in alternatives if not _is_nothing(comparators)]
    if not possible:
        possible = alternatives[:1]
    elif () in possible:
        # "*" swallows its alternatives, and with them the pre-releases that they name.
        possible = [()]
    return Range(tuple(possible), include_prerelease)


def satisfies(version: str, wanted: str, *, include_prerelease: bool = False) -> bool:
    """Whether *version* is in the range *wanted*; False when either is invalid."""
    parsed = parse_version(version)
    accepted = parse_range(wanted, include_prerelease=include_prerelease)
    return parsed is not None and accepted is not None and accepted.allows(parsed)


def _plain_comparators(text: str) -> tuple[Comparator, ...]:
    """The comparators of ``1.2.3``, ``^1.2.3`` or ``~1.2.3``, which most ranges are; none for any other text.

    What follows finds the same for them; this is for speed.
    """
    caret, tilde = text.startswith("^"), text.startswith("~")
    version = plain_version(text[caret or tilde :])
    if version is None or version == (0, 0, 0, (), ()):  # a bound that says nothing is left out
        return ()
    if not caret and not tilde:
        return (Comparator("", version),)
    major, minor, patch = version[:3]
    if caret and major:
        upper = Version(major + 1, 0, 0, (0,))
    elif caret and not minor:
        upper = Version(0, 0, patch + 1, (0,))
    else:
        upper = Version(major, minor + 1, 0, (0,))
    return (Comparator(">=", version), Comparator("<", upper))


def _alternative(text: str, floor: str) -> tuple[Comparator, ...] | None:
    """The comparators of one side of ``||``, without doubles; None when it is invalid.

    *floor* is "-0" when bounds that the text leaves open start at the lowest pre-release, else "".
    """
    text = re.sub(_BUILD, "", text)
    match = re.fullmatch(_HYPHEN, text)
    if match is not None:
        text = _hyphen(match, floor)
    found: dict[Comparator, None] = {}
    for token in _close_up(text).split(" "):
        for bound in _bounds(token, floor):
            # Bounds that every version meets are left out; npm knows them by this very spelling.
            if bound in {"", f">=0.0.0{floor}"}:
                continue
            comparator = _comparator(bound)
            if comparator is None:
                return None
            found[comparator] = None
    nothing = [comparator for comparator in found if str(comparator) == _NOTHING]
    return tuple(nothing or found)


def _is_nothing(comparators: tuple[Comparator, ...]) -> bool:
    """Whether the alternative is the one that no version meets."""
    return len(comparators) == 1 and str(comparators[0]) == _NOTHING


def _comparator(text: str) -> Comparator | None:
    """The comparator that *text* spells, operator first; None when it is invalid."""
    bare = text.lstrip("<>=")
    operator = text[: len(text) - len(bare)]
    if operator not in {"", "=", "<", "<=", ">", ">="}:
        return None
    version = parse_version(bare)
    return None if version is None else Comparator("" if operator == "=" else operator, version)


def _close_up(text: str) -> str:
    """*text* with the one space dropped that may stand between an operator and the version after it."""
    closed = re.sub(_SPACED, _close_up_operator, text)
    return re.sub("~>? ", "~", closed).replace("^ ", "^")


def _close_up_operator(match: re.Match[str]) -> str:
    """A run of operators, "v" and spaces with the space after the first operator that counts dropped.

    Measured: the run must lead to a digit, "x" or "*"; the last "<" or ">" counts, else a leading "=".
    """
    run = match[0]
    if run[0].isdecimal() or not match.string.startswith(("x", "X", "*", *"0123456789"), match.end()):
        return run
    at = max(run.rfind("<"), run.rfind(">")) + 1
    if at == 0:
        at += run.startswith(" ")
    at += run.startswith("=", at)
    return run[:at] + run[at:].removeprefix(" ")


def _hyphen(match: re.Match[str], floor: str) -> str:
    """The bounds of ``a - b``, spelled out: parts left out are low in *a* and high in *b*."""
    low, low_major, low_minor, low_patch, low_pre = match.group(1, 2, 3, 4, 5)
    high, major, minor, patch, pre = match.group(6, 7, 8, 9, 10)
    lower = f">={low}" + ("" if low_pre else floor)
    if _is_open(low_major):
        lower = ""
    elif _is_open(low_minor) or _is_open(low_patch):
        lower = f">={low_major}.{0 if _is_open(low_minor) else low_minor}.0{floor}"
    upper = f"<={high}"
    if _is_open(major):
        upper = ""
    elif _is_open(minor) or _is_open(patch):
        upper = f"<{_next(major, None if _is_open(minor) else minor)}-0"
    elif pre:
        upper = f"<={major}.{minor}.{patch}-{pre}"
    elif floor:
        upper = f"<{_next(major, minor, patch)}-0"
    return f"{lower} {upper}"


def _bounds(token: str, floor: str) -> tuple[str, ...]:
    """The bounds, as text, that one *token* without spaces stands for; an invalid one may come back as is."""
    if not token.startswith(("^", "~")):
        return _plain(token, floor)
    match = re.fullmatch(rf"(\^|~>?){_PARTIAL}", token)
    if match is None:
        return (token,)
    sign, major, minor, patch, pre = match.groups()
    if _is_open(major):
        return ()
    if _is_open(minor):
        return (f">={major}.0.0{floor}", f"<{_next(major)}-0")
    if sign == "^" and major != "0":
        upper = _next(major)
    elif sign == "^" and minor == "0" and not _is_open(patch):
        upper = _next(major, minor, patch)
    else:
        upper = _next(major, minor)
    if _is_open(patch):
        return (f">={major}.{minor}.0{floor}", f"<{upper}-0")
    return (f">={major}.{minor}.{patch}" + (f"-{pre}" if pre else ""), f"<{upper}-0")


def _plain(token: str, floor: str) -> tuple[str, ...]:
    """The bounds, as text, of a *token* without ``~`` or ``^``; some that are invalid come back as is."""
    match = re.fullmatch(rf"([<>]?=?){_PARTIAL}", token)
    if match is None:
        # Measured: the first star with the operator before it is dropped from whatever else this is.
        return (re.sub(r"[<>]?=?\*", "", token, count=1),)
    operator, major, minor, patch, _ = match.groups()
    closed = [not _is_open(part) for part in (major, minor, patch)]
    if all(closed) or closed != sorted(closed, reverse=True):
        return (token,)
    if closed[0]:
        return _open_bounds(operator, major, minor if closed[1] else None, floor)
    return (_NOTHING,) if operator in {"<", ">"} else ()


def _open_bounds(operator: str, major: str, minor: str | None, floor: str) -> tuple[str, ...]:
    """The bounds, as text, of *operator* before a version whose patch, or minor and patch, are left open."""
    first, after = f"{major}.{minor or 0}.0", _next(major, minor)
    if operator == "<":
        return (f"<{first}-0",)
    if operator == "<=":
        return (f"<{after}-0",)
    if operator == ">":
        return (f">={after}{floor}",)
    if operator == ">=":
        return (f">={first}{floor}",)
    return (f">={first}{floor}", f"<{after}-0")


def _is_open(part: str | None) -> bool:
    """Whether a part of a version is left out or "any"."""
    return part is None or part in {"x", "X", "*"}


def _next(major: str, minor: str | None = None, patch: str | None = None) -> str:
    """The first version after all those that start with the given parts."""
    if minor is None:
        return f"{_increment(major)}.0.0"
    if patch is None:
        return f"{major}.{_increment(minor)}.0"
    return f"{major}.{minor}.{_increment(patch)}"


def _increment(number: str) -> str:
    """*number* plus one; as it is when it is too long to be a valid number anyway."""
    return number if len(number) > len(str(MAX_SAFE_INTEGER)) else str(int(number) + 1)
