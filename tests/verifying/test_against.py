"""A tarball is what its source packs to, byte for byte."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import LinkpackError
from linkpack.limits import DEFAULTS
from linkpack.system import temporary as drafts
from linkpack.verifying import committed_tree
from linkpack.verifying import verdict as api
from tests.support.gitbox import git
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from linkpack.bundle.layouts import LayoutName


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a bundled package, in a repository of its own below another folder."""
    folder = tmp_path / "repo" / "app"
    package = folder / "node_modules" / "a"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "a", "version": "1.0.0"}\n')
    (folder / "package.json").write_text(
        '{"name": "app", "version": "1.0.0", "dependencies": {"a": "1"}, "bundleDependencies": ["a"]}\n'
    )
    (folder / "index.js").write_text("1\n")
    (folder / "run").write_text("#!/bin/sh\n")
    (tmp_path / "repo" / ".gitignore").write_text("node_modules\n*.tgz\n")
    (tmp_path / "repo" / ".gitattributes").write_text("index.js export-ignore\n")
    return folder


def commit(folder: Path) -> None:
    """Commit everything in the repository around *folder*."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], cwd=folder.parent, check=True)


def against(tarball: str, source: str) -> list[tuple[str, str]]:
    """Code and place of what differs."""
    return [
        (each.code, each.place) for each in api.verify(tarball, against=source).findings if each.code[0] == "E"
    ]


def test_the_folder_that_was_packed_is_the_same(project: Path, tmp_path: Path) -> None:
    """Nothing differs from the folder that was packed; then contents, modes, files that came and went."""
    tarball = linkpack.pack(project, destination=tmp_path).path
    assert against(tarball, str(project)) == []
    (project / "index.js").write_text("2\n")
    (project / "new.js").write_text("")
    (project / "run").unlink()
    found = api.verify(tarball, against=project).findings
    texts = {each.place: each.message for each in found if each.code == "EAGAINST"}
    assert "has other contents (2 bytes, not 2) than in" in texts["index.js"]
    assert "is missing: it is in" in texts["new.js"]
    assert "is not in" in texts["run"]


def test_a_mode_that_changed_is_a_difference(project: Path, tmp_path: Path) -> None:
    tarball = linkpack.pack(project, destination=tmp_path).path
    (project / "run").chmod(0o755)
    assert against(tarball, str(project)) == [("EAGAINST", "run")]


def test_the_same_files_in_other_bytes_are_one_finding(project: Path, tmp_path: Path) -> None:
    tarball = linkpack.pack(project, destination=tmp_path / "x").path
    other = tmp_path / "app-1.0.0.tgz"
    with gzip.open(tarball) as stream:
        other.write_bytes(gzip.compress(stream.read(), 1))
    assert against(str(other), str(project)) == [("EAGAINST", "")]
    assert against(str(other), tarball) == [("EAGAINST", "")]
    assert api.verify(other, against=project, allow=["EAGAINST"]).ok


def test_any_level_of_compression_is_the_same(project: Path, tmp_path: Path) -> None:
    """What was packed with --gzip-level max is the source's as well, be it a folder or a commit."""
    commit(project)
    tarball = linkpack.pack(project, destination=tmp_path, gzip_level="max").path
    assert against(tarball, str(project)) == []
    assert against(tarball, f"git:{project}") == []


def test_git_with_a_folder_is_its_committed_tree(project: Path) -> None:
    """`git:DIR` is the committed tree, export-ignore or not, with node_modules as it lies there."""
    tarball = linkpack.pack(project, destination=project).path
    commit(project)
    assert against(tarball, f"git:{project}") == []
    (project / "index.js").write_text("2\n")
    assert against(tarball, f"git:{project}") == []
    assert against(tarball, str(project)) == [("EAGAINST", "index.js")]
    tarball = linkpack.pack(project, destination=project).path
    found = api.verify(tarball, against=f"git:{project}").findings
    assert f"in the committed tree of {project}" in next(each.message for each in found if each.code == "EAGAINST")


