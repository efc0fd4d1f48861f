"""The rule sets that speak about the files of one package, and in which order.

npm's tables, measured on npm 11.19.1 (npm-packlist 10.0.4) and npm 12.2.0 (npm-packlist 11.3.0): a frame is what
one directory says; the root's frame knows the manifest, the others only their own ignore file and what is never
packed.
"""

from __future__ import annotations

import posixpath
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

from linkpack import limits
from linkpack.errors import LinkpackError
from linkpack.glob.pattern import make_literal_glob
from linkpack.glob.portion_matcher import fold
from linkpack.packlist.files_field import find_files, named_files
from linkpack.packlist.ignore import BUILT_IN, FILES, RuleSet, given_rules, located, parse_rules
from linkpack.packlist.rule_index import Rule
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linkpack.packlist.files_field import Claim
    from linkpack.packlist.rule_index import Rules

Edition: TypeAlias = Literal["11", "12"]
Kind: TypeAlias = Literal["root", "linked", "installed"]

_LOOKING_UP = 100  # steps that an entry of `files` is worth, which is looked up on the disk

_DEFAULT = (
    ".npmignore",
    ".gitignore",
    "**/.git",
    "**/.svn",
    "**/.hg",
    "**/CVS",
    "**/.git/**",
    "**/.svn/**",
    "**/.hg/**",
    "**/CVS/**",
    "/.lock-wscript",
    "/.wafpickle-*",
    "/build/config.gypi",
    "npm-debug.log",
    "**/.npmrc",
    ".*.swp",
    ".DS_Store",
    "**/.DS_Store/**",
    "._*",
    "**/._*/**",
    "*.orig",
    "/archived-packages/**",
)
_FORCED = (
    "/.git",
    "!/package.json",
    "!/readme{,.*[^~$]}",
    "!/copying{,.*[^~$]}",
    "!/license{,.*[^~$]}",
    "!/licence{,.*[^~$]}",
)
_STRICT = (
    "/.git",
    "/node_modules",
    ".npmrc",
    "/package-lock.json",
    "/yarn.lock",
    "/pnpm-lock.yaml",
    "/bun.lockb",
)
_PATTERN = frozenset("*?[](){}!+@\\")  # characters that can make a path a pattern
_CLOSED = frozenset({".git", "node_modules"})  # folders of the root that never ship
NEWEST_ONLY = ("/npm-shrinkwrap.json", "/bun.lock", "/.npm-extension.mjs", "/.npm-extension.cjs")
"""Built-in rules of npm 12 that npm 11 does not have."""


class ManifestView(Protocol):
    """What of a manifest decides about files; see `manifest.Manifest`."""

    @property
    def raw(self) -> bytes:
        """The file, byte for byte."""

    @property
    def files(self) -> tuple[str, ...] | None:
        """The entries of `files` as written; None without the field."""

    @property
    def main(self) -> str | None:
        """The entry point as written."""

    @property
    def browser(self) -> str | None:
        """The entry point for browsers; None when it is a table."""

    @property
    def bins(self) -> Mapping[str, str]:
        """Commands and their scripts, cleaned."""

    @property
    def directories_bin(self) -> str | None:
        """A folder whose files are commands."""

    @property
    def patched(self) -> tuple[str, ...]:
        """The patch files of patchedDependencies."""


class Selection(NamedTuple):
    """How the files of a package are chosen.

    The rule sets of a directory, highest precedence first:

    - in the root: *root*, then *files* or else the ignore file, then *outer*, then *default*;
    - in every other directory: *inner*, then its ignore file, then *default*.

    *default* is None for an installed package: none of its ignore files apply. *outer* holds the rules of the
    ignore files between a workspace root and this member. *required* are npm 11's required files, *claims* what
    the entries of `files` ask for, *bins* the paths that are commands, *forced* the exact paths that *root* lets
    in for a field of the manifest.
    """

    root: tuple[RuleSet, ...]
    files: Rules | None
    outer: tuple[RuleSet, ...]
    default: RuleSet | None
    inner: tuple[RuleSet, ...]
    required: tuple[str, ...]
    claims: tuple[Claim, ...]
    bins: frozenset[str]
    forced: frozenset[str]


def read_selection(
    root: str, manifest: ManifestView, kind: Kind, edition: Edition, outer_ignores: Iterable[tuple[str, str]]
) -> Selection:
    """Read the rule sets of the package in the directory *root*.

    Entries of `files` and `directories.bin` are looked up on the disk. *outer_ignores* are (path, text) of the
    ignore files between a workspace root and this member. They apply in the member's root directory only, after
    the default rules (npm-packlist 10.0.4 and 11.3.0, lib/index.js: the constructor of PackWalker adds them where
    it is given a prefix, and `walkerOpt` gives none to the walkers of subdirectories). Behind `files` they decide
    nothing, because its rules speak of every file.

    Of an *installed* package its `files` does not apply: it was the publisher's rule for the publisher's tool, and
    what it left out was never installed. npm takes the manifests of installed packages from
    node_modules/.package-lock.json, which has no `files` either (Arborist 9, `loadActual`).

    Raises `LinkpackError` (EPATTERN) for a pattern that cannot be used.
    """
    bins = frozenset((*manifest.bins.values(), *_folder_bins(root, manifest.directories_bin)))
    wanted = [path for path in (manifest.browser, manifest.main, *sorted(bins)) if path]
    last = [rule for path in wanted for rule in _forcing(path)]
    patches = [_plain(path) for path in manifest.patched] if kind == "root" and edition == "12" else []
    last += given_rules([f"/{path}" for path in patches if path], BUILT_IN)
    outer = [rule for path, text in outer_ignores for rule in parse_rules(text, path)]
    forced = frozenset(map(_plain, wanted)) - frozenset(patches)
    entries = None if kind == "installed" else manifest.files
    try:
        chosen = _read_files(root, entries, edition, forced)
    except LinkpackError as err:
        if err.code != "ELIMIT":
            raise
        where = f"{root}/package.json"
        raise LinkpackError(f"{where}: {err.message}", code=err.code, path=where, hint=err.hint) from err
    sets = (RuleSet(last), _built_in_strict(edition), *([RuleSet(chosen.strict)] if chosen.strict else []))
    return Selection(
        root=sets,
        files=chosen.files,
        outer=(RuleSet(outer),) if outer else (),
        default=None if kind == "installed" else built_in_default(),
        inner=_never_below(),
        required=chosen.required,
        claims=chosen.claims,
        bins=bins,
        forced=forced,
    )


