"""Whether a tarball is what a source packs to, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack import api
from linkpack.errors import LinkpackError
from linkpack.gate.findings import Finding
from linkpack.gate.sides import SideFile, archived, plan_side
from linkpack.packing.options import PackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.gate.reader import Archive
    from linkpack.gate.sides import Side
    from linkpack.npm.manifest import Manifest
    from linkpack.ship.form import LayoutName

_VENDORED = "file:./vendor/"  # what the layouts vendor and thin write
_FIX = "pack the source again, or find out who changed the tarball"


def check_against(archive: Archive, source: Side) -> Iterator[Finding]:
    """Every file of *archive* that is not the one of *source*, or that only one of them has."""
    if archive.integrity == source.integrity:
        return
    files = archived(archive)
    same = True
    for path in sorted(files.keys() | source.files.keys()):
        how = _difference(files.get(path), source.files.get(path))
        if how:
            same = False
            yield Finding("EAGAINST", path, f"{path} {how} {source.label}", _FIX)
    if same and not _compressed_more(archive, source):
        why = f"all files are those of {source.label}, but the tarball's bytes are not: another tool packed it"
        yield Finding("EAGAINST", "", why, "pack it with linkpack pack, or pass --allow EAGAINST")


def check_project(
    archive: Archive, own: Manifest | None, folder: str, how: PackOptions, *, label: str = ""
) -> tuple[Finding, ...]:
    """Every file of *archive* that is not the one that the project in *folder* packs to, as *how* says.

    The layout is told by the specs of *own*, the manifest in the archive: of those that it may be, the one that
    comes nearest counts. Raises what planning raises, when it does for each of them.
    """
    vendored = own is not None and any(spec.startswith(_VENDORED) for spec in own.dependencies.values())
    layouts: tuple[LayoutName, ...] = ("vendor", "thin") if vendored else ("bundle",)
    best: tuple[Finding, ...] | None = None
    for number, layout in enumerate(layouts, 1):
        try:
            side = plan_side(folder, how._replace(layout=layout))
        except LinkpackError:
            if number == len(layouts) and best is None:
                raise
            continue
        found = tuple(check_against(archive, side._replace(label=label or side.label)))
        best = found if best is None or len(found) < len(best) else best
    return best or ()


def _compressed_more(archive: Archive, source: Side) -> bool:
    """Whether *archive* is what the project *source* packs to with --gzip-level max."""
    if source.plan is None:
        return False
    return archive.integrity == api.measure_plan(source.plan, PackOptions(gzip_level="max")).integrity


def _difference(file: SideFile | None, other: SideFile | None) -> str:
    """How *file* of the tarball differs from the source's, to be read between its path and the source's name."""
    if file is None:
        return "is missing: it is in"
    if other is None:
        return "is not in"
    if file.digest != other.digest:
        return f"has other contents ({file.size} bytes, not {other.size}) than in"
    return f"has the mode {file.mode:o}, not {other.mode:o} as in" if file.mode != other.mode else ""
