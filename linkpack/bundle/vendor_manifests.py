"""Rewrite the manifests of a flat layout.

The root declares every name, and vendored packages ask for peers. Bytes that need no change stay.

Measured on npm 11.19.1, to which a vendored package is a linked one: with devDependencies left in its manifest
`npm ls` fails for the consumer, and a `prepare` script there runs at the consumer's second install.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from linkpack.bundle.consumer_specs import SpecChange, rewrite_specs
from linkpack.bundle.vendor import FOLDER, find_spec
from linkpack.npm import json_text as jsontext
from linkpack.npm.json_edit import append_items, get_raw, set_raw
from linkpack.npm.manifest import clean_path
from linkpack.npm.specs import allows, make_exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.bundle.vendor import Flat

_SECTIONS = ("dependencies", "optionalDependencies")
_LISTS = ("bundleDependencies", "bundledDependencies")
_SCRIPTS = ("preprepare", "prepare", "postprepare")


def rewrite_flat_manifests(
    graph: BundleGraph, flat: Flat, changes: Sequence[SpecChange]
) -> tuple[Mapping[str, bytes], tuple[SpecChange, ...]]:
    """Return the manifests of a flat layout, by id, and the spec changes.

    *changes* are those that a consumer of any layout needs. A change for the flat layout replaces one of the same
    dependency.
    """
    moved = {(id_, name) for id_ in flat.folders for name, _ in _list_peers(graph, id_)}
    moved |= {(graph.root, name) for name in flat.keys}
    kept = [
        change
        for change in changes
        if change.section not in _SECTIONS or (change.package, change.key) not in moved
    ]
    kept = [change for change in kept if change.package in flat.folders or change.package == graph.root]
    new = [*_root_changes(graph, flat)]
    manifests = {graph.root: _root_manifest(graph, flat, _changes_of(graph.root, kept))}
    for id_ in flat.folders:
        targets = {name: flat.twins.get(to, to) for name, to in _list_peers(graph, id_)}
        peers = {name: _peer_spec(graph, id_, name, to, changes) for name, to in _list_peers(graph, id_)}
        manifests[id_] = _vendored_manifest(graph.packages[id_], peers, _changes_of(id_, kept))
        new += [
            SpecChange(
                package=id_,
                label=graph.packages[id_].label,
                section="peerDependencies",
                key=name,
                old=old,
                new=spec,
                reason="its copy lies beside it" if targets[name] in flat.folders else "the project asks for it",
            )
            for name, spec in peers.items()
            if spec != (old := find_spec(graph.packages[id_], name))
        ]
    return manifests, (*new, *kept)


def _changes_of(id_: str, changes: Sequence[SpecChange]) -> list[SpecChange]:
    return [change for change in changes if change.package == id_]


def _list_peers(graph: BundleGraph, id_: str) -> list[tuple[str, str]]:
    """List the dependencies of a package that become peers: all present ones."""
    return [(name, to) for name, to in sorted(graph.packages[id_].needs.items()) if to is not None]


def _peer_spec(graph: BundleGraph, id_: str, name: str, to: str, changes: Sequence[SpecChange]) -> str:
    """Return the range for a peer.

    It is the range that was asked for, or the copy's version if that does not satisfy it.
    """
    rewritten_specs = [
        change.new for change in _changes_of(id_, changes) if change.key == name and change.section in _SECTIONS
    ]
    spec = (rewritten_specs or [find_spec(graph.packages[id_], name)])[-1]
    if spec.startswith("npm:"):  # a peer has no alias: it is whatever is found under the name
        spec = spec.rpartition("@")[2] if "@" in spec[len("npm:@") :] else "*"
    version = graph.packages[to].manifest.version
    if to in graph.outside and not version:  # nothing is installed, so nothing says otherwise
        return spec
    return spec if allows(spec, version) else make_exact(version) or "*"


def _split_bom(raw: bytes) -> tuple[str, bytes]:
    mark = jsontext.BOM if raw.startswith(jsontext.BOM) else b""
    return raw[len(mark) :].decode(), mark


def _remove(text: str, path: Sequence[str]) -> str:
    """Remove the member at *path* from *text*, and any duplicates of it."""
    # JSON.parse would take an earlier duplicate for the value once the last is gone.
    while get_raw(text, path) is not None:
        text = set_raw(text, path, None)
    return text


def _vendored_manifest(package: Package, peers: Mapping[str, str], changes: Sequence[SpecChange]) -> bytes:
    text, mark = _split_bom(rewrite_specs(package.manifest.raw, changes))
    optional = package.manifest.optional_dependencies
    for name, spec in peers.items():
        for section in _SECTIONS:
            text = _remove(text, (section, name))
        text = set_raw(text, ("peerDependencies", name), json.dumps(spec, ensure_ascii=False), str)
        if name in optional:
            text = set_raw(text, ("peerDependenciesMeta", name, "optional"), "true")
    # See the top of the module for devDependencies and scripts. Nothing is bundled in a flat layout.
    for section in ("devDependencies", *_LISTS):
        text = _remove(text, (section,))
    for script in _SCRIPTS:
        text = _remove(text, ("scripts", script))
    return mark + text.encode()


def _declaring_fields(graph: BundleGraph, flat: Flat, key: str) -> list[tuple[str, str]]:
    """List the root's fields that declare *key*, or should, with the specs."""
    manifest = graph.packages[graph.root].manifest
    fields = zip(_SECTIONS, (manifest.dependencies, manifest.optional_dependencies), strict=True)
    declared = [(section, specs[key]) for section, specs in fields if key in specs]
    return declared or [("optionalDependencies" if key in flat.optional else "dependencies", "")]


