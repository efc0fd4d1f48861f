"""The manifests of a flat layout, by splices: the root declares every name, vendored packages ask for peers.

Measured on npm 11.19.1, to which a vendored package is a linked one: with devDependencies left in its manifest
`npm ls` fails for the consumer, and a `prepare` script there runs at the consumer's second install.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from linkpack.bundle.consumer_specs import SpecChange, rewritten
from linkpack.bundle.vendor import FOLDER, spec_of
from linkpack.npm import json_text as jsontext
from linkpack.npm.json_edit import get_raw, set_raw
from linkpack.npm.manifest import cleaned
from linkpack.npm.specs import allows, exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.bundle.vendor import Flat

_SECTIONS = ("dependencies", "optionalDependencies")
_LISTS = ("bundleDependencies", "bundledDependencies")
_SCRIPTS = ("preprepare", "prepare", "postprepare")


def flat_manifests(
    graph: BundleGraph, flat: Flat, changes: Sequence[SpecChange]
) -> tuple[Mapping[str, bytes], tuple[SpecChange, ...]]:
    """The package.json of the root and of every vendored package, by id, and the spec changes to report.

    *changes* are those that a consumer of any layout needs; the flat layout's own take their place.
    """
    moved = {(at, name) for at in flat.folders for name, _ in _moved(graph, at)}
    moved |= {(graph.root, name) for name in flat.keys}
    kept = [
        change
        for change in changes
        if change.section not in _SECTIONS or (change.package, change.key) not in moved
    ]
    kept = [change for change in kept if change.package in flat.folders or change.package == graph.root]
    new = [*_root_changes(graph, flat)]
    manifests = {graph.root: _root(graph, flat, _of(graph.root, kept))}
    for at in flat.folders:
        peers = {name: _peer_spec(graph, at, name, to, changes) for name, to in _moved(graph, at)}
        manifests[at] = _vendored(graph.packages[at], peers, _of(at, kept))
        new += [
            SpecChange(
                at, graph.packages[at].label, "peerDependencies", name, old, spec, "its copy lies beside it"
            )
            for name, spec in peers.items()
            if spec != (old := spec_of(graph.packages[at], name))
        ]
    return manifests, (*new, *kept)


def _of(at: str, changes: Sequence[SpecChange]) -> list[SpecChange]:
    return [change for change in changes if change.package == at]


def _moved(graph: BundleGraph, at: str) -> list[tuple[str, str]]:
    """The dependencies of the package *at* that become peers: all that are there."""
    return [(name, to) for name, to in sorted(graph.packages[at].needs.items()) if to is not None]


def _peer_spec(graph: BundleGraph, at: str, name: str, to: str, changes: Sequence[SpecChange]) -> str:
    """The range for a peer: what was asked for when the copy satisfies it, else the copy's version."""
    found = [change.new for change in _of(at, changes) if change.key == name and change.section in _SECTIONS]
    spec = (found or [spec_of(graph.packages[at], name)])[-1]
    if spec.startswith("npm:"):  # a peer has no alias: it is found under its name, whatever lies there
        spec = spec.rpartition("@")[2] if "@" in spec[5:] else "*"
    version = graph.packages[to].manifest.version
    return spec if allows(spec, version) else exact(version) or "*"


def _text(raw: bytes) -> tuple[str, bytes]:
    mark = jsontext.BOM if raw.startswith(jsontext.BOM) else b""
    return raw[len(mark) :].decode(), mark


def _without(text: str, path: Sequence[str]) -> str:
    """*text* without the member at *path*, and its namesakes."""
    while get_raw(text, path) is not None:
        text = set_raw(text, path, None)
    return text


def _vendored(package: Package, peers: Mapping[str, str], changes: Sequence[SpecChange]) -> bytes:
    text, mark = _text(rewritten(package.manifest.raw, changes))
    optional = package.manifest.optional_dependencies
    for name, spec in peers.items():
        for section in _SECTIONS:
            text = _without(text, (section, name))
        text = set_raw(text, ("peerDependencies", name), json.dumps(spec, ensure_ascii=False), str)
        if name in optional:
            text = set_raw(text, ("peerDependenciesMeta", name, "optional"), "true")
    for section in ("devDependencies", *_LISTS):
        text = _without(text, (section,))
    for script in _SCRIPTS:
        text = _without(text, ("scripts", script))
    return mark + text.encode()


def _declared(graph: BundleGraph, flat: Flat, key: str) -> list[tuple[str, str]]:
    """The fields of the root that declare *key*, or should, and the spec there now, "" for none."""
    manifest = graph.packages[graph.root].manifest
    fields = zip(_SECTIONS, (manifest.dependencies, manifest.optional_dependencies), strict=True)
    found = [(section, specs[key]) for section, specs in fields if key in specs]
    return found or [(_SECTIONS[key in flat.optional], "")]


def _root_changes(graph: BundleGraph, flat: Flat) -> list[SpecChange]:
    root = graph.packages[graph.root]
    reason = f"it is in {FOLDER}"
    return [
        SpecChange(
            root.id,
            root.label,
            section,
            key,
            old,
            spec,
            reason if spec.startswith("file:") else "linked packages need it",
        )
        for key, spec in sorted(flat.specs.items())
        for section, old in _declared(graph, flat, key)
        if spec != old
    ]


def moved_paths(graph: BundleGraph, flat: Flat) -> Mapping[str, str]:
    """Map the paths in node_modules that the root's manifest names to where *flat* has them."""
    members = graph.packages[graph.root].manifest.members
    return {path: new for _, path, new in _moved_fields(flat, members)}


def _moved_fields(flat: Flat, members: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield the fields of the root that name a vendored package's file: their keys, that path, the new one."""
    bins = members.get("bin")
    fields: list[tuple[tuple[str, ...], object]] = [
        ((key,), members.get(key)) for key in ("main", "browser", "bin")
    ]
    fields += [(("bin", name), script) for name, script in bins.items()] if isinstance(bins, dict) else []
    for keys, value in fields:
        path = cleaned(value) if isinstance(value, str) else ""
        match = re.match(r"node_modules/((?:@[^/]+/)?[^/]+)/", path)
        folder = flat.folders.get(flat.keys.get(match[1], "")) if match else None
        if match and folder:
            yield keys, path, f"{folder}/{path[match.end() :]}"


def _root(graph: BundleGraph, flat: Flat, changes: Sequence[SpecChange]) -> bytes:
    manifest = graph.packages[graph.root].manifest
    text, mark = _text(rewritten(manifest.raw, changes))
    for change in _root_changes(graph, flat):
        text = set_raw(text, (change.section, change.key), json.dumps(change.new, ensure_ascii=False), str)
    for section in _LISTS:
        text = _without(text, (section,))
    for keys, _, path in _moved_fields(flat, graph.packages[graph.root].manifest.members):
        text = set_raw(text, keys, json.dumps(f"./{path}", ensure_ascii=False))
    files = get_raw(text, ("files",))
    if flat.folders and manifest.files is not None and files is not None:
        # Tools that pack a staged tree again select by `files`.
        text = set_raw(text, ("files",), _listed(files))
    return mark + text.encode()


def _listed(raw: str) -> str:
    """The JSON list *raw* with the vendor folder added at its end."""
    body = raw[1:-1]
    if not body.strip():
        return f'["{FOLDER}"]'
    lead = re.match(r"\s*", body)
    gap = lead[0] if lead and "\n" in lead[0] else " "
    end = body[len(body.rstrip()) :]
    return f'[{body.rstrip()},{gap}"{FOLDER}"{end}]'
