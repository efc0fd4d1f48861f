"""Whether what a manifest points at is there: main, exports, types, bin, license."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.gate.findings import Finding
from linkpack.linking.bins import commands

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from linkpack.gate.reader import Member
    from linkpack.npm.manifest import Manifest

_MAIN = ("", ".js", ".json", ".node", "/index.js", "/index.json", "/index.node")
_TYPES = ("", ".d.ts", ".ts", "/index.d.ts", ".d.mts", ".d.cts")
_DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")
_SCRIPTS = re.compile(r"\.([cm]?)jsx?$")
# Under any other condition of exports nobody looks who has not been told to: its files may be those of a checkout.
_CONDITIONS = frozenset(
    {"default", "import", "require", "node", "node-addons", "module-sync", "types", "browser", "module", "script"}
    | {"development", "production", "deno", "bun", "worker", "workerd", "edge-light", "electron", "react-native"}
    | {"react-server", "style", "sass", "svelte", "solid"}
)
_INSTALLING = ("preinstall", "install", "postinstall")
# What a kernel starts: a script by its interpreter, ELF, Mach-O (both byte orders, and fat), a Windows program.
_PROGRAMS = (b"#!", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ")
_LICENSE_LENGTH = 1000  # characters; the longest in use has about 200
_LICENSE_DEPTH = 20  # parentheses
_SEE = re.compile(r"SEE LICEN[SC]E IN (.+)")


def check_entries(
    manifest: Manifest, members: Mapping[str, object], files: Mapping[str, Member]
) -> Iterator[Finding]:
    """What the root's manifest names and *files* (by path) lack. *members* is the manifest as JSON.

    What a script may make at its installation is a warning: the package `bun` ships no program of its own.
    """
    makes = "binding.gyp" in files or any(manifest.scripts.get(event) for event in _INSTALLING)
    for each in _lacking(manifest, members, files):
        later = makes and each.code in {"EENTRYPOINT", "ESHEBANG"}
        why = f"{each.message}; perhaps a script makes it at installation"
        yield each._replace(code="WENTRYPOINT", message=why, severity="warning") if later else each


def _lacking(manifest: Manifest, members: Mapping[str, object], files: Mapping[str, Member]) -> Iterator[Finding]:
    yield from _check_main(manifest, members, files)
    # With typesVersions TypeScript looks for types elsewhere (rxjs 7).
    for key in () if members.get("typesVersions") else ("types", "typings"):
        value = members.get(key)
        if isinstance(value, str) and value and not _is_declared(value, files):
            yield _absent(key, value, "ETYPES")
    for key in ("module", "browser"):
        value = members.get(key)
        if isinstance(value, str) and value and not _resolves(value, files, _MAIN):
            yield Finding(
                "WENTRYPOINT", "package.json", f'{key} is "{value}", which is not in the tarball', "", "warning"
            )
    if members.get("exports") is not None:
        yield from _check_exports(members["exports"], files)
    yield from _check_bins(manifest, files)


def _absent(key: str, value: str, code: str = "EENTRYPOINT") -> Finding:
    why = f'{key} is "{value}", which is not in the tarball'
    return Finding(code, "package.json", why, "build before you pack, and check files")


def _resolves(value: str, paths: Collection[str], endings: Iterable[str]) -> bool:
    """Whether a path of a manifest, as Node or TypeScript completes it, is among *paths*."""
    path = posixpath.normpath(value)
    if path == ".":
        return any(ending[1:] in paths for ending in endings if ending.startswith("/"))
    return any(path + ending in paths for ending in endings)


def _is_declared(value: str, paths: Collection[str]) -> bool:
    """Whether TypeScript finds types at *value*; for a script it takes the declaration beside it."""
    return _resolves(value, paths, _TYPES) or _resolves(_SCRIPTS.sub(r".d.\1ts", value), paths, ("",))


def _check_main(manifest: Manifest, members: Mapping[str, object], files: Collection[str]) -> Iterator[Finding]:
    if not manifest.main or _resolves(manifest.main, files, _MAIN):
        return
    # Node goes on to index.js, with a deprecation warning; with exports it never looks at main.
    if "index.js" in files or members.get("exports") is not None:
        why = f'main is "{manifest.main}", which is not in the tarball'
        yield Finding("WENTRYPOINT", "package.json", why, "correct main", "warning")
    else:
        yield _absent("main", manifest.main)


def _check_exports(exports: object, files: Collection[str]) -> Iterator[Finding]:
    """Each target of `exports` that consumers can reach: a file, or with a `*` at least one."""
    todo: list[tuple[str, object, bool]] = [("exports", exports, False)]
    while todo:
        key, value, spare = todo.pop()
        if isinstance(value, dict):
            beside = _has_spare(value, files)
            todo += [
                (
                    f'exports["{name}"]' if name.startswith(".") else key,
                    each,
                    spare or (beside and _is_types(name)),
                )
                for name, each in value.items()
                if name.startswith(".") or name.partition("@")[0] in _CONDITIONS
            ]
        elif isinstance(value, list):
            todo += (
                [(key, value[0], spare)] if value else []
            )  # an alternative is for hosts that do not know the first
        elif isinstance(value, str) and not _exported(value, files):
            yield _unexported(key, value, spare=spare)


def _is_types(condition: str) -> bool:
    return condition.partition("@")[0] == "types"  # types@<5 is TypeScript's, too


def _has_spare(conditions: Mapping[str, object], files: Collection[str]) -> bool:
    """Whether a target that is no declaration is there, for TypeScript to go on to (measured on 7.0.2)."""
    others = [each for name, each in conditions.items() if not name.startswith(".") and not _is_types(name)]
    return any(isinstance(each, str) and _exported(each, files) for each in others)


def _unexported(key: str, value: str, *, spare: bool) -> Finding:
    if not value.endswith(_DECLARATIONS):
        return _absent(key, value)
    if not spare:
        return _absent(key, value, "ETYPES")
    why = f'{key} has types in "{value}", which is not in the tarball: to TypeScript the package has none'
    return Finding("WTYPES", "package.json", why, "build before you pack, and check files", "warning")


def _exported(target: str, files: Collection[str]) -> bool:
    if not target.startswith("./"):
        return False
    path = target[2:]
    if "*" in path:
        start, _, rest = path.partition("*")
        end = rest.rpartition("*")[2]
        return any(each.startswith(start) and each.endswith(end) for each in files)
    if path.endswith("/") or path == "":
        return any(each.startswith(path) for each in files)
    return posixpath.normpath(path) in files


def _check_bins(manifest: Manifest, files: Mapping[str, Member]) -> Iterator[Finding]:
    below = f"{manifest.directories_bin}/"
    listed = [path[len(below) :] for path in files if path.startswith(below)]
    for command, script in commands(manifest, listed).items():
        path = posixpath.normpath(script)
        if path not in files:
            yield _absent(f"bin.{command}", script)
        elif not files[path].head.startswith(_PROGRAMS):
            why = f"{path}, the command {command}, does not begin with #!"
            yield Finding("ESHEBANG", path, why, "begin it with #!/usr/bin/env node")


def check_license(members: Mapping[str, object], paths: Collection[str]) -> Iterator[Finding]:
    """Whether `license` is an SPDX expression, UNLICENSED, or SEE LICENSE IN a file of the tarball."""
    value = members.get("license")
    if not isinstance(value, str) or not value:
        old = value is not None or "licenses" in members
        why = "license is not a text: its old form is deprecated" if old else "package.json names no license"
        yield Finding("WLICENSE", "package.json", why, "write an SPDX expression, or UNLICENSED", "warning")
        return
    see = _SEE.fullmatch(value)
    if see and not _resolves(see[1].strip(), paths, ("",)):
        yield Finding(
            "ELICENSE", "package.json", f'license is "{value}", but that file is not in the tarball', "ship it"
        )
    elif not see and value != "UNLICENSED" and not _is_spdx(value):
        why = f'license is "{value}", which is no SPDX expression'
        yield Finding("ELICENSE", "package.json", why, 'write an SPDX expression, or "SEE LICENSE IN <file>"')


def _is_spdx(value: str) -> bool:
    if len(value) > _LICENSE_LENGTH or value.count("(") > _LICENSE_DEPTH:
        return False
    from packaging.licenses import (  # noqa: PLC0415 - its tables are needed nowhere else
        InvalidLicenseExpression,
        canonicalize_license_expression,
    )

    try:
        return bool(canonicalize_license_expression(value))
    except InvalidLicenseExpression:
        return False
