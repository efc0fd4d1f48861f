"""The library: from a project directory to a plan, and from a plan to a verified tarball.

The only place where the stages meet. Nothing here prints or reads the environment; relative paths are the
operating system's business.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from linkpack.archive.entry import ROOT, Entry
from linkpack.archive.gzip import GzipLevel
from linkpack.archive.writer import Tarball, measure_tarball, write_tarball
from linkpack.arguments import StrPath, listed, path_text
from linkpack.bundle.checks import Checks, check_contents
from linkpack.bundle.consumer import read_consumer
from linkpack.bundle.consumer_specs import Mode, SpecChange
from linkpack.bundle.contents import read_contents
from linkpack.bundle.entries import plan_archive
from linkpack.bundle.graph import read_bundle
from linkpack.bundle.layouts import LayoutName, apply_layout, check_applied, installers
from linkpack.bundle.loadable import check_entry_points
from linkpack.bundle.planned import Planned
from linkpack.errors import PlanRejected, Problem, SnapshotError
from linkpack.limits import Limits, within
from linkpack.npm.manifest import Manifest
from linkpack.npm.names import format_out, tarball_name
from linkpack.packing.options import PackOptions, given_options
from linkpack.packing.preflight import check_before
from linkpack.packing.publish_config import publish_view
from linkpack.packlist.packlist import Omission
from linkpack.project.pnpm import hook_warnings
from linkpack.project.project import find_project, project_edition
from linkpack.read_cache import remembering
from linkpack.system import read as fs
from linkpack.system import write as fswrite

if TYPE_CHECKING:
    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.linking.lost_links import LostLinks
    from linkpack.packing.publish_config import PublishView
    from linkpack.packlist.packlist import Packlist
    from linkpack.project.project import ProjectEdition


class Bundled(NamedTuple):
    """A package inside the tarball.

    *slots* are the folders that hold it there (`node_modules/redis`), *files* and *size* (bytes) count one copy.
    *linked* packages are snapshots of the source directory *source*; *reached* is the link that led there.
    """

    name: str
    version: str
    slots: tuple[str, ...]
    linked: bool
    source: str
    reached: str
    files: int
    size: int


class PackPlan(NamedTuple):
    """Everything that packing will do, decided.

    *root* is the project's real directory, *filename* the tarball's name. *entries* are in the tarball's order,
    *omissions* what was met and left out, and why. *changes* are the specs that the shipped manifests have
    rewritten. *packages* and *edges* count what the runtime graph check compared with the disk. *rules* is the
    edition of npm's selection rules. *layout* is `"bundle"`, `"vendor"` or `"thin"`, *installers* who can
    install it. *publish_config* says why publishConfig was applied, "" when it was not; *publish_fields* are its
    members that concern packing, either way. *checks* tells all that was checked, and what was left open.
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
    layout: LayoutName = "bundle",
    publish_config: bool | None = None,
    link_state: str = "",
    limits: Limits | None = None,
) -> PackPlan:
    """Plan packing the project in the directory *path*, without writing anything.

    With *walk_up* the nearest project at or above *path*, as npm finds it. *npm_rules* is the npm version whose
    selection rules apply (`"11"`, `"12.2.0"`); None: the one that the project names, else the newest; *specs*
    what happens to dependency specs of no use to a consumer; *allow_missing* makes a bundled dependency that is
    not installed a warning; *out* names the tarball, `%s` being the package's name and `%v` its version;
    *destination* is where it will be written, so that an earlier one there is not packed, nor what is at
    *outputs*, paths that the same run will write. *layout* says where bundled packages go (see docs/pack.md);
    *publish_config* applies publishConfig as pnpm does, or not; None: when the project is pnpm's or yarn's.
    *link_state* is the state folder of the link commands, whose record tells which links an install has replaced;
    "": nobody looks. *limits* say how much is read before it is refused; None: those that hold, or the defaults.

    Raises `PlanRejected` with every problem found, `ProjectError` when there is no usable project,
    `UnplaceableGraph` for a bundle that no tree can hold, `SnapshotError` (EREAD) when the disk fails or changes
    under the reading, `LinkpackError` (EOPTION, ERULES) for unusable options.
    """
    given = PackOptions(
        specs=specs,
        allow_missing=allow_missing,
        layout=layout,
        publish_config=publish_config,
        out=out,
        destination=path_text(destination),
        link_state=path_text(link_state),
        limits=limits,
    )
    options = given_options(given, npm_rules)
    return make_plan(path, options, walk_up=walk_up, outputs=listed(outputs, "outputs"))


