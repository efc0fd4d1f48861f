"""Which workspaces a command is about, and which of them are to be published."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from linkpack.errors import ProjectError
from linkpack.project.local import WorkspaceChoice
from linkpack.project.monorepo import read_monorepo
from linkpack.project.selection import ChosenWorkspace, choose_workspaces, leave_private
from tests.support.trees import write_package as write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace root with three members, one of them private, and a folder that is none."""
    top = write(tmp_path / "root", workspaces=["z", "pk/*", "!pk/out"], private=True)
    for name in ("z", "pk/b", "pk/out"):
        write(top / name)
    write(top / "pk/a", private=True)
    return top


def chosen_in(root: Path, picks: WorkspaceChoice, start: str = ".") -> tuple[ChosenWorkspace, ...]:
    """Choose workspaces of the project in *root*, whoever manages it."""
    return choose_workspaces(str(root), read_monorepo(str(root)), picks, str(root / start))


def choose(
    root: Path, *wanted: str, start: str = ".", every: bool = False, with_root: bool = False
) -> list[ChosenWorkspace]:
    """What is chosen for a command in *start*, with paths relative to *root*."""
    found = chosen_in(root, WorkspaceChoice(wanted, every, with_root), start)
    return [each._replace(folder=os.path.relpath(each.folder, root)) for each in found]


@pytest.mark.parametrize(
    ("wanted", "options", "chosen"),
    [
        ([], "every", ["z", "pk/a", "pk/b"]),
        ([], "every with_root", [".", "z", "pk/a", "pk/b"]),
        (["b", "z"], "", ["pk/b!", "z!"]),
        (["pk", "a"], "", ["pk/a!", "pk/b"]),
        (["a", "pk"], "", ["pk/a!", "pk/b"]),
        (["./pk/a"], "with_root", [".", "pk/a!"]),
        (["b"], "every", ["z", "pk/a", "pk/b!"]),
        (["."], "", ["z", "pk/a", "pk/b"]),
    ],
)
def test_names_paths_and_folders_choose_in_order(
    wanted: list[str], options: str, chosen: list[str], root: Path
) -> None:
    """Names, paths and parent folders choose, in their order, then that of the patterns, then of paths.

    With a `!` behind them those that were named by themselves.
    """
    found = choose(root, *wanted, every="every" in options, with_root="root" in options)
    assert [f"{each.folder}!" if each.named else each.folder for each in found] == chosen


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lerna.json", '{"packages": ["z", "pk/*", "!pk/out"]}'),
        ("rush.json", json.dumps({"projects": [{"projectFolder": each} for each in ("z", "pk/a", "pk/b")]})),
    ],
)
def test_packages_of_lerna_and_rush_can_be_chosen(name: str, text: str, root: Path) -> None:
    """Where no package manager names workspaces, these are the packages."""
    (root / name).write_text(text, encoding="utf-8")
    write(root)
    assert [each.folder for each in choose(root, every=True)] == ["z", "pk/a", "pk/b"]
    write(root, workspaces=["z"])
    assert [each.folder for each in choose(root, every=True)] == ["z"]


def test_a_path_may_lead_through_a_link(root: Path) -> None:
    """A link to a workspace, or to a folder around some, means what it leads to."""
    (root.parent / "elsewhere").symlink_to(root / "pk")
    assert choose(root, "../elsewhere/b") == [ChosenWorkspace("pk/b", named=True)]
    assert [each.folder for each in choose(root, "../elsewhere")] == ["pk/a", "pk/b"]


def test_paths_start_at_the_folder_or_at_the_root(root: Path) -> None:
    """A path is looked for from where the command starts, and from the root."""
    assert choose(root, "../b", start="pk/a") == [ChosenWorkspace("pk/b", named=True)]
    assert choose(root, "pk/b", start="pk/a") == [ChosenWorkspace("pk/b", named=True)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", '{"workspaces": {"packages": ["z", "pk/*", "!pk/out"]}}'),
        ("pnpm-workspace.yaml", "packages:\n- z\n- pk/*\n- '!pk/out'\n"),
    ],
)
def test_workspaces_of_other_tools_can_be_chosen(name: str, text: str, root: Path) -> None:
    """Yarn's and bun's object form and pnpm's file are read as well."""
    (root / "package.json").write_text("{}")
    (root / name).write_text(text)
    assert [each.folder for each in choose(root, every=True)] == ["z", "pk/a", "pk/b"]


@pytest.mark.parametrize("wanted", ["nope", "pk/out", ""])
def test_a_name_that_is_no_workspace_is_an_error(wanted: str, root: Path) -> None:
    """It is an error that names it, beside others too."""
    with pytest.raises(ProjectError, match=f'is called "{wanted}"'):
        choose(root, "b", wanted)


def test_asking_for_workspaces_where_there_are_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="has no workspaces"):
        choose(write(tmp_path / "one"), every=True)


def test_private_ones_are_left_out_unless_named(root: Path) -> None:
    """Of all, and of those in a folder, what is private is left; by its name it is asked for, private or not."""
    places = {each: str(root / each) for each in (".", "z", "pk/a", "pk/b")}
    for wanted, every, with_root, private in (
        ([], True, True, [".", "pk/a"]),
        (["pk"], False, False, ["pk/a"]),
        (["pk", "pk/a"], False, False, []),
        (["a"], True, False, []),
    ):
        chosen = chosen_in(root, WorkspaceChoice(tuple(wanted), every, with_root))
        found = leave_private(chosen)
        assert [os.path.relpath(folder, root) for folder in found.private] == private
        left = [os.path.normpath(each.folder) for each in chosen if each.folder not in found.private]
        assert [os.path.normpath(folder) for folder in found.folders] == left
        assert set(left) <= set(places.values())


def test_a_manifest_that_cannot_be_read_is_not_private(root: Path) -> None:
    """Whoever packs it says what is wrong with it."""
    (root / "pk/a/package.json").write_text('{"private": true,', encoding="utf-8")
    assert leave_private(chosen_in(root, WorkspaceChoice(every=True))).private == ()
