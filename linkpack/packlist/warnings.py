"""Warn of what a package ships or leaves out that its user may not expect.

All is found after the walk (see `packlist.read_packlist`).
"""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from contextlib import suppress
from itertools import takewhile
from operator import itemgetter
from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.glob.portion_matcher import fold
from linkpack.packlist.ignore import BUILT_IN, FILES, make_rules
from linkpack.packlist.rule_index import applies
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from linkpack.packlist.builder import Omission
    from linkpack.packlist.files_field import Claim, Place
    from linkpack.packlist.rule_index import Question, Rule

_SHOWN = 5  # paths, or entries of `files`, that a message names
_CONFIG_LIMIT = 1 << 20  # bytes of a config.gypi
NAMED_ALIKE = {
    "**/CVS": "a folder of CVS",
    "**/CVS/**": "a folder of CVS",
    "/archived-packages/**": "npm's own archive",
    "/build/config.gypi": "what node-gyp writes",
}
"""Built-in rules for names that people also give to their own files, with the things that npm means by them."""


class OpenedFolder(Record):
    """The ignored directory at *path*, which is walked all the same.

    *ignoring* is the rule that ignores it, *opening* the one that has it walked. *exceptions* are the rules of
    ignore files that take something back, each with the depth of its directory, the root's being 0.
    """

    path: str
    ignoring: Rule
    opening: Rule
    exceptions: tuple[tuple[Rule, int], ...]


def find_opened_warnings(
    root: str, opened: Sequence[OpenedFolder], shipped: Sequence[str], forced: Collection[str]
) -> Iterator[Problem]:
    """Warn of each ignored directory that ships more than what opens it.

    npm's walk takes everything in a directory that it enters, unless a rule matches it there.
    """
    for folder in opened:
        below = sorted([path for path in shipped if path.startswith(f"{folder.path}/")])
        other = [path for path in below if path not in forced and not _is_exception(path, folder)]
        # No warning if only what opens the folder ships, or nothing of that.
        if not other or len(other) == len(below):
            continue
        rule, opening = folder.ignoring, folder.opening
        ignored = f"{folder.path}/ is ignored ({rule.where}: {rule.text}), but ships"
        if opening.where == BUILT_IN:
            first = next(path for path in below if path not in other)
            yield Problem("WFORCED", f"{root}/{folder.path}", f"{ignored} because {first} is forced in")
        else:
            message = f"{ignored} because of {opening.where}: {opening.text}: with it {name_first(other)}"
            hint = f"ignore {rule.text.rstrip('/')}/* there, which names each file by itself"
            yield Problem("WOPENED", f"{root}/{folder.path}", message, hint)


def _is_exception(path: str, folder: OpenedFolder) -> bool:
    parts = tuple(fold(path).split("/"))
    return any(applies(rule, parts[depth:], "file") for rule, depth in folder.exceptions)


def name_first(paths: Sequence[str]) -> str:
    """Name the first of *paths*, and count the others.

    >>> name_first(["a.js"]), name_first(["a.js", "b.js", "c.js"])
    ('a.js', 'a.js and 2 more')
    """
    return f"{paths[0]} and {len(paths) - 1} more" if len(paths) > 1 else paths[0]


def find_claim_warnings(
    root: str,
    claims: Sequence[Claim],
    shipped: Sequence[str],
    omissions: Sequence[Omission],
    reported: Collection[str],
) -> Iterator[Problem]:
    """Warn of each entry of `files` from which nothing ships.

    *omissions* are sorted. *reported* are the paths, relative to *root*, that another warning or error is about.
    """
    ships = _ShippedPaths(shipped)
    unmatched: list[str] = []
    for claim in claims:
        if ships.has_any_of(claim):
            continue
        where = f'"files": {claim.entry}'
        # It is left out, or is there but holds no file, or is not there.
        first = _find_omission(claim, omissions)
        if first is not None and first.path.rstrip("/") not in reported:
            message = f"{where}: nothing of it ships: {first.path} is left out ({first.reason})"
            yield Problem("WFILES", f"{root}/{first.path.rstrip('/')}", message)
        elif first is None and claim.places:
            yield Problem("WFILES", f"{root}/package.json", f"{where}: no file is in it")
        elif first is None:
            unmatched.append(claim.entry)
    if unmatched:
        message = f'"files": nothing matches {_join_first(unmatched)}'
        hint = f"build what {'they name' if unmatched[1:] else 'it names'} before packing, or correct the list"
        yield Problem("WFILES", f"{root}/package.json", message, hint)


def names_any(claim: Claim, added: Sequence[str]) -> bool:
    """Return True if the entry of *claim* names one of *added*.

    These files came to the root from elsewhere.
    """
    if not added:
        return False
    rules = make_rules([f"!/{posixpath.normpath(claim.entry).lstrip('/')}"], FILES)
    return any(applies(rule, (fold(name),), "file") for rule in rules for name in added)


def _join_first(texts: Sequence[str]) -> str:
    """Join the first few of *texts*, and count the others."""
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


