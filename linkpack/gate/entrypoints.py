"""Whether what a manifest points at is there: main, exports, types, bin, license."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from linkpack.gate.findings import Finding
from linkpack.linking.bins import commands

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

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
_WORK = 5_000_000  # paths compared with the patterns of exports: about a second
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


class _Exports:
    """Looks targets of `exports` up among *paths*, in work that does not grow with both.

    A pattern is compared with the paths that begin or end as it does, whichever are fewer, and each pattern once.
    """

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = paths
        self._sorted: list[str] = []
        self._mirrored: list[str] = []
        self._answers: dict[tuple[str, str], bool] = {}
        self.work = 0
        """Paths compared with patterns so far."""

    def has(self, target: str) -> bool:
        """True if *target*, `./lib/a.js`, `./lib/*.js` or `./lib/`, leads to a file of the tarball at least."""
        if not target.startswith("./"):
            return False
        path = target[2:]
        if "*" in path:
            start, _, rest = path.partition("*")
            return self._matches(start, rest.rpartition("*")[2])
        if path.endswith("/") or path == "":
            return self._matches(path, "")
        return posixpath.normpath(path) in self._paths

    def _matches(self, start: str, end: str) -> bool:
        if (start, end) not in self._answers:
            if not self._sorted:
                self._sorted = sorted(self._paths)
                self._mirrored = sorted(path[::-1] for path in self._paths)
            ahead = _beginning(self._sorted, start)
            behind = _beginning(self._mirrored, end[::-1])
            fewer = ahead if len(ahead) <= len(behind) else behind
            self.work += len(fewer) if start and end and self.work <= _WORK else 0
            self._answers[start, end] = self._any(fewer, ahead is fewer, start, end)
        return self._answers[start, end]

    def _any(self, among: range, forward: bool, start: str, end: str) -> bool:  # noqa: FBT001 - of two lists
        if self.work > _WORK:
            return True
        if forward:
            return any(self._sorted[at].endswith(end) for at in among)
        return any(self._mirrored[at].endswith(start[::-1]) for at in among)


def _beginning(paths: Sequence[str], start: str) -> range:
    """Return which of the sorted *paths* begin with *start*."""
    low = bisect_left(paths, start)
    return range(low, bisect_left(paths, start + chr(0x10FFFF), low))


def _check_exports(exports: object, files: Collection[str]) -> Iterator[Finding]:
    """Each target of `exports` that consumers can reach: a file, or with a `*` at least one."""
    targets = _Exports(files)
    todo: list[tuple[str, object, bool]] = [("exports", exports, False)]
    while todo:
        key, value, spare = todo.pop()
        if isinstance(value, dict):
            beside = _has_spare(value, targets)
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
        elif isinstance(value, str) and not targets.has(value):
            yield _unexported(key, value, spare=spare)
    if targets.work > _WORK:
        why = f"exports has too many patterns for so many files: more than {_WORK} comparisons"
        yield Finding("ELIMIT", "package.json", why, "write fewer patterns")


def _is_types(condition: str) -> bool:
    return condition.partition("@")[0] == "types"  # types@<5 is TypeScript's, too


def _has_spare(conditions: Mapping[str, object], targets: _Exports) -> bool:
    """Whether a target that is no declaration is there, for TypeScript to go on to (measured on 7.0.2)."""
    others = [each for name, each in conditions.items() if not name.startswith(".") and not _is_types(name)]
    return any(isinstance(each, str) and targets.has(each) for each in others)


def _unexported(key: str, value: str, *, spare: bool) -> Finding:
    if not value.endswith(_DECLARATIONS):
        return _absent(key, value)
    if not spare:
        return _absent(key, value, "ETYPES")
    why = f'{key} has types in "{value}", which is not in the tarball: to TypeScript the package has none'
    return Finding("WTYPES", "package.json", why, "build before you pack, and check files", "warning")


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
