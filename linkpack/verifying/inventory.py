"""Add up what a tarball holds, for `linkpack report`.

That is bytes by package and folder, the largest files, and what is in the tarball more than once.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from linkpack.errors import Problem
    from linkpack.packlist.builder import Omission
    from linkpack.verifying.difference import Difference
    from linkpack.verifying.sides import Side

_FOLDED = "(smaller files)"  # the name of the node that stands for a large folder's small files
_MOST_CHILDREN = 60  # of one folder: as many tiles as one can tell apart


class SnapshotOrigin(Record):
    """The source of a linked package in *slot*.

    *origin* is its folder, relative to the project. *commit* is HEAD there, "" when git has no answer, and
    *is_dirty* is true if files differ from it.
    """

    slot: str
    origin: str
    commit: str = ""
    is_dirty: bool = False


class PackageSize(Record):
    """A package of the tarball, with the number and bytes of its files.

    The *slot* of the project itself is "". Packages inside of it are not part of its *files* and *size*.
    """

    slot: str
    name: str
    version: str
    files: int
    size: int
    is_snapshot: bool = False


class Duplicate(Record):
    """Equal files, or equal packages, in several *places*.

    *cost* is the bytes of all but one of them, before compression.
    """

    name: str
    places: tuple[str, ...]
    cost: int


class TreeNode(Record):
    """A package, folder or file of the tarball, and what it holds.

    *kind* is `package`, `snapshot`, `folder`, `file`, or `files` for many small ones. *size* and *files* include
    everything below. *children* are sorted by size, the largest first.
    """

    name: str
    path: str
    kind: str
    size: int
    files: int
    children: tuple[TreeNode, ...] = ()


class Inventory(Record):
    """Everything that a report says of a tarball.

    Sizes are bytes, and *packed* is that of the tarball itself. *omissions* are None for a tarball, which does not
    say what was left out.
    """

    label: str
    name: str
    version: str
    packed: int
    unpacked: int
    integrity: str
    tree: TreeNode
    packages: tuple[PackageSize, ...]
    largest: tuple[tuple[str, int], ...]
    same_files: tuple[Duplicate, ...]
    same_packages: tuple[Duplicate, ...]
    snapshots: tuple[SnapshotOrigin, ...] = ()
    problems: tuple[Problem, ...] = ()
    serves: tuple[str, ...] = ()
    omissions: tuple[Omission, ...] | None = None
    difference: Difference | None = None


def take_inventory(side: Side, *, largest: int = 10, snapshots: Collection[str] = ()) -> Inventory:
    """Add up what *side* holds.

    *largest* is the number of files to name. *snapshots* are the slots of packages that were linked.
    """
    root = side.manifests[""]
    sizes = {path: file.size for path, file in side.files.items()}
    packages = _measure_packages(side, snapshots)
    return Inventory(
        label=side.label,
        name=root.name,
        version=root.version,
        packed=side.packed,
        unpacked=sum(sizes.values()),
        integrity=side.integrity,
        tree=_build_tree(sizes, {package.slot: package for package in packages}),
        packages=packages,
        largest=tuple(sorted(sizes.items(), key=lambda file: (-file[1], file[0]))[:largest]),
        same_files=_find_same_files(side),
        same_packages=_find_same_packages(packages),
    )


def _measure_packages(side: Side, snapshots: Collection[str]) -> tuple[PackageSize, ...]:
    """Return the packages of *side*, the root first, then the largest first."""
    counts: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    for path, file in side.files.items():
        slot = _find_owner(path, side.manifests)
        counts[slot] += 1
        sizes[slot] += file.size
    packages = [
        PackageSize(
            slot=slot,
            name=manifest.name or slot.rpartition("node_modules/")[2],
            version=manifest.version,
            files=counts[slot],
            size=sizes[slot],
            is_snapshot=slot in snapshots,
        )
        for slot, manifest in side.manifests.items()
    ]
    return tuple(sorted(packages, key=lambda package: (package.slot != "", -package.size, package.slot)))


def _find_owner(path: str, slots: Collection[str]) -> str:
    """Return the slot of the innermost package around the file at *path*.

    >>> _find_owner("node_modules/a/lib/x.js", {"", "node_modules/a"}), _find_owner("lib/x.js", {""})
    ('node_modules/a', '')
    """
    folder = posixpath.dirname(path)
    while folder not in slots:  # "" always is: the tarball's own package
        folder = posixpath.dirname(folder)
    return folder


def _build_tree(sizes: Mapping[str, int], packages: Mapping[str, PackageSize]) -> TreeNode:
    """Return the files of *sizes* as a tree of folders.

    The folder of a package, given in *packages* by its slot, is a node with the package's name.
    """
    children: dict[str, set[str]] = {"": set()}
    for path in sizes:
        below = path
        while below:
            above = posixpath.dirname(below)
            children.setdefault(above, set()).add(below)
            below = above
    nodes = {path: TreeNode(posixpath.basename(path), path, "file", size, 1) for path, size in sizes.items()}
    # The longest path first: what a folder holds is made before the folder. A function that calls itself for each
    # folder ends at Python's recursion limit, some 500 folders deep, which a project on the disk can exceed.
    for path in sorted(children, key=len, reverse=True):
        nodes[path] = _make_folder_node(path, [nodes[child] for child in children[path]], packages)
    return nodes[""]


def _make_folder_node(path: str, held: Iterable[TreeNode], packages: Mapping[str, PackageSize]) -> TreeNode:
    """Return the node of the folder at *path*, which holds the nodes *held*."""
    # node_modules and scopes are steps on the way to a package, and no place that a reader asks about.
    below = [inner for node in held for inner in (node.children if _is_step(node) else (node,))]
    below.sort(key=lambda node: (-node.size, node.path))
    package = packages.get(path)
    kind = "folder" if package is None else "snapshot" if package.is_snapshot else "package"
    return TreeNode(
        name=f"{package.name}@{package.version}" if package else posixpath.basename(path),
        path=path,
        kind=kind,
        size=sum(node.size for node in below),
        files=sum(node.files for node in below),
        children=_fold_small_files(below, path),
    )


def _is_step(node: TreeNode) -> bool:
    """Return True if *node* is a `node_modules`, or a scope's folder in one."""
    if node.kind != "folder":
        return False
    above, name = posixpath.split(node.path)
    return name == "node_modules" or (name.startswith("@") and posixpath.basename(above) == "node_modules")


