"""What the manifest's `files` asks for, by the rules of npm 11 and of npm 12.

npm 11 looks whether each entry exists and else takes it as a pattern; npm 12 expands each entry against the disk.
Measured on npm 11.19.1 (npm-packlist 10.0.4) and npm 12.2.0 (npm-packlist 11.3.0, glob 13.0.6).
"""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from linkpack.errors import LinkpackError
from linkpack.glob.braces import expand_braces
from linkpack.glob.pattern import Glob, split_portions
from linkpack.glob.portion_matcher import fold, fold_names, to_units
from linkpack.glob.portion_parser import compile_portion
from linkpack.packlist.ignore import FILES, given_rules, located, spend_at
from linkpack.packlist.rule_index import EVERY_NAME, Rule
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkpack.glob.portion_parser import Portion
    from linkpack.packlist.rule_index import Near, Question

_OPENING = 50  # steps that opening a folder is worth
_NO_GLOB = Glob((), relative=False)  # of rules that are answered by what they found


class Place(NamedTuple):
    """What an entry found in a *folder*: the *names* of files, every name when None, and whole *folders*."""

    folder: str
    names: tuple[str, ...] | None
    folders: tuple[str, ...]

    def paths(self, *, folders: bool = False) -> Iterator[str]:
        """Yield the paths of the files, or of the folders."""
        at = f"{self.folder}/" if self.folder else ""
        yield from (at + name for name in (self.folders if folders else self.names or ()))


class Claim(NamedTuple):
    """What an *entry* of `files` that lets in asks for: the *places* it found, or *rules* of which one matches."""

    entry: str
    places: tuple[Place, ...]
    rules: tuple[Rule, ...] = ()


class Named(NamedTuple):
    """What npm 11 makes of `files`: rule texts, and what the entries claim.

    *rules* follow the `*` of the files set; *strict* stand first in the strict set of the root; *required* are
    the entries that are files, as paths. The entry that comes last in `files` stands first in *strict*.
    """

    rules: tuple[str, ...]
    strict: tuple[str, ...]
    required: tuple[str, ...]
    claims: tuple[Claim, ...]


def named_files(root: str, files: Iterable[str]) -> Named:
    """Make the rules of npm 11 for `files`, whose entries are looked up below *root*."""
    rules: list[str] = []
    strict: list[str] = []
    required: list[str] = []
    claims: list[Claim] = []
    for entry in files:
        pattern = entry.removeprefix(".") if entry.startswith("./") else entry
        if pattern.endswith("/*"):
            pattern += "*"
        mode = _mode(root, pattern.lstrip("!").replace("\\", "/"))
        if mode is not None and stat.S_ISREG(mode):
            strict.append(f"!{pattern}")
            required.append(pattern.removeprefix("/"))
        elif mode is not None and stat.S_ISDIR(mode):
            rules += [f"!{pattern}", f"!{pattern}/**"]
        else:
            # npm passes over a link or a pipe without a word; the walk says what becomes of it.
            rules.append(f"!{pattern}")
        if not entry.startswith("!"):
            claims.append(_named_claim(entry, pattern, mode))
    return Named(tuple(rules), tuple(reversed(strict)), tuple(required), tuple(claims))


def _named_claim(entry: str, pattern: str, mode: int | None) -> Claim:
    """Return what *entry*, which npm 11 takes as *pattern*, asks for; *mode* is that of what is there."""
    if mode is None or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return Claim(entry, (), tuple(given_rules([f"!{pattern}"], FILES)))
    folder, _, name = posixpath.normpath(f"/{pattern}").strip("/").rpartition("/")
    if not name:
        return Claim(entry, (Place("", None, ()),))
    is_folder = stat.S_ISDIR(mode)
    return Claim(entry, (Place(folder, () if is_folder else (name,), (name,) if is_folder else ()),))


def _mode(root: str, path: str) -> int | None:
    """Return the mode of what is at *path* below *root*, a link not followed; None when nothing is there."""
    # A slash at the end counts: `a.js/` is no file.
    full = posixpath.normpath(f"{root}/{path}") + ("/" if path.endswith("/") else "")
    found = fs.answer(fs.lstat, full)
    return None if found is None else found.st_mode


