"""Read dependency specs as npm does.

Source: npm-package-arg 13.0.2 (lib/npa.js), inside npm 11.19.1; 14.0.0 reads the same. A spec that npm cannot
parse ends the consumer's install, in dependencies, optionalDependencies and peerDependencies alike (measured:
EINVALIDTAGNAME, EUNSUPPORTEDPROTOCOL). npm 12 skips an optional peer with such a spec, npm 11 does not.

`workspace_specs` and `protocols` read the specs of other package managers (`workspace:`, `catalog:`, …).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from linkpack.npm.package_names import find_dependency_name_fault
from linkpack.npm.ranges import parse_range, satisfies
from linkpack.npm.semver import WHITESPACE, clean_version, parse_version
from linkpack.record import Record

SpecKind: TypeAlias = Literal["registry", "alias", "file", "git", "remote", ""]

_FRIENDLY = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"  # what encodeURIComponent keeps
)
_ALIAS = r"(?s)(@[^/@]+/[^/@]+|[^/@]+)@(.*)"
_FILE = r"file:|[./]|~/|[a-z]:"  # the last is a drive of Windows
_URL = r"(?:git\+)?[a-z]+:"
_TARBALL = r"\.(?:tgz|tar\.gz|tar)$"
# The ways to write a repository that npm takes for git, from hosted-git-info (`git+ssh://…` is in _GIT_SCHEMES).
_SHORTHAND = r"(?s)[^\s@:#/.][^\s@:#/]*/[^\s@:#/]+(?:#.*)?"  # user/repository#commit
_SHORTCUT = r"(?:github|gitlab|bitbucket|gist|sourcehut):"
_HOSTS = r"(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|gist\.github\.com|git\.sr\.ht)[:/]"
_SCP = rf"(?s)[^\s@:/#]+@{_HOSTS}[^\s:#]+(?:#.*)?"  # git@github.com:user/repository
_SSH = rf"ssh://(?:[^@/]*@)?{_HOSTS}"
_HTTPS = rf"(?s)https://(?:[^@/]*@)?{_HOSTS}[^/?#]+/[^/?#]+(?:#.*)?"
_GIT_SCHEMES = ("git:", "git+http:", "git+https:", "git+rsync:", "git+ftp:", "git+file:", "git+ssh:")
# What `new URL` takes for user, host and port, and an escape that it does not take.
_AUTHORITY = r"(?:[^/?#\\@]*@)?(?:\[[0-9a-f:.]+\]|[^/?#\\@:\s<>^|%\[\]]+)(?::[0-9]{0,5})?(?:[/?#\\]|$)"
_PERCENT = r"%(?![0-9a-fA-F]{2})"
# A comparator as node-semver reads it with `loose`: leading zeros, and no hyphen before a pre-release.
_X = r"(?:[0-9]+|[xX*])"
_LOOSE = rf"(?:[<>]?=?|~>?|\^)[v=]*{_X}(?:\.{_X}(?:\.{_X}(?:-?[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)?)?"
_BUILD = r"\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"


class Spec(Record):
    """A spec as npm reads it.

    *kind* is "" when npm cannot parse it, and *fault* then says why, as a clause. For an alias
    (`npm:name@wanted`) *name* is the package and *wanted* the spec after it.
    """

    kind: SpecKind
    fault: str = ""
    name: str = ""
    wanted: str = ""


@lru_cache(maxsize=4096)
def parse_spec(text: str) -> Spec:
    """Parse the spec *text* of a dependency.

    >>> [parse_spec(text).kind for text in ("^1.2.0", "npm:left-pad@1", "../lib", "a/b", "https://x/y.tgz")]
    ['registry', 'alias', 'file', 'git', 'remote']
    >>> parse_spec("npm:^1.2.0").fault
    'names no package behind npm:'

    White space is not stripped, as in npm: " npm:a@1" is no alias.
    """
    # Fast path: nearly all specs are ranges, for which the tests below would find the same.
    if parse_range(text) is not None:
        return Spec("registry")
    # From here on in the order of npa.js: a path, an alias, a repository, a URL, a tag.
    if re.match(_FILE, text, re.IGNORECASE):
        return Spec("file")
    if text[:4].lower() == "npm:":
        return _parse_alias(text[4:])
    return _parse_place(text)


def _parse_place(text: str) -> Spec:
    """Parse a git repository, a URL, a plain path or a tag."""
    if re.match(_SHORTCUT, text.lstrip()):
        return Spec("", "is no URL") if re.search(_PERCENT, text) else _parse_git(text)
    if re.fullmatch(_SHORTHAND, text) or re.fullmatch(_SCP, text):
        return _parse_git(text)
    if re.match(_URL, text, re.IGNORECASE):
        return _parse_url(text)
    if "/" in text or re.search(_TARBALL, text, re.IGNORECASE):
        return Spec("file")
    # What is left is a version, a range or a tag of the registry.
    fault = find_registry_fault(text)
    return Spec("", fault) if fault else Spec("registry")


def find_registry_fault(text: str) -> str:
    """Say why *text* is no version, range or tag, "" if it is."""
    text = text.strip(WHITESPACE)
    if not text.strip(_FRIENDLY) or parse_range(text) is not None or _is_loose_range(text):
        return ""
    return "is neither a version nor a range nor a tag"


def _parse_alias(text: str) -> Spec:
    """Parse the text behind `npm:`, which is `name` or `name@spec`."""
    end = text.find("@", 1)
    name, wanted = (text[:end], text[end + 1 :] or "*") if end > 0 else (text, "*")
    is_file = not name.startswith("@") and re.search(_TARBALL, name, re.IGNORECASE)
    if is_file or find_dependency_name_fault(name) or name.startswith(("-", "_")):
        return Spec("", "names no package behind npm:")
    # npm refuses an alias of an alias, and one of anything but a registry's package (npa.js, `fromAlias`).
    if wanted[:4].lower() == "npm:" or parse_spec(wanted).kind != "registry":
        return Spec("", f"asks behind npm:{name}@ for something that no registry has")
    return Spec("alias", "", name, wanted)


def _parse_url(text: str) -> Spec:
    """Parse a text that begins with a scheme."""
    scheme = text[: text.index(":") + 1].lower()
    if scheme in _GIT_SCHEMES or re.match(_SSH, text, re.IGNORECASE) or re.fullmatch(_HTTPS, text):
        return _parse_git(text)
    if scheme not in {"http:", "https:"}:
        return Spec("", f"has the protocol {scheme}, which npm does not know")
    if not re.match(_AUTHORITY, text[len(scheme) :].lstrip("/\\"), re.IGNORECASE):
        return Spec("", "is no URL")
    return Spec("remote")


def _parse_git(text: str) -> Spec:
    """Parse the address of a git repository.

    Behind `#` npm takes at most one commit, branch, tag or `semver:` range, and at most one `path:`.
    """
    counts = {"commit": 0, "path": 0}
    # `::` separates the parts (npa.js, `setGitAttrs`).
    for part in text.partition("#")[2].split("::"):
        key, colon, _ = part.partition(":")
        if part and (not colon or key == "semver"):
            counts["commit"] += 1
        elif key == "path":
            counts["path"] += 1
    if max(counts.values()) > 1:
        return Spec("", "names two commits or two paths behind #")
    return Spec("git")


def _is_loose_range(text: str) -> bool:
    """Return True if node-semver with `loose` reads *text* as a range.

    It drops words that are no comparators, so one comparator among them is enough.
    """
    for alternative in re.sub(_BUILD, "", text).split("||"):
        words = re.sub(r"([<>]=?|=|~>?|\^)\s+", r"\1", alternative.strip()).split()
        if not words or any(re.fullmatch(_LOOSE, word) for word in words):
            return True
    return False


def allows(spec: str, version: str) -> bool:
    """Return True if npm takes a bundled *version* under *spec*.

    Only a range, or an alias with a range, can be met (measured on npm 11.19.1: otherwise `npm ls` and `npm ci`
    report the copy). The package that an alias names is not compared with the copy.

    >>> allows("^1.2.0", "1.3.0"), allows("npm:other@1.x", "1.3.0"), allows("latest", "1.3.0")
    (True, True, False)
    """
    if spec[:4].lower() == "npm:":
        name, spec = split_alias(spec[4:]) or (spec[4:], "*")
        if find_dependency_name_fault(name):
            return False
    # To npm these two allow every version, pre-releases and those that it cannot compare included.
    return spec in {"", "*"} or satisfies(make_exact(version), spec)


def split_alias(text: str) -> tuple[str, str] | None:
    """Split `name@spec`, None for any other text.

    >>> split_alias("@scope/name@^1.0.0"), split_alias("@scope/name")
    (('@scope/name', '^1.0.0'), None)
    """
    match = re.fullmatch(_ALIAS, text)
    return (match[1], match[2]) if match else None


def make_exact(version: str) -> str:
    """Return *version* as a spec that it satisfies.

    The answer is "" if npm cannot compare it.

    >>> make_exact("1.2.3"), make_exact("=v01.2.3"), make_exact("next")
    ('1.2.3', '1.2.3', '')
    """
    return version if parse_version(version) else clean_version(version) or ""
