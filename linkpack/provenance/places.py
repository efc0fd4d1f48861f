"""How records name places of the machine that a tarball was made on: never so that they tell whose it is.

A record is made to be published, and has the same bytes wherever the same sources are packed. A path relative to
the project says where things lie to each other; one that leads up to the folder of all homes, or to the root, and
down again would be an absolute path in other words.
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

_ABOVE_HOMES = frozenset({"/", "/home", "/Users", "/var/home", "/export/home"})
_PROTOCOL = re.compile(r"(?:file|link|portal):(?://)?", re.IGNORECASE)
_LOGIN = re.compile(r"//[^/@\s]*@")
_HIDDEN = "<a path of the machine>"


def known_homes() -> tuple[str, ...]:
    """Return the home folders of whoever runs us: that of HOME, and that of the user database."""
    return tuple(filter(None, dict.fromkeys((home_folder(environment()), home_folder({})))))


def shown_path(path: str, root: str, homes: Collection[str]) -> str:
    """Return *path* as records name it, relative to the project in *root*; "" when they must not.

    /home/me/src/lib, /home/me/src/app  ->  ../lib
    /home/me/src/lib, /srv/app          ->  "", as ../../home/me/src/lib names a user

    *homes* are home folders: no way is shown that goes through a folder above one of them.
    """
    common = posixpath.commonpath((path, root))
    if common != root and (common in _ABOVE_HOMES or any(_is_below(home, common) for home in homes)):
        return ""
    return posixpath.relpath(path, root)


def shown_spec(spec: str, folder: str, root: str, homes: Collection[str]) -> str:
    """Return a dependency's *spec*, of the package in *folder*, as records name it.

    A path on this disk is shown when `shown_path` shows where it leads and it is no absolute one, and a remote
    address without a login.

    "file:../lib"  ->  the same
    "link:/home/me/lib"  ->  "link:<a path of the machine>"
    "git+https://me:secret@example.org/lib.git"  ->  "git+https://example.org/lib.git"
    """
    if not is_local(spec):
        return _LOGIN.sub("//", spec)
    found = _PROTOCOL.match(spec)
    protocol, path = (found[0], spec[found.end() :]) if found else ("", spec)
    is_relative = not re.match(r"[/~\\]|[A-Za-z]:", path)
    leads_to = posixpath.normpath(posixpath.join(folder, path))
    return spec if is_relative and shown_path(leads_to, root, homes) else f"{protocol}{_HIDDEN}"


def _is_below(path: str, folder: str) -> bool:
    """True if *path* lies below *folder*."""
    return path.startswith(f"{folder.rstrip('/')}/")
