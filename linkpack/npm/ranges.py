"""Read version ranges as npm does.

A range has `||`, hyphens, x-ranges, `~`, `^` and comparators. The grammar is that of node-semver's README. It does
not say where white space may be and what a stray `*` does: that was measured on node-semver 7.8.5, inside npm
11.19.1. All work is linear in the length of the range.
"""

from __future__ import annotations

import re

from linkpack.npm.semver import MAX_SAFE_INTEGER, WHITESPACE, Version, compare, parse_version, plain_version
from linkpack.record import Record

_NUMBERS = 3  # major, minor, patch
_OPEN = {"x", "X", "*"}  # a part of a version that may be any number
_GAPPED_SIGNS = {"<", "<=", ">", ">="}  # those that a space may follow
_NOTHING = "<0.0.0-0"  # as text, the comparator that no version meets
# The grammar: a part of a version, a pre-release identifier, a version with parts left out, `a - b`.
_PART = r"(0|[1-9][0-9]*|[xX*])"
_WORD = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_PARTIAL = rf"[v= ]*{_PART}(?:\.{_PART}(?:\.{_PART}(?:-({_WORD}(?:\.{_WORD})*))?)?)?"
_HYPHEN = rf" ?({_PARTIAL}) - ({_PARTIAL}) ?"
_BUILD = r"\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
# A version, or a run of operators with spaces in it: in the first nothing may be removed.
_SPACED = r"[0-9][0-9A-Za-z.-]*|[<>v= ]+"


class Comparator(Record):
    """One bound of a range.

    *operator* is "<", "<=", ">", ">=" or, for equality, "".
    """

    operator: str
    version: Version

    def __str__(self) -> str:
        """Return the canonical form, without build metadata."""
        return self.operator + self.version.public

    def allows(self, version: Version) -> bool:
        """Return True if *version* is on the right side of the bound."""
        order = compare(version, self.version)
        if order == 0:
            return self.operator not in {"<", ">"}
        return self.operator.startswith("<" if order < 0 else ">")


class Range(Record):
    """Alternatives, of which one must allow a version.

    An alternative is a list of comparators that must all allow the version. Without comparators it allows every
    version. With *include_prerelease* a pre-release is a version like any other. Without it, an alternative allows
    a pre-release only if it names one of the same major.minor.patch.
    """

    alternatives: tuple[tuple[Comparator, ...], ...]
    include_prerelease: bool = False

    def __str__(self) -> str:
        """Return the canonical form, as node-semver's validRange.

        That function writes any version as "*", here it is "".
        """
        return "||".join(" ".join(map(str, comparators)) for comparators in self.alternatives)

    def allows(self, version: Version) -> bool:
        """Return True if *version* is in the range."""
        return any(self._meets(version, comparators) for comparators in self.alternatives)

    def _meets(self, version: Version, comparators: tuple[Comparator, ...]) -> bool:
        """Return True if all *comparators* allow *version*.

        A pre-release must be named, see `Range`.
        """
        if not all(comparator.allows(version) for comparator in comparators):
            return False
        if not version.prerelease or self.include_prerelease:
            return True
        return any(bound.prerelease and bound[:3] == version[:3] for _, bound in comparators)


def parse_range(text: str, *, include_prerelease: bool = False) -> Range | None:
    """Parse a range, None if npm finds it invalid.

    >>> [str(parse_range(text)) for text in ("^1.2.3", "~0.2", "1.x || >=3", "1.0 - 2", "latest")]
    ['>=1.2.3 <2.0.0-0', '>=0.2.0 <0.3.0-0', '>=1.0.0 <2.0.0-0||>=3.0.0', '>=1.0.0 <3.0.0-0', 'None']
    """
    # What is left out of a version begins at its lowest pre-release, if they are let in: the grammar knows.
    plain = _parse_plain(text, least=_NUMBERS if include_prerelease else 1)
    if plain:
        return Range(plain, include_prerelease)
    # Any white space of JavaScript is one space.
    spaced = " ".join(re.split(f"[{WHITESPACE}]+", text.strip(WHITESPACE)))
    alternatives = []
    for part in spaced.split("||"):
        comparators = _parse_alternative(part.strip(" "), "-0" if include_prerelease else "")
        if comparators is None:
            return None
        alternatives.append(comparators)
    possible = [comparators for comparators in alternatives if not _is_nothing(comparators)]
    if not possible:
        possible = alternatives[:1]
    elif () in possible:
        # As in node-semver, "*" replaces all other alternatives, and with them the pre-releases that they name.
        possible = [()]
    return Range(tuple(possible), include_prerelease)


def satisfies(version: str, wanted: str, *, include_prerelease: bool = False) -> bool:
    """Return True if *version* is in the range *wanted*.

    False if either is invalid.

    >>> satisfies("1.3.0-rc.1", "^1.2.0"), satisfies("1.3.0-rc.1", "^1.3.0-beta")
    (False, True)
    """
    parsed = parse_version(version)
    wanted_range = parse_range(wanted, include_prerelease=include_prerelease)
    return parsed is not None and wanted_range is not None and wanted_range.allows(parsed)


