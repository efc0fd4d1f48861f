"""Warnings about what a package ships or leaves out that its user may not expect, all made after the walk."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from contextlib import suppress
from itertools import takewhile
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import Problem
from linkpack.glob.portion_matcher import fold
from linkpack.packlist.builder import listed
from linkpack.packlist.ignore import BUILT_IN, FILES, given_rules
from linkpack.packlist.rule_index import applies
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from linkpack.packlist.builder import Omission
    from linkpack.packlist.files_field import Claim, Place
    from linkpack.packlist.rule_index import Question, Rule

_SHOWN = 5  # entries of `files` that a message names
_CONFIG_LIMIT = 1 << 20  # bytes of a config.gypi
NAMED_ALIKE = {
    "**/CVS": "a folder of CVS",
    "**/CVS/**": "a folder of CVS",
    "/archived-packages/**": "npm's own archive",
    "/build/config.gypi": "what node-gyp writes",
}
"""Built-in rules whose names people give to folders and files of their own, and what npm has them for."""


class Opened(NamedTuple):
    """The ignored directory at *path*, which is walked all the same.

    *ignoring* is the rule that names it, *opening* the one that has it walked. *exceptions* are the rules of
    ignore files that take something back, and how deep the directories of the files lie, the root's being 0.
    """

    path: str
    ignoring: Rule
    opening: Rule
    exceptions: tuple[tuple[Rule, int], ...]


def opened_warnings(
    root: str, opened: Sequence[Opened], shipped: Sequence[str], forced: Collection[str]
) -> Iterator[Problem]:
    """Warn of each ignored directory that ships more than what opens it.

    npm's walk takes all of a directory that it enters, but for what a rule names.
    """
    for each in opened:
        below = sorted([path for path in shipped if path.startswith(f"{each.path}/")])
        other = [path for path in below if path not in forced and not _is_exception(path, each)]
        if not other or len(other) == len(below):
            continue
        rule, opening = each.ignoring, each.opening
        ignored = f"{each.path}/ is ignored ({rule.where}: {rule.text}), but ships"
        if opening.where == BUILT_IN:
            first = next(path for path in below if path not in other)
            yield Problem("WFORCED", f"{root}/{each.path}", f"{ignored} because {first} is forced in")
        else:
            more = f" and {len(other) - 1} more" if len(other) > 1 else ""
            message = f"{ignored} because of {opening.where}: {opening.text}: with it {other[0]}{more}"
            hint = f"ignore {rule.text.rstrip('/')}/* there, which names each file by itself"
            yield Problem("WOPENED", f"{root}/{each.path}", message, hint)


def _is_exception(path: str, opened: Opened) -> bool:
    parts = tuple(fold(path).split("/"))
    return any(applies(rule, parts[depth:], "file") for rule, depth in opened.exceptions)


def claim_warnings(
    root: str,
    claims: Sequence[Claim],
    shipped: Sequence[str],
    omissions: Sequence[Omission],
    told: Collection[str],
) -> Iterator[Problem]:
    """Warn of each entry of `files` from which nothing ships; *omissions* are sorted.

    *told* are the paths, relative to *root*, about which something was said already.
    """
    ships = _Shipped(shipped)
    nothing: list[str] = []
    for claim in claims:
        if ships.anything_of(claim):
            continue
        where = f'"files": {claim.entry}'
        first = _first_omission(claim, omissions)
        if first is not None and first.path.rstrip("/") not in told:
            message = f"{where}: nothing of it ships: {first.path} is left out ({first.reason})"
            yield Problem("WFILES", f"{root}/{first.path.rstrip('/')}", message)
        elif first is None and claim.places:
            yield Problem("WFILES", f"{root}/package.json", f"{where}: no file is in it")
        elif first is None:
            nothing.append(claim.entry)
    if nothing:
        more = f" and {len(nothing) - _SHOWN} more" if len(nothing) > _SHOWN else ""
        message = f'"files": nothing matches {", ".join(nothing[:_SHOWN])}{more}'
        hint = f"build what {'they name' if nothing[1:] else 'it names'} before packing, or correct the list"
        yield Problem("WFILES", f"{root}/package.json", message, hint)


def names_any(claim: Claim, added: Sequence[str]) -> bool:
    """True if the entry of *claim* names one of *added*, files of the root that were not there to be found."""
    if not added:
        return False
    rules = given_rules([f"!/{posixpath.normpath(claim.entry).lstrip('/')}"], FILES)
    return any(applies(rule, (fold(name),), "file") for rule in rules for name in added)


class _Shipped:
    """The files that ship, to be asked for those that an entry of `files` names."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._files = frozenset(paths)
        self._folders: set[str] = set()
        todo = list({path.rpartition("/")[0] for path in paths})
        while todo:
            folder = todo.pop()
            if folder and folder not in self._folders:
                self._folders.add(folder)
                todo.append(folder.rpartition("/")[0])

    def anything_of(self, claim: Claim) -> bool:
        """True if a file that *claim* names ships."""
        if any(map(self._anything_at, claim.places)):
            return True
        if not claim.rules:
            return False
        each = (tuple(fold(path).split("/")) for path in self._paths)
        return any(applies(rule, parts, "file") for parts in each for rule in claim.rules)

    def _anything_at(self, place: Place) -> bool:
        if place.names is None and (not place.folder or place.folder in self._folders):
            return True
        return any(path in self._files for path in place.paths()) or any(
            path in self._folders for path in place.paths(folders=True)
        )


