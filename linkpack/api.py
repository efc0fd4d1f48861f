"""The library: from a project directory to a plan, and from a plan to a verified tarball.

The only place where the stages meet. Nothing here prints or reads the environment; relative paths are the
operating system's business.
"""

from __future__ import annotations

import posixpath
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from linkpack.bundle.consumer import read_consumer
from linkpack.bundle.contents import read_contents
from linkpack.bundle.graph import read_bundle
from linkpack.bundle.project import find_project, project_edition
from linkpack.disk import fswrite
from linkpack.errors import PlanRejected, SnapshotError
from linkpack.limits import within
from linkpack.npm.names import format_out, tarball_name
from linkpack.run.before import check_before
from linkpack.select.editions import rules_edition
from linkpack.ship.form import check_form, installers, take_form
from linkpack.ship.publishconfig import publish_view
from linkpack.tarballs.archive import plan_archive
from linkpack.tarballs.tarball import measure_tarball, write_tarball

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import PurePath

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.bundle.layout import Layout
    from linkpack.bundle.specs import Mode, SpecChange
    from linkpack.errors import Problem
    from linkpack.limits import Limits
    from linkpack.npm.manifest import Manifest
    from linkpack.select.packlist import Edition, Omission, Packlist
    from linkpack.ship.form import LayoutName
    from linkpack.ship.publishconfig import PublishView
    from linkpack.tarballs.archive import Entry
    from linkpack.tarballs.deflate import GzipLevel
    from linkpack.tarballs.tarball import Tarball


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
    members that concern packing, either way.
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


def plan_pack(
    path: str | PurePath = ".",
    *,
    walk_up: bool = False,
    npm_rules: str | None = None,
    specs: Mode = "resolve",
    allow_missing: bool = False,
    out: str = "",
    destination: str | PurePath = ".",
    outputs: Iterable[str] = (),
    layout: LayoutName = "bundle",
    publish_config: bool | None = None,
    limits: Limits | None = None,
) -> PackPlan:
    """The plan for packing the project in the directory *path*; reads only.

    With *walk_up* the nearest project at or above *path*, as npm finds it. *npm_rules* is the npm version whose
    selection rules apply (`"11"`, `"12.2.0"`); None: the one that the project names, else the newest; *specs*
    what happens to dependency specs of no use to a consumer; *allow_missing* makes a bundled dependency that is
    not installed a warning; *out* names the tarball, `%s` being the package's name and `%v` its version;
    *destination* is where it will be written, so that an earlier one there is not packed, nor what is at
    *outputs*, paths that the same run will write. *layout* says where bundled packages go (see docs/pack.md);
    *publish_config* applies publishConfig as pnpm does, or not; None: when the project is pnpm's or yarn's.
    *limits* say how much is read before it is refused; None: those that hold, or the defaults.

    Raises `PlanRejected` with every problem found, `ProjectError` when there is no usable project,
    `UnplaceableGraph` for a bundle that no tree can hold, `SnapshotError` (EREAD) when the disk fails or changes
    under the reading, `LinkpackError` for unusable options.
    """
    if npm_rules is not None:
        rules_edition(npm_rules)
    try:
        with within(limits):
            project = find_project(str(path), walk_up=walk_up)
            rules = project_edition(project, npm_rules)
            view = publish_view(project, publish_config)
            filename = _filename(view.project.manifest, out)
            written = tuple(dict.fromkeys((*outputs, posixpath.join(str(destination), filename))))
            return _plan(view, filename, written, rules, specs, layout=layout, allow_missing=allow_missing)
    except OSError as err:
        where = str(err.filename or path)
        raise SnapshotError(
            f"{where} cannot be read: {err.strerror}", code="EREAD", path=where, hint="pack again when it can"
        ) from err


