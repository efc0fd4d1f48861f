"""Find the entry points that a package.json names.

The fields are main, module, browser, types, typings, exports, bin and directories.bin. Node completes only main
(`lib` means `lib.js` or `lib/index.js`). Bundlers and TypeScript complete their own fields in a similar way. A
target of exports is never completed. Source: Node 24's documentation of packages ("Package entry points",
"Subpath patterns") and of modules ("LOAD_AS_DIRECTORY").
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Literal

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from linkpack.npm.manifest import Manifest

# In the order in which Node tries them: LOAD_AS_FILE, then LOAD_INDEX.
SCRIPT_ENDINGS = ("", ".js", ".json", ".node", "/index.js", "/index.json", "/index.node")
TYPES_ENDINGS = ("", ".d.ts", ".ts", "/index.d.ts", ".d.mts", ".d.cts")
_MODULE_ENDINGS = (*SCRIPT_ENDINGS, ".mjs", ".cjs", ".ts", "/index.mjs", "/index.ts")
# Only a host that is set up for it looks under another condition of exports: its files may be those of a checkout.
CONDITIONS = frozenset(
    {"default", "import", "require", "node", "node-addons", "module-sync", "types", "browser", "module", "script"}
    | {"development", "production", "deno", "bun", "worker", "workerd", "edge-light", "electron", "react-native"}
    | {"react-server", "style", "sass", "svelte", "solid"}
)
# What Node looks for: an import or a require, in versions with and without `module-sync` (22.10).
_NODE = frozenset({"node", "node-addons", "default"})
_NODE_CONDITIONS = tuple(_NODE | {way, *more} for way in ("import", "require") for more in ((), ("module-sync",)))
_SCRIPTS = r"\.([cm]?)jsx?$"

Kind = Literal["script", "module", "types", "file", "folder", "pattern"]


class EntryPoint(Record):
    """A path that a manifest names.

    *key* says where (`main`, `exports["./sub"].import`), and *target* is the value as written. *by_node* is false
    where only bundlers, type checkers and other hosts look. *kind* says which files answer it:

    - `script`: the target as Node completes main; `module`: as bundlers do; `types`: as TypeScript does;
    - `file`: the target itself;
    - `folder`: any file in it;
    - `pattern`: any path with the same start and end around the star.
    """

    key: str
    target: str
    kind: Kind
    by_node: bool = True

    @property
    def path(self) -> str:
        """Return the target as a clean path from the package's root.

        The root itself is `.`. A path out of the package begins with `..` or `/`.
        """
        return posixpath.normpath(self.target)

    @property
    def is_main(self) -> bool:
        """Return True if the package's bare name may mean this entry point."""
        return self.key in {"main", "exports"} or self.key.startswith(("exports.", 'exports["."]'))

    def candidates(self) -> tuple[str, ...]:
        """Return the files that may be meant, best first.

        There are none for a folder or pattern.

        >>> EntryPoint("main", "./lib", "script").candidates()[:3]
        ('lib', 'lib.js', 'lib.json')
        """
        path = self.path
        if self.kind == "types":
            beside = re.sub(_SCRIPTS, r".d.\1ts", path)  # the declaration of a script
            return complete_path(path, TYPES_ENDINGS) + ((beside,) if beside != path else ())
        if self.kind == "file":
            return (path,)
        endings = {"script": SCRIPT_ENDINGS, "module": _MODULE_ENDINGS}.get(self.kind, ())
        return complete_path(path, endings)

    def ends(self) -> tuple[str, str]:
        """Return the start and the end of the paths that are meant.

        The entry point must be a folder or pattern.

        >>> EntryPoint("exports", "./lib/*.js", "pattern").ends()
        ('lib/', '.js')
        """
        if self.kind == "folder":
            return ("", "") if self.path == "." else (f"{self.path}/", "")
        start, _, rest = self.target.removeprefix("./").partition("*")
        return start, rest.rpartition("*")[2]


def complete_path(path: str, endings: Sequence[str]) -> tuple[str, ...]:
    """Return *path* with each of *endings*.

    For the folder `.` these are only the endings that name a file in it.
    """
    if path == ".":
        return tuple(ending[1:] for ending in endings if ending.startswith("/"))
    return tuple(path + ending for ending in endings)


