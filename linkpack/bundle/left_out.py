"""Why a file that exists does not ship, and what its author can do about it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from linkpack.npm.manifest import Manifest
    from linkpack.select.packlist import Omission

_SHOWN = 3  # names in one hint
_OUTSIDE = "it lies outside of the package"
_INSTALLING = ("preinstall", "install", "postinstall")


class LeftOut:
    """What the walk through one package left out, asked by path."""

    def __init__(self, omissions: Iterable[Omission]) -> None:
        self._reasons = {each.path: each.reason for each in omissions}

    def reason(self, path: str) -> str:
        """Return why the file at *path* does not ship, by itself or with a folder around it; "" when unknown."""
        if path.startswith(("../", "/")):
            return _OUTSIDE
        if name := package_in(path):
            return f"{name} is another package"
        at = path
        while at and at not in self._reasons:
            at = f"{posixpath.dirname(at.rstrip('/'))}/".lstrip("/")
        return self._reasons.get(at, "")


def remedy(paths: Sequence[str], reason: str, manifest: str) -> str:
    """Return the hint for *paths* that *reason* keeps out of the package whose package.json is at *manifest*."""
    if reason == _OUTSIDE:
        return "name a file of the package"
    if name := package_in(paths[0]):
        return f"add {name} to bundleDependencies, or name a file of the package itself"
    rule = re.match(r"(.*ignore):\d+: ", reason)
    if rule is None and 'in "files"' not in reason:
        return ""
    if rule and "/" in rule[1] and not rule[1].startswith(("/", "../")):
        return f"take the rule out, or write an .npmignore beside {rule[1]}"
    tops = list(dict.fromkeys(path.partition("/")[0] for path in paths))
    return f'add {" and ".join(tops[:_SHOWN])} to "files" in {manifest}'


def package_in(path: str) -> str:
    """Return the package that *path* is a file of, where that is in the package's own node_modules; else ""."""
    match = re.match(r"node_modules/((?:@[^/]+/)?[^/]+)/", path)
    return match[1] if match else ""


def is_made_later(manifest: Manifest, files: Collection[str]) -> bool:
    """True if a script of the package may make at the consumer's what is not in the tarball."""
    return "binding.gyp" in files or any(manifest.scripts.get(event) for event in _INSTALLING)
