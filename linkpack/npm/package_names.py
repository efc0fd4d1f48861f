"""Package names, and the file names made from them.

`npm pack` 11.19.1 asks little of a name: it takes " a", "../a" and "node_modules", and fails only on an empty
name or where the disk does. The rules here are those by which `npm publish`, `npm link` and `npm install`
accept a name that already exists (validForOldPackages of validate-npm-package-name), so that nothing is
packed that npm could not install; what is stricter says so.
"""

from __future__ import annotations

import re

from linkpack.errors import LinkpackError

MAX_LENGTH = 214
"""Characters in the longest package name that npm takes for new packages."""

MAX_FOLDER_LENGTH = 255
"""Bytes in the longest folder name that common file systems take."""

# What encodeURIComponent leaves alone; "~'!()*" are in names of old.
_FRIENDLY = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~'!()*-"


def name_fault(name: str) -> str:
    """Why a package's own manifest cannot have *name*, to be read after the name; "" when it can.

    Upper case, the names of Node's own modules and "~'!()*" are fine, as npm has them for old packages.
    Stricter than npm: more than `MAX_LENGTH` characters (npm only warns), and the scopes "." and "..".
    """
    if name == "":
        return "is empty"
    if len(name) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    if name.startswith((".", "-", "_")):
        return f'starts with "{name[0]}"'
    if name.lower() in {"node_modules", "favicon.ico"}:
        return "is a reserved name"
    return _portions_fault(name)


def dependency_name_fault(name: str) -> str:
    """Why no dependency in `node_modules` can have *name*, to be read after the name; "" when one can.

    A name that passes is a safe path below `node_modules`: one folder, or "@scope/folder". More is allowed
    than in `name_fault`, for packages published before today's rules: a leading "-" or "_", and any length
    that fits a folder name. Stricter than npm: no folder called `node_modules` below a scope, where Node
    would look for packages.
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
    return _portions_fault(name)


def _portions_fault(name: str) -> str:
    """Why *name* is not "folder" or "@scope/folder" in URL-friendly characters; "" when it is."""
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
    strange = (scope + folder).strip(_FRIENDLY)  # begins with the first that is not
    if strange:
        return f"has a character that npm does not allow in names: {strange[0]!a}"
    return ""


def slug(name: str) -> str:
    """The package name *name* as part of a file name: "@scope/name" becomes "scope-name"."""
    return name.removeprefix("@").replace("/", "-").replace("\\", "-")


def tarball_name(name: str, version: str) -> str:
    """The file name of the tarball of a package: "@s/n" at "1.2.3+b" gives "s-n-1.2.3+b.tgz".

    As `npm pack` 11.19.1 has it, build metadata included (pnpm cuts it off).
    """
    return slug(f"{name}-{version}") + ".tgz"


def format_out(pattern: str, name: str, version: str) -> str:
    """The path that *pattern* asks for: each "%s" is the `slug` of *name*, each "%v" is *version*.

    Any other "%" stands for itself, "%%" too (so "%%s" is "%" and the slug), as in pnpm 12 and yarn 4. Each
    of the two differs from npm's file names: pnpm cuts build metadata off, yarn keeps the "@" and fills in
    only the first "%s". Here "%s-%v.tgz" is `tarball_name`. Folders in the pattern are kept as they are.
    Raises LinkpackError EOUTPATTERN when the path has no file name at its end, or one that no disk takes.
    """
    values = {"%s": slug(name), "%v": slug(version)}
    path = re.sub("%[sv]", lambda match: values[match[0]], pattern)
    fault = _out_fault(path)
    if fault:
        raise LinkpackError(
            f'the output pattern "{pattern}" {fault}', code="EOUTPATTERN", path=path, hint="try %s-%v.tgz"
        )
    return path


def _out_fault(path: str) -> str:
    """Why *path* cannot be a file's path, to be read after it; "" when it can."""
    if path.rpartition("/")[2] in {"", ".", ".."}:
        return "names no file"
    if "\0" in path:
        return "has a NUL character"
    try:
        path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "is not Unicode text"
    return ""
