"""Read the commands and man pages of a package in a source folder."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack import limits
from linkpack.errors import LinkpackError
from linkpack.npm.bins import commands, find_man_pages
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.npm.manifest import Manifest

MANIFEST_LIMIT = limits.DEFAULTS.manifest  # bytes of a package.json


class SourcePackage(Record):
    """A package to link, with its commands and man pages.

    *root* is its real directory. *commands* maps names to scripts, and *pages* are the man pages, by their paths
    in the package.
    """

    root: str
    manifest: Manifest
    commands: Mapping[str, str]
    pages: tuple[str, ...]


def read_source_package(root: str, manifest: Manifest) -> SourcePackage:
    """Return the package in the real directory *root* with this *manifest*."""
    scripts = commands(manifest, _list_files(root, manifest.directories_bin))
    pages = find_man_pages(manifest, _list_files(root, None if manifest.mans else manifest.directories_man))
    # No file can have a NUL in its name.
    return SourcePackage(
        root=root,
        manifest=manifest,
        commands={name: script for name, script in scripts.items() if "\0" not in name + script},
        pages=tuple(page for page in pages if "\0" not in page),
    )


def _list_files(root: str, folder: str | None) -> list[str]:
    """List the plain files below *folder* of a package, relative to it.

    A folder that leads out of the package has none. Unreadable folders are passed over.

    Raises `LinkpackError` (ELIMIT) for more files and folders than the limits allow.
    """
    base = None if folder is None or "\0" in folder else fs.canonical_path(posixpath.join(root, folder))
    if base is None or not f"{base}/".startswith(f"{root.rstrip('/')}/"):
        return []
    files: list[str] = []
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
            # glob's `**` follows no links to folders either, which could lead in a circle.
            if not entry.is_dir(follow_symlinks=False):
                files += [path] if fs.is_file(entry.path) else []
            elif entry.name != "node_modules":
                waiting.append(path)
    return files
