"""Check package names, and make file names from them.

`npm pack` 11.19.1 asks little of a name: it takes " a", "../a" and "node_modules", and fails only on an empty
name, or where the disk fails. The rules here are those by which `npm publish`, `npm link` and `npm install`
accept a name that exists already (validate-npm-package-name, `validForOldPackages`), so that nothing is packed
that npm could not install. Where a rule is stricter, it says so.
"""

from __future__ import annotations

import re

from linkpack.errors import LinkpackError

MAX_LENGTH = 214
"""Characters in the longest name that npm takes for a new package."""

MAX_FOLDER_LENGTH = 255
"""Bytes in the longest folder name that common file systems take."""

# What encodeURIComponent leaves as it is. Only old packages have one of "~'!()*" in their names.
_FRIENDLY = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~'!()*-"


def find_name_fault(name: str) -> str:
    """Say why a manifest cannot have *name*, "" if it can.

    The answer continues a sentence that begins with the name. Upper case, the names of Node's own modules and
    "~'!()*" are allowed, as in npm for old packages. Stricter than npm: more than `MAX_LENGTH` characters (npm
    only warns), and the scopes "." and "..".

    >>> find_name_fault("@scope/a"), find_name_fault(".a"), find_name_fault("a b")
    ('', 'starts with "."', "has a character that npm does not allow in names: ' '")
    """
    if name == "":
        return "is empty"
    if len(name) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    # The rules from here on are those of validate-npm-package-name 7, lib/index.js.
    if name.startswith((".", "-", "_")):
        return f'starts with "{name[0]}"'
    # In any case, as there: a disk may take `Node_Modules` for node_modules.
    if name.lower() in {"node_modules", "favicon.ico"}:
        return "is a reserved name"
    return _find_portions_fault(name)


def find_dependency_name_fault(name: str) -> str:
    """Say why no dependency can have *name*, "" if one can.

    A name without a fault is a safe path below `node_modules`: one folder, or "@scope/folder". More is allowed
    than in `find_name_fault`, for packages published before today's rules: a leading "-" or "_", and any length
    that fits a folder name. Stricter than npm: no folder called `node_modules` below a scope, where Node would
    look for packages.

    >>> find_dependency_name_fault("_old"), find_dependency_name_fault("../a")
    ('', 'starts with "."')
    """
    if name == "":
        return "is empty"
    folders = name.split("/")
    if max(map(len, folders)) > MAX_FOLDER_LENGTH:
        return f"is longer than {MAX_FOLDER_LENGTH} characters"
    if name.startswith("."):
        return 'starts with "."'
    if folders[-1].lower() == "node_modules":
        return "is a reserved name"
    return _find_portions_fault(name)


def _find_portions_fault(name: str) -> str:
    """Say why *name* is not "folder" or "@scope/folder".

    Both are of URL-friendly characters.
    """
    scope, slash, folder = name.rpartition("/")
    if name.startswith("@"):
        if not slash or "/" in scope or scope == "@" or folder == "":
            return 'is not of the form "@scope/name"'
        if scope in {"@.", "@.."}:
            return f'has the scope "{scope}"'
        if folder.startswith("."):
            return 'starts with "." after its scope'
        scope = scope[1:]
    elif slash:
        return 'has a "/" but no scope'
    # strip leaves a text that begins with the first character that is not allowed.
    unfriendly = (scope + folder).strip(_FRIENDLY)
    if unfriendly:
        return f"has a character that npm does not allow in names: {unfriendly[0]!a}"
    return ""


def make_slug(name: str) -> str:
    """Return the package name *name* as a part of a file name.

    >>> make_slug("@scope/name")
    'scope-name'
    """
    return name.removeprefix("@").replace("/", "-").replace("\\", "-")


def make_tarball_name(name: str, version: str) -> str:
    """Return the file name of a tarball, as npm 11.19.1 has it.

    >>> make_tarball_name("@scope/name", "1.2.3+build")
    'scope-name-1.2.3+build.tgz'
    """
    return make_slug(f"{name}-{version}") + ".tgz"


def fill_pattern(pattern: str, name: str, version: str) -> str:
    """Fill in *pattern*: `make_slug` of *name* for "%s", version for "%v".

    Any other "%" stays, "%%" too (so "%%s" is "%" and the slug), as in pnpm 12 and yarn 4. Unlike there,
    "%s-%v.tgz" is npm's file name: pnpm cuts build metadata off, yarn keeps the "@" and fills in only the
    first "%s".

    Raises `LinkpackError` (EOUTPATTERN) when the path has no file name at its end, or one that no disk takes.

    >>> fill_pattern("out/%s-%v.tgz", "@scope/name", "1.2.3")
    'out/scope-name-1.2.3.tgz'
    """
    values = {"%s": make_slug(name), "%v": make_slug(version)}
    path = re.sub("%[sv]", lambda match: values[match[0]], pattern)
    fault = _find_out_fault(path)
    if fault:
        raise LinkpackError(
            f'the output pattern "{pattern}" {fault}', code="EOUTPATTERN", path=path, hint="try %s-%v.tgz"
        )
    return path


def _find_out_fault(path: str) -> str:
    """Say why *path* cannot be the path of a file, "" if it can."""
    if path.rpartition("/")[2] in {"", ".", ".."}:
        return "names no file"
    # No system takes a NUL in a path.
    if "\0" in path:
        return "has a NUL character"
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "is not Unicode text"
    return ""
