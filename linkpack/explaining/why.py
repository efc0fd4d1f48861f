"""Explain why a path ships or not, and who pulls a bundled package in."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING

from linkpack.bundle.consumer import read_consumer
from linkpack.bundle.contents import read_contents
from linkpack.bundle.fetched import read_snapshot
from linkpack.bundle.graph import NO_WISH, Wish, read_bundle
from linkpack.bundle.layouts import apply_layout, choose_layout
from linkpack.bundle.placement import place
from linkpack.bundle.selectors import read_selectors
from linkpack.errors import LinkpackError
from linkpack.explaining.chains import find_chains
from linkpack.explaining.rule import read_ruling
from linkpack.packing.publish_config import apply_publish_config
from linkpack.packlist.npm_rules import read_selection
from linkpack.project.project import find_project, project_edition, read_outer_ignores
from linkpack.project.workspace import find_workspace
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.bundle.layouts import LayoutName
    from linkpack.bundle.selectors import Selectors
    from linkpack.explaining.chains import Edge
    from linkpack.explaining.rule import Ruling
    from linkpack.packing.options import PackOptions
    from linkpack.packing.publish_config import PublishView
    from linkpack.packlist.packlist import Edition, Kind, Omission, Packlist
    from linkpack.project.project import Project


_LEFT = "in the thin layout the consumer gets this package from the registry"


class Answer(Record):
    """The reason why *path* of a package ships or does not.

    *label* is the package's `name@version`, *folder* its directory relative to the project, *kind* `root`,
    `linked` or `installed`, or `unbundled` for what is in a node_modules and not in the bundle. *path* is relative
    to the package, "" the package itself. A folder *ships* when something in it does. *reason* says in words what
    *ruling* does not. *slots* are the package's places in the tarball, *tarball* the names there of a file. Of a
    folder *files* is the number of files that ship and *left_out* what does not. *chains* are the edges that pull
    the package in.
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


class _Location(Record):
    """A path in a package: the package's id, and the path below it."""

    id: str
    path: str


class _Bundle(Record):
    """The project and its bundle, planned as far as an answer needs it.

    *slots* are empty where no tree holds the graph. *source* is the project's own directory, where publishConfig
    has another one packed.
    """

    project: Project
    graph: BundleGraph
    slots: dict[str, str]
    edition: Edition
    layout: LayoutName
    source: str
    view: PublishView


def explain(start: str, path: str, options: PackOptions, *, walk_up: bool) -> Answer:
    """Explain *path*, relative to the directory *start*, in the project there.

    With *walk_up* the project is the nearest at or above *start*. *options* are those of packing it: publishConfig
    may name another folder to pack. *path* is a file or folder on disk, a path in the tarball, or the name of a
    bundled package, in this order. A bundle with faults is answered for as far as it can be read.

    Raises `LinkpackError`: ENOPATH when *path* is none of these, EOUTSIDE when it is on disk but in no package of
    the bundle, and what reading a project can raise.
    """
    project = find_project(start, walk_up=walk_up)
    edition = project_edition(project, options.npm_rules).edition
    view = apply_publish_config(project, options)
    selectors = read_selectors(options.bundle, view.project.root, view.project.manifest)
    layout = choose_layout(options.layout, selectors)
    # What is missing is no reason to say nothing about the rest.
    graph = _read_graph(view, selectors, layout)
    slots = _slots(graph, layout)
    bundle = _Bundle(
        project=view.project,
        graph=graph,
        slots=slots,
        edition=edition,
        layout=layout,
        source=project.root,
        view=view,
    )
    if view.project.root != project.root and (passed := _explain_passed_over(bundle, start, path)):
        return passed
    location = _find_on_disk(bundle, start, path) or _find_in_tarball(bundle, path)
    location = location or _find_by_name(bundle, path) or _find_license(bundle, path)
    if location is None:
        raise LinkpackError(
            f"{path} is no path of the package, and no bundled package has that name",
            code="ENOPATH",
            path=path,
            hint="name a file, a folder, a path in the tarball or a bundled package",
        )
    if location.path.startswith("node_modules/"):
        return _explain_unbundled(bundle, location)
    return _explain_file(bundle, location) if location.path else _explain_package(bundle, location)


def _read_graph(view: PublishView, selectors: Selectors | None, layout: LayoutName) -> BundleGraph:
    """Read the bundle, as it is packed where it can be."""

    def read(wish: Wish) -> BundleGraph:
        return view.graph(read_bundle(view.project, {}, wish, allow_missing=True))

    if selectors is None:
        return read(NO_WISH)
    try:
        return read_snapshot(read, selectors, "resolve", nests=layout == "bundle")[0]
    except LinkpackError:
        return read(Wish(selectors))


