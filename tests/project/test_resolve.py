"""The walk-up of Node, on the disk and among planned paths."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from linkpack.project.resolve import Lookup, SlotIndex, find_installed, find_path, node_modules_above


@pytest.mark.parametrize(
    ("start", "folders"),
    [
        ("/", ["/node_modules"]),
        ("/a", ["/a/node_modules", "/node_modules"]),
        ("/a/node_modules/b", ["/a/node_modules/b/node_modules", "/a/node_modules", "/node_modules"]),
        ("/node_modules", ["/node_modules"]),
        ("", ["node_modules"]),
        ("packages/a", ["packages/a/node_modules", "packages/node_modules", "node_modules"]),
        ("node_modules/@s/b", ["node_modules/@s/b/node_modules", "node_modules/@s/node_modules", "node_modules"]),
        (
            "../lib/node_modules/x",
            ["../lib/node_modules/x/node_modules", "../lib/node_modules", "../node_modules"],
        ),
    ],
)
def test_node_looks_in_every_folder_above(start: str, folders: list[str]) -> None:
    """In every folder up to the root but those called node_modules, and not from outside of a tree into it."""
    assert list(node_modules_above(start)) == folders


SLOTS = [
    "",
    "node_modules/a",
    "node_modules/b",
    "node_modules/a/node_modules/b",
    "node_modules/@s/c",
    "packages/d",
]


@pytest.mark.parametrize(
    ("start", "name", "path"),
    [
        ("", "a", "node_modules/a"),
        ("", "c", ""),
        ("node_modules/a", "b", "node_modules/a/node_modules/b"),
        ("node_modules/a/node_modules/b", "b", "node_modules/a/node_modules/b"),
        ("node_modules/a/node_modules/b", "a", "node_modules/a"),
        ("node_modules/b", "b", "node_modules/b"),
        ("node_modules/@s/c", "@s/c", "node_modules/@s/c"),
        ("node_modules/@s/c", "a", "node_modules/a"),
        ("packages/d", "b", "node_modules/b"),
        ("packages/d", "d", ""),
        ("node_modules/a", "", ""),
    ],
)
def test_the_nearest_package_is_found(start: str, name: str, path: str) -> None:
    """Path by path and by the index of slots alike."""
    assert find_path(start, name, SLOTS.__contains__) == path
    assert (SlotIndex(SLOTS).find(start, name) or "") == path


def test_an_index_finds_the_nearest_of_many_copies() -> None:
    """More copies of a name than folders around a slot are asked for in the other order, with the same answer."""
    copies = [f"node_modules/p{i}/node_modules/a" for i in range(20)]
    index = SlotIndex([*copies, "node_modules/a"])
    assert index.find("node_modules/p7", "a") == "node_modules/p7/node_modules/a"
    assert index.find("node_modules/q", "a") == "node_modules/a"


@pytest.mark.parametrize(
    ("start", "name", "found"),
    [
        ("app", "a", "app/node_modules/a"),
        ("app/src/deep", "a", "app/node_modules/a"),
        ("app/node_modules/a", "b", "app/node_modules/a/node_modules/b"),
        ("app/node_modules/a/node_modules/b", "a", "app/node_modules/a"),
        ("app", "linked", "lib"),
        ("lib", "a", ""),
        ("app", "@s/c", "app/node_modules/@s/c"),
        ("app", "no-manifest", "node_modules/no-manifest"),
        ("app", "dangling", "node_modules/dangling"),
    ],
)
def test_the_nearest_package_on_disk_is_found(start: str, name: str, found: str, tmp_path: Path) -> None:
    """The nearest package, by its real directory; what is none is passed over."""
    root = str(tmp_path.resolve())
    for folder in (
        *("app/node_modules/a", "app/node_modules/a/node_modules/b", "app/node_modules/@s/c", "lib"),
        *("node_modules/no-manifest", "node_modules/dangling"),
    ):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "package.json").write_text("{}")
    for folder in ("app/src/deep", "app/node_modules/no-manifest"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "app/node_modules/linked").symlink_to("../../lib")
    (tmp_path / "app/node_modules/dangling").symlink_to("../../gone")
    assert find_installed(f"{root}/{start}", name) == (f"{root}/{found}" if found else None)


def test_a_broken_link_on_the_way_is_named(tmp_path: Path) -> None:
    """The package further up is found, and the fault of what is nearer is told."""
    for folder in ("app/node_modules", "node_modules/a"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "node_modules/a/package.json").write_text("{}")
    (tmp_path / "app/node_modules/a").symlink_to("../../gone")
    root = str(tmp_path.resolve())
    real, path, fault = Lookup().resolve(f"{root}/app", "a")
    assert (real, path) == (f"{root}/node_modules/a",) * 2
    assert fault == f"the link {root}/app/node_modules/a -> ../../gone leads nowhere"


@pytest.mark.bare
def test_a_folder_that_may_not_be_entered_is_a_fault(tmp_path: Path) -> None:
    """A package in a folder that this user may not enter is a fault of its own, not a package that is missing."""
    (tmp_path / "app/node_modules/a").mkdir(parents=True)
    (tmp_path / "app/node_modules/a").chmod(0)
    tmp_path.chmod(0o755)
    script = (
        "import os, sys; from linkpack.project.resolve import _look\n"
        "os.chdir(sys.argv[1]); os.getuid() or os.setuid(65534)\n"
        "print(_look('app/node_modules', 'a').fault)"
    )
    here = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": here},
    )
    (tmp_path / "app/node_modules/a").chmod(0o755)
    assert (done.stdout, done.stderr) == ("app/node_modules/a cannot be looked into\n", "")
