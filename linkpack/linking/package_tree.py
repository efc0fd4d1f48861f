"""Look packages up as Node does, on the disk as it will be after a plan."""

from __future__ import annotations

from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING

from linkpack import limits
from linkpack.errors import LinkpackError
from linkpack.linking.installed import match_store
from linkpack.linking.package import resolve_link, resolve_parent
from linkpack.linking.states import Displaced, File, Link
from linkpack.npm.manifest import parse_manifest
from linkpack.project.package_json import read_loose
from linkpack.project.resolve import lookup_paths
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from linkpack.linking.states import Change
    from linkpack.npm.manifest import Manifest

_NO_CHANGES: Mapping[str, Change] = MappingProxyType({})
_NOTHING: Mapping[str, str] = MappingProxyType({})
_LOOKUP = 10  # steps of the work limit for one lookup, which looks at a folder for each level above


class FoundPackage(Record):
    """A package as Node finds it.

    *slot* is the path in a node_modules at which it is found, *folder* the real folder that it leads to.
    """

    slot: str
    folder: str

    @property
    def project(self) -> str:
        """Return the folder around the slot's node_modules."""
        return self.slot.rpartition("/node_modules/")[0]

    @property
    def has_stored_slot(self) -> bool:
        """Return True if the slot is in a package manager's store."""
        # No hint may change it: the store is shared, by all projects of a machine for some package managers.
        return bool(match_store(self.slot))


class LoadedPackage(Record):
    """A package that Node loads, and the package that loads it.

    *name* is the name in the `require` or `import`. *loader* is None for the project that Node starts in,
    *manifest* is None without a valid package.json.
    """

    name: str
    copy: FoundPackage
    manifest: Manifest | None
    loader: LoadedPackage | None

    @property
    def label(self) -> str:
        """Return the package's name, or its folder without one."""
        return self.manifest.name if self.manifest is not None and self.manifest.name else self.copy.folder


class PlacedLink(Record):
    """A link that is in place, or will be after a plan.

    *name* and *folder* are those of its package, *bin_links* says whether the package's commands are linked.
    """

    name: str
    folder: str
    path: str
    bin_links: bool = True


class PackageTree:
    """The packages on the disk, as they will be after *changes*, by path.

    *copied* has the source folder of each copy that *changes* put in place.
    """

    def __init__(self, changes: Mapping[str, Change] = _NO_CHANGES, copied: Mapping[str, str] = _NOTHING) -> None:
        self._changes = changes
        self._copied = copied
        self._manifests: dict[str, Manifest | None] = {}
        self._stashes: dict[str, str] = {}  # of folders that the plan puts back or copies, by where they will be

    def folder(self, path: str) -> str | None:
        """Return the real folder that *path* leads to, or None."""
        change = self._changes.get(path)
        if change is None:
            return fs.canonical_path(path) if fs.is_dir(path) else None
        if isinstance(change.after, Link):
            real = resolve_link(path, change.after.target)
            return real if fs.is_dir(real) else None
        if path in self._copied:
            self._stashes[resolve_parent(path)] = self._copied[path]
            return resolve_parent(path)
        if isinstance(change.after, Displaced) and fs.is_dir(change.after.stash):
            self._stashes[resolve_parent(path)] = change.after.stash  # until the plan is done, it is there
            return resolve_parent(path)
        return None

    def find(self, start: str, name: str) -> FoundPackage | None:
        """Return what code in *start* finds as *name*, or None.

        Node looks in the node_modules of the real folder *start*, then of each folder above it.
        """
        limits.spend(_LOOKUP)
        for slot in lookup_paths(start, name):
            folder = self.folder(slot)
            if folder is not None:
                return FoundPackage(slot, folder)
        return None

    def manifest(self, folder: str) -> Manifest | None:
        """Return the manifest in a real folder, or None."""
        if folder not in self._manifests:
            self._manifests[folder] = self._read_manifest(folder)
        return self._manifests[folder]

    def _read_manifest(self, folder: str) -> Manifest | None:
        path = f"{folder}/package.json"
        change = self._changes.get(path)
        if change is None or not isinstance(change.after, File):
            return read_loose(self._stashes.get(folder, folder))
        try:
            return parse_manifest(change.after.content, path, "installed")
        except LinkpackError:
            return None

    def start(self, folder: str) -> LoadedPackage:
        """Return the project in *folder* as what Node starts in."""
        copy = FoundPackage(slot="", folder=folder)
        return LoadedPackage(name="", copy=copy, manifest=self.manifest(folder), loader=None)

    def loaded(self, loader: LoadedPackage, names: Iterable[str], *, most: int) -> Iterator[LoadedPackage]:
        """Yield the packages that *loader* loads, and their needs in turn.

        *names* are the names that *loader* loads. The order is breadth first. A package is yielded once for each
        package that loads it. Its own needs are followed once, and those of *most* packages at most.
        """
        waiting = deque((loader, name) for name in names)
        entered = {loader.copy.folder}
        while waiting:
            user, name = waiting.popleft()
            copy = self.find(user.copy.folder, name)
            if copy is None:
                continue
            package = LoadedPackage(name=name, copy=copy, manifest=self.manifest(copy.folder), loader=user)
            yield package
            if copy.folder not in entered and len(entered) <= most:
                entered.add(copy.folder)
                waiting.extend((package, needed) for needed in list_runtime_needs(package.manifest))


def list_runtime_needs(manifest: Manifest | None) -> dict[str, str]:
    """Return the specs that a package needs when it runs."""
    if manifest is None:
        return {}
    # npm lets an optional dependency win over a dependency of that name (docs of package.json).
    return {**manifest.peer_dependencies, **manifest.dependencies, **manifest.optional_dependencies}
