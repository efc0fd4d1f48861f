"""The paths that a package.json names for those who load the package.

Fields: main, module, browser, types, typings, exports, bin and directories.bin. Node completes only main
(`lib` means `lib.js` or `lib/index.js`), bundlers and TypeScript complete their own fields in a like way, and a
target of exports is a file as it stands. Source: Node 24's documentation of packages ("Package entry points",
"Subpath patterns") and of modules ("LOAD_AS_DIRECTORY").
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from linkpack.npm.manifest import Manifest

SCRIPT_ENDINGS = ("", ".js", ".json", ".node", "/index.js", "/index.json", "/index.node")
TYPES_ENDINGS = ("", ".d.ts", ".ts", "/index.d.ts", ".d.mts", ".d.cts")
_MODULE_ENDINGS = (*SCRIPT_ENDINGS, ".mjs", ".cjs", ".ts", "/index.mjs", "/index.ts")
# Under any other condition of exports nobody looks who has not been told to: its files may be those of a checkout.
CONDITIONS = frozenset(
    {"default", "import", "require", "node", "node-addons", "module-sync", "types", "browser", "module", "script"}
    | {"development", "production", "deno", "bun", "worker", "workerd", "edge-light", "electron", "react-native"}
    | {"react-server", "style", "sass", "svelte", "solid"}
)
# What Node looks for: an import or a require, in versions with and without `module-sync` (22.10).
_NODE = frozenset({"node", "node-addons", "default"})
_NODE_CONDITIONS = tuple(_NODE | {way, *more} for way in ("import", "require") for more in ((), ("module-sync",)))
_SCRIPTS = re.compile(r"\.([cm]?)jsx?$")

Kind = Literal["script", "module", "types", "file", "folder", "pattern"]


class EntryPoint(NamedTuple):
    """A path that a manifest names.

    *key* says where (`main`, `exports["./sub"].import`), *target* is the value as written. *kind* says what may
    answer it: a `script` is completed as Node completes main, a `module` as bundlers do, `types` as TypeScript
    does, a `file` is a path as it stands, a `folder` any file in it, a `pattern` any path with the same start and
    end around its star. *by_node* is false where only bundlers, type checkers and other hosts look.
    """

    key: str
    target: str
    kind: Kind
    by_node: bool = True

    @property
    def path(self) -> str:
        """The target below the package's root, `.` for that itself; it may begin with `..` or `/`."""
        return posixpath.normpath(self.target)

    @property
    def is_main(self) -> bool:
        """True if it is what the package's bare name stands for in one way of loading it."""
        return self.key in {"main", "exports"} or self.key.startswith(("exports.", 'exports["."]'))

    def candidates(self) -> tuple[str, ...]:
        """Return the files that answer it, best first; none for a folder or pattern.

        A script `lib` gives `lib`, `lib.js`, … and at last `lib/index.node`.
        """
        path = self.path
        if self.kind == "types":
            beside = _SCRIPTS.sub(r".d.\1ts", path)  # the declaration of a script
            return completed(path, TYPES_ENDINGS) + ((beside,) if beside != path else ())
        if self.kind == "file":
            return (path,)
        endings = {"script": SCRIPT_ENDINGS, "module": _MODULE_ENDINGS}.get(self.kind, ())
        return completed(path, endings)

    def ends(self) -> tuple[str, str]:
        """Return how the paths begin and end that answer a folder or pattern: `./lib/*.js` -> `lib/`, `.js`."""
        if self.kind == "folder":
            return ("", "") if self.path == "." else (f"{self.path}/", "")
        start, _, rest = self.target.removeprefix("./").partition("*")
        return start, rest.rpartition("*")[2]


def completed(path: str, endings: Sequence[str]) -> tuple[str, ...]:
    """Return *path* with each of *endings*; of `.` only what an ending names inside of it."""
    if path == ".":
        return tuple(ending[1:] for ending in endings if ending.startswith("/"))
    return tuple(path + ending for ending in endings)


