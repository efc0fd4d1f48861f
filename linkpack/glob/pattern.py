"""Match paths with npm's ignore patterns, each without its leading `!`.

The patterns are those of minimatch 10.2.5 with the options dot, nocase and matchBase, as ignore-walk uses it,
measured on npm 11.19.1 and 12.2.0. Its faults are fixed (row D11 of docs/differences-from-npm.md). Paths are given
as tuples of folded portions (*parts*), relative to the directory of the rule, without empty portions.

Work is bounded: braces by `braces`, portions by `portion_matcher`, and `**` by placing the portions between two of
them as early as possible. The earliest place is always right, as each such stretch has a fixed number of portions.
"""

from __future__ import annotations

import re

from linkpack import limits
from linkpack.errors import LinkpackError
from linkpack.glob.braces import expand_braces
from linkpack.glob.portion_parser import Portion, compile_portion
from linkpack.record import Record

MAX_PATTERN = 65_536  # characters, as many as npm takes (minimatch 10.2.5, assert-valid-pattern.js)

_FREE = 64  # portions compared that add nothing to the usual cost of a pattern


class Alternative(Record):
    """One way to match, after braces are expanded.

    - *stretches*: portions in a row, with a `**` between each two rows.
    - *base*: the one portion is compared with the last portion of the path.
    - *rooted*: the pattern begins with a slash. The empty portion before it is not kept.
    - *loose*: a portion fits the empty name. npm matches each path with and without a slash in front (ignore-walk,
      lib/index.js, `filterEntry`), and so that portion can match what is before that slash.
    """

    stretches: tuple[tuple[Portion, ...], ...]
    base: bool
    rooted: bool
    loose: bool = False


class Glob(Record):
    """A compiled pattern.

    *relative*: npm matches a directory below the top with its last portion alone, too (see `rule_index.applies`).
    """

    alternatives: tuple[Alternative, ...]
    relative: bool


def compile_glob(pattern: str) -> Glob:
    """Compile *pattern*, an ignore rule without its leading `!`.

    A pattern without a slash matches names at any depth, one with a slash whole paths:

    >>> patterns = ("*.js", "/*.js", "lib/*", "l*/a.{js,ts}")
    >>> [matches_file(compile_glob(pattern), ("LIB", "A.JS")) for pattern in patterns]
    [True, False, True, True]

    `**` matches any number of portions, at the end of a pattern at least one:

    >>> [matches_file(compile_glob("a/**/b"), parts) for parts in (("A", "B"), ("A", "X", "Y", "B"))]
    [True, True]
    >>> [matches_file(compile_glob("a/**"), parts) for parts in (("A",), ("A", "X", "Y"))]
    [False, True]

    Raises `LinkpackError` (EPATTERN) for a pattern that is too long or too complicated.
    """
    if len(pattern) > MAX_PATTERN:
        raise LinkpackError(
            f"the pattern cannot be used: it has more than {MAX_PATTERN} characters",
            code="EPATTERN",
            hint="write a shorter pattern",
        )
    alternatives = []
    relative = False
    for plain in expand_braces(pattern):
        portions = _reduce(split_portions(plain))
        # ignore-walk, lib/index.js, `filterEntry`: `isRelativeRule`.
        relative = relative or len(portions) <= (1 if portions[-1] else 2)
        alternatives.append(_compile_alternative(portions))
    return Glob(tuple(alternatives), relative)


def split_portions(pattern: str) -> list[str]:
    """Split a pattern without braces into portions.

    A slash at the start or the end leaves an empty portion there:

    >>> split_portions("/a//b/")
    ['', 'a', 'b', '']
    """
    if "//" not in pattern:  # most patterns
        return pattern.split("/")
    return re.split("/+", pattern)


def _reduce(portions: list[str]) -> list[str]:
    """Merge neighbouring `**`, and cancel `x/..`.

    >>> _reduce(["a", "**", "**", "b", "..", "c"])
    ['a', '**', 'c']
    """
    kept: list[str] = []
    for portion in portions:
        last = kept[-1] if kept else ""
        if portion == "**" == last:
            continue
        # Only a plain name is cancelled: nobody knows how many portions `**` would be.
        if portion == ".." and last not in ("", ".", "..", "**"):
            kept.pop()
            continue
        kept.append(portion)
    return kept or [""]


def _compile_alternative(portions: list[str]) -> Alternative:
    base = len(portions) == 1
    rooted = not base and not portions[0]
    stretches: list[list[Portion]] = [[]]
    for portion in portions[1:] if rooted else portions:
        if portion == "**":
            stretches.append([])
        else:
            stretches[-1].append(compile_portion(portion))
    # A rooted pattern has no portion for what is before the slash, and a base one looks at the last name only.
    loose = not (base or rooted) and any(portion.empty for stretch in stretches for portion in stretch)
    return Alternative(tuple(map(tuple, stretches)), base, rooted, loose)


