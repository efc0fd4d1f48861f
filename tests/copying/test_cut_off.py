"""A command about copies that is killed at any moment leaves the old or the new state; the next one cleans up."""

from __future__ import annotations

from pathlib import Path

import pytest

import linkpack
from tests.copying.test_copies import copy, files, unpacked
from tests.support.cutoff import CHANGING, cut_off
from tests.support.linkbox import LinkBox

pytestmark = pytest.mark.slow


@pytest.fixture
def box(tmp_path: Path) -> LinkBox:
    """A private machine."""
    return LinkBox(tmp_path)


@pytest.mark.parametrize("what", ["link", "unlink", "undo", "again"])
@pytest.mark.parametrize("installed", [True, False])
def test_killed_anywhere(box: LinkBox, what: str, *, installed: bool) -> None:
    """Before each single call: the package is there whole or not at all, and nothing is lost."""
    lib, app = box.package("lib", "alpha", {"a.js": "1", "lib/b.js": "2"}), box.package("app", "app")
    if installed:
        box.installed(app, "alpha")
    before = box.tree(app)
    there = Path(app, "node_modules/alpha")
    original = files(there)
    copy(box, lib, app)
    whole = files(there)
    linkpack.unlink(["alpha"], app, box.options())
    assert box.tree(app) == before

    def act() -> None:
        if what in {"link", "again"}:
            copy(box, lib, app)
        elif what == "unlink":
            linkpack.unlink(["alpha"], app, box.options())
        else:
            linkpack.undo(None, app, box.options())

    number = 0
    killed = True
    while killed:
        number += 1
        if what != "link":
            copy(box, lib, app)
        killed = cut_off(act, CHANGING, number)
        assert files(there) in (original, whole, {}), number
        copy(box, lib, app)
        assert files(there) == whole, number
        linkpack.unlink(["alpha"], app, box.options())
        assert box.tree(app) == before, number
    assert number > 10


def test_a_killed_sync_leaves_each_file_old_or_new(box: LinkBox, tmp_path: Path) -> None:
    """The next sync does the rest, and removes the file that was being written."""
    lib = box.package("lib", "alpha", {"a.js": "1", "lib/b.js": "2", "c.js": "3"})
    app = box.package("app", "app")
    there = Path(app, "node_modules/alpha")
    old = files(unpacked(Path(lib), tmp_path / "old"))
    number = 0
    killed = True
    while killed:
        number += 1
        box.package("lib", "alpha", {"a.js": "1", "lib/b.js": "2", "c.js": "3"})
        copy(box, lib, app)
        assert files(there) == old
        Path(lib, "a.js").write_text("new")
        Path(lib, "c.js").unlink()
        Path(lib, "d.js").write_text("new")
        Path(lib, "lib/b.js").chmod(0o644)
        new = {**old, "a.js": (b"new", 0o755), "d.js": (b"new", 0o644), "lib/b.js": (b"2", 0o644)}
        del new["c.js"]
        killed = cut_off(lambda: linkpack.sync((), app, box.options()), CHANGING, number)
        for name, value in files(there).items():
            assert value in {old.get(name), new.get(name)} or name.startswith(".linkpack-"), (number, name)
        linkpack.sync((), app, box.options())
        assert files(there) == new, number
        Path(lib, "d.js").unlink()
    assert number > 5