def entry_points(manifest: Manifest) -> Iterator[EntryPoint]:
    """Yield the entry points that *manifest* names, each path once for each field that it stands in.

    Values of other types than text are passed over, as are targets of exports that are not below the package.
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
    yield from _browser_files(members.get("browser"))
    # With typesVersions TypeScript looks for types elsewhere (rxjs 7).
    for key in () if members.get("typesVersions") else ("types", "typings"):
        value = members.get(key)
        if isinstance(value, str) and value:
            yield EntryPoint(key, value, "types", by_node=False)
    if exports is not None:
        yield from _exported(exports)
    for command, script in manifest.bins.items():
        yield EntryPoint(f"bin.{command}", script, "file")
    if manifest.directories_bin is not None:
        yield EntryPoint("directories.bin", manifest.directories_bin or ".", "folder")


def _browser_files(table: object) -> Iterator[EntryPoint]:
    """Yield the files that a table of `browser` puts in the place of packages.

    What takes the place of another file of the package counts with that file, which may well not ship (as in
    @babel/helper-define-polyfill-provider).
    """
    for name, value in table.items() if isinstance(table, dict) else ():
        if isinstance(value, str) and value.startswith("./") and not str(name).startswith("."):
            yield EntryPoint(f'browser["{name}"]', value, "module", by_node=False)


class ExportsTarget(NamedTuple):
    """A target of `exports`: its *value* as written, under a *subpath* and *conditions*.

    The subpath is as people write it: `exports["./sub"]`, or `exports`. *is_types*: TypeScript alone looks here.
    *has_spare*: another target beside it is there, to which TypeScript goes on (measured on 7.0.2).
    """

    subpath: str
    conditions: tuple[str, ...]
    value: str
    is_types: bool
    has_spare: bool


def exports_targets(exports: object, is_there: Callable[[str], bool] = lambda _: False) -> Iterator[ExportsTarget]:
    """Yield each target of the field *exports* that consumers can reach.

    Of a list that is the first: an alternative is for hosts that do not know it. What lies under a condition that
    is none of `CONDITIONS` is passed over. *is_there* is asked about targets, for `has_spare`.
    """
    todo: list[tuple[ExportsTarget, object]] = [(ExportsTarget("exports", (), "", False, False), exports)]
    while todo:
        above, value = todo.pop()
        if isinstance(value, dict):
            beside = any(isinstance(each, str) and is_there(each) for each in _others(value))
            inner = []
            for name, each in value.items():
                if name.startswith("."):
                    inner.append((above._replace(subpath=f'exports["{name}"]'), each))
                elif name.partition("@")[0] in CONDITIONS:
                    types = name.partition("@")[0] == "types"  # types@<5.1 is for some versions of TypeScript
                    below = ExportsTarget(
                        subpath=above.subpath,
                        conditions=(*above.conditions, name),
                        value="",
                        is_types=above.is_types or types,
                        has_spare=above.has_spare or (types and beside),
                    )
                    inner.append((below, each))
            todo += reversed(inner)
        elif isinstance(value, list):
            todo += [(above, value[0])] if value else []
        elif isinstance(value, str):
            yield above._replace(value=value)


def _others(conditions: Mapping[str, object]) -> Iterator[object]:
    """Yield what stands in *conditions* under another one than `types`."""
    for name, each in conditions.items():
        if not name.startswith(".") and name.partition("@")[0] != "types":
            yield each


def _exported(exports: object) -> Iterator[EntryPoint]:
    used = _used_by_node(exports)
    for each in exports_targets(exports):
        if each.value.startswith("./"):
            key = ".".join((each.subpath, *each.conditions))
            by_node = each.value in used and not each.is_types
            yield EntryPoint(key, each.value, exports_kind(each.value), by_node)


def exports_kind(target: str) -> Kind:
    """Return what may answer *target* of exports: a file, unless it has a star or ends in a slash."""
    if "*" in target:
        return "pattern"
    return "folder" if target.endswith("/") else "file"


def _used_by_node(exports: object) -> frozenset[str]:
    """Return the targets that some version of Node takes for some import or require."""
    is_table = isinstance(exports, dict) and any(name.startswith(".") for name in exports)
    subpaths = exports.values() if is_table and isinstance(exports, dict) else (exports,)
    found = (_selected(value, wanted) for value in subpaths for wanted in _NODE_CONDITIONS)
    return frozenset(target for target in found if target is not None)


def _selected(value: object, wanted: Collection[str]) -> str | None:
    """Return the target that Node selects from *value* under the conditions *wanted*, None when there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _selected(value[0], wanted) if value else None
    for name, each in value.items() if isinstance(value, dict) else ():
        if name in wanted:
            found = _selected(each, wanted)
            if found is not None:
                return found
    return None


class PathIndex:
    """The files of a package, asked by exact path or by how a path begins and ends.

    The work is bounded: a question by start and end looks at the paths that begin so, or at those that end so,
    whichever are fewer, and at most at `WORK` over all questions together. After that the answer is yes.
    """

    WORK = 5_000_000
    """Paths compared with a start and an end: about a second."""

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
        """True if questions were answered without looking, as the work had become too much."""
        return self._work > self.WORK

    def any_like(self, start: str, end: str) -> bool:
        """True if a path begins with *start* and ends with *end*."""
        key = (start, end)
        if key not in self._answers:
            self._answers[key] = next(self.like(start, end), None) is not None or self.is_exhausted
        return self._answers[key]

    def like(self, start: str, end: str) -> Iterator[str]:
        """Yield the paths that begin with *start* and end with *end*."""
        if not self._sorted:
            self._sorted = sorted(self._paths)
            self._mirrored = sorted(path[::-1] for path in self._paths)
        ahead = _beginning(self._sorted, start)
        behind = _beginning(self._mirrored, end[::-1])
        forward = len(ahead) <= len(behind)
        least = len(start) + len(end)
        for at in ahead if forward else behind:
            self._work += 1
            if self.is_exhausted:
                return
            path = self._sorted[at] if forward else self._mirrored[at][::-1]
            if len(path) >= least and path.startswith(start) and path.endswith(end):
                yield path


def _beginning(paths: Sequence[str], start: str) -> range:
    """Return which of the sorted *paths* begin with *start*."""
    low = bisect_left(paths, start)
    return range(low, bisect_left(paths, start + chr(0x10FFFF), low))


CRLF_SHEBANG = (
    "has a line break of Windows (CRLF) after #!, and Linux and macOS take that for part of the program's name"
)


def has_crlf_shebang(head: bytes) -> bool:
    r"""True if a file that begins with *head* names an interpreter in a first line with a carriage return.

    A kernel takes `#!/usr/bin/env node\r\n` for a program called `node\r`. npm mends the commands that it links
    (fix-bin.js of bin-links 6), not what is started otherwise.
    """
    first = head.partition(b"\n")[0]
    return first.startswith(b"#!") and b"\r" in first
