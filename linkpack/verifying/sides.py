"""Two things to compare, seen alike: a tarball, or a directory as it would be packed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from linkpack.archive.entry import ROOT
from linkpack.archive.findings import as_problems, errors
from linkpack.archive.reader import Wanted, changed, open_tarball, read_archive
from linkpack.bundle.layout_check import slot_of
from linkpack.errors import PlanRejected
from linkpack.npm.manifest import parse_manifest
from linkpack.packing import plan as api
from linkpack.system import read as fs
from linkpack.verifying.manifests import is_manifest, read_manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from linkpack.archive.reader import Archive
    from linkpack.limits import Limits
    from linkpack.npm.manifest import Manifest
    from linkpack.packing.options import PackOptions
    from linkpack.packing.plan import PackPlan

TEXT_LIMIT = 1 << 20  # bytes of a file whose contents are compared by line

TEXTS_LIMIT = 64 << 20  # bytes of all such files


class SideFile(NamedTuple):
    """A file by its *size* in bytes, its permission bits, and the SHA-256 of its contents."""

    size: int
    mode: int
    digest: str


class Side(NamedTuple):
    """One of two: *files* by path below `package/`, *manifests* by slot ("" is the package's own).

    *packed* is the tarball's size in bytes and *integrity* its digest. *path* is the tarball, or *plan* what the
    directory would be packed to.
    """

    label: str
    files: Mapping[str, SideFile]
    manifests: Mapping[str, Manifest]
    packed: int
    integrity: str
    path: str
    plan: PackPlan | None


def read_side(path: str, limits: Limits, how: PackOptions) -> Side:
    """The tarball at *path*, or the project in that directory as it would be packed.

    *how* says what packing is told. Raises `PlanRejected` when a tarball is not safe to read, and what `plan_pack`
    raises.
    """
    return plan_side(path, how) if fs.is_dir(path) else tarball_side(path, limits)


def tarball_side(path: str, limits: Limits) -> Side:
    """The tarball at *path*; `PlanRejected` when there is anything wrong with its shape or its manifests."""
    with open_tarball(path) as file:
        archive = read_archive(file.source, file.size, Wanted(is_manifest), limits)
    manifests = read_manifests(archive, path)
    bad = errors((*archive.findings, *manifests.findings))
    bad = tuple(each for each in bad if each.code != "EFILENAME")
    if bad:
        raise PlanRejected(as_problems(bad))
    return Side(path, archived(archive), manifests.by_slot, archive.size, archive.integrity, path, None)


def archived(archive: Archive) -> Mapping[str, SideFile]:
    """The files of *archive*."""
    return {each.path: SideFile(each.size, each.mode & 0o777, each.digest) for each in archive.members}


def plan_side(folder: str, how: PackOptions, prepare: Callable[[PackPlan], None] | None = None) -> Side:
    """Return what the project in *folder* would be packed to, told *how*; *prepare* gets the plan beforehand.

    Raises as `plan_pack` and `pack` do.
    """
    plan = api.make_plan(folder, how)
    if prepare is not None:
        prepare(plan)
    tarball = api.measure_plan(plan, how)
    files = {
        entry.path[len(ROOT) :]: SideFile(entry.size, entry.mode, _digest(entry.read())) for entry in plan.entries
    }
    manifests = {
        slot: parse_manifest(entry.source, entry.path, "installed")
        for entry in plan.entries
        if isinstance(entry.source, bytes) and (slot := slot_of(entry.path[len(ROOT) :])) is not None
    }
    return Side(folder, files, manifests, tarball.size, tarball.integrity, "", plan)


def read_contents(side: Side, paths: Collection[str], limits: Limits) -> Mapping[str, bytes]:
    """The contents of those of *paths* that are no longer than `TEXT_LIMIT`, `TEXTS_LIMIT` bytes in all."""
    wanted = _short(side, paths)
    if not wanted:
        return {}
    if side.plan is not None:
        entries = ((entry.path[len(ROOT) :], entry) for entry in side.plan.entries)
        return {path: b"".join(entry.read()) for path, entry in entries if path in wanted}
    with open_tarball(side.path) as file:
        keep = Wanted(lambda path, _size: path in wanted)
        archive = read_archive(file.source, file.size, keep, limits)
    if archive.integrity != side.integrity:
        raise PlanRejected(as_problems(errors(archive.findings)) or (changed(side.path),))
    return {each.path: each.kept for each in archive.members if each.path in wanted}


def _short(side: Side, paths: Iterable[str]) -> set[str]:
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
