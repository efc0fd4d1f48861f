"""Bills of materials of a tarball, in CycloneDX 1.6 and SPDX 2.3 JSON.

Both are functions of the record: identifiers are derived from the tarball's digest, and the one time that SPDX
demands is that of every file in an npm tarball.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from linkpack.provenance.components import plan_parts
from linkpack.provenance.cyclonedx import cyclonedx
from linkpack.provenance.record import dumped
from linkpack.provenance.spdx import spdx

if TYPE_CHECKING:
    from linkpack.provenance.record import Record

SbomKind: TypeAlias = Literal["cyclonedx", "spdx"]


def bill(record: Record, kind: SbomKind) -> str:
    """The bill of materials of the tarball of *record*, as JSON text."""
    write = cyclonedx if kind == "cyclonedx" else spdx
    return dumped(write(record, plan_parts(record.plan), _unique(record)))


def _unique(record: Record) -> str:
    """A URN that belongs to the tarball's bytes."""
    from uuid import NAMESPACE_OID, uuid5  # noqa: PLC0415 - only this function needs it

    return uuid5(NAMESPACE_OID, f"linkpack {record.shipped.sha512}").urn