def test_git_is_the_current_directory(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`git` alone is the repository of the current directory; a folder of that name comes first."""
    tarball = linkpack.pack(project, destination=project).path
    commit(project)
    monkeypatch.chdir(project)
    assert against(tarball, "git") == []
    (project / "git").mkdir()
    with pytest.raises(LinkpackError, match=r"no package\.json"):
        against(tarball, "git")


def test_no_repository_is_an_error_that_says_so(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tarball = linkpack.pack(project, destination=tmp_path).path
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(LinkpackError) as err:
        against(tarball, f"git:{project}")
    assert err.value.code == "EGIT"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LinkpackError, match="git is not installed"):
        against(tarball, f"git:{project}")


def test_the_export_goes_away(project: Path) -> None:
    """The temporary folder is gone afterwards, and the repository's index is as it was."""
    commit(project)
    index = project.parent / ".git" / "index"
    before = index.read_bytes()
    with committed_tree.lay_out(str(project), (), "", DEFAULTS) as tree:
        assert linkpack.plan_pack(tree.project).packages == 2
    assert index.read_bytes() == before
    assert not Path(tree.project).exists()
    (project / "node_modules" / "a" / "package.json").unlink()
    (project / "node_modules" / "a").rmdir()
    (project / "node_modules").rmdir()
    with (
        committed_tree.lay_out(str(project), (), "", DEFAULTS) as tree,
        pytest.raises(LinkpackError, match="not installed"),
    ):
        linkpack.plan_pack(tree.project)


@pytest.fixture(name="site")
def make_site(tmp_path: Path) -> Path:
    """The project of the pipeline tests, which any layout holds."""
    text = (FIXTURES / "trees" / "ship" / "site.txt").read_text(encoding="utf-8")
    return parse_tree(text, "site").write_to(tmp_path / "tree") / "site"


@pytest.mark.parametrize("layout", ["bundle", "vendor", "thin"])
def test_the_layout_is_the_tarballs_own(site: Path, tmp_path: Path, layout: LayoutName) -> None:
    """The layout is told by the tarball; a file that was changed is the one thing that differs."""
    tarball = linkpack.pack(site, destination=tmp_path / "out", layout=layout).path
    assert against(tarball, str(site)) == []
    (site / "index.js").write_text("changed")
    assert against(tarball, str(site)) == [("EAGAINST", "index.js")]


def test_a_layout_that_can_no_longer_be(project: Path, tmp_path: Path) -> None:
    """A project that no vendor folder holds is no source of a tarball with one: the reason is told."""
    tarball = linkpack.pack(project, destination=tmp_path / "out", layout="vendor").path
    inner = project / "node_modules" / "b" / "node_modules" / "a"
    inner.mkdir(parents=True)
    (inner / "package.json").write_text('{"name": "a", "version": "2.0.0"}\n')
    (project / "node_modules" / "b" / "package.json").write_text(
        '{"name": "b", "version": "1.0.0", "dependencies": {"a": "2"}}\n'
    )
    (project / "package.json").write_text(
        '{"name": "app", "version": "1.0.0", "dependencies": {"a": "1", "b": "1"}, "bundleDependencies": true}\n'
    )
    with pytest.raises(LinkpackError):
        api.verify(tarball, against=str(project / "gone"))
    assert ("EAGAINST", "package.json") in against(tarball, str(project))


def test_other_options(project: Path, tmp_path: Path) -> None:
    """What pack was told has to be told to verify, too."""
    (project / "package.json").write_text(
        '{"name": "app", "version": "1.0.0", "main": "a.js", "dependencies": {"a": "2"},'
        ' "bundleDependencies": ["a"], "publishConfig": {"main": "index.js"}}\n'
    )
    (project / "a.js").write_text("")
    tarball = linkpack.pack(project, destination=tmp_path / "out", specs="keep", publish_config=True).path
    assert against(tarball, str(project)) == [("ESPEC", "package.json"), ("EAGAINST", "package.json")]
    found = api.verify(tarball, against=project, specs="keep", publish_config=True, allow=["ESPEC"])
    assert found.ok


def commit_all(folder: Path) -> None:
    """Commit everything in the repository *folder*, which is made when it is none."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all")


def write_files(root: Path, files: dict[str, str]) -> Path:
    """Write *files* below *root*, which is returned."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def found_against(tarball: str, folder: Path, *built: str) -> dict[str, str]:
    """What `verify --against git` says, by code: the message."""
    return {each.code: each.message for each in api.verify(tarball, against=f"git:{folder}", built=built).findings}


@pytest.fixture(name="built")
def make_built(tmp_path: Path) -> Path:
    """A committed project whose `dist`, which ships, is built and ignored by git, with its tarball beside."""
    files = {
        "package.json": '{"name": "app", "version": "1.0.0", "license": "MIT", "files": ["dist"]}\n',
        "src/index.ts": "1\n",
        ".gitignore": "/dist\n*.tgz\ncoverage\n",
        "dist/index.js": "exports.a = 1;\n",
        "dist/cli/run.js": "#!/usr/bin/env node\n",
        "dist/package.json": '{"type": "module"}\n',
        "coverage/large": "x" * 100_000,
    }
    folder = write_files(tmp_path / "repo", files)
    (folder / "dist" / "cli" / "run.js").chmod(0o755)
    commit_all(folder)
    return folder


def test_a_build_that_is_not_committed(built: Path) -> None:
    """A build that git ignores is compared with the one in the work tree, and a warning names it."""
    tarball = linkpack.pack(built, destination=built).path
    verdict = api.verify(tarball, against=f"git:{built}")
    assert verdict.ok
    [finding] = [each for each in verdict.findings if each.code == "WBUILT"]
    assert finding.severity == "warning"
    assert finding.message.startswith("dist/cli/run.js and 2 more files: not committed")


@pytest.mark.parametrize("pattern", ["dist", "/dist/", "dist/**", "*.js*"])
def test_a_build_that_is_named(built: Path, pattern: str) -> None:
    """With patterns for what is built there is nothing to warn of."""
    tarball = linkpack.pack(built, destination=built).path
    assert found_against(tarball, built, pattern) == {}


def test_what_is_not_named_is_not_built(built: Path) -> None:
    """What no pattern names has to be committed; a pattern that names nothing is told."""
    tarball = linkpack.pack(built, destination=built).path
    verdict = api.verify(tarball, against=f"git:{built}", built=["dist/cli"])
    places = {each.place for each in verdict.findings if each.code == "EAGAINST"}
    assert places == {"dist/index.js", "dist/package.json"}
    assert "names no file that ships" in found_against(tarball, built, "lib")["WBUILT"]


def test_a_build_that_is_another_one(built: Path) -> None:
    """A built file with other contents or another mode, one that came and one that went, are differences."""
    tarball = linkpack.pack(built, destination=built).path
    (built / "dist" / "index.js").write_text("exports.a = 2;\n", encoding="utf-8")
    (built / "dist" / "cli" / "run.js").chmod(0o644)
    (built / "dist" / "new.js").touch()
    (built / "dist" / "package.json").unlink()
    found = api.verify(tarball, against=f"git:{built}").findings
    messages = {each.place: each.message for each in found if each.code == "EAGAINST"}
    assert messages.keys() == {"dist/index.js", "dist/cli/run.js", "dist/new.js", "dist/package.json"}
    assert "than in the build in the work tree" in messages["dist/index.js"]
    assert "is missing: it is in the build in the work tree" in messages["dist/new.js"]
    assert f"is not in the committed tree of {built}" in messages["dist/package.json"]


def test_new_files_are_no_build(built: Path) -> None:
    """A file that is neither committed nor ignored is a difference."""
    manifest = '{"name": "app", "version": "1.0.0", "license": "MIT"}\n'
    (built / "package.json").write_text(manifest, encoding="utf-8")
    commit_all(built)
    (built / "stray.js").touch()
    tarball = linkpack.pack(built, destination=built).path
    assert against(tarball, f"git:{built}") == [("EAGAINST", "stray.js")]


def test_a_build_and_its_rules(built: Path) -> None:
    """Ignore files among what is built count, as they did when it was packed."""
    (built / "dist" / ".npmignore").write_text("*.map\n", encoding="utf-8")
    (built / "dist" / "index.js.map").touch()
    tarball = linkpack.pack(built, destination=built).path
    assert against(tarball, f"git:{built}") == []


def test_a_folder_of_temporary_files_that_git_ignores(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit is not laid out in itself when TMPDIR lies among the files that git ignores."""
    tarball = linkpack.pack(built, destination=built).path
    for path in ("a", "b/c", "b/d/e", "z"):
        (built / "coverage" / path).parent.mkdir(parents=True, exist_ok=True)
        (built / "coverage" / path).touch()
    before = sorted(built.rglob("*"))
    monkeypatch.setattr("tempfile.tempdir", str(built / "coverage"))
    with committed_tree.lay_out(str(built), (), "", DEFAULTS) as tree:
        laid_out = {path.relative_to(tree.project).as_posix() for path in Path(tree.project).rglob("*")}
        assert {path for path in laid_out if path.startswith("coverage/")} == {
            *("coverage/a", "coverage/b", "coverage/b/c", "coverage/b/d", "coverage/b/d/e"),
            *("coverage/large", "coverage/z"),
        }
    assert against(tarball, f"git:{built}") == []
    assert sorted(built.rglob("*")) == before


@pytest.mark.parametrize("command", [[], ["--built", "dist"]])
def test_the_first_example_of_the_docs(built: Path, command: list[str]) -> None:
    """`linkpack verify app-1.0.0.tgz --against git` passes for a project with a build."""
    linkpack.pack(built, destination=built)
    program = [sys.executable, "-m", "linkpack", "verify", "app-1.0.0.tgz", "--against", "git", *command]
    done = subprocess.run(program, cwd=built, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert ("WBUILT" in done.stderr) == (not command)


def test_built_needs_git(built: Path) -> None:
    """--built is for --against git alone."""
    program = [sys.executable, "-m", "linkpack", "verify", "x.tgz", "--built", "dist"]
    done = subprocess.run(program, cwd=built, capture_output=True, text=True, check=False)
    assert (done.returncode, "--built needs --against git" in done.stderr) == (2, True)


@pytest.fixture(name="workspace")
def make_workspace(tmp_path: Path) -> Path:
    """A committed workspace: `app` bundles `@s/lib`, its neighbour, and `dep`, installed at the root."""
    files = {
        "package.json": '{"name": "mono", "private": true, "workspaces": ["packages/*"]}\n',
        ".gitignore": "node_modules\ndist\n*.tgz\n",
        "packages/app/package.json": '{"name": "app", "version": "1.0.0", "license": "MIT", "dependencies":'
        ' {"@s/lib": "*", "dep": "1"}, "bundleDependencies": ["@s/lib", "dep"]}\n',
        "packages/lib/package.json": '{"name": "@s/lib", "version": "1.0.0", "files": ["dist", "*.js"]}\n',
        "packages/lib/index.js": "1\n",
        "packages/lib/dist/built.js": "2\n",
        "node_modules/dep/package.json": '{"name": "dep", "version": "1.0.0"}\n',
        "node_modules/.package-lock.json": "{}\n",
    }
    root = write_files(tmp_path / "mono", files)
    (root / "node_modules" / "@s").mkdir()
    (root / "node_modules" / "@s" / "lib").symlink_to("../../packages/lib")
    (root / "node_modules" / "app").symlink_to("../packages/app")
    commit_all(root)
    return root


def test_linked_packages_of_the_same_repository(workspace: Path, tmp_path: Path) -> None:
    """A neighbour in the bundle is compared with what the commit has of it, with its build as it lies there."""
    app = workspace / "packages" / "app"
    tarball = linkpack.pack(app, destination=tmp_path).path
    assert found_against(tarball, app) == {
        "WBUILT": "node_modules/@s/lib/dist/built.js: not committed, and compared with the build in the work tree"
    }
    assert found_against(tarball, app, "dist") == {}
    (workspace / "packages" / "lib" / "index.js").write_text("changed\n", encoding="utf-8")
    assert found_against(tarball, app, "dist") == {}
    tarball = linkpack.pack(app, destination=tmp_path).path
    assert against(tarball, f"git:{app}") == [("EAGAINST", "node_modules/@s/lib/index.js")]


def test_a_committed_node_modules(workspace: Path, tmp_path: Path) -> None:
    """Where node_modules is committed in part, the rest of it is the one that lies there, links included."""
    git(workspace, "add", "-f", "node_modules/dep/package.json")
    git(workspace, "commit", "-qm", "vendored")
    app = workspace / "packages" / "app"
    tarball = linkpack.pack(app, destination=tmp_path).path
    assert found_against(tarball, app, "dist") == {}
    text = '{"name": "dep", "version": "1.0.0", "main": "x"}\n'
    (workspace / "node_modules" / "dep" / "package.json").write_text(text, encoding="utf-8")
    tarball = linkpack.pack(app, destination=tmp_path).path
    assert against(tarball, f"git:{app}") == [("EAGAINST", "node_modules/dep/package.json")]


def test_linked_packages_of_another_repository(project: Path, tmp_path: Path) -> None:
    """A package from elsewhere is compared with what lies there, and a warning says when that is not committed."""
    other = tmp_path / "a"
    (project / "node_modules" / "a").rename(other)
    (project / "node_modules" / "a").symlink_to(other)
    commit_all(project.parent)
    tarball = linkpack.pack(project, destination=tmp_path).path
    assert found_against(tarball, project)["WUNCOMMITTED"] == (
        "a is linked from outside of the repository, and compared with what lies there: it is in no git repository"
    )
    commit_all(other)
    assert "WUNCOMMITTED" not in found_against(tarball, project)
    (other / "new.js").touch()
    tarball = linkpack.pack(project, destination=tmp_path).path
    assert found_against(tarball, project)["WUNCOMMITTED"].endswith("it has uncommitted changes: new.js")


@pytest.mark.parametrize("where", ["app", "node_modules", "app/dist", "app/package.json"])
def test_links_in_a_commit_lead_nowhere(project: Path, tmp_path: Path, where: str) -> None:
    """Where the commit has a link, nothing is written to or read from the place that it leads to."""
    tarball = linkpack.pack(project, destination=tmp_path).path
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "package.json").write_text('{"name": "app", "version": "1.0.0"}\n', encoding="utf-8")
    repo = tmp_path / "linked"
    (repo / where).parent.mkdir(parents=True, exist_ok=True)
    (repo / "package.json").write_text('{"name": "root", "version": "1.0.0"}\n', encoding="utf-8")
    (repo / where).symlink_to(outside / "package.json" if where.endswith(".json") else outside)
    commit_all(repo)
    (repo / where).unlink()
    (repo / ".gitignore").write_text("dist\n", encoding="utf-8")
    shutil.copytree(project, repo / "app", dirs_exist_ok=True)
    (repo / "app" / "dist").mkdir(exist_ok=True)
    (repo / "app" / "dist" / "built.js").touch()
    before = {path: path.lstat().st_mtime_ns for path in (outside, *outside.rglob("*"))}
    with contextlib.suppress(LinkpackError):
        api.verify(tarball, against=f"git:{repo / 'app'}")
    assert {path: path.lstat().st_mtime_ns for path in (outside, *outside.rglob("*"))} == before


def test_line_ends_are_those_of_the_checkout(project: Path, tmp_path: Path) -> None:
    """Text that git checks out with other line ends than are committed is what the checkout has."""
    (project / "index.js").write_bytes(b"1\r\n")
    (project.parent / ".gitattributes").write_text("*.js text eol=crlf\n", encoding="utf-8")
    commit_all(project.parent)
    assert git(project, "show", "HEAD:./index.js") == "1\n"
    tarball = linkpack.pack(project, destination=tmp_path).path
    assert against(tarball, f"git:{project}") == []
    (project / "index.js").write_bytes(b"2\r\n")
    assert against(tarball, f"git:{project}") == [("EAGAINST", "index.js")]


def test_a_file_that_only_a_filter_could_compare(project: Path, tmp_path: Path) -> None:
    """What a filter made of a committed file differs from it, and the remedy says why."""
    commit_all(project.parent)
    git(project, "config", "filter.f.clean", f"touch {tmp_path}/ran; cat")
    (project.parent / ".git" / "info" / "attributes").write_text("index.js filter=f\n", encoding="utf-8")
    (project / "index.js").write_text("filtered\n", encoding="utf-8")
    tarball = linkpack.pack(project, destination=tmp_path).path
    found = api.verify(tarball, against=f"git:{project}").findings
    fixes = [each.fix for each in found if each.code == "EAGAINST"]
    assert fixes == ["its filter f would have to be run to compare it"]
    assert not (tmp_path / "ran").exists()


def test_a_deep_commit(project: Path, tmp_path: Path) -> None:
    """A commit deeper than the stack is laid out and removed."""
    tarball = linkpack.pack(project, destination=tmp_path).path
    at = os.open(project.parent, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=at))
    os.close(at)
    commit_all(project.parent)
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(500)
    try:
        assert against(tarball, f"git:{project}") == []
    finally:
        sys.setrecursionlimit(usual)
    drafts.discard_tree(str(project.parent / "d"))  # pytest's own way is not for deep folders


def test_limits_on_a_commit(project: Path, tmp_path: Path) -> None:
    """A commit with files past the limits is not laid out, nor are more built files than there may be files."""
    tarball = linkpack.pack(project, destination=tmp_path).path
    (project / "large").write_bytes(bytes(5_000))
    commit_all(project.parent)
    (project.parent / ".git" / "info" / "exclude").write_text("*.log\n", encoding="utf-8")
    for name in ("a.log", "b.log"):
        (project / name).touch()
    for limits, why in (
        (DEFAULTS._replace(file=4_000), "too large files"),
        (DEFAULTS._replace(unpacked=4_000), "too large files"),
        (DEFAULTS._replace(entries=1), "more than 1 files there are ignored"),
    ):
        with pytest.raises(LinkpackError, match=why), committed_tree.lay_out(str(project), (), tarball, limits):
            pass


def test_a_folder_that_is_not_there_or_not_committed(project: Path, tmp_path: Path) -> None:
    """The reason names it."""
    tarball = linkpack.pack(project, destination=tmp_path).path
    (project.parent / "empty").mkdir()
    commit_all(project.parent)
    for folder, why in (("gone", "there is no such folder"), ("empty", "its commit has no such folder")):
        with pytest.raises(LinkpackError, match=why) as caught:
            api.verify(tarball, against=f"git:{project.parent / folder}")
        assert caught.value.code == "EGIT"


def test_errors_name_the_work_tree(project: Path, tmp_path: Path) -> None:
    """What cannot be packed in the commit is told with the paths that the user knows."""
    tarball = linkpack.pack(project, destination=tmp_path).path
    (project / "package.json").write_text('{"name": "app",\n', encoding="utf-8")
    commit_all(project.parent)
    with pytest.raises(LinkpackError) as caught:
        api.verify(tarball, against=f"git:{project}")
    assert str(project / "package.json") in caught.value.message
    assert ".linkpack-" not in caught.value.message
    (project / "package.json").write_text(
        '{"name": "app", "version": "1.0.0", "dependencies": {"b": "1"}, "bundleDependencies": ["b"]}\n'
    )
    commit_all(project.parent)
    with pytest.raises(LinkpackError) as caught:
        api.verify(tarball, against=f"git:{project}")
    [problem] = caught.value.problems
    assert f"looked in {project}/node_modules" in problem.message
    assert ".linkpack-" not in str(problem)