@lru_cache(maxsize=1)
def built_in_default() -> RuleSet:
    """The rules that every frame begins with, but for installed packages."""
    return RuleSet(given_rules(_DEFAULT, BUILT_IN))


def is_never_packed(path: str) -> bool:
    """Whether npm leaves out a file at *path* on its own, so that no link may bring it in under another name."""
    parts = tuple(fold(path).split("/"))
    rules = _never_packed()
    folders = (parts[:count] for count in range(1, len(parts)))
    return rules.keeps_file(parts) is False or any(
        rules.keeps_folder(folder, "maybe") is False for folder in folders
    )


@lru_cache(maxsize=1)
def _never_packed() -> RuleSet:
    return RuleSet(given_rules((*_DEFAULT, *_STRICT, *NEWEST_ONLY), BUILT_IN))


@lru_cache(maxsize=1)
def _never_below() -> tuple[RuleSet, ...]:
    return (RuleSet(given_rules(("/.git",), BUILT_IN)),)


@lru_cache(maxsize=2)
def _built_in_strict(edition: Edition) -> RuleSet:
    return RuleSet(given_rules((*_FORCED, *_STRICT, *(NEWEST_ONLY if edition == "12" else ())), BUILT_IN))


def required_rules(required: Iterable[str], folder: str) -> RuleSet:
    """The last set of the first-level directory *folder* in npm 11: files named in `files` win there."""
    names = [
        posixpath.basename(path) for path in map(posixpath.normpath, required) if posixpath.dirname(path) == folder
    ]
    return RuleSet([*_never_below()[0].rules, *given_rules([f"!{name}" for name in names], FILES)])


class _Chosen(NamedTuple):
    """What `files` asks for: its set, the front of the strict set, npm 11's required files, and the claims."""

    files: Rules | None = None
    strict: tuple[Rule, ...] = ()
    required: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


def _read_files(root: str, files: tuple[str, ...] | None, edition: Edition, forced: frozenset[str]) -> _Chosen:
    """Read what the entries of `files` ask for below *root*.

    Nothing in the root's node_modules and .git ships, so npm 12's entries are not looked for there, unless
    something *forced* opens them.
    """
    if files is None:
        return _Chosen()
    try:
        limits.spend(_LOOKING_UP * len(files))
    except LinkpackError as err:
        raise located(err, FILES, f"{len(files)} entries") from err
    if edition == "12":
        closed = _CLOSED - {path.partition("/")[0] for path in forced}
        found, claims = find_files(root, files, closed)
        return _Chosen(found, claims=claims)
    named = named_files(root, files)
    rules = RuleSet(given_rules(("*", *named.rules), FILES))
    return _Chosen(rules, tuple(given_rules(named.strict, FILES)), named.required, named.claims)


def _forcing(path: str) -> list[Rule]:
    """Make the rules that let in *path*, the value of main, browser or a bin.

    npm reads the value as a pattern, and its `./x.js` matches nothing: `./` is passed over here (row M1), and the
    file of just that name is let in too (row M3). The rules show the value as it is written.
    """
    spelled = path.lstrip("/")
    while spelled.startswith("./"):
        spelled = spelled[2:].lstrip("/")
    rules = given_rules([f"!/{spelled}"], BUILT_IN)
    if not _PATTERN.isdisjoint(spelled) or spelled != _plain(spelled):
        rules.append(Rule("", BUILT_IN, negated=True, glob=make_literal_glob(fold(_plain(spelled)))))
    return [rule._replace(text=f"!/{path}") for rule in rules]


def _plain(path: str) -> str:
    """Return *path* as the file of the package that it means: `./lib/../a.js` is `a.js`."""
    kept: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part not in {"", "."}:
            kept.append(part)
    return "/".join(kept)


def _folder_bins(root: str, folder: str | None) -> list[str]:
    """The files below `directories.bin`, relative to *root*; names with a leading dot do not count, as in npm."""
    found: list[str] = []
    todo = [folder] if folder is not None else []
    while todo:
        at = todo.pop()
        try:
            entries = fs.scan(f"{root}/{at}")
        except OSError:
            continue  # the walk comes here too, if it matters, and says so
        for entry in entries:
            path = f"{at}/{entry.name}" if at else entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                todo.append(path)
            elif entry.is_file(follow_symlinks=False):
                found.append(path)
    return found
