"""Verify a tarball: read it once, and check all that is in it.

`verify` has the checks in order. Each code that it gives is explained in docs/codes.md. Nothing here prints.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from linkpack.archive.findings import Finding, Findings, only_errors
from linkpack.archive.reader import Wanted, open_tarball, read_archive
from linkpack.arguments import StrPath, check_path, check_texts
from linkpack.bundle.consumer_specs import Mode
from linkpack.limits import DEFAULTS, Limits, within
from linkpack.packing.options import PackOptions, check_options
from linkpack.packlist.secrets import identify_secret, is_fixture
from linkpack.record import Record
from linkpack.system.temporary import is_draft
from linkpack.verifying.against import CheckedTarball, Reference, check_against
from linkpack.verifying.allowable import allow_codes, check_allowable
from linkpack.verifying.bundle import NO_RUNTIME, check_runtime
from linkpack.verifying.entry_points import check_entries, check_license
from linkpack.verifying.manifests import is_manifest, read_manifests, read_vendored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.archive.reader import Archive, Member
    from linkpack.errors import LinkpackError

_SETTINGS_MAX = 1 << 16  # bytes of an npmrc that is looked into
_PADDING = " \t\"'"  # allowed around keys and values of an npmrc
# The secret keys of a login in npm's settings (@npmcli/config, lib/index.js, `clearCredentialsByURI`).
_LOGINS = {"_authToken", "_auth", "_password"}
_STASH = ".linkpack"  # where the link commands keep what they displace (linking.builder.STASH, slow to import)
_VARIABLE = re.compile(r"\$\{[^{}]*\}")  # npm puts the value in when it reads the file, so that none ships


class Verdict(Record):
    """The findings about a tarball, and its main facts.

    *name* and *version* are "" when its manifest cannot be read, *integrity* when the file cannot be read to its
    end. *size* and *unpacked* are bytes, *entries* is a number of files. *packages* and *edges* are those of the
    runtime graph, and *serves* are the installers that can install it.
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
        """Return True if no finding is an error."""
        return not only_errors(self.findings)

    def passes(self, *, strict: bool = False) -> bool:
        """Return True if no finding is an error and, with *strict*, there is none."""
        return self.ok and not (strict and self.findings)


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
    bundle: Iterable[str] | None = None,
    limits: Limits = DEFAULTS,
) -> Verdict:
    """Check the tarball at *path*, and return what was found.

    *against* is a directory, another tarball, or `git` or `git:DIR` (the commit of the repository around the
    current directory, or around DIR). The tarball must be what that packs to, with the same *npm_rules*, *specs*,
    *publish_config* and *bundle* as `plan_pack` was given; the layout is the tarball's own. *built* are patterns
    for files that git ignores and that are compared with the work tree; without any, all such files are, with a
    warning. *max_size* is the most bytes that the tarball may have, 0 for any number. Errors with a code in
    *allow* become warnings; it takes the codes in `ALLOWABLE`.

    Raises `SnapshotError` when the file cannot be read, `LinkpackError` (EALLOW) for a code that cannot be
    allowed, and what packing *against* raises.
    """
    check_allowable(allow)
    selectors = None if bundle is None else check_texts(bundle, "bundle")
    given = PackOptions(specs=specs, publish_config=publish_config, bundle=selectors)
    options = check_options(given, npm_rules)
    reference = Reference(check_path(against), tuple(check_texts(built, "built")), options, limits)
    where = check_path(path)
    with within(limits):
        # Read the tarball, once: its shape, the contents of manifests and settings, tokens in all files.
        with open_tarball(where) as file:
            archive = read_archive(file.source, file.size, Wanted(_is_looked_at, scan=True), limits)
        manifests = read_manifests(archive, where)
        root = manifests.by_slot.get("")
        findings = Findings()
        findings.extend(manifests.findings)

        # Check for what must not be published.
        findings.extend(_check_leftovers(archive))
        findings.extend(_check_secrets(archive))
        if max_size and archive.size > max_size:
            why = f"the tarball has {archive.size} bytes, the limit is {max_size}"
            findings.error("ESIZE", "", why, "leave files out")
        if root is not None and root.private:
            why = "package.json says private: a publish is refused"
            findings.error("EPRIVATE", "package.json", why, 'remove "private", or pass --allow EPRIVATE')

        # Check what a consumer gets: the runtime graph, entry points, the license. A file that was not read to its
        # end has no integrity, and seems to lack what is further on.
        runtime = NO_RUNTIME
        if root is not None and archive.integrity:
            vendored = read_vendored(archive, root)
            runtime = check_runtime(manifests.by_slot, archive.files.keys(), findings, vendored)
            findings.extend(check_entries(root, manifests.members, archive.files))
            findings.extend(check_license(manifests.members, archive.files.keys()))

        # Compare it with its source.
        if reference.source and archive.integrity:
            findings.extend(check_against(CheckedTarball(where, archive, root), reference))
    return Verdict(
        path=where,
        name=root.name if root else "",
        version=root.version if root else "",
        size=archive.size,
        unpacked=archive.unpacked,
        entries=len(archive.files),
        integrity=archive.integrity,
        packages=runtime.packages,
        edges=runtime.edges,
        serves=runtime.serves,
        findings=allow_codes((*archive.findings, *findings.all()), allow),
    )


