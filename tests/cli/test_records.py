"""The options of `linkpack pack` that record where a tarball comes from."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from linkpack.cli.main import linkpack
from linkpack.errors import LinkpackError
from tests.support.gitbox import committed, git
from tests.support.packed import read_packed
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

LINKED = parse_tree((FIXTURES / "trees" / "pack" / "linked.txt").read_text(encoding="utf-8"), "linked")


@pytest.fixture
def blog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed project with a committed linked package, the current directory."""
    folder = LINKED.write_to(tmp_path / "tree") / "blog"
    committed(folder)
    committed(folder.parent / "redis", "node_modules\n.env\n")
    monkeypatch.chdir(folder)
    return folder


def run(*args: str) -> Result:
    """The result of `linkpack pack` with *args*."""
    return CliRunner().invoke(linkpack, ["pack", "-q", *args])


def refused(*args: str) -> LinkpackError:
    """The error that `linkpack pack` ends with."""
    error = run(*args).exception
    assert isinstance(error, LinkpackError)
    return error


def test_what_is_written_is_not_packed(blog: Path) -> None:
    """A second run writes the same three files: what the first wrote is neither packed nor a change."""
    args = ("--snapshot-manifest", "record.json", "--sbom", "spdx", "--require-clean")
    names = ("blog-1.0.0.tgz", "record.json", "blog-1.0.0.spdx.json")
    assert run(*args).exit_code == 0
    first = [(blog / name).read_bytes() for name in names]
    assert run(*args).exit_code == 0
    assert [(blog / name).read_bytes() for name in names] == first
    assert "package/record.json" not in str(read_packed(blog / names[0]).members)


def test_forms_and_places(blog: Path) -> None:
    """The record is plain JSON or a statement, the bill has a form as well; both go where they are asked to go."""
    run("--snapshot-manifest", "out/%s-%v.json", "--sbom", "cyclonedx", "--pack-destination", "dist")
    assert json.loads((blog / "out" / "blog-1.0.0.json").read_bytes())["schema"] == 1
    assert json.loads((blog / "dist" / "blog-1.0.0.cdx.json").read_bytes())["bomFormat"] == "CycloneDX"
    run("--sbom", "cyclonedx", "--sbom-file", "c.json")
    assert (blog / "c.json").exists()
    run("--snapshot-manifest", "s.json", "--format", "intoto", "--sbom", "spdx", "--sbom-file", "b/%v.json")
    assert json.loads((blog / "s.json").read_bytes())["predicateType"] == "https://slsa.dev/provenance/v1"
    assert json.loads((blog / "b" / "1.0.0.json").read_bytes())["spdxVersion"] == "SPDX-2.3"


def test_a_dry_run_writes_nothing_and_still_checks(blog: Path) -> None:
    """A dry run records nothing, but refuses what is not committed."""
    before = sorted(blog.iterdir())
    assert run("--dry-run", "--snapshot-manifest", "r.json", "--sbom", "spdx", "--require-clean").exit_code == 0
    (blog / "index.js").write_text("changed", encoding="utf-8")
    assert refused("--dry-run", "--require-clean").code == "EDIRTY"
    assert sorted(blog.iterdir()) == before


def test_require_clean_names_what_is_not_committed(blog: Path) -> None:
    """Project and linked packages are named with their changes, all at once, and nothing is written."""
    (blog / "index.js").write_text("changed", encoding="utf-8")
    redis = blog.parent / "redis"
    for number in range(7):
        (redis / f"new{number}.js").touch()
    some = ", ".join(f"new{number}.js" for number in range(5))
    problems = refused("--require-clean").problems
    assert [(each.code, each.path, each.message) for each in problems] == [
        ("EDIRTY", ".", "blog@1.0.0 has uncommitted changes: index.js"),
        ("EDIRTY", "../redis", f"redis@3.1.2 (../redis) has uncommitted changes: {some} and 2 more"),
    ]
    assert not (blog / "blog-1.0.0.tgz").exists()
    assert run().exit_code == 0


