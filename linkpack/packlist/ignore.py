"""Ignore rules: their text, and what an ordered set of them says about a path.

The text is npm's (ignore-walk 8 and 9, measured on npm 11.19.1): lines end at LF or CRLF and are trimmed, `#`
starts a comment only at the start of a line, an odd number of leading `!` takes back. Of a set the last rule that
matches decides.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.errors import LinkpackError, Problem
from linkpack.glob.pattern import compile_glob
from linkpack.glob.portion_matcher import fold
from linkpack.packlist.rule_index import Rule, applies, hits_folder, in_folder, in_runs, said_of_file, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pathspec import PathSpec

    from linkpack.glob.pattern import Glob
    from linkpack.glob.portion_parser import Portion
    from linkpack.packlist.pathspec_pattern import NpmPattern
    from linkpack.packlist.rule_index import Near, Question, Rules

BUILT_IN = "never packed"  # where built-in rules stand
FILES = '"files"'  # where the rules of the manifest's field stand
_COMPILING = 300  # steps that reading a pattern is worth
_NAMING = 8  # rules tried for a step, where the one that decided is named
_FOLDERS = 256  # directories about which answers are kept; the walk stays near
_SHOWN = 80  # characters of a pattern in a message
# The mark of an encoding at the start of a file. The longer ones come first: one begins like another.
_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32-LE"),
    (b"\0\0\xfe\xff", "UTF-32-BE"),
    (b"\xff\xfe", "UTF-16-LE"),
    (b"\xfe\xff", "UTF-16-BE"),
)
# What String.prototype.trim takes away.
_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_SPACE += "\u2028\u2029\u202f\u205f\u3000\ufeff"


class Verdict(NamedTuple):
    """What a set says: to *keep* the path, to drop it, or (None) nothing; and the *rule* that decided."""

    keep: bool | None
    rule: Rule | None


class RuleSet:
    """Rules in order: ask it with `keeps_file` and `keeps_folder`, and for the rule that decided with `decide`."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._runs = in_runs(self.rules)
        # What was asked already: the built-in sets serve every package, and most have folders of the same names.
        self._near: dict[tuple[str, ...], tuple[Near, ...]] = {}
        self._said: dict[tuple[tuple[str, ...], Question], bool | None] = {}
        #: the steps that asking about a directory is worth; none when all are built in
        self.work = sum(map(work, self._runs)) if any(one.where != BUILT_IN for one in self.rules) else 0

    @cached_property
    def takes_back(self) -> bool:
        """True if a rule of an ignore file among these takes something back."""
        return any(one.negated and one.where not in {BUILT_IN, FILES} for one in self.rules)

    @cached_property
    def spec(self) -> PathSpec[NpmPattern]:
        """The same rules as pathspec has them; paths that end with a slash are asked MAYBE, others FILE."""
        from linkpack.packlist.pathspec_pattern import NpmPattern, path_spec  # noqa: PLC0415 - pathspec is slow to import

        return path_spec(NpmPattern(_matcher(one), include=not one.negated) for one in self.rules)

    def keeps_file(self, parts: tuple[str, ...]) -> bool | None:
        """Whether to keep the file at the folded *parts*; None when no rule matches."""
        return said_of_file(self.near(parts[:-1]), parts)

    def near(self, folder: tuple[str, ...]) -> tuple[Near, ...]:
        """What the rules say about the files in *folder*, the last run first: of those there are many more."""
        found = self._near.get(folder)
        if found is None:
            if len(self._near) >= _FOLDERS:
                self._near.clear()
            found = tuple([near for run in self._runs if (near := in_folder(run, folder)) is not None])
            self._near[folder] = found
        return found

    def keeps_folder(self, parts: tuple[str, ...], question: Question) -> bool | None:
        """The answer to FOLDER or MAYBE for the directory at *parts*; None when no rule matches."""
        key = (parts, question)
        with suppress(KeyError):  # rather than to ask first: threads share the built-in sets
            return self._said[key]
        if len(self._said) >= _FOLDERS:
            self._said.clear()
        self._said[key] = said = self._keeps_folder(parts, question)
        return said

    def _keeps_folder(self, parts: tuple[str, ...], question: Question) -> bool | None:
        for run in self._runs:
            if hits_folder(run, parts, question):
                return run.negated
        return None

    def last_match(self, parts: tuple[str, ...], question: Question) -> Rule | None:
        """Return the rule that decides about *parts*; the same as `decide` tells, without pathspec."""
        found = self._index.candidates(parts[-1]) if question == "file" else range(len(self.rules) - 1, -1, -1)
        # The usual set has a few dozen rules, and naming one of them is no work to speak of.
        limits.spend(len(found) // _NAMING)
        return next((self.rules[number] for number in found if applies(self.rules[number], parts, question)), None)

    @cached_property
    def _index(self) -> _Index:
        return _Index(self.rules)

    def decide(self, path: str, *, folder: bool = False) -> Verdict:
        """What the rules say about *path*, relative to their directory, and which rule said it.

        For a directory the question is MAYBE. This goes through pathspec, whose last match decides.
        """
        found = self.spec.check_file(path + "/" if folder else path)
        if found.include is None or found.index is None:
            return Verdict(None, None)
        return Verdict(not found.include, self.rules[found.index])


class _Index:
    """Rules by what they ask of a file's name, to find the few that can match it.

    *names* maps a folded name to the numbers of the rules whose patterns end in it, *affixes* maps the lengths of
    what a name must start and end with to the same of `(start, end)`, and *rest* are the numbers of all others.
    """

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.names: dict[str, list[int]] = {}
        self.affixes: dict[tuple[int, int], dict[tuple[str, str], list[int]]] = {}
        self.rest: list[int] = []
        for number, one in enumerate(rules):
            for alternative in one.glob.alternatives:
                self._add(number, alternative.stretches[-1][-1:])

    def _add(self, number: int, last: tuple[Portion, ...]) -> None:
        """Note the rule *number*, one of whose alternatives ends in the portion *last*, if not in `**`."""
        if last and last[0].literal is not None:
            self.names.setdefault(last[0].literal, []).append(number)
        elif last and last[0].ends is not None:
            start, end = last[0].ends
            self.affixes.setdefault((len(start), len(end)), {}).setdefault((start, end), []).append(number)
        else:
            self.rest.append(number)

    def candidates(self, name: str) -> list[int]:
        """Return the numbers of the rules that may match a file of that folded *name*, the last one first."""
        found = [*self.names.get(name, ()), *self.rest]
        for (start, end), known in self.affixes.items():
            if start + end <= len(name):
                found += known.get((name[:start], name[len(name) - end :]), ())
        return sorted(set(found), reverse=True)


def decode_rules(raw: bytes, source: str) -> tuple[str, str]:
    """Decode the ignore file *raw*, called *source*, and return its text and encoding ("" for UTF-8).

    npm and git read every ignore file as UTF-8. In another encoding its rules match nothing there, and what they
    are to keep out ships: Windows PowerShell 5 writes UTF-16 with `echo x > .npmignore`. A file with the mark of
    such an encoding is read by it.

    Raises `LinkpackError` (EIGNOREFILE), naming the line, for a rule that is no text: it has bytes that are not
    UTF-8, or a NUL, which no name has. A comment may have them.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            text = raw[len(mark) :].decode(encoding, "replace")
            break
    else:
        encoding = ""
        text = raw.decode("utf-8", "replace")
    if "\ufffd" in text or "\0" in text:
        _check_text(raw, text, encoding, source)
    return text, encoding


def _check_text(raw: bytes, text: str, encoding: str, source: str) -> None:
    """Refuse *text*, decoded from *raw*, where a rule in it is no text."""
    valid = not encoding and raw.decode("utf-8", "ignore") == text
    for number, line in enumerate(text.split("\n"), 1):
        rule_text = line.strip(_SPACE)
        if not rule_text.startswith("#") and ("\0" in line or ("\ufffd" in line and not valid)):
            message = f"{source}:{number}: this rule is not {encoding or 'UTF-8'} text"
            hint = "save the file as UTF-8: its rules may keep secrets out"
            raise LinkpackError(message, code="EIGNOREFILE", path=source, hint=hint)


def encoding_warning(path: str, name: str, encoding: str) -> Problem:
    """Warn that the ignore file *path*, called *name*, is in *encoding*, which only linkpack reads."""
    message = f"{name} is in {encoding}: npm and git read none of its rules"
    return Problem("WIGNOREFILE", path, message, "save it as UTF-8")


def costliest(sets: Iterable[Rules]) -> Rule | None:
    """Return the rule in *sets* that is most work for a name; None when all are built in."""
    rules = [rule for each in sets for rule in each.rules if rule.where != BUILT_IN]
    return max(rules, key=lambda rule: sum(map(work, in_runs([rule]))), default=None)


def spend_at(folder: str, steps: int) -> None:
    """Count *steps* of work on patterns in *folder*, "" being the root; the error (ELIMIT) names it."""
    try:
        limits.spend(steps)
    except LinkpackError as err:
        message = f"in {folder or 'the root folder'}, {err.message}"
        raise LinkpackError(message, code=err.code, path=err.path, hint=err.hint) from err


def parse_rules(text: str, source: str) -> list[Rule]:
    """The rules of the ignore file *text*; *source* is how its name is shown.

    `LinkpackError` with code EPATTERN, naming the line, for a pattern that cannot be used.
    """
    lines = text.split("\n")
    try:
        limits.spend(_COMPILING * (len(lines) - 1))
    except LinkpackError as err:
        raise located(err, source, f"{len(lines)} lines") from err
    numbered = enumerate(lines, 1)
    return [one for number, line in numbered for one in given_rules((line,), f"{source}:{number}")]


def given_rules(texts: Iterable[str], where: str) -> list[Rule]:
    """The rules that *texts* stand for, each with *where* as its place; one text can hold several lines."""
    lines = [line.strip(_SPACE) for text in texts for line in text.split("\n")]
    return [rule(line, where) for line in lines if line and not line.startswith("#")]


def rule(text: str, where: str) -> Rule:
    """The rule that *text*, already trimmed, stands for."""
    pattern = text.lstrip("!")
    try:
        return Rule(text, where, bool((len(text) - len(pattern)) % 2), _glob(pattern))
    except LinkpackError as err:
        raise located(err, where, text) from err


def located(err: LinkpackError, where: str, text: str) -> LinkpackError:
    """The error *err* about a pattern, which stands at *where* as *text*, with that said."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return LinkpackError(f"{where}: {err.message}: {shown}", code=err.code, path=where, hint=err.hint)


@lru_cache(maxsize=512)
def _glob(pattern: str) -> Glob:
    return compile_glob(pattern)


def _matcher(rule: Rule) -> Callable[[str], bool]:
    def matches(path: str) -> bool:
        parts = tuple(fold(path.rstrip("/")).split("/"))
        return applies(rule, parts, "maybe" if path.endswith("/") else "file")

    return matches
