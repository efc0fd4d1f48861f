"""What is checked before the first script runs: whether there are any, and all that they cannot mend."""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError, SnapshotError
from linkpack.npm.package_names import format_out, tarball_name
from linkpack.project.project import find_project
from linkpack.system import read as fs
from linkpack.system.write import check_replaceable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.project.project import Project

EVENTS = ("prepack", "prepare", "postpack")


def has_scripts(project: Project) -> bool:
    """Whether packing *project* runs scripts of its own."""
    return any(project.manifest.scripts.get(event) for event in EVENTS)


def check_before(
    path: str, destination: str, *, walk_up: bool, out: str, dry_run: bool = False
) -> tuple[Project, str]:
    """The project in *path* and its tarball's path, everything checked that scripts cannot mend.

    That is the manifest, the tarball's name, and that it can be written into *destination*. Raises what
    `plan_pack` raises of these, and `SnapshotError` (EWRITE).
    """
    project = find_project(path, walk_up=walk_up)
    name, version = project.manifest.name, project.manifest.version
    target = posixpath.join(destination, format_out(out, name, version) if out else tarball_name(name, version))
    if not dry_run:
        _check_writable(target)
    return project, target


def check_distinct(targets: Sequence[str]) -> None:
    """Nothing, unless two packages would be written to one file of *targets*: `LinkpackError` (EOUTSAME)."""
    target, count = next(iter(Counter(targets).most_common(1)), ("", 0))
    if count > 1:
        name = posixpath.basename(target)
        raise LinkpackError(
            f"{count} packages would be written to {name}",
            code="EOUTSAME",
            path=name,
            hint="use %s and %v in --out, or pack them one by one",
        )


def _check_writable(target: str) -> None:
    folder = posixpath.dirname(target) or "."
    at = folder
    while at and not _exists(at):
        at = posixpath.dirname(at)
    if not fs.writable_dir(at or "."):
        what = "cannot be written to" if fs.is_dir(at or ".") else "is no folder"
        raise SnapshotError(
            f"{folder} cannot take the tarball: {at or '.'} {what}",
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
    except (OSError, ValueError):
        return False
    return True
