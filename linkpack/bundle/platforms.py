"""Which bundled packages are for some systems only: by os, cpu and libc, or by a program compiled for one."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.disk import fs
from linkpack.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.bundle.planned import Planned
    from linkpack.npm.manifest import Manifest
    from linkpack.select.packlist import PackedFile, Packlist

# The fields, and the systems that most consumers have: who leaves out none of these is for everybody.
_FIELDS = {"os": ("darwin", "linux", "win32"), "cpu": ("arm64", "x64"), "libc": ("glibc", "musl")}
_SHOWN = 5  # packages that the message names
_HEAD = 64  # bytes that tell what a program is compiled for
# e_machine of ELF, cputype of Mach-O, Machine of PE, by Node's names (process.arch).
_ELF = {
    3: "ia32",
    8: "mips",
    20: "ppc",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "x64",
    183: "arm64",
    243: "riscv64",
}
_ELF |= {258: "loong64"}
_MACH = {7: "ia32", 12: "arm", 0x01000007: "x64", 0x0100000C: "arm64"}
_LITTLE_ENDIAN = 1  # EI_DATA
_FREEBSD = 9  # EI_OSABI


def check_platforms(graph: BundleGraph, planned: Planned) -> Iterator[Problem]:
    """Warn, once, of the packages of the bundle that work on fewer systems than the project is for.

    Raises `OSError` when a file cannot be read.
    """
    root = graph.packages[graph.root].manifest
    systems: dict[str, list[str]] = {}
    for at in planned.ids[1:]:
        package = graph.packages[at]
        found = _limits(package.manifest, root) or _compiled(package, planned.packlists[at], root)
        if found:
            systems.setdefault(found, []).append(package.label)
    if systems:
        groups = [f"{', '.join(_first(labels))} ({system})" for system, labels in sorted(systems.items())]
        message = f"the bundle has packages for some systems only: {'; '.join(groups)}"
        hint = "leave them out of the bundle: installers choose by system; or limit os and cpu in package.json"
        yield Problem("WPLATFORM", graph.root, message, hint)


def _first(labels: list[str]) -> list[str]:
    more = len(labels) - _SHOWN
    return labels if more <= 0 else [*labels[:_SHOWN], f"{more} more"]


def _limits(manifest: Manifest, root: Manifest) -> str:
    """Return the systems that *manifest* names, `linux x64`; "" when it leaves out none that *root* is for."""
    named = {key: _values(manifest, key) for key in _FIELDS}
    for key, systems in _FIELDS.items():
        wanted = [each for each in systems if _allows(_values(root, key), each)]
        if not all(_allows(named[key], each) for each in wanted or _values(root, key)):
            return " ".join(", ".join(sorted(values)) for values in named.values() if values)
    return ""


def _values(manifest: Manifest, key: str) -> frozenset[str]:
    """Return the values of a field for systems; `any` is no limit (npm-install-checks 8, `checkList`)."""
    value = manifest.members.get(key)
    found = value if isinstance(value, list) else [value]
    return frozenset(each for each in found if isinstance(each, str) and each and each != "any")


def _allows(values: frozenset[str], system: str) -> bool:
    """True if a field with *values* lets a package be installed on *system*; `!win32` takes all others."""
    wanted = {each for each in values if not each.startswith("!")}
    return f"!{system}" not in values and (not wanted or system in wanted)


def _compiled(package: Package, packlist: Packlist, root: Manifest) -> str:
    """Return the system that the programs in *package* are compiled for; "" without any, or for several systems.

    Its programs are Node's addons (`*.node`) and its commands: esbuild puts a program in the place of its own.
    """
    commands = {posixpath.normpath(script) for script in package.manifest.bins.values()}
    programs = [file for file in packlist.files if file.path.endswith(".node") or file.path in commands]
    found = {system for file in programs if (system := _system(file))}
    if len({os for os, _ in found}) != 1:
        return ""
    os = next(os for os, _ in found)
    cpus = sorted({cpu for _, cpu in found if cpu})
    if _values(root, "os") == {os} and (len(cpus) > 1 or set(cpus) == _values(root, "cpu")):
        return ""
    return " ".join([os, *cpus[:1]] if len(cpus) == 1 else [os])


def _system(file: PackedFile) -> tuple[str, str] | None:
    """Return the system and processor that the program *file* is compiled for; None when it is none."""
    head = fs.read_head(file.source, _HEAD)
    if head[:4] == b"\x7fELF" and len(head) > 20:  # noqa: PLR2004 - its machine is named by then
        low, high = head[18:20] if head[5] == _LITTLE_ENDIAN else head[19:17:-1]
        machine = low + (high << 8)
        return ("freebsd" if head[7] == _FREEBSD else "linux", _ELF.get(machine, ""))
    if head[:4] in {b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"}:
        return ("darwin", _MACH.get(int.from_bytes(head[4:8], "little"), ""))
    if head[:4] == b"\xca\xfe\xba\xbe" and len(head) > 8 and head[7] < 20:  # noqa: PLR2004 - not a class of Java
        return ("darwin", "")
    return ("win32", "") if head[:2] == b"MZ" else None