def make_plan(
    path: StrPath, options: PackOptions, *, walk_up: bool = False, outputs: Iterable[str] = ()
) -> PackPlan:
    """Plan packing the project in the directory *path*, as `plan_pack` does with the same options."""
    try:
        with within(options.limits), remembering():
            project = find_project(path_text(path), walk_up=walk_up)
            rules = project_edition(project, options.npm_rules)
            view = publish_view(project, options.publish_config)
            filename = _filename(view.project.manifest, options.out)
            target = posixpath.join(options.destination, filename)
            return _plan(view, filename, tuple(dict.fromkeys((*outputs, target))), options, rules)
    except OSError as err:
        where = str(err.filename or path)
        raise SnapshotError(
            f"{where} cannot be read: {err.strerror}", code="EREAD", path=where, hint="pack again when it can"
        ) from err


def _plan(
    view: PublishView, filename: str, written: tuple[str, ...], options: PackOptions, rules: ProjectEdition
) -> PackPlan:
    """Run the stages one after the other; *written* are the paths that the run will write."""
    project = view.project
    lost = _lost_links(project.root, options.link_state)
    targets = {path: entry.target for path, entry in lost.links.items()} if lost else {}
    graph = view.graph(read_bundle(project, targets, allow_missing=options.allow_missing))
    if graph.problems:
        raise PlanRejected(graph.problems)
    consumer = read_consumer(graph, options.specs)
    contents = read_contents(project, graph, rules.edition, written, compare=not rules.is_named)
    packlists = view.packlists(graph, contents)
    layout = apply_layout(options.layout, graph, consumer, packlists[graph.root])
    commands = project.manifest.bins.values()
    archive = plan_archive(layout.slots, packlists, layout.manifests, layout.moved, commands)
    check = check_applied(layout, graph, archive.entries)
    paths = [entry.path[len(ROOT) :] for entry in archive.entries]
    planned = Planned(layout.slots, packlists, paths, layout.moved, flat=layout.name != "bundle")
    loading = check_entry_points(graph, planned)
    problems = (*consumer.problems, *layout.problems, *archive.problems, *loading.problems)
    if problems or check.problems:  # what is planned wrongly for a known reason needs no second one
        raise PlanRejected(problems or check.problems)
    found = check_contents(graph, planned, check, loading)
    if found.problems:
        raise PlanRejected(found.problems)
    links = _warn_of_lost_links(graph, lost, options.link_state)
    return PackPlan(
        root=project.root,
        manifest=project.manifest,
        filename=filename,
        entries=archive.entries,
        omissions=archive.omissions,
        bundled=_bundled(graph, layout.slots, packlists),
        changes=layout.changes,
        warnings=(
            *hook_warnings(project),
            *links,
            *graph.warnings,
            *consumer.warnings,
            *layout.warnings,
            *archive.warnings,
            *found.warnings,
        ),
        packages=check.packages,
        edges=check.edges,
        rules=rules.edition,
        layout=options.layout,
        installers=installers(options.layout, bundled=bool(graph.bundled)),
        publish_config=view.reason,
        publish_fields=view.fields,
        checks=found.checks,
    )


def _lost_links(folder: str, state: str) -> LostLinks | None:
    """Return the recorded links of the project in *folder* that do not stand; None where nobody keeps a record."""
    if not state or not fs.is_dir(f"{state}/links"):
        return None
    from linkpack.linking.lost_links import read_lost_links  # noqa: PLC0415 - few projects have links

    return read_lost_links(state, folder)


def _warn_of_lost_links(graph: BundleGraph, lost: LostLinks | None, state: str) -> tuple[Problem, ...]:
    if lost is None:
        return ()
    from linkpack.linking.lost_links import warn_of_lost_links  # noqa: PLC0415 - as above

    return tuple(warn_of_lost_links(state, graph, lost))


