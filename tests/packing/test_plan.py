"""The library: plans, tarballs, and errors that carry all that is wrong."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from linkpack.packing.options import PackOptions
from linkpack.packing.pack import measure_plan
from tests.support.packed import read_packed
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from collections.abc import Callable

LINKED = parse_tree((FIXTURES / "trees" / "pack" / "linked.txt").read_text(encoding="utf-8"), "linked")


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    """A project that bundles a linked package, which has a dependency of its own."""
    return LINKED.write_to(tmp_path / "tree") / "blog"


def project(folder: Path, **fields: object) -> Path:
    """A project of one file in *folder*."""
    folder.mkdir(parents=True)
    manifest = {"name": "p", "version": "1.0.0", **fields}
    (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "index.js").write_text("1\n", encoding="utf-8")
    return folder


def test_a_plan_says_what_the_tarball_will_hold(blog: Path) -> None:
    """A plan says where the project is, what the tarball will hold, and which packages come with it from where."""
    plan = linkpack.plan_pack(blog)
    assert (plan.root, plan.filename, plan.rules) == (str(blog), "blog-1.0.0.tgz", "12")
    assert (plan.packages, plan.edges) == (3, 2)
    redis, odd = plan.bundled
    assert (redis.name, redis.version, redis.linked, redis.files) == ("redis", "3.1.2", True, 2)
    assert redis.source == str(blog.parent / "redis")
    assert redis.reached == str(blog / "node_modules" / "redis")
    assert (odd.slots, odd.linked) == (("node_modules/redis/node_modules/is-odd",), False)
    assert [(change.old, change.new) for change in plan.changes] == [("file:../redis", "3.1.2")]


@pytest.mark.parametrize("ignore_scripts", [True, False])
def test_pack_returns_all_warnings(ignore_scripts: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    """The tarball of `pack` has the warnings of planning, and then those of contents."""
    folder = project(tmp_path / "p")
    (folder / ".env").write_text("KEY=1\n", encoding="utf-8")
    (folder / "deploy.js").write_text("-----BEGIN RSA PRIVATE KEY-----\n" + "A" * 64, encoding="utf-8")
    (folder / "away").symlink_to("gone")
    planned = [each.code for each in linkpack.plan_pack(folder).warnings]
    packed = linkpack.pack(folder, destination=tmp_path / "out", ignore_scripts=ignore_scripts)
    assert {"WLINK", "WSECRET"} <= set(planned)
    assert [each.code for each in packed.warnings] == [*planned, "WSECRET"]
    assert [each.path for each in packed.warnings][-1].endswith("deploy.js")
    assert linkpack.write_pack(linkpack.plan_pack(folder), tmp_path / "out") == packed


def test_pack_is_planning_and_writing(blog: Path, tmp_path: Path) -> None:
    """`pack` gives what `write_pack` makes of the plan, and measuring gives the same without a file."""
    plan = linkpack.plan_pack(blog)
    written = linkpack.write_pack(plan, tmp_path / "a" / "b")
    assert linkpack.pack(blog, destination=tmp_path / "a" / "b") == written
    assert measure_plan(plan, PackOptions(destination=str(tmp_path / "a" / "b"))) == written
    assert measure_plan(plan, PackOptions(destination=str(tmp_path / "c"))).shasum == written.shasum
    assert not (tmp_path / "c").exists()


def test_the_tarballs_figures_are_the_files(blog: Path, tmp_path: Path) -> None:
    """Size and digests are those of the file that was written; the files are its members."""
    tarball = linkpack.pack(blog, destination=tmp_path)
    raw = Path(tarball.path).read_bytes()
    members = read_packed(tarball.path).members
    assert (tarball.size, tarball.filename) == (len(raw), "blog-1.0.0.tgz")
    assert tarball.shasum == hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    assert tarball.integrity == "sha512-" + base64.b64encode(hashlib.sha512(raw).digest()).decode()
    assert [(f"package/{file.path}", file.mode) for file in tarball.files] == [
        (path, mode) for path, mode, _ in members
    ]
    assert tarball.unpacked_size == sum(len(data) for _, _, data in members)


@pytest.mark.parametrize("kind", [str, Path, PurePosixPath])
def test_paths_may_be_of_any_kind(kind: Callable[[object], Any], blog: Path, tmp_path: Path) -> None:
    """Paths are taken as text or as path objects."""
    tarball = linkpack.pack(kind(blog), destination=kind(tmp_path / "out"))
    assert tarball.path == str(tmp_path / "out" / "blog-1.0.0.tgz")


def test_paths_start_at_the_current_directory(blog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without arguments the current directory is packed into itself, and walking up finds the project above."""
    monkeypatch.chdir(blog)
    assert linkpack.pack().path == "./blog-1.0.0.tgz"
    (blog / "lib").mkdir()
    monkeypatch.chdir(blog / "lib")
    assert linkpack.plan_pack(walk_up=True).root == str(blog)
    with pytest.raises(linkpack.ProjectNotFound):
        linkpack.plan_pack()


