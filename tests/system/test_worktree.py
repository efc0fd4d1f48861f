"""Work trees are compared with commits by contents: as git does where that is plain, whatever hides changes."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from linkpack.system.repository import open_repository
from linkpack.system.worktree import read_changes
from tests.support.gitbox import committed, git

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.system.worktree import Changes

TEXTS = (
    b"a\nb\n",
    b"a\r\nb\r\n",
    b"a\r\nb\n",
    b"a\rb\n",
    b"a\r\r\nb\n",
    b"a\0\r\n",
    b"a\r\n\x1a",
    b"\x01\x02\r\n" + b"a" * 300,
    b"\x01\r\n" + b"a" * 300,
    b"$Id$\n",
    b"$Id: 0123456789012345678901234567890123456789 $\r\n",
    b"\x1b\x0c\x08\t\x7f\r\n" + b"b" * 200,
)
ATTRIBUTES = (
    *("", "text", "-text", "text=auto", "eol=crlf", "eol=lf", "text=auto eol=crlf", "text=auto eol=lf"),
    *("-text eol=crlf", "crlf", "-crlf", "crlf=input", "binary", "text=input", "text ident", "ident"),
    *("text=whatever", "eol=cr"),
)


def changes(folder: Path) -> Changes:
    """What differs from HEAD in *folder*."""
    return read_changes(open_repository(str(folder)))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a few files, committed."""
    for name in ("a.js", "b.js", "sub/c.js"):
        (tmp_path / "repo" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / name).write_text(f"{name}\n", encoding="utf-8")
    (tmp_path / "repo" / "link").symlink_to("a.js")
    (tmp_path / "repo" / "run").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "repo" / "run").chmod(0o755)
    committed(tmp_path / "repo", "dist\n")
    return tmp_path / "repo"


@pytest.mark.differential
def test_text_is_converted_as_git_does(tmp_path: Path) -> None:
    """For any attributes and settings about text, changed is what git would store with other contents.

    What is committed to the byte is unchanged for us, whatever git would make of it at the next commit.
    """
    attributes = []
    pairs = itertools.product(enumerate(TEXTS), enumerate(TEXTS), enumerate(ATTRIBUTES))
    for (number, wanted), (other, _), (kind, about) in pairs:
        path = f"{number}-{other}-{kind}"
        (tmp_path / path).write_bytes(wanted)
        attributes.append(f"{path} {about}\n")
    same = {f"{number}-{number}-{kind}" for number in range(len(TEXTS)) for kind in range(len(ATTRIBUTES))}
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "core.autocrlf", "false")
    git(tmp_path, "config", "core.safecrlf", "false")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "as it is")
    before = ids(git(tmp_path, "ls-files", "-s", "-z"))
    for number, text in enumerate(TEXTS):
        for file in tmp_path.glob(f"*-{number}-*"):
            file.write_bytes(text)
    (tmp_path / ".git" / "info" / "attributes").write_text("".join(attributes), encoding="utf-8")
    for autocrlf in ("false", "true", "input"):
        git(tmp_path, "config", "core.autocrlf", autocrlf)
        git(tmp_path, "read-tree", "HEAD")
        ours = changes(tmp_path).changed
        git(tmp_path, "add", "-A")
        after = ids(git(tmp_path, "ls-files", "-s", "-z"))
        assert ours - same == {path for path in before if before[path] != after[path]} - same


def ids(listed: str) -> dict[str, str]:
    """The ids of files by path, as `git ls-files -s -z` lists them."""
    lines = [line.partition("\t") for line in listed.split("\0") if line]
    return {path: about.split(" ")[1] for about, _, path in lines}


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_flags_of_the_index_hide_nothing(repo: Path, flag: str) -> None:
    """A file that git was told to take for unchanged is compared, and its absence is a change."""
    git(repo, "update-index", flag, "a.js", "b.js", "link")
    assert not changes(repo).changed
    (repo / "a.js").write_text("a.jS\n", encoding="utf-8")
    (repo / "b.js").unlink()
    (repo / "link").unlink()
    (repo / "link").symlink_to("b.js")
    assert git(repo, "status", "--porcelain").strip() == ""
    assert changes(repo).changed == {"a.js", "b.js", "link"}