def make_literal_glob(path: str) -> Glob:
    """Return the pattern that matches the folded *path* and nothing else."""
    names = path.split("/")
    stretch = tuple([Portion(name, None, name.__eq__, empty=False) for name in names])
    return Glob((Alternative((stretch,), base=False, rooted=True),), relative=False)


def matches_file(glob: Glob, parts: tuple[str, ...]) -> bool:
    """Return True if *glob* matches the file at *parts*."""
    return any(matches_alternative(alternative, parts) for alternative in glob.alternatives)


def matches_folder(glob: Glob, parts: tuple[str, ...]) -> bool:
    """Return True if *glob* matches the directory at *parts*."""
    return any(matches_alternative(alternative, (*parts, "")) for alternative in glob.alternatives)


def may_hold(glob: Glob, parts: tuple[str, ...]) -> bool:
    """Return True if *glob* could match something below *parts*, a directory.

    >>> [may_hold(compile_glob(pattern), ("SRC",)) for pattern in ("/src/lib/*.js", "/lib/**", "**/x")]
    [True, False, True]
    """
    return any(_may_begin(alternative, parts) for alternative in glob.alternatives)


def matches_alternative(alternative: Alternative, parts: tuple[str, ...]) -> bool:
    """Return True if *alternative* matches *parts*.

    The last part is empty for a directory, as in a path with a slash behind it.
    """
    stretches = alternative.stretches
    if alternative.base:  # minimatch's option matchBase; the name of a directory is before the empty last part
        return _matches_all(stretches, ((parts[-1] or parts[-2]),))
    if _matches_all(stretches, parts):
        return True
    return alternative.loose and _matches_all(stretches, ("", *parts))


def _matches_all(stretches: tuple[tuple[Portion, ...], ...], parts: tuple[str, ...]) -> bool:
    """Return True if *stretches* match *parts* from end to end."""
    head, *middle = stretches
    end = len(parts)
    # Without `**` the portions are compared one by one.
    if not middle:
        # A pattern for a name also fits the directory of that name: the empty last part may be left over.
        if len(head) != end and (len(head) != end - 1 or parts[-1]):
            return False
        _spend_on(end)
        return _fits_at(head, parts, 0)
    # With `**` the head is at the start and the tail at the end, each stretch between them where it first fits.
    tail = middle.pop()
    start = len(head)
    _spend_on(start + len(tail))
    if start > end or not _fits_at(head, parts, 0):
        return False
    if tail:
        end -= len(tail)
        # As above: the empty last part of a directory may be left over.
        if not (end >= start and _fits_at(tail, parts, end)):
            end -= 1
            if parts[-1] or end < start or not _fits_at(tail, parts, end):
                return False
    for stretch in middle:
        start = _find_stretch(stretch, parts, start, end)
        if start < 0:
            return False
        start += len(stretch)
    # ** at the end needs at least one portion.
    return bool(tail) or start < end


def _find_stretch(stretch: tuple[Portion, ...], parts: tuple[str, ...], start: int, end: int) -> int:
    """Return the first place of *stretch* between *start* and *end*, or -1."""
    last = end - len(stretch)
    if last > start:
        _spend_on((last - start) * len(stretch) * 4)
    while start <= last:
        if _fits_at(stretch, parts, start):
            return start
        start += 1
    return -1


def _fits_at(stretch: tuple[Portion, ...], parts: tuple[str, ...], start: int) -> bool:
    for portion in stretch:
        if not portion.fits(parts[start]):
            return False
        start += 1
    return True


def _may_begin(alternative: Alternative, parts: tuple[str, ...]) -> bool:
    stretches = alternative.stretches
    if alternative.base:
        parts = parts[-1:]
    if _fits_beginning(stretches, parts):
        return True
    return alternative.loose and _fits_beginning(stretches, ("", *parts))


def _fits_beginning(stretches: tuple[tuple[Portion, ...], ...], parts: tuple[str, ...]) -> bool:
    """Return True if *parts* fit *stretches* as far as both go before a `**`."""
    head = stretches[0]
    if len(stretches) == 1 and len(parts) > len(head):
        return False
    _spend_on(min(len(head), len(parts)))
    # The shorter of the two ends the comparison: what is behind it may be matched below.
    return all(portion.fits(name) for portion, name in zip(head, parts, strict=False))


def _spend_on(portions: int) -> None:
    """Count the work of comparing more than a few *portions*."""
    if portions > _FREE:
        limits.spend(portions // 4)