@pytest.mark.parametrize(
    ("given", "edition"),
    [("11", "11"), ("12", "12"), ("11.19.1", "11"), ("12.2.0", "12"), ("13", "12"), ("v11.0.0", "11")],
)
def test_the_rules_are_the_newest_that_are_not_too_new(given: str, edition: str, blog: Path) -> None:
    """The rules are those of the newest known npm that is not newer than the one asked for."""
    assert linkpack.plan_pack(blog, npm_rules=given).rules == edition


@pytest.mark.parametrize("given", ["10", "10.9.9", "", "latest", "12x", "-1", "\x1b"])
def test_a_version_without_known_rules_is_refused(given: str, blog: Path) -> None:
    """A version without known rules is refused, with those that are known."""
    with pytest.raises(linkpack.LinkpackError) as failed:
        linkpack.plan_pack(blog, npm_rules=given)
    assert failed.value.code == "ERULES"
    assert "11 and 12" in failed.value.hint


@pytest.mark.parametrize(
    ("out", "made"),
    [
        ("%s-%v.tgz", "acme-x-1.2.3+b.tgz"),
        ("%v.tgz", "1.2.3+b.tgz"),
        ("sub/%s.tgz", "sub/acme-x.tgz"),
        ("", "acme-x-1.2.3+b.tgz"),
    ],
)
def test_the_tarball_is_named_by_npm_or_the_pattern(out: str, made: str, tmp_path: Path) -> None:
    """The name is npm's, or as the pattern says, in folders that are made."""
    folder = project(tmp_path / "p", name="@acme/x", version="1.2.3+b")
    tarball = linkpack.pack(folder, destination=tmp_path / "out", out=out)
    assert tarball.path == str(tmp_path / "out" / made)
    assert Path(tarball.path).is_file()


@pytest.mark.parametrize("out", [".", "..", "a/", "/", "a\0b"])
def test_a_pattern_without_a_file_name_is_refused(out: str, blog: Path) -> None:
    """A pattern that gives no file name is refused before anything else happens."""
    with pytest.raises(linkpack.LinkpackError) as failed:
        linkpack.plan_pack(blog, out=out)
    assert failed.value.code == "EOUTPATTERN"