def _slots(graph: BundleGraph, layout: LayoutName) -> dict[str, str]:
    """Place the bundle.

    Returns slots to package ids, empty where no tree holds the bundle.
    """
    try:
        if layout == "bundle":
            return dict(place(graph))
        return dict(apply_layout(layout, graph, read_consumer(graph, "resolve")).slots)
    except LinkpackError:  # whether a file ships does not depend on its place
        return {}


def _explain_passed_over(bundle: _Bundle, start: str, path: str) -> Answer | None:
    """Explain what is in the project but not in the folder that is packed."""
    full = posixpath.normpath(posixpath.join(fs.real_path(start), path))
    inside = posixpath.relpath(full, bundle.source)
    other = posixpath.relpath(bundle.project.root, bundle.source)
    is_foreign = inside.startswith("../") or f"{inside}/".startswith((f"{other}/", "node_modules/"))
    if is_foreign or inside == "." or not (fs.is_file(full) or fs.is_dir(full)):
        return None
    label = bundle.graph.packages[bundle.graph.root].label
    reason = f"publishConfig.directory has {other} packed instead ({bundle.view.reason})"
    folder = posixpath.relpath(bundle.source, bundle.project.root)
    return Answer(label, folder, "root", inside, ships=False, reason=reason)


def _find_on_disk(bundle: _Bundle, start: str, path: str) -> _Location | None:
    """Find the package of what is at *path* on disk."""
    full = posixpath.normpath(posixpath.join(fs.real_path(start), path))
    try:
        # The path's own last link is what is asked about, unless it leads to a package.
        real = posixpath.join(fs.real_path(posixpath.dirname(full)), posixpath.basename(full))
        linked = stat.S_ISLNK(fs.lstat(real).st_mode)
        target = fs.real_path(real) if linked and fs.is_dir(real) else real
    except (OSError, ValueError):
        return None
    # Packages are known by their real folders, so that a link in node_modules means the package behind it.
    if target in bundle.graph.packages:
        return _Location(target, "")
    owners = [id_ for id_ in bundle.graph.packages if real.startswith(f"{id_.rstrip('/')}/")]
    if not owners:
        raise LinkpackError(
            f"{path} belongs neither to {bundle.project.manifest.name} nor to a package of its bundle",
            code="EOUTSIDE",
            path=real,
            hint="name a path in the project, or in a package that it bundles",
        )
    owner = max(owners, key=len)  # the innermost: a package may lie in another one's node_modules
    return _Location(owner, real[len(owner.rstrip("/")) + 1 :])


def _find_in_tarball(bundle: _Bundle, path: str) -> _Location | None:
    inside = posixpath.normpath(path).removeprefix("package/")
    around = [slot for slot in bundle.slots if slot and f"{inside}/".startswith(f"{slot}/")]
    if not around:
        return None
    slot = max(around, key=len)  # the innermost
    id_, rest = bundle.slots[slot], inside[len(slot) + 1 :]  # asked about where the package lies on the disk
    is_there = not rest or fs.is_file(f"{id_}/{rest}") or fs.is_dir(f"{id_}/{rest}")
    return _Location(id_, rest) if is_there else None


def _find_license(bundle: _Bundle, path: str) -> _Location | None:
    """Find a license that pnpm ships from the workspace's root."""
    inside = posixpath.normpath(path).removeprefix("package/")
    root = bundle.graph.packages[bundle.graph.root]
    is_there = any(file.path == inside for file in _packlist(bundle, root).files)
    return _Location(root.id, inside) if is_there else None


def _find_by_name(bundle: _Bundle, path: str) -> _Location | None:
    """Find the package called *path*.

    That is the one that the project bundles by the name, or else the first with this name or label.
    """
    graph = bundle.graph
    id_ = graph.bundled.get(path)
    if id_ is None:
        packages = graph.packages.values()
        id_ = next((package.id for package in packages if path in {package.manifest.name, package.label}), None)
    # A name that the project depends on without bundling it: the answer says so.
    if id_ is None and path in graph.reserved:
        return _Location(graph.root, f"node_modules/{path}")
    return None if id_ is None else _Location(id_, "")


def _explain_unbundled(bundle: _Bundle, location: _Location) -> Answer:
    """Explain what is installed beside the bundle, and in no tarball."""
    parts = location.path.split("/")[1:]
    name = "/".join(parts[: 2 if parts[0].startswith("@") else 1])  # a scope is one portion more
    manifest = bundle.project.manifest
    declared = [
        section
        for section, names in (
            ("dependencies", manifest.dependencies),
            ("optionalDependencies", manifest.optional_dependencies),
            ("peerDependencies", manifest.peer_dependencies),
        )
        if name in names
    ]
    askers = [edge.package for edge in bundle.graph.fetched if edge.name == name]
    reason = "no package of the bundle needs it"
    if askers:
        labels = ", ".join(bundle.graph.packages[id_].label for id_ in askers)
        asks = "asks" if len(askers) == 1 else "ask"
        reason = f"no selector takes it: {labels} {asks} for it, and consumers get it from a registry"
        return _describe_unbundled(bundle, location, name, reason)
    if declared and location.id == bundle.graph.root:
        reason = f"bundleDependencies does not name it: who installs the package gets it through {declared[0]}"
    elif name in bundle.graph.packages[location.id].manifest.dev_dependencies:
        reason = "devDependencies are never bundled"
    return _describe_unbundled(bundle, location, name, reason)