def _plan(
    view: PublishView,
    filename: str,
    written: tuple[str, ...],
    rules: tuple[Edition, bool],
    specs: Mode,
    *,
    layout: LayoutName,
    allow_missing: bool,
) -> PackPlan:
    """The stages, one after the other."""
    project = view.project
    edition, is_named = rules
    graph = view.graph(read_bundle(project, allow_missing=allow_missing))
    if graph.problems:
        raise PlanRejected(graph.problems)
    consumer = read_consumer(graph, specs, project.around)
    form = take_form(layout, graph, consumer)
    packlists = view.packlists(graph, read_contents(project, graph, edition, written, compare=not is_named))
    archive = plan_archive(form.layout, packlists, form.manifests)
    proof = check_form(form, graph, archive.entries)
    problems = (*consumer.problems, *form.problems, *archive.problems)
    if problems or proof.problems:  # what is planned wrongly for a known reason needs no second one
        raise PlanRejected(problems or proof.problems)
    return PackPlan(
        project.root,
        project.manifest,
        filename,
        archive.entries,
        archive.omissions,
        _bundled(graph, form.layout, packlists),
        form.changes,
        (*graph.warnings, *form.warnings, *archive.warnings, *proof.warnings),
        proof.packages,
        proof.edges,
        edition,
        layout,
        installers(layout, bundled=bool(graph.bundled)),
        view.reason,
        view.fields,
    )


def pack(
    path: str | PurePath = ".",
    *,
    destination: str | PurePath = ".",
    ignore_scripts: bool = True,
    walk_up: bool = False,
    npm_rules: str | None = None,
    specs: Mode = "resolve",
    allow_missing: bool = False,
    out: str = "",
    layout: LayoutName = "bundle",
    publish_config: bool | None = None,
    threads: int = 0,
    gzip_level: GzipLevel = "default",
    limits: Limits | None = None,
    env: Mapping[str, str] | None = None,
) -> Tarball:
    """The verified tarball of the project in *path*, written into the directory *destination*.

    *destination* is made when missing. Unless *ignore_scripts*, prepack and prepare are run before the project is
    read and postpack at the end, with the environment *env* and what npm adds to it. *threads* compress at a time
    (0: one a processor, at most eight); the bytes do not depend on it. *gzip_level* `"max"` makes a smaller file.
    The other arguments are those of `plan_pack`, as are the errors; besides them `SnapshotError` when a file
    changes meanwhile or the tarball cannot be written and `ScriptFailed`, in which cases nothing is left behind.
    """
    plan = partial(
        plan_pack,
        path,
        walk_up=walk_up,
        npm_rules=npm_rules,
        specs=specs,
        allow_missing=allow_missing,
        out=out,
        destination=destination,
        layout=layout,
        publish_config=publish_config,
        limits=limits,
    )
    write = partial(write_pack, destination=destination, threads=threads, gzip_level=gzip_level)
    if ignore_scripts:
        return write(plan())
    from linkpack.run.lifecycle import Hooks, pack_through  # noqa: PLC0415 - loads subprocess

    with within(limits):
        project, _ = check_before(str(path), str(destination), walk_up=walk_up, out=out)
    return pack_through(project, Hooks(env or {}), plan, write, str(destination))[1]


def write_pack(
    plan: PackPlan, destination: str | PurePath = ".", *, threads: int = 0, gzip_level: GzipLevel = "default"
) -> Tarball:
    """The verified tarball of *plan*, written into the directory *destination*, which is made when missing.

    Raises `SnapshotError` as `pack` does.
    """
    target = posixpath.join(str(destination), plan.filename)
    try:
        with fswrite.made_dirs(posixpath.dirname(target) or "."):
            return write_tarball(plan.entries, target, threads=threads, gzip_level=gzip_level)
    except OSError as err:
        raise SnapshotError(
            f"{destination} cannot be made a folder: {err.strerror}",
            code="EWRITE",
            path=str(destination),
            hint="choose another --pack-destination",
        ) from err


def measure_pack(
    plan: PackPlan, destination: str | PurePath = ".", *, threads: int = 0, gzip_level: GzipLevel = "default"
) -> Tarball:
    """The tarball that `write_pack` would write, sizes and digests included, without writing it.

    Reads every file once. Raises `SourceChanged` as `pack` does.
    """
    target = posixpath.join(str(destination), plan.filename)
    return measure_tarball(plan.entries, target, threads=threads, gzip_level=gzip_level)


def _filename(manifest: Manifest, out: str) -> str:
    name, version = manifest.name, manifest.version
    return format_out(out, name, version) if out else tarball_name(name, version)


def _bundled(graph: BundleGraph, layout: Layout, packlists: Mapping[str, Packlist]) -> tuple[Bundled, ...]:
    """The packages inside the tarball, in the order of their first slots."""
    slots: dict[str, list[str]] = {}
    for slot, at in layout.slots.items():
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
