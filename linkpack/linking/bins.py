"""Where the commands and man pages of a package go, as npm's bin-links has them."""

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
    """A file of a package, and the path at which a link to it has to stand."""

    path: str
    script: str  # inside the package, "/"-separated


def commands(manifest: Manifest, listed: Iterable[str] = ()) -> dict[str, str]:
    """Command names to scripts inside the package.

    *listed* are the plain files below `directories.bin`, relative to it, which count without a bin field; what
    begins with a dot does not. Where base names meet, the last one counts.
    """
    if manifest.directories_bin is None:
        return dict(manifest.bins)
    base = manifest.directories_bin
    shown = [path for path in listed if not path.startswith(".") and "/." not in path]
    return {posixpath.basename(path): posixpath.join(base, path) for path in sorted(shown)}


def man_pages(manifest: Manifest, listed: Iterable[str] = ()) -> tuple[str, ...]:
    """The man pages inside the package, each once; *listed* are the files below `directories.man`."""
    if manifest.mans or manifest.directories_man is None:
        return tuple(dict.fromkeys(manifest.mans))
    shown = [
        path for path in sorted(listed) if re.fullmatch(_LISTED_PAGE, path, re.DOTALL) and not path.startswith(".")
    ]
    return tuple(posixpath.join(manifest.directories_man, path) for path in shown)


def command_targets(found: Mapping[str, str], folder: str) -> tuple[BinTarget, ...]:
    """The commands of `commands`, each at its place in *folder*."""
    return tuple(BinTarget(f"{folder}/{name}", script) for name, script in found.items())


def man_target(page: str, folder: str) -> BinTarget | None:
    """The man page *page* at its place below *folder* (`share/man`); None when it names no section."""
    name = posixpath.basename(page)
    match = re.fullmatch(_PAGE, name, re.DOTALL)
    return None if match is None else BinTarget(f"{folder}/man{match[1]}/{name}", page)


def link_text(path: str, script: str) -> str:
    """The text of a relative link at *path* that leads to *script*, both absolute paths of real folders."""
    return posixpath.relpath(script, posixpath.dirname(path))


def points_into(path: str, target: str, folder: str) -> bool:
    """Whether the link text *target* at *path* leads to *folder* or below, by its words alone.

    Upper and lower case are the same, as npm has it for disks that do not tell them apart.
    """
    leads = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)).lower()
    base = folder.lower()
    return leads == base or leads.startswith(base + "/")
