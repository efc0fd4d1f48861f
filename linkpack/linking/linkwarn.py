"""Warnings that spare hours: ranges that a link does not meet, doubled peers, dependencies not installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.linking.linkpackage import read_loose, resolve_package

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.linking.linkdraft import PlanBuilder
    from linkpack.linking.linkpackage import Source
    from linkpack.npm.manifest import Manifest


def warn_about(builder: PlanBuilder, source: Source, folders: Sequence[str]) -> None:
    """Add what *folders* (the project, or its chosen workspaces) should know about a link to *source*."""
    for folder in folders:
        manifest = read_loose(folder)
        if manifest is not None:
            _check_range(builder, source, folder, manifest)
            _check_peers(builder, source, folder, manifest)
    _check_dependencies(builder, source)


def _misses(version: str, wanted: str) -> bool:
    """Whether *wanted* is a range and *version* not in it; pre-releases count, as one links what one works on."""
    if ":" in wanted or "/" in wanted:  # an address or a path; no range has these
        return False
    from linkpack.npm.ranges import parse_range, satisfies  # noqa: PLC0415 - most projects do not name what they link

    return parse_range(wanted) is not None and not satisfies(version, wanted, include_prerelease=True)


def _check_range(builder: PlanBuilder, source: Source, folder: str, manifest: Manifest) -> None:
    name, version = source.manifest.name, source.manifest.version
    sections = (
        manifest.dependencies,
        manifest.dev_dependencies,
        manifest.optional_dependencies,
        manifest.peer_dependencies,
    )
    for wanted in dict.fromkeys(section[name] for section in sections if name in section):
        if _misses(version, wanted):
            message = f"{folder} wants {name} {wanted}, and the linked one is {version or 'without a version'}"
            hint = f"change its version, or the range in {folder}/package.json"
            builder.warn("WRANGE", source.root, message, hint)


def _check_peers(builder: PlanBuilder, source: Source, folder: str, manifest: Manifest) -> None:
    name = source.manifest.name
    for peer, wanted in source.manifest.peer_dependencies.items():
        ours = folder if manifest.name == peer else resolve_package(folder, peer)
        theirs = resolve_package(source.root, peer)
        if ours is not None and theirs is not None and ours != theirs:
            message = f"{peer} would be loaded twice: {name} finds {theirs}, the project {ours}"
            hint = f"in {source.root}, run linkpack link {ours}, or start node with --preserve-symlinks"
            builder.warn("WPEERTWICE", theirs, message, hint)
        elif ours is None:
            if peer not in source.manifest.optional_peers:
                message = f"{name} needs {peer} {wanted} beside it, and the project does not have it"
                builder.warn("WPEER", folder, message, f"run npm install {peer} in {folder}")
        else:
            _check_peer(builder, source, peer, ours, found=theirs is not None)


def _check_peer(builder: PlanBuilder, source: Source, peer: str, ours: str, *, found: bool) -> None:
    """A peer that the project has: it should be of the right version, and the linked package has to find it."""
    name, wanted = source.manifest.name, source.manifest.peer_dependencies[peer]
    manifest = read_loose(ours)
    if manifest is not None and _misses(manifest.version, wanted):
        message = f"{name} needs {peer} {wanted}, and the project has {manifest.version}"
        builder.warn("WPEER", ours, message, f"install a {peer} that meets {wanted}")
    if not found:
        message = f"{name} does not find the project's {peer}: node looks from {source.root}, where it really is"
        hint = f"in {source.root}, run linkpack link {ours}, or start node with --preserve-symlinks"
        builder.warn("WPEERHIDDEN", source.root, message, hint)


def _check_dependencies(builder: PlanBuilder, source: Source) -> None:
    manifest = source.manifest
    needed = manifest.dependencies.keys() - manifest.optional_dependencies.keys()
    missing = sorted(name for name in needed if resolve_package(source.root, name) is None)
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")  # noqa: PLR2004
        message = f"{manifest.name} needs {shown}, not installed where it is linked from"
        builder.warn("WDEPENDENCIES", source.root, message, f"run npm install in {source.root}")
