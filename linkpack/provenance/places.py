"""Name places on this machine in records, without the names of its users.

A record is made to be published, and has the same bytes wherever the same sources are packed. So paths in it are
relative to the project. A path that leads up to the folder of all homes, or to the root, and down again would be
an absolute path in other words, and is not shown.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.npm.protocols import is_local
from linkpack.system.accounts import home_folder
from linkpack.system.own_process import environment

if TYPE_CHECKING:
    from collections.abc import Collection

# Where systems keep the homes of users: Linux, macOS, Fedora's immutable variants, servers that export homes.
_ABOVE_HOMES = frozenset({"/", "/home", "/Users", "/var/home", "/export/home"})
_PROTOCOL = re.compile(r"(?:file|link|portal):(?://)?", re.IGNORECASE)
_LOGIN = re.compile(r"//[^/@\s]*@")  # the user and password of an address
_HIDDEN = "<a path of the machine>"


def known_homes() -> tuple[str, ...]:
    """Return the user's home folders, by HOME and by the user database."""
    # HOME may be a throw-away folder, as in tests and builds, while the sources lie in the real home.
    return tuple(filter(None, dict.fromkeys((home_folder(environment()), home_folder({})))))


def shown_path(path: str, root: str, homes: Collection[str]) -> str:
    """Return *path* relative to *root*, "" if records must not name it.

    *root* is the project's folder. *homes* are home folders: no path is shown that leads through a folder above
    one of them.

    >>> shown_path("/home/me/src/lib", "/home/me/src/app", ["/home/me"])
    '../lib'
    >>> shown_path("/home/me/src/lib", "/srv/app", ["/home/me"])  # ../../home/me/src/lib names a user
    ''
    """
    common = posixpath.commonpath((path, root))
    # A path below the project tells nothing of the machine.
    if common != root and (common in _ABOVE_HOMES or any(_is_below(home, common) for home in homes)):
        return ""
    return posixpath.relpath(path, root)


def shown_spec(spec: str, folder: str, root: str, homes: Collection[str]) -> str:
    """Return *spec* as records show it.

    It is that of a dependency of the package in *folder*. A path is shown when it is relative and `shown_path`
    shows where it leads, a remote address without a login.

    >>> shown_spec("link:/home/me/lib", "/home/me/app", "/home/me/app", ["/home/me"])
    'link:<a path of the machine>'
    >>> shown_spec("git+https://me:secret@example.org/lib.git", "/srv/app", "/srv/app", [])
    'git+https://example.org/lib.git'
    """
    if not is_local(spec):
        return _LOGIN.sub("//", spec)
    match = _PROTOCOL.match(spec)
    protocol, path = (match[0], spec[match.end() :]) if match else ("", spec)
    # `~` is a home, a backslash and a drive are Windows' roots.
    is_relative = not re.match(r"[/~\\]|[A-Za-z]:", path)
    target = posixpath.normpath(posixpath.join(folder, path))
    return spec if is_relative and shown_path(target, root, homes) else f"{protocol}{_HIDDEN}"


def _is_below(path: str, folder: str) -> bool:
    """Return True if *path* is below *folder*."""
    return path.startswith(f"{folder.rstrip('/')}/")
