"""Many packages in one `link`: members of a workspace, lists of folders, dependencies."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import LinkMissing, LinkpackError, ManifestInvalid, PlanRejected
from linkpack.linking.package_choice import list_names

if TYPE_CHECKING:
    from tests.support.linkbox import LinkBox


@pytest.fixture(autouse=True)
def _mono_and_app(box: LinkBox) -> None:
    """A workspace `mono`, and a project `app` beside it."""
    box.package("mono", "mono", private=True, workspaces=["packages/*"])
    box.package("mono/packages/a", "@m/a")
    box.package("mono/packages/b", "@m/b", dependencies={"@m/a": "*"})
    box.package("mono/packages/docs", "docs", private=True)
    box.package("mono/packages/nameless", None)
    box.package("app", "app", dependencies={"@m/b": "^1.0.0"})


def linked(app: str) -> list[str]:
    """The names of the links in the project *app*."""
    modules = Path(app, "node_modules")
    found = [*modules.glob("*"), *modules.glob("@*/*")]
    return sorted(str(path.relative_to(modules)) for path in found if path.is_symlink())


def test_every_member_that_can_be_published_is_linked(box: LinkBox) -> None:
    """There is a warning that lists the others."""
    app = str(box.work / "app")
    journal = linkpack.link(["../mono"], app, box.options(workspaces=True))
    assert linked(app) == ["@m/a", "@m/b"]
    assert sorted(path.name for path in (box.modules / "@m").iterdir()) == ["a", "b"]
    (warning,) = (each for each in journal.plan.warnings if each.code == "WPRIVATESKIPPED")
    assert "docs, " in warning.message
    assert "packages/nameless" in warning.message


def test_members_may_be_named_by_a_pnpm_workspace_file(box: LinkBox) -> None:
    app, mono = str(box.work / "app"), box.work / "mono"
    box.package("mono", "mono", private=True)
    (mono / "pnpm-workspace.yaml").write_text("packages:\n- packages/*\n- '!packages/a'\n")
    linkpack.link(["../mono"], app, box.options(workspaces=True))
    assert linked(app) == ["@m/b"]


def test_only_dependencies_of_the_project_are_linked(box: LinkBox) -> None:
    """From a workspace or from a list."""
    app = str(box.work / "app")
    linkpack.link(["../mono"], app, box.options(workspaces=True, only_dependencies=True))
    assert linked(app) == ["@m/b"]
    for section in ("devDependencies", "optionalDependencies", "peerDependencies"):
        app = box.package(section, "app", **{section: {"@m/a": "*"}})
        linkpack.link(["../mono/packages/a", "../mono/packages/b"], app, box.options(only_dependencies=True))
        assert linked(app) == ["@m/a"]
    bare = box.package("bare", "bare")
    with pytest.raises(LinkpackError, match="depends on none of them: @m/a, @m/b") as caught:
        linkpack.link(["../mono"], bare, box.options(workspaces=True, only_dependencies=True))
    assert caught.value.code == "ENODEPENDENCY"


def test_folders_that_are_no_packages_are_all_named(box: LinkBox) -> None:
    """Nothing is changed, unless they are to be skipped."""
    app, mono = str(box.work / "app"), box.work / "mono"
    (mono / "packages/images").mkdir()
    (mono / "packages/README.md").write_text("")
    (mono / "packages/broken").mkdir()
    (mono / "packages/broken/package.json").write_text("{")
    names = sorted(f"../mono/packages/{path.name}" for path in (mono / "packages").iterdir())
    before = box.tree()
    with pytest.raises(PlanRejected) as caught:
        linkpack.link(names, app, box.options())
    told = " ".join(problem.message for problem in caught.value.problems)
    for name in ("packages/images", "packages/README.md", "packages/broken", "packages/nameless"):
        assert name in told
    assert box.tree() == before
    journal = linkpack.link(names, app, box.options(skip_others=True))
    assert linked(app) == ["@m/a", "@m/b", "docs"]
    assert [problem.code for problem in journal.plan.warnings].count("WSKIPPED") == 4


def test_a_single_error_keeps_its_class(box: LinkBox) -> None:
    """Programs can tell it so. A missing global package is not skipped."""
    app = str(box.work / "app")
    with pytest.raises(ManifestInvalid):
        linkpack.link(["../mono/packages"], app, box.options())
    with pytest.raises(LinkMissing):
        linkpack.link(["nosuch"], app, box.options(skip_others=True))


def test_workspaces_are_those_of_the_project_if_no_spec_is_a_root(box: LinkBox) -> None:
    """As for npm."""
    lib = box.package("lib", "lib")
    home = box.package("home", "home", workspaces=["w/*"])
    for name in ("x", "y"):
        box.package(f"home/w/{name}", name)
    linkpack.link([lib], home, box.options(workspaces=True))
    assert linked(home) == ["lib"]
    app = str(box.work / "app")
    with pytest.raises(LinkpackError, match="has no workspaces"):
        linkpack.link([lib], app, box.options(workspaces=True))


def test_a_workspace_with_nothing_to_publish_is_an_error(box: LinkBox) -> None:
    for name in ("a", "b"):
        shutil.rmtree(box.work / "mono/packages" / name)
    with pytest.raises(LinkMissing, match="no member of that workspace can be published"):
        linkpack.link(["../mono"], str(box.work / "app"), box.options(workspaces=True))


def test_an_example_inside_of_a_package_links_that_package(box: LinkBox) -> None:
    """`link ..` puts the link where the example finds it."""
    lib = box.package("lib", "lib", workspaces=["example"])
    example = box.package("lib/example", "example")
    linkpack.link([".."], example, box.options())
    assert not (box.modules / "example").exists()
    assert Path(example, "node_modules/lib").resolve() == Path(lib)
    assert [link.name for link in linkpack.links(example, box.options())] == ["lib"]
    linkpack.unlink([".."], example, box.options())
    assert not Path(lib, "node_modules").exists()
    assert not Path(example, "node_modules").exists()


def test_long_lists_are_shortened() -> None:
    """A message lists a few names and counts the rest."""
    assert list_names(["a", "b"]) == "a, b"
    assert list_names(list("abcdefg")) == "a, b, c, d, e and 2 more"