def _first_omission(claim: Claim, omissions: Sequence[Omission]) -> Omission | None:
    """Return the first of *omissions* that is why something which *claim* names does not ship."""
    for place in claim.places:
        paths = [*place.paths(), *place.paths(folders=True), *([place.folder] if place.names is None else [])]
        for path in paths:
            found = _omission_at(path, omissions)
            if found is not None:
                return found
    for each in omissions if claim.rules else ():
        parts = tuple(fold(each.path.rstrip("/")).split("/"))
        question: Question = "folder" if each.path.endswith("/") else "file"
        if any(applies(rule, parts, question) for rule in claim.rules):
            return each
    return None


def _omission_at(path: str, omissions: Sequence[Omission]) -> Omission | None:
    """Return the first of the sorted *omissions* that is of *path*, of a folder around it, or of what is in it.

    An ignore file, which never ships, is the last to be named.
    """
    around = [f"{path[:at]}/" for at, char in enumerate(path) if char == "/"]
    for wanted in (*around, path):
        at = bisect_left(omissions, wanted, key=itemgetter(0))
        if at < len(omissions) and omissions[at].path == wanted:
            return omissions[at]
    below = omissions[bisect_left(omissions, f"{path}/", key=itemgetter(0)) :]
    inside = list(takewhile(lambda each: each.path.startswith(f"{path}/"), below))
    named = (each for each in inside if not each.path.endswith((".npmignore", ".gitignore")))
    return next(named, inside[0] if inside else None)


def built_in_warnings(root: str, left_out: Sequence[tuple[str, Rule]]) -> Iterator[Problem]:
    """Warn of what npm's built-in rules leave out for its name alone, and is not what they are for.

    *left_out* are the paths, a folder with a slash behind it, that one of `NAMED_ALIKE` leaves out.
    """
    for path, rule in left_out:
        what = NAMED_ALIKE[rule.text]
        if not _is_meant(f"{root}/{path}", rule.text):
            message = f"{path} is left out, by its name: npm takes it for {what} ({rule.text})"
            yield Problem("WBUILTIN", f"{root}/{path.rstrip('/')}", message, "rename it, if it is to ship")


def _is_meant(path: str, rule: str) -> bool:
    """True if *path* is what the built-in *rule* is for, or nothing."""
    if rule == "/build/config.gypi":
        with suppress(OSError):
            return fs.read_file(path, _CONFIG_LIMIT).startswith(b"# Do not edit.")
        return True
    try:
        names = {entry.name for entry in fs.scan(path)} if path.endswith("/") else {"a file"}
    except OSError:
        return True
    return not names or ("CVS" in rule and {"Entries", "Repository"} <= names)


def output_warnings(root: str, old_outputs: list[str], tarballs: list[str]) -> Iterator[Problem]:
    """Warn once of *old_outputs*, left out as linkpack's own, and once of other *tarballs*, which ship."""
    if old_outputs:
        message = f"left out, as earlier outputs of linkpack by name: {listed(old_outputs)}"
        hint = "remove them, or name them in files to ship them"
        yield Problem("WOWNTARBALL", f"{root}/{min(old_outputs)}", message, hint)
    if tarballs:
        message = f"tarballs ship inside of this one: {listed(tarballs)}"
        hint = "leave them out, or name them in files if they belong there"
        yield Problem("WTARBALL", f"{root}/{min(tarballs)}", message, hint)


def edition_warnings(root: str, other: str, more: Collection[str], fewer: Collection[str]) -> list[Problem]:
    """Warn that npm *other*, whose rules are not used, packs *fewer* besides, and does not pack *more*."""
    used = "12" if other == "11" else "11"
    said = [f"only npm {other} packs {_first_of(fewer)}"] if fewer else []
    said += [f"only npm {used} packs {_first_of(more)}"] if more else []
    if not said:
        return []
    message = f"{' and '.join(said)}; npm {used}'s rules are used"
    hint = f'choose with --npm-rules, or for good: "linkpack": {{"npmRules": "{other}"}} in package.json'
    return [Problem("WEDITION", f"{root}/package.json", message, hint)]


def _first_of(paths: Collection[str]) -> str:
    """Name the first of *paths*, a shrinkwrap before all others, and count the rest."""
    first = min(paths, key=lambda path: (path != "npm-shrinkwrap.json", path))
    return f"{first} and {len(paths) - 1} more" if len(paths) > 1 else first
