"""Check that the tarball has what its manifest points at.

Those are `main`, `exports`, types, commands and the license.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from linkpack.archive.findings import Finding
from linkpack.npm.bins import commands
from linkpack.npm.entry_points import (
    CRLF_SHEBANG,
    SCRIPT_ENDINGS,
    EntryPoint,
    PathIndex,
    complete_path,
    find_exports_kind,
    find_exports_targets,
    has_crlf_shebang,
)
from linkpack.npm.license_expression import read_license_expression

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from linkpack.archive.reader import Member
    from linkpack.npm.manifest import Manifest

_DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")
_INSTALLING = ("preinstall", "install", "postinstall")
# What a kernel can start: a script with an interpreter, ELF, Mach-O (two byte orders, and fat), a Windows program.
_PROGRAMS = (b"#!", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ")
_SEE = re.compile(r"SEE LICEN[SC]E IN (.+)")


def check_entries(
    manifest: Manifest, members: Mapping[str, object], files: Mapping[str, Member]
) -> Iterator[Finding]:
    """Yield a finding for each path of *manifest* that *files* lack.

    *files* are by path, and *members* is the manifest as JSON. A file that an install script may make is only a
    warning: the package `bun` ships no program of its own.
    """
    # npm runs `node-gyp rebuild` for a binding.gyp (@npmcli/package-json 8.0.0, lib/normalize.js, `gypfile`).
    has_install_script = "binding.gyp" in files or any(manifest.scripts.get(event) for event in _INSTALLING)
    for finding in _iter_missing(manifest, members, files):
        if has_install_script and finding.code in {"EENTRYPOINT", "ESHEBANG"}:
            why = f"{finding.message}; perhaps a script makes it at installation"
            yield finding._replace(code="WENTRYPOINT", message=why, severity="warning")
        else:
            yield finding


def _iter_missing(
    manifest: Manifest, members: Mapping[str, object], files: Mapping[str, Member]
) -> Iterator[Finding]:
    """Yield what `check_entries` would, were no file made at installation."""
    yield from _check_main(manifest, members, files)
    # With typesVersions TypeScript looks for types elsewhere (rxjs 7).
    for key in () if members.get("typesVersions") else ("types", "typings"):
        value = members.get(key)
        if (
            isinstance(value, str)
            and value
            and files.keys().isdisjoint(EntryPoint(key, value, "types").candidates())
        ):
            yield _report_absent(key, value, "ETYPES")
    # Bundlers read these two, and go on to main where one is missing: no error.
    for key in ("module", "browser"):
        value = members.get(key)
        if isinstance(value, str) and value and not _resolves(value, files, SCRIPT_ENDINGS):
            yield Finding(
                "WENTRYPOINT", "package.json", f'{key} is "{value}", which is not in the tarball', "", "warning"
            )
    if members.get("exports") is not None:
        yield from _check_exports(members["exports"], files)
    yield from _check_bins(manifest, files)


def _report_absent(key: str, value: str, code: str = "EENTRYPOINT") -> Finding:
    why = f'{key} is "{value}", which is not in the tarball'
    return Finding(code, "package.json", why, "build before you pack, and check files")


def _resolves(value: str, paths: Collection[str], endings: Sequence[str]) -> bool:
    """Return True if *value*, completed by one of *endings*, is among *paths*."""
    return any(path in paths for path in complete_path(posixpath.normpath(value), endings))


def _check_main(manifest: Manifest, members: Mapping[str, object], files: Collection[str]) -> Iterator[Finding]:
    if not manifest.main or _resolves(manifest.main, files, SCRIPT_ENDINGS):
        return
    # Node goes on to index.js, with a deprecation warning; with exports it never looks at main.
    if "index.js" in files or members.get("exports") is not None:
        why = f'main is "{manifest.main}", which is not in the tarball'
        yield Finding("WENTRYPOINT", "package.json", why, "correct main", "warning")
    else:
        yield _report_absent("main", manifest.main)


def _check_exports(exports: object, files: Collection[str]) -> Iterator[Finding]:
    """Check each target of `exports` that consumers can reach."""
    index = PathIndex(files)
    for target in find_exports_targets(exports, lambda value: _is_exported(value, index)):
        if not _is_exported(target.value, index):
            yield _report_export(target.subpath, target.value, spare=target.has_spare)
    if index.is_exhausted:
        why = f"exports has too many patterns for so many files: more than {PathIndex.WORK} comparisons"
        yield Finding("ELIMIT", "package.json", why, "write fewer patterns")


def _report_export(key: str, value: str, *, spare: bool) -> Finding:
    """Return the finding for a target of `exports` that is not in the tarball.

    With a *spare* TypeScript goes on to a target that is there, which has no types.
    """
    if not value.endswith(_DECLARATIONS):
        return _report_absent(key, value)
    if not spare:
        return _report_absent(key, value, "ETYPES")
    why = f'{key} has types in "{value}", which is not in the tarball: to TypeScript the package has none'
    return Finding("WTYPES", "package.json", why, "build before you pack, and check files", "warning")


def _is_exported(target: str, files: PathIndex) -> bool:
    """Return True if *target* of `exports` is a file, or matches at least one."""
    if not target.startswith("./"):
        return False
    entry = EntryPoint("exports", target, find_exports_kind(target))
    return files.any_like(*entry.ends()) if entry.kind in {"pattern", "folder"} else entry.path in files


def _check_bins(manifest: Manifest, files: Mapping[str, Member]) -> Iterator[Finding]:
    folder = manifest.directories_bin
    listed = [path[len(folder) + 1 :] for path in files if path.startswith(f"{folder}/")] if folder else []
    for command, script in commands(manifest, listed).items():
        path = posixpath.normpath(script)
        if path not in files:
            yield _report_absent(f"bin.{command}", script)
        elif not files[path].head.startswith(_PROGRAMS):  # a shell would run it as a script of its own
            why = f"{path}, the command {command}, does not begin with #!"
            yield Finding("ESHEBANG", path, why, "begin it with #!/usr/bin/env node")
        elif has_crlf_shebang(files[path].head):
            why = f"{path}, the command {command}, {CRLF_SHEBANG}"
            yield Finding("WSHEBANG", path, why, f"save {path} with LF line breaks", "warning")


def check_license(members: Mapping[str, object], paths: Collection[str]) -> Iterator[Finding]:
    """Yield a finding if `license` is not what npm asks for.

    That is an SPDX expression, UNLICENSED, or SEE LICENSE IN a file of the tarball.
    """
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
    elif not see and value != "UNLICENSED" and not read_license_expression(value):
        why = f'license is "{value}", which is no SPDX expression'
        yield Finding("ELICENSE", "package.json", why, 'write an SPDX expression, or "SEE LICENSE IN <file>"')
