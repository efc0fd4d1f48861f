"""Find a package's commands and man pages, and their links.

The rules are those of npm's bin-links.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linkpack.npm.manifest import Manifest

# A man page and its section (bin-links 6, lib/link-mans.js). Another page ends npm with EBADMAN.
_PAGE = r".*\.([0-9]+)(?:\.gz)?"
# The pattern `**/*.[0-9]` of @npmcli/package-json 7, lib/normalize.js, which takes no `.gz`.
_LISTED_PAGE = r".*\.[0-9]"


class BinTarget(Record):
    """The path of a link, and the file that it leads to, inside the package."""

    path: str
    script: str


def commands(manifest: Manifest, listed: Iterable[str] = ()) -> dict[str, str]:
    """Map the commands of *manifest* to their scripts in the package.

    *listed* are the plain files below `directories.bin`, relative to it. They are used if there is no bin field.
    Of two files with one base name the last is used.
    """
    if manifest.directories_bin is None:
        return dict(manifest.bins)
    base = manifest.directories_bin
    # npm finds them with `**`, which matches no portion that begins with a dot (lib/normalize.js).
    visible = [path for path in listed if not path.startswith(".") and "/." not in path]
    return {posixpath.basename(path): posixpath.join(base, path) for path in sorted(visible)}


def find_man_pages(manifest: Manifest, listed: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the man pages inside the package, each once.

    *listed* are the files below `directories.man`, relative to it. They are used if there is no man field.
    """
    if manifest.mans or manifest.directories_man is None:
        return tuple(dict.fromkeys(manifest.mans))
    pages = [
        path for path in sorted(listed) if re.fullmatch(_LISTED_PAGE, path, re.DOTALL) and not path.startswith(".")
    ]
    return tuple(posixpath.join(manifest.directories_man, page) for page in pages)


def place_commands(scripts: Mapping[str, str], folder: str) -> tuple[BinTarget, ...]:
    """Return the links in *folder* for the result of `commands`."""
    return tuple(BinTarget(f"{folder}/{name}", script) for name, script in scripts.items())


def place_man_page(page: str, folder: str) -> BinTarget | None:
    """Return the link below *folder* for a man page.

    None if its name has no section.

    >>> place_man_page("doc/alpha.1", "share/man")
    BinTarget(path='share/man/man1/alpha.1', script='doc/alpha.1')
    """
    name = posixpath.basename(page)
    match = re.fullmatch(_PAGE, name, re.DOTALL)
    return None if match is None else BinTarget(f"{folder}/man{match[1]}/{name}", page)


def make_link_text(path: str, script: str) -> str:
    """Return the text of a relative link at *path* to *script*.

    Both are absolute, and their folders real paths: a link on the way would change what `..` means.
    """
    return posixpath.relpath(script, posixpath.dirname(path))


def points_into(path: str, target: str, folder: str) -> bool:
    """Return True if the link *target* at *path* leads into *folder*.

    The disk is not read. Upper and lower case are the same, as in npm, for disks that do not distinguish them.

    >>> points_into("/p/node_modules/.bin/a", "../A/cli.js", "/p/node_modules/a")
    True
    """
    # bin-links 6, lib/check-bin.js, compares so before it replaces a command of another package.
    goal = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)).lower()
    base = folder.lower()
    return goal == base or goal.startswith(base + "/")