class FoundFiles:
    """The paths that npm 12's `files` leads to, answered like a set of rules.

    npm makes rules of what an entry found: `!/path` of a file, `!/path` and `!/path/**` of a folder, without the
    `!` for an entry that takes away. The last rule that matches a path decides, and all rules of one entry have
    one sign: so it is enough to keep, for each path, the number of the last entry that speaks of it. No path is
    read as a pattern again, as npm does (row F10).

    *rules* holds one rule for each entry, by its number; number 0 is the `*` that stands before all entries.
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
        """Note that entry *number* found *names* in *folder*, of which *folders* count with all that they hold.

        Numbers never go down from one call to the next. All names are folded.
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
        """True if an entry so far lets in something in or below *folder*."""
        return not folder or folder in self._ways or self.rules[self._default(folder)].negated

    def _default(self, folder: tuple[str, ...]) -> int:
        """Return the number of the entry that decides about what is in *folder* and not named itself."""
        numbers = [self._below.get(folder[:depth], 0) for depth in range(1, len(folder) + 1)]
        return max(numbers, default=0)

    def near(self, folder: tuple[str, ...]) -> tuple[Near, ...]:
        """Return what the entries say about the files in *folder*: its exceptions, then all others."""
        default = self._default(folder)
        keep = self.rules[default].negated
        other = [
            name
            for name, number in self._named.get(folder, {}).items()
            if number > default and self.rules[number].negated is not keep
        ]
        every = EVERY_NAME[keep]
        return (EVERY_NAME[not keep]._replace(names=frozenset(other), ends=()), every) if other else (every,)

    def keeps_file(self, parts: tuple[str, ...]) -> bool:
        """True if the file at *parts* is kept."""
        return self.last_match(parts, "file").negated

    def keeps_folder(self, parts: tuple[str, ...], question: Question) -> bool:
        """True if the directory at *parts* is kept, asked FOLDER or MAYBE."""
        return self.last_match(parts, question).negated

    def last_match(self, parts: tuple[str, ...], question: Question) -> Rule:
        """Return the rule of the entry that decides about *parts*."""
        folder = parts[:-1]
        number = max(self._default(folder), self._named.get(folder, {}).get(parts[-1], 0))
        if question != "file":
            number = max(number, self._below.get(parts, 0))
        if question == "maybe":
            number = max(number, self._ways.get(parts, 0))
        return self.rules[number]


class _Listing(NamedTuple):
    """The names in a folder; a link is no folder, wherever it leads."""

    files: tuple[str, ...]
    folders: tuple[str, ...]


_Way: TypeAlias = "tuple[Portion | None, ...]"  # one way to match an entry, after braces; None is a `**`
_State: TypeAlias = tuple[_Way, int]  # how many of its portions have matched


def find_files(
    root: str, files: Iterable[str], passed_over: frozenset[str]
) -> tuple[FoundFiles, tuple[Claim, ...]]:
    """Find what npm 12 finds below *root* for the entries of `files`, as rules and as claims.

    Case counts, and links are not followed. The folders *passed_over* in *root* are not searched: nothing in them
    ships. Each folder is listed once, and what is below a folder that was found is not looked at any more.

    Raises `LinkpackError`: EPATTERN for an entry that cannot be used, ELIMIT when searching takes too long.
    """
    entries = tuple(files)
    rules = [Rule(entry, FILES, not entry.startswith("!"), _NO_GLOB) for entry in entries]
    search = _Search(root, FoundFiles(rules), passed_over)
    number = 0
    try:
        for number in range(1, len(entries) + 1):
            search.run(number, _ways(entries[number - 1]))
    except LinkpackError as err:
        raise located(err, FILES, entries[number - 1]) from err
    claims = [
        Claim(rule.text, tuple(search.places.get(at, ()))) for at, rule in enumerate(rules, 1) if rule.negated
    ]
    return search.found, tuple(claims)


def _ways(entry: str) -> list[_Way]:
    """Compile the ways to match *entry*, as npm 12 and the glob package read it."""
    pattern = entry.lstrip("!")
    pattern = pattern[2 if pattern.startswith("./") else int(pattern.startswith("/")) :].rstrip("/")
    ways = []
    for each in expand_braces(pattern) if pattern else ():
        portions = _simplified(split_portions(each))
        if portions and portions[0] not in {"", ".."}:  # else it is the root itself, or nothing below it
            ways.append(tuple([None if one == "**" else compile_portion(one, blind=False) for one in portions]))
    return ways


