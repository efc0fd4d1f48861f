"""The gate as a library: check a tarball, compare two, unpack one. Nothing here prints."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from linkpack.archive.findings import Finding, Findings, errors
from linkpack.archive.opening import open_tarball
from linkpack.archive.reader import Wanted, read_archive
from linkpack.arguments import StrPath, listed, path_text
from linkpack.bundle.consumer_specs import Mode
from linkpack.bundle.layouts import LayoutName
from linkpack.errors import LinkpackError
from linkpack.limits import DEFAULTS, Limits, within
from linkpack.packing.options import PackOptions, given_options
from linkpack.packlist.secrets import is_fixture, secret_name
from linkpack.system import read as fs
from linkpack.system.temporary import is_draft
from linkpack.verifying import difference as diffing
from linkpack.verifying.against import Commit, Source, check_against, check_commit, check_project
from linkpack.verifying.allowable import ALLOWABLE, allowed
from linkpack.verifying.bundle import Runtime, check_runtime
from linkpack.verifying.difference import Difference
from linkpack.verifying.entry_points import check_entries, check_license
from linkpack.verifying.manifests import is_manifest, read_manifests, read_vendored
from linkpack.verifying.sides import read_contents, read_side, tarball_side
from linkpack.verifying.unpack import unpack_tarball

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.archive.reader import Archive, Member
    from linkpack.npm.manifest import Manifest

_SETTINGS_MAX = 1 << 16  # bytes of an npmrc that is looked into
_AROUND = " \t\"'"  # what may stand around keys and values
_LOGINS = {"_authToken", "_auth", "_password"}
_STASH = ".linkpack"  # where the link commands keep what they put aside (linking.linkdraft, slow to import)
_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_NO_RUNTIME = Runtime(0, 0, ())


class Verdict(NamedTuple):
    """What was found in a tarball, and what it is.

    *name* and *version* are "" when its manifest cannot be read; *integrity* is "" when the file cannot be read to
    its end. *size* and *unpacked* are bytes, *entries* counts files. *packages* and *edges* are those of the
    runtime graph, *serves* the installers that can install it.
    """

    path: str
    name: str
    version: str
    size: int
    unpacked: int
    entries: int
    integrity: str
    packages: int
    edges: int
    serves: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error among the findings."""
        return not errors(self.findings)

    def passes(self, *, strict: bool = False) -> bool:
        """True if there is no error among the findings and, with *strict*, no warning either."""
        return self.ok and not (strict and self.findings)


class Unpacked(NamedTuple):
    """A tarball on the disk: the *folder*, how many files and bytes are in it, and warnings about it."""

    folder: str
    files: int
    size: int
    findings: tuple[Finding, ...]


def verify(
    path: StrPath,
    *,
    against: StrPath = "",
    built: Collection[str] = (),
    max_size: int = 0,
    allow: Collection[str] = (),
    npm_rules: str | None = None,
    specs: Mode = "resolve",
    publish_config: bool | None = None,
    limits: Limits = DEFAULTS,
) -> Verdict:
    """The verdict on the tarball at *path*; its findings are all that is wrong with it.

    *against* is a directory, another tarball, or `git` or `git:DIR` (what is committed in the repository of the
    current directory, or of DIR): the tarball must be what that packs to, with the same *npm_rules*, *specs* and
    *publish_config* as `plan_pack` was given; the layout is told by the tarball. *built* are patterns for files
    that git ignores and that are compared with those in the work tree; without any, all are, with a warning.
    *max_size* is the most bytes that it may have, 0 for any. Errors with a code in *allow* are warnings; only
    those in `ALLOWABLE` can be.

    Raises `SnapshotError` when the file cannot be read, `LinkpackError` (EALLOW) for a code that cannot be
    allowed, and what packing *against* raises.
    """
    _check_allow(allow)
    how = given_options(PackOptions(specs=specs, publish_config=publish_config), npm_rules)
    with within(limits):
        asked = (path_text(against), tuple(listed(built, "built")), how)
        return _verify(path_text(path), asked, max_size, allow, limits)


def _verify(
    where: str,
    against: tuple[str, Collection[str], PackOptions],
    max_size: int,
    allow: Collection[str],
    limits: Limits,
) -> Verdict:
    with open_tarball(where) as file:
        archive = read_archive(file.source, file.size, Wanted(_is_looked_at, scan=True), limits)
    manifests = read_manifests(archive, where)
    found = Findings()
    found.extend(manifests.findings)
    found.extend(_leftovers(archive))
    found.extend(_secrets(archive))
    if max_size and archive.size > max_size:
        found.error(
            "ESIZE", "", f"the tarball has {archive.size} bytes, the limit is {max_size}", "leave files out"
        )
    runtime = _NO_RUNTIME
    root = manifests.by_slot.get("")
    if root is not None and root.private:
        why = "package.json says private: a publish is refused"
        found.error("EPRIVATE", "package.json", why, 'remove "private", or pass --allow EPRIVATE')
    if root is not None and archive.integrity:
        vendored = read_vendored(archive, root)
        runtime = check_runtime(manifests.by_slot, archive.files.keys(), found, vendored)
        found.extend(check_entries(root, manifests.members, archive.files))
        found.extend(check_license(manifests.members, archive.files.keys()))
    source, built, how = against
    if source and archive.integrity:
        found.extend(_against((archive, where), root, (source, built), how, limits=limits))
    return Verdict(
        where,
        root.name if root else "",
        root.version if root else "",
        archive.size,
        archive.unpacked,
        len(archive.files),
        archive.integrity,
        runtime.packages,
        runtime.edges,
        runtime.serves,
        allowed((*archive.findings, *found.all()), allow),
    )


