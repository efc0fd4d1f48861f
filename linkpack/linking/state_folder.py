"""Where the link commands keep what they know: the state folder, outside of every project."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


def state_folder(env: Mapping[str, str]) -> str:
    """Return the state folder that *env* names: `$XDG_STATE_HOME/linkpack`, else `~/.local/state/linkpack`.

    A relative XDG_STATE_HOME does not count (XDG Base Directory Specification). `ConfigError` without HOME.
    """
    base, home = env.get("XDG_STATE_HOME", ""), env.get("HOME", "")
    if not base.startswith("/"):
        if not home.startswith("/"):
            raise ConfigError("HOME is not set", code="ENOHOME", hint="set HOME or XDG_STATE_HOME")
        base = f"{home}/.local/state"
    return posixpath.normpath(f"{base}/linkpack")
