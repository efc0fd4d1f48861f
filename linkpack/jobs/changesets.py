"""The publish plan of changesets 3: which packages a release publishes, and, once packed, their tarballs.

Format as read and written by @changesets/cli 3.0.3 (`publish-plan`, `pack`, `publish --from-pack-dir`):
`{"version": 1, "plan": [[release, …], …]}`; a release of kind `publish` gains
`"tarball": {"path": "packages/x.tgz", "integrity": "sha256-…"}`, all else stays.
"""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from linkpack.errors import LinkpackError, ManifestInvalid, SnapshotError
from linkpack.npm.json_text import MAX_BYTES, parse
from linkpack.project.monorepo import read_monorepo
from linkpack.project.package_json import read_manifest
from linkpack.project.workspace import find_workspace, member_folders
from linkpack.system import read as fs
from linkpack.system import write as fswrite
from linkpack.system.read import upward

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACKAGES = "packages"  # the folder of the tarballs, beside the plan
PLAN = "publish-plan.json"


class Release(NamedTuple):
    """A release that is to be packed: the package's name, its version, and its real directory."""

    name: str
    version: str
    folder: str


class PublishPlan(NamedTuple):
    """A plan as read: the *document*, and the releases to pack, in its order."""

    document: Mapping[str, Any]
    releases: tuple[Release, ...]


def read_publish_plan(path: str, start: str = ".") -> PublishPlan:
    """The plan in the file *path*, its packages found in the workspace that holds the directory *start*.

    `LinkpackError` EPUBLISHPLAN when the file is no such plan, or a package that it names is not there in that
    version.
    """
    try:
        document = parse(fs.read_file(path, MAX_BYTES), path)
    except OSError as err:
        raise _refused(path, f"cannot be read: {err.strerror}") from err
    except ManifestInvalid as err:
        raise _refused(path, f"is no JSON object: {err.message}") from err
    groups = document.get("plan")
    if document.get("version") != 1 or not isinstance(groups, list):
        raise _refused(path, "is no publish plan of version 1")
    releases = [each for group in groups if isinstance(group, list) for each in group if isinstance(each, dict)]
    if len(releases) != sum(len(group) if isinstance(group, list) else 1 for group in groups):
        raise _refused(path, "has a plan that is not a list of lists of releases")
    wanted = [(each.get("name"), each.get("version")) for each in releases if each.get("kind") == "publish"]
    known = _members(start) if wanted else {}
    return PublishPlan(document, tuple(_release(path, known, name, version) for name, version in wanted))


def _release(path: str, known: Mapping[str, tuple[str, str]], name: object, version: object) -> Release:
    if not isinstance(name, str) or not isinstance(version, str):
        raise _refused(path, "has a release without name or version")
    if name not in known:
        raise _refused(path, f"names {name}, which is no package of this workspace")
    found, folder = known[name]
    if found != version:
        raise _refused(path, f"publishes {name}@{version}, but {folder} is at {found or 'no version'}")
    return Release(name, version, folder)


def _members(start: str) -> Mapping[str, tuple[str, str]]:
    """Read names to version and folder: the packages of the monorepo around *start*, or the one package there."""
    at = fs.real_path(start)
    roots = [each for each in upward(at) if fs.is_file(f"{each}/package.json")]
    workspace = next((found for each in roots if (found := find_workspace(each) or read_monorepo(each))), None)
    folders = [workspace.root, *member_folders(workspace)] if workspace else roots[:1]
    members: dict[str, tuple[str, str]] = {}
    for folder in folders:
        try:
            manifest = read_manifest(folder, "installed")
        except LinkpackError:
            continue  # whatever is wrong with it, the plan does not name it
        members.setdefault(manifest.name, (manifest.version, folder))
    return members


def write_publish_plan(plan: PublishPlan, folder: str, paths: Sequence[str]) -> str:
    """The path of the plan, written into *folder*; *paths* are the tarballs of its releases, in their order.

    `SnapshotError` (EWRITE) when it cannot be written.
    """
    tarballs = {
        release.name: {"path": f"{PACKAGES}/{posixpath.basename(path)}", "integrity": _integrity(path)}
        for release, path in zip(plan.releases, paths, strict=True)
    }
    groups = [[_packed(each, tarballs) for each in group] for group in plan.document["plan"]]
    text = json.dumps({"version": 1, "plan": groups}, indent=2, ensure_ascii=False)
    target = f"{folder}/{PLAN}"
    try:
        with fswrite.made_dirs(folder), fswrite.draft(target) as out:
            out.write(text.encode("utf-8", "replace"))
    except OSError as err:
        message = f"{target} cannot be written: {err.strerror}"
        raise SnapshotError(message, code="EWRITE", path=target, hint="choose another --out-dir") from err
    return target


def _packed(release: Mapping[str, Any], tarballs: Mapping[str, Mapping[str, str]]) -> Mapping[str, Any]:
    if release.get("kind") != "publish":
        return release
    return {**release, "tarball": tarballs[release["name"]]}


def _integrity(path: str) -> str:
    digest = hashlib.sha256()
    status = fs.lstat(path)
    for piece in fs.read_planned(path, status.st_dev, status.st_ino, status.st_size):
        digest.update(piece)
    return "sha256-" + base64.b64encode(digest.digest()).decode()


def _refused(path: str, why: str) -> LinkpackError:
    hint = "make it with: changeset publish-plan --output FILE"
    return LinkpackError(f"{path} {why}", code="EPUBLISHPLAN", path=path, hint=hint)
