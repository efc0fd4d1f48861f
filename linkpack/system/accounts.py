"""Find the user's home folder as Node does."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def home_folder(env: Mapping[str, str]) -> str:
    """Return the user's home folder: HOME, or else what the user database says.

    Services, cron and package builds run without HOME; npm then asks the system (`os.homedir` of Node). An
    empty or relative HOME counts as none. Returns an empty string when the user has no entry in the database.
    """
    home = env.get("HOME", "")
    if home.startswith("/"):
        return home
    try:
        home = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:  # a container that runs as a number
        return ""
    return home if home.startswith("/") else ""
