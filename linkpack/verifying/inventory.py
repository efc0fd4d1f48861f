"""What a tarball holds, added up: bytes by package and folder, the largest files, and what is in it twice."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from linkpack.errors import Problem
    from linkpack.packlist.builder import Omission
    from linkpack.verifying.difference import Difference
    from linkpack.verifying.sides import Side

_FOLDED = "(smaller files)"  # the name of what a large folder's small files are folded into
_MOST_CHILDREN = 60  # of one folder: as many tiles as one can tell apart


class Snapshot(Record):
    """Where a package comes from that was linked: its folder from the project, and what git says of that."""

    slot: str
    origin: str
    commit: str = ""
    is_dirty: bool = False


class PackageSize(Record):
    """A package of the tarball: its slot ("" is the package itself), its files and their bytes."""

    slot: str
    name: str
    version: str
    files: int
    size: int
    is_snapshot: bool = False


class Duplicate(Record):
    """Files or packages that are the same: where they are, and the bytes that all but one of them cost."""

    name: str
    places: tuple[str, ...]
    cost: int


class TreeNode(Record):
    """A package, folder or file of the tarball by name, with the bytes below it and what it holds, largest first.

    *kind* is `package`, `snapshot`, `folder`, `file`, or `files` for many small ones.
    """

    name: str
    path: str
    kind: str
    size: int
    files: int
    children: tuple[TreeNode, ...] = ()


class Inventory(Record):
    """All that a report says of a tarball. Sizes are bytes; *packed* is the size of the tarball itself."""

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
    snapshots: tuple[Snapshot, ...] = ()
    problems: tuple[Problem, ...] = ()
    serves: tuple[str, ...] = ()
    omissions: tuple[Omission, ...] | None = None
    difference: Difference | None = None


def take_inventory(side: Side, *, largest: int = 10, snapshots: Collection[str] = ()) -> Inventory:
    """Add up what *side* holds; *snapshots* are the slots of packages that were linked."""
    root = side.manifests[""]
    slots = sorted(side.manifests, key=len, reverse=True)
    sizes = {path: file.size for path, file in side.files.items()}
    owners = {path: _owner(path, slots) for path in sizes}
    packages = _packages(side, owners, snapshots)
    return Inventory(
        label=side.label,
        name=root.name,
        version=root.version,
        packed=side.packed,
        unpacked=sum(sizes.values()),
        integrity=side.integrity,
        tree=_tree(sizes, {package.slot: package for package in packages}),
        packages=packages,
        largest=tuple(sorted(sizes.items(), key=lambda file: (-file[1], file[0]))[:largest]),
        same_files=_same_files(side),
        same_packages=_same_packages(packages),
    )


def _owner(path: str, slots: Sequence[str]) -> str:
    """Return the slot of the package that the file at *path* belongs to; *slots* are the longest first."""
    return next((slot for slot in slots if path.startswith(f"{slot}/")), "")


def _packages(side: Side, owners: Mapping[str, str], snapshots: Collection[str]) -> tuple[PackageSize, ...]:
    """Return the packages of *side*, the root first, then the largest first."""
    counts: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    for path, slot in owners.items():
        counts[slot] += 1
        sizes[slot] += side.files[path].size
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


def _tree(sizes: Mapping[str, int], packages: Mapping[str, PackageSize]) -> TreeNode:
    """Return the files of *sizes* as a tree of folders; a package's folder is a node by the package's name."""
    children: dict[str, set[str]] = defaultdict(set)
    for path in sizes:
        below = path
        while below:
            above = below.rpartition("/")[0]
            children[above].add(below)
            below = above
    return _node("", children, sizes, packages)


def _node(
    path: str,
    children: Mapping[str, Collection[str]],
    sizes: Mapping[str, int],
    packages: Mapping[str, PackageSize],
) -> TreeNode:
    name = path.rpartition("/")[2]
    if path in sizes:
        return TreeNode(name, path, "file", sizes[path], 1)
    below = [_node(child, children, sizes, packages) for child in children[path]]
    # node_modules and scopes are steps on the way to a package, and no place that a reader asks about.
    below = [inner for node in below for inner in (node.children if _is_step(node, packages) else (node,))]
    below.sort(key=lambda node: (-node.size, node.path))
    package = packages.get(path)
    kind = "folder" if package is None else "snapshot" if package.is_snapshot else "package"
    return TreeNode(
        name=f"{package.name}@{package.version}" if package else name,
        path=path,
        kind=kind,
        size=sum(node.size for node in below),
        files=sum(node.files for node in below),
        children=_folded(below, path),
    )


def _is_step(node: TreeNode, packages: Mapping[str, PackageSize]) -> bool:
    """Return True if *node* is a `node_modules` or the folder of a scope in one."""
    above, _, name = node.path.rpartition("/")
    is_scope = name.startswith("@") and above.rpartition("/")[2] == "node_modules"
    return node.kind == "folder" and node.path not in packages and (name == "node_modules" or is_scope)


def _folded(nodes: list[TreeNode], path: str) -> tuple[TreeNode, ...]:
    """Return *nodes*, which are sorted by size, with the small files of many folded into one node.

    Folders and packages stay: there is something to see in them.
    """
    if len(nodes) <= _MOST_CHILDREN:
        return tuple(nodes)
    kept, rest = nodes[:_MOST_CHILDREN], nodes[_MOST_CHILDREN:]
    kept += [node for node in rest if node.kind != "file"]
    small = [node for node in rest if node.kind == "file"]
    if small:
        kept.append(TreeNode(_FOLDED, path, "files", sum(node.size for node in small), len(small)))
    return tuple(kept)


def _same_files(side: Side) -> tuple[Duplicate, ...]:
    """Return the contents that several files have, those that cost most first."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, file in side.files.items():
        if file.size:
            places[file.digest].append(path)
    return _sorted(
        Duplicate(paths[0].rpartition("/")[2], tuple(sorted(paths)), side.files[paths[0]].size * (len(paths) - 1))
        for paths in places.values()
        if len(paths) > 1
    )


def _same_packages(packages: Sequence[PackageSize]) -> tuple[Duplicate, ...]:
    """Return the packages that are there in one version several times, those that cost most first."""
    places: dict[tuple[str, str], list[PackageSize]] = defaultdict(list)
    for package in packages:
        places[package.name, package.version].append(package)
    return _sorted(
        Duplicate(
            f"{name}@{version}",
            tuple(sorted(package.slot for package in same)),
            sum(package.size for package in same) - max(package.size for package in same),
        )
        for (name, version), same in places.items()
        if len(same) > 1
    )


def _sorted(duplicates: Iterable[Duplicate]) -> tuple[Duplicate, ...]:
    return tuple(sorted(duplicates, key=lambda same: (-same.cost, same.name)))
