"""Single ignore rules, and runs of them that are answered together.

npm asks three questions about a path: FILE, FOLDER (with a slash behind it) and MAYBE (is this folder, or may
something below it be, wanted). Measured on npm 11.19.1 (ignore-walk 8.0.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

from linkpack import limits
from linkpack.glob.pattern import matches_alternative, matches_file, matches_folder, may_hold
from linkpack.glob.portion_parser import Portion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from linkpack.glob.pattern import Alternative, Glob

Question: TypeAlias = Literal["file", "folder", "maybe"]

_ANY_NAME = Portion(None, ("", ""), bool, empty=False)
_AT_ONCE = 16  # names compared with a tuple by Python itself, for a step


class Rule(NamedTuple):
    """One rule: *text* as written, trimmed; *negated* rules keep what they match; *where* is `source:line`."""

    text: str
    where: str
    negated: bool
    glob: Glob


class Other(NamedTuple):
    """One way to match with a `**` in it, taken apart where that can be.

    It is *whole*; or *around*, which is the same but for its *last* portion, where any name fits. Then what it
    says about the files of a directory is found out once for all of them. *last* is None where a `**` is the
    end.
    """

    whole: Alternative
    around: Alternative | None
    last: Portion | None


class Run(NamedTuple):
    """Neighbouring rules of one sign, sorted by how they can be answered.

    *names*, *starts*, *ends*, *pairs* and *tests* look at the last portion only, and so answer every question.
    So do *inside* (`**/a/**`), *paths* (plain paths: names by folder) and *under* (`a/**`: the folder). The rest
    answers FILE: *counted* (by number of portions), *others*. For the other two questions there are *dirs*
    (`name/`), *ways* (folders above a plain path of a negated run), *anywhere* (a `**` comes first: something may
    be wanted anywhere) and *rules*.
    """

    negated: bool
    names: frozenset[str]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    tests: tuple[Callable[[str], bool], ...]
    paths: dict[str, frozenset[str]]
    under: frozenset[str]
    inside: frozenset[str]
    counted: dict[int, tuple[Alternative, ...]]
    others: tuple[Other, ...]
    dirs: frozenset[str]
    ways: frozenset[str]
    anywhere: bool
    rules: tuple[Rule, ...]


class Near(NamedTuple):
    """What a run says about the files of one directory; by the last portion, but for *others*."""

    negated: bool
    names: frozenset[str]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    tests: tuple[Callable[[str], bool], ...]
    others: tuple[Alternative, ...]


EVERY_NAME = {
    keep: Near(negated=keep, names=frozenset(), starts=(), ends=("",), pairs=(), tests=(), others=())
    for keep in (False, True)
}
"""What drops every file of a directory, and what keeps them all."""


class Names(NamedTuple):
    """The folded names of the files in a directory, and as a *text* with a slash on both sides of each."""

    names: frozenset[str]
    text: str


class Rules(Protocol):
    """An ordered set of rules, of which the last that matches a path decides about it."""

    @property
    def work(self) -> int:
        """The steps that asking about a directory is worth."""

    @property
    def takes_back(self) -> bool:
        """True if a rule of an ignore file among these takes something back."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in order."""

    def near(self, folder: tuple[str, ...]) -> tuple[Near, ...]:
        """Return what the rules say about the files in *folder*, the last run first."""

    def keeps_file(self, parts: tuple[str, ...]) -> bool | None:
        """True to keep the file at *parts*, False to drop it; None when no rule matches."""

    def keeps_folder(self, parts: tuple[str, ...], question: Question) -> bool | None:
        """The same for the directory at *parts*, asked FOLDER or MAYBE."""

    def last_match(self, parts: tuple[str, ...], question: Question) -> Rule | None:
        """Return the rule that decides about *parts*; None when no rule matches."""


def applies(rule: Rule, parts: tuple[str, ...], question: Question) -> bool:
    """Whether *rule* matches the path *parts* when asked *question*."""
    glob = rule.glob
    if question == "file":
        return matches_file(glob, parts)
    if matches_folder(glob, parts):
        return True
    if question == "folder":
        return False
    if rule.negated and may_hold(glob, parts):
        return True
    if not glob.relative or len(parts) == 1:
        return False
    # Inside a directory npm asks such a rule about the last portion alone as well.
    return matches_folder(glob, parts[-1:]) or (rule.negated and may_hold(glob, parts[-1:]))


def in_runs(rules: Iterable[Rule]) -> tuple[Run, ...]:
    """*rules* in runs, the last run first."""
    runs: list[list[Rule]] = []
    for one in rules:
        if not runs or runs[-1][0].negated != one.negated:
            runs.append([])
        runs[-1].append(one)
    return tuple([_run(run) for run in reversed(runs)])


def work(run: Run) -> int:
    """Return the steps that asking *run* about a directory is worth.

    A pattern tried by itself takes 0.3 us. Beginnings and ends are compared by Python at once: 1,000 take 3 us.
    """
    apart = sum([len(rule.glob.alternatives) for rule in run.rules])
    return len(run.tests) + len(run.pairs) + apart + (len(run.starts) + len(run.ends)) // _AT_ONCE


