"""Read dependency specs as npm's own parser does (npm-package-arg 13.0.2, in npm 11.19.1; 14.0.0 reads the same).

What npm cannot parse ends the consumer's install, in dependencies, optionalDependencies and peerDependencies
alike (measured: EINVALIDTAGNAME, EUNSUPPORTEDPROTOCOL). npm 12 passes over an optional peer, npm 11 does not.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from linkpack.npm.package_names import dependency_name_fault
from linkpack.npm.ranges import parse_range, satisfies
from linkpack.npm.semver import WHITESPACE, cleaned, parse_version

SpecKind: TypeAlias = Literal["registry", "alias", "file", "git", "remote", ""]

_FRIENDLY = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"  # what encodeURIComponent keeps
)
ALIAS = r"(?s)(@[^/@]+/[^/@]+|[^/@]+)@(.*)"
_FILE = r"file:|[./]|~/|[a-z]:"
_URL = r"(?:git\+)?[a-z]+:"
_TARBALL = r"\.(?:tgz|tar\.gz|tar)$"
_SHORTHAND = r"(?s)[^\s@:#/.][^\s@:#/]*/[^\s@:#/]+(?:#.*)?"
_SHORTCUT = r"(?:github|gitlab|bitbucket|gist|sourcehut):"
_HOSTS = r"(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|gist\.github\.com|git\.sr\.ht)[:/]"
_SCP = rf"(?s)[^\s@:/#]+@{_HOSTS}[^\s:#]+(?:#.*)?"
_SSH = rf"ssh://(?:[^@/]*@)?{_HOSTS}"
_HTTPS = rf"(?s)https://(?:[^@/]*@)?{_HOSTS}[^/?#]+/[^/?#]+(?:#.*)?"
_GIT_SCHEMES = ("git:", "git+http:", "git+https:", "git+rsync:", "git+ftp:", "git+file:", "git+ssh:")
_AUTHORITY = r"(?:[^/?#\\@]*@)?(?:\[[0-9a-f:.]+\]|[^/?#\\@:\s<>^|%\[\]]+)(?::[0-9]{0,5})?(?:[/?#\\]|$)"
_PERCENT = r"%(?![0-9a-fA-F]{2})"
# A comparator as node-semver reads it with `loose`: leading zeros, and no hyphen before a pre-release.
_X = r"(?:[0-9]+|[xX*])"
_LOOSE = rf"(?:[<>]?=?|~>?|\^)[v=]*{_X}(?:\.{_X}(?:\.{_X}(?:-?[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)?)?"
_BUILD = r"\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"


class Spec(NamedTuple):
    """What npm makes of a spec: its *kind*, "" when npm cannot parse it; *fault* says why then, as a clause.

    Of an alias *name* is the package and *wanted* the spec behind `npm:`.
    """

    kind: SpecKind
    fault: str = ""
    name: str = ""
    wanted: str = ""


@lru_cache(maxsize=4096)
def parse_spec(text: str) -> Spec:
    """Parse the spec *text* of a dependency.

        ^1.2.0  ->  registry      npm:left-pad@1  ->  alias       ../lib     ->  file
        a/b     ->  git           https://x/y.tgz ->  remote      npm:^1.2.0 ->  "" (no name behind npm:)

    White space around a spec counts, as for npm: " npm:a@1" is no alias.
    """
    if parse_range(text) is not None:  # most are: the same answer as below, sooner
        return Spec("registry")
    if re.match(_FILE, text, re.IGNORECASE):
        return Spec("file")
    if text[:4].lower() == "npm:":
        return _parse_alias(text[4:])
    return _parse_place(text)


def _parse_place(text: str) -> Spec:
    """Parse a git repository, a URL or a path without a mark of its own; else a version, range or tag."""
    if re.match(_SHORTCUT, text.lstrip()):
        return Spec("", "is no URL") if re.search(_PERCENT, text) else _git(text)
    if re.fullmatch(_SHORTHAND, text) or re.fullmatch(_SCP, text):
        return _git(text)
    if re.match(_URL, text, re.IGNORECASE):
        return _parse_url(text)
    if "/" in text or re.search(_TARBALL, text, re.IGNORECASE):
        return Spec("file")
    fault = registry_fault(text)
    return Spec("", fault) if fault else Spec("registry")


def registry_fault(text: str) -> str:
    """Say why *text* is neither a version nor a range nor a tag, as a clause; "" when it is one."""
    text = text.strip(WHITESPACE)
    if not text.strip(_FRIENDLY) or parse_range(text) is not None or _is_loose_range(text):
        return ""
    return "is neither a version nor a range nor a tag"


def _parse_alias(text: str) -> Spec:
    """Parse what is behind `npm:`: a package's name, with or without a version, range or tag."""
    end = text.find("@", 1)
    name, wanted = (text[:end], text[end + 1 :] or "*") if end > 0 else (text, "*")
    is_file = not name.startswith("@") and re.search(_TARBALL, name, re.IGNORECASE)
    if is_file or dependency_name_fault(name) or name.startswith(("-", "_")):
        return Spec("", "names no package behind npm:")
    if wanted[:4].lower() == "npm:" or parse_spec(wanted).kind != "registry":
        return Spec("", f"has behind npm:{name}@ what no registry knows")
    return Spec("alias", "", name, wanted)


def _parse_url(text: str) -> Spec:
    scheme = text[: text.index(":") + 1].lower()
    if scheme in _GIT_SCHEMES or re.match(_SSH, text, re.IGNORECASE) or re.fullmatch(_HTTPS, text):
        return _git(text)
    if scheme not in {"http:", "https:"}:
        return Spec("", f"has the protocol {scheme}, which npm does not know")
    if not re.match(_AUTHORITY, text[len(scheme) :].lstrip("/\\"), re.IGNORECASE):
        return Spec("", "is no URL")
    return Spec("remote")


def _git(text: str) -> Spec:
    """Check the part behind `#`: at most one commit, branch, tag or `semver:` range, and at most one `path:`."""
    counts = {"commit": 0, "path": 0}
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
    """True if node-semver takes *text* for a range with `loose`: it drops the words that are no comparators."""
    for alternative in re.sub(_BUILD, "", text).split("||"):
        words = re.sub(r"([<>]=?|=|~>?|\^)\s+", r"\1", alternative.strip()).split()
        if not words or any(re.fullmatch(_LOOSE, word) for word in words):
            return True
    return False


def allows(spec: str, version: str) -> bool:
    """Whether npm finds a bundled copy at *version* valid under *spec*: a range, or `npm:` with one.

    Measured on npm 11.19.1: only then are `npm ls` and `npm ci` clean; the name behind `npm:` does not count.
    """
    if spec[:4].lower() == "npm:":
        alias = re.fullmatch(ALIAS, spec[4:])
        name, spec = (alias[1], alias[2]) if alias else (spec[4:], "*")
        if dependency_name_fault(name):
            return False
    return spec in {"", "*"} or satisfies(exact(version), spec)


def exact(version: str) -> str:
    """*version* as a spec that it satisfies; "" when npm cannot compare it."""
    return version if parse_version(version) else cleaned(version) or ""
