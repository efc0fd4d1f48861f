"""Translate specs of other package managers for npm.

These are `catalog:`, `jsr:`, `patch:`, the `npm:` that yarn writes before a range, and paths. `workspace:` has
a module of its own, `workspace_specs`.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.npm.package_names import find_dependency_name_fault
from linkpack.npm.ranges import parse_range
from linkpack.npm.specs import parse_spec, split_alias
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATHS = r"(?i)(?:link|portal|patch|exec):"  # protocols of pnpm and yarn for something on the author's disk
_PATCHED = r"(?s)patch:((?:@[^/@]+/)?[^/@]+)@([^#]*)#"


class Supplied(Record):
    """A package that answers a dependency.

    *name* and *version* are its manifest's, "" where that has none. *folder* is its real directory. A
    *private* one cannot be published.
    """

    name: str
    version: str
    folder: str = ""
    private: bool = False


class UnresolvableError(Exception):
    """A spec means nothing that npm could install.

    *code* and *hint* are those of a `Problem`. *message* continues a sentence that begins with the spec.
    """

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def is_local(spec: str) -> bool:
    """Return True if *spec* is a path, or a protocol for one.

    Such a spec means something on the author's disk only.

    >>> is_local("../lib"), is_local("link:../lib"), is_local("^1.0.0")
    (True, True, False)
    """
    return parse_spec(spec).kind == "file" or re.match(_PATHS, spec) is not None


def is_inside(spec: str) -> bool:
    """Return True if the path *spec* stays inside the package.

    The tarball may then bring along what it names.

    >>> is_inside("file:./vendor/x"), is_inside("file:../x"), is_inside("git@host:a/b")
    (True, False, False)

    The last of these is a path to npm.
    """
    # Nobody who writes a colon means a path below the package.
    path = spec[5:] if spec[:5].lower() == "file:" else spec
    return (
        ":" not in path
        and path[:1] not in {"/", "~"}
        and posixpath.normpath(path).split("/")[0] not in {"..", "."}
    )


def add_alias(key: str, package: Supplied, spec: str) -> str:
    """Put `npm:` before *spec* if *package* is not called *key*.

    >>> add_alias("pad", Supplied("left-pad", "1.3.0"), "^1.3.0")
    'npm:left-pad@^1.3.0'
    """
    # Without a name, or with one that npm refuses, there is nothing to write before the version.
    if package.name in {"", key} or find_dependency_name_fault(package.name):
        return spec
    return f"npm:{package.name}@{spec}"


def make_version_error(name: str) -> UnresolvableError:
    """Make the error that *name* has no version (ENOVERSION)."""
    return UnresolvableError("ENOVERSION", f"means {name}, which has no version", f"give {name} a version")


def resolve_catalog(spec: str, key: str, catalogs: Mapping[str, Mapping[str, str]]) -> str:
    """Look up what `catalog:` means for the dependency *key*.

    Raises `UnresolvableError` (ECATALOG) when the catalog has no spec for it.

    >>> resolve_catalog("catalog:", "react", {"default": {"react": "^19.0.0"}})
    '^19.0.0'
    """
    name = spec.removeprefix("catalog:").strip() or "default"
    listed = catalogs.get(name, {}).get(key, "").strip()
    if not listed or listed.startswith("catalog:"):
        message = f'means nothing: the catalog "{name}" has no spec for "{key}"'
        raise UnresolvableError("ECATALOG", message, f'add "{key}" to the catalog "{name}"')
    return listed


def strip_npm(spec: str, key: str, installed: Supplied | None, *, tags: bool) -> str:
    """Remove the `npm:` of yarn before a range or tag of *key*.

    Yarn 2 and later write it. npm reads the text behind `npm:` as a package's name: it cannot parse
    `npm:^1.2.0`, and takes `npm:1.2.0` and `npm:latest` for packages of these names. A word can be either, a
    package or a tag of *key*. *installed*, the package that is installed as *key*, decides. If there is none,
    *tags* says whether it is a tag.

    >>> strip_npm("npm:^1.2.0", "a", None, tags=False)
    '^1.2.0'
    >>> strip_npm("npm:latest", "a", Supplied("latest", "1.0.0"), tags=True)
    'npm:latest'
    """
    wanted = spec[4:].strip()
    if spec[:4].lower() != "npm:" or "@" in wanted or (installed is not None and installed.name == wanted):
        return spec
    # The word `x` is a range, but more likely a package or tag.
    if not wanted or (parse_range(wanted) is not None and not wanted.isalpha()):
        return wanted or spec
    is_tag = tags if installed is None else installed.name == key
    return wanted if is_tag and parse_spec(wanted).kind == "registry" else spec


def find_patch_error(spec: str) -> UnresolvableError | None:
    """Make the error for a `patch:` of yarn (ESPECPATCH).

    None for any other spec. The consumer of a tarball gets the package, but not the patch.
    """
    match = re.match(_PATCHED, spec)
    if not match:
        return None
    plain = _percent_decode(match[2]).removeprefix("npm:")
    message = f"is {match[1]} {plain} with a patch of yarn's, which the consumer does not get"
    hint = f'bundle {match[1]}, or write "{plain}" for a consumer without the patch'
    return UnresolvableError("ESPECPATCH", message, hint)


def _percent_decode(text: str) -> str:
    """Decode percent escapes.

    `urllib.parse.unquote` does the same, but its import takes 3 ms.
    """
    raw = re.sub(rb"%([0-9a-fA-F]{2})", lambda match: bytes.fromhex(match[1].decode()), text.encode())
    return raw.decode("utf-8", "replace")


def resolve_jsr(spec: str, key: str) -> str:
    """Write a `jsr:` spec by its name on JSR's npm registry.

    A spec without a name is of *key*. Raises `UnresolvableError` (EJSR) when it names no JSR package.

    >>> resolve_jsr("jsr:^1.0.0", "@std/path"), resolve_jsr("jsr:@std/path@1", "path")
    ('npm:@jsr/std__path@^1.0.0', 'npm:@jsr/std__path@1')
    """
    wanted = spec.removeprefix("jsr:")
    if alias := split_alias(wanted):
        name, wanted = alias
    else:
        name, wanted = (wanted, "") if wanted.startswith("@") else (key, wanted)
    scope, slash, base = name.removeprefix("@").partition("/")
    if not name.startswith("@") or not slash or find_dependency_name_fault(name):
        raise UnresolvableError("EJSR", "names no JSR package", "write jsr:@scope/name@range")
    return f"npm:@jsr/{scope}__{base}" + (f"@{wanted}" if wanted else "")
