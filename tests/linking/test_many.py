"""Many packages in one command: members of another workspace, lists of folders, what the project depends on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from linkpack.errors import LinkMissing, LinkpackError, ManifestInvalid, PlanRejected
from linkpack.linking import api as linkapi
from linkpack.linking.many import shortened
from tests.support.linkbox import LinkBox


@pytest.fixture
def box(tmp_path: Path) -> LinkBox:
    """A private machine with a workspace `mono` and a project `app` beside it."""
    box = LinkBox(tmp_path)
    box.package("mono", "mono", private=True, workspaces=["packages/*"])
    box.package("mono/packages/a", "@m/a")
    box.package("mono/packages/b", "@m/b", dependencies={"@m/a": "*"})
    box.package("mono/packages/docs", "docs", private=True)
    box.package("mono/packages/nameless", None)
    box.package("app", "app", dependencies={"@m/b": "^1.0.0"})
    return box


def linked(app: str) -> list[str]:
    """The names of the links in the project *app*."""
    modules = Path(app, "node_modules")
    found = [*modules.glob("*"), *modules.glob("@*/*")]
    return sorted(str(path.relative_to(modules)) for path in found if path.is_symlink())


def test_the_members_of_a_workspace(box: LinkBox) -> None:
    """Every member that can be published is linked, and who is left out is told."""
    app = str(box.work / "app")
    journal = linkapi.link(["../mono"], app, box.options(workspaces=True))
    assert linked(app) == ["@m/a", "@m/b"]
    assert sorted(path.name for path in (box.modules / "@m").iterdir()) == ["a", "b"]
    (warning,) = (each for each in journal.plan.warnings if each.code == "WPRIVATESKIPPED")
    assert "docs, " in warning.message
    assert "packages/nameless" in warning.message


def test_workspaces_of_pnpm(box: LinkBox) -> None:
    """The members may be named by a pnpm-workspace.yaml."""
    app, mono = str(box.work / "app"), box.work / "mono"
    box.package("mono", "mono", private=True)
    (mono / "pnpm-workspace.yaml").write_text("packages:\n- packages/*\n- '!packages/a'\n")
    linkapi.link(["../mono"], app, box.options(workspaces=True))
    assert linked(app) == ["@m/b"]


def test_only_dependencies(box: LinkBox) -> None:
    """Only what a section of the project's manifest names is linked, from a workspace or from a list."""
    app = str(box.work / "app")
    linkapi.link(["../mono"], app, box.options(workspaces=True, only_dependencies=True))
    assert linked(app) == ["@m/b"]
    for section in ("devDependencies", "optionalDependencies", "peerDependencies"):
        app = box.package(section, "app", **{section: {"@m/a": "*"}})
        linkapi.link(["../mono/packages/a", "../mono/packages/b"], app, box.options(only_dependencies=True))
        assert linked(app) == ["@m/a"]
    bare = box.package("bare", "bare")
    with pytest.raises(LinkpackError, match="depends on none of them: @m/a, @m/b") as caught:
        linkapi.link(["../mono"], bare, box.options(workspaces=True, only_dependencies=True))
    assert caught.value.code == "ENODEPENDENCY"


def test_a_list_with_others_in_it(box: LinkBox) -> None:
    """Every folder that is no package is named, and nothing is changed unless it is to be skipped."""
    app, mono = str(box.work / "app"), box.work / "mono"
    (mono / "packages/images").mkdir()
    (mono / "packages/README.md").write_text("")
    (mono / "packages/broken").mkdir()
    (mono / "packages/broken/package.json").write_text("{")
    names = sorted(f"../mono/packages/{path.name}" for path in (mono / "packages").iterdir())
    before = box.tree()
    with pytest.raises(PlanRejected) as caught:
        linkapi.link(names, app, box.options())
    told = " ".join(problem.message for problem in caught.value.problems)
    assert all(
        name in told for name in ("packages/images", "packages/README.md", "packages/broken", "packages/nameless")
    )
    assert box.tree() == before
    journal = linkapi.link(names, app, box.options(skip_others=True))
    assert linked(app) == ["@m/a", "@m/b", "docs"]
    assert [problem.code for problem in journal.plan.warnings].count("WSKIPPED") == 4


def test_one_that_is_no_package_is_its_own_error(box: LinkBox) -> None:
    """A single error keeps its kind, so that programs can tell it; a missing global package is not skipped."""
    app = str(box.work / "app")
    with pytest.raises(ManifestInvalid):
        linkapi.link(["../mono/packages"], app, box.options())
    with pytest.raises(LinkMissing):
        linkapi.link(["nosuch"], app, box.options(skip_others=True))


def test_the_projects_own_workspaces(box: LinkBox) -> None:
    """Where SPEC is no workspace root, --workspaces is about the project, as for npm."""
    lib = box.package("lib", "lib")
    home = box.package("home", "home", workspaces=["w/*"])
    for name in ("x", "y"):
        box.package(f"home/w/{name}", name)
    linkapi.link([lib], home, box.options(workspaces=True))
    assert linked(home) == ["lib"]
    app = str(box.work / "app")
    with pytest.raises(LinkpackError, match="has no workspaces"):
        linkapi.link([lib], app, box.options(workspaces=True))


def test_a_workspace_with_nothing_to_publish(box: LinkBox) -> None:
    """That nothing is linked is an error, not success."""
    for name in ("a", "b"):
        shutil.rmtree(box.work / "mono/packages" / name)
    with pytest.raises(LinkMissing, match="no member of that workspace can be published"):
        linkapi.link(["../mono"], str(box.work / "app"), box.options(workspaces=True))


def test_an_example_inside_of_a_package_and_its_workspace(box: LinkBox) -> None:
    """There `link ..` links the package, into a place where the example finds it."""
    lib = box.package("lib", "lib", workspaces=["example"])
    example = box.package("lib/example", "example")
    linkapi.link([".."], example, box.options())
    assert not (box.modules / "example").exists()
    assert Path(example, "node_modules/lib").resolve() == Path(lib)
    assert [link.name for link in linkapi.links(example, box.options())] == ["lib"]
    linkapi.unlink([".."], example, box.options())
    assert not Path(lib, "node_modules").exists()
    assert not Path(example, "node_modules").exists()


def test_long_lists_are_shortened() -> None:
    """A message lists a few names and counts the rest."""
    assert shortened(["a", "b"]) == "a, b"
    assert shortened(list("abcdefg")) == "a, b, c, d, e and 2 more"
