"""Finds names that some system or tool cannot hold, or takes for another name."""

from __future__ import annotations

import re

# What some system or tool cannot hold in a name, and why. Linux and npm can: they are shipped, and said.
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"

_WINDOWS = r'(?i)[<>:"|?]|[ .](?:/|$)|(?:^|/)(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.[^/]*)?(?:/|$)'

PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./@+=,#~!$%&'()[]{};^`* -"

_DEVICES = ("con", "prn", "aux", "nul", "com", "lpt")


def has_control(path: str) -> bool:
    """Return True if *path* has characters that control a terminal or cannot be seen."""
    return bool(path.strip(PLAIN)) and re.search(_CONTROL, path) is not None


def windows_lacks(path: str) -> bool:
    """Return True if Windows cannot hold *path*.

    Its characters, the ending of one of its portions, or a device's name can be the reason.
    """
    # Nearly every path is plain, which costs a fifth of the pattern to see.
    if not path.strip(PLAIN) and "./" not in path and " /" not in path and path[-1:] not in {" ", "."}:
        lower = f"/{path.lower()}"
        if not any(f"/{device}" in lower for device in _DEVICES):
            return False
    return re.search(_WINDOWS, path) is not None


def folded_name(path: str) -> str:
    """Fold *path* so that names are equal which are one where case and Unicode's composition do not count."""
    from unicodedata import normalize  # noqa: PLC0415 - only for names that are not ASCII

    return normalize("NFC", normalize("NFC", path).casefold())
