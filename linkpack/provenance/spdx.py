"""Write a bill of materials as SPDX 2.3 has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.provenance.components import Part
    from linkpack.provenance.licenses import License
    from linkpack.provenance.record import SourceRecord
    from linkpack.provenance.sources import Origin

TIME = "1985-10-26T08:15:00Z"  # SPDX demands one: that of every file in an npm tarball
_NOTHING = "NOASSERTION"
_DOCUMENT = "SPDXRef-DOCUMENT"


def make_spdx(record: SourceRecord, parts: Sequence[Part], urn: str) -> dict[str, object]:
    """Return the document for *parts*, the project first.

    *urn* is unique to the tarball.
    """
    ids = {part.slots[0]: f"SPDXRef-Package-{number}" for number, part in enumerate(parts)}
    origins = {origin.slots[0]: origin for origin in record.origins}
    root, *bundled = (_package(ids[part.slots[0]], part, origins.get(part.slots[0])) for part in parts)
    shipped = record.shipped
    digests = (("SHA1", shipped.sha1), ("SHA256", shipped.sha256), ("SHA512", shipped.sha512))
    root["packageFileName"] = record.tarball.filename
    root["checksums"] = [{"algorithm": name, "checksumValue": value} for name, value in digests]
    return {
        "spdxVersion": "SPDX-2.3",
        "SPDXID": _DOCUMENT,
        "dataLicense": "CC0-1.0",
        "name": record.tarball.filename,
        "documentNamespace": urn,
        "creationInfo": {"created": TIME, "creators": [f"Tool: linkpack-{__version__}"]},
        "packages": [root, *bundled],
        "relationships": [
            {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related}
            for element, kind, related in _relations(parts, ids)
        ],
    }


def _relations(parts: Sequence[Part], ids: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield each relation as an element, its kind and the related element."""
    root, *bundled = parts
    yield _DOCUMENT, "DESCRIBES", ids[root.slots[0]]
    for part in bundled:
        yield ids[root.slots[0]], "CONTAINS", ids[part.slots[0]]
    for part in parts:
        for slot in part.needs:
            yield ids[part.slots[0]], "DEPENDS_ON", ids[slot]


def _package(ref: str, part: Part, origin: Origin | None) -> dict[str, object]:
    package: dict[str, object] = {
        "SPDXID": ref,
        "name": part.name,
        "versionInfo": part.version,
        "downloadLocation": _NOTHING,
        "filesAnalyzed": False,
        "licenseConcluded": _NOTHING,
        **_license(part.license),
        "copyrightText": _NOTHING,
        "sourceInfo": _source(part, origin),
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": part.purl}
        ],
    }
    return {key: value for key, value in package.items() if value != ""}


def _license(license_: License) -> dict[str, object]:
    """Return what package.json says of the license.

    What is no SPDX expression goes into a comment.
    """
    # SPDX has the text of a LicenseRef quoted in the document, and only its name is known.
    if license_.expression and "LicenseRef-" not in license_.expression:
        return {"licenseDeclared": license_.expression}
    words = license_.words or license_.expression
    comment = f"package.json says: {words}" if words else ""
    return {"licenseDeclared": _NOTHING, "licenseComments": comment}


def _source(part: Part, origin: Origin | None) -> str:
    """Return where the package's files come from, in words."""
    if origin is None:
        return f"installed package, in {', '.join(part.slots)}"
    git = origin.git
    state = f"commit {git.commit}" if git.commit else git.fault
    dirty = f", with uncommitted changes: {', '.join(git.dirty)}" if git.dirty else ""
    kind = "project" if part.slots == ("",) else f"snapshot, in {', '.join(part.slots)}"
    where = f"source directory {origin.place}, " if origin.place else ""
    return f"{kind}; {where}{state}{dirty}"