def test_times_hide_nothing(repo: Path) -> None:
    """A file of the same size and times as the index has of it is read."""
    git(repo, "status")
    status = (repo / "a.js").stat()
    (repo / "a.js").write_text("b.js\n", encoding="utf-8")
    os.utime(repo / "a.js", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert changes(repo).changed == {"a.js"}


def test_a_large_file_of_another_size_is_not_read(repo: Path) -> None:
    """A file may be a terabyte of nothing on the disk: its size is enough to see that it differs."""
    with (repo / "a.js").open("wb") as out:
        out.truncate(1 << 40)
    with (repo / "b.js").open("wb") as out:
        out.truncate(70 << 20)
    git(repo, "add", "b.js")
    git(repo, "commit", "-qm", "large")
    assert changes(repo).changed == {"a.js"}


def test_a_sparse_checkout_is_a_change(repo: Path) -> None:
    """What was not checked out is not there to be packed: the folder is not what the commit has."""
    git(repo, "sparse-checkout", "set", "--no-cone", "/*", "!/sub/")
    assert git(repo, "status", "--porcelain").strip() == ""
    assert changes(repo).changed == {"sub/c.js"}


def test_another_type_or_mode_is_a_change(repo: Path) -> None:
    """Another mode or type is a change; with core.fileMode off modes are none, as git has it."""
    (repo / "run").chmod(0o644)
    (repo / "a.js").chmod(0o755)
    assert changes(repo).changed == {"run", "a.js"}
    git(repo, "config", "core.fileMode", "false")
    assert not changes(repo).changed
    (repo / "b.js").unlink()
    (repo / "b.js").symlink_to("a.js")
    (repo / "link").unlink()
    (repo / "link").write_text("a.js", encoding="utf-8")
    (repo / "run").unlink()
    os.mkfifo(repo / "run")
    assert changes(repo).changed == {"b.js", "link", "run"}
    git(repo, "config", "core.symlinks", "false")
    assert changes(repo).changed == {"b.js", "run"}


def test_a_folder_that_became_a_link(repo: Path, tmp_path: Path) -> None:
    """The same files behind a link are no files of the work tree."""
    (repo / "sub").rename(tmp_path / "away")
    (repo / "sub").symlink_to(tmp_path / "away")
    assert changes(repo).changed == {"sub", "sub/c.js"}


def test_staged_files_are_changes(repo: Path) -> None:
    """What is in the index and not in HEAD is a change, also when the file is as in HEAD or not yet added."""
    (repo / "a.js").write_text("staged\n", encoding="utf-8")
    git(repo, "add", "a.js")
    (repo / "a.js").write_text("a.js\n", encoding="utf-8")
    git(repo, "rm", "-q", "--cached", "b.js")
    (repo / "later.js").touch()
    git(repo, "add", "-N", "later.js")
    assert changes(repo).changed == {"a.js", "b.js", "later.js"}


def test_new_files_are_changes_unless_git_ignores_them(repo: Path) -> None:
    """New files are changes, in whatever folder, unless git ignores them; a repository is one."""
    for path in ("new.js", "deep/er/new.js", "dist/built.js", "node_modules/x/i.js", "node_modules/x/lib/i.js"):
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).touch()
    (repo / "inner").mkdir()
    (repo / "inner" / "file").touch()
    committed(repo / "inner")
    assert changes(repo).changed == {"new.js", "deep/er/new.js", "inner/"}
    assert changes(repo / "deep").changed == {"er/new.js"}
    assert not changes(repo / "sub").changed


def test_new_files_in_node_modules_that_nothing_was_installed_in(repo: Path) -> None:
    """Sources may lie in a folder of that name, and ship. Packages are installed beside a package.json."""
    for path in ("src/node_modules/own.js", "packages/a/node_modules/x/i.js", "packages/a/package.json"):
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).touch()
    assert changes(repo).changed == {"src/node_modules/own.js", "packages/a/package.json"}
    assert changes(repo / "packages" / "a").changed == {"package.json"}


@pytest.mark.parametrize("planted", [False, True])
def test_a_setting_does_not_hide_files_that_differ_in_case(repo: Path, planted: bool) -> None:  # noqa: FBT001
    """Git would take A.js for the committed a.js, on a disk that has both, if the repository said so."""
    git(repo, "config", "core.ignoreCase", "true")
    (repo / "A.js").touch()
    if planted:
        (repo / ".GIT").touch()
    both = len(list(repo.glob("[aA].js")))
    assert changes(repo).changed == ({"A.js", ".GIT"} if planted else {"A.js"} if both > 1 else {"a.js"})


def test_installed_packages_that_are_committed(repo: Path) -> None:
    """A node_modules folder that is committed is compared as any other."""
    (repo / "node_modules" / "x").mkdir(parents=True)
    (repo / "node_modules" / "x" / "index.js").write_text("1\n", encoding="utf-8")
    git(repo, "add", "-f", "node_modules")
    git(repo, "commit", "-qm", "vendored")
    (repo / "node_modules" / "y").mkdir()
    (repo / "node_modules" / "y" / "index.js").touch()
    assert not changes(repo).changed
    (repo / "node_modules" / "x" / "index.js").write_text("2\n", encoding="utf-8")
    assert changes(repo).changed == {"node_modules/x/index.js"}