def find_entry_points(manifest: Manifest) -> Iterator[EntryPoint]:
    """Yield the entry points of *manifest*, once for each field.

    Values that are no texts are skipped, as are targets of exports that are not below the package.
    """
    members = manifest.members
    exports = members.get("exports")
    if manifest.main:
        # With exports Node never looks at main.
        yield EntryPoint("main", manifest.main, "script", by_node=exports is None)
    for key in ("module", "browser"):
        value = members.get(key)
        if isinstance(value, str) and value:
            yield EntryPoint(key, value, "module", by_node=False)
    yield from _find_browser_files(members.get("browser"))
    # With typesVersions TypeScript looks for types elsewhere (rxjs 7).
    if not members.get("typesVersions"):
        for key in ("types", "typings"):
            value = members.get(key)
            if isinstance(value, str) and value:
                yield EntryPoint(key, value, "types", by_node=False)
    if exports is not None:
        yield from _find_exported(exports)
    for command, script in manifest.bins.items():
        yield EntryPoint(f"bin.{command}", script, "file")
    if manifest.directories_bin is not None:
        yield EntryPoint("directories.bin", manifest.directories_bin or ".", "folder")


def _find_browser_files(table: object) -> Iterator[EntryPoint]:
    """Yield the files that `browser` puts in place of packages.

    A file in the place of another file of the package is no entry point: it is needed only with that file, which
    need not ship (as in @babel/helper-define-polyfill-provider).
    """
    if not isinstance(table, dict):
        return
    for name, value in table.items():
        if isinstance(value, str) and value.startswith("./") and not str(name).startswith("."):
            yield EntryPoint(f'browser["{name}"]', value, "module", by_node=False)


class ExportsTarget(Record):
    """A target of `exports`.

    *subpath* is as people write it: `exports["./sub"]`, or `exports`. *conditions* are those above the *value*,
    which is as written. With *is_types* only TypeScript looks here. With *has_spare* another target beside it
    exists, to which TypeScript goes on (measured on 7.0.2).
    """

    subpath: str
    conditions: tuple[str, ...]
    value: str
    is_types: bool
    has_spare: bool


def find_exports_targets(
    exports: object, is_there: Callable[[str], bool] = lambda _: False
) -> Iterator[ExportsTarget]:
    """Yield each target of *exports* that consumers can reach.

    Of a list only the first is: the others are for hosts that do not know it. Conditions that are none of
    `CONDITIONS` are skipped. *is_there* says whether a target exists, for `has_spare`.
    """
    start = ExportsTarget(subpath="exports", conditions=(), value="", is_types=False, has_spare=False)
    todo: list[tuple[ExportsTarget, object]] = [(start, exports)]
    while todo:
        above, value = todo.pop()
        if isinstance(value, dict):
            beside = any(isinstance(target, str) and is_there(target) for target in _find_beside_types(value))
            inner = []
            for name, target in value.items():
                if name.startswith("."):
                    inner.append((above._replace(subpath=f'exports["{name}"]'), target))
                elif name.partition("@")[0] in CONDITIONS:
                    types = name.partition("@")[0] == "types"  # types@<5.1 is for some versions of TypeScript
                    below = ExportsTarget(
                        subpath=above.subpath,
                        conditions=(*above.conditions, name),
                        value="",
                        is_types=above.is_types or types,
                        has_spare=above.has_spare or (types and beside),
                    )
                    inner.append((below, target))
            todo += reversed(inner)  # *todo* is a stack, and targets come in the order written
        elif isinstance(value, list):
            todo += [(above, value[0])] if value else []
        elif isinstance(value, str):
            yield above._replace(value=value)


def _find_beside_types(conditions: Mapping[str, object]) -> Iterator[object]:
    """Yield the values under other conditions than `types`."""
    for name, value in conditions.items():
        if not name.startswith(".") and name.partition("@")[0] != "types":
            yield value