def _fold_small_files(nodes: list[TreeNode], path: str) -> tuple[TreeNode, ...]:
    """Return *nodes*, with all files after the first few in one node.

    *nodes* are what the folder at *path* holds, the largest first. Folders and packages stay: there is something
    to see in them.
    """
    if len(nodes) <= _MOST_CHILDREN:
        return tuple(nodes)
    kept, rest = nodes[:_MOST_CHILDREN], nodes[_MOST_CHILDREN:]
    kept += [node for node in rest if node.kind != "file"]
    small = [node for node in rest if node.kind == "file"]
    if small:
        kept.append(TreeNode(_FOLDED, path, "files", sum(node.size for node in small), len(small)))
    return tuple(kept)


def _find_same_files(side: Side) -> tuple[Duplicate, ...]:
    """Return the contents that several files have, the most costly first."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, file in side.files.items():
        if file.size:  # empty files are all the same, and cost nothing
            places[file.digest].append(path)
    return _sort_by_cost(
        Duplicate(
            name=posixpath.basename(paths[0]),
            places=tuple(sorted(paths)),
            cost=side.files[paths[0]].size * (len(paths) - 1),
        )
        for paths in places.values()
        if len(paths) > 1
    )


def _find_same_packages(packages: Sequence[PackageSize]) -> tuple[Duplicate, ...]:
    """Return the packages with several copies of one version.

    The most costly come first.
    """
    copies: dict[tuple[str, str], list[PackageSize]] = defaultdict(list)
    for package in packages:
        copies[package.name, package.version].append(package)
    return _sort_by_cost(
        Duplicate(
            name=f"{name}@{version}",
            places=tuple(sorted(package.slot for package in same)),
            # Copies of one version can differ in size, for example where one was linked: the largest is free.
            cost=sum(package.size for package in same) - max(package.size for package in same),
        )
        for (name, version), same in copies.items()
        if len(same) > 1
    )


def _sort_by_cost(duplicates: Iterable[Duplicate]) -> tuple[Duplicate, ...]:
    return tuple(sorted(duplicates, key=lambda same: (-same.cost, same.name)))
