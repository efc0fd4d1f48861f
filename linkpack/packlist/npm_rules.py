"""Read the rule sets that apply to the files of one package.

The built-in rules are npm's, measured on npm 11.19.1 (npm-packlist 10.0.4) and npm 12.2.0 (npm-packlist 11.3.0).
The manifest adds rules to the root directory. Every other directory has its own ignore file, and what is never
packed.
"""

from __future__ import annotations

import posixpath
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from linkpack import limits
from linkpack.errors import LinkpackError
from linkpack.glob.pattern import make_literal_glob
from linkpack.glob.portion_matcher import fold
from linkpack.packlist.files_field import find_files, find_named_files
from linkpack.packlist.ignore import BUILT_IN, FILES, RuleSet, add_location, make_rules, parse_rules
from linkpack.packlist.rule_index import Rule
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linkpack.packlist.files_field import Claim
    from linkpack.packlist.rule_index import Rules

Edition: TypeAlias = Literal["11", "12"]
Kind: TypeAlias = Literal["root", "linked", "installed"]

_LOOKING_UP = 100  # steps for an entry of `files`, which is looked up on the disk

# npm-packlist, lib/index.js, `defaults`: the same list in 10.0.4 and 11.3.0.
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
# npm-packlist, lib/index.js, `processPackage`: `strict`, in two parts. Its rules beat those of all other sets.
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
_WILD = frozenset("*?[](){}!+@\\")  # characters that can make a path a pattern
_NEVER_SEARCHED = frozenset({".git", "node_modules"})  # folders of the root that ship only what is forced in
NEWEST_ONLY = ("/npm-shrinkwrap.json", "/bun.lock", "/.npm-extension.mjs", "/.npm-extension.cjs")
"""Built-in rules of npm 12 that npm 11 does not have."""


class ManifestView(Protocol):
    """The fields of a manifest that decide about files.

    `npm.manifest.Manifest` has them.
    """

    @property
    def raw(self) -> bytes:
        """Return the file, byte for byte."""

    @property
    def files(self) -> tuple[str, ...] | None:
        """Return the entries of `files` as written, None without the field."""

    @property
    def main(self) -> str | None:
        """Return the entry point as written."""

    @property
    def browser(self) -> str | None:
        """Return the entry point for browsers, None if it is a table."""

    @property
    def bins(self) -> Mapping[str, str]:
        """Return the commands and the cleaned paths of their scripts."""

    @property
    def directories_bin(self) -> str | None:
        """Return the folder of files that are commands."""

    @property
    def patched(self) -> tuple[str, ...]:
        """Return the patch files of patchedDependencies."""


