"""Check that the entry points of each package are in the tarball.

Packing is refused if a rule drops a file without which Node cannot load a bundled package at all. Anything else is
a warning, as real packages name paths that only their checkout has: targets for `development`, sources for a
bundler, subpaths for their own tests.
"""

from __future__ import annotations

import posixpath
from collections import deque
from typing import TYPE_CHECKING

from linkpack.bundle.left_out import LeftOut, find_package_in, is_made_later, suggest_remedy
from linkpack.errors import Problem
from linkpack.npm.entry_points import CRLF_SHEBANG, EntryPoint, PathIndex, find_entry_points, has_crlf_shebang
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.bundle.planned import Planned
    from linkpack.packlist.packlist import Omission

_SHOWN = 3  # paths that one message names
_MOST_LISTED = 10_000  # paths looked at in the folders left out, for one pattern of exports
_HEAD = 512  # bytes of a command that are read: more than a first line has


class Lack(Record):
    """An entry point that is not in the tarball.

    *path* is the file on disk, and *reason* says why it does not ship. Both are "" if there is nothing on disk.
    """

    entry: EntryPoint
    path: str = ""
    reason: str = ""


class Loading(Record):
    """How many entry points are *lacking*, the refusals and the warnings."""

    lacking: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check_entry_points(graph: BundleGraph, planned: Planned) -> Loading:
    """Look for the entry points of every package in the planned tarball.

    For installed packages only those that Node itself loads are looked for.
    """
    # Types are often left out when a package is published, and everybody who installs it lacks the same.
    lacking = 0
    problems: list[Problem] = []
    warnings: list[Problem] = []
    homes: dict[str, str] = {}
    for slot, id_ in planned.slots.items():
        homes.setdefault(id_, slot)
    for id_, slot in homes.items():
        package = graph.packages[id_]
        # One slot is enough: all copies of a package ship the same files.
        shipped = _Shipped(slot, planned)
        lacks = list(_find_lacks(package, shipped, is_own=id_ == graph.root or package.linked))
        lacking += len(lacks)
        later = bool(lacks) and is_made_later(package.manifest, shipped.paths)
        refused = [] if id_ == graph.root or later else _find_refused(package, lacks, shipped)
        warned = [lack for lack in lacks if lack not in refused]
        problems += _report("EENTRYPOINT", package, refused)
        warnings += _report("WENTRYPOINT", package, warned, later=later)
    return Loading(lacking, tuple(problems), tuple(warnings))


class _Shipped:
    """The files of the package in *slot* of the tarball, and those left out."""

    def __init__(self, slot: str, planned: Planned) -> None:
        packlist = planned.packlists[planned.slots[slot]]
        self.paths = {file.path for file in packlist.files}
        self.files = PathIndex(self.paths)
        self.omissions = packlist.omissions
        self._slot = slot
        self._planned = planned
        self._left_out: LeftOut | None = None

    def reason(self, path: str) -> str:
        """Return why the file at *path* was left out."""
        # Made on demand: hardly any package lacks an entry point.
        if self._left_out is None:
            self._left_out = LeftOut(self.omissions)
        return self._left_out.reason(path)

    def holds(self, entry: EntryPoint) -> bool:
        """Return True if something in the tarball answers *entry*."""
        if entry.kind in {"pattern", "folder"}:
            return self.files.any_like(*entry.ends())
        return any(self._has(path) for path in entry.candidates())

    def _has(self, path: str) -> bool:
        """Return True if the file at *path* ships, as seen from the slot."""
        name = find_package_in(path)
        if not name:
            return path in self.files
        # The package has to ship: without it npm's second install removes a file of it that was forced in
        # (docs/differences-from-npm.md, B12).
        slot = f"{self._slot}/node_modules/{name}".lstrip("/")
        moved = {} if self._slot else self._planned.moved
        place = moved.get(path, f"{self._slot}/{path}".lstrip("/"))
        return place in self._planned.paths and (path in moved or slot in self._planned.slots)


def _find_lacks(package: Package, shipped: _Shipped, *, is_own: bool) -> Iterator[Lack]:
    """Yield the entry points that the tarball lacks, each path once."""
    seen: set[str] = set()
    # Node's own entry points first: each path is reported once, and a field for bundlers may name it as well.
    for entry in sorted(find_entry_points(package.manifest), key=lambda entry: not entry.by_node):
        if not (is_own or entry.by_node) or entry.path in seen or shipped.holds(entry):
            continue
        path = _find_on_disk(package.id, entry, shipped.omissions)
        if path and path not in seen:
            yield Lack(entry, path, shipped.reason(path))
        elif not path and (is_own or _is_vital(entry, shipped)):
            yield Lack(entry)
        seen.update((entry.path, path))


def _is_vital(entry: EntryPoint, shipped: _Shipped) -> bool:
    """Return True if an installed package cannot be used without *entry*."""
    # Node goes on to index.js (LOAD_AS_DIRECTORY). Other subpaths that were published without their files are the
    # author's business (nx, @nx/devkit).
    falls_back = entry.key == "main" and "index.js" in shipped.files
    return (entry.is_main and not falls_back) or entry.key.startswith("bin.")


