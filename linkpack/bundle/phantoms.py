"""Checks what the sources load that ship: packages that nothing brings along, and files that stay behind.

The root's sources and those of linked packages are read; installed packages were published by others. A package
counts when it is found on this disk. A name that is not found here is no business of ours: it may be a host's, a
bundler's or optional.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from linkpack.bundle.graph import Lookup
from linkpack.bundle.layout_check import SlotIndex
from linkpack.bundle.left_out import LeftOut, is_made_later, remedy
from linkpack.errors import LinkpackError, Problem
from linkpack.npm.entry_points import EntryPoint, PathIndex, entry_points
from linkpack.npm.import_mentions import DECLARATIONS, SOURCES, TYPESCRIPT, mentioned, package_name
from linkpack.npm.package_names import dependency_name_fault
from linkpack.project.project import read_manifest
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
# What is written in TypeScript may ask for the script that it becomes: ./a.js for ./a.ts.
_COMPILED = {".js": (".ts", ".tsx", ".jsx"), ".mjs": (".mts",), ".cjs": (".cts",), ".jsx": (".tsx",)}
# Sources that only the package's own developers run, unless an entry point leads to them. Compiled when needed.
_FOR_DEVELOPERS = (
    r"(?:^|/)(?:__tests__|__mocks__|__fixtures__|tests?|specs?|e2e|bench|benchmarks?|examples?|demos?|fixtures?|docs?"
    r"|scripts?|website|\.[^/]+)/"
    r"|[._-](?:tests?|spec|bench|stories|story|e2e|cy|config)\.[cm]?[jt]sx?$"
    r"|(?:^|/)(?:gruntfile|gulpfile|cakefile|jakefile|\.[^/]+)\.[cm]?[jt]s$"
)


class Sources(NamedTuple):
    """What was read: how many sources, how many more could not be, refusals and warnings."""

    read: int
    unread: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check_sources(graph: BundleGraph, planned: Planned) -> Sources:
    """Read the sources of the root and of linked packages that ship.

    Of the root those count that its entry points lead to; of a linked package, which others may load file by file,
    all but tests and the like.

    Raises `SourceChanged` when a file is no longer what was planned.
    """
    lookup = Lookup()
    slots = {} if planned.flat else planned.slots
    index = SlotIndex(slots)
    left = _MOST
    read = unread = 0
    found: list[Problem] = []
    for at in planned.ids:
        package = graph.packages[at]
        if at != graph.root and not package.linked:
            continue
        own = _Own(package, planned.packlists[at], left, every=at != graph.root)
        own.read()
        bringing = _Bringing(graph, slots, index, package, lookup)
        found += [*_phantoms(own, bringing), *_stay_behind(own)]
        left, unread = own.left, unread + own.unread
        read += len(own.mentions) - own.doubted
    warnings = tuple(each for each in found if each.code != "EENTRYPOINT")
    return Sources(read, unread, tuple(each for each in found if each.code == "EENTRYPOINT"), warnings)


class _Own:
    """The sources of one package that somebody may load.

    *mentions* holds what each one read may load, by its path; *reached* are those that an entry point leads to.
    With *every* all scripts of the package are read, not only those.
    """

    def __init__(self, package: Package, packlist: Packlist, left: int, *, every: bool) -> None:
        self.package = package
        self.files = {file.path: file for file in packlist.files}
        self.left_out = LeftOut(packlist.omissions)
        self.mentions: dict[str, set[str]] = {}
        self.reached: set[str] = set()
        self.unread = 0
        self.doubted = 0  # too large for a second look, or not understood, though the first one found something
        self.left = left
        self.every = every
        self._imports: dict[str, tuple[Import, ...]] = {}
        self._folders: set[str] | None = None

    def read(self) -> None:
        """Read what the entry points lead to, and with *every* what else a package may load."""
        todo = list(dict.fromkeys(self._starts()))
        self.reached = set(todo)
        for path in todo:  # grows while it is walked
            for specifier in self._mentions(path):
                to = self.resolve(path, specifier)
                if to and to not in self.reached and is_source(to):
                    self.reached.add(to)
                    todo.append(to)
        for path in self.files if self.every else ():
            is_script = is_source(path) and not path.endswith((*TYPESCRIPT, ".jsx"))
            if is_script and path not in self.reached and not re.search(_FOR_DEVELOPERS, path, re.IGNORECASE):
                self._mentions(path)

    def _starts(self) -> Iterator[str]:
        """Yield the sources that the manifest names; `index.js` where it names none for Node."""
        index = PathIndex(self.files)
        others = (each for each in entry_points(self.package.manifest) if not each.is_main)
        for entry in (*_mains(self.package.manifest), *others):
            if entry.kind in {"pattern", "folder"}:
                yield from filter(is_source, index.like(*entry.ends()))
            else:
                found = next((path for path in entry.candidates() if path in self.files), "")
                if is_source(found) or (entry.key.startswith("bin.") and found):
                    yield found

    def _mentions(self, path: str) -> set[str]:
        """Return what the source at *path* may load, read once."""
        if path not in self.mentions:
            file = self.files[path]
            if file.size > self.left:
                self.unread += 1
                return set()
            self.left -= file.size
            self.mentions[path] = mentioned(self._text(file))
        return self.mentions[path]

    def _text(self, file: PackedFile) -> str:
        raw = fs.read_small(file.source, file.dev, file.ino, file.size)
        return raw.decode("utf-8", "replace").removeprefix("\ufeff")

    def imports(self, path: str) -> tuple[Import, ...]:
        """Return what the source at *path* does load, but for what may fail there."""
        from linkpack.npm.imports import find_imports  # noqa: PLC0415 - most packages need no second look

        if path not in self._imports:
            file = self.files[path]
            extension = posixpath.splitext(path)[1]
            found = None
            if file.size <= _MOST_TO_READ:
                found = find_imports(self._text(file), extension if extension in SOURCES else ".js")
            if found is None:
                self.unread += 1
                self.doubted += 1
            self._imports[path] = tuple(each for each in found or () if not each.guarded)
        return self._imports[path]

    def needed(self) -> set[str]:
        """Return the files that Node loads whenever it loads the package, whether they ship or not."""
        mains = [each for each in _mains(self.package.manifest) if each.by_node and "*" not in each.target]
        starts = (next((path for path in each.candidates() if path in self.files), "") for each in mains)
        found = dict.fromkeys(starts)
        todo = deque(found)
        while todo:
            path = todo.popleft()
            if path not in self.files or not path.endswith((".js", ".mjs", ".cjs")):
                continue
            for load in self.imports(path):
                to = self.resolve(path, load.specifier) or self.unshipped(path, load.specifier)
                if load.certain and to and to not in found:
                    found[to] = None
                    todo.append(to)
        return set(found)

    def counts(self, load: Import) -> bool:
        """True if *load* is one that the package does for sure when it is loaded, or may do when it is linked.

        Of 2,744 published packages those that load a development dependency in a function mean it to be optional
        (css-minimizer-webpack-plugin, @babel/core), as do other packages that a build has in it whole (consolidate
        in @vue/compiler-sfc).
        """
        return self.every or not load.lazy

    def resolve(self, path: str, specifier: str) -> str:
        """Return the file that ships and that *specifier* means in the source at *path*; "" for none."""
        base = self.target(path, specifier)
        return next((each for each in completions(base) if each in self.files), "") if base else ""

    def unshipped(self, path: str, specifier: str) -> str:
        """Return the file that *specifier* means in *path*, when it means none that ships; else "".

        That is one on disk, or where there is none the path as it stands.
        """
        base = self.target(path, specifier)
        if not base or self.resolve(path, specifier) or self._is_folder(base):
            return ""
        return next(filter(self.is_there, completions(base)), base)

    def _is_folder(self, path: str) -> bool:
        """True if a file in a folder at *path* ships: its own package.json may say what the folder stands for."""
        if self._folders is None:
            self._folders = _folders(self.files)
        return path in self._folders

    def is_there(self, path: str) -> bool:
        """True if there is a file at *path* on disk."""
        return fs.is_file(posixpath.join(self.package.id, path))

    def target(self, path: str, specifier: str) -> str:
        """Return the path below the package that *specifier* means in *path*, "" when it is not one of a file."""
        if specifier.startswith("#"):
            return self._internal(specifier)
        if not re.match(r"\.\.?(?:/|$)", specifier) or "?" in specifier:
            return ""
        base = posixpath.normpath(posixpath.join(posixpath.dirname(path), specifier))
        return "" if base == "." or base.startswith("node_modules/") else base

    def _internal(self, specifier: str) -> str:
        """Return the path that the field `imports` gives for *specifier*, a name of the package's own."""
        table = self.package.manifest.members.get("imports")
        value = table.get(specifier) if isinstance(table, dict) else None
        while isinstance(value, dict):
            value = next((value[key] for key in ("node", "import", "require", "default") if key in value), None)
        is_path = isinstance(value, str) and value.startswith("./")
        return posixpath.normpath(value) if is_path and isinstance(value, str) else ""


