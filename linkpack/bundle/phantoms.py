"""Check that all that the shipped sources load is there for consumers.

The root's sources and those of linked packages are read, as installed packages were published by others. A phantom
is a package that a source loads without declaring it, and that is found on this disk by chance. A name that is not
found here is passed over: it may be a host's, a bundler's or optional.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from typing import TYPE_CHECKING

from linkpack.bundle.left_out import LeftOut, is_made_later, suggest_remedy
from linkpack.errors import Problem
from linkpack.npm.entry_points import EntryPoint, PathIndex, find_entry_points
from linkpack.npm.import_mentions import DECLARATIONS, SOURCES, TYPESCRIPT, find_mentions, find_package_name
from linkpack.npm.package_names import find_dependency_name_fault
from linkpack.project.package_json import read_usable
from linkpack.project.resolve import Lookup, SlotIndex, find_path
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.bundle.planned import Planned
    from linkpack.npm.imports import Import
    from linkpack.npm.manifest import Manifest
    from linkpack.packlist.packlist import PackedFile, Packlist

_MOST = 32 << 20  # bytes of sources that are looked at for one tarball: 1 ms for each 150 kB
_MOST_TO_READ = 2 << 20  # bytes of a source that is read token by token, which takes a second
_NAMED = 2  # files that one message names
_NO_FILE = "which is no file on this disk"
_BY_HOSTS = frozenset({"electron", "vscode", "atom", "obsidian"})  # programs that bring their own module along
_ENDINGS = ("", *SOURCES, ".json", ".node", *(f"/index{each}" for each in (*SOURCES, ".json", ".node")))
# TypeScript may ask for the script that a source becomes: ./a.js for ./a.ts.
_COMPILED = {".js": (".ts", ".tsx", ".jsx"), ".mjs": (".mts",), ".cjs": (".cts",), ".jsx": (".tsx",)}
# Sources that only the package's own developers run, unless an entry point leads to them.
_FOR_DEVELOPERS = (
    r"(?:^|/)(?:__tests__|__mocks__|__fixtures__|tests?|specs?|e2e|bench|benchmarks?|examples?|demos?|fixtures?|docs?"
    r"|scripts?|website|\.[^/]+)/"
    r"|[._-](?:tests?|spec|bench|stories|story|e2e|cy|config)\.[cm]?[jt]sx?$"
    r"|(?:^|/)(?:gruntfile|gulpfile|cakefile|jakefile|\.[^/]+)\.[cm]?[jt]s$"
)


class SourceCheck(Record):
    """How many sources were *read* and *unread*, refusals and warnings."""

    read: int
    unread: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check_sources(graph: BundleGraph, planned: Planned) -> SourceCheck:
    """Check the sources of the root and of linked packages that ship.

    Of the root, the sources that its entry points lead to are read. Of a linked package, which others may load
    file by file, all sources except tests and the like are read.

    Raises `SourceChanged` when a file is no longer what was planned.
    """
    lookup = Lookup()
    # In a flat layout a package finds only what it declares, so a phantom is never there.
    slots = {} if planned.flat else planned.slots
    index = SlotIndex(slots)
    left = _MOST
    read = unread = 0
    found: list[Problem] = []
    for id_ in planned.ids:
        package = graph.packages[id_]
        if id_ != graph.root and not package.linked:
            continue
        own = _PackageSources(package, planned.packlists[id_], left, every=id_ != graph.root)
        own.read()
        supply = _Supply(graph=graph, slots=slots, shipped=index, package=package, lookup=lookup)
        found += [*_find_phantoms(own, supply), *_find_left_behind(own)]
        left, unread = own.left, unread + own.unread
        read += len(own.mentions) - own.doubted
    return SourceCheck(
        read=read,
        unread=unread,
        problems=tuple(problem for problem in found if problem.code == "EENTRYPOINT"),
        warnings=tuple(problem for problem in found if problem.code != "EENTRYPOINT"),
    )


class _PackageSources:
    """The sources of one package that its consumers may load.

    *mentions* maps the path of each source that was read to the specifiers in it. *reached* are the sources that
    an entry point leads to. With *every*, all scripts of the package are read, not only these. *left* is how many
    bytes may still be read.
    """

    def __init__(self, package: Package, packlist: Packlist, left: int, *, every: bool) -> None:
        self.package = package
        self.files = {file.path: file for file in packlist.files}
        self.left_out = LeftOut(packlist.omissions)
        self.mentions: dict[str, set[str]] = {}
        self.reached: set[str] = set()
        self.unread = 0
        self.doubted = 0  # sources that mention something, and are too large or too odd for `find_imports`
        self.left = left
        self.every = every
        self._imports: dict[str, tuple[Import, ...]] = {}
        self._folders: set[str] | None = None

    def read(self) -> None:
        """Read the sources that entry points lead to, or with *every* all."""
        todo = deque(dict.fromkeys(self._find_starts()))
        self.reached = set(todo)
        while todo:
            path = todo.popleft()
            for specifier in self._read_mentions(path):
                to = self.resolve(path, specifier)
                if to and to not in self.reached and is_source(to):
                    self.reached.add(to)
                    todo.append(to)
        if self.every:
            for path in self.files:
                # TypeScript and JSX are loaded only by tools, which an entry point would lead to.
                is_script = is_source(path) and not path.endswith((*TYPESCRIPT, ".jsx"))
                if is_script and path not in self.reached and not re.search(_FOR_DEVELOPERS, path, re.IGNORECASE):
                    self._read_mentions(path)

    def _find_starts(self) -> Iterator[str]:
        """Yield the sources that the manifest names, or `index.js`."""
        index = PathIndex(self.files)
        others = (entry for entry in find_entry_points(self.package.manifest) if not entry.is_main)
        for entry in (*_list_main_entries(self.package.manifest), *others):
            if entry.kind in {"pattern", "folder"}:
                yield from filter(is_source, index.like(*entry.ends()))
            else:
                found = next((path for path in entry.candidates() if path in self.files), "")
                if is_source(found) or (entry.key.startswith("bin.") and found):
                    yield found

    def _read_mentions(self, path: str) -> set[str]:
        """Return the specifiers that the source at *path* mentions."""
        if path not in self.mentions:
            file = self.files[path]
            if file.size > self.left:
                self.unread += 1
                return set()
            self.left -= file.size
            self.mentions[path] = find_mentions(self._read_text(file))
        return self.mentions[path]

    def _read_text(self, file: PackedFile) -> str:
        raw = fs.read_small(file.source, file.dev, file.ino, file.size)
        return raw.decode("utf-8", "replace").removeprefix("\ufeff")

    def read_imports(self, path: str) -> tuple[Import, ...]:
        """Return the loads in the source at *path* that may not fail."""
        from linkpack.npm.imports import find_imports  # noqa: PLC0415 - 4 ms; few mention what they lack

        if path not in self._imports:
            file = self.files[path]
            extension = posixpath.splitext(path)[1]
            found = None
            if file.size <= _MOST_TO_READ:
                found = find_imports(self._read_text(file), extension if extension in SOURCES else ".js")
            if found is None:
                self.unread += 1
                self.doubted += 1
            self._imports[path] = tuple(load for load in found or () if not load.guarded)
        return self._imports[path]

    def find_needed(self) -> set[str]:
        """Return the files that Node always loads with the package.

        They may ship or not.
        """
        mains = [
            entry
            for entry in _list_main_entries(self.package.manifest)
            if entry.by_node and "*" not in entry.target
        ]
        starts = (next((path for path in entry.candidates() if path in self.files), "") for entry in mains)
        found = dict.fromkeys(starts)
        todo = deque(found)
        while todo:
            path = todo.popleft()
            if path not in self.files or not path.endswith((".js", ".mjs", ".cjs")):
                continue
            for load in self.read_imports(path):
                to = self.resolve(path, load.specifier) or self.find_unshipped(path, load.specifier)
                if load.certain and to and to not in found:
                    found[to] = None
                    todo.append(to)
        return set(found)

    def is_needed(self, load: Import) -> bool:
        """Return True if the package may fail without what *load* loads."""
        # For the root only what is loaded at once, not inside of a function. Of 2,744 published packages those
        # that load a development dependency in a function mean it to be optional (css-minimizer-webpack-plugin,
        # @babel/core), and so do libraries that a build has copied in whole (consolidate in @vue/compiler-sfc).
        return self.every or not load.lazy

    def resolve(self, path: str, specifier: str) -> str:
        """Return the shipped file that *specifier* means in *path*, or ""."""
        base = self.find_target(path, specifier)
        return next((file for file in list_completions(base) if file in self.files), "") if base else ""

    def find_unshipped(self, path: str, specifier: str) -> str:
        """Return the file that *specifier* means in *path*, if it does not ship.

        If there is no such file on disk, the answer is the path as written. It is "" if the file ships.
        """
        base = self.find_target(path, specifier)
        if not base or self.resolve(path, specifier) or self._is_folder(base):
            return ""
        return next(filter(self.is_there, list_completions(base)), base)

    def _is_folder(self, path: str) -> bool:
        """Return True if a file below *path* ships."""
        # A package.json in such a folder may say which file the folder means, so nothing is said of it.
        if self._folders is None:
            self._folders = _list_folders(self.files)
        return path in self._folders

    def is_there(self, path: str) -> bool:
        """Return True if there is a file at *path* on disk."""
        return fs.is_file(posixpath.join(self.package.id, path))

    def find_target(self, path: str, specifier: str) -> str:
        """Return the path in the package that *specifier* means in *path*.

        "" if it means a package, the package's own folder or something in node_modules.
        """
        if specifier.startswith("#"):
            return self._resolve_internal(specifier)
        if not re.match(r"\.\.?(?:/|$)", specifier) or "?" in specifier:
            return ""
        base = posixpath.normpath(posixpath.join(posixpath.dirname(path), specifier))
        return "" if base == "." or base.startswith("node_modules/") else base

    def _resolve_internal(self, specifier: str) -> str:
        """Return the path that the field `imports` has for `#name`."""
        table = self.package.manifest.members.get("imports")
        value = table.get(specifier) if isinstance(table, dict) else None
        while isinstance(value, dict):
            value = next((value[key] for key in ("node", "import", "require", "default") if key in value), None)
        is_path = isinstance(value, str) and value.startswith("./")
        return posixpath.normpath(value) if is_path and isinstance(value, str) else ""


def _list_main_entries(manifest: Manifest) -> list[EntryPoint]:
    """Return the entry points by the package's bare name, or `index.js`."""
    mains = [entry for entry in find_entry_points(manifest) if entry.is_main]
    return mains or [EntryPoint("main", "index.js", "script")]