def _root_changes(graph: BundleGraph, flat: Flat) -> list[SpecChange]:
    root = graph.packages[graph.root]
    reason = f"it is in {FOLDER}"
    return [
        SpecChange(
            package=root.id,
            label=root.label,
            section=section,
            key=key,
            old=old,
            new=spec,
            reason=reason if spec.startswith("file:") else "linked packages need it",
        )
        for key, spec in sorted(flat.specs.items())
        for section, old in _declaring_fields(graph, flat, key)
        if spec != old
    ]


def map_moved_paths(graph: BundleGraph, flat: Flat) -> Mapping[str, str]:
    """Map paths in node_modules that the root names to where *flat* has them."""
    members = graph.packages[graph.root].manifest.members
    return {path: new for _, path, new in _moved_fields(flat, members)}


def _moved_fields(flat: Flat, members: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield the fields of the root that name a vendored file.

    Each is its keys, the path in it, and the new path.
    """
    bins = members.get("bin")
    fields: list[tuple[tuple[str, ...], object]] = [
        ((key,), members.get(key)) for key in ("main", "browser", "bin")
    ]
    fields += [(("bin", name), script) for name, script in bins.items()] if isinstance(bins, dict) else []
    for keys, value in fields:
        path = clean_path(value) if isinstance(value, str) else ""
        match = re.match(r"node_modules/((?:@[^/]+/)?[^/]+)/", path)
        folder = flat.folders.get(flat.keys.get(match[1], "")) if match else None
        if match and folder:
            yield keys, path, f"{folder}/{path[match.end() :]}"


def _root_manifest(graph: BundleGraph, flat: Flat, changes: Sequence[SpecChange]) -> bytes:
    manifest = graph.packages[graph.root].manifest
    text, mark = _split_bom(rewrite_specs(manifest.raw, changes))
    for change in _root_changes(graph, flat):
        text = set_raw(text, (change.section, change.key), json.dumps(change.new, ensure_ascii=False), str)
    for section in _LISTS:
        text = _remove(text, (section,))
    for keys, _, path in _moved_fields(flat, graph.packages[graph.root].manifest.members):
        text = set_raw(text, keys, json.dumps(f"./{path}", ensure_ascii=False))
    files = get_raw(text, ("files",))
    if flat.folders and manifest.files is not None and files is not None:
        # Tools that pack a staged tree again select by `files`.
        text = set_raw(text, ("files",), append_items(files, [FOLDER]))
    return mark + text.encode()
