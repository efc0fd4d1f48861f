"""Read the manifests in a tarball, and check them one by one."""

from __future__ import annotations

import contextlib
import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.archive.findings import Finding
from linkpack.bundle.layout_check import find_slot
from linkpack.errors import LinkpackError, ManifestInvalid
from linkpack.npm import json_text as jsontext
from linkpack.npm.manifest import parse_manifest
from linkpack.npm.package_names import make_slug
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.archive.reader import Archive, Member
    from linkpack.npm.manifest import Manifest, Role

_VENDORED = re.compile(r"vendor/(?:@[^/]+/)?[^/@][^/]*/package\.json")
_NAMED = 20  # duplicate keys that are named
# A file name that says which version is in the file.
_CLAIM = re.compile(r".*-[0-9]+\.[0-9]+\.[0-9]+.*\.(?:tgz|tar\.gz)", re.DOTALL)


class Manifests(Record):
    """Manifests by slot ("": the package's own), and their faults.

    *members* are those of the package's own manifest, as JSON.
    """

    by_slot: Mapping[str, Manifest]
    members: Mapping[str, object]
    findings: tuple[Finding, ...]


def is_manifest(path: str, _size: int) -> bool:
    """Return True if *path* may be the manifest of a package in the tarball.

    That is its own, that of a bundled package, or that of a vendored one.

    >>> is_manifest("node_modules/a/package.json", 2), is_manifest("test/package.json", 2)
    (True, False)
    """
    return find_slot(path) is not None or _VENDORED.fullmatch(path) is not None


def read_manifests(archive: Archive, filename: str) -> Manifests:
    """Read the manifests in *archive*, and check them.

    The archive was read so that it kept their contents. *filename* is the tarball's.
    """
    findings: list[Finding] = []
    by_slot: dict[str, Manifest] = {}
    own: Mapping[str, object] = {}
    for member in archive.members:
        slot = find_slot(member.path)
        if slot is None:
            continue
        try:
            manifest = _parse(member, "installed" if slot else "root", findings)
        except LinkpackError as err:
            findings += [
                Finding(problem.code, member.path, problem.message, problem.hint) for problem in err.problems
            ]
            continue
        members = jsontext.parse(member.kept, member.path)  # the fields that `Manifest` does not have, as written
        by_slot[slot] = manifest
        findings += _check_paths(members, member.path)
        own = own if slot else members
    # A file that was not read to its end may have its manifest further on.
    if archive.integrity and not any(member.path == "package.json" for member in archive.members):
        place = f"{archive.root or 'package'}/package.json"
        findings.append(Finding("ENOMANIFEST", place, "the tarball has no package.json", "pack a package"))
    if "" in by_slot:
        findings += _check_root_folder(by_slot[""].name, archive.root)
        findings += _check_filename(by_slot[""], filename)
    return Manifests(by_slot, own, tuple(findings))


def _parse(member: Member, role: Role, findings: list[Finding]) -> Manifest:
    """Read the manifest in *member*, and add its faults to *findings*."""
    try:
        manifest = parse_manifest(member.kept, member.path, role)
    except ManifestInvalid as err:
        if err.code != "EMANIFEST":
            raise
        # More is demanded of a root manifest. By the rules of an installed one it can still be checked.
        findings.append(Finding("WMANIFEST", member.path, err.message, err.hint, "warning"))
        return parse_manifest(member.kept, member.path, "installed")
    # A registry or scanner that takes the first of two keys sees other scripts or dependencies than npm runs.
    duplicates = jsontext.find_duplicate_keys(member.kept) if role == "root" else ()
    for key, place in duplicates[:_NAMED]:
        why = f'{member.path}:{place}: duplicate key "{key}"'
        findings.append(Finding("EJSON", member.path, why, "remove one of the two"))
    findings += [
        Finding(warning.code, warning.path, warning.message, warning.hint, "warning")
        for warning in manifest.warnings
        if not (duplicates and "duplicate key" in warning.message)  # an error already
    ]
    return manifest


def _check_paths(members: Mapping[str, object], place: str) -> Iterator[Finding]:
    """Yield an error for each command or man page outside its package."""
    directories = members.get("directories")
    folders = directories if isinstance(directories, dict) else {}
    for key, value in (
        ("bin", members.get("bin")),
        ("man", members.get("man")),
        ("directories.bin", folders.get("bin")),
        ("directories.man", folders.get("man")),
    ):
        for text in _iter_texts(value):
            # A backslash is a slash on Windows.
            if ".." in re.split(r"[/\\]", text) or text.startswith(("/", "\\")) or not text.isprintable():
                why = f'{place}: {key} has "{text}", which leads out of the package'
                yield Finding("EBINPATH", place, why, f"make {key} a path inside the package")


def _iter_texts(value: object) -> Iterator[str]:
    """Yield the texts in *value*.

    *value* is a text, a list of texts, or an object, the keys of which are texts too: those of `bin` become file
    names.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (text for text in value if isinstance(text, str))
    elif isinstance(value, dict):
        for key, text in value.items():
            yield key
            if isinstance(text, str):
                yield text


def _check_root_folder(name: str, root: str) -> Iterator[Finding]:
    """Yield a warning when no packer calls the folder *root*.

    *name* is the package's. npm calls it `package`, DefinitelyTyped by the package's name, and `git archive` and
    GitHub by the repository and the commit or tag. Installers remove the folder, whatever it is called.

    >>> list(_check_root_folder("@types/node", "node")), list(_check_root_folder("lib", "me-lib-4f3a2b1"))
    ([], [])
    """
    base = name.rpartition("/")[2]
    if root not in {"package", base} and f"-{base}-" not in f"-{root}":
        yield Finding("WROOT", root, f"the package's folder is called {root}, not package", severity="warning")


def _check_filename(manifest: Manifest, filename: str) -> Iterator[Finding]:
    """Yield a finding when no packer names the package's tarball *filename*.

    It is an error when that name claims a version, for the file may be another package's.
    """
    name, version = manifest.name, manifest.version
    base = posixpath.basename(filename)
    stem = base.removesuffix(".tgz").removesuffix(".tar.gz")
    names = {make_slug(name), name.rpartition("/")[2], "@" + make_slug(name), name.replace("/", "-")}
    versions = {version, version.partition("+")[0]}  # pnpm leaves build metadata out (docs/verify.md)
    if stem in {f"{known}-{number}" for known in names for number in versions}:
        return
    if _CLAIM.fullmatch(base):
        why = f"the file is called {base}, but its package.json says {name} {version}"
        yield Finding("EFILENAME", "package.json", why, "rename the file, or pass --allow EFILENAME")
    else:
        why = f"the file's name {base} does not tell name and version: it is {name} {version}"
        yield Finding("WFILENAME", "package.json", why, "", "warning")


def read_vendored(archive: Archive, root: Manifest) -> Mapping[str, Manifest]:
    """Return the manifests of vendored packages, by folder.

    Those are in the folder `vendor` of the package. Only folders that its specs name are looked at. A manifest
    there that cannot be read is left out: it need not be one that linkpack wrote.
    """
    folders = {
        posixpath.normpath(spec.removeprefix("file:"))
        for spec in {**root.dependencies, **root.optional_dependencies}.values()
        if spec.startswith("file:./vendor/")
    }
    manifests: dict[str, Manifest] = {}
    if not folders:
        return manifests
    for member in archive.members:
        folder = member.path.rpartition("/")[0]
        if folder in folders and _VENDORED.fullmatch(member.path):
            with contextlib.suppress(LinkpackError):
                manifests[folder] = parse_manifest(member.kept, member.path, "installed")
    return manifests
