"""Read what the field `files` asks for, as npm 11 or as npm 12.

npm 11 looks whether each entry exists, and takes it as a pattern if not (`find_named_files`). npm 12 expands each
entry against the disk (`find_files`). Measured on npm 11.19.1 (npm-packlist 10.0.4) and npm 12.2.0 (npm-packlist
11.3.0, glob 13.0.6).
"""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING, TypeAlias

from linkpack.errors import LinkpackError
from linkpack.glob.braces import expand_braces
from linkpack.glob.pattern import Glob, split_portions
from linkpack.glob.portion_matcher import fold, fold_names, from_units, to_units
from linkpack.glob.portion_parser import compile_portion
from linkpack.packlist.ignore import FILES, add_location, make_rules, spend_in
from linkpack.packlist.rule_index import EVERY_NAME, NameTests, NarrowedRun, Rule
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkpack.glob.portion_parser import Portion
    from linkpack.packlist.rule_index import Question

_OPENING = 50  # steps for opening a folder
_NO_GLOB = Glob((), relative=False)  # for rules that are answered by what they found


class Place(Record):
    """The names that an entry finds in *folder*.

    *names* are those of files, None for every name, and *folders* those of folders that it takes whole.
    """

    folder: str
    names: tuple[str, ...] | None
    folders: tuple[str, ...]

    def list_paths(self, *, folders: bool = False) -> Iterator[str]:
        """Yield the paths of the files, or those of the folders."""
        prefix = f"{self.folder}/" if self.folder else ""
        yield from (prefix + name for name in (self.folders if folders else self.names or ()))


class Claim(Record):
    """The paths that an *entry* of `files` without a `!` asks for.

    They are in the *places* that it found, or one of *rules* matches them.
    """

    entry: str
    places: tuple[Place, ...]
    rules: tuple[Rule, ...] = ()


class Named(Record):
    """The rules that npm 11 makes of `files`.

    - *rules*: the texts of rules that follow a `*`.
    - *strict*: the texts of rules for the root's strict set, the entry that comes last in `files` first.
    - *required*: the paths of the entries that are files.
    """

    rules: tuple[str, ...]
    strict: tuple[str, ...]
    required: tuple[str, ...]
    claims: tuple[Claim, ...]


def find_named_files(root: str, files: Iterable[str]) -> Named:
    """Return what npm 11 makes of the entries of `files` below *root*."""
    rules: list[str] = []
    strict: list[str] = []
    required: list[str] = []
    claims: list[Claim] = []
    for entry in files:
        # npm-packlist 10.0.4, lib/index.js, `processPackage`. npm 12 does otherwise (`find_files`).
        pattern = entry.removeprefix(".") if entry.startswith("./") else entry
        if pattern.endswith("/*"):
            pattern += "*"
        mode = _find_mode(root, pattern.lstrip("!").replace("\\", "/"))
        # A file is required: npm puts it into the strict set, and passes it to the walker of its folder.
        if mode is not None and stat.S_ISREG(mode):
            strict.append(f"!{pattern}")
            required.append(pattern.removeprefix("/"))
        elif mode is not None and stat.S_ISDIR(mode):
            rules += [f"!{pattern}", f"!{pattern}/**"]
        else:
            # npm passes over a link or a pipe without a word. The walk reports what becomes of it.
            rules.append(f"!{pattern}")
        if not entry.startswith("!"):
            claims.append(_make_claim(entry, pattern, mode))
    # npm puts each such file in front of its own strict rules (`strict.unshift`).
    return Named(
        rules=tuple(rules), strict=tuple(reversed(strict)), required=tuple(required), claims=tuple(claims)
    )


def _find_mode(root: str, path: str) -> int | None:
    """Return the mode of the file or link at *path*, or None."""
    # A slash at the end is kept: `a.js/` is no file.
    full = posixpath.normpath(f"{root}/{path}") + ("/" if path.endswith("/") else "")
    status = fs.answer(fs.lstat, full)
    return None if status is None else status.st_mode


