"""A tarball is what its source packs to, byte for byte."""

from __future__ import annotations

import gzip
import subprocess
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import LinkpackError
from linkpack.gate import api, gitrun
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.ship.form import LayoutName


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


def test_a_folder(project: Path, tmp_path: Path) -> None:
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


def test_modes(project: Path, tmp_path: Path) -> None:
    """A mode that changed is a difference."""
    tarball = linkpack.pack(project, destination=tmp_path).path
    (project / "run").chmod(0o755)
    assert against(tarball, str(project)) == [("EAGAINST", "run")]


def test_another_packer(project: Path, tmp_path: Path) -> None:
    """The same files in other bytes are one finding, which can be allowed."""
    tarball = linkpack.pack(project, destination=tmp_path / "x").path
    other = tmp_path / "app-1.0.0.tgz"
    with gzip.open(tarball) as stream:
        other.write_bytes(gzip.compress(stream.read(), 1))
    assert against(str(other), str(project)) == [("EAGAINST", "")]
    assert against(str(other), tarball) == [("EAGAINST", "")]
    assert api.verify(other, against=project, allow=["EAGAINST"]).ok


def test_any_level(project: Path, tmp_path: Path) -> None:
    """What was packed with --gzip-level max is the source's as well, be it a folder or a commit."""
    commit(project)
    tarball = linkpack.pack(project, destination=tmp_path, gzip_level="max").path
    assert against(tarball, str(project)) == []
    assert against(tarball, f"git:{project}") == []


def test_what_is_committed(project: Path) -> None:
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


def test_no_repository(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a repository, without a commit and without git it is an error that says so."""
    tarball = linkpack.pack(project, destination=tmp_path).path
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(LinkpackError) as err:
        against(tarball, f"git:{project}")
    assert err.value.code == "EGIT"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LinkpackError, match="cannot be started"):
        against(tarball, f"git:{project}")


def test_the_export_goes_away(project: Path) -> None:
    """The temporary folder is gone afterwards, and the repository's index is as it was."""
    commit(project)
    index = project.parent / ".git" / "index"
    before = index.read_bytes()
    with gitrun.committed(str(project)) as folder:
        assert linkpack.plan_pack(folder).packages == 2
    assert index.read_bytes() == before
    assert not (project / folder).exists()
    (project / "node_modules" / "a" / "package.json").unlink()
    (project / "node_modules" / "a").rmdir()
    (project / "node_modules").rmdir()
    with gitrun.committed(str(project)) as folder, pytest.raises(LinkpackError, match="not installed"):
        linkpack.plan_pack(folder)


@pytest.fixture(name="site")
def make_site(tmp_path: Path) -> Path:
    """The project of the pipeline tests, which any layout holds."""
    text = (FIXTURES / "trees" / "ship" / "site.txt").read_text(encoding="utf-8")
    return parse_tree(text, "site").write_to(tmp_path / "tree") / "site"


@pytest.mark.parametrize("layout", ["bundle", "vendor", "thin"])
def test_layouts(site: Path, tmp_path: Path, layout: LayoutName) -> None:
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
