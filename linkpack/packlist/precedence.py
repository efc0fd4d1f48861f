"""Decide whether a path ships, by the rules of the directories above it.

Each directory on the way has rule sets. A deeper one is asked after its parents, and can take back their "no" only
if the directory itself was let in by name (the ignore-walk package, measured on npm 11.19.1 and 12.2.0).

`keeps` answers for one path, and `judge_files` the same for all files of a directory at once. `find_deciding_rule`
and `explain_rule` say why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.packlist.editions import NPM_RULES
from linkpack.packlist.ignore import BUILT_IN, FILES
from linkpack.packlist.npm_rules import NEWEST_ONLY
from linkpack.packlist.rule_index import EVERY_NAME, FileNames, find_matches
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkpack.packlist.rule_index import NarrowedRun, Question, Rule, Rules


class DirectoryRules(Record):
    """The rule sets of a directory, or of several with the same ones.

    Directories inside each other share one value if they have built-in rules only.

    - *sets*: highest precedence first.
    - *first* and *last*: the depths of the directories, the root's being 0.
    - *is_open*: the first was let in by name, and may take back a "no". Built-in rules never do.
    """

    sets: tuple[Rules, ...]
    first: int
    last: int
    is_open: bool


def add_directory(
    above: tuple[DirectoryRules, ...], sets: tuple[Rules, ...], *, is_open: bool
) -> tuple[DirectoryRules, ...]:
    """Return the rules *above*, and *sets* of a directory below them.

    Neighbours that share one tuple of sets become one.
    """
    depth = above[-1].last + 1 if above else 0
    if depth > 1 and above[-1].sets is sets:
        return (*above[:-1], above[-1]._replace(last=depth))
    return (*above, DirectoryRules(sets, depth, depth, is_open))


class Candidate(Record):
    """A path to decide about.

    *path* is relative to the root, and *parts* are its folded portions. *above* are the rules of the directories
    above it, the root's first.
    """

    path: str
    parts: tuple[str, ...]
    above: tuple[DirectoryRules, ...]


def keeps(asked: Candidate, question: Question) -> bool:
    """Return True to keep the path when npm asks *question*.

    A deeper directory can take back a "no" only if it was let in by name:

    >>> from linkpack.packlist.ignore import RuleSet, parse_rules
    >>> root, lib = (RuleSet(parse_rules(text, ".npmignore")) for text in ("*.js", "!a.js"))
    >>> for is_open in (True, False):
    ...     above = add_directory(add_directory((), (root,), is_open=True), (lib,), is_open=is_open)
    ...     keeps(Candidate("lib/a.js", ("LIB", "A.JS"), above), "file")
    True
    False
    """
    kept, _ = _decide(asked, question)
    return kept


def find_deciding_set(asked: Candidate, question: Question) -> tuple[int, Rules] | None:
    """Return the depth of the deciding directory, and its deciding set."""
    _, deciding = _decide(asked, question)
    return deciding


def find_deciding_rule(asked: Candidate, question: Question) -> Rule | None:
    """Return the rule that decides, or None if no rule matches."""
    deciding = find_deciding_set(asked, question)
    if deciding is None:
        return None
    depth, rules = deciding
    return rules.last_match(asked.parts[depth:], question)


def _decide(asked: Candidate, question: Question) -> tuple[bool, tuple[int, Rules] | None]:
    """Return whether to keep the path, and what `find_deciding_set` returns."""
    kept = True
    deciding = None
    for directory in asked.above:
        for depth in _list_depths(directory, len(asked.parts) - 1):
            # ignore-walk, lib/index.js, `filterEntry`: `if (!included && !this.exact) return false`.
            if not (kept or directory.is_open):
                continue
            answer = _ask_sets(directory.sets, asked.parts[depth:], question)
            if answer is not None:
                kept, deciding = answer[0], (depth, answer[1])
    return kept, deciding


def _list_depths(directory: DirectoryRules, deepest: int) -> tuple[int, ...]:
    """Return the depths to ask about what is in a directory *deepest* deep.

    Built-in rules that are not anchored answer at the first depth already. Those that are anchored look at one or
    two portions, and so answer at the last two depths. `/archived-packages/**` needs no other, because no such
    directory is entered where it applies.
    """
    if directory.first == directory.last:
        return (directory.first,)
    last_two = [depth for depth in (deepest - 1, deepest) if directory.first < depth <= directory.last]
    return (directory.first, *last_two)


def _ask_sets(sets: tuple[Rules, ...], parts: tuple[str, ...], question: Question) -> tuple[bool, Rules] | None:
    """Return the first answer of *sets* about *parts*, and its set."""
    for rules in sets:
        keep = rules.keeps_file(parts) if question == "file" else rules.keeps_folder(parts, question)
        if keep is not None:
            return keep, rules
    return None


class ApplicableRules(Record):
    """The rules of the directory at *depth*, for the files of one folder.

    The folder is that directory, or one below it. *runs* are narrowed to the folder, the first to answer first.
    *sets* has the rule set of each run.
    """

    is_open: bool
    depth: int
    runs: tuple[NarrowedRun, ...]
    sets: tuple[Rules, ...]


def find_applicable_rules(
    above: tuple[DirectoryRules, ...], folder: tuple[str, ...]
) -> tuple[ApplicableRules, ...]:
    """Narrow the rules *above* to the files of the directory at *folder*."""
    applicable = []
    for directory in above:
        for depth in _list_depths(directory, len(folder)):
            narrowed = list(_narrow_sets(directory.sets, folder[depth:]))
            if narrowed:
                runs, sets = zip(*narrowed, strict=True)
                applicable.append(ApplicableRules(directory.is_open, depth, runs, sets))
    return tuple(applicable)


def _narrow_sets(sets: Iterable[Rules], folder: tuple[str, ...]) -> Iterator[tuple[NarrowedRun, Rules]]:
    """Yield each narrowed run of *sets* with its set.

    A run that takes every name is the last.
    """
    for rules in sets:
        for run in rules.narrow(folder):
            if run.by_name.takes_every_name:
                # The rest of the run adds nothing, and one value for all makes `are_same_rules` see that.
                yield EVERY_NAME[run.negated], rules
                return
            yield run, rules


def are_same_rules(some: Iterable[ApplicableRules], other: Iterable[ApplicableRules]) -> bool:
    """Return True if *some* and *other* are the same, but for their sets."""
    return [rules[:3] for rules in some] == [rules[:3] for rules in other]


class Verdicts(Record):
    """The decisions about all files of a directory.

    *kept* are the folded names of those to keep. *blamed* has for each other name its deciding set, as
    `find_deciding_set` returns it.
    """

    kept: set[str]
    blamed: dict[str, tuple[int, Rules]]


def judge_files(applicable: Iterable[ApplicableRules], folder: tuple[str, ...], names: Iterable[str]) -> Verdicts:
    """Decide about all files of the directory at *folder*.

    *names* are folded. Each verdict is that of `keeps` (tests/property/test_patterns.py).
    """
    kept = set(names)
    files = FileNames(frozenset(kept), f"/{'/'.join(kept)}/")
    blamed: dict[str, tuple[int, Rules]] = {}
    for is_open, depth, runs, sets in applicable:
        # The names that these rules may still decide about: an open directory may take back what is dropped.
        left = set(files.names) if is_open else set(kept)
        # Of one directory the first set that answers decides, so that an answered name is asked no more.
        for run, rules in zip(runs, sets, strict=True):
            hits = find_matches(run, files, folder[depth:]) & left
            if run.negated:
                kept |= hits
            elif hits:
                kept -= hits
                blamed.update(dict.fromkeys(hits, (depth, rules)))
            left -= hits
    return Verdicts(kept, blamed)


def explain_rule(rule: Rule) -> str:
    """Return the reason that *rule* is for leaving out a path.

    It is "" for a rule that keeps paths.
    """
    if rule.negated:
        return ""
    if (rule.where, rule.text) == (FILES, "*"):
        return 'not named in "files"'
    is_newest_only = rule.where == BUILT_IN and rule.text in NEWEST_ONLY
    return f"{rule.where}{f' by npm {NPM_RULES[-1]}' if is_newest_only else ''}: {rule.text}"
