"""npm's pattern dialect: what one ignore rule, without its `!`, says about a path.

That is minimatch 10.2.5 with the options dot, nocase and matchBase, as ignore-walk uses it, measured on npm
11.19.1 and 12.2.0; minimatch's faults are mended (docs/differences-from-npm.md). Paths are given as tuples of
folded portions (`parts`), relative to the directory of the rule, without empty portions.

Work is bounded: braces by `braces`, portions by `wildcard`, and `**` by placing what stands between two of them as
early as possible, which is always right because each such stretch has a fixed number of portions.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from linkpack import limits
from linkpack.errors import LinkpackError
from linkpack.glob.braces import expand_braces
from linkpack.glob.portion_parser import Portion, compile_portion

MAX_PATTERN = 65_536  # characters; npm's limit too

_FREE = 64  # portions compared that cost no more than asking a pattern does anyway


class Alternative(NamedTuple):
    """One way to match, after braces: stretches of portions, with a `**` between each two of them.

    *base*: a single portion, compared with the last portion of the path. *rooted*: it began with a slash; that
    empty portion is not kept. *loose*: a portion fits the empty name, and so can stand for that slash.
    """

    stretches: tuple[tuple[Portion, ...], ...]
    base: bool
    rooted: bool
    loose: bool = False


class Glob(NamedTuple):
    """A compiled pattern. *relative*: npm also asks it about the last portion alone, for directories."""

    alternatives: tuple[Alternative, ...]
    relative: bool


def compile_glob(pattern: str) -> Glob:
    """The compiled form of *pattern*, which has no leading `!` any more.

    `LinkpackError` with code EPATTERN for a pattern that is too long, too deeply nested, or stands for too many.
    """
    if len(pattern) > MAX_PATTERN:
        raise LinkpackError(
            f"the pattern cannot be used: it has more than {MAX_PATTERN} characters",
            code="EPATTERN",
            hint="write a shorter pattern",
        )
    alternatives = []
    relative = False
    for one in expand_braces(pattern):
        portions = _reduced(split_portions(one))
        relative = relative or len(portions) <= (1 if portions[-1] else 2)
        alternatives.append(_alternative(portions))
    return Glob(tuple(alternatives), relative)


def split_portions(pattern: str) -> list[str]:
    """The portions of a pattern without braces; a slash at an end leaves an empty portion there."""
    return re.split("/+", pattern)


def literal_glob(path: str) -> Glob:
    """The pattern that matches the folded *path* and nothing else."""
    names = path.split("/")
    stretch = tuple([Portion(name, None, name.__eq__, empty=False) for name in names])
    return Glob((Alternative((stretch,), base=False, rooted=True),), relative=False)


def matches_file(glob: Glob, parts: tuple[str, ...]) -> bool:
    """Whether *glob* matches the file at *parts*."""
    return any(matches_one(one, parts) for one in glob.alternatives)


def matches_folder(glob: Glob, parts: tuple[str, ...]) -> bool:
    """Whether *glob* matches the directory at *parts*, as a path with a slash behind it."""
    return any(matches_one(one, (*parts, "")) for one in glob.alternatives)


def may_hold(glob: Glob, parts: tuple[str, ...]) -> bool:
    """Whether *glob* could match something below the directory at *parts*: its first portions fit."""
    return any(_begins(one, parts) for one in glob.alternatives)


def matches_one(one: Alternative, parts: tuple[str, ...]) -> bool:
    """Whether *one* matches *parts*, an empty last part standing for a slash at the end."""
    if one.base:
        return _fits(one.stretches, ((parts[-1] or parts[-2]),))
    if _fits(one.stretches, parts):
        return True
    return one.loose and _fits(one.stretches, ("", *parts))


def _begins(one: Alternative, parts: tuple[str, ...]) -> bool:
    if one.base:
        parts = parts[-1:]
    if _begins_at(one.stretches, parts):
        return True
    return one.loose and _begins_at(one.stretches, ("", *parts))


def _begins_at(stretches: tuple[tuple[Portion, ...], ...], parts: tuple[str, ...]) -> bool:
    """Whether *parts* fit the pattern as far as they go, or up to its first `**`."""
    head = stretches[0]
    if len(stretches) == 1 and len(parts) > len(head):
        return False
    _count(min(len(head), len(parts)))
    return all(portion.fits(name) for portion, name in zip(head, parts, strict=False))


def _fits(stretches: tuple[tuple[Portion, ...], ...], parts: tuple[str, ...]) -> bool:
    """True if *parts* match from end to end, an empty last part standing for a slash there."""
    head, *middle = stretches
    end = len(parts)
    if not middle:
        # A pattern for a name also fits the directory of that name: the empty last part may be left over.
        if len(head) != end and (len(head) != end - 1 or parts[-1]):
            return False
        _count(end)
        return _fits_at(head, parts, 0)
    tail = middle.pop()
    start = len(head)
    _count(start + len(tail))
    if start > end or not _fits_at(head, parts, 0):
        return False
    if tail:
        end -= len(tail)
        if not (end >= start and _fits_at(tail, parts, end)):
            end -= 1
            if parts[-1] or end < start or not _fits_at(tail, parts, end):
                return False
    for stretch in middle:
        start = _found_at(stretch, parts, start, end)
        if start < 0:
            return False
        start += len(stretch)
    # ** at the end needs at least one portion.
    return bool(tail) or start < end


def _count(portions: int) -> None:
    """Count the work of comparing so many *portions*, where it is more than asking a pattern takes anyway."""
    if portions > _FREE:
        limits.spend(portions // 4)


def _found_at(stretch: tuple[Portion, ...], parts: tuple[str, ...], start: int, end: int) -> int:
    """Return the first place from *start* on where *stretch* fits *parts* and ends by *end*; -1 when none does."""
    last = end - len(stretch)
    if last > start:
        _count((last - start) * len(stretch) * 4)
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


def _reduced(portions: list[str]) -> list[str]:
    """*portions* with neighbouring `**` merged and `x/..` cancelled."""
    kept: list[str] = []
    for portion in portions:
        last = kept[-1] if kept else ""
        if portion == "**" == last:
            continue
        if portion == ".." and last not in ("", ".", "..", "**"):
            kept.pop()
            continue
        kept.append(portion)
    return kept or [""]


def _alternative(portions: list[str]) -> Alternative:
    base = len(portions) == 1
    rooted = not base and not portions[0]
    stretches: list[list[Portion]] = [[]]
    for portion in portions[1:] if rooted else portions:
        if portion == "**":
            stretches.append([])
        else:
            stretches[-1].append(compile_portion(portion))
    loose = not (base or rooted) and any(portion.empty for stretch in stretches for portion in stretch)
    return Alternative(tuple(map(tuple, stretches)), base, rooted, loose)
