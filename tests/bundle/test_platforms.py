"""Bundled packages that are for some systems only are named in one warning."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.linked import lay, said

if TYPE_CHECKING:
    from pathlib import Path

ELF_X64 = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, 62) + bytes(44)
ELF_S390X = b"\x7fELF\x02\x02\x01" + bytes(9) + struct.pack(">HH", 3, 22) + bytes(44)
MACH_ARM64 = struct.pack("<II", 0xFEEDFACF, 0x0100000C) + bytes(56)
MACH_FAT = struct.pack(">II", 0xCAFEBABE, 2) + bytes(56)
PE = b"MZ" + bytes(62)


def bundling(*names: str, **fields: object) -> dict[str, str]:
    """A project with *fields* that bundles installed packages."""
    manifest = {"name": "app", "dependencies": dict.fromkeys(names, "*"), "bundleDependencies": True, **fields}
    return {"app/package.json": json.dumps(manifest)}


@pytest.mark.parametrize(
    ("fields", "project", "systems"),
    [
        ({"os": ["linux"], "cpu": ["x64"], "libc": ["glibc"]}, {}, "linux x64 glibc"),
        ({"os": "darwin"}, {}, "darwin"),
        ({"os": ["!win32"]}, {}, "!win32"),
        ({"cpu": ["arm64"]}, {}, "arm64"),
        ({"os": ["linux"]}, {"os": ["linux"]}, ""),
        ({"os": ["linux", "darwin"]}, {"os": ["linux"]}, ""),
        ({"os": ["linux"]}, {"os": ["linux", "darwin"]}, "linux"),
        ({"os": ["linux"]}, {"os": ["!win32", "!darwin"]}, ""),
        ({"os": ["darwin", "linux", "win32"], "cpu": ["x64", "arm64"]}, {}, ""),
        ({"os": ["!aix"], "cpu": "any", "libc": []}, {}, ""),
        ({"os": 5, "cpu": [7]}, {}, ""),
    ],
)
def test_a_package_that_leaves_out_a_system_is_named(
    fields: dict[str, Any], project: dict[str, Any], systems: str, tmp_path: Path
) -> None:
    """A package that leaves out a system which the project is for is named with those that it is for."""
    tree = {**bundling("a", **project), "app/node_modules/a/package.json": json.dumps({"name": "a", **fields})}
    wanted = [f"WPLATFORM the bundle has packages for some systems only: a@1.0.0 ({systems})"] if systems else []
    assert said(lay(tmp_path, tree)) == wanted


@pytest.mark.parametrize(
    ("programs", "project", "systems"),
    [
        ({"build/Release/a.node": ELF_X64}, {}, "linux x64"),
        ({"a.node": ELF_S390X}, {}, "linux s390x"),
        ({"a.node": MACH_ARM64}, {}, "darwin arm64"),
        ({"a.node": MACH_FAT}, {}, "darwin"),
        ({"a.node": PE}, {}, "win32"),
        ({"bin/a": ELF_X64}, {}, "linux x64"),
        ({"lib/a.so": ELF_X64}, {}, ""),
        ({"prebuilds/linux-x64/a.node": ELF_X64, "prebuilds/darwin-arm64/a.node": MACH_ARM64}, {}, ""),
        ({"a.node": ELF_X64}, {"os": ["linux"], "cpu": ["x64"]}, ""),
        ({"a.node": ELF_X64}, {"os": ["linux"]}, "linux x64"),
        ({"a.node": b"text"}, {}, ""),
        ({"a.node": b""}, {}, ""),
    ],
)
def test_the_first_bytes_of_a_program_name_its_system(
    programs: dict[str, bytes], project: dict[str, Any], systems: str, tmp_path: Path
) -> None:
    """Addons and commands tell by their first bytes what they are compiled for."""
    app = lay(
        tmp_path, {**bundling("a", **project), "app/node_modules/a/package.json": '{"bin": "bin/a", "name": "a"}'}
    )
    for path, data in {"bin/a": b"#!/usr/bin/env node\n", **programs}.items():
        target = app / "node_modules" / "a" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    wanted = [f"WPLATFORM the bundle has packages for some systems only: a@1.0.0 ({systems})"] if systems else []
    assert said(app) == wanted


def test_all_packages_are_in_one_warning(tmp_path: Path) -> None:
    """Packages are grouped by system, and only some of many are named."""
    names = [f"a{number}" for number in range(7)]
    tree = bundling(*names, "b")
    tree |= {f"app/node_modules/{name}/package.json": '{"os": ["linux"]}' for name in names}
    app = lay(tmp_path, {**tree, "app/node_modules/b/package.json": '{"os": ["darwin"]}'})
    [warning] = said(app)
    assert warning == (
        "WPLATFORM the bundle has packages for some systems only: b@1.0.0 (darwin); a0@1.0.0, a1@1.0.0, a2@1.0.0,"
        " a3@1.0.0, a4@1.0.0, 2 more (linux)"
    )


def test_what_does_not_ship_does_not_count(tmp_path: Path) -> None:
    """In the thin layout the registry supplies installed packages, and installers choose by system."""
    tree = {**bundling("a"), "app/node_modules/a/package.json": '{"name": "a", "os": ["linux"]}'}
    assert said(lay(tmp_path, tree), layout="thin") == []
