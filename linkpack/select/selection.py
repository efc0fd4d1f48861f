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
from linkpack.disk import fs
from linkpack.errors import LinkpackError
from linkpack.select.files_field import Found, found_files, named_files
from linkpack.select.glob import below_glob, literal_glob
from linkpack.select.ignore import BUILT_IN, FILES, RuleSet, given_rules, located, parse_rules
from linkpack.select.rules import Rule
from linkpack.select.wildcard import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Edition: TypeAlias = Literal["11", "12"]
Kind: TypeAlias = Literal["root", "linked", "installed"]

_LOOKING_UP = 500  # steps that an entry of `files` is worth, which is looked up on the disk

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
_STRICT_12 = ("/npm-shrinkwrap.json", "/bun.lock", "/.npm-extension.mjs", "/.npm-extension.cjs")


class ManifestView(Protocol):
    """What of a manifest decides about files; see `manifest.Manifest`."""

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
    ignore files between a workspace root and this member. *required* are npm 11's required files, *bins* the
    paths that are commands, *forced* the exact paths that the root's rules cannot leave out.
    """

    root: tuple[RuleSet, ...]
    files: RuleSet | None
    outer: tuple[RuleSet, ...]
    default: RuleSet | None
    inner: tuple[RuleSet, ...]
    required: tuple[str, ...]
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
    try:
        entries = None if kind == "installed" else manifest.files
        limits.spend(_LOOKING_UP * len(set(entries or ())))
        files, strict, required = _read_files(root, entries, edition)
    except LinkpackError as err:
        raise err if err.code != "ELIMIT" else located(err, f"{root}/package.json", FILES) from err
    bins = frozenset((*manifest.bins.values(), *_folder_bins(root, manifest.directories_bin)))
    wanted = [path for path in (manifest.browser, manifest.main, *sorted(bins)) if path]
    last = given_rules([f"!/{path}" for path in wanted], BUILT_IN)
    patches = [_plain(path) for path in manifest.patched] if kind == "root" and edition == "12" else []
    last += given_rules([f"/{path}" for path in patches if path], BUILT_IN)
    outer = [rule for path, text in outer_ignores for rule in parse_rules(text, path)]
    forced = frozenset(map(_plain, wanted)) - frozenset(patches)
    sets = (RuleSet(last), _built_in_strict(edition), *([RuleSet(strict)] if strict else []))
    return Selection(
        root=sets,
        files=files,
        outer=(RuleSet(outer),) if outer else (),
        default=None if kind == "installed" else built_in_default(),
        inner=_never_below(),
        required=required,
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
    return RuleSet(given_rules((*_DEFAULT, *_STRICT, *_STRICT_12), BUILT_IN))


@lru_cache(maxsize=1)
def _never_below() -> tuple[RuleSet, ...]:
    return (RuleSet(given_rules(("/.git",), BUILT_IN)),)


@lru_cache(maxsize=2)
def _built_in_strict(edition: Edition) -> RuleSet:
    return RuleSet(given_rules((*_FORCED, *_STRICT, *(_STRICT_12 if edition == "12" else ())), BUILT_IN))


def required_rules(required: Iterable[str], folder: str) -> RuleSet:
    """The last set of the first-level directory *folder* in npm 11: files named in `files` win there."""
    names = [
        posixpath.basename(path) for path in map(posixpath.normpath, required) if posixpath.dirname(path) == folder
    ]
    return RuleSet([*_never_below()[0].rules, *given_rules([f"!{name}" for name in names], FILES)])


def _read_files(
    root: str, files: tuple[str, ...] | None, edition: Edition
) -> tuple[RuleSet | None, list[Rule], tuple[str, ...]]:
    """The files set, what goes to the front of the strict set, and npm 11's required files."""
    if files is None:
        return None, [], ()
    nothing = given_rules(("*",), FILES)
    if edition == "12":
        rules = [rule for entry in files for one in _found(root, entry) for rule in _found_rules(one)]
        return RuleSet([*nothing, *rules]), [], ()
    named = named_files(root, files)
    return RuleSet([*nothing, *given_rules(named.rules, FILES)]), given_rules(named.strict, FILES), named.required


def _found(root: str, entry: str) -> list[Found]:
    try:
        return found_files(root, entry)
    except LinkpackError as err:
        raise located(err, FILES, entry) from err


def _found_rules(found: Found) -> list[Rule]:
    """The rules for what an entry of npm 12's `files` led to: that path itself, whatever characters it has."""
    folded = fold(found.path)
    globs = [literal_glob(folded), below_glob(folded)] if found.folder else [literal_glob(folded)]
    return [Rule(found.entry, FILES, not found.negated, glob) for glob in globs]


def _plain(path: str) -> str:
    """*path* as the file of the package that it means: without `.` portions and without a slash at either end."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in {"", "."}]
    return "/".join(parts)


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
