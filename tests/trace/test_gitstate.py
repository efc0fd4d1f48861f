"""What git is asked about a directory, and what becomes of answers and faults."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from linkpack.trace.gitstate import GitState, read_git
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


def test_a_clean_folder(repo: Path) -> None:
    """Of a clean folder git says the commit and the files, relative to that folder."""
    state = read_git(str(repo / "packages" / "lib"))
    commit = git(repo, "rev-parse", "HEAD").strip()
    assert state == GitState(commit, (), frozenset({"a.js", "b.js", "package.json"}))


def test_changes(repo: Path) -> None:
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


def test_nothing_in_the_repository_is_run(repo: Path, tmp_path: Path) -> None:
    """A file system monitor or hook that the repository names is not started, and the index is not written."""
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n", encoding="utf-8")
    trap.chmod(0o755)
    git(repo, "config", "core.fsmonitor", str(trap))
    before = (repo / ".git" / "index").stat()
    os.utime(repo / "packages" / "lib" / "a.js", (1, 1))
    assert read_git(str(repo)).fault == ""
    assert not (tmp_path / "sprung").exists()
    assert (repo / ".git" / "index").stat() == before


def test_a_git_in_the_folder_is_not_run(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program called git in the folder asked about is not taken for git, whatever PATH says."""
    fake = repo / "git"
    fake.write_text("#!/bin/sh\ntouch sprung\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f".::{os.environ['PATH']}")
    assert read_git(str(repo)).dirty == ("git",)
    assert not (repo / "sprung").exists()


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of any repository the fault says so."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_git(str(tmp_path)) == GitState("", (), frozenset(), "it is in no git repository")


def test_no_commit(tmp_path: Path) -> None:
    """A repository without a commit knows nothing of its files."""
    git(tmp_path, "init", "-q")
    assert read_git(str(tmp_path)).fault == "its git repository has no commit"


def test_inside_of_a_git_folder(repo: Path) -> None:
    """The folder .git itself is no work tree."""
    assert read_git(str(repo / ".git")).fault == "it is in no git work tree"


def test_no_git(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a git program the fault says so."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert read_git(str(repo)).fault == "git cannot be run: No such file or directory"


def test_a_repository_of_another_user(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository that git does not trust is not read, and the fault names the setting."""
    git(repo, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    assert "safe.directory" in read_git(str(repo)).fault


def test_a_broken_repository(repo: Path) -> None:
    """Any other failure is told in git's words."""
    (repo / ".git" / "index").write_bytes(b"broken")
    assert read_git(str(repo)).fault.startswith("git failed: ")