def _find_exported(exports: object) -> Iterator[EntryPoint]:
    """Yield the entry points of the field *exports*."""
    used = _find_used_by_node(exports)
    for target in find_exports_targets(exports):
        if target.value.startswith("./"):
            key = ".".join((target.subpath, *target.conditions))
            by_node = target.value in used and not target.is_types
            yield EntryPoint(key=key, target=target.value, kind=find_exports_kind(target.value), by_node=by_node)


def find_exports_kind(target: str) -> Kind:
    """Return the kind of *target* of exports.

    >>> find_exports_kind("./lib/*.js"), find_exports_kind("./lib/"), find_exports_kind("./lib.js")
    ('pattern', 'folder', 'file')
    """
    if "*" in target:
        return "pattern"
    return "folder" if target.endswith("/") else "file"


def _find_used_by_node(exports: object) -> frozenset[str]:
    """Return the targets that Node, of any version, may take."""
    subpaths: Iterable[object] = (exports,)
    if isinstance(exports, dict) and any(name.startswith(".") for name in exports):
        subpaths = exports.values()
    targets = (_select_target(value, wanted) for value in subpaths for wanted in _NODE_CONDITIONS)
    return frozenset(target for target in targets if target is not None)


def _select_target(value: object, wanted: Collection[str]) -> str | None:
    """Return the target that Node takes under conditions *wanted*."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _select_target(value[0], wanted) if value else None
    if isinstance(value, dict):
        for name, inner in value.items():
            target = _select_target(inner, wanted) if name in wanted else None
            if target is not None:
                return target
    return None


class PathIndex:
    """The files of a package by exact path, or by start and end.

    The work is bounded, as the patterns of a package may be hostile. A question by start and end looks at the
    paths with that start, or at those with that end, whichever are fewer. All questions together look at no more
    than `WORK` paths. After that `any_like` is always true.
    """

    WORK = 5_000_000
    """How many paths are compared with a start and an end, which takes about a second."""

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = paths
        self._sorted: list[str] = []
        self._mirrored: list[str] = []
        self._answers: dict[tuple[str, str], bool] = {}
        self._work = 0

    def __contains__(self, path: object) -> bool:
        return path in self._paths

    @property
    def is_exhausted(self) -> bool:
        """Return True if the bound on the work was reached."""
        return self._work > self.WORK

    def any_like(self, start: str, end: str) -> bool:
        """Return True if a path begins with *start* and ends with *end*."""
        key = (start, end)
        if key not in self._answers:
            self._answers[key] = next(self.like(start, end), None) is not None or self.is_exhausted
        return self._answers[key]

    def like(self, start: str, end: str) -> Iterator[str]:
        """Yield the paths that begin with *start* and end with *end*."""
        if not self._sorted:
            self._sorted = sorted(self._paths)
            self._mirrored = sorted(path[::-1] for path in self._paths)
        ahead = _find_beginning(self._sorted, start)
        behind = _find_beginning(self._mirrored, end[::-1])
        forward = len(ahead) <= len(behind)
        least = len(start) + len(end)  # the two may not overlap: `./a*a` does not mean `./a`
        for index in ahead if forward else behind:
            self._work += 1
            if self.is_exhausted:
                return
            path = self._sorted[index] if forward else self._mirrored[index][::-1]
            if len(path) >= least and path.startswith(start) and path.endswith(end):
                yield path


def _find_beginning(paths: Sequence[str], start: str) -> range:
    """Return which of the sorted *paths* begin with *start*."""
    low = bisect_left(paths, start)
    # Nothing sorts behind the highest code point.
    return range(low, bisect_left(paths, start + chr(0x10FFFF), low))


CRLF_SHEBANG = (
    "has a line break of Windows (CRLF) after #!, and Linux and macOS take that for part of the program's name"
)


def has_crlf_shebang(head: bytes) -> bool:
    r"""Return True if the line `#!…` in *head* has a carriage return.

    *head* is the beginning of a file. A kernel reads `#!/usr/bin/env node\r\n` as the program `node\r`. npm
    fixes the commands that it links (bin-links 6, lib/fix-bin.js), and no others.
    """
    line = head.partition(b"\n")[0]
    return line.startswith(b"#!") and b"\r" in line
