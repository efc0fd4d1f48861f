"""Plan how the shipped manifests name their own bundles.

These are the names in their bundleDependencies. Measured with npm 11.19.1, npm 12.2.0 and pnpm 12.21.0 as the
consumer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from linkpack.bundle.consumer_specs import SpecChange
from linkpack.npm import json_text as jsontext
from linkpack.npm.json_edit import REMOVE, append_items, format_list, get_raw, replace_values, set_raw
from linkpack.npm.specs import make_exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.npm.manifest import Manifest

_LISTS = ("bundleDependencies", "bundledDependencies")


def plan_bundled_names(graph: BundleGraph) -> Iterator[SpecChange]:
    """Yield the changes that the lists of bundled names need.

    An optional name that is not installed leaves the list. A package that a linked one bundles without declaring
    it becomes a dependency of that one.
    """
    for package in graph.packages.values():
        manifest = package.manifest
        for name in (name for name in manifest.bundle if package.id != graph.root or name not in graph.selected):
            to = package.needs.get(name)
            # Neither npm nor pnpm fetches a listed name, even when the tarball lacks it
            # (docs/differences-from-npm.md, B11).
            if to is None and name in manifest.optional_dependencies:
                reason = "it is optional and not installed, and installers fetch no name that is listed there"
                yield SpecChange(
                    package=package.id,
                    label=package.label,
                    section=_find_list_key(manifest),
                    key=name,
                    old=name,
                    new="",
                    reason=reason,
                )
            # It may be placed further up, where npm's first install removes what nobody declares (row B10). In an
            # installed package it stays inside, where npm does not look.
            elif package.linked and _is_undeclared(graph, package, name):
                spec = make_exact(graph.packages[str(to)].manifest.version) or "*"
                reason = "it is bundled and not declared, and npm install would remove it"
                yield SpecChange(
                    package=package.id,
                    label=package.label,
                    section="dependencies",
                    key=name,
                    old="",
                    new=spec,
                    reason=reason,
                )


def _is_undeclared(graph: BundleGraph, package: Package, name: str) -> bool:
    """Return True if a bundled *package* ships *name* without declaring it."""
    declared = name in package.manifest.dependencies or name in package.manifest.optional_dependencies
    return not declared and package.id != graph.root and package.needs.get(name) in graph.packages


def _find_list_key(manifest: Manifest) -> str:
    """Return the key of the list of bundled names in *manifest*."""
    # npm takes the alias only without the other (@npmcli/package-json 7, lib/normalize.js).
    return _LISTS[0] if _LISTS[0] in manifest.members else _LISTS[1]


def is_of_bundle(manifest: Manifest, change: SpecChange) -> bool:
    """Return True if *change* adds a dependency, or edits a list of names."""
    fields = {"dependencies": manifest.dependencies, "optionalDependencies": manifest.optional_dependencies}
    return change.section in _LISTS or (change.section in fields and change.key not in fields[change.section])


def rewrite_bundled_names(raw: bytes, changes: Sequence[SpecChange]) -> bytes:
    """Make *changes* in the manifest *raw*, and leave every other byte.

    *changes* are those that `plan_bundled_names` has for this manifest.
    """
    if not changes:
        return raw
    dropped = {change.key for change in changes if change.section in _LISTS and not change.new}
    added = [change.key for change in changes if change.section in _LISTS and change.new]
    members = jsontext.parse(raw, "package.json")
    key = next((key for key in _LISTS if key in members), _LISTS[0])
    listed = members.get(key)
    if dropped and isinstance(listed, (list, dict)):
        places: Iterator[tuple[str | int, object]]
        places = ((name, name) for name in listed) if isinstance(listed, dict) else enumerate(listed)
        gone = [place for place, name in places if name in dropped]
        raw = replace_values(raw, [((key, place), REMOVE) for place in gone])
    # `true` means every dependency: write them out, without those that are dropped.
    elif dropped or (added and listed is True):
        dependencies = members.get("dependencies")
        kept = [name for name in dependencies if name not in dropped] if isinstance(dependencies, dict) else []
        raw = _set_member(raw, (key,), json.dumps(kept))
    if added:
        raw = _add_names(raw, key, added)
    for change in changes:
        if change.section not in _LISTS:
            raw = _set_member(raw, (change.section, change.key), json.dumps(change.new))
    return raw


def _add_names(raw: bytes, key: str, names: Sequence[str]) -> bytes:
    """Add *names* to the list *key* of the manifest *raw*.

    The list is made if it is missing.
    """
    text = raw.removeprefix(jsontext.BOM).decode()
    listed = jsontext.parse(raw, "package.json").get(key)
    if isinstance(listed, list):
        value = append_items(get_raw(text, (key,)) or "[]", names)
    else:
        value = format_list(text, [*(listed if isinstance(listed, dict) else ()), *names], 1)
    return _set_member(raw, (key,), value, sort=False)


def _set_member(raw: bytes, path: Sequence[str], value: str, *, sort: bool = True) -> bytes:
    """Set the member at *path* of the manifest *raw* to the JSON *value*.

    A new one goes to its place among sorted ones, or else to the end.
    """
    mark = jsontext.BOM if raw.startswith(jsontext.BOM) else b""
    return mark + set_raw(raw[len(mark) :].decode(), path, value, str if sort else None).encode()
