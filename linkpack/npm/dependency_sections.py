"""Choose the sections of a manifest for a saved dependency.

The rules are those of npm 11.19.1, measured: @npmcli/arborist, lib/add-rm-pkg-deps.js, then @npmcli/package-json,
lib/update-dependencies.js.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTIONS = ("dependencies", "optionalDependencies", "devDependencies", "peerDependencies")
META = "peerDependenciesMeta"
# The order in which npm infers the kind of a dependency (add-rm-pkg-deps.js, `inferSaveType`).
_KINDS = {
    "dev": "devDependencies",
    "optional": "optionalDependencies",
    "prod": "dependencies",
    "peer": "peerDependencies",
}

Table = dict[str, "dict[str, object]"]


def copy_sections(members: Mapping[str, object]) -> Table:
    """Copy the dependency sections and peerDependenciesMeta."""
    sections: Table = {}
    for section in (*SECTIONS, META):
        value = members.get(section)
        sections[section] = dict(value) if isinstance(value, dict) else {}
    return sections


def find_kind(sections: Table, name: str) -> str:
    """Return the kind of dependency *name*, "prod" if it is none.

    In several sections it is dev before optional, prod and peer.
    """
    return next((kind for kind, section in _KINDS.items() if name in sections[section]), "prod")


def place_dependency(before: Table, name: str, spec: str, kind: str) -> Table:
    """Return the sections with *name* saved as *kind*.

    The empty kind keeps the kind that it has.

    >>> before = copy_sections({"devDependencies": {"a": "1"}})
    >>> after = place_dependency(before, "a", "2", "prod")
    >>> after["dependencies"], after["devDependencies"]
    ({'a': '2'}, {})
    """
    after: Table = {section: dict(entries) for section, entries in before.items()}
    # npm reads an optional dependency that is in dependencies too as optional only.
    if name in after["optionalDependencies"]:
        after["dependencies"].pop(name, None)
    # From here on add-rm-pkg-deps.js, `add`.
    chosen = kind or find_kind(after, name)
    _make_way(after, name, chosen)
    after[_KINDS[chosen]][name] = spec
    meta = after[META].get(name)
    if kind == "peer" and isinstance(meta, dict) and meta.get("optional"):
        after[META][name] = {**meta, "optional": False}
    # A peer is often a devDependency as well, to be tested with: it gets the same spec.
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
    # update-dependencies.js: what was a peer and a dependency stays both.
    both = name in before["dependencies"] and name in before["peerDependencies"]
    if both and name in after["peerDependencies"]:
        after["dependencies"][name] = after["peerDependencies"][name]
    return after


def _make_way(after: Table, name: str, kind: str) -> None:
    """Remove *name* from the sections that exclude the *kind*.

    To add-rm-pkg-deps.js a dependency may be dev and peer, or dev and optional, but nothing else at once.
    """
    if kind == "prod":
        after["devDependencies"].pop(name, None)
    if kind in {"prod", "optional"}:
        after["peerDependencies"].pop(name, None)
        # Only a peer has an entry there (add-rm-pkg-deps.js, `deleteSubKey`).
        after[META].pop(name, None)
    if kind in {"dev", "peer"}:
        after["dependencies"].pop(name, None)
    if kind == "peer":
        after["optionalDependencies"].pop(name, None)
