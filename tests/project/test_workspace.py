"""Workspace roots: who is a member, and which catalogs there are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from linkpack.errors import LinkpackError, ProjectError
from linkpack.project.workspace import Workspace, find_workspace, list_members, read_workspace
from linkpack.system.read import walk_up
from tests.support.trees import parse_tree

if TYPE_CHECKING:
    from pathlib import Path


def write(at: Path, files: dict[str, str]) -> str:
    """The real path of a folder with these files."""
    return str(parse_tree("".join(f"-- {name} --\n{text}\n" for name, text in files.items())).write_to(at))


PATTERNS = {
    '{"workspaces": ["packages/*"]}': ["packages/a", "packages/b"],
    '{"workspaces": {"packages": ["packages/a"]}}': ["packages/a"],
    '{"workspaces": ["./packages/a/"]}': ["packages/a"],
    '{"workspaces": ["/packages/a"]}': ["packages/a"],
    '{"workspaces": ["packages/*", "!packages/a"]}': ["packages/b"],
    '{"workspaces": ["!packages/a", "packages/*"]}': ["packages/a", "packages/b"],
    '{"workspaces": ["**"]}': ["packages/a", "packages/a/deep/c", "packages/b"],
    '{"workspaces": ["packages/**/c"]}': ["packages/a/deep/c"],
    '{"workspaces": ["packages/{a,b}"]}': ["packages/a", "packages/b"],
    '{"workspaces": ["packages/none", "missing/*", "../*"]}': [],
    '{"workspaces": []}': [],
    "{}": [],
    "no JSON": [],
}
MEMBERS = {
    "packages/a/package.json": "{}",
    "packages/a/deep/c/package.json": "{}",
    "packages/a/node_modules/x/package.json": "{}",
    "packages/b/package.json": "{}",
    "packages/none/index.js": "",
    "node_modules/y/package.json": "{}",
}


@pytest.mark.parametrize("manifest", PATTERNS)
def test_patterns_name_members(tmp_path: Path, manifest: str) -> None:
    """The patterns name folders with a package.json, never inside node_modules; the last that fits decides."""
    root = write(tmp_path, {"package.json": manifest, **MEMBERS})
    found = read_workspace(root)
    members = [] if found is None else list_members(found)
    assert [os.path.relpath(at, root) for at in members] == PATTERNS[manifest]


@pytest.mark.parametrize("manifest", PATTERNS)
def test_members_find_their_workspace(tmp_path: Path, manifest: str) -> None:
    """Exactly the members find the workspace above them."""
    root = write(tmp_path, {"package.json": manifest, **MEMBERS})
    folders = sorted(path.removesuffix("/package.json") for path in MEMBERS if path.endswith("package.json"))
    found = [folder for folder in folders if find_workspace(f"{root}/{folder}") is not None]
    assert found == PATTERNS[manifest]


def test_the_nearest_workspace_that_names_a_folder_is_taken(tmp_path: Path) -> None:
    """A nearer workspace that does not name the folder is passed over; the nearest that does is taken."""
    root = write(
        tmp_path,
        {
            "package.json": '{"workspaces": ["in/a", "in/b"]}',
            "in/package.json": '{"workspaces": ["b"]}',
            "in/a/package.json": "{}",
            "in/b/package.json": "{}",
        },
    )
    found = [find_workspace(f"{root}/in/{name}") for name in "ab"]
    assert [one and one.root for one in found] == [root, f"{root}/in"]


# the files of a root, its patterns and catalogs
ROOTS: dict[str, tuple[dict[str, str], Workspace]] = {
    "pnpm": (
        {"pnpm-workspace.yaml": "packages: [a, 'b/*']\ncatalog: {x: 1.10}\ncatalogs: {old: {x: ^0.1}}"},
        Workspace("", ("a", "b/*"), {"default": {"x": "1.10"}, "old": {"x": "^0.1"}}, "pnpm"),
    ),
    "pnpm before npm": (
        {"pnpm-workspace.yaml": "packages: [a]", "package.json": '{"workspaces": ["b"]}'},
        Workspace("", ("a",), {}, "pnpm"),
    ),
    "pnpm without packages": (
        {"pnpm-workspace.yaml": "catalog:\n  x: ^1", "package.json": '{"workspaces": ["b"]}'},
        Workspace("", ("b",), {"default": {"x": "^1"}}, "pnpm"),
    ),
    "yarn": (
        {".yarnrc.yml": "catalogs:\n  a: {x: ^2}\n  b: 1\n", "package.json": '{"workspaces": ["b"]}'},
        Workspace("", ("b",), {"a": {"x": "^2"}}, "yarn"),
    ),
    "bun": (
        {"package.json": '{"workspaces": {"packages": ["p"], "catalog": {"x": "^3"}}}'},
        Workspace("", ("p",), {"default": {"x": "^3"}}),
    ),
    "odd values": (
        {"pnpm-workspace.yaml": "packages: [a, {b: c}, [d]]\ncatalog: {x: [1], y: yes}\ncatalogs: 5"},
        Workspace("", ("a",), {"default": {"y": "yes"}}, "pnpm"),
    ),
}


@pytest.mark.parametrize("case", ROOTS)
def test_each_managers_members_and_catalogs_are_read(tmp_path: Path, case: str) -> None:
    """Each package manager's way of naming members and catalogs is read; versions stay text."""
    files, wanted = ROOTS[case]
    root = write(tmp_path, files)
    assert read_workspace(root) == wanted._replace(root=root)


