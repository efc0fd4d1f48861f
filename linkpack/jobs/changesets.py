"""Read the publish plan of changesets 3, and add tarballs to it.

The format is that of @changesets/cli 3.0.3 (`publish-plan`, `pack`, `publish --from-pack-dir`):
`{"version": 1, "plan": [[release, …], …]}`. Packing gives each release of kind `publish` a
`"tarball": {"path": "packages/x.tgz", "integrity": "sha256-…"}` and leaves the rest as it is.
"""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
from typing import TYPE_CHECKING, Any

from linkpack.errors import LinkpackError, ManifestInvalid, SnapshotError
from linkpack.npm.json_text import MAX_BYTES, parse
from linkpack.project.monorepo import read_monorepo
from linkpack.project.package_json import read_manifest
from linkpack.project.workspace import find_workspace, list_members
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.system import write as fswrite
from linkpack.system.read import walk_up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACKAGES = "packages"  # the folder of the tarballs, beside the plan
PLAN = "publish-plan.json"


class Release(Record):
    """A package to pack for a release.

    *folder* is its real directory.
    """

    name: str
    version: str
    folder: str


class PublishPlan(Record):
    """A plan as read: the *document*, and in its order the releases to pack."""

    document: Mapping[str, Any]
    releases: tuple[Release, ...]


def read_publish_plan(path: str, start: str = ".") -> PublishPlan:
    """Read the plan in the file *path*, and find its packages around *start*.

    The packages are those of the workspace around the directory *start*. Raises `LinkpackError` (EPUBLISHPLAN)
    when the file is no such plan, or when a package that it names is not there in that version.
    """
    try:
        document = parse(fs.read_file(path, MAX_BYTES), path)
    except OSError as err:
        raise _report_fault(path, f"cannot be read: {err.strerror}") from err
    except ManifestInvalid as err:
        raise _report_fault(path, f"is no JSON object: {err.message}") from err
    groups = document.get("plan")
    if document.get("version") != 1 or not isinstance(groups, list):
        raise _report_fault(path, "is no publish plan of version 1")
    releases = [
        release for group in groups if isinstance(group, list) for release in group if isinstance(release, dict)
    ]
    if len(releases) != sum(len(group) if isinstance(group, list) else 1 for group in groups):
        raise _report_fault(path, "has a plan that is not a list of lists of releases")
    wanted = [
        (release.get("name"), release.get("version")) for release in releases if release.get("kind") == "publish"
    ]
    known = _read_members(start) if wanted else {}
    return PublishPlan(document, tuple(_find_release(path, known, name, version) for name, version in wanted))


def _find_release(path: str, known: Mapping[str, tuple[str, str]], name: object, version: object) -> Release:
    """Return the release of *name*, if the package is at *version*.

    *known* are version and folder of each package by its name.
    """
    if not isinstance(name, str) or not isinstance(version, str):
        raise _report_fault(path, "has a release without name or version")
    if name not in known:
        raise _report_fault(path, f"names {name}, which is no package of this workspace")
    current, folder = known[name]
    if current != version:
        raise _report_fault(path, f"publishes {name}@{version}, but {folder} is at {current or 'no version'}")
    return Release(name, version, folder)


def _read_members(start: str) -> Mapping[str, tuple[str, str]]:
    """Return version and folder of each package around *start*, by name.

    These are the packages of the monorepo around *start*. Without a monorepo it is the one package there.
    """
    roots = [folder for folder in walk_up(fs.real_path(start)) if fs.is_file(f"{folder}/package.json")]
    workspace = next(
        (workspace for root in roots if (workspace := find_workspace(root) or read_monorepo(root))), None
    )
    folders = [workspace.root, *list_members(workspace)] if workspace else roots[:1]
    members: dict[str, tuple[str, str]] = {}
    for folder in folders:
        try:
            manifest = read_manifest(folder, "installed")
        except LinkpackError:
            continue  # an error only if the plan names this package, which is then not found
        members.setdefault(manifest.name, (manifest.version, folder))
    return members


def write_publish_plan(plan: PublishPlan, folder: str, paths: Sequence[str]) -> str:
    """Write *plan* with its tarballs, and return the path of the file.

    The file is in *folder*. *paths* are the tarballs of its releases, in their order. Raises `SnapshotError`
    (EWRITE).
    """
    tarballs = {
        release.name: {"path": f"{PACKAGES}/{posixpath.basename(path)}", "integrity": _hash_file(path)}
        for release, path in zip(plan.releases, paths, strict=True)
    }
    groups = [[_add_tarball(release, tarballs) for release in group] for group in plan.document["plan"]]
    text = json.dumps({"version": 1, "plan": groups}, indent=2, ensure_ascii=False)
    target = f"{folder}/{PLAN}"
    try:
        with fswrite.make_folders(folder), fswrite.open_draft(target) as out:
            out.write(text.encode("utf-8", "replace"))  # JSON can escape a lone surrogate, UTF-8 has none
    except OSError as err:
        message = f"{target} cannot be written: {err.strerror}"
        raise SnapshotError(message, code="EWRITE", path=target, hint="choose another --out-dir") from err
    return target


def _add_tarball(release: Mapping[str, Any], tarballs: Mapping[str, Mapping[str, str]]) -> Mapping[str, Any]:
    """Return *release* with its tarball, if it is to be published."""
    if release.get("kind") != "publish":
        return release
    return {**release, "tarball": tarballs[release["name"]]}


def _hash_file(path: str) -> str:
    """Return the integrity of a file as changesets writes it, by SHA-256."""
    digest = hashlib.sha256()
    status = fs.lstat(path)
    for piece in fs.read_planned(path, status.st_dev, status.st_ino, status.st_size):
        digest.update(piece)
    return "sha256-" + base64.b64encode(digest.digest()).decode()


def _report_fault(path: str, why: str) -> LinkpackError:
    hint = "make it with: changeset publish-plan --output FILE"
    return LinkpackError(f"{path} {why}", code="EPUBLISHPLAN", path=path, hint=hint)
