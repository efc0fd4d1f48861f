"""Read ignore rules, and ask an ordered set of them about a path.

npm reads the text so (ignore-walk 8 and 9, measured on npm 11.19.1): lines end at LF or CRLF and are trimmed, `#`
starts a comment only at the start of a line, and an odd number of leading `!` takes back what an earlier rule
drops.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from linkpack import limits
from linkpack.errors import LinkpackError, Problem
from linkpack.glob.pattern import compile_glob
from linkpack.packlist.rule_index import (
    Rule,
    applies,
    count_steps,
    decide_file,
    group_rules,
    matches_directory,
    narrow_run,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from linkpack.glob.pattern import Glob
    from linkpack.glob.portion_parser import Portion
    from linkpack.packlist.rule_index import NarrowedRun, Question, Rules

BUILT_IN = "never packed"  # the place of built-in rules, as `Rule.where`
FILES = '"files"'  # the place of rules from the manifest's field
_COMPILING = 300  # steps for compiling a pattern
_NAMING = 8  # rules tried in one step to find the one that decided
_FOLDERS = 256  # directories for which answers are kept: the walk goes on in neighbours
_SHOWN = 80  # characters of a pattern in a message
# The byte order marks of encodings, the longer ones first: that of UTF-32-LE begins like that of UTF-16-LE.
_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32-LE"),
    (b"\0\0\xfe\xff", "UTF-32-BE"),
    (b"\xff\xfe", "UTF-16-LE"),
    (b"\xfe\xff", "UTF-16-BE"),
)
# The characters that JavaScript's String.prototype.trim removes.
_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_SPACE += "\u2028\u2029\u202f\u205f\u3000\ufeff"


def decode_rules(raw: bytes, source: str) -> tuple[str, str]:
    """Decode the ignore file *raw*, and return its text and encoding.

    The encoding is "" for UTF-8. npm and git read every ignore file as UTF-8. In another encoding its rules match
    nothing there, and what they are to keep out ships: Windows PowerShell 5 writes UTF-16 with
    `echo x > .npmignore`. A file with the mark of such an encoding is read by it (row T4 of
    docs/differences-from-npm.md).

    Raises `LinkpackError` (EIGNOREFILE), naming *source* and the line, for a rule that is no text: it has bytes
    that are not UTF-8, or a NUL, which no file name has. A comment may have them.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            text = raw[len(mark) :].decode(encoding, "replace")
            break
    else:
        encoding = ""
        text = raw.decode("utf-8", "replace")
    # Hardly any file has one of these, and only such a file is read line by line.
    if "\ufffd" in text or "\0" in text:
        _check_text(raw, text, encoding, source)
    return text, encoding


def _check_text(raw: bytes, text: str, encoding: str, source: str) -> None:
    """Raise `LinkpackError` if a rule in *text* is no text.

    *raw* is the file before decoding.
    """
    # The replacement character may be in the file itself. It is text, if nothing else had to be replaced.
    valid = not encoding and raw.decode("utf-8", "ignore") == text
    for number, line in enumerate(text.split("\n"), 1):
        rule_text = line.strip(_SPACE)
        if not rule_text.startswith("#") and ("\0" in line or ("\ufffd" in line and not valid)):
            message = f"{source}:{number}: this rule is not {encoding or 'UTF-8'} text"
            hint = "save the file as UTF-8: its rules may keep secrets out"
            raise LinkpackError(message, code="EIGNOREFILE", path=source, hint=hint)


def make_encoding_warning(path: str, name: str, encoding: str) -> Problem:
    """Warn that only linkpack reads the ignore file *path*."""
    message = f"{name} is in {encoding}: npm and git read none of its rules"
    return Problem("WIGNOREFILE", path, message, "save it as UTF-8")


def parse_rules(text: str, source: str) -> list[Rule]:
    r"""Parse the ignore file *text*, which *source* names in messages.

    >>> [(rule.where, rule.text, rule.negated) for rule in parse_rules("# logs\n*.log\n  !a.log\n", ".npmignore")]
    [('.npmignore:2', '*.log', False), ('.npmignore:3', '!a.log', True)]

    Raises `LinkpackError` (EPATTERN), naming the line, for a pattern that cannot be used.
    """
    lines = text.split("\n")
    try:
        limits.spend(_COMPILING * (len(lines) - 1))
    except LinkpackError as err:
        raise add_location(err, source, f"{len(lines)} lines") from err
    numbered = enumerate(lines, 1)
    return [rule for number, line in numbered for rule in make_rules((line,), f"{source}:{number}")]


def make_rules(texts: Iterable[str], where: str) -> list[Rule]:
    """Parse the lines of *texts* as rules with the place *where*."""
    lines = [line.strip(_SPACE) for text in texts for line in text.split("\n")]
    return [_parse_rule(line, where) for line in lines if line and not line.startswith("#")]


def _parse_rule(text: str, where: str) -> Rule:
    pattern = text.lstrip("!")
    try:
        return Rule(text, where, bool((len(text) - len(pattern)) % 2), _compile(pattern))
    except LinkpackError as err:
        raise add_location(err, where, text) from err


# Ignore files repeat each other's patterns, and a pattern means the same in each.
@lru_cache(maxsize=512)
def _compile(pattern: str) -> Glob:
    return compile_glob(pattern)