def _make_claim(entry: str, pattern: str, mode: int | None) -> Claim:
    """Return what *entry* asks for.

    npm 11 takes it as *pattern*. *mode* is that of what is there.
    """
    if mode is None or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return Claim(entry, (), tuple(make_rules([f"!{pattern}"], FILES)))
    folder, _, name = posixpath.normpath(f"/{pattern}").strip("/").rpartition("/")
    if not name:  # "." or "/": the package itself
        return Claim(entry, (Place("", None, ()),))
    is_folder = stat.S_ISDIR(mode)
    return Claim(entry, (Place(folder, () if is_folder else (name,), (name,) if is_folder else ()),))


class FoundFiles:
    """The paths that npm 12 finds for `files`, as a set of rules.

    npm makes rules of what an entry finds: `!/path` of a file, `!/path` and `!/path/**` of a folder, without the
    `!` for an entry that takes away. The last rule that matches a path decides, and all rules of one entry have
    one sign. So it is enough to keep, for each path, the number of the last entry that matches it. No path is read
    as a pattern again, as npm does (row F10 of docs/differences-from-npm.md).

    *rules* has one rule for each entry, by its number. Number 0 is the `*` before all entries.
    """

    work = 0  # no pattern is tried: what was found is looked up
    takes_back = False  # no rule is one of an ignore file

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = (Rule("*", FILES, negated=False, glob=_NO_GLOB), *rules)
        # Entry numbers by folder, as folded parts: of a name in it, of all that is below it, and, for entries that
        # let in, of something at any depth below it.
        self._named: dict[tuple[str, ...], dict[str, int]] = {}
        self._below: dict[tuple[str, ...], int] = {}
        self._ways: dict[tuple[str, ...], int] = {}

    def add(self, number: int, folder: tuple[str, ...], names: Iterable[str], folders: Iterable[str]) -> None:
        """Add the *names* that entry *number* found in *folder*.

        *folders* are those that it takes whole, which are not among *names*. Numbers never go down from one call
        to the next. All names are folded.
        """
        named = self._named.setdefault(folder, {})
        named.update(dict.fromkeys(names, number))
        for name in folders:
            named[name] = number
            self._below[(*folder, name)] = number
        self._add_ways(number, folder)

    def _add_ways(self, number: int, folder: tuple[str, ...]) -> None:
        while folder and self.rules[number].negated and self._ways.get(folder) != number:
            self._ways[folder] = number
            folder = folder[:-1]

    def lets_in(self, folder: tuple[str, ...]) -> bool:
        """Return True if an entry so far lets in something in or below *folder*."""
        return not folder or folder in self._ways or self.rules[self._find_default(folder)].negated

    def _find_default(self, folder: tuple[str, ...]) -> int:
        """Return the number of the entry that decides about all else in *folder*."""
        numbers = [self._below.get(folder[:depth], 0) for depth in range(1, len(folder) + 1)]
        return max(numbers, default=0)

    def narrow(self, folder: tuple[str, ...]) -> tuple[NarrowedRun, ...]:
        """Return a run for exceptions in *folder*, and one for all other files."""
        default = self._find_default(folder)
        keep = self.rules[default].negated
        exceptions = [
            name
            for name, number in self._named.get(folder, {}).items()
            if number > default and self.rules[number].negated is not keep
        ]
        if not exceptions:
            return (EVERY_NAME[keep],)
        named = NameTests(names=frozenset(exceptions))
        return (NarrowedRun(negated=not keep, by_name=named), EVERY_NAME[keep])

    def keeps_file(self, parts: tuple[str, ...]) -> bool:
        """Return True to keep the file at *parts*."""
        return self.last_match(parts, "file").negated

    def keeps_folder(self, parts: tuple[str, ...], question: Question) -> bool:
        """Return True to keep the directory at *parts* when npm asks *question*."""
        return self.last_match(parts, question).negated

    def last_match(self, parts: tuple[str, ...], question: Question) -> Rule:
        """Return the rule of the entry that decides about *parts*."""
        folder = parts[:-1]
        number = max(self._find_default(folder), self._named.get(folder, {}).get(parts[-1], 0))
        if question != "file":
            number = max(number, self._below.get(parts, 0))
        if question == "maybe":
            number = max(number, self._ways.get(parts, 0))
        return self.rules[number]


