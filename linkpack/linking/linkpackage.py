"""Reads the packages that links lead to."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack.disk import fs, fslinks
from linkpack.errors import LinkpackError, ManifestInvalid
from linkpack.linking.bins import commands, man_pages, points_into
from linkpack.linking.linkstate import Absent, File, Link
from linkpack.npm.jsontext import parse
from linkpack.npm.manifest import parse_manifest
from linkpack.npm.names import name_fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.linking.linkstate import RecordedLink, State
    from linkpack.npm.manifest import Manifest

_LIMIT = 16 << 20  # bytes of a package.json


class Source(NamedTuple):
    """A package to link: its real directory, its manifest, and its commands and man pages inside it."""

    root: str
    manifest: Manifest
    commands: Mapping[str, str]
    pages: tuple[str, ...]


def read_loose(folder: str) -> Manifest | None:
    """The manifest in *folder*, read as npm reads installed ones; None when there is none to use."""
    try:
        raw = fs.read_file(f"{folder}/package.json", _LIMIT)
        return parse_manifest(raw, f"{folder}/package.json", "installed")
    except (OSError, ValueError, LinkpackError):
        return None


def read_source(folder: str) -> Source:
    """The package in *folder*, fit to be linked.

    `ManifestInvalid` when there is no package.json, when it is no JSON object, or when its name is missing or
    one that npm does not link.
    """
    path = f"{folder}/package.json"
    try:
        root = fs.real_path(folder)
        raw = fs.read_file(f"{root}/package.json", _LIMIT)
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        raise ManifestInvalid(
            f"{path} cannot be read: {reason}",
            code="ENOENT" if isinstance(err, FileNotFoundError) else "EMANIFEST",
            path=path,
            hint="name the folder of a package, which has a package.json",
        ) from err
    manifest = parse_manifest(raw, path, "installed")
    fault = name_fault(manifest.name)
    if fault:
        what = f'the name "{manifest.name}" {fault}' if manifest.name else "it has no name"
        raise ManifestInvalid(
            f"{path}: {what}", code="ENAME", path=path, hint='to be linked, it needs a "name" that npm accepts'
        )
    return source_of(root, manifest)


def check_manifest(folder: str) -> None:
    """Nothing, when the package.json in *folder* is missing or a JSON object; else raises `ManifestInvalid`."""
    path = f"{folder}/package.json"
    if fs.is_file(path):
        try:
            parse(fs.read_file(path, _LIMIT), path, strict=False)
        except OSError as err:
            raise ManifestInvalid(
                f"{path} cannot be read: {err.strerror}",
                code="EUNREADABLE",
                path=path,
                hint=f"make it readable, and no larger than {_LIMIT >> 20} MiB",
            ) from err


def source_of(root: str, manifest: Manifest) -> Source:
    """The package in the real directory *root*, whose manifest has been read."""
    scripts = _below(root, manifest.directories_bin)
    pages = _below(root, None if manifest.mans else manifest.directories_man)
    return Source(root, manifest, commands(manifest, scripts), man_pages(manifest, pages))


def _below(root: str, folder: str | None) -> list[str]:
    """The plain files below *folder* of a package, relative to it; none without a folder."""
    return [] if folder is None else list(_files(posixpath.join(root, folder).rstrip("/"), ""))


def _files(base: str, relative: str) -> Iterator[str]:
    try:
        entries = fs.scan(posixpath.join(base, relative))
    except OSError:
        return
    for entry in entries:
        path = posixpath.join(relative, entry.name)
        if entry.is_dir(follow_symlinks=False):
            if entry.name != "node_modules":
                yield from _files(base, path)
        elif fs.is_file(entry.path):
            yield path


def inside(root: str, relative: str) -> str | None:
    """The real path of what *relative* names in the package at *root*; None when that lies outside of it."""
    real = fslinks.canonical(posixpath.join(root, relative))
    return real if real.startswith(root.rstrip("/") + "/") else None


def resolve_parent(path: str) -> str:
    """*path* by the real folder that it is in; what stands at it is not followed."""
    return posixpath.join(fslinks.canonical(posixpath.dirname(path)), posixpath.basename(path))


def link_target(path: str, state: State) -> str | None:
    """The text by which a link, or a shim of Windows, that is in *state* at *path* leads on; None for the rest."""
    if isinstance(state, File):
        from linkpack.linking.shims import read_shim  # noqa: PLC0415 - for Windows only

        return read_shim(next((end for end in (".cmd", ".ps1") if path.endswith(end)), ""), state.content)
    return state.target if isinstance(state, Link) else None


def target_is_inside(path: str, state: State, link: str) -> bool:
    """Whether what is in *state* at *path* leads through *link*: by its words, or from the real folders."""
    target = link_target(path, state)
    if target is None:
        return False
    return points_into(path, target, link) or points_into(resolve_parent(path), target, resolve_parent(link))


def resolve_link(path: str, target: str) -> str:
    """The real path to which the text *target* of a link at *path* leads."""
    return fslinks.canonical(posixpath.join(posixpath.dirname(path), target))


def target_exists(path: str, state: State) -> bool:
    """Whether what is in *state* at *path* leads to something that exists."""
    target = link_target(path, state)
    return target is not None and fslinks.exists(resolve_link(path, target))


def is_replaced(entry: RecordedLink, found: State) -> bool:
    """Whether *found*, which stands in the place of the link *entry*, is neither that link nor nothing."""
    if isinstance(found, Link) and found.target != entry.literal:
        return resolve_link(entry.path, found.target) != entry.target
    return not isinstance(found, (Absent, Link))


def is_foreign_command(path: str, state: State, link: str) -> bool:
    """Whether what is in *state* at *path* is a command of what somebody put in the place of the link *link*."""
    return target_is_inside(path, state, link) and target_exists(path, state)


def resolve_package(start: str, name: str) -> str | None:
    """The real directory of the package that code in *start* finds as *name*, as Node looks it up."""
    at = start
    while True:
        if posixpath.basename(at) != "node_modules":
            found = f"{at}/node_modules/{name}"
            if fs.is_dir(found):
                return fslinks.canonical(found)
        above = posixpath.dirname(at)
        if above == at:
            return None
        at = above
