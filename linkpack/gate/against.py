"""Whether a tarball is what a source packs to, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.gate.findings import Finding
from linkpack.gate.sides import SideFile, archived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.gate.reader import Archive
    from linkpack.gate.sides import Side

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
    if same:
        why = f"all files are those of {source.label}, but the tarball's bytes are not: another tool packed it"
        yield Finding("EAGAINST", "", why, "pack it with linkpack pack, or pass --allow EAGAINST")


def _difference(file: SideFile | None, other: SideFile | None) -> str:
    """How *file* of the tarball differs from the source's, to be read between its path and the source's name."""
    if file is None:
        return "is missing: it is in"
    if other is None:
        return "is not in"
    if file.digest != other.digest:
        return f"has other contents ({file.size} bytes, not {other.size}) than in"
    return f"has the mode {file.mode:o}, not {other.mode:o} as in" if file.mode != other.mode else ""