class _Listing(Record):
    """The names in a folder.

    A link to a folder is among *files*.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]


_Way: TypeAlias = "tuple[Portion | None, ...]"  # one way to match an entry, after braces; None is a `**`
_State: TypeAlias = tuple[_Way, int]  # how many of its portions have matched


def find_files(root: str, files: Iterable[str], skipped: frozenset[str]) -> tuple[FoundFiles, tuple[Claim, ...]]:
    """Find what npm 12 finds for the entries of `files`, as rules and claims.

    Case matters, and links are not followed. The folders *skipped* in *root* are not searched. Each folder is
    listed once, and a folder that was found is not searched any more.

    Raises `LinkpackError`: EPATTERN for an entry that cannot be used, ELIMIT when searching takes too long.
    """
    entries = tuple(files)
    rules = [Rule(entry, FILES, negated=not entry.startswith("!"), glob=_NO_GLOB) for entry in entries]
    search = _Search(root, FoundFiles(rules), skipped)
    entry = ""
    try:
        for number, entry in enumerate(entries, 1):
            search.run(number, _compile_ways(entry))
    except LinkpackError as err:
        raise add_location(err, FILES, entry) from err
    claims = [
        Claim(rule.text, tuple(search.places.get(number, ())))
        for number, rule in enumerate(rules, 1)
        if rule.negated
    ]
    return search.found, tuple(claims)


def _compile_ways(entry: str) -> list[_Way]:
    """Compile the ways to match *entry*, as npm's glob package reads it."""
    # npm-packlist 11.3.0, lib/index.js, `processPackage`.
    pattern = entry.lstrip("!")
    if pattern.startswith("./"):
        pattern = pattern[2:]
    elif pattern.startswith("/"):
        pattern = pattern[1:]
    pattern = pattern.rstrip("/")
    ways = []
    for plain in expand_braces(pattern) if pattern else ():
        portions = _simplify(split_portions(plain))
        if portions and portions[0] not in {"", ".."}:  # else it is the root itself, or nothing below it
            way = [None if portion == "**" else compile_portion(portion, blind=False) for portion in portions]
            ways.append(tuple(way))
    return ways


def _simplify(portions: list[str]) -> list[str]:
    """Return *portions* as the glob package simplifies them.

    >>> _simplify(["lib", ".", "..", "a", "**", "**"]), _simplify(["..", "a"])
    (['a', '**'], ['..', 'a'])
    """
    kept: list[str] = []
    for portion in portions:
        if portion == "." or (portion == "**" and kept[-1:] == ["**"]):
            continue
        if portion == ".." and kept and kept[-1] not in ("..", "**"):
            kept.pop()
            continue
        kept.append(portion)
    return kept


