"""Read a tarball, or plan a project, into a form that compares."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from linkpack.archive.entry import ROOT
from linkpack.archive.findings import as_problems, only_errors
from linkpack.archive.reader import Wanted, changed_problem, open_tarball, read_archive
from linkpack.bundle.layout_check import find_slot
from linkpack.errors import PlanRejected
from linkpack.npm.manifest import parse_manifest
from linkpack.packing.pack import measure_plan
from linkpack.packing.plan import make_plan
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.verifying.manifests import is_manifest, read_manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from linkpack.archive.reader import Archive
    from linkpack.limits import Limits
    from linkpack.npm.manifest import Manifest
    from linkpack.packing.options import PackOptions
    from linkpack.packing.plan import PackPlan

TEXT_LIMIT = 1 << 20  # bytes of a file that is compared by line
TEXTS_LIMIT = 64 << 20  # bytes of all such files


class SideFile(Record):
    """A file: *size* in bytes, permission bits, SHA-256 of its contents."""

    size: int
    mode: int
    digest: str


class Side(Record):
    """One side of a comparison.

    *files* are by path below `package/`, *manifests* by slot ("": the root's). *packed* is the tarball's size in
    bytes and *integrity* its digest. A tarball has a *path*, and a directory the *plan* of packing it.
    """

    label: str
    files: Mapping[str, SideFile]
    manifests: Mapping[str, Manifest]
    packed: int
    integrity: str
    path: str
    plan: PackPlan | None


def read_side(path: str, limits: Limits, options: PackOptions) -> Side:
    """Read the tarball *path*, or plan packing the project there.

    Raises `PlanRejected` when a tarball is not safe to read, and what `plan_pack` raises.
    """
    return plan_side(path, options) if fs.is_dir(path) else read_tarball_side(path, limits)


def read_tarball_side(path: str, limits: Limits) -> Side:
    """Read the tarball at *path*.

    Raises `PlanRejected` when there is an error in its shape or its manifests; it may have any file name.
    """
    with open_tarball(path) as file:
        archive = read_archive(file.source, file.size, Wanted(is_manifest), limits)
    manifests = read_manifests(archive, path)
    faults = only_errors((*archive.findings, *manifests.findings))
    faults = tuple(
        finding for finding in faults if finding.code != "EFILENAME"
    )  # about the name, not the contents
    if faults:
        raise PlanRejected(as_problems(faults))
    return Side(
        label=path,
        files=list_files(archive),
        manifests=manifests.by_slot,
        packed=archive.size,
        integrity=archive.integrity,
        path=path,
        plan=None,
    )


def list_files(archive: Archive) -> Mapping[str, SideFile]:
    """Return the files of *archive* by path."""
    return {member.path: SideFile(member.size, member.mode & 0o777, member.digest) for member in archive.members}


def plan_side(folder: str, options: PackOptions, prepare: Callable[[PackPlan], None] | None = None) -> Side:
    """Plan packing the project in *folder*, and measure the tarball.

    *prepare* gets the plan before the files are read. Raises what `plan_pack` and `pack` raise.
    """
    plan = make_plan(folder, options)
    if prepare is not None:
        prepare(plan)
    tarball = measure_plan(plan, options)  # for its size and digest: nothing is written
    files = {
        entry.path[len(ROOT) :]: SideFile(entry.size, entry.mode, _digest(entry.read())) for entry in plan.entries
    }
    manifests = {
        slot: parse_manifest(entry.source, entry.path, "installed")
        for entry in plan.entries
        # `pack` has the text of every manifest in memory, since it may have been rewritten.
        if isinstance(entry.source, bytes) and (slot := find_slot(entry.path[len(ROOT) :])) is not None
    }
    return Side(
        label=folder,
        files=files,
        manifests=manifests,
        packed=tarball.size,
        integrity=tarball.integrity,
        path="",
        plan=plan,
    )


def read_contents(side: Side, paths: Collection[str], limits: Limits) -> Mapping[str, bytes]:
    """Read the contents of the short ones among *paths*.

    A file may have `TEXT_LIMIT` bytes, and all files together `TEXTS_LIMIT`.
    """
    wanted = _choose_short(side, paths)
    if not wanted:
        return {}
    if side.plan is not None:
        entries = ((entry.path[len(ROOT) :], entry) for entry in side.plan.entries)
        return {path: b"".join(entry.read()) for path, entry in entries if path in wanted}
    with open_tarball(side.path) as file:
        keep = Wanted(lambda path, _size: path in wanted)
        archive = read_archive(file.source, file.size, keep, limits)
    if archive.integrity != side.integrity:  # another process wrote to the file between the two readings
        raise PlanRejected(as_problems(only_errors(archive.findings)) or (changed_problem(side.path),))
    return {member.path: member.kept for member in archive.members if member.path in wanted}


def _choose_short(side: Side, paths: Iterable[str]) -> set[str]:
    """Return the first of *paths* that fit into the limits."""
    left = TEXTS_LIMIT
    wanted = set()
    for path in paths:
        size = side.files[path].size if path in side.files else TEXT_LIMIT + 1
        if size <= min(TEXT_LIMIT, left):
            left -= size
            wanted.add(path)
    return wanted


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
