"""Say why a file does not ship, and how its author can ship it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from linkpack.npm.manifest import Manifest
    from linkpack.packlist.packlist import Omission

_SHOWN = 3  # names in one hint
_OUTSIDE = "it lies outside of the package"
_INSTALLING = ("preinstall", "install", "postinstall")


class LeftOut:
    """The reasons why files of one package were left out, by path."""

    def __init__(self, omissions: Iterable[Omission]) -> None:
        self._reasons = {omission.path: omission.reason for omission in omissions}

    def reason(self, path: str) -> str:
        """Return why the file at *path*, or a folder around it, was left out.

        "" when nothing is known of it.
        """
        if path.startswith(("../", "/")):
            return _OUTSIDE
        if name := find_package_in(path):
            return f"{name} is another package"
        # The walk does not enter a folder that it leaves out, and such a folder's path ends with a slash.
        left_out = path
        while left_out and left_out not in self._reasons:
            left_out = f"{posixpath.dirname(left_out.rstrip('/'))}/".lstrip("/")
        return self._reasons.get(left_out, "")


def suggest_remedy(paths: Sequence[str], reason: str, manifest: str) -> str:
    """Return a hint how to ship *paths*, which *reason* keeps out.

    *manifest* is the path of the package's package.json. The hint is "" if there is nothing to advise.
    """
    if reason == _OUTSIDE:
        return "name a file of the package"
    if name := find_package_in(paths[0]):
        return f"add {name} to bundleDependencies, or name a file of the package itself"
    # A rule of an ignore file: `lib/.npmignore:3: *.js`.
    rule = re.match(r"(.*ignore):\d+: ", reason)
    if rule is None and 'in "files"' not in reason:
        return ""
    # `files` does not win over an ignore file in a folder below the root.
    if rule and "/" in rule[1] and not rule[1].startswith(("/", "../")):
        return f"take the rule out, or write an .npmignore beside {rule[1]}"
    tops = list(dict.fromkeys(path.partition("/")[0] for path in paths))
    return f'add {" and ".join(tops[:_SHOWN])} to "files" in {manifest}'


def find_package_in(path: str) -> str:
    """Return the package in node_modules with the file *path*, else "".

    >>> find_package_in("node_modules/@s/a/lib/x.js"), find_package_in("lib/x.js")
    ('@s/a', '')
    """
    if not path.startswith("node_modules/"):
        return ""
    match = re.match(r"node_modules/((?:@[^/]+/)?[^/]+)/", path)
    return match[1] if match else ""


def is_made_later(manifest: Manifest, files: Collection[str]) -> bool:
    """Return True if a script may make missing files at installation."""
    # npm runs `node-gyp rebuild` for a binding.gyp without any script (@npmcli/arborist, lib/arborist/rebuild.js).
    return "binding.gyp" in files or any(manifest.scripts.get(event) for event in _INSTALLING)
