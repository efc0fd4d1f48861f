"""Index ignore rules, to decide about a path without trying each rule.

npm asks a rule three questions: "file", "folder" (the path has a slash behind it) and "maybe" (is this folder
wanted, or may something below it be). Measured on npm 11.19.1 (ignore-walk 8.0.0).

Of the rules that match a path the last one decides. Rules are grouped into runs of one sign (`group_rules`), so
that the last run with a match decides, whichever of its rules it is. A run is narrowed to a directory once
(`narrow_run`), and then asked about all names of files in it together (`find_matches`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from linkpack import limits
from linkpack.glob.pattern import matches_alternative, matches_file, matches_folder, may_hold
from linkpack.glob.portion_parser import Portion
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from linkpack.glob.pattern import Alternative, Glob

Question: TypeAlias = Literal["file", "folder", "maybe"]

_ANY_NAME = Portion(None, ("", ""), bool, empty=False)
_AT_ONCE = 16  # names that Python compares with a tuple in the time of one step


class Rule(Record):
    """One ignore rule.

    *text* is the rule as written, trimmed, and *where* its place as `source:line`. A *negated* rule keeps what it
    matches, any other drops it.
    """

    text: str
    where: str
    negated: bool
    glob: Glob


def applies(rule: Rule, parts: tuple[str, ...], question: Question) -> bool:
    """Return True if *rule* matches the path *parts* when npm asks *question*."""
    glob = rule.glob
    if question == "file":
        return matches_file(glob, parts)
    if matches_folder(glob, parts):
        return True
    if question == "folder":
        return False
    # From here on the question is "maybe" (ignore-walk, lib/index.js, `filterEntry` with *partial*).
    if rule.negated and may_hold(glob, parts):
        return True
    if not glob.relative or len(parts) == 1:
        return False
    # Below the top npm asks such a rule about the last portion alone as well (`isRelativeRule`).
    return matches_folder(glob, parts[-1:]) or (rule.negated and may_hold(glob, parts[-1:]))


class Rules(Protocol):
    """An ordered set of rules, of which the last match decides."""

    @property
    def work(self) -> int:
        """Return the steps that it takes to ask about a directory."""

    @property
    def takes_back(self) -> bool:
        """Return True if a rule of an ignore file here takes something back."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rules in order."""

    def narrow(self, folder: tuple[str, ...]) -> tuple[NarrowedRun, ...]:
        """Narrow the rules to the files in *folder*, the last run first."""

    def keeps_file(self, parts: tuple[str, ...]) -> bool | None:
        """Return True to keep the file at *parts*, None if no rule matches."""

    def keeps_folder(self, parts: tuple[str, ...], question: Question) -> bool | None:
        """Return True to keep the directory at *parts*, None if no rule matches."""

    def last_match(self, parts: tuple[str, ...], question: Question) -> Rule | None:
        """Return the rule that decides about *parts*, or None if no rule matches."""


class NameTests(Record):
    """Tests of one name, sorted by how they compare it.

    *names* are for `a.js`, *starts* for `a*`, *ends* for `*.js`, *pairs* for `a*.js`, and *tests* for any other
    portion.
    """

    names: frozenset[str] = frozenset()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    tests: tuple[Callable[[str], bool], ...] = ()

    @property
    def takes_every_name(self) -> bool:
        """Return True if an empty start or end is asked for, which every name has."""
        return "" in self.ends or "" in self.starts


class Run(Record):
    """Neighbouring rules of one sign, sorted by how they can be answered.

    These answer every question:

    - *by_name* (`a.js`, `**/*.js`): alternatives that look at the last portion of a path only.
    - *paths* (`/a/b`): names by folder; *under* (`a/**`): the folders; *inside* (`**/a/**`): the names.

    The rest answers "file" only:

    - *counted*: alternatives of a fixed number of portions, by that number; *others*: those with `**`, or with a
      portion that fits the empty name.

    The other two questions go to these:

    - *dirs* (`name/`); *ways*: the folders above a plain path of a negated run; *anywhere*: a negated rule begins
      with `**`, so that something may be wanted anywhere; and *rules*, tried one by one.
    """

    negated: bool
    by_name: NameTests
    paths: dict[str, frozenset[str]]
    under: frozenset[str]
    inside: frozenset[str]
    counted: dict[int, tuple[Alternative, ...]]
    others: tuple[SplitAlternative, ...]
    dirs: frozenset[str]
    ways: frozenset[str]
    anywhere: bool
    rules: tuple[Rule, ...]


