"""The link commands write in the prefix, the project and the state folder, whatever links others put there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import LinkpackError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.linkbox import LinkBox


@pytest.fixture(autouse=True)
def _elsewhere(box: LinkBox) -> None:
    """A folder that no command may write to."""
    (box.work / "elsewhere").mkdir(parents=True)


def to_elsewhere(box: LinkBox, path: Path) -> None:
    """Make a link at *path* that leads elsewhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(box.work / "elsewhere")


PLACES: dict[str, Callable[[LinkBox, Path], Path]] = {
    "the prefix's bin": lambda box, _: box.prefix / "bin",
    "the prefix's lib": lambda box, _: box.prefix / "lib",
    "the global node_modules": lambda box, _: box.prefix / "lib/node_modules",
    "the global scope": lambda box, _: box.prefix / "lib/node_modules/@s",
    "the man pages": lambda box, _: box.prefix / "share/man",
    "a section of them": lambda box, _: box.prefix / "share/man/man1",
    "the project's scope": lambda _, app: app / "node_modules/@s",
    "the project's commands": lambda _, app: app / "node_modules/.bin",
    "the place of what is displaced": lambda _, app: app / "node_modules/.linkpack",
}


@pytest.mark.parametrize("case", PLACES)
def test_nothing_is_written_through_a_link_that_leads_out(box: LinkBox, case: str) -> None:
    """The command is refused."""
    lib = box.package("lib", "@s/lib", bin={"lib": "cli.js"}, man="lib.1")
    for name in ("cli.js", "lib.1"):
        Path(lib, name).write_text("#!/usr/bin/env node\n", encoding="utf-8")
    app = Path(box.package("app", "app"))
    if case != "the project's scope":
        (app / "node_modules/@s/lib").mkdir(parents=True)
        (app / "node_modules/@s/lib/package.json").write_text('{"name": "@s/lib"}', encoding="utf-8")
    place = PLACES[case](box, app)
    to_elsewhere(box, place)
    with pytest.raises(LinkpackError) as caught:
        linkpack.link([lib], str(app), box.options())
    assert {problem.code for problem in caught.value.problems} == {"ELINKOUT"}
    assert list((box.work / "elsewhere").iterdir()) == []
    assert place.is_symlink()


def test_a_prefix_may_be_a_link(box: LinkBox) -> None:
    lib, app = box.package("lib", "lib"), box.package("app", "app")
    to_elsewhere(box, box.prefix)
    linkpack.link([lib], app, box.options())
    assert (box.work / "elsewhere/lib/node_modules/lib").is_symlink()
    linkpack.unlink(["lib"], app, box.options())
