"""Find the state folder, in which the link commands keep their records."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ConfigError
from linkpack.system.accounts import home_folder

if TYPE_CHECKING:
    from collections.abc import Mapping


def state_folder(env: Mapping[str, str]) -> str:
    """Return the state folder that the environment *env* names.

    Raises `ConfigError` (ENOHOME) without a home folder.

    >>> state_folder({"XDG_STATE_HOME": "/var/state"})
    '/var/state/linkpack'
    >>> state_folder({"HOME": "/home/me"})
    '/home/me/.local/state/linkpack'
    """
    base = env.get("XDG_STATE_HOME", "")
    # The XDG Base Directory Specification has relative paths ignored.
    if not base.startswith("/"):
        home = home_folder(env)
        if not home:
            message = "there is no home folder: HOME is not set, and the user database has none"
            raise ConfigError(message, code="ENOHOME", hint="set HOME or XDG_STATE_HOME")
        base = f"{home}/.local/state"
    return posixpath.normpath(f"{base}/linkpack")
