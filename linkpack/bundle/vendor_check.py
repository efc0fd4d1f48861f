"""The independent check of a flat layout: reads the planned manifests as an installer does.

It knows nothing of how the folder was planned: names are looked up in the root's planned package.json, folders
among the planned paths, and what is found is compared with the disk.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from linkpack.archive.entry import ROOT
from linkpack.bundle.layout_check import Proof, count_flat_edges, missing_names
from linkpack.bundle.vendor import hosted_names, is_fetched
from linkpack.errors import Problem
from linkpack.npm.json_text import BOM
from linkpack.npm.specs import allows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.archive.entry import Entry
    from linkpack.bundle.graph import BundleGraph, Package

_PATH = "file:./"


def check_flat(graph: BundleGraph, slots: Mapping[str, str], entries: Sequence[Entry]) -> Proof:
    """Every edge of every package of *slots* (folder to package id), followed through the planned *entries*.

    An edge holds when the root asks for its name by the folder of that very package, or of an equal installed
    copy, or by a range that the version on disk satisfies; and when the package asks for a peer that the copy
    satisfies, so that installers supply it. Anything else is a problem (ELAYOUT).
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
            why = "" if to == graph.root else _answered(graph, slots, manifests, name, wanted)
            why = why or (_asked(manifest, name, wanted) if slot else "")
            if why:
                wrong.append(_fault(slot, f"{name}, needed in {slot or 'the root'}, {why}"))
    root = manifests.get("", {})
    asked = {**_specs(root, "dependencies"), **_specs(root, "optionalDependencies")}
    names = {slot: _names(manifest) for slot, manifest in manifests.items() if slot}
    nowhere = sum(len(missing_names(graph.packages[at])) for at in slots.values())
    return Proof(len(slots), count_flat_edges(asked, names), tuple(wrong), (), nowhere)


def _names(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that *manifest* asks for, each once."""
    sections = ("dependencies", "optionalDependencies", "peerDependencies")
    yield from dict.fromkeys(name for section in sections for name in _specs(manifest, section))


def _expected(graph: BundleGraph, package: Package) -> Iterator[tuple[str, str]]:
    """The names that *package* looks up, and what each is on disk; none that the host supplies."""
    hosted = hosted_names(graph)
    for name, to in package.needs.items():
        if to is not None and name not in hosted:
            yield name, to
    for name, to in package.peers.items():
        if to is not None and to in graph.packages and name not in hosted:
            yield name, to


def _answered(
    graph: BundleGraph, slots: Mapping[str, str], manifests: Mapping[str, Any], name: str, wanted: Package
) -> str:
    """What is wrong with the root's answer for *name*; "" when it is *wanted*."""
    root = manifests.get("", {})
    spec = _specs(root, "optionalDependencies").get(name, _specs(root, "dependencies").get(name))
    if spec is None:
        return "is not declared by the root"
    if spec.startswith(_PATH):
        found = slots.get(spec[len(_PATH) :])
        if found is None:
            return f"is asked for as {spec}, where nothing is"
        other = graph.packages[found]
        twins = not other.linked and not wanted.linked and other.manifest.raw == wanted.manifest.raw
        return "" if found == wanted.id or twins else f"would be {other.label}, and is {wanted.label} on disk"
    if wanted.linked:
        return f"would come from a registry, and is the linked {wanted.label} on disk"
    return "" if is_fetched(spec) or allows(spec, wanted.manifest.version) else f"is {wanted.label}, not {spec}"


def _asked(manifest: Mapping[str, Any], name: str, wanted: Package) -> str:
    """What is wrong with the way a vendored package asks for *name*; "" when an installer will supply *wanted*."""
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
