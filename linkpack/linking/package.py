"""Read the packages that links lead to, and resolve links as Node and npm do."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ManifestInvalid
from linkpack.linking.states import Absent, File, Link
from linkpack.npm.bins import points_into
from linkpack.npm.json_text import parse
from linkpack.npm.manifest import parse_manifest
from linkpack.npm.package_names import name_fault
from linkpack.project.source import MANIFEST_LIMIT, Source, source_of
from linkpack.system import links as fslinks
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.linking.states import RecordedLink, State


def read_source(folder: str) -> Source:
    """Return the package in *folder*, checked to be one that can be linked.

    `ManifestInvalid` when there is no package.json, when it is no JSON object, when its name is missing or one
    that npm does not link, or when a command or man page has a name that no file can have.
    """
    path = f"{folder}/package.json"
    try:
        root = fs.real_path(folder)
        raw = fs.read_file(f"{root}/package.json", MANIFEST_LIMIT)
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
    bad = next((each for each in (*manifest.bins, *manifest.bins.values(), *manifest.mans) if "\0" in each), None)
    if bad is not None:
        what = f'"{bad}", a command or man page, holds a NUL, which no file name does'
        raise ManifestInvalid(f"{path}: {what}", code="EBADBIN", path=path, hint="correct bin or man there")
    return source_of(root, manifest)


def check_manifest(folder: str) -> None:
    """Raise `ManifestInvalid` if there is a package.json in *folder* that is no JSON object."""
    path = f"{folder}/package.json"
    if fs.is_file(path):
        try:
            parse(fs.read_file(path, MANIFEST_LIMIT), path)
        except OSError as err:
            raise ManifestInvalid(
                f"{path} cannot be read: {err.strerror}",
                code="EUNREADABLE",
                path=path,
                hint=f"make it readable, and no larger than {MANIFEST_LIMIT >> 20} MiB",
            ) from err


def inside(root: str, relative: str) -> str | None:
    """Return the real path of *relative* in the package at *root*; None when that is outside of it."""
    real = fslinks.canonical(posixpath.join(root, relative))
    return real if real.startswith(root.rstrip("/") + "/") else None


def real_folder(path: str) -> str:
    """Return the folder *path* without links, as far as it exists; a broken link stays as it is written.

    /app/node_modules/@s, where node_modules is a link to /main/node_modules -> /main/node_modules/@s
    """
    above = posixpath.dirname(path)
    if above == path or fs.is_dir(path):
        return fslinks.canonical(path)
    return posixpath.join(real_folder(above), posixpath.basename(path))


def named_folders(*folders: str) -> dict[str, str]:
    """Return how *folders*, and those around them, are called where links lead to them: real paths to names.

    /app/node_modules/@s, where node_modules is a link to /main/node_modules
        -> /main/node_modules/@s: /app/node_modules/@s, /main/node_modules: /app/node_modules
    """
    found: dict[str, str] = {}
    for folder in folders:
        at = folder
        while (real := real_folder(at)) != at:
            found[real] = at
            at = posixpath.dirname(at)
    return found


def resolve_parent(path: str) -> str:
    """Return *path* by the real folder that it is in; what is at it is not followed."""
    return posixpath.join(real_folder(posixpath.dirname(path)), posixpath.basename(path))


def link_target(path: str, state: State) -> str | None:
    """Return the text by which the link, or Windows shim, at *path* leads on; None for any other state."""
    if isinstance(state, File):
        from linkpack.linking.shims import read_shim  # noqa: PLC0415 - for Windows only

        return read_shim(next((end for end in (".cmd", ".ps1") if path.endswith(end)), ""), state.content)
    return state.target if isinstance(state, Link) else None


def target_is_inside(path: str, state: State, link: str) -> bool:
    """True if the link or shim at *path* points into *link*.

    Tries the target as it is written, and then from the real folders of both paths.
    """
    target = link_target(path, state)
    if target is None:
        return False
    return points_into(path, target, link) or points_into(resolve_parent(path), target, resolve_parent(link))


def resolve_link(path: str, target: str) -> str:
    """Return the real path to which a link at *path* with the text *target* leads."""
    return fslinks.canonical(posixpath.join(posixpath.dirname(path), target))


def target_exists(path: str, state: State) -> bool:
    """True if the link or shim at *path* leads to something that exists."""
    target = link_target(path, state)
    return target is not None and fslinks.exists(resolve_link(path, target))


def is_replaced(entry: RecordedLink, found: State) -> bool:
    """True if *found*, in the place of the recorded link *entry*, is neither that link nor nothing."""
    if isinstance(found, Link) and found.target != entry.literal:
        return resolve_link(entry.path, found.target) != entry.target
    return not isinstance(found, (Absent, Link))


def is_foreign_command(path: str, state: State, link: str) -> bool:
    """True if the command at *path* belongs to what another process put in the place of the link *link*."""
    return target_is_inside(path, state, link) and target_exists(path, state)


def is_standing(entry: RecordedLink) -> bool:
    """True if the recorded link *entry* is still there, and leads to its package."""
    return fslinks.is_link(entry.path) and fslinks.canonical(entry.path) == entry.target


def meets_range(version: str, wanted: str) -> bool:
    """True if *version* meets the range *wanted*, or *wanted* is no range (a path, an address, a tag).

    Pre-releases count: one links what one works on, which is often `2.1.0-dev.0` where others ask for `^2.0.0`.
    """
    if ":" in wanted or "/" in wanted:
        return True
    from linkpack.npm.ranges import parse_range, satisfies  # noqa: PLC0415 - most projects do not name what they link

    return parse_range(wanted) is None or satisfies(version, wanted, include_prerelease=True)
