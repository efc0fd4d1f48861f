"""Make the bill of materials of a tarball, as JSON.

It is in the form of CycloneDX 1.6 or SPDX 2.3. The same record gives the same bytes: identifiers are derived from
the tarball's digest, and the one time that SPDX demands is that of every file in an npm tarball.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias
from uuid import NAMESPACE_OID, uuid5

from linkpack.provenance.components import plan_parts
from linkpack.provenance.cyclonedx import make_cyclonedx
from linkpack.provenance.record import dump_json
from linkpack.provenance.spdx import make_spdx

if TYPE_CHECKING:
    from linkpack.provenance.record import SourceRecord

SbomKind: TypeAlias = Literal["cyclonedx", "spdx"]


def make_bill(record: SourceRecord, kind: SbomKind) -> str:
    """Return the bill of materials of the tarball of *record*, as JSON text."""
    make = make_cyclonedx if kind == "cyclonedx" else make_spdx
    return dump_json(make(record, plan_parts(record.plan), _make_urn(record)))


def _make_urn(record: SourceRecord) -> str:
    """Return a URN that belongs to the tarball's bytes."""
    return uuid5(NAMESPACE_OID, f"linkpack {record.shipped.sha512}").urn
