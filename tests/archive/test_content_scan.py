"""Contents looked at on their way into the tarball: which files, how many bytes, and that nothing is lost."""

from __future__ import annotations

import pytest

from linkpack.archive import content_scan as watch
from linkpack.archive.content_scan import MOST_OF_ONE, ContentScan
from linkpack.archive.entry import Entry

TOKEN = b"npm_" + b"Zz8" * 12


def entry(path: str = "a.js", size: int = len(TOKEN), *, own: bool = True) -> Entry:
    """A planned file of a source directory."""
    return Entry(f"package/{path}", f"/src/{path}", size, 0o644, own=own)


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (entry(), 1),
        (entry(own=False), 0),
        (entry("a.png"), 0),
        (entry(".env"), 0),
        (entry(size=MOST_OF_ONE), 1),
        (entry(size=MOST_OF_ONE + 1), 0),
    ],
    ids=["own", "installed", "image", "named already", "largest", "too large"],
)
def test_small_files_of_source_directories_are_looked_at(file: Entry, found: int) -> None:
    """Small files of source directories are looked at, and every file's bytes come through as they are."""
    made = ContentScan()
    assert b"".join(made.pass_on(file, [TOKEN[:9], TOKEN[9:]])) == TOKEN
    assert [(each.code, each.path) for each in made.warnings()] == [("WSECRET", "a.js")] * found


def test_after_so_many_bytes_no_file_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_OF_ALL", 100)
    made = ContentScan()
    for number in range(5):
        assert b"".join(made.pass_on(entry(f"{number}.js"), [TOKEN])) == TOKEN
    assert len(made.warnings()) == 2


@pytest.mark.parametrize("together", [1, 60, 1 << 20])
def test_files_with_a_token_are_named_in_their_order(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    """However many files are looked at together, each that holds a token is named, in their order."""
    monkeypatch.setattr(watch, "_TOGETHER", together)
    made = ContentScan()
    for number in range(9):
        contents = TOKEN if number % 3 else b"nothing"
        assert b"".join(made.pass_on(entry(f"{number}.js", len(contents)), [contents])) == contents
    assert [each.path for each in made.warnings()] == ["1.js", "2.js", "4.js", "5.js", "7.js", "8.js"]
