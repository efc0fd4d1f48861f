"""`linkpack report` shows what a tarball holds, in every form."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

import linkpack
from linkpack.cli.main import linkpack as program
from tests.support.trees import trees

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# The page as a browser shows it, without a script: what is there to see at this address?
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VOID = {"meta", "br"}


class Page(HTMLParser):
    """A page's ids, links and text; fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.outside: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Note what the element names."""
        if tag not in VOID:
            self._open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")
            if name in {"src", "srcset", "action"} or name.startswith("on") or tag in {"script", "link", "img"}:
                self.outside.append(f"{tag} {name}")

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the text, but for the style sheet."""
        if self._open[-1:] != ["style"]:
            self.texts.append(data)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project that bundles a linked package and one that is installed."""
    (tree,) = (tree for tree in trees("pack") if tree.name == "linked")
    return tree.write_to(tmp_path) / "blog"


def report(*words: object, status: int = 0) -> str:
    """Run `linkpack report` and return its standard output."""
    done = CliRunner().invoke(program, ["report", *map(str, words)], prog_name="linkpack")
    assert done.exit_code == status, done.output
    return done.stdout


def test_text_is_the_default_and_names_packages_by_size(project: Path) -> None:
    lines = report(project).split("\n")
    assert lines[0] == "blog@1.0.0"
    assert lines[2].startswith("├─ redis@3.1.2  ")
    assert "  node_modules/redis  of ../redis" in lines


def test_json_has_a_schema_number_and_the_facts(project: Path) -> None:
    found = json.loads(report(project, "--format", "json"))
    assert found["schema"] == 1
    assert found["entryCount"] == 7
    assert [package["place"] for package in found["packages"]] == [
        "",
        "node_modules/redis",
        "node_modules/redis/node_modules/is-odd",
    ]
    assert found["snapshots"][0]["place"] == "node_modules/redis"
    assert found["packages"][1]["snapshot"] is True
    assert found["omitted"] is not None


def test_the_form_follows_the_name_of_the_file(project: Path, tmp_path: Path) -> None:
    for name, start in (
        ("a.html", "<!doctype html>"),
        ("a.svg", "<svg "),
        ("a.json", "{"),
        ("a.report", "<!doctype"),
    ):
        report(project, "-o", tmp_path / name)
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_a_tarball_and_its_folder_give_the_same_sizes(project: Path, tmp_path: Path) -> None:
    tarball = linkpack.pack(project, destination=tmp_path)
    of_tarball = json.loads(report(tarball.path, "--format", "json"))
    of_folder = json.loads(report(project, "--format", "json"))
    for key in ("name", "version", "size", "unpackedSize", "integrity", "largest", "sameFiles"):
        assert of_tarball[key] == of_folder[key], key
    assert of_tarball["omitted"] is None  # a tarball does not say what was left out


def test_a_comparison_names_what_changed(project: Path, tmp_path: Path) -> None:
    old = linkpack.pack(project, destination=tmp_path).path
    (project / "index.js").write_text("more\n" * 1000)
    (project / "new.js").write_text("1\n")
    changes = json.loads(report(project, "--against", old, "--format", "json"))["changes"]
    assert changes["files"] == [{"path": "index.js", "change": "changed"}, {"path": "new.js", "change": "added"}]
    page = report(project, "--against", old, "--format", "html")
    assert 'id="changes"' in page
    assert "<code>new.js</code>" in page


def test_the_page_is_whole_and_needs_nothing_from_outside(project: Path) -> None:
    page = Page(report(project, "--format", "html"))
    assert page.outside == []
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert "map" in page.ids


def test_names_are_text_in_every_form(project: Path) -> None:
    (project / "<b onclick=x>&.js").write_text("x" * 5000)
    (project / "a\x1b[31m.js").write_text("y" * 5000)
    page = report(project, "--format", "html")
    assert Page(page).outside == []
    assert "<b onclick" not in page
    assert "&lt;b onclick=x&gt;&amp;.js" in page
    for form in ("html", "svg", "text", "json"):
        assert "\x1b" not in report(project, "--format", form)
    assert ET.fromstring(report(project, "--format", "svg")).tag.endswith("svg")  # noqa: S314 - our own


def test_a_report_that_cannot_be_written_names_the_file(project: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(program, ["report", str(project), "-o", str(tmp_path)], prog_name="linkpack")
    assert isinstance(done.exception, linkpack.SnapshotError)
    assert str(done.exception) == f"{tmp_path} cannot be written: Is a directory"
    assert (done.exception.code, done.exception.path) == ("EWRITE", str(tmp_path))


def test_an_unsafe_tarball_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.tgz").write_bytes(b"no gzip")
    done = CliRunner().invoke(program, ["report", str(tmp_path / "odd.tgz")], prog_name="linkpack")
    assert done.exit_code != 0


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_shows_the_map_that_the_address_names(project: Path, tmp_path: Path) -> None:
    report(project, "-o", tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    (number,) = re.findall(r'href="#(map-\d+)"[^>]*aria-label="redis@3\.1\.2', text)
    # The page cannot run scripts; what is laid out shows in the size of the printed text.
    shown = [in_browser(tmp_path, address) for address in ("a.html", f"a.html#{number}")]
    assert shown[0] != shown[1]


def in_browser(folder: Path, address: str) -> bytes:
    """Return the picture that a headless browser makes of the page."""
    picture = folder / "shot.png"
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=800,900",
        f"--screenshot={picture}",
        f"--user-data-dir={folder / 'profile'}",
        f"file://{folder / address}",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return picture.read_bytes()
