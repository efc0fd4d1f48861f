"""What a lockfile says of one package. Facts: arborist of npm 11.19.1."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from linkpack.npm.dependency_sections import META
from linkpack.npm.lockfile import nice

if TYPE_CHECKING:
    from linkpack.project.source import Source

_COPIED = (
    "version", "dependencies", "peerDependencies", META, "optionalDependencies", "bundleDependencies",
    "acceptDependencies", "funding", "engines", "os", "cpu", "libc", "license", "bin", "deprecated", "workspaces",
)  # fmt: skip
_SCRIPTS = ("preinstall", "install", "postinstall")


_TABLES = ("dependencies", "peerDependencies", META, "optionalDependencies", "engines")


def meta_of(members: dict[str, Any], name: object) -> dict[str, Any]:
    """Return what the lockfile says about a package whose manifest has *members*; *name* only when it has to.

    What has a wrong type in the manifest is as if it were not there, as for npm.
    """
    meta: dict[str, Any] = {"name": name} if name else {}
    for key in _COPIED:
        value = members.get(key)
        if key == "license" and isinstance(value, dict):
            value = value.get("type") or value
        if key == "funding" and isinstance(value, str):
            value = {"url": value}
        if value and key != "bin" and not (key in _TABLES and not isinstance(value, dict)):
            meta[key] = value
    if name == members.get("name"):
        _add_dev(meta, members)
    tidy: dict[str, Any] = nice(meta)
    return tidy


def _add_dev(meta: dict[str, Any], members: dict[str, Any]) -> None:
    dev = members.get("devDependencies")
    if dev and isinstance(dev, dict):
        meta["devDependencies"] = dev


def described(source: Source, members: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of a linked package with the *members*; it has a name if its folder has another."""
    folder = posixpath.basename(source.root)
    above = posixpath.basename(posixpath.dirname(source.root))
    told = f"{above}/{folder}" if above.startswith("@") else folder
    meta = meta_of(members, None if told == source.manifest.name else source.manifest.name)
    if source.commands:
        meta["bin"] = dict(source.commands)
    _add_dev(meta, members)
    if any(source.manifest.scripts.get(script) for script in _SCRIPTS):
        meta["hasInstallScript"] = True
    tidy: dict[str, Any] = nice(meta)
    return tidy
