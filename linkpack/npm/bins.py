"""Find the commands and man pages of a package, and where links to them go, as npm's bin-links does."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linkpack.npm.manifest import Manifest

_PAGE = r".*\.([0-9]+)(?:\.gz)?"
_LISTED_PAGE = r".*\.[0-9]"


class BinTarget(NamedTuple):
    """A file of a package, and the path of the link to it."""

    path: str
    script: str  # inside the package, "/"-separated


def commands(manifest: Manifest, listed: Iterable[str] = ()) -> dict[str, str]:
    """Return the commands of *manifest*: their names, and their scripts inside the package.

    *listed* are the plain files below `directories.bin`, relative to it. They are used if there is no bin
    field, but for those that begin with a dot. Of two files with one base name the last is used.
    """
    if manifest.directories_bin is None:
        return dict(manifest.bins)
    base = manifest.directories_bin
    shown = [path for path in listed if not path.startswith(".") and "/." not in path]
    return {posixpath.basename(path): posixpath.join(base, path) for path in sorted(shown)}


def man_pages(manifest: Manifest, listed: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the man pages inside the package, each once; *listed* are the files below `directories.man`."""
    if manifest.mans or manifest.directories_man is None:
        return tuple(dict.fromkeys(manifest.mans))
    shown = [
        path for path in sorted(listed) if re.fullmatch(_LISTED_PAGE, path, re.DOTALL) and not path.startswith(".")
    ]
    return tuple(posixpath.join(manifest.directories_man, path) for path in shown)


def command_targets(found: Mapping[str, str], folder: str) -> tuple[BinTarget, ...]:
    """Return the commands of `commands` with their paths in *folder*."""
    return tuple(BinTarget(f"{folder}/{name}", script) for name, script in found.items())


def man_target(page: str, folder: str) -> BinTarget | None:
    """Return the man page *page* with its path below *folder*, None if its name has no section.

    doc/alpha.1, share/man  ->  share/man/man1/alpha.1
    """
    name = posixpath.basename(page)
    match = re.fullmatch(_PAGE, name, re.DOTALL)
    return None if match is None else BinTarget(f"{folder}/man{match[1]}/{name}", page)


def link_text(path: str, script: str) -> str:
    """Return the text of a relative link at *path* to *script*, both absolute paths of real folders."""
    return posixpath.relpath(script, posixpath.dirname(path))


def points_into(path: str, target: str, folder: str) -> bool:
    """True if the link text *target* at *path* leads to *folder* or below, by its words alone.

    Upper and lower case are the same, as npm has it for disks that do not tell them apart.
    """
    leads = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)).lower()
    base = folder.lower()
    return leads == base or leads.startswith(base + "/")