def is_subset(inner: str, outer: str) -> bool:
    """Return True if *outer* surely allows every version that *inner* allows.

    False if either is no range, and where the comparators do not tell: an answer of True is always right.

    >>> is_subset("^1.4.0", "^1.2.0 || ^2.0.0"), is_subset("^1.2.0", "^1.4.0"), is_subset("1.4.2", "~1.4.0")
    (True, False, True)
    """
    inside, around = parse_range(inner), parse_range(outer)
    if inside is None or around is None:
        return False
    return all(
        any(_is_within(comparators, others) for others in around.alternatives)
        for comparators in inside.alternatives
    )


def _is_within(inner: tuple[Comparator, ...], outer: tuple[Comparator, ...]) -> bool:
    """Return True if the alternative *outer* surely allows all of *inner*."""
    # A range that names a pre-release allows its neighbours too, which the other range would have to name as well.
    if any(bound.prerelease and (operator, bound.prerelease) != ("<", (0,)) for operator, bound in inner):
        return inner == outer
    return all(any(_implies(bound, other) for bound in inner) for other in outer)


def _implies(bound: Comparator, other: Comparator) -> bool:
    """Return True if every version that *bound* allows is allowed by *other*."""
    if not bound.operator:
        return other.allows(bound.version)
    if not other.operator or bound.operator[0] != other.operator[0]:
        return False
    order = compare(bound.version, other.version)
    if order == 0:
        return bound.operator == other.operator or other.operator.endswith("=")
    return order > 0 if other.operator.startswith(">") else order < 0


def _parse_plain(text: str, least: int) -> tuple[tuple[Comparator, ...], ...]:
    """Return the alternatives of a plain range, without the full grammar.

    Plain are ranges like `^1.2.3 || ~1.2 || >= 2.1 <3.0.0 || 3.x`.
    There are none for any other text, nor where a version has fewer than *least* numbers. Fast path: nearly all
    ranges are such, and `_parse_alternative`, whose patterns take 3 ms to compile, finds the same for them.
    """
    alternatives = []
    for part in text.split("||"):
        comparators: dict[Comparator, None] = {}
        operator = ""  # of the word before, which a space parts from its version
        for word in part.strip(" ").split(" "):
            bare = word.lstrip("<>=^~")
            sign = word[: len(word) - len(bare)]
            if not bare and sign in _GAPPED_SIGNS and not operator:
                operator = sign
                continue
            bounds = _expand_plain_version(operator or sign, bare, least)
            if not bounds or (operator and sign):
                return ()
            comparators.update(dict.fromkeys(bounds))
            operator = ""
        if operator:
            return ()
        alternatives.append(tuple(comparators))
    return tuple(alternatives)


def _expand_plain_version(sign: str, text: str, least: int) -> tuple[Comparator, ...]:
    """Return the comparators of a sign before short numbers.

    There are none for any other text, nor for fewer than *least* numbers.
    """
    parts = text.split(".")
    if len(parts) > _NUMBERS:
        return ()
    while len(parts) > 1 and parts[-1] in _OPEN:
        del parts[-1]
    given = len(parts)
    lower = plain_version(".".join([*parts, "0", "0"][:_NUMBERS]))
    # `_parse_alternative` drops the bound >=0.0.0.
    if given < least or lower is None or lower[:3] == (0, 0, 0):
        return ()
    if sign == ">=" or (given == _NUMBERS and (not sign or sign in _GAPPED_SIGNS)):
        return (Comparator(sign, lower),)
    if sign not in {"^", "~", ""}:
        return ()
    major, minor, patch = lower[:3]
    # ^ lets the parts after the first that is not 0 grow, ~ the patch, and parts that are left out always may.
    if given == 1 or (sign == "^" and major):
        upper = Version(major + 1, 0, 0, (0,))
    elif sign == "^" and not minor and given == _NUMBERS:
        upper = Version(0, 0, patch + 1, (0,))
    else:
        upper = Version(major, minor + 1, 0, (0,))
    return (Comparator(">=", lower), Comparator("<", upper))


def _parse_alternative(text: str, floor: str) -> tuple[Comparator, ...] | None:
    """Parse one side of `||` into comparators, each once.

    None if it is invalid. *floor* is "-0" when the bounds that the text leaves open begin at the lowest
    pre-release, else "".
    """
    text = re.sub(_BUILD, "", text)  # build metadata never decides
    match = re.fullmatch(_HYPHEN, text)
    if match is not None:
        text = _expand_hyphen(match, floor)
    comparators: dict[Comparator, None] = {}
    for token in _close_gaps(text).split(" "):
        for bound in _expand_token(token, floor):
            # A bound that every version meets is dropped. npm recognizes it by this spelling only.
            if bound in {"", f">=0.0.0{floor}"}:
                continue
            comparator = _parse_comparator(bound)
            if comparator is None:
                return None
            comparators[comparator] = None
    # One comparator that nothing meets is the whole alternative.
    nothing = [comparator for comparator in comparators if str(comparator) == _NOTHING]
    return tuple(nothing or comparators)


