"""Find the user's home folder as Node does."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def home_folder(env: Mapping[str, str]) -> str:
    """Return the user's home folder: HOME, or the user database's answer.

    Services, cron and package builds run without HOME, and npm then asks the system (`os.homedir` of Node). An
    empty or relative HOME is passed over. Returns "" when the user has no entry in the database.
    """
    home = env.get("HOME", "")
    if home.startswith("/"):
        return home
    try:
        home = pwd.getpwuid(os.geteuid()).pw_dir  # the effective user, as libuv does (uv_os_homedir)
    except KeyError:  # a container that runs as a number
        return ""
    return home if home.startswith("/") else ""
