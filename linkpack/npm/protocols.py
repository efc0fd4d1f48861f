"""What other package managers' specs mean to npm: `workspace:`, `catalog:`, `jsr:`, yarn's `npm:`, and paths."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from linkpack.npm.names import dependency_name_fault
from linkpack.npm.ranges import parse_range, satisfies
from linkpack.npm.semver import cleaned, parse_version
from linkpack.npm.specs import parse_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALIAS = r"(?s)(@[^/@]+/[^/@]+|[^/@]+)@(.*)"
_PATHS = r"(?i)(?:link|portal|patch|exec):"  # the protocols of pnpm and yarn that stand for one
_PATCHED = r"(?s)patch:((?:@[^/@]+/)?[^/@]+)@([^#]*)#"


class Supplied(NamedTuple):
    """A package that answers a dependency: its own name and version, each "" without one; its real directory.

    *private* says that it cannot be published.
    """

    name: str
    version: str
    folder: str = ""
    private: bool = False


class UnresolvableError(Exception):
    """A spec means nothing: *code* and *hint* as in `Problem`, *message* goes on after the spec."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def is_local(spec: str) -> bool:
    """True if *spec* is a path, or a protocol for one, which means something on the author's disk only."""
    return parse_spec(spec).kind == "file" or re.match(_PATHS, spec) is not None


def is_inside(spec: str) -> bool:
    """True if a path stays in the package, as `file:./vendor/x` does: then the tarball may well carry it.

    `git@host:a/b` is a path too, to npm; what has a colon is none that anybody meant.
    """
    path = spec[5:] if spec[:5].lower() == "file:" else spec
    return (
        ":" not in path
        and path[:1] not in {"/", "~"}
        and posixpath.normpath(path).split("/")[0] not in {"..", "."}
    )


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


def without_npm(spec: str, key: str, there: Supplied | None, *, tags: bool) -> str:
    """Take off the `npm:` that yarn 2 and later put before a range or tag of the package *key* itself.

    To npm what is behind `npm:` is another package's name, so that it cannot parse `npm:^1.2.0`, and takes
    `npm:1.2.0` and `npm:latest` for packages of these names. *there* is what is installed as *key*, and decides
    about a word: the alias of a package, or a tag. When nothing is installed, *tags* says that it is a tag.

        npm:^1.2.0 -> ^1.2.0     npm:latest -> latest (as is, if a package "latest" is installed)
    """
    wanted = spec[4:].strip()
    if spec[:4].lower() != "npm:" or "@" in wanted or (there is not None and there.name == wanted):
        return spec
    if not wanted or (parse_range(wanted) is not None and not wanted.isalpha()):
        return wanted or spec
    is_tag = tags if there is None else there.name == key
    return wanted if is_tag and parse_spec(wanted).kind == "registry" else spec


def from_patch(spec: str) -> UnresolvableError | None:
    """Make the error that *spec* is a `patch:` of yarn, which goes to nobody else; None for any other spec."""
    found = re.match(_PATCHED, spec)
    if not found:
        return None
    from urllib.parse import unquote  # noqa: PLC0415 - hardly any project has patches

    plain = unquote(found[2]).removeprefix("npm:")
    message = f"is {found[1]} {plain} with a patch of yarn's, which the consumer does not get"
    hint = f'bundle {found[1]}, or write "{plain}" for a consumer without the patch'
    return UnresolvableError("ESPECPATCH", message, hint)


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
    """What `workspace:` specs are resolved with: the directory of their manifest, their key, and what can answer.

    *answer* is the package in the tarball that the key resolves to; without one the package is searched in
    *workspaces*, by name, and *there* is what is installed as the key. *binding* says that the answer must
    satisfy the range.
    """

    folder: str
    key: str
    workspaces: Mapping[str, Supplied]
    answer: Supplied | None
    there: Supplied | None
    binding: bool

    def resolve(self, spec: str) -> tuple[str, Supplied | None]:
        """Replace each `||` alternative of *spec* that is a `workspace:` by what pnpm publishes for it.

        Returns the package that the last of them means, too. Raises `UnresolvableError`: EWORKSPACESPEC when there
        is no such workspace, ENOVERSION when it has no version.
        """
        parts = spec.split("||")
        package = None
        for i, part in enumerate(parts):
            wanted = part.strip()
            if wanted.startswith("workspace:"):
                package, meant = self._meaning(wanted.removeprefix("workspace:"))
                new = named(self.key, package, meant) if len(parts) == 1 else meant
                parts[i] = part.replace(wanted, new)
        return "||".join(parts), package

    def _meaning(self, wanted: str) -> tuple[Supplied, str]:
        """Find the package and the range that *wanted* means: a range, an alias with a range, or a path."""
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
        """Find the workspace in *path*, from the package or, as in yarn, the workspace root; else by *name*.

        What is installed comes last: pnpm asks nothing else (measured on 12.21.0), and in a repository of Rush,
        whose pnpm-workspace.yaml is in common/temp, there is nothing else to ask.
        """
        beside = posixpath.normpath(posixpath.join(self.folder, path))
        below = "/" + posixpath.normpath(path)
        for workspace in self.workspaces.values() if path else ():
            if workspace.folder == beside or workspace.folder.endswith(below):
                return workspace
        if name in self.workspaces:
            return self.workspaces[name]
        if self.there is None or name not in {self.key, self.there.name}:
            message = f'means "{name}", which is no workspace here and not installed'
            raise UnresolvableError("EWORKSPACESPEC", message, "list its folder in workspaces, or install it")
        return self.there