def _describe_unbundled(bundle: _Bundle, location: _Location, name: str, reason: str) -> Answer:
    folder = posixpath.relpath(f"{location.id}/node_modules/{name}", bundle.graph.root)
    path = location.path[len(f"node_modules/{name}/") :]
    return Answer(name, folder, "unbundled", path, ships=False, reason=reason)


def _explain_package(bundle: _Bundle, location: _Location) -> Answer:
    package = bundle.graph.packages[location.id]
    about = _about(bundle, package)
    if _is_left_out(bundle, about):
        return about._replace(reason=_LEFT)
    packlist = _packlist(bundle, package)
    taker = bundle.graph.takers.get(package.id)
    return about._replace(
        ships=True,
        reason=f"bundled by {taker}" if taker else "",
        files=len(packlist.files),
        left_out=packlist.omissions,
    )


def _is_left_out(bundle: _Bundle, about: Answer) -> bool:
    """Return True if the thin layout leaves the package to the registry."""
    return bundle.layout == "thin" and about.kind == "installed" and not about.slots and bool(bundle.slots)


def _explain_file(bundle: _Bundle, location: _Location) -> Answer:
    """Explain a file or folder of a package."""
    package, path = bundle.graph.packages[location.id], location.path
    packlist = _packlist(bundle, package)
    files = [file.path for file in packlist.files if f"{file.path}/".startswith(f"{path}/")]
    is_file = files == [path]
    omissions = [omission for omission in packlist.omissions if f"{omission.path}/".startswith(f"{path}/")]
    kind = _kind(bundle, package)
    selection = read_selection(location.id, package.manifest, kind, bundle.edition, _outer(bundle, package))
    ruling = read_ruling(location.id, package.manifest, selection, kind, path)
    reason = ""
    if not files and (ruling is None or ruling.keeps):
        reason = _other_reason(packlist, location)
    source = next((file.source for file in packlist.files if file.path == path), location.id)
    # pnpm takes the license of the workspace's root, which no rule of the package decides about.
    if not f"{source}/".startswith(f"{location.id.rstrip('/')}/"):
        ruling, reason = (
            None,
            f"the package has no license file, so that of the workspace ships, as by pnpm: {source}",
        )
    answer = _about(bundle, package)
    if _is_left_out(bundle, answer):
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
        left_out=tuple(omission for omission in omissions if omission.path.rstrip("/") != path),
    )


def _other_reason(packlist: Packlist, location: _Location) -> str:
    """Say why nothing at the path ships though the rules would let it."""
    full = f"{location.id}/{location.path}"
    for omission in packlist.omissions:
        is_around = omission.path.endswith("/") and location.path.startswith(omission.path)
        if omission.path.rstrip("/") == location.path or is_around:
            return omission.reason
    for problem in packlist.problems:
        if problem.path == full:
            return problem.message
    return "nothing in it ships" if fs.is_dir(full) else ""


def _about(bundle: _Bundle, package: Package) -> Answer:
    slots = tuple(slot for slot, id_ in bundle.slots.items() if id_ == package.id)
    folder = posixpath.relpath(package.id, bundle.graph.root)
    chains = find_chains(bundle.graph, package.id)
    return Answer(package.label, folder, _kind(bundle, package), "", ships=False, slots=slots, chains=chains)


def _kind(bundle: _Bundle, package: Package) -> Kind:
    if package.id == bundle.graph.root:
        return "root"
    return "linked" if package.linked else "installed"


def _packlist(bundle: _Bundle, package: Package) -> Packlist:
    """Read what packing ships of *package* alone."""
    # No other package of the bundle is asked about.
    alone = bundle.graph._replace(packages={package.id: package})
    return read_contents(bundle.project, alone, bundle.edition, ())[package.id]


def _outer(bundle: _Bundle, package: Package) -> tuple[tuple[str, str], ...]:
    """Read the ignore files around *package* that apply to it, path and text."""
    kind = _kind(bundle, package)
    if kind == "installed":  # it ships as it was published
        return ()
    around = bundle.project.around if kind == "root" else find_workspace(package.id)
    return read_outer_ignores(around, package.id).texts
