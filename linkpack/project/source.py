"""Packages in source folders: their manifests, and the commands and man pages that they name."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.errors import LinkpackError
from linkpack.npm.bins import commands, man_pages
from linkpack.npm.manifest import parse_manifest
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.npm.manifest import Manifest

MANIFEST_LIMIT = 16 << 20  # bytes of a package.json


class Source(NamedTuple):
    """A package to link: its real directory, its manifest, and its commands and man pages inside it."""

    root: str
    manifest: Manifest
    commands: Mapping[str, str]
    pages: tuple[str, ...]


def read_loose(folder: str) -> Manifest | None:
    """Return the manifest in *folder*, read as npm reads installed ones; None when there is none to use."""
    try:
        raw = fs.read_file(f"{folder}/package.json", MANIFEST_LIMIT)
        return parse_manifest(raw, f"{folder}/package.json", "installed")
    except (OSError, ValueError, LinkpackError):
        return None


def source_of(root: str, manifest: Manifest) -> Source:
    """Return the package in the real directory *root*, whose manifest has been read.

    Commands and man pages that no file can be, as a name holds a NUL, are left out.
    """
    scripts = commands(manifest, _below(root, manifest.directories_bin))
    pages = man_pages(manifest, _below(root, None if manifest.mans else manifest.directories_man))
    return Source(
        root,
        manifest,
        {name: script for name, script in scripts.items() if "\0" not in name + script},
        tuple(page for page in pages if "\0" not in page),
    )


def _below(root: str, folder: str | None) -> list[str]:
    """Return the plain files below *folder* of a package, relative to it.

    None without a folder, nor from one that leads out of the package. Neither node_modules nor links to folders
    are entered, and unreadable folders are passed over.

    Raises `LinkpackError` (ELIMIT) for more files and folders than the limits allow.
    """
    base = None if folder is None or "\0" in folder else fs.canonical(posixpath.join(root, folder))
    if base is None or not f"{base}/".startswith(f"{root.rstrip('/')}/"):
        return []
    found: list[str] = []
    waiting = [""]
    room = limits.current().entries
    while waiting:
        relative = waiting.pop()
        try:
            entries = fs.scan(posixpath.join(base, relative))
        except OSError:
            continue
        room -= len(entries)
        if room < 0:
            message = f"{base} holds more than {limits.current().entries} files and folders"
            raise LinkpackError(message, code="ELIMIT", path=base, hint="name commands and pages by bin and man")
        for entry in entries:
            path = posixpath.join(relative, entry.name)
            if not entry.is_dir(follow_symlinks=False):
                found += [path] if fs.is_file(entry.path) else []
            elif entry.name != "node_modules":
                waiting.append(path)
    return found