def unread(path: str, err: LinkpackError) -> Verdict:
    """Return the verdict on the tarball at *path*, which *err* kept from being read."""
    found = tuple(Finding(each.code, each.path, each.message, each.hint) for each in err.problems)
    return Verdict(path, "", "", 0, 0, 0, "", 0, 0, (), found)


def diff(
    old: StrPath,
    new: StrPath,
    *,
    text: bool = True,
    npm_rules: str | None = None,
    specs: Mode = "resolve",
    publish_config: bool | None = None,
    layout: LayoutName = "bundle",
    limits: Limits = DEFAULTS,
) -> Difference:
    """What differs between *old* and *new*, each a tarball or the directory of a project, as it would be packed.

    With *text* changed files have a unified diff. A directory is packed with *npm_rules*, *specs*,
    *publish_config* and *layout*, as by `plan_pack`. Raises `PlanRejected` for a tarball that is not safe to read
    (see `verify`), and what `plan_pack` raises.
    """
    how = given_options(PackOptions(specs=specs, publish_config=publish_config, layout=layout), npm_rules)
    with within(limits):
        before, after = read_side(path_text(old), limits, how), read_side(path_text(new), limits, how)
        paths = diffing.changed_paths(before, after) if text else ()
        texts = read_contents(before, paths, limits), read_contents(after, paths, limits)
    return diffing.compare(before, after, *texts)


def unpack(
    path: StrPath, target: StrPath = ".", *, allow: Collection[str] = (), limits: Limits = DEFAULTS
) -> Unpacked:
    """The folder `package` in *target* with the files of the tarball at *path*: whole, or not there.

    Everything is checked before the first file is written; modes become 644 or 755, no owners and times are
    taken over. Raises `PlanRejected` for a tarball with errors in its shape or manifests, `SnapshotError` when
    the folder is there already or cannot be written.
    """
    _check_allow(allow)
    with within(limits):
        folder, archive, found = unpack_tarball(path_text(path), path_text(target), limits, allow)
    return Unpacked(folder, len(archive.files), archive.unpacked, found)


def _check_allow(allow: Collection[str]) -> None:
    for code in listed(allow, "allow"):
        if code not in ALLOWABLE:
            raise LinkpackError(
                f"{code} cannot be allowed", code="EALLOW", hint=f"only these can: {', '.join(sorted(ALLOWABLE))}"
            )


def _is_looked_at(path: str, size: int) -> bool:
    return is_manifest(path, size) or (size <= _SETTINGS_MAX and posixpath.basename(path) == ".npmrc")


def _leftovers(archive: Archive) -> Iterator[Finding]:
    """Find what no packer ships: git's own folder, and what linkpack puts aside while it works."""
    seen = set()
    for path in [*archive.files, *(name.rstrip("/").partition("/")[2] for name in archive.folders)]:
        portions = path.split("/")
        for at, portion in enumerate(portions, 1):
            place = "/".join(portions[:at])
            if place in seen:
                continue
            if portion.lower() == ".git":
                seen.add(place)
                why = f"{place} is git's: its settings can name programs that git runs there"
                yield Finding("EREPOSITORY", place, why, f"leave {place} out of the package")
            elif portion == _STASH or is_draft(portion):
                seen.add(place)
                why = f"{place} is a lock, a stash or an unfinished file of linkpack"
                yield Finding("ELEFTOVER", place, why, f"remove {place}, and pack again")


def _logins(member: Member) -> Iterator[str]:
    """Yield the settings in an npmrc that hold a login; one that only names a variable holds none."""
    for line in member.kept.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        name = key.strip(_AROUND).rpartition(":")[2]
        bare = value.strip(_AROUND)
        if name in _LOGINS and bare and not _VARIABLE.fullmatch(bare):
            yield name


def _secrets(archive: Archive) -> Iterator[Finding]:
    fixtures = []
    for member in archive.members:
        if posixpath.basename(member.path) == ".npmrc" and not member.tokens and any(_logins(member)):
            member = member._replace(tokens=("a registry login",))  # noqa: PLW2901 - as if the scan had found it
        what = secret_name(member.path)
        fix = f"leave {member.path} out of the package"
        if (what or member.tokens) and is_fixture(member.path, member.tokens):
            fixtures.append(member.path)
            continue
        if what:
            yield Finding("ESECRETFILE", member.path, f"{member.path} is {what}", fix)
        elif posixpath.basename(member.path) == ".npmrc":
            why = f"{member.path} is npm's settings file, which may hold logins"
            yield Finding("WNPMRCSHIPS", member.path, why, fix, "warning")
        if member.tokens:
            why = f"{member.path} holds what looks like {', '.join(member.tokens)}"
            yield Finding("ESECRET", member.path, why, f"revoke it, and {fix}")
    if fixtures:
        more = f" and {len(fixtures) - 1} more files like it" if len(fixtures) > 1 else ""
        why = f"{fixtures[0]}{more}: a secret, if it was not made for tests"
        yield Finding("WSECRET", fixtures[0], why, "leave tests and examples out of the package", "warning")


def _against(
    tarball: tuple[Archive, str],
    own: Manifest | None,
    against: tuple[str, Collection[str]],
    how: PackOptions,
    *,
    limits: Limits,
) -> Iterator[Finding]:
    (archive, path), (source, built) = tarball, against
    how = how._replace(destination=posixpath.dirname(path) or ".")
    kind, _, folder = source.partition(":")
    if fs.is_dir(source):
        yield from check_project(archive, own, Source(source), how)
    elif kind == "git":
        yield from check_commit(archive, own, path, Commit(folder or ".", built, limits), how)
    else:
        yield from check_against(archive, tarball_side(source, limits))
