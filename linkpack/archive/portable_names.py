"""Find paths that some system cannot hold, or takes for another path."""

from __future__ import annotations

import re
from unicodedata import normalize

# Linux and npm can hold all of these: such files are shipped, and a warning says so.
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"

# Windows takes the superscript digits for digits here ("Naming Files, Paths, and Namespaces").
WINDOWS_DEVICE = r"(?:^|/)(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.[^/]*)?(?:/|$)"
"""Finds a portion that is a device on Windows, whatever its ending. It is for patterns that ignore case."""

_WINDOWS = rf'(?i)[<>:"|?]|[ .](?:/|$)|{WINDOWS_DEVICE}'

# Characters without any of these faults, so that one `strip` shows that a path has no others.
PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./@+=,#~!$%&'()[]{};^`* -"

_DEVICES = ("con", "prn", "aux", "nul", "com", "lpt")


def has_control(path: str) -> bool:
    r"""Return True if *path* has a control or an invisible character.

    >>> has_control("a\tb.js"), has_control("a\u200b.js"), has_control("é.js")
    (True, True, False)
    """
    return bool(path.strip(PLAIN)) and re.search(_CONTROL, path) is not None


def windows_lacks(path: str) -> bool:
    """Return True if Windows cannot hold *path*.

    The reason may be a character, a portion that ends with a space or a dot, or a device's name.

    >>> [path for path in ("a.js", "a:b.js", "docs./a.js", "src/aux.js", "auxiliary.js") if windows_lacks(path)]
    ['a:b.js', 'docs./a.js', 'src/aux.js']
    """
    # Nearly every path is plain, which costs a fifth of the pattern to see.
    if not path.strip(PLAIN) and "./" not in path and " /" not in path and path[-1:] not in {" ", "."}:
        lower = f"/{path.lower()}"
        if not any(f"/{device}" in lower for device in _DEVICES):
            return False
    return re.search(_WINDOWS, path) is not None


def fold_name(path: str) -> str:
    """Fold *path*, so that names are equal if a disk may take them for one.

    That is where neither case nor Unicode's composition makes a difference, as on macOS.

        README.md, ReadMe.md  ->  readme.md
    """
    return normalize("NFC", normalize("NFC", path).casefold())
