"""Why a path is in the tarball or not, and who pulls a bundled package in."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING, NamedTuple

from linkpack.bundle.consumer import read_consumer
from linkpack.bundle.contents import read_contents
from linkpack.bundle.graph import read_bundle
from linkpack.bundle.layout import place
from linkpack.bundle.layouts import take_form
from linkpack.errors import LinkpackError
from linkpack.explaining.chains import chains_to
from linkpack.explaining.rule import read_ruling
from linkpack.packing.publish_config import publish_view
from linkpack.packlist.npm_rules import read_selection
from linkpack.project.project import find_project, project_edition, read_outer_ignores
from linkpack.project.workspace import find_workspace
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.bundle.layouts import LayoutName
    from linkpack.explaining.chains import Edge
    from linkpack.explaining.rule import Ruling
    from linkpack.packing.options import PackOptions
    from linkpack.packing.publish_config import PublishView
    from linkpack.packlist.packlist import Edition, Kind, Omission, Packlist
    from linkpack.project.project import Project


_LEFT = "in the thin layout the consumer gets this package from the registry"


class Answer(NamedTuple):
    """Why *path* of a package ships or does not.

    *label* is the package's `name@version`, *folder* its directory relative to the project, *kind* `root`,
    `linked` or `installed`; `unbundled` for what lies in a node_modules and is not in the bundle. *path* is
    relative to the package; "" is the package itself. *ships* is true for a folder when something in it does;
    *reason* says in words what *ruling* does not. *slots* are the package's places in the tarball, *tarball* the
    names there of a file. For a folder *files* counts what ships from it and *left_out* says what does not.
    *chains* are the edges that pull the package in.
    """

    label: str
    folder: str
    kind: str
    path: str
    ships: bool
    reason: str = ""
    ruling: Ruling | None = None
    slots: tuple[str, ...] = ()
    tarball: tuple[str, ...] = ()
    files: int = 0
    left_out: tuple[Omission, ...] = ()
    chains: tuple[tuple[Edge, ...], ...] = ()


class _Place(NamedTuple):
    """A path as a package's: the package's id, and the path below it."""

    at: str
    path: str


class _Scene(NamedTuple):
    """What a question is answered from; *slots* are empty where no tree holds the graph."""

    project: Project
    graph: BundleGraph
    slots: dict[str, str]
    edition: Edition
    layout: LayoutName
    source: str
    view: PublishView


def explain(start: str, path: str, options: PackOptions, *, walk_up: bool) -> Answer:
    """Answer about *path*, relative to the directory *start*, for the project in *start*.

    With *walk_up* the project is the nearest at or above *start*. *options* are those of packing it: publishConfig
    may name another folder to pack. *path* is a file or folder on disk, a path in the tarball, or the name of a
    bundled package, in this order. A bundle with faults is answered for as far as it can be read.

    Raises `LinkpackError`: ENOPATH when *path* is nothing of that, EOUTSIDE when it is on disk but in no package
    of the bundle, and what reading a project can raise.
    """
    project = find_project(start, walk_up=walk_up)
    edition = project_edition(project, options.npm_rules).edition
    view = publish_view(project, options)
    graph = view.graph(read_bundle(view.project, allow_missing=True))
    slots = _slots(graph, options.layout)
    scene = _Scene(view.project, graph, slots, edition, options.layout, project.root, view)
    if view.project.root != project.root and (passed := _passed_over(scene, start, path)):
        return passed
    found = _on_disk(scene, start, path) or _in_tarball(scene, path) or _named(scene, path)
    found = found or _brought(scene, path)
    if found is None:
        raise LinkpackError(
            f"{path} is no path of the package, and no bundled package has that name",
            code="ENOPATH",
            path=path,
            hint="name a file, a folder, a path in the tarball or a bundled package",
        )
    if found.path.startswith("node_modules/"):
        return _unbundled(scene, found)
    return _package(scene, found) if not found.path else _member(scene, found)


def _slots(graph: BundleGraph, layout: LayoutName) -> dict[str, str]:
    """The places in the tarball; none where no tree holds the bundle."""
    try:
        if layout == "bundle":
            return dict(place(graph).slots)
        return dict(take_form(layout, graph, read_consumer(graph, "resolve")).layout.slots)
    except LinkpackError:
        return {}


def _passed_over(scene: _Scene, start: str, path: str) -> Answer | None:
    """The answer about what lies in the project, but not in the folder that is packed in its place."""
    full = posixpath.normpath(posixpath.join(fs.real_path(start), path))
    inside = posixpath.relpath(full, scene.source)
    other = posixpath.relpath(scene.project.root, scene.source)
    foreign = inside.startswith("../") or f"{inside}/".startswith((f"{other}/", "node_modules/"))
    if foreign or inside == "." or not (fs.is_file(full) or fs.is_dir(full)):
        return None
    label = scene.graph.packages[scene.graph.root].label
    reason = f"publishConfig.directory has {other} packed instead ({scene.view.reason})"
    folder = posixpath.relpath(scene.source, scene.project.root)
    return Answer(label, folder, "root", inside, ships=False, reason=reason)


def _on_disk(scene: _Scene, start: str, path: str) -> _Place | None:
    """The place of what is at *path* on disk; None when nothing is."""
    full = posixpath.normpath(posixpath.join(fs.real_path(start), path))
    try:
        # The path's own last link is what is asked about, unless it leads to a package.
        real = posixpath.join(fs.real_path(posixpath.dirname(full)), posixpath.basename(full))
        linked = stat.S_ISLNK(fs.lstat(real).st_mode)
        target = fs.real_path(real) if linked and fs.is_dir(real) else real
    except (OSError, ValueError):
        return None
    if target in scene.graph.packages:
        return _Place(target, "")
    owners = [at for at in scene.graph.packages if real.startswith(f"{at.rstrip('/')}/")]
    if not owners:
        raise LinkpackError(
            f"{path} belongs neither to {scene.project.manifest.name} nor to a package of its bundle",
            code="EOUTSIDE",
            path=real,
            hint="name a path in the project, or in a package that it bundles",
        )
    owner = max(owners, key=len)
    return _Place(owner, real[len(owner.rstrip("/")) + 1 :])


def _in_tarball(scene: _Scene, path: str) -> _Place | None:
    inside = posixpath.normpath(path).removeprefix("package/")
    held = [slot for slot in scene.slots if slot and f"{inside}/".startswith(f"{slot}/")]
    if not held:
        return None
    slot = max(held, key=len)
    at, rest = scene.slots[slot], inside[len(slot) + 1 :]
    there = not rest or fs.is_file(f"{at}/{rest}") or fs.is_dir(f"{at}/{rest}")
    return _Place(at, rest) if there else None


def _brought(scene: _Scene, path: str) -> _Place | None:
    """Find the place of a file of the tarball that is not in the project: a license of pnpm's workspace root."""
    inside = posixpath.normpath(path).removeprefix("package/")
    root = scene.graph.packages[scene.graph.root]
    is_there = any(file.path == inside for file in _packlist(scene, root).files)
    return _Place(root.id, inside) if is_there else None