class Selection(Record):
    """The rule sets of a package, by which its files are chosen.

    A directory has these sets, highest precedence first:

    - the root: *root*, then *files* or else the ignore file, then *outer*, then *default*;
    - every other: *inner*, then its ignore file, then *default*.

    *default* is None for an installed package, to which none of its ignore files apply. *outer* holds the rules of
    the ignore files between a workspace root and this member. *required* are npm 11's required files, *claims*
    what the entries of `files` ask for, *bins* the paths that are commands, and *forced* the exact paths that
    *root* lets in for a field of the manifest.
    """

    kind: Kind
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

    Entries of `files` and `directories.bin` are looked up on the disk.

    *outer_ignores* are (path, text) of the ignore files between a workspace root and this member. They apply in
    the member's root directory only, after the default rules (npm-packlist 10.0.4 and 11.3.0, lib/index.js: the
    constructor of PackWalker adds them if it is given a prefix, and `walkerOpt` gives none to the walkers of
    subdirectories). Behind `files` they decide nothing, because its rules match every file.

    The `files` of an *installed* package does not apply. It was meant for the publisher's tool, and what it left
    out was never installed. npm takes the manifests of installed packages from node_modules/.package-lock.json,
    which has no `files` either (Arborist 9, `loadActual`).

    Raises `LinkpackError` (EPATTERN) for a pattern that cannot be used.
    """
    # Entry points and commands ship in any case. The later of two rules wins: patches, which npm 12 never ships.
    bins = frozenset((*manifest.bins.values(), *_list_folder_bins(root, manifest.directories_bin)))
    wanted = [path for path in (manifest.browser, manifest.main, *sorted(bins)) if path]
    last = [rule for path in wanted for rule in _make_forcing_rules(path)]
    patches = [_normalize(path) for path in manifest.patched] if kind == "root" and edition == "12" else []
    last += make_rules([f"/{path}" for path in patches if path], BUILT_IN)
    outer = [rule for path, text in outer_ignores for rule in parse_rules(text, path)]
    forced = frozenset(map(_normalize, wanted)) - frozenset(patches)
    entries = None if kind == "installed" else manifest.files
    try:
        field = _read_files_field(root, entries, edition, forced)
    except LinkpackError as err:
        # The message about too much work names no file yet.
        if err.code != "ELIMIT":
            raise
        where = f"{root}/package.json"
        raise LinkpackError(f"{where}: {err.message}", code=err.code, path=where, hint=err.hint) from err
    # npm 11 puts the entries of `files` that are files before its own strict rules, so that its own win.
    strict = [RuleSet(field.strict)] if field.strict else []
    return Selection(
        kind=kind,
        root=(RuleSet(last), _make_strict_rules(edition), *strict),
        files=field.rules,
        outer=(RuleSet(outer),) if outer else (),
        default=None if kind == "installed" else _make_default_rules(),
        inner=_make_inner_rules(),
        required=field.required,
        claims=field.claims,
        bins=bins,
        forced=forced,
    )


def _list_folder_bins(root: str, folder: str | None) -> list[str]:
    """List the files below `directories.bin`, relative to *root*.

    Names with a leading dot are no commands, as in npm.
    """
    files: list[str] = []
    todo = [folder] if folder is not None else []
    while todo:
        inner = todo.pop()
        try:
            entries = fs.scan(f"{root}/{inner}")
        except OSError:
            continue  # the walk comes here too, unless the folder does not ship, and reports it
        for entry in entries:
            path = f"{inner}/{entry.name}" if inner else entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                todo.append(path)
            elif entry.is_file(follow_symlinks=False):
                files.append(path)
    return files


def _make_forcing_rules(path: str) -> list[Rule]:
    """Return the rules that let in *path*, a value of the manifest.

    It is that of main, browser or a bin. npm reads the value as a pattern, and its `./x.js` matches nothing. Here
    `./` is skipped (row M1 of docs/differences-from-npm.md), and the file of just that name is let in too (row
    M3). The text of each rule shows the value as it is written.
    """
    spelled = path.lstrip("/")
    while spelled.startswith("./"):
        spelled = spelled[2:].lstrip("/")
    rules = make_rules([f"!/{spelled}"], BUILT_IN)
    if not _WILD.isdisjoint(spelled) or spelled != _normalize(spelled):
        exact = make_literal_glob(fold(_normalize(spelled)))
        rules.append(Rule("", BUILT_IN, negated=True, glob=exact))
    return [rule._replace(text=f"!/{path}") for rule in rules]


def _normalize(path: str) -> str:
    r"""Return the path of the file that *path* in a manifest means.

    >>> _normalize("./lib/../a.js"), _normalize(r"\lib\b.js")
    ('a.js', 'lib/b.js')
    """
    kept: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        # A `..` that leads out stays, and then names no file of the package.
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part not in {"", "."}:
            kept.append(part)
    return "/".join(kept)


class _FilesField(Record):
    """The rules of the field `files`.

    *rules* are its set, and *strict* what it adds to the strict set of the root. *required* and *claims* are those
    of `Selection`.
    """

    rules: Rules | None = None
    strict: tuple[Rule, ...] = ()
    required: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


def _read_files_field(
    root: str, files: tuple[str, ...] | None, edition: Edition, forced: frozenset[str]
) -> _FilesField:
    """Read what the entries of `files` ask for below *root*.

    npm 12's entries are not searched for in the root's node_modules and .git, of which nothing ships, unless
    something *forced* opens them.
    """
    if files is None:
        return _FilesField()
    try:
        limits.spend(_LOOKING_UP * len(files))
    except LinkpackError as err:
        raise add_location(err, FILES, f"{len(files)} entries") from err
    if edition == "12":
        # The search would go through all installed packages, only for the walk to leave them out.
        skipped = _NEVER_SEARCHED - {path.partition("/")[0] for path in forced}
        found, claims = find_files(root, files, skipped)
        return _FilesField(rules=found, claims=claims)
    named = find_named_files(root, files)
    return _FilesField(
        rules=RuleSet(make_rules(("*", *named.rules), FILES)),
        strict=tuple(make_rules(named.strict, FILES)),
        required=named.required,
        claims=named.claims,
    )


# The built-in sets are made once: they serve every package, and keep what they have answered (`RuleSet`).
@lru_cache(maxsize=1)
def _make_default_rules() -> RuleSet:
    return RuleSet(make_rules(_DEFAULT, BUILT_IN))


@lru_cache(maxsize=2)
def _make_strict_rules(edition: Edition) -> RuleSet:
    return RuleSet(make_rules((*_FORCED, *_STRICT, *(NEWEST_ONLY if edition == "12" else ())), BUILT_IN))


@lru_cache(maxsize=1)
def _make_inner_rules() -> tuple[RuleSet, ...]:
    return (RuleSet(make_rules(("/.git",), BUILT_IN)),)


def make_required_rules(required: Iterable[str], folder: str) -> RuleSet:
    """Return npm 11's first set for *folder*, which is in the root.

    It lets in the *required* files there.
    """
    paths = [posixpath.normpath(path) for path in required]
    names = [posixpath.basename(path) for path in paths if posixpath.dirname(path) == folder]
    return RuleSet([*_make_inner_rules()[0].rules, *make_rules([f"!{name}" for name in names], FILES)])


def is_never_packed(path: str) -> bool:
    """Return True if npm never packs a file at *path*.

    Whatever the package says, it stays out. No link may bring in such a file under another name.
    """
    parts = tuple(fold(path).split("/"))
    rules = _make_never_packed_rules()
    folders = (parts[:count] for count in range(1, len(parts)))
    return rules.keeps_file(parts) is False or any(
        rules.keeps_folder(folder, "maybe") is False for folder in folders
    )


@lru_cache(maxsize=1)
def _make_never_packed_rules() -> RuleSet:
    return RuleSet(make_rules((*_DEFAULT, *_STRICT, *NEWEST_ONLY), BUILT_IN))
