"""From pack to run, through a registry: what docs/pipelines.md says of every installer and layout is so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkpack.bundle.layouts import LayoutName, list_installers
from tests.support.installers import INSTALLERS, Installer
from tests.support.pipeline import LAYOUTS, PAGE, outcome, release, rows, try_out
from tests.support.registry import serving

if TYPE_CHECKING:
    from pathlib import Path

TABLE = rows(PAGE.read_text(encoding="utf-8"))
CASES = [
    pytest.param(layout, installer, id=f"{layout}-{installer.name}".replace(" ", "-"))
    for layout in LAYOUTS
    for installer in INSTALLERS
]


@pytest.mark.installs
@pytest.mark.differential
@pytest.mark.parametrize(("layout", "installer"), CASES)
def test_an_installer(layout: LayoutName, installer: Installer, tmp_path: Path) -> None:
    """The registry has the bytes that linkpack wrote; installing and running them ends as the table says."""
    with serving() as registry:
        packed = release(registry, tmp_path, layout)
        assert registry.tarballs["site/-/site-1.0.0.tgz"] == packed
        steps = try_out(installer, registry, tmp_path / "consumer")
    assert outcome(steps) == TABLE[installer.name][layout], "\n".join(map(str, steps[-2:]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pack_claims_what_the_table_says(layout: LayoutName) -> None:
    """The installers that `pack` names for a layout are those that install and run it in every mode."""
    good = {installer.name for installer in INSTALLERS if TABLE[installer.name][layout] == "yes"}
    modes = {installer.name for installer in INSTALLERS}
    claimed = set(list_installers(layout, bundled=True))
    assert claimed == {name for name in (*claimed, "yarn 4", "bun 1.4") if _modes(name, modes) <= good}


def _modes(name: str, modes: set[str]) -> set[str]:
    return {mode for mode in modes if mode.startswith(name)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_without_a_bundle_everybody_installs(layout: LayoutName) -> None:
    """A package that bundles nothing is one like any other."""
    assert {"yarn 4", "bun 1.4"} <= set(list_installers(layout, bundled=False))