def _find_on_disk(root: str, entry: EntryPoint, omissions: Iterable[Omission]) -> str:
    """Return the path below *root* that answers *entry* on disk, or ""."""
    if entry.kind in {"pattern", "folder"}:
        start, end = entry.ends()
        return next((path for path in _list_left_out(root, start, omissions) if _is_like(path, start, end)), "")
    return next((path for path in entry.candidates() if fs.is_file(posixpath.join(root, path))), "")


def _is_like(path: str, start: str, end: str) -> bool:
    return path.startswith(start) and path.endswith(end) and len(path) >= len(start) + len(end)


def _list_left_out(root: str, start: str, omissions: Iterable[Omission]) -> Iterator[str]:
    """Yield paths of files that were left out and may begin with *start*.

    At most `_MOST_LISTED` entries of folders are looked at.
    """
    # A folder that is left out may be all of node_modules.
    folders: deque[str] = deque()
    for omission in omissions:
        if not omission.path.endswith("/"):
            yield omission.path
        elif omission.path.startswith(start) or start.startswith(omission.path):
            folders.append(omission.path.rstrip("/"))
    listed = 0
    while folders:
        folder = folders.popleft()
        try:
            entries = list(fs.scan(f"{root}/{folder}"))
        except OSError:
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}"
            listed += 1
            if listed > _MOST_LISTED:
                return
            if entry.is_dir(follow_symlinks=False):
                folders.append(path)
            else:
                yield path


def _find_refused(package: Package, lacks: Sequence[Lack], shipped: _Shipped) -> list[Lack]:
    """Return those of *lacks* that keep Node from loading *package*.

    They exist on disk and do not ship. If the main entry is among them, it is the one. If not, they are all of
    them, but only if nothing of the package's exports ships.
    """
    # npm packs such a package, and exits with 0 (docs/differences-from-npm.md, B13).
    dropped = [lack for lack in lacks if lack.entry.by_node and lack.path]
    main = [lack for lack in dropped if lack.entry.is_main]
    entries = find_entry_points(package.manifest)
    others = (entry for entry in entries if entry.by_node and entry.key.startswith("exports"))
    if main or not dropped or any(shipped.holds(entry) for entry in others if entry.path != "package.json"):
        return main
    return dropped


def _report(code: str, package: Package, lacks: Sequence[Lack], *, later: bool = False) -> Iterator[Problem]:
    """Yield a problem for each reason of *lacks*, and one for absent files.

    *later* says that a script may make them where the package is installed.
    """
    where = f"{package.id}/package.json"
    more = "; perhaps a script makes it at installation" if later else ""
    for reason in dict.fromkeys(lack.reason for lack in lacks if lack.path):
        group = [lack for lack in lacks if lack.path and lack.reason == reason]
        verb = "is" if len(group) == 1 else "are"
        name = find_package_in(group[0].path)
        why = f"which {verb} on this disk and will not ship{f': {reason}' if reason else ''}"
        if name:
            why = f"and {name} is not there in the tarball"
        why = f"{package.label} names {_list_paths(group)}, {why}"
        yield Problem(code, where, why + more, suggest_remedy([lack.path for lack in group], reason, where))
    missing = [lack for lack in lacks if not lack.path]
    if missing:
        verb = "is no file" if len(missing) == 1 else "are no files"
        why = f"{package.label} names {_list_paths(missing)}, which {verb} on this disk"
        hint = f"build before you pack, or correct {where}" if "node_modules" not in where.split("/") else ""
        yield Problem("WENTRYPOINT", where, why + more, hint)


def _list_paths(lacks: Sequence[Lack]) -> str:
    """List the paths of *lacks*: `lib/a.js (main), lib/b.js (module)`."""
    shown = [f"{lack.path or lack.entry.path} ({lack.entry.key})" for lack in lacks[:_SHOWN]]
    more = len(lacks) - _SHOWN
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def check_commands(graph: BundleGraph, planned: Planned) -> Iterator[Problem]:
    """Warn of commands with a first line that ends as on Windows.

    The commands of the root and of linked packages are read. Raises `OSError` when one cannot be read.
    """
    # Installed packages were published by others, and npm fixes their commands when it links them (bin-links).
    for id_ in planned.ids:
        package = graph.packages[id_]
        if id_ != graph.root and not package.linked:
            continue
        manifest = package.manifest
        names = {posixpath.normpath(script): command for command, script in manifest.bins.items()}
        below = f"{manifest.directories_bin}/".lstrip("/")
        for file in planned.packlists[id_].files:
            if manifest.directories_bin is not None and file.path.startswith(below):
                names.setdefault(file.path, posixpath.basename(file.path))
            if file.path in names and has_crlf_shebang(fs.read_head(file.source, _HEAD)):
                path, command = file.path, names[file.path]
                message = f"{package.label}: {path}, the command {command}, {CRLF_SHEBANG}"
                yield Problem("WSHEBANG", file.source, message, f"save {path} with LF line breaks")
