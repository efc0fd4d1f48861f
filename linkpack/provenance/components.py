"""The packages in a planned tarball as a bill of materials lists them, and which of them needs which."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from linkpack.archive.entry import ROOT
from linkpack.npm import json_text as jsontext
from linkpack.project.resolve import find_path
from linkpack.provenance.licenses import read_license

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.packing.plan import PackPlan
    from linkpack.provenance.licenses import License


class Part(NamedTuple):
    """A package of the tarball: the project itself (its only slot is "") or a bundled one.

    *needs* are the first slots of the parts that it finds for the names it depends on, from any of its slots.
    *linked* parts are snapshots.
    """

    name: str
    version: str
    slots: tuple[str, ...]
    license: License
    needs: tuple[str, ...]
    linked: bool

    @property
    def purl(self) -> str:
        """The package URL."""
        return purl(self.name, self.version)


def purl(name: str, version: str) -> str:
    """The package URL of an npm package: `pkg:npm/%40s/n@1.0.0`."""
    path = "/".join(quote(each, safe="") for each in name.split("/"))
    return f"pkg:npm/{path}@{quote(version, safe='')}" if version else f"pkg:npm/{path}"


def plan_parts(plan: PackPlan) -> tuple[Part, ...]:
    """The parts of what *plan* packs, the project first; read from the manifests that will ship."""
    own = ("", plan.manifest.name, plan.manifest.version, ("",), True)
    held = (own, *((each.slots[0], each.name, each.version, each.slots, each.linked) for each in plan.bundled))
    first = {slot: at for at, _, _, slots, _ in held for slot in slots}
    manifests = _manifests(plan, first)
    homes = dict(_homes(manifests[""], first))
    parts = []
    for at, name, version, slots, linked in held:
        asked = [
            *_names(manifests[at], "dependencies", "optionalDependencies"),
            *(plan.manifest.bundle if not at else _names(manifests[at], "peerDependencies")),
            *_listed(manifests[at]),
        ]
        hits = (find_path(slot, name, first.__contains__) or homes.get(name) for slot in slots for name in asked)
        found = {first[hit] for hit in hits if hit is not None}
        license_ = read_license(manifests[at])
        parts.append(Part(name, version, slots, license_, tuple(sorted(found - {at})), linked))
    return tuple(parts)


def _manifests(plan: PackPlan, slots: Mapping[str, str]) -> dict[str, Mapping[str, object]]:
    """What the package.json in each slot says."""
    found = {}
    for entry in plan.entries:
        path = entry.path[len(ROOT) :]
        slot = path.removesuffix("package.json").rstrip("/")
        if isinstance(entry.source, bytes) and slot in slots:
            found[slot] = jsontext.parse(entry.source, entry.path)
    return found


def _names(members: Mapping[str, object], *sections: str) -> Iterator[str]:
    for section in sections:
        table = members.get(section)
        if isinstance(table, dict):
            yield from table


def _listed(members: Mapping[str, object]) -> Iterator[str]:
    """Yield the names that a package brings along in its own node_modules, declared or not."""
    for key in ("bundleDependencies", "bundledDependencies"):
        listed = members.get(key)
        yield from (name for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()


def _homes(root: Mapping[str, object], slots: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The names that *root* asks for by a folder of the tarball, as in the layouts without node_modules."""
    for section in ("dependencies", "optionalDependencies"):
        table = root.get(section)
        for name, spec in table.items() if isinstance(table, dict) else ():
            folder = posixpath.normpath(str(spec).removeprefix("file:"))
            if folder in slots:
                yield name, folder