def test_a_filter_is_not_run(repo: Path, tmp_path: Path) -> None:
    """Whether a file is what its filter would make of it is not known: that is said, and it counts as changed."""
    git(repo, "config", "filter.f.clean", f"touch {tmp_path}/ran; cat")
    (repo / ".git" / "info" / "attributes").write_text("*.js filter=f\nrun filter=none\n", encoding="utf-8")
    (repo / "a.js").write_text("changed\n", encoding="utf-8")
    (repo / "run").write_text("changed\n", encoding="utf-8")
    found = changes(repo)
    assert found.changed == {"a.js", "run"}
    assert found.undecided == {"a.js": "its filter f"}
    assert not (tmp_path / "ran").exists()


def test_files_of_git_lfs(repo: Path) -> None:
    """A file is unchanged if the committed pointer has its digest."""
    (repo / ".git" / "info" / "attributes").write_text("*.js filter=lfs -text\n", encoding="utf-8")
    git(repo, "config", "filter.lfs.clean", "git-lfs clean -- %f")
    text = b"large\r\n" * 100_000
    digest = hashlib.sha256(text).hexdigest()
    pointer = ["version https://git-lfs.github.com/spec/v1", f"oid sha256:{digest}", f"size {len(text)}", ""]
    (repo / "a.js").write_text("\n".join(pointer), encoding="utf-8")
    git(repo, "-c", "filter.lfs.clean=cat", "commit", "-qam", "pointer")
    assert not changes(repo).changed
    (repo / "a.js").write_bytes(text)
    assert not changes(repo).changed
    (repo / "a.js").write_bytes(text + b"\n")
    assert changes(repo).changed == {"a.js"}
    assert not changes(repo).undecided


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16LE", "SHIFT-JIS", "punycode", "no-such-encoding"])
def test_a_file_in_another_encoding_is_compared_by_its_text(repo: Path, encoding: str) -> None:
    """A file in another encoding is the committed one when its text is; else git would have to tell."""
    attribute = f"a.js working-tree-encoding={encoding}\n"
    (repo / ".git" / "info" / "attributes").write_text(attribute, encoding="utf-8")
    known = encoding not in {"punycode", "no-such-encoding"}
    (repo / "a.js").write_bytes("a.js\n".encode(encoding) if known else b"x")
    assert changes(repo).changed == (set() if known else {"a.js"})
    (repo / "a.js").write_bytes("b.js\n".encode(encoding) if known else b"x")
    assert changes(repo).undecided == {"a.js": f"its encoding {encoding}"}


def test_an_id_that_is_no_id_is_a_change(repo: Path) -> None:
    """What git takes for an expanded $Id$ may be anything up to the next dollar: code does not hide there."""
    (repo / "a.js").write_text('"$Id$"\n', encoding="utf-8")
    git(repo, "commit", "-qam", "ident")
    (repo / ".git" / "info" / "attributes").write_text("*.js ident\n", encoding="utf-8")
    (repo / "a.js").write_text(f'"$Id: {"0a" * 20} $"\n', encoding="utf-8")
    assert not changes(repo).changed
    (repo / "a.js").write_text('"$Id: "; evil(); //$"\n', encoding="utf-8")
    git(repo, "add", "a.js")
    assert git(repo, "status", "--porcelain").strip() == ""
    assert changes(repo).changed == {"a.js"}


@pytest.fixture
def outer(repo: Path, tmp_path: Path) -> Path:
    """A repository with *repo* as its submodule `inner`."""
    (tmp_path / "outer").mkdir()
    committed(tmp_path / "outer")
    git(tmp_path / "outer", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo), "inner")
    git(tmp_path / "outer", "commit", "-qm", "submodule")
    return tmp_path / "outer"


def test_a_submodule_at_its_commit_is_unchanged(outer: Path) -> None:
    """A submodule is unchanged at its commit with no changes, and when it is not checked out."""
    inner = outer / "inner"
    assert not changes(outer).changed
    (inner / "new.js").touch()
    assert changes(outer).changed == {"inner"}
    (inner / "new.js").unlink()
    git(inner, "commit", "-q", "--allow-empty", "-m", "further")
    assert changes(outer).changed == {"inner"}
    git(inner, "checkout", "-q", "HEAD~")
    assert not changes(outer).changed
    git(outer, "submodule", "--quiet", "deinit", "-f", "inner")
    assert not changes(outer).changed
    (inner / "stray.js").touch()
    assert changes(outer).changed == {"inner"}
    shutil.rmtree(inner)
    assert not changes(outer).changed


def test_a_submodule_that_is_another_repository(outer: Path, repo: Path) -> None:
    """A link to a repository in a submodule's place, or a file, is a change."""
    shutil.rmtree(outer / "inner")
    (outer / "inner").symlink_to(repo)
    assert changes(outer).changed == {"inner"}
    (outer / "inner").unlink()
    (outer / "inner").touch()
    assert changes(outer).changed == {"inner"}