class _ShippedPaths:
    """The files that ship, indexed for the entries of `files`."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._files = frozenset(paths)
        self._folders: set[str] = set()
        # From each folder up to the first that is known, so that no folder is met twice.
        todo = list({path.rpartition("/")[0] for path in paths})
        while todo:
            folder = todo.pop()
            if folder and folder not in self._folders:
                self._folders.add(folder)
                todo.append(folder.rpartition("/")[0])

    def has_any_of(self, claim: Claim) -> bool:
        """Return True if a file that *claim* asks for ships."""
        if any(map(self._has_any_at, claim.places)):
            return True
        if not claim.rules:
            return False
        split = (tuple(fold(path).split("/")) for path in self._paths)
        return any(applies(rule, parts, "file") for parts in split for rule in claim.rules)

    def _has_any_at(self, place: Place) -> bool:
        if place.names is None and (not place.folder or place.folder in self._folders):
            return True
        return any(path in self._files for path in place.list_paths()) or any(
            path in self._folders for path in place.list_paths(folders=True)
        )


def _find_omission(claim: Claim, omissions: Sequence[Omission]) -> Omission | None:
    """Return the first omission of something that *claim* asks for."""
    for place in claim.places:
        paths = [*place.list_paths(), *place.list_paths(folders=True)]
        if place.names is None:
            paths.append(place.folder)
        for path in paths:
            omission = _find_omission_at(path, omissions)
            if omission is not None:
                return omission
    if not claim.rules:
        return None
    for omission in omissions:
        parts = tuple(fold(omission.path.rstrip("/")).split("/"))
        question: Question = "folder" if omission.path.endswith("/") else "file"
        if any(applies(rule, parts, question) for rule in claim.rules):
            return omission
    return None


def _find_omission_at(path: str, omissions: Sequence[Omission]) -> Omission | None:
    """Return the omission of *path*, of a folder around it, or in it.

    *omissions* are sorted, and the first that is found is returned. An ignore file, which never ships, is the last
    choice.
    """
    around = [f"{path[:index]}/" for index, char in enumerate(path) if char == "/"]
    # Sorted by path: one that is wanted, and all that is below it, are found by bisection.
    for wanted in (*around, path):
        place = bisect_left(omissions, wanted, key=itemgetter(0))
        if place < len(omissions) and omissions[place].path == wanted:
            return omissions[place]
    below = omissions[bisect_left(omissions, f"{path}/", key=itemgetter(0)) :]
    inside = list(takewhile(lambda omission: omission.path.startswith(f"{path}/"), below))
    other = (omission for omission in inside if not omission.path.endswith((".npmignore", ".gitignore")))
    return next(other, inside[0] if inside else None)


def find_built_in_warnings(root: str, omitted: Sequence[tuple[str, Rule]]) -> Iterator[Problem]:
    """Warn of what npm's built-in rules leave out, but are not meant for.

    *omitted* are the paths, a folder with a slash behind it, that one of `NAMED_ALIKE` leaves out by its name.
    """
    for path, rule in omitted:
        what = NAMED_ALIKE[rule.text]
        if not _is_meant(f"{root}/{path}", rule.text):
            message = f"{path} is left out, by its name: npm takes it for {what} ({rule.text})"
            yield Problem("WBUILTIN", f"{root}/{path.rstrip('/')}", message, "rename it, if it is to ship")


def _is_meant(path: str, rule: str) -> bool:
    """Return True if *rule* is meant for the contents of *path*.

    It also is if there is nothing to lose: an empty folder, or one that cannot be read.
    """
    if rule == "/build/config.gypi":
        # node-gyp begins the file with this comment (node-gyp 13.0.0, lib/create-config-gypi.js).
        with suppress(OSError):
            return fs.read_file(path, _CONFIG_LIMIT).startswith(b"# Do not edit.")
        return True
    try:
        names = {entry.name for entry in fs.scan(path)} if path.endswith("/") else {"a file"}
    except OSError:
        return True
    # A working copy of CVS has these two files in each of its folders called CVS.
    return not names or ("CVS" in rule and {"Entries", "Repository"} <= names)


def find_output_warnings(root: str, old_outputs: list[str], tarballs: list[str]) -> Iterator[Problem]:
    """Warn of *old_outputs*, left out, and of other *tarballs*, which ship."""
    if old_outputs:
        message = f"left out, as earlier outputs of linkpack by name: {_join_first(sorted(old_outputs))}"
        hint = "remove them, or name them in files to ship them"
        yield Problem("WOWNTARBALL", f"{root}/{min(old_outputs)}", message, hint)
    if tarballs:
        message = f"tarballs ship inside of this one: {_join_first(sorted(tarballs))}"
        hint = "leave them out, or name them in files if they belong there"
        yield Problem("WTARBALL", f"{root}/{min(tarballs)}", message, hint)


def find_edition_warnings(root: str, other: str, more: Collection[str], fewer: Collection[str]) -> list[Problem]:
    """Warn if the rules of npm *other* give other files.

    *more* are shipped only by the rules that are used, and *fewer* only by those of npm *other*.
    """
    used = "12" if other == "11" else "11"
    differences = [f"only npm {other} packs {name_first(_sort_for_message(fewer))}"] if fewer else []
    differences += [f"only npm {used} packs {name_first(_sort_for_message(more))}"] if more else []
    if not differences:
        return []
    message = f"{' and '.join(differences)}; npm {used}'s rules are used"
    hint = f'choose with --npm-rules, or for good: "linkpack": {{"npmRules": "{other}"}} in package.json'
    return [Problem("WEDITION", f"{root}/package.json", message, hint)]


def _sort_for_message(paths: Collection[str]) -> list[str]:
    """Sort *paths*, a shrinkwrap before all others."""
    return sorted(paths, key=lambda path: (path != "npm-shrinkwrap.json", path))