def _list_folders(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        folder = posixpath.dirname(path)
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found


def is_source(path: str) -> bool:
    """Return True if *path* is a script by its name, and no declaration.

    >>> is_source("lib/a.mjs"), is_source("lib/a.ts"), is_source("lib/a.d.ts"), is_source("a.json")
    (True, True, False, False)
    """
    return path.endswith(SOURCES) and not path.endswith(DECLARATIONS)


def list_completions(path: str) -> Iterator[str]:
    """Yield the files that *path* may mean, best first.

    Node, bundlers and TypeScript complete a path each in its own way.

    >>> [path for path in list_completions("lib/a.mjs") if path.endswith("ts")][-1]
    'lib/a.mts'
    """
    for ending in _ENDINGS:
        yield path + ending
    stem, extension = posixpath.splitext(path)
    for source in _COMPILED.get(extension, ()):
        yield stem + source


class _Supply(Record):
    """The packages that *package* finds on this disk and at the consumer.

    *slots* and *shipped* are those of the tarball.
    """

    graph: BundleGraph
    slots: Mapping[str, str]
    shipped: SlotIndex
    package: Package
    lookup: Lookup

    def is_declared(self, name: str) -> bool:
        """Return True if *name* is declared for consumers."""
        # A package may load itself by its name, where it has exports.
        manifest = self.package.manifest
        return name == manifest.name or name in self.package.needs or name in _list_declared(manifest)

    def find_on_disk(self, name: str) -> tuple[str, str]:
        """Return the real directory and the path of *name* here, both "" if none."""
        real, via, _ = self.lookup.resolve(self.package.id, name)
        return real, via

    def describe_missing(self, name: str, real: str) -> str:
        """Say what becomes of *name*, the package in *real*, at the consumer.

        "" if the consumer finds it too.
        """
        # The tarball has it, or the root declares it and does not bundle it, so that it is installed beside.
        homes = [slot for slot, id_ in self.slots.items() if id_ == self.package.id]
        found = {self._find_shipped_id(home, name) for home in homes}
        if found == {real} or (found == {""} and self.graph.reserved.get(name) == real):
            return ""
        others = [self.graph.packages[id_].label for id_ in sorted(found - {"", real})]
        return f"in the tarball it is {others[0]}" if others else "nothing brings it along with the tarball"

    def _find_shipped_id(self, home: str, name: str) -> str:
        """Return the id that *name* leads to from the slot *home*, or ""."""
        slot = self.shipped.find(home, name)
        return "" if slot is None else self.slots[slot]


def _list_declared(manifest: Manifest) -> set[str]:
    dependencies = {*manifest.dependencies, *manifest.optional_dependencies}
    return {*dependencies, *manifest.peer_dependencies, *manifest.optional_peers}


def _find_phantoms(own: _PackageSources, supply: _Supply) -> Iterator[Problem]:
    """Warn of packages that are loaded and found on this disk only."""
    mentioning: dict[str, list[str]] = {}
    for path, specifiers in own.mentions.items():
        for name in {find_package_name(specifier) for specifier in specifiers}:
            mentioning.setdefault(name, []).append(path)
    for name in sorted(mentioning):
        if not name or name in _BY_HOSTS or supply.is_declared(name) or find_dependency_name_fault(name):
            continue
        real, via = supply.find_on_disk(name)
        missing = supply.describe_missing(name, real) if real and real != supply.graph.root else ""
        if not missing:
            continue
        places = list(_find_places(own, name, mentioning[name], types_only=_has_types_only(real)))
        if places:
            yield _make_phantom_warning(own.package, name, places, f"it is found here, in {via}, and {missing}")


def _find_places(own: _PackageSources, name: str, paths: Iterable[str], *, types_only: bool) -> Iterator[str]:
    """Yield the first place in each source that loads *name*: `lib/a.js:3`."""
    for path in sorted(paths):
        if _has_nested(own.files, path, name) or (types_only and path.endswith(TYPESCRIPT)):
            continue
        loads = (load for load in own.read_imports(path) if find_package_name(load.specifier) == name)
        first = next((load for load in loads if own.is_needed(load)), None)
        if first:
            yield f"{path}:{first.line}"


def _has_nested(files: Mapping[str, object], path: str, name: str) -> bool:
    """Return True if a folder around *path* ships *name* in a node_modules.

    The package's own node_modules is not looked in.
    """
    nearest = find_path(posixpath.dirname(path), name, lambda folder: f"{folder}/package.json" in files)
    return nearest not in {"", f"node_modules/{name}"}


def _has_types_only(real: str) -> bool:
    """Return True if the package in *real* has declarations only."""
    # What TypeScript imports from it leaves no trace in a script.
    manifest = read_usable(real)
    if manifest is None:
        return False
    main = [entry for entry in find_entry_points(manifest) if entry.is_main]
    return not fs.is_file(f"{real}/index.js") and all(entry.target.endswith(DECLARATIONS) for entry in main)


def _make_phantom_warning(package: Package, name: str, places: list[str], why: str) -> Problem:
    """Make the warning that sources at *places* load the phantom *name*."""
    where = f"{package.id}/package.json"
    if name in package.manifest.dev_dependencies:
        how, hint = "has in devDependencies only", f"move {name} to dependencies in {where}"
    else:
        how, hint = "does not declare", f"add {name} to dependencies in {where}"
    others = ", ".join(places[1:_NAMED]) if len(places) <= _NAMED else f"{len(places) - 1} more files"
    message = (
        f"{package.label}: {places[0]}{f' (and {others})' if others else ''} loads {name}, which it {how}: {why}"
    )
    return Problem("WPHANTOM", f"{package.id}/{places[0].rpartition(':')[0]}", message, hint)


def _find_left_behind(own: _PackageSources) -> Iterator[Problem]:
    """Yield a problem for the files that are loaded and do not ship.

    Such a file is on disk, or an import can mean nothing else. A linked package is refused if it cannot be loaded
    without a file that is on disk.
    """
    if is_made_later(own.package.manifest, own.files):
        return
    found: dict[str, str] = {}
    for path in sorted(own.reached & own.mentions.keys()):
        suspects = {text: to for text in own.mentions[path] if (to := own.find_unshipped(path, text))}
        if not suspects:
            continue
        for load in own.read_imports(path):
            target = suspects.get(load.specifier, "")
            if target and (
                own.is_there(target) or (load.kind in {"import", "export"} and _is_exact(path, target))
            ):
                found.setdefault(target, f"{path}:{load.line}")
    # Following what Node always loads reads sources token by token, so only where something is left behind.
    needed = own.find_needed() if found and own.every else set()
    groups: dict[tuple[str, str], list[str]] = {}
    for target in found:
        is_there = own.is_there(target)
        reason = own.left_out.reason(target) if is_there else _NO_FILE
        # A file outside of the package may be at the same place at the consumer, so it is only a warning.
        is_refused = is_there and target in needed and not target.startswith("../")
        code = "EENTRYPOINT" if is_refused else "WLEFTBEHIND"
        groups.setdefault((code, reason), []).append(target)
    for (code, reason), targets in groups.items():
        yield _make_left_behind(code, own.package, found[targets[0]], targets, reason)


def _is_exact(path: str, target: str) -> bool:
    """Return True if an import in *path* can only mean the file *target*."""
    # Both have their extension, and Node completes no path in an import.
    return path.endswith((".js", ".mjs")) and target.endswith((".js", ".mjs", ".cjs"))


def _make_left_behind(code: str, package: Package, place: str, targets: list[str], reason: str) -> Problem:
    """Make the problem that *place* loads the first of *targets*."""
    manifest = f"{package.id}/package.json"
    others = [*targets[1:_NAMED], *([f"{len(targets) - _NAMED} more"] if len(targets) > _NAMED else [])]
    more = f"; the same holds for {' and '.join(others)}" if others else ""
    if reason == _NO_FILE:
        why, hint = _NO_FILE, "build before you pack"
    else:
        why = f"which is on this disk and will not ship{': ' if reason else ''}{reason}"
        hint = suggest_remedy(targets, reason, manifest)
    how = ": " if code == "WLEFTBEHIND" else " cannot be loaded: "
    message = f"{package.label}{how}{place} loads {targets[0]}, {why}{more}"
    return Problem(code, f"{package.id}/{place.rpartition(':')[0]}", message, hint)
