"""Say which records of a tarball are asked for, and where they go."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.npm.package_names import fill_pattern
from linkpack.record import Record

if TYPE_CHECKING:
    from linkpack.packing.plan import PackPlan
    from linkpack.provenance.sbom import SbomKind

SUFFIXES: dict[SbomKind, str] = {"cyclonedx": ".cdx.json", "spdx": ".spdx.json"}
"""How the file name of a bill of materials ends, by its kind."""


class RecordOptions(Record):
    """The records to write beside a tarball, by default none."""

    snapshot_manifest: str = ""
    """Pattern of the file for the record of sources; "" for none."""

    record_format: str = "json"
    """`json`, or `intoto` for a statement with SLSA provenance."""

    sbom: SbomKind | None = None
    """Kind of the bill of materials; None for none."""

    sbom_file: str = ""
    """Pattern of the file for the bill of materials. "": beside the tarball."""

    require_clean: bool = False
    """Whether uncommitted changes are an error."""


def record_paths(plan: PackPlan, destination: str, options: RecordOptions) -> tuple[str, ...]:
    """Return the paths that recording writes for *plan*.

    The tarball goes to *destination*, and a bill of materials without a name of its own is written beside it.
    Raises `LinkpackError` (EOUTPATTERN) when a pattern makes no file name.
    """
    name, version = plan.manifest.name, plan.manifest.version
    paths = []
    if options.snapshot_manifest:
        paths.append(fill_pattern(options.snapshot_manifest, name, version))
    if options.sbom is not None:
        beside = posixpath.join(destination, plan.filename.removesuffix(".tgz") + SUFFIXES[options.sbom])
        paths.append(fill_pattern(options.sbom_file, name, version) if options.sbom_file else beside)
    return tuple(paths)
