"""The manifests in a tarball: the package's own, which must fit the file's name, and those of bundled packages."""

from __future__ import annotations

import contextlib
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from linkpack.archive.findings import Finding
from linkpack.bundle.layout_check import slot_of
from linkpack.errors import LinkpackError, ManifestInvalid
from linkpack.npm import json_text as jsontext
from linkpack.npm.manifest import parse_manifest
from linkpack.npm.package_names import slug

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linkpack.archive.reader import Archive, Member
    from linkpack.npm.manifest import Manifest, Role

_VENDORED = re.compile(r"vendor/(?:@[^/]+/)?[^/@][^/]*/package\.json")
_NAMED = 20  # duplicate keys that are named
_CLAIM = re.compile(r".*-[0-9]+\.[0-9]+\.[0-9]+.*\.(?:tgz|tar\.gz)", re.DOTALL)


class Manifests(NamedTuple):
    """Manifests by slot, "" being the package's own; its *members* as JSON; and what is wrong with any of them."""

    by_slot: Mapping[str, Manifest]
    members: Mapping[str, object]
    findings: tuple[Finding, ...]


def is_manifest(path: str, _size: int) -> bool:
    """Whether *path* is the manifest of the package, of a bundled one, or of one that may be vendored."""
    return slot_of(path) is not None or _VENDORED.fullmatch(path) is not None


def read_vendored(archive: Archive, root: Manifest) -> Mapping[str, Manifest]:
    """The manifests of the packages that *root* asks for in its own folder `vendor`, by folder.

    One that cannot be read is left out: what else lies in such a folder is the package's own affair.
    """
    asked = {
        posixpath.normpath(spec.removeprefix("file:"))
        for spec in {**root.dependencies, **root.optional_dependencies}.values()
        if spec.startswith("file:./vendor/")
    }
    found = {}
    for member in archive.members if asked else ():
        folder = member.path.rpartition("/")[0]
        if folder in asked and _VENDORED.fullmatch(member.path):
            with contextlib.suppress(LinkpackError):
                found[folder] = parse_manifest(member.kept, member.path, "installed")
    return found


def read_manifests(archive: Archive, filename: str) -> Manifests:
    """The manifests among the members of *archive*, which must have kept them; *filename* is the tarball's."""
    found: list[Finding] = []
    by_slot: dict[str, Manifest] = {}
    own: Mapping[str, object] = {}
    for member in archive.members:
        slot = slot_of(member.path)
        if slot is None:
            continue
        try:
            manifest = _parse(member, "installed" if slot else "root", found)
        except LinkpackError as err:
            found += [Finding(each.code, member.path, each.message, each.hint) for each in err.problems]
            continue
        members = jsontext.parse(member.kept, member.path)
        by_slot[slot] = manifest
        found += _paths(members, member.path)
        own = own if slot else members
    if archive.integrity and not any(member.path == "package.json" for member in archive.members):
        place = f"{archive.root or 'package'}/package.json"
        found.append(Finding("ENOMANIFEST", place, "the tarball has no package.json", "pack a package"))
    if "" in by_slot:
        found += _root(by_slot[""].name, archive.root)
        found += _filename(by_slot[""], filename)
    return Manifests(by_slot, own, tuple(found))


def _parse(member: Member, role: Role, found: list[Finding]) -> Manifest:
    """Read the manifest in *member*; what npm reads otherwise than it is written is a warning."""
    try:
        manifest = parse_manifest(member.kept, member.path, role)
    except ManifestInvalid as err:
        if err.code != "EMANIFEST":
            raise
        found.append(Finding("WMANIFEST", member.path, err.message, err.hint, "warning"))
        return parse_manifest(member.kept, member.path, "installed")
    # A registry or scanner that takes the first of two keys sees other scripts or dependencies than npm runs.
    twice = jsontext.duplicate_keys(member.kept) if role == "root" else ()
    for key, place in twice[:_NAMED]:
        why = f'{member.path}:{place}: duplicate key "{key}"'
        found.append(Finding("EJSON", member.path, why, "remove one of the two"))
    found += [
        Finding(each.code, each.path, each.message, each.hint, "warning")
        for each in manifest.warnings
        if not (twice and "duplicate key" in each.message)  # told above
    ]
    return manifest


def _paths(members: Mapping[str, object], place: str) -> Iterator[Finding]:
    """Commands, scripts and man pages whose names lead out of where an installer puts them."""
    directories = members.get("directories")
    folders = directories if isinstance(directories, dict) else {}
    for key, value in (
        ("bin", members.get("bin")),
        ("man", members.get("man")),
        ("directories.bin", folders.get("bin")),
        ("directories.man", folders.get("man")),
    ):
        for text in _texts(value):
            if ".." in re.split(r"[/\\]", text) or text.startswith(("/", "\\")) or not text.isprintable():
                why = f'{place}: {key} has "{text}", which leads out of the package'
                yield Finding("EBINPATH", place, why, f"make {key} a path inside the package")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from (each,) if isinstance(each, str) else ()


def _root(name: str, root: str) -> Iterator[Finding]:
    """Whether the package's folder has a name that packers give it: npm's, the package's own, or git archive's.

    Installers take the folder away, whatever it is called. DefinitelyTyped names it for the package, `git archive`
    and GitHub for the repository and the commit or tag.
    """
    base = name.rpartition("/")[2]
    if root not in {"package", base} and f"-{base}-" not in f"-{root}":
        yield Finding("WROOT", root, f"the package's folder is called {root}, not package", severity="warning")


def _filename(manifest: Manifest, filename: str) -> Iterator[Finding]:
    """Whether the name of the file is that of the package, in any packer's way of writing it."""
    name, version = manifest.name, manifest.version
    base = posixpath.basename(filename)
    stem = base.removesuffix(".tgz").removesuffix(".tar.gz")
    names = {slug(name), name.rpartition("/")[2], "@" + slug(name), name.replace("/", "-")}
    if stem in {f"{each}-{v}" for each in names for v in (version, version.partition("+")[0])}:
        return
    if _CLAIM.fullmatch(base):
        why = f"the file is called {base}, but its package.json says {name} {version}"
        yield Finding("EFILENAME", "package.json", why, "rename the file, or pass --allow EFILENAME")
    else:
        why = f"the file's name {base} does not tell name and version: it is {name} {version}"
        yield Finding("WFILENAME", "package.json", why, "", "warning")
