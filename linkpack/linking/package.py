"""Read the packages that links lead to, and resolve links."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.errors import ManifestInvalid
from linkpack.linking.shims import read_shim
from linkpack.linking.states import Absent, File, Link
from linkpack.npm.bins import points_into
from linkpack.npm.json_text import parse
from linkpack.npm.manifest import parse_manifest
from linkpack.npm.package_names import find_name_fault
from linkpack.npm.ranges import parse_range, satisfies
from linkpack.project.source import MANIFEST_LIMIT, SourcePackage, read_source_package
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.linking.states import RecordedLink, State


def read_source(folder: str) -> SourcePackage:
    """Read the package in *folder*, and check that it can be linked.

    Raises `ManifestInvalid` if there is no package.json, if it is no JSON object, if its name is missing or one
    that npm does not link, or if a command or man page has a name that no file can have.
    """
    path = f"{folder}/package.json"
    try:
        root = fs.real_path(folder)
        raw = fs.read_file(f"{root}/package.json", MANIFEST_LIMIT)
    except (OSError, ValueError) as err:  # ValueError: a NUL in the path
        reason = getattr(err, "strerror", None) or str(err)
        raise ManifestInvalid(
            f"{path} cannot be read: {reason}",
            code="ENOENT" if isinstance(err, FileNotFoundError) else "EMANIFEST",
            path=path,
            hint="name the folder of a package, which has a package.json",
        ) from err
    manifest = parse_manifest(raw, path, "installed")
    fault = find_name_fault(manifest.name)
    if fault:
        what = f'the name "{manifest.name}" {fault}' if manifest.name else "it has no name"
        raise ManifestInvalid(
            f"{path}: {what}", code="ENAME", path=path, hint='to be linked, it needs a "name" that npm accepts'
        )
    # JSON can hold a NUL, and the system cannot make such a file (tests/security/test_link_types.py).
    names = (*manifest.bins, *manifest.bins.values(), *manifest.mans)
    bad = next((name for name in names if "\0" in name), None)
    if bad is not None:
        what = f'"{bad}", a command or man page, holds a NUL, which no file name does'
        raise ManifestInvalid(f"{path}: {what}", code="EBADBIN", path=path, hint="correct bin or man there")
    return read_source_package(root, manifest)


def check_manifest(folder: str) -> None:
    """Raise `ManifestInvalid` for a broken package.json in *folder*.

    A broken one cannot be read, or is no JSON object. A folder without one is fine, as for npm.
    """
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


def resolve_inside(root: str, relative: str) -> str | None:
    """Return the real path of *relative* in the package at *root*.

    None if that is outside of the package.
    """
    # npm sets the mode of whatever a link in the package leads to (bin-links 6.0.2, lib/fix-bin.js: chmod).
    real = fs.canonical_path(posixpath.join(root, relative))
    return real if real.startswith(root.rstrip("/") + "/") else None


def real_folder(path: str) -> str:
    """Return the folder *path* with its links resolved, as far as it exists.

    A broken link stays as it is written.

    /app/node_modules/@s, where node_modules is a link to /main/node_modules -> /main/node_modules/@s
    """
    # os.path.realpath would follow a broken link to a folder that others may make later.
    above = posixpath.dirname(path)
    if above == path or fs.is_dir(path):
        return fs.canonical_path(path)
    return posixpath.join(real_folder(above), posixpath.basename(path))


def alias_folders(*folders: str) -> dict[str, str]:
    """Map the real paths of *folders* to the paths that the user knows.

    The folders around them are mapped too. A folder that is reached without a link is left out.

    /app/node_modules/@s, where node_modules is a link to /main/node_modules
        -> /main/node_modules/@s: /app/node_modules/@s, /main/node_modules: /app/node_modules
    """
    known: dict[str, str] = {}
    for folder in folders:
        path = folder
        # Once a folder is its own real path, so are all folders around it.
        while (real := real_folder(path)) != path:
            known[real] = path
            path = posixpath.dirname(path)
    return known


def resolve_parent(path: str) -> str:
    """Return *path* with the links of its folder resolved.

    A link at *path* itself is not followed.
    """
    return posixpath.join(real_folder(posixpath.dirname(path)), posixpath.basename(path))


def link_target(path: str, state: State) -> str | None:
    """Return the target, as written, of the link or Windows shim at *path*.

    None if *state*, which is what is at *path*, is neither.
    """
    if isinstance(state, File):
        ending = next((ending for ending in (".cmd", ".ps1") if path.endswith(ending)), "")
        return read_shim(ending, state.content)
    return state.target if isinstance(state, Link) else None


def target_is_inside(path: str, state: State, link: str) -> bool:
    """Return True if the link or shim at *path* points into *link*.

    *link* is the path of a package's link, through which commands lead to scripts.
    """
    target = link_target(path, state)
    if target is None:
        return False
    # npm compares as written (bin-links 6.0.2, lib/check-bin.js). The real folders are compared too, as a scope's
    # folder or `.bin` may be a link itself (test_our_links_are_known_through_folders_that_are_links).
    return points_into(path, target, link) or points_into(resolve_parent(path), target, resolve_parent(link))


def resolve_link(path: str, target: str) -> str:
    """Return the real path that a link at *path* to *target* leads to."""
    return fs.canonical_path(posixpath.join(posixpath.dirname(path), target))


def target_exists(path: str, state: State) -> bool:
    """Return True if the target of the link or shim at *path* exists."""
    target = link_target(path, state)
    return target is not None and fs.exists(resolve_link(path, target))


def is_replaced(link: RecordedLink, present: State) -> bool:
    """Return True if something else is in the place of the recorded *link*.

    *present* is the state of the link's path. A link that leads to the same package by another text is not
    something else, and neither is a path with nothing at it.
    """
    if link.copied is not None:
        return not (isinstance(present, Absent) or is_in_place(link))
    if isinstance(present, Link) and present.target != link.literal:
        return resolve_link(link.path, present.target) != link.target
    return not isinstance(present, (Absent, Link))


def is_foreign_command(path: str, state: State, link: str) -> bool:
    """Return True if a command is that of a package in the place of *link*.

    The command at *path* leads below *link*, the path that a link of ours had, to a file that exists.
    """
    return target_is_inside(path, state, link) and target_exists(path, state)


def is_in_place(link: RecordedLink) -> bool:
    """Return True if *link* exists, and leads to the recorded package.

    A copy is in place as long as its folder is the one that linkpack made.
    """
    if link.copied is not None:
        return (
            fs.is_dir(link.path) and not fs.is_link(link.path) and fs.lstat(link.path).st_ino == link.copied.inode
        )
    return fs.is_link(link.path) and fs.canonical_path(link.path) == link.target


def meets_range(version: str, wanted: str) -> bool:
    """Return True if *version* meets *wanted*, or *wanted* is no range.

    Any version meets a path, an address or a tag. Unlike for npm, `2.1.0-dev.0` meets `^2.0.0`: people link
    packages that they work on, which often have such a version.

    >>> meets_range("2.1.0-dev.0", "^2.0.0"), meets_range("3.0.0", "^2.0.0"), meets_range("3.0.0", "latest")
    (True, False, True)
    """
    if ":" in wanted or "/" in wanted:
        return True
    return parse_range(wanted) is None or satisfies(version, wanted, include_prerelease=True)
