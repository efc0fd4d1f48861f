"""List the packages of a planned tarball for a bill of materials."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import quote

from linkpack.archive.entry import ROOT
from linkpack.npm import json_text as jsontext
from linkpack.project.resolve import SlotIndex
from linkpack.provenance.licenses import read_license
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.packing.plan import PackPlan
    from linkpack.provenance.licenses import License


class Part(Record):
    """A package of the tarball: the project itself, or a bundled one.

    The project's only slot is "". *needs* are the parts that it depends on and finds from any of its slots, each
    by its first slot. *linked* parts are snapshots of a source directory.
    """

    name: str
    version: str
    slots: tuple[str, ...]
    license: License
    needs: tuple[str, ...]
    linked: bool

    @property
    def purl(self) -> str:
        """Return its package URL."""
        return make_purl(self.name, self.version)


def make_purl(name: str, version: str) -> str:
    """Return the package URL of an npm package.

    >>> make_purl("@scope/lib", "1.0.0+build")
    'pkg:npm/%40scope/lib@1.0.0%2Bbuild'
    """
    # The slash between scope and name stays, and all else is percent-encoded (the purl specification, type npm).
    path = "/".join(quote(portion, safe="") for portion in name.split("/"))
    return f"pkg:npm/{path}@{quote(version, safe='')}" if version else f"pkg:npm/{path}"


def plan_parts(plan: PackPlan) -> tuple[Part, ...]:
    """Return the parts of what *plan* packs, the project first.

    Their dependencies and licenses are those of the manifests that will ship.
    """
    project = (plan.manifest.name, plan.manifest.version, ("",), True)
    packages = (
        project,
        *((package.name, package.version, package.slots, package.linked) for package in plan.bundled),
    )
    first_slots = {slot: slots[0] for _, _, slots, _ in packages for slot in slots}
    manifests = _read_manifests(plan, first_slots)
    index = SlotIndex(first_slots)
    folders = dict(_iter_folders(manifests[""], first_slots))
    parts = []
    for name, version, slots, linked in packages:
        own_slot = slots[0]  # copies of a package have the same files: the first stands for all
        manifest = manifests[own_slot]
        wanted = [
            *_iter_names(manifest, "dependencies", "optionalDependencies"),
            # The project ships what it bundles. Its own peers come from the consumer.
            *(_iter_names(manifest, "peerDependencies") if own_slot else plan.manifest.bundle),
            *_iter_bundled_names(manifest),
        ]
        # In node_modules, or in a folder as the layouts vendor and thin have it.
        hits = (index.find(slot, other) or folders.get(other) for slot in slots for other in wanted)
        # A package that depends on its own name finds itself, which says nothing.
        needs = {first_slots[hit] for hit in hits if hit is not None} - {own_slot}
        parts.append(
            Part(
                name=name,
                version=version,
                slots=slots,
                license=read_license(manifest),
                needs=tuple(sorted(needs)),
                linked=linked,
            )
        )
    return tuple(parts)


def _read_manifests(plan: PackPlan, slots: Mapping[str, str]) -> dict[str, Mapping[str, object]]:
    """Return the members of the package.json in each slot."""
    manifests = {}
    for entry in plan.entries:
        path = entry.path[len(ROOT) :]
        slot = path.removesuffix("package.json").rstrip("/")
        # The text of each package.json is in the plan, as it may have been rewritten.
        if isinstance(entry.source, bytes) and slot in slots:
            manifests[slot] = jsontext.parse(entry.source, entry.path)
    return manifests


def _iter_names(members: Mapping[str, object], *sections: str) -> Iterator[str]:
    """Yield the names that a manifest has in *sections*."""
    for section in sections:
        table = members.get(section)
        if isinstance(table, dict):
            yield from table


def _iter_bundled_names(members: Mapping[str, object]) -> Iterator[str]:
    """Yield the names that a package bundles, declared or not."""
    # npm reads both spellings (@npmcli/package-json, lib/normalize.js, `bundledDependencies`).
    for key in ("bundleDependencies", "bundledDependencies"):
        names = members.get(key)
        if isinstance(names, list):
            yield from (name for name in names if isinstance(name, str))


def _iter_folders(root: Mapping[str, object], slots: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the names that *root* depends on by a folder, with the folder.

    That is how the layouts without node_modules have their packages.
    """
    for section in ("dependencies", "optionalDependencies"):
        table = root.get(section)
        if not isinstance(table, dict):
            continue
        for name, spec in table.items():
            folder = posixpath.normpath(str(spec).removeprefix("file:"))
            if folder in slots:  # `file:./vendor/a` of the layout vendor, and no folder at the author's
                yield name, folder