MERGES = {
    "a mapping": ("a: &a {x: ^1, y: '1'}\ncatalog:\n  <<: *a\n  y: '2'", {"x": "^1", "y": "2"}),
    "a list, the first wins": ("catalog: {<<: [{x: '1'}, {x: '2', y: '3'}]}", {"x": "1", "y": "3"}),
    "several": ("catalog:\n  <<: {x: '1'}\n  <<: {x: '2', y: '3'}", {"x": "1", "y": "3"}),
    "merges in merges": (
        "a: &a {x: '1'}\nb: &b {<<: *a, y: '2'}\ncatalog: {z: '3', <<: *b}",
        {"x": "1", "y": "2", "z": "3"},
    ),
    "one value twice": ("a: &a {x: '1'}\nb: *a\ncatalog: {<<: *a, b: *a}", {"x": "1"}),
    "in quotes": ("catalog: {'<<': {x: '1'}, y: '2'}", {"y": "2"}),
}


@pytest.mark.parametrize("case", MERGES)
def test_merge_keys_are_merged_as_pnpm_merges_them(tmp_path: Path, case: str) -> None:
    text, wanted = MERGES[case]
    found = read_workspace(write(tmp_path, {"pnpm-workspace.yaml": f"packages: [p]\n{text}"}))
    assert found is not None
    assert found.catalogs == {"default": wanted}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("catalog: {<<: 5}", "<< takes a mapping"),
        ("catalog: {<<: [5]}", "<< takes a mapping"),
        ("packages: &a {<<: *a}", "recursive"),
        ("packages:\n<<<<<<< HEAD\n  - a\n=======\n  - b\n>>>>>>> x", "has the markers of a merge conflict"),
    ],
)
def test_a_merge_that_cannot_be_made_is_an_error(tmp_path: Path, text: str, words: str) -> None:
    """A merge of what is no mapping, of itself, and a merge that git could not make, are named as that."""
    with pytest.raises(ProjectError, match=words):
        read_workspace(write(tmp_path, {"pnpm-workspace.yaml": text}))


def test_merges_are_bounded(tmp_path: Path) -> None:
    """A file whose merges would take minutes is refused."""
    lines = [f"k{i}: &k{i} {{<<: *k{i - 1}, v{i}: '1'}}" for i in range(1, 4000)]
    with pytest.raises(ProjectError, match="<< merges more than 1000000 keys"):
        read_workspace(write(tmp_path, {"pnpm-workspace.yaml": "\n".join(["catalog: &k0 {v: '1'}", *lines])}))


@pytest.mark.parametrize("text", ["", "[]", "text", "packages: a", "packages: []\ncatalog: []"])
def test_a_file_without_members_or_catalogs_makes_no_workspace(tmp_path: Path, text: str) -> None:
    assert read_workspace(write(tmp_path, {"pnpm-workspace.yaml": text})) is None


@pytest.mark.parametrize(
    "text",
    [
        "packages: [a",
        "packages: [a]\n\tx: 1",
        "packages: *missing",
        "? [packages]\n: b",
        "# packages\n" + "[" * 3000,
        "packages: b: c",
        "packages: \x01",
        "packages: &p [a, *p]",
    ],
)
def test_a_file_that_is_no_yaml_is_named(tmp_path: Path, text: str) -> None:
    """A file that YAML refuses, however deep, is an error that names it."""
    root = write(tmp_path, {"pnpm-workspace.yaml": text, "a/package.json": "{}"})
    with pytest.raises(ProjectError, match=r"pnpm-workspace\.yaml cannot be understood: .") as caught:
        find_workspace(f"{root}/a")
    assert (caught.value.code, caught.value.path) == ("EWORKSPACEFILE", f"{root}/pnpm-workspace.yaml")


