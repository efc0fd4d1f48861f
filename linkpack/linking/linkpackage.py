"""Reads the packages that links lead to."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.disk import fs, fslinks
from linkpack.errors import LinkpackError, ManifestInvalid
from linkpack.linking.bins import commands, man_pages, points_into
from linkpack.linking.linkstate import Absent, File, Link
from linkpack.npm.jsontext import parse
from linkpack.npm.manifest import parse_manifest
from linkpack.npm.names import name_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkpack.linking.linkstate import Linked, State
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
            parse(fs.read_file(path, _LIMIT), path)
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
    """Return the plain files below *folder* of a package, relative to it.

    None without a folder, nor from one that leads out of the package. Neither node_modules nor links to folders
    are entered, and unreadable folders are passed over.

    Raises `LinkpackError` (ELIMIT) for more files and folders than the limits allow.
    """
    base = None if folder is None else fslinks.canonical(posixpath.join(root, folder))
    if base is None or not f"{base}/".startswith(f"{root.rstrip('/')}/"):
        return []
    found: list[str] = []
    waiting = [""]
    room = limits.current().entries
    while waiting:
        relative = waiting.pop()
        try:
            entries = fs.scan(posixpath.join(base, relative))
        except OSError:
            continue
        room -= len(entries)
        if room < 0:
            message = f"{base} holds more than {limits.current().entries} files and folders"
            raise LinkpackError(message, code="ELIMIT", path=base, hint="name commands and pages by bin and man")
        for entry in entries:
            path = posixpath.join(relative, entry.name)
            if not entry.is_dir(follow_symlinks=False):
                found += [path] if fs.is_file(entry.path) else []
            elif entry.name != "node_modules":
                waiting.append(path)
    return found


def inside(root: str, relative: str) -> str | None:
    """The real path of what *relative* names in the package at *root*; None when that lies outside of it."""
    real = fslinks.canonical(posixpath.join(root, relative))
    return real if real.startswith(root.rstrip("/") + "/") else None


def placed(path: str) -> str:
    """*path* by the real folder that it is in; what stands at it is not followed."""
    return posixpath.join(fslinks.canonical(posixpath.dirname(path)), posixpath.basename(path))


def leads_by(path: str, state: State) -> str | None:
    """The text by which a link, or a shim of Windows, that is in *state* at *path* leads on; None for the rest."""
    if isinstance(state, File):
        from linkpack.linking.shims import read_shim  # noqa: PLC0415 - for Windows only

        return read_shim(next((end for end in (".cmd", ".ps1") if path.endswith(end)), ""), state.content)
    return state.target if isinstance(state, Link) else None


def leads_through(path: str, state: State, link: str) -> bool:
    """Whether what is in *state* at *path* leads through *link*: by its words, or from the real folders."""
    target = leads_by(path, state)
    if target is None:
        return False
    return points_into(path, target, link) or points_into(placed(path), target, placed(link))


def led_to(path: str, target: str) -> str:
    """The real path to which the text *target* of a link at *path* leads."""
    return fslinks.canonical(posixpath.join(posixpath.dirname(path), target))


def leads_on(path: str, state: State) -> bool:
    """Whether what is in *state* at *path* leads to something that exists."""
    target = leads_by(path, state)
    return target is not None and fslinks.exists(led_to(path, target))


def is_replaced(entry: Linked, found: State) -> bool:
    """Whether *found*, which stands in the place of the link *entry*, is neither that link nor nothing."""
    if isinstance(found, Link) and found.target != entry.literal:
        return led_to(entry.path, found.target) != entry.target
    return not isinstance(found, (Absent, Link))


def is_theirs(path: str, state: State, link: str) -> bool:
    """Whether what is in *state* at *path* is a command of what somebody put in the place of the link *link*."""
    return leads_through(path, state, link) and leads_on(path, state)


def meets_range(version: str, wanted: str) -> bool:
    """True if *version* meets the range *wanted*, or *wanted* is no range (a path, an address, a tag).

    Pre-releases count: one links what one works on, which is often `2.1.0-dev.0` where others ask for `^2.0.0`.
    """
    if ":" in wanted or "/" in wanted:
        return True
    from linkpack.npm.ranges import parse_range, satisfies  # noqa: PLC0415 - most projects do not name what they link

    return parse_range(wanted) is None or satisfies(version, wanted, include_prerelease=True)
