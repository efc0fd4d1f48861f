"""What git is asked about a directory, and what becomes of answers and faults."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from linkpack.provenance.git_state import GitState, read_git
from tests.support.gitbox import committed, git

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit and a package in a folder of it."""
    package = tmp_path / "repo" / "packages" / "lib"
    package.mkdir(parents=True)
    for name in ("package.json", "a.js", "b.js"):
        (package / name).write_text("{}", encoding="utf-8")
    (tmp_path / "repo" / "README").write_text("", encoding="utf-8")
    committed(tmp_path / "repo", "dist\n")
    return tmp_path / "repo"


def test_a_clean_folder_has_a_commit_and_its_files(repo: Path) -> None:
    """Of a clean folder git says the commit and the files, relative to that folder."""
    state = read_git(str(repo / "packages" / "lib"))
    commit = git(repo, "rev-parse", "HEAD").strip()
    assert state == GitState(commit, (), frozenset({"a.js", "b.js", "package.json"}))


def test_changed_removed_renamed_and_new_files_are_dirty(repo: Path) -> None:
    """Changed, removed, renamed and new files count; ignored ones, node_modules and other folders do not."""
    lib = repo / "packages" / "lib"
    (lib / "a.js").write_text("changed", encoding="utf-8")
    (lib / "b.js").rename(lib / "c.js")
    (lib / "name with space\n").touch()
    (lib / "dist").mkdir()
    (lib / "dist" / "out.js").touch()
    (lib / "node_modules" / "x").mkdir(parents=True)
    (lib / "node_modules" / "x" / "index.js").touch()
    (lib / "sub").mkdir()
    (lib / "sub" / "node_modules").symlink_to("..")
    (repo / "README").write_text("changed", encoding="utf-8")
    git(repo, "add", "packages/lib/c.js", "packages/lib/b.js")
    assert read_git(str(lib)).dirty == ("a.js", "b.js", "c.js", "name with space\n")


def test_a_conflict_is_a_change(repo: Path) -> None:
    """A file that a merge left unmerged counts as changed."""
    lib = repo / "packages" / "lib"
    for start, text in (("HEAD", "1"), ("HEAD~", "2")):
        git(repo, "checkout", "-qb", f"branch{text}", start)
        (lib / "a.js").write_text(text, encoding="utf-8")
        git(repo, "commit", "-qam", text)
    with pytest.raises(subprocess.CalledProcessError):
        git(repo, "merge", "-q", "branch1")
    assert read_git(str(lib)).dirty == ("a.js",)


def test_settings_of_a_hook_are_not_followed(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIT_DIR and its like, which git sets for hooks, do not lead to another repository."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert read_git(str(repo / "packages" / "lib")).fault == ""


def test_no_repository_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of any repository the fault says so."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_git(str(tmp_path)).fault == "it is in no git repository"


def test_a_repository_without_a_commit_is_a_fault(tmp_path: Path) -> None:
    """A repository without a commit knows nothing of its files."""
    git(tmp_path, "init", "-q")
    assert read_git(str(tmp_path)).fault == "its git repository has no commit"


def test_the_git_folder_is_no_work_tree(repo: Path) -> None:
    assert read_git(str(repo / ".git")).fault == "it is in no git work tree"


def test_no_git_is_a_fault(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a git program the fault says so."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert read_git(str(repo)).fault == "git is not installed, or not on PATH"


def test_a_fault_does_not_hold_gits_own_words(repo: Path) -> None:
    """Any other failure is a fault without git's words, which may name places; they are told apart from it."""
    (repo / ".git" / "index").write_bytes(b"broken")
    state = read_git(str(repo))
    assert state.fault == "git failed with status 128"
    assert "index" in state.detail


def test_a_mistake_in_settings_is_a_fault_without_a_path(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake in the user's settings is a fault that does not name the file, which is in the home folder."""
    (tmp_path / "settings").write_text("[core", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
    state = read_git(str(repo))
    assert state.fault == "git cannot read its settings"
    assert str(tmp_path) in state.detail


def test_files_that_only_a_filter_could_compare_are_dirty(repo: Path) -> None:
    """They count as dirty, and which filter would have to be run is known."""
    lib = repo / "packages" / "lib"
    git(repo, "config", "filter.f.process", "f")
    (repo / ".gitattributes").write_text("*.js filter=f\n", encoding="utf-8")
    git(repo, "add", ".gitattributes")
    git(repo, "commit", "-qm", "filter")
    (lib / "a.js").write_text("changed", encoding="utf-8")
    state = read_git(str(lib))
    assert (state.dirty, state.undecided) == (("a.js",), {"a.js": "its filter f"})
