"""Write a bill of materials as CycloneDX 1.6 has it.

The names of properties that start with `cdx:npm` are CycloneDX's own (its property taxonomy for npm).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack._version import __version__
from linkpack.provenance.contents import digest_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.provenance.components import Part
    from linkpack.provenance.licenses import License
    from linkpack.provenance.record import SourceRecord
    from linkpack.provenance.sources import Origin


def make_cyclonedx(record: SourceRecord, parts: Sequence[Part], urn: str) -> dict[str, object]:
    """Return the document for *parts*, the project first.

    *urn* is unique to the tarball.
    """
    origins = {origin.slots[0]: origin for origin in record.origins}
    root, *bundled = (_component(record, part, origins.get(part.slots[0])) for part in parts)
    shipped = record.shipped
    digests = (("SHA-1", shipped.sha1), ("SHA-256", shipped.sha256), ("SHA-512", shipped.sha512))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": urn,
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": "application", "name": "linkpack", "version": __version__}]},
            "component": {**root, "hashes": [{"alg": name, "content": value} for name, value in digests]},
        },
        "components": bundled,
        "dependencies": [
            {"ref": _ref(part.slots[0]), "dependsOn": [_ref(slot) for slot in part.needs]} for part in parts
        ],
    }


def _ref(slot: str) -> str:
    return slot or "package"


def _component(record: SourceRecord, part: Part, origin: Origin | None) -> dict[str, object]:
    scope, _, name = part.name.rpartition("/")
    component = {
        "type": "library",
        "bom-ref": _ref(part.slots[0]),
        "group": scope,
        "name": name,
        "version": part.version,
        "purl": part.purl,
        "licenses": _licenses(part.license),
        "pedigree": _pedigree(origin),
        "properties": [{"name": key, "value": value} for key, value in _properties(record, part, origin)],
    }
    return {key: value for key, value in component.items() if value}


def _pedigree(origin: Origin | None) -> dict[str, object]:
    """Return the commit that a part is made from, {} for none."""
    if origin is None or not origin.git.commit:
        return {}
    dirty = origin.git.dirty
    notes = {"notes": f"with uncommitted changes: {', '.join(dirty)}"} if dirty else {}
    return {"commits": [{"uid": origin.git.commit}], **notes}


def _properties(record: SourceRecord, part: Part, origin: Origin | None) -> Iterator[tuple[str, str]]:
    """Yield where a part is in the tarball, and what it was made from."""
    if part.slots != ("",):
        yield "cdx:npm:package:bundled", "true"
        for slot in part.slots:
            yield "cdx:npm:package:path", slot
    if origin is not None and origin.place:
        yield "linkpack:source", origin.place
    yield "linkpack:content:sha256", digest_files(record.own[part.slots[0]])


def _licenses(license_: License) -> list[dict[str, object]]:
    """Return a license as an SPDX id, an expression or a name."""
    if license_.words:
        return [{"license": {"name": license_.words}}]
    expression = license_.expression
    if not expression:
        return []
    is_id = not any(char in expression for char in " ()+") and not expression.startswith("LicenseRef-")
    return [{"license": {"id": expression}}] if is_id else [{"expression": expression}]
