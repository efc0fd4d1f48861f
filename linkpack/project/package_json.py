"""Read package.json files, each once a command (`linkpack.read_cache`)."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from linkpack import limits
from linkpack.errors import LinkpackError, ManifestInvalid
from linkpack.npm.manifest import parse_manifest
from linkpack.read_cache import once
from linkpack.system import read as fs
from linkpack.system.tree import read_beneath

if TYPE_CHECKING:
    from linkpack.npm.manifest import Manifest, Role

# EXDEV is what `read_beneath` raises for a link that leads out of the folder.
_CODES = {errno.EACCES: "EUNREADABLE", errno.EPERM: "EUNREADABLE", errno.EXDEV: "EMANIFESTLINK"}


def read_manifest(folder: str, role: Role) -> Manifest:
    """Read the manifest of the package in *folder*, a path without links.

    Raises `ManifestInvalid`, which names the file, when it cannot be used, or is a link out of the folder
    (EMANIFESTLINK).
    """
    path = posixpath.join(folder, "package.json")
    return once(("manifest", path, role), lambda: parse_manifest(_read(folder, path), path, role))


def _read(folder: str, path: str) -> bytes:
    """Read the file's bytes, which every role is parsed from."""
    try:
        return once(("bytes", path), lambda: read_beneath(folder, "package.json", limits.current().manifest))
    except OSError as err:
        code = _CODES.get(err.errno or 0, "EMANIFEST")
        large = err.errno == errno.EFBIG
        hint = "raise --max-manifest if it is right" if large else "it must be a readable JSON file"
        raise ManifestInvalid(f"{path} cannot be read: {err.strerror}", code=code, path=path, hint=hint) from err


def read_usable(folder: str) -> Manifest | None:
    """Read the manifest in *folder* as an installed one, if it can be used."""
    try:
        return read_manifest(folder, "installed")
    except LinkpackError:
        return None


def read_loose(folder: str) -> Manifest | None:
    """Read the manifest in *folder* anew, and through links.

    None if it cannot be used.
    """
    # Not by `once`: the link commands change such files themselves.
    path = f"{folder}/package.json"
    try:
        return parse_manifest(fs.read_file(path, limits.DEFAULTS.manifest), path, "installed")
    except (OSError, ValueError, LinkpackError):
        return None
