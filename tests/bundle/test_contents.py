"""The files of every package of a bundle: read by what each package is, and once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkpack.bundle.contents import read_contents
from linkpack.bundle.graph import read_bundle
from linkpack.errors import LinkpackError
from linkpack.project.project import find_project
from tests.support.trees import parse_tree

if TYPE_CHECKING:
    from pathlib import Path


def write(at: Path, files: dict[str, str]) -> Path:
    """A folder with these files; ` -> ` in a name makes a link."""
    return parse_tree("".join(f"-- {name} --\n{text}\n" for name, text in files.items())).write_to(at)


def listed(project: Path, *written: str) -> dict[str, list[str]]:
    """The files of each package, by the last portion of its directory."""
    found = find_project(str(project))
    packlists = read_contents(found, read_bundle(found), "12", written)
    return {at.rpartition("/")[2]: [file.path for file in packlist.files] for at, packlist in packlists.items()}


def test_linked_packages_ship_as_packed_and_installed_ones_as_they_are(tmp_path: Path) -> None:
    """A linked package ships what packing it would, less its node_modules; an installed one what lies there."""
    root = write(
        tmp_path,
        {
            "app/package.json": '{"name": "app", "version": "1.0.0", "files": ["a.js"],'
            ' "dependencies": {"l": "*", "i": "*"}, "bundleDependencies": true}',
            "app/a.js": "",
            "app/b.js": "",
            "app/node_modules/l -> ../../l": "",
            "app/node_modules/i/package.json": '{"name": "i"}',
            "app/node_modules/i/.npmignore": "b.js",
            "app/node_modules/i/a.js": "",
            "app/node_modules/i/b.js": "",
            "l/package.json": '{"name": "l", "version": "1.0.0", "dependencies": {"d": "*"}}',
            "l/.npmignore": "b.js",
            "l/a.js": "",
            "l/b.js": "",
            "l/node_modules/d/package.json": "{}",
            "l/node_modules/d/d.js": "",
        },
    )
    found = listed(root / "app")
    assert found["app"] == ["a.js", "package.json"]
    assert found["l"] == ["a.js", "package.json"]
    assert {"a.js", "b.js", "package.json"} <= set(found["i"])
    assert found["d"] == ["d.js", "package.json"]


def test_ignore_files_around_a_member_apply_to_it(tmp_path: Path) -> None:
    """What the workspace's ignore files keep out stays out of a member, packed itself or linked into another."""
    root = write(
        tmp_path,
        {
            "package.json": '{"name": "r", "version": "1.0.0", "workspaces": ["p/*"]}',
            ".gitignore": "secret",
            "p/app/package.json": '{"name": "app", "version": "1.0.0", "dependencies": {"lib": "*"},'
            ' "bundleDependencies": ["lib"]}',
            "p/app/secret": "",
            "p/app/open": "",
            "p/lib/package.json": '{"name": "lib", "version": "1.0.0"}',
            "p/lib/secret": "",
            "p/lib/open": "",
            "node_modules/lib -> ../p/lib": "",
        },
    )
    assert listed(root / "p/app") == {"app": ["open", "package.json"], "lib": ["open", "package.json"]}


def test_a_root_never_ships_what_its_members_keep(tmp_path: Path) -> None:
    """Packing a workspace root, each member's own rules hold; one with a bad manifest ships nothing."""
    root = write(
        tmp_path,
        {
            "package.json": '{"name": "r", "version": "1.0.0", "workspaces": ["p/*"]}',
            "p/a/package.json": '{"name": "a", "version": "1.0.0", "files": ["open"]}',
            "p/a/open": "",
            "p/a/kept": "",
            "p/b/package.json": "{",
            "p/b/open": "",
            "top": "",
        },
    )
    assert set(listed(root).popitem()[1]) == {"package.json", "top", "p/a/open", "p/a/package.json"}


def test_unreadable_rules_around_a_member_are_an_error(tmp_path: Path) -> None:
    """An ignore file around a member that cannot be read is an error: its rules may keep secrets out."""
    root = write(
        tmp_path,
        {
            "package.json": '{"name": "r", "version": "1.0.0", "workspaces": ["p"]}',
            "p/package.json": '{"name": "p", "version": "1.0.0"}',
        },
    )
    (root / ".gitignore").mkdir()
    with pytest.raises(LinkpackError, match=r"\.gitignore cannot be read"):
        listed(root / "p")


@pytest.mark.parametrize(
    ("written", "stays"),
    [
        ("p-1.0.0.tgz", {"out.tgz", "dist/out.tgz"}),
        ("dist/p-1.0.0.tgz", {"out.tgz", "dist/out.tgz"}),
        ("to-dist/out.tgz", {"out.tgz"}),
        ("./out.tgz", {"dist/out.tgz"}),
        ("dist/../out.tgz", {"dist/out.tgz"}),
        ("missing/../out.tgz", {"out.tgz", "dist/out.tgz"}),
        ("../out.tgz", {"out.tgz", "dist/out.tgz"}),
        ("n\0l/out.tgz", {"out.tgz", "dist/out.tgz"}),
    ],
)
def test_earlier_tarballs_stay_out(tmp_path: Path, written: str, stays: set[str]) -> None:
    """The default name is not packed, nor what is where the run will write, however that is spelt."""
    files = ("p-1.0.0.tgz", "dist/p-1.0.0.tgz", "out.tgz", "dist/out.tgz", ".linkpack-0123456789abcdef.tmp")
    root = write(tmp_path / "p", {"package.json": '{"name": "p", "version": "1.0.0"}'} | dict.fromkeys(files, ""))
    (root / "to-dist").symlink_to("dist")
    assert set(listed(root, f"{root}/{written}")["p"]) == {"package.json", *stays}