def _mains(manifest: Manifest) -> list[EntryPoint]:
    """Return what the bare name of a package stands for, `index.js` where *manifest* says nothing of it."""
    mains = [entry for entry in entry_points(manifest) if entry.is_main]
    return mains or [EntryPoint("main", "index.js", "script")]


def _folders(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        at = posixpath.dirname(path)
        while at and at not in found:
            found.add(at)
            at = posixpath.dirname(at)
    return found


def is_source(path: str) -> bool:
    """True if *path* is a script by its name, and no declaration."""
    return path.endswith(SOURCES) and not path.endswith(DECLARATIONS)


def completions(path: str) -> Iterator[str]:
    """Yield the files that may be meant by *path*, best first, as Node, bundlers and TypeScript complete it."""
    for ending in _ENDINGS:
        yield path + ending
    stem, extension = posixpath.splitext(path)
    for each in _COMPILED.get(extension, ()):
        yield stem + each


class _Bringing(NamedTuple):
    """What a package finds: on this disk, and where the tarball is installed."""

    graph: BundleGraph
    slots: Mapping[str, str]
    shipped: SlotIndex
    package: Package
    lookup: Lookup

    def is_declared(self, name: str) -> bool:
        """True if *name* is the package's own, or one that it asks for outside of its devDependencies."""
        manifest = self.package.manifest
        return name == manifest.name or name in self.package.needs or name in _declared(manifest)

    def on_disk(self, name: str) -> tuple[str, str]:
        """Return the real directory of what *name* is here, and the path of it; "" twice when it is nothing."""
        hit, via, _ = self.lookup.resolve(self.package.id, name)
        return (hit.real, via) if hit else ("", "")

    def missing(self, name: str, real: str) -> str:
        """Return what becomes of *name*, the package in *real*, at the consumer; "" when it is found there too.

        The tarball has it, or the root asks for it and does not bundle it.
        """
        homes = [slot for slot, at in self.slots.items() if at == self.package.id]
        found = {self._found(home, name) for home in homes}
        if found == {real} or (found == {""} and self.graph.reserved.get(name) == real):
            return ""
        others = [self.graph.packages[at].label for at in sorted(found - {"", real})]
        return f"in the tarball it is {others[0]}" if others else "nothing brings it along with the tarball"

    def _found(self, home: str, name: str) -> str:
        """Return the package that Node finds for *name* from the folder *home* of the tarball, "" for none."""
        slot = self.shipped.find(home, name)
        return "" if slot is None else self.slots[slot]


def _declared(manifest: Manifest) -> set[str]:
    dependencies = {*manifest.dependencies, *manifest.optional_dependencies}
    return {*dependencies, *manifest.peer_dependencies, *manifest.optional_peers}


def _phantoms(own: _Own, bringing: _Bringing) -> Iterator[Problem]:
    """Warn of each package that *own* loads, does not declare, and finds on this disk only."""
    mentioning: dict[str, list[str]] = {}
    for path, specifiers in own.mentions.items():
        for name in {package_name(specifier) for specifier in specifiers}:
            mentioning.setdefault(name, []).append(path)
    for name in sorted(mentioning):
        if not name or name in _BY_HOSTS or bringing.is_declared(name) or dependency_name_fault(name):
            continue
        real, via = bringing.on_disk(name)
        missing = bringing.missing(name, real) if real and real != bringing.graph.root else ""
        if not missing:
            continue
        places = list(_places(own, name, mentioning[name], types_only=_has_types_only(real)))
        if places:
            yield _phantom(own.package, name, places, f"it is found here, in {via}, and {missing}")


def _places(own: _Own, name: str, paths: Iterable[str], *, types_only: bool) -> Iterator[str]:
    """Yield where the sources at *paths* load *name*, `lib/a.js:3`: the first place in each."""
    for path in sorted(paths):
        if _has_nested(own.files, path, name) or (types_only and path.endswith(TYPESCRIPT)):
            continue
        loads = (each for each in own.imports(path) if package_name(each.specifier) == name)
        found = next((each for each in loads if own.counts(each)), None)
        if found:
            yield f"{path}:{found.line}"


def _has_nested(files: Mapping[str, object], path: str, name: str) -> bool:
    """True if a node_modules folder between *path* and the package's root ships *name*."""
    folder = posixpath.dirname(path)
    while folder:
        if f"{folder}/node_modules/{name}/package.json" in files:
            return True
        folder = posixpath.dirname(folder)
    return False


def _has_types_only(real: str) -> bool:
    """True if the package in *real* has nothing that runs: what TypeScript imports from it leaves no trace."""
    try:
        manifest = read_manifest(real, "installed")
    except LinkpackError:
        return False
    main = [entry for entry in entry_points(manifest) if entry.is_main]
    return not fs.is_file(f"{real}/index.js") and all(entry.target.endswith(DECLARATIONS) for entry in main)


def _phantom(package: Package, name: str, places: list[str], why: str) -> Problem:
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


def _stay_behind(own: _Own) -> Iterator[Problem]:
    """Tell the files that a source loads which an entry point leads to, and that do not ship.

    They exist and are left out; or nothing is there, as before a build, and the source fails without them. A
    linked package that cannot be loaded without a file that a rule leaves out is refused.
    """
    if is_made_later(own.package.manifest, own.files):
        return
    found: dict[str, str] = {}
    for path in sorted(own.reached & own.mentions.keys()):
        suspects = {each: to for each in own.mentions[path] if (to := own.unshipped(path, each))}
        for each in own.imports(path) if suspects else ():
            target = suspects.get(each.specifier, "")
            if target and (
                own.is_there(target) or (each.kind in {"import", "export"} and _is_whole(path, target))
            ):
                found.setdefault(target, f"{path}:{each.line}")
    needed = own.needed() if found and own.every else set()
    groups: dict[tuple[str, str], list[str]] = {}
    for target in found:
        is_there = own.is_there(target)
        reason = own.left_out.reason(target) if is_there else _NO_FILE
        # What lies beside the package may lie beside it in the tarball as well, by chance.
        is_refused = is_there and target in needed and not target.startswith("../")
        code = "EENTRYPOINT" if is_refused else "WLEFTBEHIND"
        groups.setdefault((code, reason), []).append(target)
    for (code, reason), targets in groups.items():
        yield _left_behind(code, own.package, found[targets[0]], targets, reason)


def _is_whole(path: str, target: str) -> bool:
    """True if a static import of *target* in *path* can only mean that very file."""
    return path.endswith((".js", ".mjs")) and target.endswith((".js", ".mjs", ".cjs"))


def _left_behind(code: str, package: Package, place: str, targets: list[str], reason: str) -> Problem:
    manifest = f"{package.id}/package.json"
    others = [*targets[1:_NAMED], *([f"{len(targets) - _NAMED} more"] if len(targets) > _NAMED else [])]
    more = f"; the same holds for {' and '.join(others)}" if others else ""
    if reason == _NO_FILE:
        why, hint = _NO_FILE, "build before you pack"
    else:
        why = f"which is on this disk and will not ship{': ' if reason else ''}{reason}"
        hint = remedy(targets, reason, manifest)
    how = ": " if code == "WLEFTBEHIND" else " cannot be loaded: "
    message = f"{package.label}{how}{place} loads {targets[0]}, {why}{more}"
    return Problem(code, f"{package.id}/{place.rpartition(':')[0]}", message, hint)
