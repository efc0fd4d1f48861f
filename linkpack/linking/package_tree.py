"""Look packages up as Node does, on the disk with the changes of a link plan laid over it."""

from __future__ import annotations

import posixpath
from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.errors import LinkpackError
from linkpack.linking.installed import store_in
from linkpack.linking.package import resolve_link, resolve_parent
from linkpack.linking.states import Displaced, File, Link
from linkpack.npm.manifest import parse_manifest
from linkpack.project.source import read_loose
from linkpack.system import read as fs
from linkpack.system.read import upward

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from linkpack.linking.states import Change
    from linkpack.npm.manifest import Manifest

_NO_CHANGES: Mapping[str, Change] = MappingProxyType({})
_LOOKUP = 10  # steps that one lookup is worth: it looks at a folder for each level above


class Found(NamedTuple):
    """A package as Node finds it: its *slot*, a path in a node_modules, and the real *folder* this leads to."""

    slot: str
    folder: str

    @property
    def project(self) -> str:
        """The folder that holds the node_modules of the slot."""
        return self.slot.rpartition("/node_modules/")[0]

    @property
    def has_stored_slot(self) -> bool:
        """True if the slot is one of a package manager's store, where nothing may be changed."""
        return bool(store_in(self.slot))


class Loaded(NamedTuple):
    """A package that Node loads, and the package that loads it (None for one that Node starts in).

    *manifest* is None where there is no package.json that can be used. *name* is what it is loaded by.
    """

    name: str
    found: Found
    manifest: Manifest | None
    loader: Loaded | None

    @property
    def label(self) -> str:
        """The package's name, or its folder's if it has none."""
        return self.manifest.name if self.manifest is not None and self.manifest.name else self.found.folder


class PackageTree:
    """The packages on the disk, as they will be after *changes*, which are by path."""

    def __init__(self, changes: Mapping[str, Change] = _NO_CHANGES) -> None:
        self._changes = changes
        self._manifests: dict[str, Manifest | None] = {}
        self._moved: dict[str, str] = {}

    def folder(self, path: str) -> str | None:
        """Return the real folder that *path* will lead to, None if it will lead to none."""
        change = self._changes.get(path)
        if change is None:
            return fs.canonical(path) if fs.is_dir(path) else None
        if isinstance(change.after, Link):
            real = resolve_link(path, change.after.target)
            return real if fs.is_dir(real) else None
        if isinstance(change.after, Displaced) and fs.is_dir(change.after.stash):
            self._moved[resolve_parent(path)] = change.after.stash  # where it lies until the plan is done
            return resolve_parent(path)
        return None

    def find(self, start: str, name: str) -> Found | None:
        """Return what code in the real folder *start* finds as *name*, None if it finds nothing.

        As Node: the node_modules of that folder, then of each one above it.
        """
        limits.spend(_LOOKUP)
        for at in upward(start):
            if posixpath.basename(at) != "node_modules":
                slot = f"{at.rstrip('/')}/node_modules/{name}"
                folder = self.folder(slot)
                if folder is not None:
                    return Found(slot, folder)
        return None

    def manifest(self, folder: str) -> Manifest | None:
        """Return the manifest in the real folder *folder*, None if there is none that can be used."""
        if folder not in self._manifests:
            self._manifests[folder] = self._read(folder)
        return self._manifests[folder]

    def _read(self, folder: str) -> Manifest | None:
        path = f"{folder}/package.json"
        change = self._changes.get(path)
        if change is None or not isinstance(change.after, File):
            return read_loose(self._moved.get(folder, folder))
        try:
            return parse_manifest(change.after.content, path, "installed")
        except LinkpackError:
            return None

    def start(self, folder: str) -> Loaded:
        """Return the project in *folder* as what Node starts in."""
        return Loaded("", Found("", folder), self.manifest(folder), None)

    def loaded(self, loader: Loaded, names: Iterable[str], *, most: int) -> Iterator[Loaded]:
        """Yield what *loader* loads by *names*, and what that loads in turn, breadth first.

        A package is entered once; it is yielded for each package that loads it. No more than *most* are entered.
        """
        waiting = deque((loader, name) for name in names)
        entered = {loader.found.folder}
        while waiting:
            by, name = waiting.popleft()
            found = self.find(by.found.folder, name)
            if found is None:
                continue
            package = Loaded(name, found, self.manifest(found.folder), by)
            yield package
            if found.folder not in entered and len(entered) <= most:
                entered.add(found.folder)
                waiting.extend((package, each) for each in runtime_names(package.manifest))


def runtime_names(manifest: Manifest | None) -> dict[str, str]:
    """Return the names that a package with *manifest* loads when it runs, with what it asks for."""
    if manifest is None:
        return {}
    return {**manifest.peer_dependencies, **manifest.dependencies, **manifest.optional_dependencies}