def _simplified(portions: list[str]) -> list[str]:
    """Take *portions* as the glob package does: without `.`, and with `x/..` gone."""
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
    """The search for what entries of `files` lead to below *root*; what it finds goes to *found*."""

    def __init__(self, root: str, found: FoundFiles, passed_over: frozenset[str]) -> None:
        self.found = found
        self.places: dict[int, list[Place]] = {}  # by the number of an entry that lets in
        self._root = root
        self._passed_over = passed_over
        self._listings: dict[str, _Listing] = {}

    def run(self, number: int, ways: list[_Way]) -> None:
        """Find what the entry *number*, which is matched in one of *ways*, leads to.

        An entry that takes away is looked for only where one before it lets something in.
        """
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
        """Note what matches in the folder at *path*; yield the folders in it to go on in, with their states."""
        asked, deep = _next_portions(states)
        if any(map(_takes_every_name, asked)):
            listing = self._list(path)
            if listing.files or listing.folders:
                folded = fold_names([*listing.files, *listing.folders])
                count = len(listing.files)
                self.found.add(number, parts, folded[:count], folded[count:])
                self.places.setdefault(number, []).append(Place(path, None, ()))
            return
        names = [_literal_name(state) for state in asked]
        if deep or None in names:
            listing = self._list(path)
            spend_at(path, len(asked) * (len(listing.files) + len(listing.folders)))
        else:
            listing = self._look_up(path, [name for name in names if name is not None])
        files = list(dict.fromkeys(name for state in asked for name in _named(state, listing.files)))
        hits, below = [], []
        for name in listing.folders:
            fitting = [(way, at + 1) for way, at in asked if _fits(way[at], name)]
            if any(way[at:] in {(), (None,)} for way, at in fitting):
                hits.append(name)
            elif (fitting or deep) and not (not path and name in self._passed_over):
                below.append((name, list(dict.fromkeys([*fitting, *deep]))))
        if files or hits:
            self.found.add(number, parts, map(fold, files), map(fold, hits))
            self.places.setdefault(number, []).append(Place(path, tuple(files), tuple(hits)))
        yield from below

    def _list(self, path: str) -> _Listing:
        """List the folder at *path*; an unreadable one is empty: the walk, if it comes here, says why."""
        found = self._listings.get(path)
        if found is None:
            try:
                entries = fs.scan(f"{self._root}/{path}" if path else self._root)
            except OSError:
                entries = []
            spend_at(path, _OPENING + len(entries))
            folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            other = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
            found = self._listings[path] = _Listing(tuple(other), tuple(folders))
        return found

    def _look_up(self, path: str, names: Iterable[str]) -> _Listing:
        """Return those of *names* that are in the folder at *path*."""
        modes = {name: _mode(f"{self._root}/{path}" if path else self._root, name) for name in names}
        files = [name for name, mode in modes.items() if mode is not None and not stat.S_ISDIR(mode)]
        folders = [name for name, mode in modes.items() if mode is not None and stat.S_ISDIR(mode)]
        return _Listing(tuple(files), tuple(folders))


def _next_portions(states: list[_State]) -> tuple[list[_State], list[_State]]:
    """Return where *states* ask about the names in a folder, and those that go on in every folder of it.

    A `**` stands for no portion as well, so what is behind it is asked about too; at the end it is asked itself.
    """
    asked, deep = [], []
    for way, start in states:
        at = start
        if way[at] is None and at + 1 < len(way):
            deep.append((way, at))
            at += 1
        asked.append((way, at))
    return list(dict.fromkeys(asked)), deep


def _takes_every_name(state: _State) -> bool:
    """True if *state* ends with the next portion, which is `*` or, in the root folder, `**`."""
    way, at = state
    portion = way[at]
    return at + 1 == len(way) and (portion is None or portion.ends == ("", ""))


def _literal_name(state: _State) -> str | None:
    """Return the only name that fits the next portion of *state*, as typed; None when others could."""
    portion = state[0][state[1]]
    if portion is None or portion.literal is None:
        return None
    # As typed: a surrogate pair of the pattern is one character of a name.
    return portion.literal.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _fits(portion: Portion | None, name: str) -> bool:
    return portion is None or portion.fits(to_units(name))


def _named(state: _State, names: tuple[str, ...]) -> Iterable[str]:
    """Return those of *names*, files in the folder that *state* has come to, that it leads to.

    A file named in full matches before a closing `**` too: "a.js/**" is a.js, "*.js/**" nothing (glob 13.0.6).
    """
    way, at = state
    portion = way[at]
    in_full = _literal_name(state) is not None
    if portion is None or way[at + 1 :] not in ([(), (None,)] if in_full else [()]):
        return ()
    if portion.ends is not None and f"{portion.ends[1]}/" not in to_units(f"{'/'.join(names)}/"):
        return ()  # mostly none has such an end, which is seen at once
    return [name for name in names if portion.fits(to_units(name))]