def pack(
    path: StrPath = ".",
    *,
    destination: StrPath = ".",
    ignore_scripts: bool = True,
    walk_up: bool = False,
    npm_rules: str | None = None,
    specs: Mode = "resolve",
    allow_missing: bool = False,
    out: str = "",
    layout: LayoutName = "bundle",
    publish_config: bool | None = None,
    link_state: str = "",
    threads: int = 0,
    gzip_level: GzipLevel = "default",
    limits: Limits | None = None,
    env: Mapping[str, str] | None = None,
) -> Tarball:
    """Pack the project in *path* into a verified tarball in the directory *destination*.

    *destination* is made when missing. The tarball's warnings include those of the plan. Unless *ignore_scripts*,
    prepack and prepare are run before the project is read and postpack at the end, with the environment *env* and
    what npm adds to it. *threads* compress at a time (0: one a processor, at most eight); the bytes do not depend
    on it. *gzip_level* `"max"` makes a smaller file. The other arguments are those of `plan_pack`.

    Raises what `plan_pack` raises, `SnapshotError` when a file changes meanwhile or the tarball cannot be written,
    and `ScriptFailed`. Nothing is left behind then.
    """
    given = PackOptions(
        specs=specs,
        allow_missing=allow_missing,
        layout=layout,
        publish_config=publish_config,
        link_state=path_text(link_state),
        out=out,
        destination=path_text(destination),
        gzip_level=gzip_level,
        threads=threads,
        limits=limits,
    )
    options = given_options(given, npm_rules)
    plan = partial(make_plan, path, options, walk_up=walk_up)
    write = partial(write_plan, options=options)
    if ignore_scripts:
        return _with_warnings(made := plan(), write(made))
    from linkpack.lifecycle.scripts import Hooks, pack_through  # noqa: PLC0415 - loads subprocess

    with within(limits):
        project, _ = check_before(path_text(path), options.destination, walk_up=walk_up, out=out)
    return _with_warnings(*pack_through(project, Hooks(env or {}), plan, write, options.destination))


def _with_warnings(plan: PackPlan, tarball: Tarball) -> Tarball:
    """Return *tarball* with the warnings of its *plan* before its own."""
    return tarball._replace(warnings=(*plan.warnings, *tarball.warnings))


def write_pack(
    plan: PackPlan, destination: StrPath = ".", *, threads: int = 0, gzip_level: GzipLevel = "default"
) -> Tarball:
    """Write the verified tarball of *plan* into the directory *destination*, which is made when missing.

    Raises `SnapshotError` as `pack` does.
    """
    given = PackOptions(destination=path_text(destination), threads=threads, gzip_level=gzip_level)
    return _with_warnings(plan, write_plan(plan, given_options(given)))


def write_plan(plan: PackPlan, options: PackOptions) -> Tarball:
    """Write the tarball of *plan* where and how *options* say; its warnings are those of contents alone."""
    target = posixpath.join(options.destination, plan.filename)
    try:
        with fswrite.made_dirs(posixpath.dirname(target) or "."):
            return write_tarball(plan.entries, target, threads=options.threads, gzip_level=options.gzip_level)
    except OSError as err:
        raise SnapshotError(
            f"{options.destination} cannot be made a folder: {err.strerror}",
            code="EWRITE",
            path=options.destination,
            hint="choose another --pack-destination",
        ) from err


def measure_plan(plan: PackPlan, options: PackOptions) -> Tarball:
    """Work out the tarball that `write_plan` would write, sizes and digests included, without writing it.

    Reads every file once. Raises `SourceChanged` as `pack` does.
    """
    target = posixpath.join(options.destination, plan.filename)
    return measure_tarball(plan.entries, target, threads=options.threads, gzip_level=options.gzip_level)


def _filename(manifest: Manifest, out: str) -> str:
    name, version = manifest.name, manifest.version
    return format_out(out, name, version) if out else tarball_name(name, version)


def _bundled(
    graph: BundleGraph, placed: Mapping[str, str], packlists: Mapping[str, Packlist]
) -> tuple[Bundled, ...]:
    """The packages inside the tarball, in the order of their first slots."""
    slots: dict[str, list[str]] = {}
    for slot, at in placed.items():
        slots.setdefault(at, []).append(slot)
    del slots[graph.root]
    return tuple(_about(graph.packages[at], tuple(held), packlists[at]) for at, held in slots.items())


def _about(package: Package, slots: tuple[str, ...], packlist: Packlist) -> Bundled:
    return Bundled(
        package.manifest.name or slots[0].rpartition("node_modules/")[2],
        package.manifest.version,
        slots,
        package.linked,
        package.id,
        package.via,
        len(packlist.files),
        sum(file.size for file in packlist.files),
    )