class _Search:
    """The search below *root* for what entries of `files` match.

    What they match is added to *found* and *places*.
    """

    def __init__(self, root: str, found: FoundFiles, skipped: frozenset[str]) -> None:
        self.found = found
        self.places: dict[int, list[Place]] = {}  # by the number of the entry
        self._root = root
        self._skipped = skipped
        self._listings: dict[str, _Listing] = {}

    def run(self, number: int, ways: list[_Way]) -> None:
        """Find what the entry *number* matches in one of *ways*.

        An entry that takes away is looked for only where one before it lets something in.
        """
        # A stack and no recursion: a package may have folders as deep as paths may be long.
        takes_away = not self.found.rules[number].negated
        todo: list[tuple[str, tuple[str, ...], list[_State]]] = [("", (), [(way, 0) for way in ways])]
        while todo:
            path, parts, states = todo.pop()
            for name, below in self._step(number, path, parts, states):
                inner = (*parts, fold(name))
                if not takes_away or self.found.lets_in(inner):
                    todo.append((f"{path}/{name}" if path else name, inner, below))

    def _step(
        self, number: int, path: str, parts: tuple[str, ...], states: list[_State]
    ) -> Iterator[tuple[str, list[_State]]]:
        """Add what matches in the folder at *path*.

        Yields the names of the folders in it to go on in, with their states.
        """
        asked, deep = _find_next_portions(states)
        # The entry takes the whole folder: nothing below it needs to be looked at.
        if any(map(_takes_every_name, asked)):
            listing = self._list(path)
            if listing.files or listing.folders:
                folded = fold_names([*listing.files, *listing.folders])
                count = len(listing.files)
                self.found.add(number, parts, folded[:count], folded[count:])
                self.places.setdefault(number, []).append(Place(path, None, ()))
            return
        # Plain names are looked up one by one. The folder is listed only where the entry has a pattern.
        names = [_find_literal_name(state) for state in asked]
        if deep or None in names:
            listing = self._list(path)
            spend_in(path, len(asked) * (len(listing.files) + len(listing.folders)))
        else:
            listing = self._look_up(path, [name for name in names if name is not None])
        files = list(dict.fromkeys(name for state in asked for name in _select_files(state, listing.files)))
        # A folder is taken whole if the entry ends here, or with a `**` behind it. Else the search goes on in it.
        hits, below = [], []
        for name in listing.folders:
            fitting = [(way, matched + 1) for way, matched in asked if _fits(way[matched], name)]
            if any(way[matched:] in {(), (None,)} for way, matched in fitting):
                hits.append(name)
            elif (fitting or deep) and not (not path and name in self._skipped):
                below.append((name, list(dict.fromkeys([*fitting, *deep]))))
        if files or hits:
            self.found.add(number, parts, map(fold, files), map(fold, hits))
            self.places.setdefault(number, []).append(Place(path, tuple(files), tuple(hits)))
        yield from below

    def _list(self, path: str) -> _Listing:
        """List the folder at *path*.

        One that cannot be read is empty here. The walk reports it, if it comes to it.
        """
        listing = self._listings.get(path)
        if listing is None:
            try:
                entries = fs.scan(f"{self._root}/{path}" if path else self._root)
            except OSError:
                entries = []
            spend_in(path, _OPENING + len(entries))
            folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            other = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
            listing = self._listings[path] = _Listing(tuple(other), tuple(folders))
        return listing

    def _look_up(self, path: str, names: Iterable[str]) -> _Listing:
        """Return those of *names* that are in the folder at *path*."""
        modes = {name: _find_mode(f"{self._root}/{path}" if path else self._root, name) for name in names}
        files = [name for name, mode in modes.items() if mode is not None and not stat.S_ISDIR(mode)]
        folders = [name for name, mode in modes.items() if mode is not None and stat.S_ISDIR(mode)]
        return _Listing(tuple(files), tuple(folders))


def _find_next_portions(states: list[_State]) -> tuple[list[_State], list[_State]]:
    """Return the states to ask in a folder, and those to ask below it too.

    A `**` can match no portion at all. So in `lib/**/a.js` the portion behind it is asked about here, and the `**`
    goes on into every folder below. A `**` at the end is asked itself.

    >>> (way,) = _compile_ways("lib/**/a.js")
    >>> asked, deep = _find_next_portions([(way, 1)])
    >>> [way[matched].literal for way, matched in asked], [matched for _, matched in deep]
    (['a.js'], [1])
    """
    asked, deep = [], []
    for way, matched in states:
        if way[matched] is None and matched + 1 < len(way):
            deep.append((way, matched))
            asked.append((way, matched + 1))
        else:
            asked.append((way, matched))
    return list(dict.fromkeys(asked)), deep


def _takes_every_name(state: _State) -> bool:
    """Return True if *state* needs one portion more, which takes every name."""
    way, matched = state
    portion = way[matched]
    return matched + 1 == len(way) and (portion is None or portion.ends == ("", ""))


def _find_literal_name(state: _State) -> str | None:
    """Return the name that the next portion of *state* is, if it is plain."""
    way, matched = state
    portion = way[matched]
    return None if portion is None or portion.literal is None else from_units(portion.literal)


def _fits(portion: Portion | None, name: str) -> bool:
    return portion is None or portion.fits(to_units(name))


def _select_files(state: _State, names: tuple[str, ...]) -> Iterable[str]:
    """Return those of *names*, files in a folder, that *state* matches there.

    A file named in full matches before a closing `**` too: "a.js/**" is a.js, "*.js/**" nothing (glob 13.0.6).
    """
    way, matched = state
    portion = way[matched]
    in_full = _find_literal_name(state) is not None
    if portion is None or way[matched + 1 :] not in ([(), (None,)] if in_full else [()]):
        return ()
    if portion.ends is not None and f"{portion.ends[1]}/" not in to_units(f"{'/'.join(names)}/"):
        return ()  # a quick look at all names at once: mostly none has such an end
    return [name for name in names if portion.fits(to_units(name))]