class SplitAlternative(Record):
    """An alternative of `Run.others`, split before its last portion.

    *folder* is the alternative with any name in place of the last portion. Asked once for a directory, it says
    whether *last* decides about the files there. *last* is None if a `**` is the end, and both are None if the
    alternative cannot be split.
    """

    alternative: Alternative
    folder: Alternative | None
    last: Portion | None


def group_rules(rules: Iterable[Rule]) -> tuple[Run, ...]:
    r"""Group *rules* into runs of one sign, the last run first.

    >>> from linkpack.packlist.ignore import parse_rules
    >>> for run in group_rules(parse_rules("*.log\n/build/**\n!keep.log\n", ".npmignore")):
    ...     run.negated, set(run.by_name.names), run.by_name.ends, set(run.under)
    (True, {'KEEP.LOG'}, (), set())
    (False, set(), ('.LOG',), {'BUILD'})
    """
    groups: list[list[Rule]] = []
    for rule in rules:
        if not groups or groups[-1][0].negated != rule.negated:
            groups.append([])
        groups[-1].append(rule)
    return tuple([_make_run(group) for group in reversed(groups)])


def _make_run(rules: list[Rule]) -> Run:
    """Sort the alternatives of *rules* by how they can be answered."""
    negated = rules[0].negated
    portions: list[Portion] = []
    dirs: list[str] = []
    inside: list[str] = []
    rest: list[Alternative] = []
    slow: list[Rule] = []
    anywhere = False
    for rule in rules:
        for alternative in rule.glob.alternatives:
            anywhere = anywhere or (negated and not alternative.stretches[0] and not alternative.base)
            if (portion := _find_only_portion(alternative)) is not None:
                portions.append(portion)
            elif (name := _find_dir_name(alternative)) is not None:
                dirs.append(name)
            elif (name := _find_name_inside(alternative)) is not None:
                inside.append(name)
            else:
                rest.append(alternative)
                # For a plain path the rule need not be tried, unless npm asks about the last portion as well.
                if (rule.glob.relative or not _is_plain(alternative)) and slow[-1:] != [rule]:
                    slow.append(rule)
    # What is left are plain paths, and paths with wildcards.
    paths, under = _index_paths(filter(_is_plain, rest))
    counted, others = _sort_wild([alternative for alternative in rest if not _is_plain(alternative)])
    return Run(
        negated=negated,
        by_name=_sort_portions(portions),
        paths=paths,
        under=under,
        inside=frozenset(inside),
        counted=counted,
        others=others,
        dirs=frozenset(dirs),
        ways=_find_ways(paths, under) if negated else frozenset(),
        anywhere=anywhere,
        rules=tuple(slow),
    )


def _find_only_portion(alternative: Alternative) -> Portion | None:
    """Return the last portion, if it alone decides: `*.js` or `**/*.js`."""
    match alternative.stretches:
        case ((portion,),) if alternative.base:
            return portion
        case ((), (portion,)) if not portion.empty:
            return portion
    return None


def _find_dir_name(alternative: Alternative) -> str | None:
    """Return the folded name in `name/`."""
    match alternative.stretches:
        case ((name, slash),) if slash.literal == "" and not alternative.rooted:
            return name.literal
    return None


def _find_name_inside(alternative: Alternative) -> str | None:
    """Return the folded name in `**/name/**`."""
    match alternative.stretches:
        case ((), (name,), ()):
            return name.literal
    return None


def _is_plain(alternative: Alternative) -> bool:
    """Return True if *alternative* is `path` or `path/**` without wildcards."""
    head, *more = alternative.stretches
    return more in ([], [()]) and all(portion.literal for portion in head)


def _index_paths(alternatives: Iterable[Alternative]) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """Return the names in plain paths by folder, and the folders before `/**`."""
    paths: dict[str, set[str]] = {}
    under: set[str] = set()
    for alternative in alternatives:
        head, *more = alternative.stretches
        path = "/".join([str(portion.literal) for portion in head])
        if more:
            under.add(path)
        else:
            folder, _, name = path.rpartition("/")
            paths.setdefault(folder, set()).add(name)
    return {folder: frozenset(names) for folder, names in paths.items()}, frozenset(under)


