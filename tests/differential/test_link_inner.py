"""Saved links to packages inside of the project: the warning comes exactly when npm ci fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from tests.linking.test_save import OVERRIDES
from tests.support.installed import publish
from tests.support.installers import call, program
from tests.support.linkbox import LinkBox, codes
from tests.support.npm import run_node
from tests.support.registry import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import Registry


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    """A registry with two versions of one package."""
    with serving() as found:
        for version in ("1.0.0", "2.0.0"):
            publish(found, "dep", version)
        yield found


CASES = [
    (section, have, want)
    for section in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "optional peer")
    for have, want in ((None, "^1.0.0"), ("^1.0.0", "^1.0.0"), ("^1.0.0", "^2.0.0"))
]


@pytest.mark.installs
@pytest.mark.differential
@pytest.mark.parametrize(("section", "have", "want"), CASES)
def test_the_warning_is_npm_cis_failure(
    registry: Registry, tmp_path: Path, section: str, have: str | None, want: str
) -> None:
    """Whatever the package needs, and whatever the project has of it."""
    box = LinkBox(tmp_path)
    needs: dict[str, Any] = {section: {"dep": want}}
    if section == "optional peer":
        needs = {"peerDependencies": {"dep": want}, "peerDependenciesMeta": {"dep": {"optional": True}}}
    app = box.work / "app"
    box.package("app", "app", **({"dependencies": {"dep": have}} if have else {}))
    (app / ".npmrc").write_text(registry.npmrc)
    done = call(app, [*program("npm"), "install"])
    assert done.status == 0, done.output
    box.package("app/inner", "inner", **needs)
    journal = linkpack.link(["./inner"], str(app), box.options(save=True))
    done = call(app, [*program("npm"), "ci"])
    assert ("WLOCK" in codes(journal)) == (done.status != 0), done.output


CONFLICT = """
const Node = use('@npmcli/arborist/lib/node.js');
const root = new Node({path: '/app', pkg: request, loadOverrides: true});
root.root = root;
try { root.assertRootOverrides(); return ''; } catch (error) { return error.code || String(error); }
"""


@pytest.mark.differential
def test_overrides_conflict_as_for_npm() -> None:
    """What npm refuses to install with (EOVERRIDE) is what saving refuses."""
    cases = [(members, code) for lockfile, members, code in OVERRIDES if lockfile == "package.json"]
    manifest = {"name": "a", "dependencies": {"alpha": "file:../alpha"}}
    assert run_node(CONFLICT, [{**manifest, **members} for members, _ in cases]) == [code for _, code in cases]