def make_unreadable_verdict(path: str, err: LinkpackError) -> Verdict:
    """Return the verdict on a tarball that could not be read.

    *err* says why.
    """
    return Verdict(
        path=path,
        name="",
        version="",
        size=0,
        unpacked=0,
        entries=0,
        integrity="",
        packages=0,
        edges=0,
        serves=(),
        findings=tuple(
            Finding(problem.code, problem.path, problem.message, problem.hint) for problem in err.problems
        ),
    )


def _is_looked_at(path: str, size: int) -> bool:
    """Return True if the file at *path* is a manifest, or a small npmrc."""
    return is_manifest(path, size) or (size <= _SETTINGS_MAX and posixpath.basename(path) == ".npmrc")


def _check_leftovers(archive: Archive) -> Iterator[Finding]:
    """Yield an error for each repository, and each left-over of linkpack."""
    seen = set()
    for path in [*archive.files, *(name.rstrip("/").partition("/")[2] for name in archive.folders)]:
        portions = path.split("/")
        for depth, portion in enumerate(portions, 1):
            place = "/".join(portions[:depth])
            if place in seen:
                continue
            if portion.lower() == ".git":  # in any case: on Windows and macOS .GIT is the same folder
                seen.add(place)
                why = f"{place} is git's: its settings can name programs that git runs there"
                yield Finding("EREPOSITORY", place, why, f"leave {place} out of the package")
            elif portion == _STASH or is_draft(portion):
                seen.add(place)
                why = f"{place} is a lock, a stash or an unfinished file of linkpack"
                yield Finding("ELEFTOVER", place, why, f"remove {place}, and pack again")


def _check_secrets(archive: Archive) -> Iterator[Finding]:
    """Yield a finding for each file that is or holds a secret.

    Those that look as if they were made for tests share one warning.
    """
    fixtures = []
    for member in archive.members:
        is_settings = posixpath.basename(member.path) == ".npmrc"
        tokens = member.tokens
        if is_settings and not tokens and _holds_login(member):
            tokens = ("a registry login",)
        kind = identify_secret(member.path)
        fix = f"leave {member.path} out of the package"
        # ssh2 and node-forge publish keys of their tests. One warning is enough for all of them.
        if (kind or tokens) and is_fixture(member.path, tokens):
            fixtures.append(member.path)
            continue
        if kind:
            yield Finding("ESECRETFILE", member.path, f"{member.path} is {kind}", fix)
        elif is_settings:
            why = f"{member.path} is npm's settings file, which may hold logins"
            yield Finding("WNPMRCSHIPS", member.path, why, fix, "warning")
        if tokens:
            why = f"{member.path} holds what looks like {', '.join(tokens)}"
            yield Finding("ESECRET", member.path, why, f"revoke it, and {fix}")
    if fixtures:
        more = f" and {len(fixtures) - 1} more files like it" if len(fixtures) > 1 else ""
        why = f"{fixtures[0]}{more}: a secret, if it was not made for tests"
        yield Finding("WSECRET", fixtures[0], why, "leave tests and examples out of the package", "warning")


def _holds_login(member: Member) -> bool:
    """Return True if the npmrc *member* sets a login to more than a variable."""
    for line in member.kept.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        name = key.strip(_PADDING).rpartition(":")[2]  # //registry/:_authToken
        login = value.strip(_PADDING)
        if name in _LOGINS and login and not _VARIABLE.fullmatch(login):
            return True
    return False
