"""Check a flat layout: read the planned manifests as an installer does.

The check knows nothing of how the folder was planned. It looks names up in the root's planned package.json and
folders among the planned paths, and compares the packages that it finds with the disk.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from linkpack.archive.entry import ROOT
from linkpack.bundle.layout_check import LayoutCheck, count_flat_edges, list_missing_names
from linkpack.bundle.vendor import find_hosted_names, is_fetched
from linkpack.errors import Problem
from linkpack.npm.json_text import BOM
from linkpack.npm.specs import allows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.archive.entry import Entry
    from linkpack.bundle.graph import BundleGraph, Package

_PATH = "file:./"


def check_flat(graph: BundleGraph, slots: Mapping[str, str], entries: Sequence[Entry]) -> LayoutCheck:
    """Follow every edge of every package through the planned *entries*.

    *slots* maps folders to package ids. An edge holds if the root's spec for its name is the folder of that very
    package or of an equal installed copy, or a range that the version on disk satisfies. The package itself has to
    have a peer that the copy satisfies, so that installers supply it. Anything else is a problem (ELAYOUT).
    """
    planned = {entry.path[len(ROOT) :]: entry.source for entry in entries if entry.path.endswith("/package.json")}
    manifests = {
        slot: json.loads(raw.removeprefix(BOM))
        for slot in slots
        if isinstance(raw := planned.get(f"{slot}/package.json" if slot else "package.json"), bytes)
    }
    wrong = [_fault(slot, f"{slot} has no package.json in the tarball") for slot in slots if slot not in manifests]
    for slot, manifest in manifests.items():
        for name, to in _expected(graph, graph.packages[slots[slot]]):
            wanted = graph.packages[to]
            if to in graph.outside and not wanted.manifest.version:
                continue  # nothing is installed that could be compared
            why = "" if to == graph.root else _answer_fault(graph, slots, manifests, name, wanted)
            why = why or (_question_fault(manifest, name, wanted) if slot else "")
            if why:
                wrong.append(_fault(slot, f"{name}, needed in {slot or 'the root'}, {why}"))
    root = manifests.get("", {})
    asked = {**_specs(root, "dependencies"), **_specs(root, "optionalDependencies")}
    names = {slot: _names(manifest) for slot, manifest in manifests.items() if slot}
    nowhere = sum(len(list_missing_names(graph.packages[id_])) for id_ in slots.values())
    return LayoutCheck(
        packages=len(slots),
        edges=count_flat_edges(asked, names),
        problems=tuple(wrong),
        warnings=(),
        nowhere=nowhere,
    )


def _names(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that *manifest* asks for, each once."""
    sections = ("dependencies", "optionalDependencies", "peerDependencies")
    yield from dict.fromkeys(name for section in sections for name in _specs(manifest, section))


def _expected(graph: BundleGraph, package: Package) -> Iterator[tuple[str, str]]:
    """Yield the names that *package* looks up, with their ids on disk.

    Names that the host supplies are left out.
    """
    hosted = find_hosted_names(graph)
    for name, to in package.needs.items():
        if to is not None and name not in hosted:
            yield name, to
    for name, to in package.peers.items():
        if to is not None and to in graph.packages and to not in graph.outside and name not in hosted:
            yield name, to


def _answer_fault(
    graph: BundleGraph, slots: Mapping[str, str], manifests: Mapping[str, Any], name: str, wanted: Package
) -> str:
    """Say what is wrong with the root's spec for *name*.

    "" when it leads to *wanted*.
    """
    root = manifests.get("", {})
    spec = _specs(root, "optionalDependencies").get(name, _specs(root, "dependencies").get(name))
    if spec is None:
        return "is not declared by the root"
    if spec.startswith(_PATH):
        id_ = slots.get(spec[len(_PATH) :])
        if id_ is None:
            return f"is asked for as {spec}, where nothing is"
        other = graph.packages[id_]
        twins = not other.linked and not wanted.linked and other.manifest.raw == wanted.manifest.raw
        return "" if id_ == wanted.id or twins else f"would be {other.label}, and is {wanted.label} on disk"
    if wanted.linked and wanted.id not in graph.outside:
        return f"would come from a registry, and is the linked {wanted.label} on disk"
    return "" if is_fetched(spec) or allows(spec, wanted.manifest.version) else f"is {wanted.label}, not {spec}"


def _question_fault(manifest: Mapping[str, Any], name: str, wanted: Package) -> str:
    """Say what is wrong with how a vendored package asks for *name*.

    "" when an installer will supply *wanted*.
    """
    if name in _specs(manifest, "dependencies") or name in _specs(manifest, "optionalDependencies"):
        return "is a dependency there, not a peer"
    spec = _specs(manifest, "peerDependencies").get(name)
    if spec is None:
        return "is no peer there"
    return "" if allows(spec, wanted.manifest.version) else f"is {wanted.label}, not {spec}"


def _specs(manifest: Mapping[str, Any], section: str) -> Mapping[str, str]:
    specs = manifest.get(section)
    return {name: spec for name, spec in specs.items() if isinstance(spec, str)} if isinstance(specs, dict) else {}


def _fault(slot: str, message: str) -> Problem:
    return Problem("ELAYOUT", slot, message, "this is a fault of linkpack: please report it")
