"""Names that a system or tool cannot hold, or takes for others: shipped, as Linux and npm can, and said."""

from __future__ import annotations

import re

# What some system or tool cannot hold in a name, and why. Linux and npm can: they are shipped, and said.
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"

_WINDOWS = r'(?i)[<>:"|?]|[ .](?:/|$)|(?:^|/)(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.[^/]*)?(?:/|$)'

PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./@+=,#~!$%&'()[]{};^`* -"

_DEVICES = ("con", "prn", "aux", "nul", "com", "lpt")


def has_control(path: str) -> bool:
    """Whether *path* has characters that control a terminal or cannot be seen."""
    return bool(path.strip(PLAIN)) and re.search(_CONTROL, path) is not None


def windows_lacks(path: str) -> bool:
    """Whether Windows cannot hold *path*: by its characters, the ending of a portion, or a device's name."""
    # Nearly every path is plain, which costs a fifth of the pattern to see.
    if not path.strip(PLAIN) and "./" not in path and " /" not in path and path[-1:] not in {" ", "."}:
        lower = f"/{path.lower()}"
        if not any(f"/{device}" in lower for device in _DEVICES):
            return False
    return re.search(_WINDOWS, path) is not None


def folded_name(path: str) -> str:
    """*path* as a system sees it that ignores case and Unicode's composition: equal for what is one name there."""
    from unicodedata import normalize  # noqa: PLC0415 - only for names that are not ASCII

    return normalize("NFC", normalize("NFC", path).casefold())
