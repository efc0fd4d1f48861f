"""Checks that each package can be loaded from the tarball: every entry point that exists on disk is inside.

Packing is refused where a rule drops what Node needs to load a bundled package at all. Anything else is a warning,
as real packages name paths that only their checkout has: targets for `development`, sources for a bundler,
subpaths for their own tests.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.bundle.left_out import LeftOut, is_made_later, package_in, remedy
from linkpack.disk import fs
from linkpack.errors import Problem
from linkpack.npm.entry_points import CRLF_SHEBANG, EntryPoint, PathIndex, entry_points, has_crlf_shebang

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.bundle.planned import Planned
    from linkpack.select.packlist import Omission

_SHOWN = 3  # paths that one message names
_MOST_LISTED = 10_000  # paths looked at in the folders left out, for one pattern of exports
_HEAD = 512  # bytes of a command that are read: more than a first line has


class Lack(NamedTuple):
    """An entry point that is not in the tarball: the *path* on disk and why it does not ship.

    Both are "" when there is nothing on disk.
    """

    entry: EntryPoint
    path: str = ""
    reason: str = ""


class Loading(NamedTuple):
    """What was found: how many paths the packages lack, refusals and warnings."""

    lacking: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check_entry_points(graph: BundleGraph, planned: Planned) -> Loading:
    """Look for the entry points of every package in the planned tarball.

    Installed packages are asked for what Node itself loads: their types are often left out when they are
    published, and whoever installs them lacks the same.
    """
    lacking = 0
    problems: list[Problem] = []
    warnings: list[Problem] = []
    homes: dict[str, str] = {}
    for slot, at in planned.slots.items():
        homes.setdefault(at, slot)
    for at, slot in homes.items():
        package = graph.packages[at]
        inside = _Inside(slot, planned)
        lacks = list(_lacks(package, inside, is_own=at == graph.root or package.linked))
        lacking += len(lacks)
        later = bool(lacks) and is_made_later(package.manifest, inside.paths)
        refused = [] if at == graph.root or later else _refused(package, lacks, inside)
        problems += _told("EENTRYPOINT", package, refused)
        warnings += _told("WENTRYPOINT", package, [each for each in lacks if each not in refused], later=later)
    return Loading(lacking, tuple(problems), tuple(warnings))


class _Inside:
    """The files of the package in *slot* of the tarball, and what of it was left out."""

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
        if self._left_out is None:
            self._left_out = LeftOut(self.omissions)
        return self._left_out.reason(path)

    def holds(self, entry: EntryPoint) -> bool:
        """True if something in the tarball answers *entry*."""
        if entry.kind in {"pattern", "folder"}:
            return self.files.any_like(*entry.ends())
        return any(self._has(path) for path in entry.candidates())

    def _has(self, path: str) -> bool:
        name = package_in(path)
        if not name:
            return path in self.files
        # A package in its own node_modules has to be there as a package, not as a file of it that was forced in.
        slot = f"{self._slot}/node_modules/{name}".lstrip("/")
        moved = {} if self._slot else self._planned.moved
        place = moved.get(path, f"{self._slot}/{path}".lstrip("/"))
        return place in self._planned.paths and (path in moved or slot in self._planned.slots)


def _lacks(package: Package, inside: _Inside, *, is_own: bool) -> Iterator[Lack]:
    """Yield what *package* names and *inside* does not hold, each path once."""
    seen: set[str] = set()
    # What Node takes comes first: it may be named by a field for bundlers as well.
    for entry in sorted(entry_points(package.manifest), key=lambda each: not each.by_node):
        if not (is_own or entry.by_node) or entry.path in seen or inside.holds(entry):
            continue
        found = _on_disk(package.id, entry, inside.omissions)
        if found and found not in seen:
            yield Lack(entry, found, inside.reason(found))
        elif not found and (is_own or _breaks(entry, inside)):
            yield Lack(entry)
        seen.update((entry.path, found))


def _breaks(entry: EntryPoint, inside: _Inside) -> bool:
    """True if an installed package cannot be used without *entry*, which does not exist.

    Other subpaths that were published without their files are its author's business (nx, @nx/devkit).
    """
    falls_back = entry.key == "main" and "index.js" in inside.files  # Node goes on to that
    return (entry.is_main and not falls_back) or entry.key.startswith("bin.")


def _on_disk(root: str, entry: EntryPoint, omissions: Iterable[Omission]) -> str:
    """Return the path below *root* that answers *entry* on disk, "" when there is none."""
    if entry.kind in {"pattern", "folder"}:
        start, end = entry.ends()
        return next((path for path in _left_out(root, start, omissions) if _is_like(path, start, end)), "")
    return next((path for path in entry.candidates() if fs.is_file(posixpath.join(root, path))), "")


def _is_like(path: str, start: str, end: str) -> bool:
    return path.startswith(start) and path.endswith(end) and len(path) >= len(start) + len(end)


def _left_out(root: str, start: str, omissions: Iterable[Omission]) -> Iterator[str]:
    """Yield paths of files that were left out and may begin with *start*, at most some thousands."""
    folders = []
    for each in omissions:
        if not each.path.endswith("/"):
            yield each.path
        elif each.path.startswith(start) or start.startswith(each.path):
            folders.append(each.path.rstrip("/"))
    listed = 0
    for folder in folders:  # grows while it is walked
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


def _refused(package: Package, lacks: Sequence[Lack], inside: _Inside) -> list[Lack]:
    """Return those of *lacks* without which Node cannot load *package*: they exist, and are left out.

    That is the main entry. A package with other ones only is refused when none of them ships.
    """
    dropped = [each for each in lacks if each.entry.by_node and each.path]
    main = [each for each in dropped if each.entry.is_main]
    others = (each for each in entry_points(package.manifest) if each.by_node and each.key.startswith("exports"))
    if main or not dropped or any(inside.holds(each) for each in others if each.path != "package.json"):
        return main
    return dropped


def _told(code: str, package: Package, lacks: Sequence[Lack], *, later: bool = False) -> Iterator[Problem]:
    """Yield a problem for each reason that keeps paths of *package* out, and one for those that do not exist.

    *later*: a script may make them where the package is installed.
    """
    where = f"{package.id}/package.json"
    more = "; perhaps a script makes it at installation" if later else ""
    for reason in dict.fromkeys(each.reason for each in lacks if each.path):
        group = [each for each in lacks if each.path and each.reason == reason]
        verb = "is" if len(group) == 1 else "are"
        name = package_in(group[0].path)
        why = f"which {verb} on this disk and will not ship{f': {reason}' if reason else ''}"
        why = (
            f"{package.label} names {_listed(group)}, {f'and {name} is not there in the tarball' if name else why}"
        )
        yield Problem(code, where, why + more, remedy([each.path for each in group], reason, where))
    missing = [each for each in lacks if not each.path]
    if missing:
        verb = "is no file" if len(missing) == 1 else "are no files"
        why = f"{package.label} names {_listed(missing)}, which {verb} on this disk"
        hint = f"build before you pack, or correct {where}" if "node_modules" not in where.split("/") else ""
        yield Problem("WENTRYPOINT", where, why + more, hint)


def _listed(lacks: Sequence[Lack]) -> str:
    """Return the paths of *lacks* and their fields: `lib/a.js (main), lib/a.mjs (module) and 3 more`."""
    shown = [f"{each.path or each.entry.path} ({each.entry.key})" for each in lacks[:_SHOWN]]
    more = len(lacks) - _SHOWN
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def check_commands(graph: BundleGraph, planned: Planned) -> Iterator[Problem]:
    """Warn of each command of the root and of linked packages whose first line ends as on Windows.

    Raises `OSError` when a command cannot be read.
    """
    for at in planned.ids:
        package = graph.packages[at]
        if at != graph.root and not package.linked:
            continue
        manifest = package.manifest
        names = {posixpath.normpath(script): command for command, script in manifest.bins.items()}
        below = f"{manifest.directories_bin}/".lstrip("/")
        for file in planned.packlists[at].files:
            if manifest.directories_bin is not None and file.path.startswith(below):
                names.setdefault(file.path, posixpath.basename(file.path))
            if file.path in names and has_crlf_shebang(fs.read_head(file.source, _HEAD)):
                path, command = file.path, names[file.path]
                message = f"{package.label}: {path}, the command {command}, {CRLF_SHEBANG}"
                yield Problem("WSHEBANG", file.source, message, f"save {path} with LF line breaks")
