"""Find what Node finds for a name from a folder.

The folder is on the disk, among the planned paths of a tarball, or in a lockfile. There is one walk-up,
`node_modules_above`. Each caller says for itself what is at the paths that it yields.

Source: Node's documentation of `require` ("Loading from node_modules folders").
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def node_modules_above(start: str) -> Iterator[str]:
    """Yield the folders that Node looks in from *start*, nearest first.

    *start* is a real directory, or a path relative to the root of a tarball or of a project, where the walk ends.

    >>> list(node_modules_above("/app/node_modules/a"))
    ['/app/node_modules/a/node_modules', '/app/node_modules', '/node_modules']
    >>> list(node_modules_above("node_modules/a"))
    ['node_modules/a/node_modules', 'node_modules']
    >>> list(node_modules_above("../lib"))
    ['../lib/node_modules', '../node_modules']
    """
    root = "/" if start.startswith("/") else ""
    folder = start.strip("/")
    while True:
        above, _, name = folder.rpartition("/")
        # Node does not look in node_modules/node_modules.
        if name != "node_modules":
            yield f"{root}{folder}/node_modules" if folder else f"{root}node_modules"
        if not folder or name == "..":
            return
        folder = above


def lookup_paths(start: str, name: str) -> Iterator[str]:
    """Yield where Node looks for *name* from *start*, nearest first."""
    for folder in node_modules_above(start):
        yield f"{folder}/{name}"


def find_path(start: str, name: str, is_there: Callable[[str], bool]) -> str:
    """Return the first of `lookup_paths` that is there, or "".

    >>> find_path("node_modules/a", "b", {"node_modules/a", "node_modules/b"}.__contains__)
    'node_modules/b'
    """
    return next(filter(is_there, lookup_paths(start, name)), "")


class SlotIndex:
    """The packages of a tarball by slot, to be looked up as Node does it.

    A slot is the folder of a package: `""` for the root, or `node_modules/a/node_modules/@s/b`.
    """

    def __init__(self, slots: Iterable[str]) -> None:
        self._folders: dict[str, set[str]] = {}  # the node_modules folders that hold each name
        for slot in slots:
            above, _, name = f"/{slot}".rpartition("/node_modules/")
            if name:
                self._folders.setdefault(name, set()).add(f"{above}/node_modules"[1:])
        # Callers ask for all names of one slot in a row.
        self._slot = ""
        self._above = ["node_modules"]

    def find(self, slot: str, name: str) -> str | None:
        """Return the slot that *name* leads to from a file in *slot*, if any.

        >>> index = SlotIndex(["", "node_modules/a", "node_modules/a/node_modules/b", "node_modules/b"])
        >>> index.find("node_modules/a", "b"), index.find("node_modules/b", "b"), index.find("", "c")
        ('node_modules/a/node_modules/b', 'node_modules/b', None)
        """
        folders = self._folders.get(name)
        if folders is None:
            return None
        if slot != self._slot:
            self._slot, self._above = slot, list(node_modules_above(slot))
        # Whichever are fewer: a hostile tarball may have deep slots, or one name in very many folders.
        if len(folders) < len(self._above):
            nearest = max((folder for folder in folders if _is_above(folder, slot)), key=len, default=None)
        else:
            nearest = next((folder for folder in self._above if folder in folders), None)
        return None if nearest is None else f"{nearest}/{name}"


def _is_above(folder: str, slot: str) -> bool:
    """Return True if Node looks in *folder*, a node_modules, from *slot*."""
    return f"{slot}/".startswith(folder[: -len("node_modules")])


class Hit(Record):
    """The package or the fault at one `node_modules/<name>` on disk.

    *real* is the package's real directory. It is "" if the path leads to no package, and *fault* says why.
    """

    real: str
    fault: str = ""


class Resolution(Record):
    """The package that Node finds for a name on the disk.

    *real* is the package's real directory and *path* the path that led there, both "" if there is none. *fault* is
    that of a broken link nearer than the package. Node passes over such a link, but its owner meant it to work.
    """

    real: str
    path: str
    fault: str


class Lookup:
    """Node's walk-up on the disk, which looks at each directory once."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}
        self._above: dict[str, tuple[tuple[str, str], ...]] = {}
        self._hits: dict[tuple[str, str], Hit | None] = {}

    def resolve(self, start: str, name: str) -> Resolution:
        """Resolve *name* from the real directory *start*."""
        fault = ""
        if start not in self._above:
            self._above[start] = tuple(self._iter_existing(start))
        for folder, real in self._above[start]:
            key = (real, name)
            if key not in self._hits:
                self._hits[key] = _look(real, name)
            hit = self._hits[key]
            if hit is not None and not hit.fault:
                return Resolution(hit.real, f"{folder}/{name}", fault)
            if hit is not None and not fault:
                fault = hit.fault
        return Resolution("", "", fault)

    def _iter_existing(self, start: str) -> Iterator[tuple[str, str]]:
        """Yield those of `node_modules_above` that exist, with their real paths."""
        for folder in node_modules_above(start):
            if folder not in self._folders:
                self._folders[folder] = fs.real_path(folder) if fs.is_dir(folder) else ""
            if self._folders[folder]:
                yield folder, self._folders[folder]


def _look(folder: str, name: str) -> Hit | None:
    """Look at *folder*/*name*.

    None for nothing, or a directory that is no package.
    """
    path = f"{folder}/{name}"
    try:
        mode = fs.lstat(path).st_mode
        label = f"the link {path} -> {fs.read_link(path)}" if stat.S_ISLNK(mode) else path
    except OSError:
        return None
    try:
        # A scope's folder may be a link as well.
        real = fs.real_path(path) if stat.S_ISLNK(mode) or "/" in name else path
    except OSError:
        return Hit("", f"{label} leads nowhere")
    if not fs.is_dir(real):
        return Hit("", f"{label} is not a directory")
    try:
        fs.lstat(f"{real}/package.json")
    except PermissionError:
        return Hit("", f"{label} cannot be looked into")
    except OSError:
        # A plain folder is passed over; a link to something that is no package is a mistake.
        return Hit("", f"{label} leads to a folder without package.json") if stat.S_ISLNK(mode) else None
    return Hit(real)


def find_installed(start: str, name: str) -> str | None:
    """Return the real directory of *name* from the real directory *start*."""
    return Lookup().resolve(start, name).real or None