def _named(scene: _Scene, path: str) -> _Place | None:
    """The package called *path*: the one that the project bundles by the name, else the first that has it."""
    graph = scene.graph
    at = graph.bundled.get(path)
    if at is None:
        named = (each.id for each in graph.packages.values() if path in {each.manifest.name, each.label})
        at = next(named, None)
    if at is None and path in graph.reserved:
        return _Place(graph.root, f"node_modules/{path}")
    return None if at is None else _Place(at, "")


def _unbundled(scene: _Scene, found: _Place) -> Answer:
    """The answer about what is installed beside the bundle, and in no tarball."""
    parts = found.path.split("/")[1:]
    name = "/".join(parts[: 2 if parts[0].startswith("@") else 1])
    manifest = scene.project.manifest
    declared = [
        section
        for section, names in (
            ("dependencies", manifest.dependencies),
            ("optionalDependencies", manifest.optional_dependencies),
            ("peerDependencies", manifest.peer_dependencies),
        )
        if name in names
    ]
    reason = "no package of the bundle needs it"
    if declared and found.at == scene.graph.root:
        reason = f"bundleDependencies does not name it: who installs the package gets it through {declared[0]}"
    elif name in scene.graph.packages[found.at].manifest.dev_dependencies:
        reason = "devDependencies are never bundled"
    folder = posixpath.relpath(f"{found.at}/node_modules/{name}", scene.graph.root)
    return Answer(name, folder, "unbundled", "/".join(parts)[len(name) + 1 :], ships=False, reason=reason)


