"""Where the link commands keep what they know: the state folder, outside of every project."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ConfigError
from linkpack.system.accounts import home_folder

if TYPE_CHECKING:
    from collections.abc import Mapping


def state_folder(env: Mapping[str, str]) -> str:
    """Return the state folder that *env* names: `$XDG_STATE_HOME/linkpack`, else `~/.local/state/linkpack`.

    A relative XDG_STATE_HOME does not count (XDG Base Directory Specification). `ConfigError` without a home.
    """
    base = env.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):
        home = home_folder(env)
        if not home:
            message = "there is no home folder: HOME is not set, and the user database has none"
            raise ConfigError(message, code="ENOHOME", hint="set HOME or XDG_STATE_HOME")
        base = f"{home}/.local/state"
    return posixpath.normpath(f"{base}/linkpack")