def test_what_git_does_not_know_is_not_clean(blog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that git ignores, or that is in no repository, is not known to be committed."""
    (blog / ".gitignore").write_text("package.json\nnode_modules\n", encoding="utf-8")
    git(blog, "rm", "-q", "--cached", "package.json")
    git(blog, "commit", "-qam", "ignored")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(blog.parent.parent))
    (blog.parent / "redis" / ".git").rename(blog.parent / "gone")
    assert [each.message for each in refused("--require-clean").problems] == [
        "blog@1.0.0 is not committed: git ignores its package.json",
        "redis@3.1.2 (../redis) is not known to be committed: it is in no git repository",
    ]


def test_what_only_a_filter_could_compare_is_said(blog: Path) -> None:
    """A file whose filter would have to be run is named in a warning, and is not clean; nothing is run."""
    git(blog, "config", "filter.f.clean", f"touch {blog}/ran; cat")
    (blog / ".git" / "info" / "attributes").write_text("index.js filter=f\n", encoding="utf-8")
    (blog / "index.js").write_text("changed", encoding="utf-8")
    why = "index.js has other contents, and its filter f would have to be run to compare it"
    options = ["--snapshot-manifest", "../record.json", "--pack-destination", ".."]
    done = CliRunner().invoke(linkpack, ["pack", *options])
    assert f"warning WFILTER: blog@1.0.0 may differ from its commit: {why}" in done.stderr
    assert json.loads((blog.parent / "record.json").read_bytes())["project"]["dirty"] == ["index.js"]
    [problem] = refused("--require-clean").problems
    assert problem.message == f"blog@1.0.0 is not known to be committed: {why}"
    (blog / "new.js").touch()
    assert [each.message for each in refused("--require-clean").problems] == [
        "blog@1.0.0 has uncommitted changes: new.js",
        f"blog@1.0.0 is not known to be committed: {why}",
    ]
    assert not (blog / "ran").exists()


def test_git_s_own_words_are_told_and_not_recorded(blog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in the user's settings is told with its place, which no record has."""
    (blog.parent / "settings").write_text("[core", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(blog.parent / "settings"))
    assert str(blog.parent / "settings") in refused("--require-clean").message
    assert run("--snapshot-manifest", "record.json").exit_code == 0
    record = json.loads((blog / "record.json").read_bytes())
    assert record["project"]["unknown"] == "git cannot read its settings"


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--snapshot-manifest", "a.json", "--sbom", "spdx", "--sbom-file", "./a.json"), "EOUTSAME"),
        (("--snapshot-manifest", "blog-1.0.0.tgz"), "EOUTSAME"),
        ((".", "../redis", "--snapshot-manifest", "a.json"), "EOUTSAME"),
        (("--snapshot-manifest", "folder/"), "EOUTPATTERN"),
        (("--snapshot-manifest", "index.js/a.json"), "EWRITE"),
    ],
)
def test_paths_that_cannot_be(blog: Path, args: tuple[str, ...], code: str) -> None:
    """Two files at one path, a path without a name, and one that cannot be made are errors."""
    assert refused(*args).code == code
    assert (blog / "blog-1.0.0.tgz").exists() == (code == "EWRITE")


def test_records_go_to_standard_output(blog: Path) -> None:
    """`/dev/stdout` is written to, before the tarball's name, and nothing of that name is made."""
    command = [sys.executable, "-m", "linkpack", "pack", "-q", "--snapshot-manifest", "/dev/stdout"]
    out = subprocess.run(command, cwd=blog, capture_output=True, text=True, check=True).stdout
    record, _, name = out.rstrip().rpartition("\n")
    assert json.loads(record)["tarball"]["filename"] == name == "blog-1.0.0.tgz"


@pytest.mark.parametrize("option", ["--snapshot-manifest=m.json", "--sbom=spdx", "--out=blog-1.0.0.spdx.json"])
def test_links_are_not_replaced(blog: Path, option: str) -> None:
    """A link of an output's name is refused before anything is written; what it leads to stays as it is."""
    (blog / "kept").write_text("kept", encoding="utf-8")
    for name in ("m.json", "blog-1.0.0.spdx.json"):
        (blog / name).symlink_to("kept")
    before = sorted(blog.iterdir())
    assert refused(option).code == "EWRITE"
    assert sorted(blog.iterdir()) == before
    assert (blog / "kept").read_text(encoding="utf-8") == "kept"


def test_several_packages(blog: Path) -> None:
    """Each of several packages has its own record, by the pattern."""
    assert run(".", "../redis", "--snapshot-manifest", "%s.json").exit_code == 0
    assert json.loads((blog / "redis.json").read_bytes())["project"]["name"] == "redis"
    assert json.loads((blog / "blog.json").read_bytes())["snapshots"][0]["name"] == "redis"


def test_misuse() -> None:
    """A file for a bill that is not asked for is wrong usage."""
    assert run("--sbom-file", "x.json").exit_code == 2