def _package(scene: _Scene, found: _Place) -> Answer:
    package = scene.graph.packages[found.at]
    about = _about(scene, package)
    if _is_left(scene, about):
        return about._replace(reason=_LEFT)
    packlist = _packlist(scene, package)
    return about._replace(ships=True, files=len(packlist.files), left_out=packlist.omissions)


def _is_left(scene: _Scene, about: Answer) -> bool:
    """Whether a package of the bundle is not in the tarball: the thin layout has the registry supply it."""
    return scene.layout == "thin" and about.kind == "installed" and not about.slots and bool(scene.slots)


def _member(scene: _Scene, found: _Place) -> Answer:
    """The answer about a file or folder of a package."""
    package, path = scene.graph.packages[found.at], found.path
    packlist = _packlist(scene, package)
    files = [file.path for file in packlist.files if f"{file.path}/".startswith(f"{path}/")]
    is_file = files == [path]
    left_out = tuple(each for each in packlist.omissions if f"{each.path}/".startswith(f"{path}/"))
    kind = _kind(scene, package)
    selection = read_selection(found.at, package.manifest, kind, scene.edition, _outer(scene, package))
    ruling = read_ruling(found.at, package.manifest, selection, kind, path)
    reason = ""
    if not files and (ruling is None or ruling.keeps):
        reason = _other_reason(packlist, found)
    source = next((file.source for file in packlist.files if file.path == path), found.at)
    if not f"{source}/".startswith(f"{found.at.rstrip('/')}/"):
        ruling, reason = (
            None,
            f"the package has no license file, so that of the workspace ships, as by pnpm: {source}",
        )
    answer = _about(scene, package)
    if _is_left(scene, answer):
        return answer._replace(path=path, reason=_LEFT)
    return answer._replace(
        path=path,
        ships=bool(files),
        reason=reason,
        ruling=ruling,
        tarball=tuple(f"package/{slot}/{path}" if slot else f"package/{path}" for slot in answer.slots)
        if is_file
        else (),
        files=0 if is_file else len(files),
        left_out=tuple(each for each in left_out if each.path.rstrip("/") != path),
    )


def _other_reason(packlist: Packlist, found: _Place) -> str:
    """Why nothing at the path ships, when the rules would let it."""
    full = f"{found.at}/{found.path}"
    for each in packlist.omissions:
        if each.path.rstrip("/") == found.path or (each.path[-1:] == "/" and found.path.startswith(each.path)):
            return each.reason
    for problem in packlist.problems:
        if problem.path == full:
            return problem.message
    return "nothing in it ships" if fs.is_dir(full) else ""


def _about(scene: _Scene, package: Package) -> Answer:
    slots = tuple(slot for slot, at in scene.slots.items() if at == package.id)
    folder = posixpath.relpath(package.id, scene.graph.root)
    chains = chains_to(scene.graph, package.id)
    return Answer(package.label, folder, _kind(scene, package), "", ships=False, slots=slots, chains=chains)


def _kind(scene: _Scene, package: Package) -> Kind:
    if package.id == scene.graph.root:
        return "root"
    return "linked" if package.linked else "installed"


def _packlist(scene: _Scene, package: Package) -> Packlist:
    """What packing ships of *package* alone."""
    alone = scene.graph._replace(packages={package.id: package})
    return read_contents(scene.project, alone, scene.edition, ())[package.id]


def _outer(scene: _Scene, package: Package) -> tuple[tuple[str, str], ...]:
    """Return path and text of the ignore files around *package* that apply to it."""
    kind = _kind(scene, package)
    if kind == "installed":
        return ()
    around = scene.project.around if kind == "root" else find_workspace(package.id)
    return read_outer_ignores(around, package.id).texts