def test_the_error_carries_every_problem(tmp_path: Path) -> None:
    """One round names all that is missing, and the error itself says how many there are."""
    bundle = ["one", "two", "three"]
    folder = project(tmp_path / "p", dependencies=dict.fromkeys(bundle, "*"), bundleDependencies=bundle)
    with pytest.raises(linkpack.PlanRejected, match=r"needs one.*\(and 2 more\)") as failed:
        linkpack.plan_pack(folder)
    found = failed.value.problems
    assert [problem.code for problem in found] == ["EBUNDLEMISSING"] * 3
    assert [name in problem.message for name, problem in zip(sorted(bundle), found, strict=True)] == [True] * 3
    assert {problem.path for problem in found} == {str(folder)}
    assert "" not in {problem.hint for problem in found}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "EJSON"),
        ("[]", "EJSON"),
        ("{", "EJSON"),
        ('{"name": "a",\n<<<<<<< a\n"version": "1.0.0"\n=======\n"version": "2.0.0"\n>>>>>>> b\n}', "EJSON"),
        ('{"name": "a", "version": NaN}', "EJSON"),
        ("[" * 100_000, "EJSON"),
        ('{"name": "a"}', "EVERSION"),
        ('{"version": "1.0.0"}', "ENAME"),
        ('{"name": "../a", "version": "1.0.0"}', "ENAME"),
        ('{"name": "a", "version": "1"}', "EVERSION"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_named(text: str, code: str, tmp_path: Path) -> None:
    """A broken manifest is an error of its own class that names the file."""
    folder = project(tmp_path / "p")
    (folder / "package.json").write_text(text, encoding="utf-8")
    with pytest.raises(linkpack.ProjectError) as failed:
        linkpack.plan_pack(folder)
    assert failed.value.code == code
    assert str(folder / "package.json") in failed.value.message


def test_warnings_about_manifests_are_those_of_the_project_and_of_linked_packages(blog: Path) -> None:
    """What npm reads otherwise than it is written is told of the sources that are packed, once each."""
    redis = blog.parent / "redis"
    (redis / "package.json").write_text('{"name": "redis", "version": "v3.1.2"}', encoding="utf-8")
    own = json.loads((blog / "package.json").read_text(encoding="utf-8"))
    (blog / "package.json").write_text(json.dumps({**own, "bin": {"x": None}}), encoding="utf-8")
    plan = linkpack.plan_pack(blog)
    found = [problem.path for problem in plan.warnings if problem.code == "WMANIFEST"]
    assert found == [str(blog / "package.json"), str(redis / "package.json")]
    assert [each.version for each in plan.bundled if each.linked] == ["3.1.2"]
    sources = {entry.path: entry.source for entry in plan.entries}
    assert b'"version": "3.1.2"' in bytes(sources["package/node_modules/redis/package.json"])  # type: ignore[arg-type]


def test_a_folder_without_a_manifest_is_no_project(tmp_path: Path) -> None:
    """A folder without a manifest, a file, and nothing at all are no project."""
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file", tmp_path / "gone", "a\0b"):
        with pytest.raises(linkpack.ProjectNotFound):
            linkpack.plan_pack(path)


def test_a_plan_outlives_no_change(blog: Path, tmp_path: Path) -> None:
    """A file that changed since the plan was made stops the writing, and nothing is left, folders included."""
    plan = linkpack.plan_pack(blog)
    (blog / "index.js").write_text("another\n", encoding="utf-8")
    with pytest.raises(linkpack.SourceChanged) as failed:
        linkpack.write_pack(plan, tmp_path / "out" / "deep")
    assert failed.value.path == str(blog / "index.js")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("destination", ["file", "file/below", "link"])
def test_a_destination_that_is_no_folder_is_named(destination: str, blog: Path, tmp_path: Path) -> None:
    """Something else in the destination's place is an error that names it."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("gone/far")
    with pytest.raises(linkpack.SnapshotError) as failed:
        linkpack.pack(blog, destination=tmp_path / destination)
    assert failed.value.code == "EWRITE"
    assert str(tmp_path / destination) in failed.value.message


def test_a_folder_in_the_tarballs_place_stays(blog: Path, tmp_path: Path) -> None:
    """A folder of the tarball's name is not replaced, and no temporary file is left beside it."""
    (tmp_path / "out" / "blog-1.0.0.tgz").mkdir(parents=True)
    with pytest.raises(linkpack.SnapshotError) as failed:
        linkpack.pack(blog, destination=tmp_path / "out")
    assert failed.value.code == "EWRITE"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["blog-1.0.0.tgz"]


def test_a_destination_inside_the_package_changes_nothing(tmp_path: Path) -> None:
    """Packing into a folder of the package itself gives the same tarball every time, without a word."""
    folder = project(tmp_path / "p")
    first = linkpack.pack(folder, destination=folder / "dist", out="release.tgz")
    plan = linkpack.plan_pack(folder, destination=folder / "dist", out="release.tgz")
    assert plan.warnings == ()
    assert linkpack.write_pack(plan, folder / "dist").integrity == first.integrity


def test_missing_can_be_allowed(tmp_path: Path) -> None:
    """On request what is not installed is a warning."""
    folder = project(tmp_path / "p", dependencies={"a": "*"}, bundleDependencies=["a"])
    plan = linkpack.plan_pack(folder, allow_missing=True)
    assert [problem.code for problem in plan.warnings] == ["WBUNDLEMISSING"]
    assert [entry.path for entry in plan.entries] == ["package/index.js", "package/package.json"]


def test_what_linkpack_wrote_into_a_linked_package_does_not_ship(blog: Path) -> None:
    """A tarball in a linked package is not packed with it: neither its own nor the one that is made there."""
    redis = blog.parent / "redis"
    (redis / "package.json").write_text('{"name": "redis", "version": "3.1.2"}', encoding="utf-8")
    first = linkpack.pack(blog, destination=redis)
    linkpack.pack(redis, destination=redis)
    plan = linkpack.plan_pack(blog, destination=redis)
    (warning,) = (problem for problem in plan.warnings if problem.code == "WOWNTARBALL")
    assert warning.path == str(redis / "redis-3.1.2.tgz")
    assert linkpack.write_pack(plan, redis).integrity == first.integrity
    assert first.unpacked_size < 1000


def test_drafts_and_other_outputs_are_left_out(tmp_path: Path) -> None:
    """What a killed run left, or the same run writes, is no part of a package; what only looks like it is."""
    folder = project(tmp_path / "p")
    for name in (".linkpack-0123456789abcdef.tmp", ".linkpack-mine.tmp", "other.tgz"):
        (folder / name).write_bytes(b"x")
    plan = linkpack.plan_pack(folder, outputs=[str(folder / "other.tgz"), str(tmp_path / "gone" / "x.tgz")])
    assert {entry.path for entry in plan.entries} == {
        "package/.linkpack-mine.tmp",
        "package/index.js",
        "package/package.json",
    }