def work_for_files(nears: Iterable[Near], files: int, characters: int) -> int:
    """Return the steps that asking *nears* about so many *files* of one directory is worth.

    *characters* are those of their names together: each beginning and end is looked for in all names at once, 256
    characters in the time that a pattern by itself takes for one name.
    """
    steps = 0
    for near in nears:
        at_once = len(near.starts) + len(near.ends)
        steps += files * (len(near.tests) + len(near.pairs) + len(near.others))
        steps += at_once // 2 + (at_once * characters >> 8)
    return steps


def in_folder(run: Run, folder: tuple[str, ...]) -> Near | None:
    """Return what *run* says about the files of the directory at *folder*; None when nothing.

    Most rules name a place: what they say is the same for every name in a directory, nothing at all or yes, or it
    is a matter of the last portion alone.
    """
    every = _is_under(run, folder) or not run.inside.isdisjoint(folder)
    lasts: list[Portion | None] = []
    candidates = run.counted.get(len(folder) + 1, ())
    limits.spend(len(candidates) * len(folder) // 4)
    for one in candidates:
        *above, last = one.stretches[0]
        if all(portion.fits(name) for portion, name in zip(above, folder, strict=True)):
            lasts.append(last)
    others = []
    for each in run.others:
        if each.around is None:
            others.append(each.whole)
        elif matches_alternative(each.around, (*folder, "*")):
            lasts.append(each.last)
    if every or None in lasts:
        return EVERY_NAME[run.negated]
    fitting = _by_ends([portion for portion in lasts if portion is not None])
    names = run.names
    here = run.paths.get("/".join(folder), frozenset()) | fitting.names
    if here:
        limits.spend(len(names) // _AT_ONCE)
        names |= here
    near = Near(
        run.negated,
        names,
        run.starts + fitting.starts,
        run.ends + fitting.ends,
        run.pairs + fitting.pairs,
        run.tests + fitting.tests,
        tuple(others),
    )
    return near if any(near[1:]) else None


def _by_ends(portions: Iterable[Portion]) -> Near:
    """Sort *portions*, which look at one name, by how they are asked."""
    portions = list(portions)
    ends = [one.ends for one in portions if one.ends is not None]
    return Near(
        negated=False,
        names=frozenset([one.literal for one in portions if one.literal is not None]),
        starts=tuple([start for start, end in ends if not end]),
        ends=tuple([end for start, end in ends if end and not start]),
        pairs=tuple([pair for pair in ends if all(pair)]),
        tests=tuple([one.fits for one in portions if one.literal is None and one.ends is None]),
        others=(),
    )


def hits_file(near: Near, parts: tuple[str, ...]) -> bool:
    """Whether a rule of *near* matches the file at *parts*, in the directory that it was made for."""
    if _hits_name(near, parts[-1]):
        return True
    return bool(near.others) and any(matches_alternative(one, parts) for one in near.others)


def hit_names(near: Near, names: Names, folder: tuple[str, ...]) -> set[str]:
    """Return those of *names*, files of the directory at *folder*, that a rule of *near* matches.

    Most rules match none: whether one could is asked about all names at once, as one text.
    """
    every, text = names
    if "" in near.ends or "" in near.starts:
        return set(every)
    hits = set(every & near.names)
    if any(f"{end}/" in text for end in near.ends):
        hits |= {name for name in every if name.endswith(near.ends)}
    if any(f"/{start}" in text for start in near.starts):
        hits |= {name for name in every if name.startswith(near.starts)}
    if any(f"/{start}" in text and f"{end}/" in text for start, end in near.pairs):
        hits |= {name for name in every if _between(name, near.pairs)}
    for test in near.tests:
        hits.update(filter(test, every))
    for one in near.others:
        hits |= {name for name in every - hits if matches_alternative(one, (*folder, name))}
    return hits


def said_of_file(nears: Iterable[Near], parts: tuple[str, ...]) -> bool | None:
    """Whether to keep the file at *parts*, as the first of *nears* says that matches it; None when none does."""
    for near in nears:
        if hits_file(near, parts):
            return near.negated
    return None


def hits_folder(run: Run, parts: tuple[str, ...], question: Question) -> bool:
    """Whether a rule of *run* matches the directory at *parts*, when asked FOLDER or MAYBE."""
    if _hits_name(run, parts[-1]) or (run.anywhere and question == "maybe"):
        return True
    if (run.inside and not run.inside.isdisjoint(parts)) or _is_under(run, parts):
        return True
    if run.paths and parts[-1] in run.paths.get("/".join(parts[:-1]), ()):
        return True
    if run.ways and question == "maybe" and "/".join(parts) in run.ways:
        return True
    if parts[-1] in run.dirs and (question == "maybe" or len(parts) == 1):
        return True
    return any(applies(one, parts, question) for one in run.rules)


def _is_under(run: Run, folder: tuple[str, ...]) -> bool:
    """True if *folder* is one of those that *run* speaks of as `folder/**`, or lies below one."""
    if not run.under:
        return False
    return any("/".join(folder[:depth]) in run.under for depth in range(len(folder) + 1))


def _hits_name(run: Run | Near, name: str) -> bool:
    return bool(
        name in run.names
        or (run.ends and name.endswith(run.ends))
        or (run.starts and name.startswith(run.starts))
        or (run.pairs and _between(name, run.pairs))
        or (run.tests and any(test(name) for test in run.tests))
    )


def _between(name: str, pairs: tuple[tuple[str, str], ...]) -> bool:
    return any(
        name.startswith(start) and name.endswith(end) and len(name) >= len(start) + len(end)
        for start, end in pairs
    )


def _run(rules: list[Rule]) -> Run:
    names: list[Portion] = []
    dirs: list[str] = []
    inside: list[str] = []
    rest: list[Alternative] = []
    slow: list[Rule] = []
    anywhere = False
    for one in rules:
        for alternative in one.glob.alternatives:
            head = alternative.stretches[0]
            anywhere = anywhere or (one.negated and not head and not alternative.base)
            if (portion := _last_only(alternative)) is not None:
                names.append(portion)
            elif (name := _dir_name(alternative)) is not None:
                dirs.append(name)
            elif (name := _dir_anywhere(alternative)) is not None:
                inside.append(name)
            else:
                rest.append(alternative)
                # A plain path needs no look at the rule, but where npm asks about the last portion as well.
                if (one.glob.relative or not _is_plain(alternative)) and slow[-1:] != [one]:
                    slow.append(one)
    run = _sorted_run(names, rest)
    negated = rules[0].negated
    return run._replace(
        negated=negated,
        ways=_ways_to(run) if negated else frozenset(),
        inside=frozenset(inside),
        dirs=frozenset(dirs),
        anywhere=anywhere,
        rules=tuple(slow),
    )


def _last_only(one: Alternative) -> Portion | None:
    """The portion that decides when only the last one of a path counts."""
    *before, last = one.stretches
    if before not in ([], [()]) or len(last) != 1 or not (one.base or before):
        return None
    return None if last[0].empty and not one.base else last[0]


def _dir_name(one: Alternative) -> str | None:
    """The folded name in `name/`."""
    first, *more = one.stretches
    if one.rooted or more or len(first) != 2 or first[1].literal != "":  # noqa: PLR2004 - name and slash
        return None
    return first[0].literal


def _dir_anywhere(one: Alternative) -> str | None:
    """The folded name in `**/name/**`."""
    if len(one.stretches) != 3 or one.stretches[0] or one.stretches[2] or len(one.stretches[1]) != 1:  # noqa: PLR2004
        return None
    return one.stretches[1][0].literal


def _is_plain(one: Alternative) -> bool:
    """True if *one* is a path without wildcards, or one with `/**` behind it."""
    head, *more = one.stretches
    return more in ([], [()]) and all(portion.literal for portion in head)


def _ways_to(run: Run) -> frozenset[str]:
    """Return every folder above a path or folder that *run* names without wildcards."""
    found: set[str] = set()
    todo = [*run.paths, *[path.rpartition("/")[0] for path in run.under]]
    while todo:
        way = todo.pop()
        if way and way not in found:
            found.add(way)
            todo.append(way.rpartition("/")[0])
    return frozenset(found)


def _taken_apart(one: Alternative) -> Other:
    """Take the last portion of *one* apart, unless what it is compared with depends on more than its place."""
    if one.base or one.loose:
        return Other(one, None, None)
    *stretches, last = one.stretches
    if not last:  # a ** at the end takes any name, where what is before it fits the directory
        return Other(one, one, None)
    around = one._replace(stretches=(*stretches, (*last[:-1], _ANY_NAME)))
    return Other(one, around, last[-1])


def _sorted_run(names: list[Portion], rest: list[Alternative]) -> Run:
    near = _by_ends(names)
    paths: dict[str, set[str]] = {}
    under: set[str] = set()
    counted: dict[int, tuple[Alternative, ...]] = {}
    others: list[Other] = []
    for one in rest:
        head, *more = one.stretches
        if _is_plain(one):
            path = "/".join([str(portion.literal) for portion in head])
            if more:
                under.add(path)
            else:
                folder, _, name = path.rpartition("/")
                paths.setdefault(folder, set()).add(name)
        elif more or any(portion.empty for portion in head):
            others.append(_taken_apart(one))
        else:
            counted[len(head)] = (*counted.get(len(head), ()), one)
    return Run(
        negated=False,
        names=near.names,
        starts=near.starts,
        ends=near.ends,
        pairs=near.pairs,
        tests=near.tests,
        paths={folder: frozenset(found) for folder, found in paths.items()},
        under=frozenset(under),
        inside=frozenset(),
        counted=counted,
        others=tuple(others),
        dirs=frozenset(),
        ways=frozenset(),
        anywhere=False,
        rules=(),
    )
