"""git runs in hostile repositories: none of their programs runs, and what they say is checked."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from linkpack.system.git import GitFault, find_git, git_environment
from linkpack.system.git_objects import TreeEntry, blob_id
from linkpack.system.repository import open_repository
from tests.support.gitbox import committed, git, set_traps

ROOT = Path(__file__).parents[2]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a package in a folder of it, and a tarball of that package beside it."""
    package = tmp_path / "repo" / "packages" / "lib"
    package.mkdir(parents=True)
    (package / "package.json").write_text(
        '{"name": "lib", "version": "1.0.0", "license": "MIT"}\n', encoding="utf-8"
    )
    (package / "index.js").write_text("1\n", encoding="utf-8")
    (package / "text.txt").write_text("$Id$\n", encoding="utf-8")
    (tmp_path / "repo" / "README").write_text("read me\n", encoding="utf-8")
    committed(tmp_path / "repo", "dist\n")
    return tmp_path / "repo"


def stamps(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """Return mode, size and time of all that is in *folder*."""
    status = {path: path.lstat() for path in folder.rglob("*")}
    return {path: (each.st_mode, each.st_size, each.st_mtime_ns) for path, each in status.items()}


def linkpack(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `linkpack` with *words* in *folder*."""
    command = [sys.executable, "-m", "linkpack", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder.parents[2])}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


COMMANDS = (
    ("pack", "--require-clean", "--dry-run"),
    (
        "pack",
        "--snapshot-manifest",
        "../../../m.json",
        "--sbom",
        "spdx",
        "--sbom-file",
        "../../../s.json",
        "--out",
        "../../../x.tgz",
    ),
    ("verify", "../../../lib-1.0.0.tgz", "--against", "git"),
    ("verify", "../../../lib-1.0.0.tgz", "--against", "git", "--built", "dist"),
    ("verify", "../../../lib-1.0.0.tgz", "--against", "."),
    ("diff", "../../../lib-1.0.0.tgz", "."),
    ("unpack", "../../../lib-1.0.0.tgz", "-C", "../../../unpacked"),
    ("why", "index.js"),
)


def test_no_command_runs_a_program_that_a_repository_names(repo: Path, tmp_path: Path) -> None:
    """Filters, hooks, monitors, converters, aliases, pagers, helpers and remotes stay untouched."""
    lib, marker = repo / "packages" / "lib", tmp_path / "marker"
    assert linkpack(lib, "pack", "--pack-destination", "../../..").returncode == 0
    set_traps(repo, marker)
    (lib / "index.js").write_text("2\n", encoding="utf-8")
    (lib / "dist").mkdir()
    (lib / "dist" / "built.js").touch()
    before = stamps(repo)
    done = {words: linkpack(lib, *words) for words in COMMANDS}
    assert sorted(marker.iterdir()) == []
    assert not any("Traceback" in each.stderr for each in done.values())
    assert "index.js" in done[COMMANDS[0]].stderr
    assert stamps(repo) == before


def test_the_traps_would_go_off(repo: Path, tmp_path: Path) -> None:
    """The same repository runs its programs when git is asked in the usual way."""
    set_traps(repo, tmp_path / "marker")
    subprocess.run(["git", "status"], cwd=repo, capture_output=True, check=False)
    assert {path.name for path in (tmp_path / "marker").iterdir()} >= {"process", "fsmonitor"}


def test_a_missing_object_is_not_fetched(repo: Path, tmp_path: Path) -> None:
    """What a partial clone lacks is a fault: no program of a remote is started to bring it."""
    tree = git(repo, "rev-parse", "HEAD:packages").strip()
    set_traps(repo, tmp_path / "marker")
    (repo / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    repository = open_repository(str(repo))
    with repository.objects() as objects, pytest.raises(GitFault, match=r"(lacks|cannot read) an object"):
        objects.files(repository.commit, "")
    assert sorted((tmp_path / "marker").iterdir()) == []


@pytest.mark.parametrize("kind", ["blob", "tree"])
def test_an_object_that_is_not_what_its_id_says_is_refused(repo: Path, kind: str) -> None:
    """A repository cannot pass other files off for those of a commit that everybody knows."""
    name = git(repo, "rev-parse", {"blob": "HEAD:README", "tree": "HEAD:packages"}[kind]).strip()
    path = repo / ".git" / "objects" / name[:2] / name[2:]
    raw = zlib.decompress(path.read_bytes())
    path.unlink()
    changed = {"blob": (b"read me", b"read us"), "tree": (b"lib", b"lob")}[kind]
    path.write_bytes(zlib.compress(raw.replace(*changed)))
    repository = open_repository(str(repo))
    readme = repository.staged().entries["README"].id
    with repository.objects() as objects, pytest.raises(GitFault, match="damaged") as caught:
        (objects.files(repository.commit, ""), objects.read(readme, "blob", 100))
    assert "other contents than its id says" in caught.value.detail


def make_tree(repo: Path, *entries: tuple[str, str, str]) -> str:
    """Return the id of a new tree with *entries* (mode, id, name), however wrong they are."""
    raw = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(id_) for mode, id_, name in entries)
    text = b"tree %d\0" % len(raw) + raw
    name = hashlib.sha1(text, usedforsecurity=False).hexdigest()
    path = repo / ".git" / "objects" / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(text))
    return name


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", ".git", ".GIT", "twice"])
def test_trees_that_lead_elsewhere_are_refused(repo: Path, name: str) -> None:
    """No path of a commit leaves its folder, and none is there twice."""
    blob = git(repo, "rev-parse", "HEAD:README").strip()
    tree = make_tree(repo, ("100644", blob, name), *[("120000", blob, name)] * (name == "twice"))
    commit = git(repo, "commit-tree", tree, "-m", "x").strip()
    with open_repository(str(repo)).objects() as objects, pytest.raises(GitFault) as caught:
        objects.files(commit, "")
    assert caught.value.reason == "its git repository is damaged"


def test_a_commit_without_measure_is_refused(repo: Path) -> None:
    """A few small trees that unfold to more files than a disk can hold are a fault, soon."""
    tree = git(repo, "rev-parse", "HEAD^{tree}").strip()
    for _ in range(40):
        tree = make_tree(repo, *[("40000", tree, f"{number}") for number in range(10)])
    commit = git(repo, "commit-tree", tree, "-m", "x").strip()
    with open_repository(str(repo)).objects() as objects, pytest.raises(GitFault, match="too many files"):
        objects.files(commit, "")


def test_files_of_a_commit_have_mode_and_id(repo: Path) -> None:
    """Files are given with mode and id below any folder; a folder that the commit does not have has none."""
    (repo / "packages" / "run").write_text("x", encoding="utf-8")
    (repo / "packages" / "run").chmod(0o755)
    (repo / "packages" / "link").symlink_to("lib")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "second")
    repository = open_repository(str(repo / "packages"))
    assert (repository.top, repository.prefix) == (str(repo), "packages")
    with repository.objects() as objects:
        found = objects.files(repository.commit, repository.prefix)
        assert objects.files(repository.commit, "packages/link") == {}
        assert objects.files(repository.commit, "packages/none") == {}
        assert objects.files(repository.commit, "README") == {}
    assert found == repository.staged().entries
    assert {path: entry.mode for path, entry in found.items() if "/" not in path} == {
        "run": 0o100755,
        "link": 0o120000,
    }
    assert found["run"] == TreeEntry(0o100755, blob_id((b"x",), 1, repository.commit))


def test_a_repository_with_sha_256_ids_is_read(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / "a").write_text("x", encoding="utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    repository = open_repository(str(tmp_path))
    with repository.objects() as objects:
        assert objects.files(repository.commit, "") == repository.staged().entries == {
            "a": TreeEntry(0o100644, blob_id((b"x",), 1, repository.commit))
        }  # fmt: skip


def test_replaced_objects_do_not_count(repo: Path) -> None:
    """`git replace` shows another commit under an id; what is read is the one with that id."""
    before = open_repository(str(repo))
    (repo / "README").write_text("other\n", encoding="utf-8")
    git(repo, "commit", "-qam", "second")
    git(repo, "replace", before.commit, "HEAD")
    git(repo, "reset", "-q", "--soft", before.commit)
    repository = open_repository(str(repo))
    with repository.objects() as objects:
        readme = objects.files(repository.commit, "")["README"]
        assert objects.read(readme.id, "blob", 100) == b"read me\n"


def test_a_pipe_among_the_files_does_not_hold_us_up(repo: Path) -> None:
    """Git waits for ever for whoever writes to a pipe called .gitignore: it is given up."""
    (repo / "packages" / "other").mkdir()
    os.mkfifo(repo / "packages" / "other" / ".gitignore")
    with pytest.raises(GitFault, match=r"did not answer within 0\.2 seconds"):
        open_repository(str(repo))._replace(timeout=0.2).new_files()


def test_a_folder_of_ignored_files_alone_is_listed_as_one(repo: Path) -> None:
    for path in (
        "dist/a",
        "dist/b/c",
        "packages/dist/a",
        "logs/a.log",
        "mixed/a.log",
        "mixed/b",
        "x/node_modules/y/z",
    ):
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).touch()
    (repo / ".git" / "info" / "exclude").write_text("*.log\nnode_modules\n", encoding="utf-8")
    assert open_repository(str(repo)).ignored() == ["dist/", "logs/", "mixed/a.log", "packages/dist/", "x/"]
    assert open_repository(str(repo / "packages")).ignored() == ["dist/"]


def test_the_environment_says_nothing_of_another_repository() -> None:
    """Of git's variables only the user's own settings are passed on; no folder of PATH is relative."""
    hook = {
        "GIT_DIR": "/x", "GIT_WORK_TREE": "/x", "GIT_INDEX_FILE": "/x", "GIT_OBJECT_DIRECTORY": "/x",
        "GIT_CONFIG_PARAMETERS": "'core.fsmonitor'='x'", "GIT_EXEC_PATH": "/x", "GIT_TRACE": "/x", "GIT_SSH": "x",
        "GIT_EXTERNAL_DIFF": "x", "GIT_ASKPASS": "x", "GIT_ATTR_SOURCE": "x", "GIT_PREFIX": "x",
    }  # fmt: skip
    own = {
        "GIT_CONFIG_GLOBAL": "/c", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "1", "HOME": "/home",
        "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*", "GIT_CEILING_DIRECTORIES": "/c",
    }  # fmt: skip
    found = git_environment({**hook, **own, "PATH": ".::/usr/bin:bin", "GIT_OPTIONAL_LOCKS": "1"})
    assert found.items() >= own.items()
    assert found["PATH"] == "/usr/bin"
    assert found["GIT_OPTIONAL_LOCKS"] == "0"
    assert not hook.keys() & found.keys()


def test_git_is_looked_up_outside_of_the_project(repo: Path, tmp_path: Path) -> None:
    """Programs called git in relative folders, in the work tree and in node_modules/.bin are not taken for git."""
    folders = [repo, repo / "tools", tmp_path / "node_modules" / ".bin", tmp_path / "bin"]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "git").write_text("#!/bin/sh\n", encoding="utf-8")
        (folder / "git").chmod(0o755)
    (tmp_path / "to-tools").symlink_to(repo / "tools")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "git").mkdir()
    path = os.pathsep.join([".", "", "tools", *map(str, [*folders[:3], tmp_path / "to-tools", tmp_path / "none"])])
    lib = str(repo / "packages" / "lib")
    with pytest.raises(GitFault, match="part of the project"):
        find_git(path, lib)
    with pytest.raises(GitFault, match="not installed"):
        find_git(f".{os.pathsep}{tmp_path / 'none'}", lib)
    assert find_git(f"{path}{os.pathsep}{tmp_path / 'bin'}", lib) == str(tmp_path / "bin" / "git")


def test_a_git_that_is_linked_into_the_project_is_not_run(repo: Path, tmp_path: Path) -> None:
    """A package of the project may have a command called git, linked into the global folder of commands."""
    (repo / "cli.js").write_text("#!/bin/sh\n", encoding="utf-8")
    (repo / "cli.js").chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(repo / "cli.js")
    with pytest.raises(GitFault, match="part of the project"):
        find_git(str(tmp_path / "bin"), str(repo))
    assert find_git(str(tmp_path / "bin"), str(tmp_path / "elsewhere")) == str(tmp_path / "bin" / "git")


def test_a_repository_that_is_a_folder_of_a_tree_is_not_obeyed(repo: Path, tmp_path: Path) -> None:
    """A bare repository in a package, which can be committed, is not taken for the repository of its files."""
    inner = repo / "packages" / "lib" / "fixture"
    git(repo, "clone", "-q", "--bare", ".", str(inner))
    with (inner / "config").open("a", encoding="utf-8") as config:
        config.write(f"[core]\n\tbare = false\n\tworktree = {repo}\n\tfsmonitor = touch {tmp_path}/ran\n")
    (inner / "package.json").write_text('{"name": "fixture", "version": "1.0.0"}', encoding="utf-8")
    with pytest.raises(GitFault, match="in no git work tree"):
        open_repository(str(inner))
    done = linkpack(inner, "pack", "--require-clean", "--dry-run")
    assert "EDIRTY" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_a_work_tree_elsewhere_is_refused(repo: Path, tmp_path: Path) -> None:
    """Settings of a repository cannot make it speak of files outside of its own folder."""
    (tmp_path / "private").mkdir()
    git(repo, "config", "core.worktree", str(tmp_path))
    with pytest.raises(GitFault, match="work tree elsewhere"):
        open_repository(str(repo))


@pytest.mark.parametrize("kind", ["worktree", "submodule", "separate"])
def test_git_files_that_lead_elsewhere_as_git_makes_them(repo: Path, tmp_path: Path, kind: str) -> None:
    """Work trees of their own, submodules and repositories put apart have a file .git, and are read."""
    other = tmp_path / "other"
    if kind == "worktree":
        git(repo, "worktree", "add", "-q", str(other))
    elif kind == "submodule":
        git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo), "inner")
        other = repo / "inner"
    else:
        git(tmp_path, "clone", "-q", "--separate-git-dir", str(tmp_path / "apart"), str(repo), str(other))
    assert (other / ".git").is_file()
    repository = open_repository(str(other / "packages"))
    assert (repository.top, repository.prefix, repository.commit) == (
        str(other),
        "packages",
        open_repository(str(repo)).commit,
    )


def test_a_repository_that_git_does_not_trust_is_not_read(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("git")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "git"
    program.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {real} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    with pytest.raises(GitFault, match=r"safe\.directory"):
        open_repository(str(repo))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one process bound the memory of another")
def test_memory_of_git_is_bounded(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference that is a link to /dev/zero is read until the memory is full, by git that is not held."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "git"
    program.write_text("#!/bin/sh\ncat > /dev/null\nulimit -d >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), "/usr/bin", "/bin"]))
    with pytest.raises(GitFault) as caught:
        open_repository(str(repo))
    assert int(caught.value.detail) <= 2 << 20  # KiB


@pytest.mark.parametrize(
    "script", ["exit 3", "kill -9 $$", "cat > /dev/null; echo", "yes | head -c 3000000 >&2; exit 1"]
)
def test_a_git_that_fails_is_a_fault_with_a_reason(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """Whatever the program called git does, there is a fault with a reason."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "git"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), "/usr/bin", "/bin"]))
    with pytest.raises(GitFault) as caught:
        open_repository(str(repo))
    assert caught.value.reason
    assert str(tmp_path) not in caught.value.reason
