"""Make and check the layouts that --layout names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from linkpack.bundle.consumer import drop_bundled_names, rewrite_manifests
from linkpack.bundle.fetched import include_fetched, plan_supply
from linkpack.bundle.graph import is_linked
from linkpack.bundle.layout_check import LayoutCheck, check_layout
from linkpack.bundle.placement import place
from linkpack.project.package_json import read_usable
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.archive.entry import Entry
    from linkpack.bundle.consumer_specs import SpecChange, SpecPlan
    from linkpack.bundle.graph import BundleGraph
    from linkpack.bundle.selectors import Selectors
    from linkpack.errors import Problem
    from linkpack.npm.manifest import Manifest
    from linkpack.packlist.packlist import Packlist

LayoutName = Literal["bundle", "vendor", "thin"]

_HINT = "make the versions agree, or pack with --layout bundle, which has a copy for each"
# yarn 4 and bun look for bundled packages in the registry (measured by installing, see docs/pipelines.md).
_BUNDLE = ("npm 11", "npm 12", "pnpm 12")
_ALL = (*_BUNDLE, "yarn 4", "bun 1.4")


class Layout(Record):
    """A layout that was applied to a bundle.

    *slots* maps each folder that holds a package, "" for the root, to the package's id. *manifests* are the
    package.json files to ship, by package id, and *changes* the specs in them that were rewritten. *moved* maps
    paths in node_modules that the root's manifest names to where the layout has them. In *graph* are
    the edges that the layout has to keep.
    """

    name: LayoutName
    graph: BundleGraph
    slots: Mapping[str, str]
    manifests: Mapping[str, bytes]
    changes: tuple[SpecChange, ...]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    moved: Mapping[str, str] = {}


def choose_layout(layout: LayoutName | None, selectors: Selectors | None) -> LayoutName:
    """Return *layout*, or the usual one for *selectors*.

    Where members of the workspace are selected, what is selected goes to the vendor folder, which every installer
    takes.
    """
    if layout is not None or selectors is None:
        return layout or "bundle"
    layouts: Mapping[str, LayoutName] = {"none": "bundle", "some": "vendor", "only": "thin"}
    return layouts[selectors.members_wanted]


def apply_layout(name: LayoutName, graph: BundleGraph, consumer: SpecPlan, own: Packlist | None = None) -> Layout:
    """Place the packages of *graph*, and rewrite their manifests to fit.

    *name* says where packages go. *consumer* has the spec changes to make, and *own* the files of the root that
    ship. Problems and warnings are those of `plan_flat`. Raises `UnplaceableGraph` when no tree of node_modules
    holds the bundle.
    """
    # Without bundled packages there is nothing to put into a vendor folder.
    if name == "bundle" or not graph.bundled:
        return Layout(
            name=name,
            graph=graph,
            slots=place(graph),
            manifests=rewrite_manifests(graph, consumer),
            changes=consumer.changes,
        )
    from linkpack.bundle import vendor, vendor_manifests  # noqa: PLC0415 - 1 ms, and few ask for it

    specs = drop_bundled_names(graph, consumer).changes
    supply = plan_supply(graph, consumer)
    conflicts = [problem._replace(code="EVENDORCONFLICT", hint=_HINT) for problem in supply.warnings]
    graph = include_fetched(graph, supply.homes)
    paths = [file.path for file in own.files] if own else []
    flat = vendor.plan_flat(graph, specs, _read_outside(graph), paths, supply.specs, thin=name == "thin")
    manifests, changes = vendor_manifests.rewrite_flat_manifests(graph, flat, specs)
    return Layout(
        name=name,
        graph=graph,
        slots={"": graph.root, **{folder: id_ for id_, folder in flat.folders.items()}},
        manifests=manifests,
        changes=changes,
        problems=(*conflicts, *flat.problems),
        warnings=flat.warnings,
        moved=vendor_manifests.map_moved_paths(graph, flat),
    )


def _read_outside(graph: BundleGraph) -> Mapping[str, Manifest]:
    """Read the manifests of the root's other dependencies, by real directory."""
    manifests = {}
    for folder in graph.reserved.values():
        if folder is not None and not is_linked(folder):
            manifest = read_usable(folder)
            if manifest is not None:  # without a manifest it is no copy of a bundled package
                manifests[folder] = manifest
    return manifests


def check_applied(layout: Layout, entries: Sequence[Entry]) -> LayoutCheck:
    """Compare what Node will find in *entries* with the disk.

    The check reads the planned paths and manifests, and knows nothing of how *layout* was made.
    """
    graph = layout.graph
    if layout.name == "bundle" or not graph.bundled:
        return check_layout(graph, layout.slots, (entry.path.partition("/")[2] for entry in entries))
    if layout.problems:  # `pack` refuses the layout for these
        return LayoutCheck(packages=0, edges=0, problems=(), warnings=())
    from linkpack.bundle.vendor_check import check_flat  # noqa: PLC0415 - as above

    return check_flat(graph, layout.slots, entries)


def list_installers(name: LayoutName, *, bundled: bool) -> tuple[str, ...]:
    """Return the package managers that install a layout from a registry.

    Without a bundle all layouts are alike.

    >>> list_installers("bundle", bundled=True)
    ('npm 11', 'npm 12', 'pnpm 12')
    """
    return _BUNDLE if name == "bundle" and bundled else _ALL
