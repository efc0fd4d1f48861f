"""A tarball is what its source packs to, byte for byte."""

from __future__ import annotations

import gzip
import subprocess
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import LinkpackError
from linkpack.gate import api, gitrun

if TYPE_CHECKING:
    from pathlib import Path


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
