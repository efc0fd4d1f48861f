"""Plan the tarball of a project, without writing anything.

`make_plan` is where all stages of planning meet; docs/architecture.md has the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from linkpack.archive.entry import ROOT, Entry
from linkpack.arguments import StrPath, check_path, check_texts
from linkpack.bundle.checks import Checks, check_contents
from linkpack.bundle.consumer_specs import Mode, SpecChange
from linkpack.bundle.contents import read_contents
from linkpack.bundle.entries import plan_archive
from linkpack.bundle.fetched import read_snapshot
from linkpack.bundle.graph import Wish, read_bundle
from linkpack.bundle.layouts import LayoutName, apply_layout, check_applied, choose_layout, list_installers
from linkpack.bundle.loadable import check_entry_points
from linkpack.bundle.planned import Planned
from linkpack.bundle.selectors import read_selectors
from linkpack.errors import PlanRejected, Problem, SnapshotError
from linkpack.limits import Limits, within
from linkpack.npm.manifest import Manifest
from linkpack.packing.options import PackOptions, check_options
from linkpack.packing.publish_config import apply_publish_config
from linkpack.packlist.packlist import Omission
from linkpack.project.pnpm import warn_of_hooks
from linkpack.project.project import find_project, project_edition
from linkpack.read_cache import remembering
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from types import ModuleType

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.linking.lost_links import LostLinks
    from linkpack.packlist.packlist import Packlist


class Bundled(Record):
    """A package inside the tarball.

    *slots* are the folders that hold it there (`node_modules/redis`). *files* and *size* (bytes) are those of one
    copy. *source* is the directory that the package was read from, and *reached* the path that led there. If
    *linked*, that is a source directory, and else one that an installer made.
    """

    name: str
    version: str
    slots: tuple[str, ...]
    linked: bool
    source: str
    reached: str
    files: int
    size: int


class PackPlan(Record):
    """Everything that packing will do, decided.

    *root* is the project's real directory, *filename* the tarball's name. *entries* are in the tarball's order.
    *omissions* are the files that do not ship, with the reason. *changes* are the specs that differ in the
    manifests that ship. *packages* and *edges* count what the check of the runtime graph compared with the disk.
    *rules* is the edition of npm's selection rules. *layout* is `"bundle"`, `"vendor"` or `"thin"`, and
    *installers* are the package managers that can install it. *publish_config* is the reason why publishConfig
    was applied, "" when it was not; *publish_fields* are its members that concern packing, applied or not.
    *checks* says what was checked, and what could not be.
    """

    root: str
    manifest: Manifest
    filename: str
    entries: tuple[Entry, ...]
    omissions: tuple[Omission, ...]
    bundled: tuple[Bundled, ...]
    changes: tuple[SpecChange, ...]
    warnings: tuple[Problem, ...]
    packages: int
    edges: int
    rules: str
    layout: LayoutName = "bundle"
    installers: tuple[str, ...] = ()
    publish_config: str = ""
    publish_fields: tuple[str, ...] = ()
    checks: Checks = Checks()


def plan_pack(
    path: StrPath = ".",
    *,
    walk_up: bool = False,
    npm_rules: str | None = None,
    specs: Mode = "resolve",
    allow_missing: bool = False,
    out: str = "",
    destination: StrPath = ".",
    outputs: Iterable[str] = (),
    bundle: Iterable[str] | None = None,
    layout: LayoutName | None = None,
    publish_config: bool | None = None,
    link_state: str = "",
    limits: Limits | None = None,
) -> PackPlan:
    """Plan packing the project in *path*, without writing anything.

    With *walk_up* the project is the nearest one at or above *path*, as npm finds it. *npm_rules* is the npm
    version that selects files (`"11"`, `"12.2.0"`); None: the version that the project names, else the newest.
    *specs* says what happens to dependency specs that a consumer cannot use. *allow_missing* makes a bundled
    dependency that is not installed a warning. *out* names the tarball, with `%s` for the package's name and `%v`
    for its version. *destination* is where the tarball will be written, and *outputs* are other paths that the
    same run will write: what is there already is not packed. *bundle* are selectors of what is bundled besides
    what the manifest names, None: those of the manifest. *layout* says where bundled packages go, None: as the
    selectors have it (see docs/bundle.md). *publish_config* says whether publishConfig is applied as pnpm does it;
    None: when the project is pnpm's or yarn's. *link_state* is the state folder of the link commands, with the
    record of links that an install may have replaced; "": links are not looked up. *limits* say how much is read
    before it is refused; None: the limits in force, or the defaults.

    Raises `PlanRejected` with every problem found, `ProjectError` when there is no usable project,
    `UnplaceableGraph` for a bundle that no tree can hold, `SnapshotError` (EREAD) when the disk fails or changes
    while it is read, `LinkpackError` (EOPTION, ERULES) for unusable options.
    """
    given = PackOptions(
        specs=specs,
        allow_missing=allow_missing,
        bundle=None if bundle is None else check_texts(bundle, "bundle"),
        layout=layout,
        publish_config=publish_config,
        out=out,
        destination=check_path(destination),
        link_state=check_path(link_state),
        limits=limits,
    )
    options = check_options(given, npm_rules)
    return make_plan(path, options, walk_up=walk_up, outputs=check_texts(outputs, "outputs"))


def make_plan(
    path: StrPath, options: PackOptions, *, walk_up: bool = False, outputs: Iterable[str] = ()
) -> PackPlan:
    """Plan packing the project in *path*, with checked options.

    The plan is that of `plan_pack` with the same options.
    """
    with _raise_snapshot_errors(path), within(options.limits), remembering():
        # Find the project and read its manifest, with publishConfig applied where pnpm would apply it.
        project = find_project(check_path(path), walk_up=walk_up)
        rules = project_edition(project, options.npm_rules)
        view = apply_publish_config(project, options)
        project, filename = view.project, options.filename(view.project.manifest)

        # Read the bundle: which package needs which, by real directory.
        lost = _read_lost_links(project.root, options.link_state)
        targets = {place: link.target for place, link in lost.links.items()} if lost else {}
        selectors = read_selectors(options.bundle, project.root, project.manifest)
        layout_name = choose_layout(options.layout, selectors)

        def read(wish: Wish) -> BundleGraph:
            return view.graph(read_bundle(project, targets, wish, allow_missing=options.allow_missing))

        # Find the specs that a consumer cannot use, and what to write instead. What no registry can supply for
        # all that need it is bundled as well.
        graph, consumer = read_snapshot(read, selectors, options.specs, nests=layout_name == "bundle")

        # Read which files ship: once for each package, however often it is placed.
        # What this run will write may be there from the last one, and is no part of the package.
        written = tuple(dict.fromkeys((*outputs, options.target(filename))))
        packlists = view.packlists(
            graph, read_contents(project, graph, rules.edition, written, compare=not rules.is_named)
        )

        # Place the packages in slots of the tarball, with the manifests that ship there.
        layout = apply_layout(layout_name, graph, consumer, packlists[graph.root])

        # Plan the entries, in the tarball's order.
        archive = plan_archive(
            layout.slots, packlists, layout.manifests, layout.moved, project.manifest.bins.values()
        )

        # Check the planned tree against the disk: dependencies, entry points, then what the sources load.
        check = check_applied(layout, archive.entries)
        # Checks look at paths as Node does, below the package's own folder.
        paths = [entry.path[len(ROOT) :] for entry in archive.entries]
        planned = Planned(layout.slots, packlists, paths, layout.moved, flat=layout.name != "bundle")
        loading = check_entry_points(graph, planned)
        problems = (*consumer.problems, *layout.problems, *archive.problems, *loading.problems)
        if problems or check.problems:  # one cause once: a known problem makes the graph check fail as well
            raise PlanRejected(problems or check.problems)
        # Last, as it reads the sources: no time is lost on a plan with a known problem.
        contents = check_contents(graph, planned, check, loading)
        if contents.problems:
            raise PlanRejected(contents.problems)

        return PackPlan(
            root=project.root,
            manifest=graph.packages[graph.root].manifest,
            filename=filename,
            entries=archive.entries,
            omissions=archive.omissions,
            bundled=_list_bundled(graph, layout.slots, packlists),
            changes=layout.changes,
            warnings=(
                *warn_of_hooks(project),
                *_warn_of_lost_links(graph, lost, options.link_state),
                *graph.warnings,
                *consumer.warnings,
                *layout.warnings,
                *archive.warnings,
                *contents.warnings,
            ),
            packages=check.packages,
            edges=check.edges,
            rules=rules.edition,
            layout=layout_name,
            installers=list_installers(layout_name, bundled=bool(graph.bundled)),
            publish_config=view.reason,
            publish_fields=view.fields,
            checks=contents.checks,
        )


@contextmanager
def _raise_snapshot_errors(path: StrPath) -> Iterator[None]:
    """Raise `SnapshotError` (EREAD) if the block cannot read the disk.

    *path* is named when the error names no other.
    """
    try:
        yield
    except OSError as err:
        where = str(err.filename or path)
        raise SnapshotError(
            f"{where} cannot be read: {err.strerror}", code="EREAD", path=where, hint="pack again when it can"
        ) from err


def _read_lost_links(folder: str, state: str) -> LostLinks | None:
    """Return the broken links of a project, None without a record.

    *folder* is the project's, and *state* the state folder of the link commands.
    """
    if not state or not fs.is_dir(f"{state}/links"):
        return None
    lost: LostLinks = _load_lost_links().read_lost_links(state, folder)
    return lost


def _warn_of_lost_links(graph: BundleGraph, lost: LostLinks | None, state: str) -> Iterable[Problem]:
    """Return a warning for each *lost* link that the bundle would use."""
    if lost is None:
        return ()
    warnings: Iterable[Problem] = _load_lost_links().warn_of_lost_links(state, graph, lost)
    return warnings


def _load_lost_links() -> ModuleType:
    """Import `linking.lost_links` where a project has a record of links."""
    from linkpack.linking import lost_links  # noqa: PLC0415 - 3 ms, and few projects have links

    return lost_links


def _list_bundled(
    graph: BundleGraph, slots: Mapping[str, str], packlists: Mapping[str, Packlist]
) -> tuple[Bundled, ...]:
    """Return the packages in the tarball, by their first slots.

    *slots* holds the package id of each slot.
    """
    slots_of: dict[str, list[str]] = {}
    for slot, package_id in slots.items():
        slots_of.setdefault(package_id, []).append(slot)
    del slots_of[graph.root]  # the project itself is not bundled
    return tuple(
        _describe(graph.packages[package_id], tuple(own_slots), packlists[package_id])
        for package_id, own_slots in slots_of.items()
    )


def _describe(package: Package, slots: tuple[str, ...], packlist: Packlist) -> Bundled:
    return Bundled(
        name=package.manifest.name or slots[0].rpartition("node_modules/")[2],
        version=package.manifest.version,
        slots=slots,
        linked=package.linked,
        source=package.id,
        reached=package.via,
        files=len(packlist.files),
        size=sum(file.size for file in packlist.files),
    )