def _sort_wild(
    alternatives: Iterable[Alternative],
) -> tuple[dict[int, tuple[Alternative, ...]], tuple[SplitAlternative, ...]]:
    """Return the *alternatives* without `**` by length, and the others split."""
    counted: dict[int, list[Alternative]] = {}
    others = []
    for alternative in alternatives:
        head, *more = alternative.stretches
        if more or any(portion.empty for portion in head):
            others.append(_split_last(alternative))
        else:
            counted.setdefault(len(head), []).append(alternative)
    return {count: tuple(same) for count, same in counted.items()}, tuple(others)


def _split_last(alternative: Alternative) -> SplitAlternative:
    """Split *alternative* before its last portion, if it can be."""
    # The one looks at the last portion alone, the other also at an empty portion in front of the path.
    if alternative.base or alternative.loose:
        return SplitAlternative(alternative, None, None)
    *stretches, last = alternative.stretches
    if not last:  # a ** at the end takes any name, where what is before it fits the directory
        return SplitAlternative(alternative, alternative, None)
    folder = alternative._replace(stretches=(*stretches, (*last[:-1], _ANY_NAME)))
    return SplitAlternative(alternative, folder, last[-1])


def _find_ways(paths: Iterable[str], under: Iterable[str]) -> frozenset[str]:
    """Return every folder on the way to plain paths.

    *paths* are the folders of such paths, and *under* are folders before `/**`.
    """
    ways: set[str] = set()
    todo = [*paths, *[path.rpartition("/")[0] for path in under]]
    while todo:
        way = todo.pop()
        if way and way not in ways:
            ways.add(way)
            todo.append(way.rpartition("/")[0])
    return frozenset(ways)


class NarrowedRun(Record):
    """A run, narrowed to the files of one directory.

    It goes by their names, but for the alternatives *others*, which are compared with whole paths.
    """

    negated: bool
    by_name: NameTests
    others: tuple[Alternative, ...] = ()


EVERY_NAME = {keep: NarrowedRun(negated=keep, by_name=NameTests(ends=("",))) for keep in (False, True)}
"""The narrowed runs that drop, or keep, every file of a directory."""


