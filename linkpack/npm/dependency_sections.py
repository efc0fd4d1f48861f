"""Choose the dependency sections of a manifest that a saved link goes into.

Facts: arborist and @npmcli/package-json of npm 11.19.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTIONS = ("dependencies", "optionalDependencies", "devDependencies", "peerDependencies")
META = "peerDependenciesMeta"
_KINDS = {
    "dev": "devDependencies",
    "optional": "optionalDependencies",
    "prod": "dependencies",
    "peer": "peerDependencies",
}

Table = dict[str, "dict[str, object]"]


def tables(members: Mapping[str, object]) -> Table:
    """Return copies of the dependency sections of a manifest's *members*, and of the notes on peers."""
    found: Table = {}
    for section in (*SECTIONS, META):
        value = members.get(section)
        found[section] = dict(value) if isinstance(value, dict) else {}
    return found


def kind_of(found: Table, name: str) -> str:
    """Return the kind of dependency that *name* is: dev before optional, prod and peer; prod if it is none."""
    return next((kind for kind, section in _KINDS.items() if name in found[section]), "prod")


def place(before: Table, name: str, spec: str, kind: str) -> Table:
    """Return the sections after *name* was saved with *spec* as *kind* (empty: keep what it is)."""
    after: Table = {section: dict(entries) for section, entries in before.items()}
    if name in after["optionalDependencies"]:
        after["dependencies"].pop(name, None)
    chosen = kind or kind_of(after, name)
    _make_way(after, name, chosen)
    after[_KINDS[chosen]][name] = spec
    meta = after[META].get(name)
    if kind == "peer" and isinstance(meta, dict) and meta.get("optional"):
        after[META][name] = {**meta, "optional": False}
    if chosen == "peer" and name in after["devDependencies"]:
        after["devDependencies"][name] = spec
    if not kind:
        for section in SECTIONS:
            if name in after[section]:
                after[section][name] = spec
    if kind == "prod":
        after["optionalDependencies"].pop(name, None)
    elif name in after["optionalDependencies"]:
        after["dependencies"].pop(name, None)
    both = name in before["dependencies"] and name in before["peerDependencies"]
    if both and name in after["peerDependencies"]:
        after["dependencies"][name] = after["peerDependencies"][name]
    return after


def _make_way(after: Table, name: str, kind: str) -> None:
    """Take *name* out of the sections that a dependency of *kind* may not be in too."""
    if kind == "prod":
        after["devDependencies"].pop(name, None)
    if kind in {"prod", "optional"}:
        after["peerDependencies"].pop(name, None)
        after[META].pop(name, None)
    if kind in {"dev", "peer"}:
        after["dependencies"].pop(name, None)
    if kind == "peer":
        after["optionalDependencies"].pop(name, None)
