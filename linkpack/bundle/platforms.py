"""Find the bundled packages that are for some systems only.

Such a package says so by os, cpu and libc, or has a program that was compiled for one system.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Literal

from linkpack.errors import Problem
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.bundle.graph import BundleGraph, Package
    from linkpack.bundle.planned import Planned
    from linkpack.npm.manifest import Manifest
    from linkpack.packlist.packlist import PackedFile, Packlist

# The fields, and the systems that most consumers have: a package that leaves out none of these is for everybody.
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
_ELF_MACHINE_END = 20  # bytes of an ELF header up to and with e_machine
_FAT_HEADER = 8  # bytes: the magic number, and how many processors it is for
_MOST_PROCESSORS = 20  # in one fat binary


def check_platforms(graph: BundleGraph, planned: Planned) -> Iterator[Problem]:
    """Warn, once, of packages that work on fewer systems than the project.

    Raises `OSError` when a file cannot be read.
    """
    root = graph.packages[graph.root].manifest
    systems: dict[str, list[str]] = {}
    for id_ in planned.ids[1:]:
        package = graph.packages[id_]
        system = _describe_named_systems(package.manifest, root) or _find_program_system(
            package, planned.packlists[id_], root
        )
        if system:
            systems.setdefault(system, []).append(package.label)
    if systems:
        groups = [f"{', '.join(_shorten(labels))} ({system})" for system, labels in sorted(systems.items())]
        message = f"the bundle has packages for some systems only: {'; '.join(groups)}"
        hint = "leave them out of the bundle: installers choose by system; or limit os and cpu in package.json"
        yield Problem("WPLATFORM", graph.root, message, hint)


def _shorten(labels: list[str]) -> list[str]:
    more = len(labels) - _SHOWN
    return labels if more <= 0 else [*labels[:_SHOWN], f"{more} more"]


def _describe_named_systems(manifest: Manifest, root: Manifest) -> str:
    """Return the systems that *manifest* names, as `linux x64`.

    "" if it leaves out no system that the project, with the manifest *root*, is for.
    """
    # A project for one system may bundle packages for that one.
    named = {key: _read_values(manifest, key) for key in _FIELDS}
    for key, systems in _FIELDS.items():
        wanted = [system for system in systems if _allows(_read_values(root, key), system)]
        if not all(_allows(named[key], system) for system in wanted or _read_values(root, key)):
            return " ".join(", ".join(sorted(values)) for values in named.values() if values)
    return ""


def _read_values(manifest: Manifest, key: str) -> frozenset[str]:
    """Return the values of a field for systems, without `any`."""
    # A text is a list of one, and `any` is no limit (npm-install-checks 8, lib/index.js, `checkList`).
    value = manifest.members.get(key)
    values = value if isinstance(value, list) else [value]
    return frozenset(text for text in values if isinstance(text, str) and text not in {"", "any"})


def _allows(values: frozenset[str], system: str) -> bool:
    """Return True if a field with *values* allows *system*.

    >>> _allows(frozenset({"!win32"}), "linux"), _allows(frozenset({"linux"}), "darwin"), _allows(frozenset(), "x")
    (True, False, True)
    """
    wanted = {value for value in values if not value.startswith("!")}
    return f"!{system}" not in values and (not wanted or system in wanted)


def _find_program_system(package: Package, packlist: Packlist, root: Manifest) -> str:
    """Return the system that the programs in *package* are compiled for.

    "" if there are none, or for several systems.
    """
    # Programs are Node's addons (`*.node`) and commands: esbuild puts a program in the place of its script.
    commands = {posixpath.normpath(script) for script in package.manifest.bins.values()}
    programs = [file for file in packlist.files if file.path.endswith(".node") or file.path in commands]
    found = {system for file in programs if (system := _read_system(file))}
    if len({os for os, _ in found}) != 1:
        return ""
    os = next(os for os, _ in found)
    cpus = sorted({cpu for _, cpu in found if cpu})
    if _read_values(root, "os") == {os} and (len(cpus) > 1 or set(cpus) == _read_values(root, "cpu")):
        return ""
    return " ".join([os, *cpus[:1]] if len(cpus) == 1 else [os])


def _read_system(file: PackedFile) -> tuple[str, str] | None:
    """Return the system and processor of a program, None for other files."""
    head = fs.read_head(file.source, _HEAD)
    # elf(5): EI_DATA is byte 5, EI_OSABI byte 7, and e_machine bytes 18 and 19.
    if head.startswith(b"\x7fELF") and len(head) > _ELF_MACHINE_END:
        order: Literal["little", "big"] = "little" if head[5] == _LITTLE_ENDIAN else "big"
        machine = int.from_bytes(head[18:_ELF_MACHINE_END], order)
        return ("freebsd" if head[7] == _FREEBSD else "linux", _ELF.get(machine, ""))
    # Mach-O for 64 and for 32 bits, little-endian as on every processor that Node runs on there.
    if head[:4] in {b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"}:
        return ("darwin", _MACH.get(int.from_bytes(head[4:8], "little"), ""))
    # A class of Java begins so, too: its version, 45 and more, is where a fat binary has the number of processors.
    if head.startswith(b"\xca\xfe\xba\xbe") and len(head) > _FAT_HEADER and head[7] < _MOST_PROCESSORS:
        return ("darwin", "")
    return ("win32", "") if head.startswith(b"MZ") else None
