"""What the specs of other package managers mean to npm: `workspace:`, `catalog:`, `jsr:`, aliases, and paths."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from linkpack.npm.names import dependency_name_fault
from linkpack.npm.ranges import parse_range, satisfies
from linkpack.npm.semver import cleaned, parse_version

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALIAS = r"(?s)(@[^/@]+/[^/@]+|[^/@]+)@(.*)"
# What npm-package-arg takes for a path, and the protocols of pnpm and yarn that stand for one.
_LOCAL = (
    r"(?i)(?:file|link|portal|patch|exec):|[./]|~/|[a-z]:"
    r"|[^:@/#]+[.](?:tgz|tar|tar[.]gz)$|[^:@/#]+/[^:@/#]+/[^:@#]+$"
)


class Supplied(NamedTuple):
    """A package that answers a dependency: its own name and version, each "" without one; its real directory."""

    name: str
    version: str
    folder: str = ""


class UnresolvableError(Exception):
    """A spec means nothing: *code* and *hint* as in `Problem`, *message* goes on after the spec."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def is_local(spec: str) -> bool:
    """Whether *spec* is a path, or a protocol for one, which means something on the author's disk only."""
    if ":" not in spec and "/" not in spec and "." not in {spec[:1], spec[-4:-3], spec[-7:-6]}:
        return False  # a range, most of the time
    return re.match(_LOCAL, spec) is not None


def is_inside(spec: str) -> bool:
    """Whether a path stays in the package, as `file:./vendor/x` does: then the tarball may well carry it."""
    path = spec[5:] if spec[:5].lower() == "file:" else spec
    leaves = re.match(r"[a-z]+:|/|~", path, re.IGNORECASE) or posixpath.normpath(path).split("/")[0] in {"..", "."}
    return not leaves


def allows(spec: str, version: str) -> bool:
    """Whether npm finds a bundled copy at *version* valid under *spec*: a range, or `npm:` with one.

    Measured on npm 11.19.1: only then are `npm ls` and `npm ci` clean; the name behind `npm:` does not count.
    """
    if spec[:4].lower() == "npm:":
        alias = re.fullmatch(_ALIAS, spec[4:])
        name, spec = (alias[1], alias[2]) if alias else (spec[4:], "*")
        if dependency_name_fault(name):
            return False
    return spec in {"", "*"} or satisfies(exact(version), spec)


def exact(version: str) -> str:
    """*version* as a spec that it satisfies; "" when npm cannot compare it."""
    return version if parse_version(version) else cleaned(version) or ""


def named(key: str, package: Supplied, spec: str) -> str:
    """*spec* for *package* under *key*: `npm:` when its own name is another one."""
    if package.name in {"", key} or dependency_name_fault(package.name):
        return spec
    return f"npm:{package.name}@{spec}"


def no_version(name: str) -> UnresolvableError:
    """The error that *name* has no version."""
    return UnresolvableError("ENOVERSION", f"means {name}, which has no version", f"give {name} a version")


def from_catalog(spec: str, key: str, catalogs: Mapping[str, Mapping[str, str]]) -> str:
    """What `catalog:` or `catalog:NAME` means for *key*; raises `UnresolvableError` ECATALOG."""
    name = spec.removeprefix("catalog:").strip() or "default"
    found = catalogs.get(name, {}).get(key, "").strip()
    if not found or found.startswith("catalog:"):
        message = f'means nothing: the catalog "{name}" has no spec for "{key}"'
        raise UnresolvableError("ECATALOG", message, f'add "{key}" to the catalog "{name}"')
    return found


def from_jsr(spec: str, key: str) -> str:
    """`jsr:@scope/name@range` by its name on JSR's npm registry; without a name it is *key*. Raises EJSR."""
    wanted = spec.removeprefix("jsr:")
    alias = re.fullmatch(_ALIAS, wanted)
    if alias:
        name, wanted = alias[1], alias[2]
    else:
        name, wanted = (wanted, "") if wanted.startswith("@") else (key, wanted)
    scope, slash, base = name.removeprefix("@").partition("/")
    if not name.startswith("@") or not slash or dependency_name_fault(name):
        raise UnresolvableError("EJSR", "names no JSR package", "write jsr:@scope/name@range")
    return f"npm:@jsr/{scope}__{base}" + (f"@{wanted}" if wanted else "")


class WorkspaceSpecs(NamedTuple):
    """Where `workspace:` specs stand: the directory of their manifest, their key, and what can answer them.

    *answer* is the package that the key resolves to, when that is known; else it is searched in *workspaces*, by
    name. *binding* says that the answer must satisfy the range.
    """

    folder: str
    key: str
    workspaces: Mapping[str, Supplied]
    answer: Supplied | None
    binding: bool

    def resolve(self, spec: str) -> str:
        """*spec* with each of its `||` alternatives that is a `workspace:` replaced by what pnpm publishes.

        Raises `UnresolvableError`: EWORKSPACE when there is no such workspace, ENOVERSION when it has no version.
        """
        parts = spec.split("||")
        for i, part in enumerate(parts):
            wanted = part.strip()
            if wanted.startswith("workspace:"):
                package, meant = self._meaning(wanted.removeprefix("workspace:"))
                new = named(self.key, package, meant) if len(parts) == 1 else meant
                parts[i] = part.replace(wanted, new)
        return "||".join(parts)

    def _meaning(self, wanted: str) -> tuple[Supplied, str]:
        """The package and the range that *wanted* means: a range, an alias with a range, or a path."""
        is_range = wanted in {"^", "~"} or parse_range(wanted) is not None
        alias = None if is_range else re.fullmatch(_ALIAS, wanted)
        name = alias[1] if alias else self.key
        package = self.answer or self._find(name, "" if is_range or alias else wanted)
        if alias:
            wanted = alias[2]
        elif not is_range:
            wanted = ""
        version = exact(package.version)
        if wanted in {"", "*", "^", "~"}:
            if not version:
                raise no_version(f'the workspace "{package.name or name}"')
            return package, wanted.strip("*") + version
        is_met = not self.binding or allows(wanted, package.version)
        return package, wanted if is_met else version or "*"

    def _find(self, name: str, path: str) -> Supplied:
        """The workspace in *path*, from the package or, as in yarn, the workspace root; else the one by *name*."""
        beside = posixpath.normpath(posixpath.join(self.folder, path))
        below = "/" + posixpath.normpath(path)
        for workspace in self.workspaces.values() if path else ():
            if workspace.folder == beside or workspace.folder.endswith(below):
                return workspace
        if name not in self.workspaces:
            message = f'names no workspace: "{name}" is none'
            raise UnresolvableError("EWORKSPACE", message, "list its folder in workspaces")
        return self.workspaces[name]