def _is_nothing(comparators: tuple[Comparator, ...]) -> bool:
    """Return True if *comparators* are the one that no version meets."""
    return len(comparators) == 1 and str(comparators[0]) == _NOTHING


def _parse_comparator(text: str) -> Comparator | None:
    """Parse one comparator, None if it is invalid."""
    bare = text.lstrip("<>=")
    operator = text[: len(text) - len(bare)]
    if operator not in {"", "=", "<", "<=", ">", ">="}:
        return None
    version = parse_version(bare)
    return None if version is None else Comparator("" if operator == "=" else operator, version)


def _close_gaps(text: str) -> str:
    """Remove the space between an operator and its version."""
    closed = re.sub(_SPACED, _close_operator_gap, text)
    return re.sub("~>? ", "~", closed).replace("^ ", "^")


def _close_operator_gap(match: re.Match[str]) -> str:
    """Remove the space after the operator in one run.

    A run is of operators, "v" and spaces. Measured: the run must end before a digit, "x" or "*". The operator is
    the last "<" or ">", else a leading "=".
    """
    run = match[0]
    if run[0].isdecimal() or not match.string.startswith(("x", "X", "*", *"0123456789"), match.end()):
        return run
    end = max(run.rfind("<"), run.rfind(">")) + 1
    if end == 0 and run.startswith(" "):
        end = 1
    if run.startswith("=", end):
        end += 1
    return run[:end] + run[end:].removeprefix(" ")


def _expand_hyphen(match: re.Match[str], floor: str) -> str:
    """Write the range `a - b` as two comparators.

    Parts that are left out are the lowest in *a* and the highest in *b*.
    """
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
        upper = f"<{_next_version(major, None if _is_open(minor) else minor)}-0"
    elif pre:  # spelled again without a leading "v" or "="
        upper = f"<={major}.{minor}.{patch}-{pre}"
    elif floor:
        upper = f"<{_next_version(major, minor, patch)}-0"
    return f"{lower} {upper}"


def _expand_token(token: str, floor: str) -> tuple[str, ...]:
    """Write one *token* without spaces as comparators.

    An invalid one may come back as it is, for `_parse_comparator` to refuse.
    """
    if not token.startswith(("^", "~")):
        return _expand_plain(token, floor)
    match = re.fullmatch(rf"(\^|~>?){_PARTIAL}", token)
    if match is None:
        return (token,)
    sign, major, minor, patch, pre = match.groups()
    if _is_open(major):  # ^* and ~x allow every version
        return ()
    if _is_open(minor):
        return (f">={major}.0.0{floor}", f"<{_next_version(major)}-0")
    # ^ lets the parts after the first that is not 0 grow, ~ the patch.
    if sign == "^" and major != "0":
        upper = _next_version(major)
    elif sign == "^" and minor == "0" and not _is_open(patch):
        upper = _next_version(major, minor, patch)
    else:
        upper = _next_version(major, minor)
    if _is_open(patch):
        return (f">={major}.{minor}.0{floor}", f"<{upper}-0")
    return (f">={major}.{minor}.{patch}" + (f"-{pre}" if pre else ""), f"<{upper}-0")


def _expand_plain(token: str, floor: str) -> tuple[str, ...]:
    """Write a *token* without `~` and `^` as comparators."""
    match = re.fullmatch(rf"([<>]?=?){_PARTIAL}", token)
    if match is None:
        # Measured: from any other text npm drops the first star with the operator before it.
        return (re.sub(r"[<>]?=?\*", "", token, count=1),)
    operator, major, minor, patch, _ = match.groups()
    closed = [not _is_open(part) for part in (major, minor, patch)]
    # A version without open parts, or with a closed part behind an open one (1.x.3), which is invalid.
    if all(closed) or closed != sorted(closed, reverse=True):
        return (token,)
    if closed[0]:
        return _expand_open(operator, major, minor if closed[1] else None, floor)
    # <* and >* allow no version, every other operator before a star all of them.
    return (_NOTHING,) if operator in {"<", ">"} else ()


def _expand_open(operator: str, major: str, minor: str | None, floor: str) -> tuple[str, ...]:
    """Write *operator* before a partial version as comparators.

    The version has no patch, or no minor and no patch.
    """
    first, after = f"{major}.{minor or 0}.0", _next_version(major, minor)
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
    """Return True if a part of a version is left out or is "any"."""
    return part is None or part in _OPEN


def _next_version(major: str, minor: str | None = None, patch: str | None = None) -> str:
    """Return the first version after all with these parts."""
    if minor is None:
        return f"{_increment(major)}.0.0"
    if patch is None:
        return f"{major}.{_increment(minor)}.0"
    return f"{major}.{minor}.{_increment(patch)}"


def _increment(number: str) -> str:
    """Add one to *number*, unless it is too long to be valid."""
    return number if len(number) > len(str(MAX_SAFE_INTEGER)) else str(int(number) + 1)
