"""What differs between two packages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import PlanRejected
from linkpack.limits import DEFAULTS
from linkpack.report import verify as report
from linkpack.verifying import sides
from linkpack.verifying.difference import diff
from tests.support.badtar import manifest, member, write

if TYPE_CHECKING:
    from pathlib import Path

    from linkpack.verifying.difference import Difference


def compare(folder: Path, old: bytes, new: bytes, *, text: bool = True) -> Difference:
    """The difference between two tarballs."""
    paths = [write(folder, stream, f"{name}.tgz") for name, stream in (("old", old), ("new", new))]
    return diff(*paths, text=text)


OLD = manifest(dependencies={"a": "1", "b": "1"}, keywords=["x"]) + member("package/a.js", "1\n2\n3\n")


def test_everything_is_compared(tmp_path: Path) -> None:
    """Files by contents and mode, keys of the manifest, bundled packages by version, and bytes."""
    bundled = manifest("package/node_modules/a/package.json", name="a", version="1.0.0")
    newer = manifest("package/node_modules/a/package.json", name="a", version="1.1.0")
    third = manifest("package/node_modules/c/package.json", name="c", version=None)
    same = manifest("package/node_modules/b/package.json", name="b")
    old = OLD + same + member("package/gone.js") + member("package/run", mode=0o644) + bundled
    new = (
        manifest(dependencies={"a": "2", "c": "1"}, version="1.0.1", keywords=["x"])
        + member("package/a.js", "1\ntwo\n3")
        + member("package/run", mode=0o755)
        + member("package/new.js", "new\n")
        + newer
        + same
        + third
    )
    found = compare(tmp_path, old, new)
    kinds = {each.path: each.kind for each in found.files if not each.path.endswith("package.json")}
    assert kinds == {"a.js": "changed", "gone.js": "removed", "new.js": "added", "run": "mode"}
    assert [tuple(each) for each in found.manifest] == [
        ("dependencies.a", '"1"', '"2"'),
        ("dependencies.b", '"1"', ""),
        ("dependencies.c", "", '"1"'),
        ("version", '"1.0.0"', '"1.0.1"'),
    ]
    assert [tuple(each) for each in found.packages] == [
        ("node_modules/a", "1.0.0", "1.1.0"),
        ("node_modules/c", "", "(no version)"),
    ]
    texts = {each.path: each.text for each in found.files}
    assert texts["a.js"] == (
        "--- a/a.js\n+++ b/a.js\n@@ -1,3 +1,3 @@\n 1\n-2\n-3\n+two\n+3\n\\ No newline at end of file\n"
    )
    assert texts["new.js"] == "--- /dev/null\n+++ b/new.js\n@@ -0,0 +1 @@\n+new\n"
    assert texts["gone.js"].startswith("--- a/gone.js\n+++ /dev/null\n")
    assert texts["run"] == ""
    assert found.unpacked[0] > 0
    assert "  node_modules/c: (none) -> (no version)\n" in report.difference_text(found)
    assert json.loads(report.difference_json(found))["packages"][0]["new"] == "1.1.0"


TEXTS = [
    ("binary", b"\xff\xfe", b"\xff\xff", "binary files differ"),
    ("nul", b"a\0b", b"a\0c", "binary files differ"),
    ("many-lines", b"a\n" * 3000, b"b\n" * 3000, "too many lines to compare"),
    ("too-large", b"a" * (sides.TEXT_LIMIT + 1), b"b" * (sides.TEXT_LIMIT + 1), ""),
]


@pytest.mark.parametrize(("name", "old", "new", "text"), TEXTS, ids=[each[0] for each in TEXTS])
def test_what_is_no_text(name: str, old: bytes, new: bytes, text: str, tmp_path: Path) -> None:
    """What is binary, or would take too long to compare by lines, is said to differ."""
    found = compare(tmp_path, OLD + member("package/x", old), OLD + member("package/x", new))
    assert [(each.path, each.text) for each in found.files] == [("x", text)], name


def test_long_files_that_differ_little(tmp_path: Path) -> None:
    """Lines that are the same at both ends do not count."""
    long = b"a\n" * 9000
    found = compare(tmp_path, OLD + member("package/x", long + b"b\n"), OLD + member("package/x", b"c\n" + long))
    assert found.files[0].text == "too many lines to compare"
    found = compare(tmp_path, OLD + member("package/x", long + b"b\n"), OLD + member("package/x", long + b"c\n"))
    assert found.files[0].text.endswith(" a\n-b\n+c\n")


def test_all_texts_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many bytes of changed files the rest is only said to differ."""
    monkeypatch.setattr(sides, "TEXTS_LIMIT", 5)
    old, new = (OLD + member("package/x", each * 4) + member("package/y", each * 4) for each in (b"a", b"b"))
    assert [bool(each.text) for each in compare(tmp_path, old, new).files] == [True, False]


def test_the_same(tmp_path: Path) -> None:
    """A tarball does not differ from itself; other bytes around the same files are said."""
    assert report.difference_text(compare(tmp_path, OLD, OLD)) == "the same, byte for byte"
    found = compare(tmp_path, OLD, OLD + bytes(512))
    assert found.files == ()
    assert report.difference_text(found).startswith("all files are the same; the bytes of the tarballs are not\n")


def test_names_in_a_diff_are_escaped(tmp_path: Path) -> None:
    """Names are escaped; `--stat` leaves the lines out."""
    old, new = (OLD + member("package/é.js", f"{each}\t\x1b[2J\n") for each in "ab")
    found = compare(tmp_path, old, new + member("package/b", b"\xff"))
    text = report.difference_text(found)
    assert "\x1b" not in text
    assert "-a    \\x1b[2J" in text
    assert "b: binary files differ" in text
    assert "  M é.js  " in text
    assert report.names_text(found) == "A b\nM é.js"
    assert "@@" not in report.difference_text(found, stat=True)


def test_a_directory_is_as_it_would_be_packed(tmp_path: Path) -> None:
    """A project does not differ from its own tarball, and later changes show."""
    project = tmp_path / "p"
    project.mkdir()
    (project / "package.json").write_text('{"name": "p", "version": "1.0.0"}\n')
    (project / "a.js").write_text("1\n")
    tarball = linkpack.pack(project, destination=tmp_path)
    assert diff(tarball.path, project).is_same_file
    assert not diff(project, tarball.path).files
    (project / "a.js").write_text("2\n")
    found = diff(tarball.path, project)
    assert [(each.path, each.kind) for each in found.files] == [("a.js", "changed")]
    assert found.files[0].text.endswith("-1\n+2\n")


def test_a_bad_tarball_is_refused(tmp_path: Path) -> None:
    """What is not safe to read is not compared."""
    with pytest.raises(PlanRejected, match="leads out"):
        compare(tmp_path, OLD, OLD + member("package/../x"))


def test_a_tarball_that_changes_is_noticed(tmp_path: Path) -> None:
    """The contents are those of the tarball that was compared, or it is an error."""
    path = write(tmp_path, OLD)
    side = sides.read_tarball_side(str(path), DEFAULTS)
    write(tmp_path, OLD + member("package/b"))
    with pytest.raises(PlanRejected, match="was written to"):
        sides.read_contents(side, ["a.js"], DEFAULTS)
    path.write_bytes(b"")
    with pytest.raises(PlanRejected, match="not a gzip"):
        sides.read_contents(side, ["a.js"], DEFAULTS)
