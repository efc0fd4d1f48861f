"""Check what no lifecycle script can change, before the first one runs."""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError, SnapshotError
from linkpack.project.project import find_project
from linkpack.system import read as fs
from linkpack.system.write import check_replaceable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.packing.options import PackOptions
    from linkpack.project.project import Project

# What npm runs around packing a folder (libnpmpack, lib/index.js; pacote, lib/dir.js): no pre- and post-scripts.
EVENTS = ("prepack", "prepare", "postpack")


def has_scripts(project: Project) -> bool:
    """Return True if packing *project* runs scripts of its own."""
    return any(project.manifest.scripts.get(event) for event in EVENTS)


def check_before_scripts(
    path: str, options: PackOptions, *, walk_up: bool, dry_run: bool = False
) -> tuple[Project, str]:
    """Find the project in *path*, and return it with its tarball's path.

    The manifest and the tarball's name are checked. Except in a *dry_run*, it is also checked that the tarball can
    be written. Raises what `plan_pack` raises about these, and `SnapshotError` (EWRITE).
    """
    # npm finds such faults only after prepack and prepare, which may take minutes.
    project = find_project(path, walk_up=walk_up)
    target = options.target(options.filename(project.manifest))
    if not dry_run:
        _check_writable(target)
    return project, target


def check_distinct(targets: Sequence[str]) -> None:
    """Raise `LinkpackError` (EOUTSAME) if two of *targets* are one file.

    *targets* are the paths of the tarballs of one run.
    """
    target, count = next(iter(Counter(targets).most_common(1)), ("", 0))
    if count > 1:
        name = posixpath.basename(target)  # `@s/a` and `s-a` have one name for their tarballs
        raise LinkpackError(
            f"{count} packages would be written to {name}",
            code="EOUTSAME",
            path=name,
            hint="use %s and %v in --out, or pack them one by one",
        )


def _check_writable(target: str) -> None:
    """Raise `SnapshotError` (EWRITE) if no file can be written at *target*."""
    folder = posixpath.dirname(target) or "."
    # The first folder above the tarball that exists. The missing ones below will be made in it.
    nearest = folder
    while nearest and not _exists(nearest):
        nearest = posixpath.dirname(nearest)
    nearest = nearest or "."
    if not fs.is_writable_dir(nearest):
        fault = "cannot be written to" if fs.is_dir(nearest) else "is no folder"
        raise SnapshotError(
            f"{folder} cannot take the tarball: {nearest} {fault}",
            code="EWRITE",
            path=folder,
            hint="choose another --pack-destination; no script was run",
        )
    try:
        check_replaceable(target)
    except OSError as err:
        raise SnapshotError(
            f"{target} cannot be written: {err.strerror}",
            code="EWRITE",
            path=target,
            hint="choose another --out; no script was run",
        ) from err


def _exists(path: str) -> bool:
    try:
        fs.lstat(path)
    except (OSError, ValueError):  # a NUL in the path
        return False
    return True