@pytest.mark.parametrize(
    ("field", "files", "manager"),
    [
        ("", [], "npm"),
        ("", ["yarn.lock"], "yarn"),
        ("", ["bun.lock"], "bun"),
        ("", ["bun.lockb"], "bun"),
        ("", ["pnpm-lock.yaml"], "pnpm"),
        ("", ["package-lock.json", "yarn.lock"], "npm"),
        ("", ["package-lock.json", "pnpm-workspace.yaml"], "pnpm"),
        ("yarn@4.18.1", ["package-lock.json"], "yarn"),
        ("npm@11.0.0", ["yarn.lock"], "npm"),
        ("vlt@1.0.0", ["yarn.lock"], "yarn"),
    ],
)
def test_the_package_manager_field_decides_then_files(
    tmp_path: Path, field: str, files: list[str], manager: str
) -> None:
    """The packageManager field decides, then the manager's own files; npm without any."""
    found = read_workspace(
        write(
            tmp_path,
            {"package.json": f'{{"packageManager": "{field}", "workspaces": ["a"]}}', **dict.fromkeys(files, "")},
        )
    )
    assert found is not None
    assert found.manager == manager


@pytest.mark.parametrize(
    ("raw", "catalogs"),
    [
        (b"nodeLinker: node-modules\na: b: c", None),
        (b'"c\\x61talog": {x: "1"}', {"default": {"x": "1"}}),
        ("\ufeffcatalog: {x: '1'}".encode("utf-16-le"), {"default": {"x": "1"}}),
    ],
)
def test_only_files_that_may_name_catalogs_are_parsed(
    tmp_path: Path, raw: bytes, catalogs: dict[str, dict[str, str]] | None
) -> None:
    """A file without the word is passed over, while one that spells it otherwise is not."""
    (tmp_path / ".yarnrc.yml").write_bytes(raw)
    found = read_workspace(str(tmp_path))
    assert (found and found.catalogs) == catalogs


def test_a_yaml_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """A YAML file that would take minutes to parse is refused before."""
    with pytest.raises(ProjectError, match="more than 262144 bytes"):
        read_workspace(write(tmp_path, {"pnpm-workspace.yaml": "- a\n" * 70_000}))


def test_a_yaml_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / ".yarnrc.yml").write_bytes(b"catalog: \xff\xfe")
    with pytest.raises(ProjectError, match=r"\.yarnrc\.yml cannot be understood"):
        read_workspace(str(tmp_path))


def test_special_files_say_nothing(tmp_path: Path) -> None:
    """Pipes and folders of these names are passed over and never waited for."""
    os.mkfifo(tmp_path / "package.json")
    os.mkfifo(tmp_path / "pnpm-workspace.yaml")
    (tmp_path / ".yarnrc.yml").mkdir()
    assert read_workspace(str(tmp_path)) is None


def test_a_pattern_that_stands_for_too_many_is_refused(tmp_path: Path) -> None:
    root = write(
        tmp_path, {"package.json": '{"workspaces": ["{1..1000000}{1..1000000}"]}', "a/package.json": "{}"}
    )
    with pytest.raises(LinkpackError) as caught:
        find_workspace(f"{root}/a")
    assert caught.value.code == "EPATTERN"


def test_links_are_not_followed_and_odd_names_are_members(tmp_path: Path) -> None:
    """Links to folders are not followed, so a ring ends; names that are not UTF-8 are members as others are."""
    odd = os.fsdecode(b"\xff")
    root = write(
        tmp_path, {"package.json": '{"workspaces": ["**"]}', "a/package.json": "{}", "a/b/package.json": "{}"}
    )
    (tmp_path / odd).mkdir()
    (tmp_path / odd / "package.json").write_text("{}")
    (tmp_path / "a" / "ring").symlink_to("..")
    assert list_members(Workspace(root, ("**",), {})) == [f"{root}/a", f"{root}/a/b", f"{root}/{odd}"]


def test_a_root_that_cannot_be_read_has_no_members() -> None:
    assert list_members(Workspace("/nowhere/at/all", ("*",), {})) == []


@pytest.mark.parametrize(("start", "found"), [("/a/b", ["/a/b", "/a", "/"]), ("/", ["/"])])
def test_walking_up_ends_at_the_root_of_the_file_system(start: str, found: list[str]) -> None:
    """The directory itself, those above it, the file system's root last."""
    assert list(walk_up(start)) == found