def narrow_run(run: Run, folder: tuple[str, ...]) -> NarrowedRun | None:
    r"""Narrow *run* to the files of *folder*.

    In one directory most rules match no name, or every name, or go by the last portion alone. None if *run* can
    match no name there:

    >>> from linkpack.packlist.ignore import parse_rules
    >>> (run,) = group_rules(parse_rules("/lib/a*.js\n/build/**\n", ".npmignore"))
    >>> narrow_run(run, ("LIB",)).by_name.pairs, narrow_run(run, ("SRC",))
    ((('A', '.JS'),), None)
    >>> narrow_run(run, ("BUILD",)) is EVERY_NAME[False]
    True
    """
    # Which of the alternatives for paths are about this directory, and what they ask of the last portion.
    takes_every_name = _is_under(run, folder) or not run.inside.isdisjoint(folder)
    lasts: list[Portion | None] = []
    candidates = run.counted.get(len(folder) + 1, ())
    limits.spend(len(candidates) * len(folder) // 4)  # a portion compared is a quarter of a step
    for alternative in candidates:
        *above, last = alternative.stretches[0]
        if all(portion.fits(name) for portion, name in zip(above, folder, strict=True)):
            lasts.append(last)
    others = []
    for split in run.others:
        if split.folder is None:
            others.append(split.alternative)
        elif matches_alternative(split.folder, (*folder, "*")):
            lasts.append(split.last)
    if takes_every_name or None in lasts:
        return EVERY_NAME[run.negated]
    # From here on these ask the same of a name as the portions that apply in every directory.
    fitting = _sort_portions([portion for portion in lasts if portion is not None])
    names, starts, ends, pairs, tests = run.by_name
    here = run.paths.get("/".join(folder), frozenset()) | fitting.names
    if here:
        limits.spend(len(names) // _AT_ONCE)
        names |= here
    by_name = NameTests(
        names=names,
        starts=starts + fitting.starts,
        ends=ends + fitting.ends,
        pairs=pairs + fitting.pairs,
        tests=tests + fitting.tests,
    )
    if not (others or any(by_name)):
        return None
    return NarrowedRun(run.negated, by_name, tuple(others))


def _sort_portions(portions: list[Portion]) -> NameTests:
    """Sort *portions*, which look at one name, by how they are compared."""
    ends = [portion.ends for portion in portions if portion.ends is not None]
    return NameTests(
        names=frozenset([portion.literal for portion in portions if portion.literal is not None]),
        starts=tuple([start for start, end in ends if not end]),
        ends=tuple([end for start, end in ends if end and not start]),
        pairs=tuple([pair for pair in ends if all(pair)]),
        tests=tuple([portion.fits for portion in portions if portion.literal is None and portion.ends is None]),
    )


class FileNames(Record):
    """The folded names of the files in a directory.

    *text* has them with a slash on both sides of each.
    """

    names: frozenset[str]
    text: str


def find_matches(run: NarrowedRun, files: FileNames, folder: tuple[str, ...]) -> set[str]:
    """Return the names of *files* in *folder* that a rule of *run* matches.

    Most rules match no name at all. Whether one could is looked for in all names at once, as one text.
    """
    names, text = files
    wanted, starts, ends, pairs, tests = run.by_name
    if run.by_name.takes_every_name:
        return set(names)
    hits = set(names & wanted)
    if any(f"{end}/" in text for end in ends):
        hits |= {name for name in names if name.endswith(ends)}
    if any(f"/{start}" in text for start in starts):
        hits |= {name for name in names if name.startswith(starts)}
    if any(f"/{start}" in text and f"{end}/" in text for start, end in pairs):
        hits |= {name for name in names if _has_affixes(name, pairs)}
    for test in tests:
        hits.update(filter(test, names))
    for alternative in run.others:
        hits |= {name for name in names - hits if matches_alternative(alternative, (*folder, name))}
    return hits


def decide_file(runs: Iterable[NarrowedRun], parts: tuple[str, ...]) -> bool | None:
    """Return whether to keep the file at *parts*, or None if no run matches.

    *runs* are narrowed to its directory, and the first that matches decides.
    """
    for run in runs:
        if _fits(run.by_name, parts[-1]) or any(matches_alternative(other, parts) for other in run.others):
            return run.negated
    return None


def matches_directory(run: Run, parts: tuple[str, ...], question: Question) -> bool:
    """Return True if a rule of *run* matches the directory at *parts*."""
    if _fits(run.by_name, parts[-1]) or (run.anywhere and question == "maybe"):
        return True
    if (run.inside and not run.inside.isdisjoint(parts)) or _is_under(run, parts):
        return True
    if run.paths and parts[-1] in run.paths.get("/".join(parts[:-1]), ()):
        return True
    # Something below the directory may be wanted.
    if run.ways and question == "maybe" and "/".join(parts) in run.ways:
        return True
    # Below the top `name/` is no path, but "maybe" asks about the last portion alone as well.
    if parts[-1] in run.dirs and (question == "maybe" or len(parts) == 1):
        return True
    return any(applies(rule, parts, question) for rule in run.rules)


def _is_under(run: Run, folder: tuple[str, ...]) -> bool:
    """Return True if `/**` of a rule in *run* takes in what is in *folder*."""
    if not run.under:
        return False
    return any("/".join(folder[:depth]) in run.under for depth in range(len(folder) + 1))


def _fits(tests: NameTests, name: str) -> bool:
    return bool(
        name in tests.names
        or (tests.ends and name.endswith(tests.ends))
        or (tests.starts and name.startswith(tests.starts))
        or (tests.pairs and _has_affixes(name, tests.pairs))
        or (tests.tests and any(test(name) for test in tests.tests))
    )


def _has_affixes(name: str, pairs: tuple[tuple[str, str], ...]) -> bool:
    return any(
        name.startswith(start) and name.endswith(end) and len(name) >= len(start) + len(end)
        for start, end in pairs
    )


def count_steps(run: Run) -> int:
    """Return the steps that it takes to ask *run* about a directory.

    A pattern tried by itself takes 0.3 us. Beginnings and ends are compared by Python at once: 1,000 take 3 us.
    """
    _, starts, ends, pairs, tests = run.by_name
    apart = sum([len(rule.glob.alternatives) for rule in run.rules])
    return len(tests) + len(pairs) + apart + (len(starts) + len(ends)) // _AT_ONCE


def count_file_steps(runs: Iterable[NarrowedRun], files: int, characters: int) -> int:
    """Return the steps that it takes to ask *runs* about so many *files*.

    The files are those of one directory. *characters* are those of their names together. Each beginning and end is
    looked for in all names at once, 256 characters in the time that a pattern by itself takes for one name.
    """
    steps = 0
    for run in runs:
        _, starts, ends, pairs, tests = run.by_name
        at_once = len(starts) + len(ends)
        steps += files * (len(tests) + len(pairs) + len(run.others))
        steps += at_once // 2 + (at_once * characters >> 8)
    return steps
