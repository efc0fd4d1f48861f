"""The layout that was asked for: where packages go, what their manifests say, the check, and who installs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from linkpack.bundle.consumer import consumer_manifests, without_bundled_names
from linkpack.bundle.graph import is_linked
from linkpack.bundle.layout import Layout, place
from linkpack.bundle.layout_check import Proof, check_layout
from linkpack.project.package_json import read_usable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.archive.entry import Entry
    from linkpack.bundle.consumer_specs import SpecChange, SpecPlan
    from linkpack.bundle.graph import BundleGraph
    from linkpack.errors import Problem
    from linkpack.npm.manifest import Manifest
    from linkpack.packlist.packlist import Packlist

LayoutName = Literal["bundle", "vendor", "thin"]

_BUNDLE = ("npm 11", "npm 12", "pnpm 12")
_ALL = (*_BUNDLE, "yarn 4", "bun 1.4")


class Form(NamedTuple):
    """A layout by *name*: its slots, the manifests by package id, the spec changes in them, and what was found.

    *moved* maps paths that the root's manifest names in its own node_modules to where the layout has them.
    """

    name: LayoutName
    layout: Layout
    manifests: Mapping[str, bytes]
    changes: tuple[SpecChange, ...]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    moved: Mapping[str, str] = {}


def take_form(name: LayoutName, graph: BundleGraph, consumer: SpecPlan, own: Packlist | None = None) -> Form:
    """Give the bundle *graph* the layout *name*, with the spec changes of *consumer* made.

    *own* are the root's own files that ship.

    `UnplaceableGraph` when no tree holds the bundle; what a flat folder cannot hold is among the problems.
    """
    if name == "bundle" or not graph.bundled:
        return Form(name, place(graph), consumer_manifests(graph, consumer), consumer.changes)
    from linkpack.bundle.vendor import plan_flat  # noqa: PLC0415 - a bundle needs none of the three
    from linkpack.bundle.vendor_manifests import flat_manifests, moved_paths  # noqa: PLC0415 - as above

    specs = without_bundled_names(graph, consumer).changes
    paths = [file.path for file in own.files] if own else []
    flat = plan_flat(graph, specs, _read_outside(graph), paths, thin=name == "thin")
    slots = {"": graph.root, **{folder: at for at, folder in flat.folders.items()}}
    manifests, changes = flat_manifests(graph, flat, specs)
    moved = moved_paths(graph, flat)
    return Form(name, Layout(slots), manifests, changes, flat.problems, flat.warnings, moved)


def _read_outside(graph: BundleGraph) -> Mapping[str, Manifest]:
    """The manifests of what the root needs and does not bundle, by real directory."""
    manifests = {}
    for at in graph.reserved.values():
        if at is not None and not is_linked(at):
            manifest = read_usable(at)
            if manifest is not None:  # whatever is wrong with it, it is no copy of a bundled package
                manifests[at] = manifest
    return manifests


def check_form(form: Form, graph: BundleGraph, entries: Sequence[Entry]) -> Proof:
    """What the planned *entries* mean to Node, compared with the disk; by another way than *form* was made."""
    if form.name == "bundle" or not graph.bundled:
        return check_layout(graph, form.layout.slots, (entry.path.partition("/")[2] for entry in entries))
    if form.problems:
        return Proof(0, 0, (), ())
    from linkpack.bundle.vendor_check import check_flat  # noqa: PLC0415 - as above

    return check_flat(graph, form.layout.slots, entries)


def installers(name: LayoutName, *, bundled: bool) -> tuple[str, ...]:
    """The package managers that install the layout *name* from a registry; whether anything is *bundled* counts.

    Measured, see docs/pipelines.md: yarn 4 and bun do not take a bundle from a tarball.
    """
    return _BUNDLE if name == "bundle" and bundled else _ALL
