"""What a lockfile says of one package. Facts: arborist of npm 11.19.1."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from linkpack.linking.linksections import META
from linkpack.linking.lockjson import nice

if TYPE_CHECKING:
    from linkpack.linking.linkpackage import Source

_COPIED = (
    "version", "dependencies", "peerDependencies", META, "optionalDependencies", "bundleDependencies",
    "acceptDependencies", "funding", "engines", "os", "cpu", "libc", "license", "bin", "deprecated", "workspaces",
)  # fmt: skip
_SCRIPTS = ("preinstall", "install", "postinstall")


def meta_of(members: dict[str, Any], name: object) -> dict[str, Any]:
    """What the lockfile says about a package whose manifest has *members*; *name* only when it has to."""
    meta: dict[str, Any] = {"name": name} if name else {}
    for key in _COPIED:
        value = members.get(key)
        if key == "license" and isinstance(value, dict):
            value = value.get("type") or value
        if key == "funding" and isinstance(value, str):
            value = {"url": value}
        if value and key != "bin":
            meta[key] = value
    if members.get("devDependencies") and name == members.get("name"):
        meta["devDependencies"] = members["devDependencies"]
    tidy: dict[str, Any] = nice(meta)
    return tidy


def described(source: Source, members: dict[str, Any]) -> dict[str, Any]:
    """The entry of a linked package: from its manifest's *members*, with its name when the folder has another."""
    folder = posixpath.basename(source.root)
    above = posixpath.basename(posixpath.dirname(source.root))
    told = f"{above}/{folder}" if above.startswith("@") else folder
    meta = meta_of(members, None if told == source.manifest.name else source.manifest.name)
    if source.commands:
        meta["bin"] = dict(source.commands)
    if members.get("devDependencies"):
        meta["devDependencies"] = members["devDependencies"]
    if any(script in (members.get("scripts") or {}) for script in _SCRIPTS):
        meta["hasInstallScript"] = True
    tidy: dict[str, Any] = nice(meta)
    return tidy