class RuleSet:
    r"""Rules in order, of which the last that matches a path decides about it.

    >>> rules = RuleSet(parse_rules("*.js\n!a.js\n", ".npmignore"))
    >>> [rules.keeps_file((name,)) for name in ("B.JS", "A.JS", "A.MD")]
    [False, True, None]
    >>> rules.last_match(("LIB", "A.JS"), "file").where
    '.npmignore:2'

    Paths are given as folded portions (see `fold`), relative to the directory of the rules.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._runs = group_rules(self.rules)
        # Answers are kept: the built-in sets serve every package, and packages have folders of the same names.
        self._narrowed: dict[tuple[str, ...], tuple[NarrowedRun, ...]] = {}
        self._folder_answers: dict[tuple[tuple[str, ...], Question], bool | None] = {}
        #: The steps that it takes to ask about a directory, 0 when all rules are built in.
        is_own = any(rule.where != BUILT_IN for rule in self.rules)
        self.work = sum(map(count_steps, self._runs)) if is_own else 0

    @cached_property
    def takes_back(self) -> bool:
        """Return True if a rule of an ignore file here takes something back."""
        return any(rule.negated and rule.where not in {BUILT_IN, FILES} for rule in self.rules)

    def keeps_file(self, parts: tuple[str, ...]) -> bool | None:
        """Return True to keep the file at *parts*, None if no rule matches."""
        return decide_file(self.narrow(parts[:-1]), parts)

    def narrow(self, folder: tuple[str, ...]) -> tuple[NarrowedRun, ...]:
        """Narrow the rules to the files in *folder*, the last run first."""
        narrowed = self._narrowed.get(folder)
        if narrowed is None:
            if len(self._narrowed) >= _FOLDERS:
                self._narrowed.clear()
            runs = [narrow_run(run, folder) for run in self._runs]
            narrowed = self._narrowed[folder] = tuple([run for run in runs if run is not None])
        return narrowed

    def keeps_folder(self, parts: tuple[str, ...], question: Question) -> bool | None:
        """Return True to keep the directory at *parts*, None if no rule matches."""
        key = (parts, question)
        with suppress(KeyError):  # not `in`, and then a lookup: threads share the built-in sets, and clear them
            return self._folder_answers[key]
        if len(self._folder_answers) >= _FOLDERS:
            self._folder_answers.clear()
        answer = None
        for run in self._runs:
            if matches_directory(run, parts, question):
                answer = run.negated
                break
        self._folder_answers[key] = answer
        return answer

    def last_match(self, parts: tuple[str, ...], question: Question) -> Rule | None:
        """Return the rule that decides about *parts*, or None if no rule matches."""
        # Numbers of rules, the last first: all of them, unless the index knows better.
        candidates: Sequence[int] = range(len(self.rules) - 1, -1, -1)
        if question == "file":
            candidates = self._index.find_candidates(parts[-1])
        # The usual set has a few dozen rules, and naming one of them is no work to speak of.
        limits.spend(len(candidates) // _NAMING)
        for number in candidates:
            if applies(self.rules[number], parts, question):
                return self.rules[number]
        return None

    @cached_property
    def _index(self) -> _NameIndex:
        return _NameIndex(self.rules)


class _NameIndex:
    """Numbers of rules by the names of the files that they can match.

    *names* has the rules that end in a literal portion by that name. *affixes* has those that end in text around
    one star, by the lengths of its start and end, and then by the two. *rest* are all others.
    """

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.names: dict[str, list[int]] = {}
        self.affixes: dict[tuple[int, int], dict[tuple[str, str], list[int]]] = {}
        self.rest: list[int] = []
        for number, rule in enumerate(rules):
            for alternative in rule.glob.alternatives:
                self._add(number, alternative.stretches[-1][-1:])

    def _add(self, number: int, last: tuple[Portion, ...]) -> None:
        """Add the rule *number* by its *last* portion.

        *last* is empty if the rule ends in `**`.
        """
        if last and last[0].literal is not None:
            self.names.setdefault(last[0].literal, []).append(number)
        elif last and last[0].ends is not None:
            start, end = last[0].ends
            self.affixes.setdefault((len(start), len(end)), {}).setdefault((start, end), []).append(number)
        else:
            self.rest.append(number)

    def find_candidates(self, name: str) -> list[int]:
        """Return the rules that may match a file of *name*, the last first."""
        numbers = [*self.names.get(name, ()), *self.rest]
        for (start, end), known in self.affixes.items():
            if start + end <= len(name):
                numbers += known.get((name[:start], name[len(name) - end :]), ())
        return sorted(set(numbers), reverse=True)


def find_costliest_rule(sets: Iterable[Rules]) -> Rule | None:
    """Return the rule in *sets* that takes most work.

    None if all are built in.
    """
    rules = [rule for rules in sets for rule in rules.rules if rule.where != BUILT_IN]
    return max(rules, key=lambda rule: sum(map(count_steps, group_rules([rule]))), default=None)


def spend_in(folder: str, steps: int) -> None:
    """Count *steps* of work on patterns in *folder*, "" for the root.

    Raises `LinkpackError` (ELIMIT), naming the folder, when the work becomes too much.
    """
    try:
        limits.spend(steps)
    except LinkpackError as err:
        message = f"in {folder or 'the root folder'}, {err.message}"
        raise LinkpackError(message, code=err.code, path=err.path, hint=err.hint) from err


def add_location(err: LinkpackError, where: str, text: str) -> LinkpackError:
    """Return *err*, an error about the pattern *text*, with its place *where*."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return LinkpackError(f"{where}: {err.message}: {shown}", code=err.code, path=where, hint=err.hint)
