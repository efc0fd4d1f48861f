"""Single ignore rules, and runs of them that are answered together.

npm asks three questions about a path: FILE, FOLDER (with a slash behind it) and MAYBE (is this folder, or may
something below it be, wanted). Measured on npm 11.19.1 (ignore-walk 8.0.0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from linkpack import limits
from linkpack.select.glob import matches_file, matches_folder, matches_one, may_hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from linkpack.select.glob import Alternative, Glob
    from linkpack.select.portion import Portion

Question: TypeAlias = Literal["file", "folder", "maybe"]

_AT_ONCE = 16  # names compared with a tuple by Python itself, for a step


class Rule(NamedTuple):
    """One rule: *text* as written, trimmed; *negated* rules keep what they match; *where* is `source:line`."""

    text: str
    where: str
    negated: bool
    glob: Glob


class Run(NamedTuple):
    """Neighbouring rules of one sign, sorted by how they can be answered.

    *names*, *starts*, *ends*, *pairs* and *tests* look at the last portion only, and so answer every question, as
    does *inside* (`**/a/**`). The rest answers FILE: *paths* (names by folder), *below* (`a/**`), *counted* (by
    number of portions), *others*. For the other two questions there are *dirs* (`name/`), *anywhere* (a `**` comes
    first: something may be wanted anywhere) and *rules*.
    """

    negated: bool
    names: frozenset[str]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    tests: tuple[Callable[[str], bool], ...]
    paths: dict[str, frozenset[str]]
    below: tuple[str, ...]
    inside: frozenset[str]
    counted: dict[int, tuple[Alternative, ...]]
    others: tuple[Alternative, ...]
    dirs: frozenset[str]
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
    """Return the steps that asking *run* about one name is worth.

    Beginnings and ends are compared by Python at once: 1,000 of them take 3 us, a pattern by itself 0.3 us.
    """
    apart = len(run.tests) + len(run.pairs) + sum(map(len, run.counted.values())) + len(run.others)
    return apart + len(run.rules) + (len(run.starts) + len(run.ends)) // _AT_ONCE


def folder_work(run: Run) -> int:
    """Return the steps that `in_folder` is worth, but for those that it counts itself."""
    return len(run.others) + len(run.below) // _AT_ONCE


def in_folder(run: Run, folder: tuple[str, ...]) -> Near | None:
    """What *run* says about the files of the directory at *folder*; None when nothing.

    Most rules name a place: what they say is the same for every name in a directory, nothing at all or yes.
    """
    path = "/".join(folder)
    every = bool(run.below and f"{path}/".startswith(run.below)) or not run.inside.isdisjoint(folder)
    tests = run.tests
    others: tuple[Alternative, ...] = ()
    candidates = run.counted.get(len(folder) + 1, ())
    limits.spend(len(candidates) * len(folder) // 4)
    for one in candidates:
        *above, last = one.stretches[0]
        if all(portion.fits(name) for portion, name in zip(above, folder, strict=True)):
            tests = (*tests, last.fits)
    for one in run.others:
        if one.base or one.loose or one.stretches[-1]:
            others = (*others, one)
        else:  # a ** at the end takes any name, where what is before it fits the directory
            every = every or matches_one(one, (*folder, "*"))
    names = run.names
    if path in run.paths:
        limits.spend(len(names) // _AT_ONCE)
        names |= run.paths[path]
    ends = ("",) if every else run.ends
    if names or run.starts or ends or run.pairs or tests or others:
        return Near(run.negated, names, run.starts, ends, run.pairs, tests, others)
    return None


def hits_file(near: Near, parts: tuple[str, ...]) -> bool:
    """Whether a rule of *near* matches the file at *parts*, in the directory that it was made for."""
    if _hits_name(near, parts[-1]):
        return True
    return bool(near.others) and any(matches_one(one, parts) for one in near.others)


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
    if run.inside and not run.inside.isdisjoint(parts):
        return True
    if parts[-1] in run.dirs and (question == "maybe" or len(parts) == 1):
        return True
    return any(applies(one, parts, question) for one in run.rules)


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
                slow += [one] if slow[-1:] != [one] else []
    run = _sorted_run(names, rest)
    return run._replace(
        negated=rules[0].negated,
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


def _sorted_run(names: list[Portion], rest: list[Alternative]) -> Run:
    ends = [one.ends for one in names if one.ends is not None]
    paths: dict[str, set[str]] = {}
    below: list[str] = []
    counted: dict[int, tuple[Alternative, ...]] = {}
    others: list[Alternative] = []
    for one in rest:
        head, *more = one.stretches
        literals = [portion.literal for portion in head]
        if None not in literals and not more:
            *above, name = [text for text in literals if text is not None]
            paths.setdefault("/".join(above), set()).add(name)
        elif None not in literals and more == [()]:
            below.append("".join([f"{text}/" for text in literals]))
        elif more or any(portion.empty for portion in head):
            others.append(one)
        else:
            counted[len(head)] = (*counted.get(len(head), ()), one)
    return Run(
        negated=False,
        names=frozenset([one.literal for one in names if one.literal is not None]),
        starts=tuple([start for start, end in ends if not end]),
        ends=tuple([end for start, end in ends if end and not start]),
        pairs=tuple([pair for pair in ends if all(pair)]),
        tests=tuple([one.fits for one in names if one.literal is None and one.ends is None]),
        paths={folder: frozenset(held) for folder, held in paths.items()},
        below=tuple(below),
        inside=frozenset(),
        counted=counted,
        others=tuple(others),
        dirs=frozenset(),
        anywhere=False,
        rules=(),
    )
