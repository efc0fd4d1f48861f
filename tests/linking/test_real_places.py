"""Places are real folders: checkouts that share a node_modules, projects that move, packages that are renamed."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from pathlib import Path

import pytest

import linkpack
from linkpack.errors import LinkConflict, LinkMissing
from tests.support.linkbox import LinkBox, codes, warned

# --- checkouts that share one node_modules


def checkouts(box: LinkBox, count: int = 2) -> list[str]:
    """A project with lib 1.0.0 installed, and worktrees of it whose node_modules is a link to the first one's."""
    found = [box.package(f"wt{number}", "app", dependencies={"lib": "^1.0.0"}) for number in range(count)]
    box.installed(found[0], "lib")
    for other in found[1:]:
        Path(other, "node_modules").symlink_to("../wt0/node_modules")
    return found


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("same", [False, True])
def test_checkouts_have_links_of_their_own(box: LinkBox, order: tuple[int, ...], *, same: bool) -> None:
    """Each unlinks what it linked, in any order; when all have, what was installed is there again."""
    found = checkouts(box, 3)
    before = box.tree(found[0])
    libs = [box.command(f"lib{number}", "lib", bin={"lib": "cli.js", "tool": "cli.js"}) for number in range(3)]
    for number, checkout in enumerate(found):
        linkpack.link([libs[0 if same else number]], checkout, box.options())
    left = list(range(3))
    for number in order:
        linkpack.unlink(["lib"], found[number], box.options())
        left.remove(number)
        if left:
            assert box.leads(found[0], "lib") == libs[0 if same else left[-1]]
            assert Path(found[0], "node_modules/.bin/tool").exists()
    assert box.tree(found[0]) == before


def test_checkouts_see_each_others_links(box: LinkBox) -> None:
    """A link that another checkout made is listed, can be taken away, and is told of where it stays."""
    one, two = checkouts(box)
    before = box.tree(one)
    lib, other = box.package("lib", "lib"), box.package("other", "lib")
    linkpack.link([lib], two, box.options())
    assert [(link.name, link.target, link.ours) for link in linkpack.links(one, box.options())] == [
        ("lib", lib, True)
    ]
    linkpack.unlink(["lib"], one, box.options())
    assert box.tree(one) == before
    linkpack.link([lib], two, box.options())
    linkpack.link([other], one, box.options())
    assert [link.target for link in linkpack.links(two, box.options())] == [other]
    journal = linkpack.unlink(["lib"], two, box.options())
    assert warned(journal, "WSHARED") == f"lib is still linked, to {other}: {one} shares {one}/node_modules"
    linkpack.unlink(["lib"], two, box.options())
    assert box.tree(one) == before


def test_relink_restores_only_the_links_of_its_own_checkout(box: LinkBox) -> None:
    one, two = checkouts(box)
    libs = [box.package(name, name) for name in ("a", "b")]
    for lib, checkout in zip(libs, (one, two), strict=True):
        linkpack.link([lib], checkout, box.options())
    for name in ("a", "b"):
        Path(one, "node_modules", name).unlink()
    linkpack.relink((), two, box.options())
    assert (box.leads(one, "a"), box.leads(one, "b")) == ("", libs[1])


def test_a_link_that_another_checkout_took_away_is_still_taken_out_of_the_manifest(box: LinkBox) -> None:
    """Each checkout has its own package.json, and gets its own bytes back."""
    one, two = checkouts(box)
    before = box.tree(two)
    linkpack.link([box.package("lib", "lib")], two, box.options(save=True))
    assert "file:../lib" in Path(two, "package.json").read_text()
    linkpack.unlink(["lib"], one, box.options())
    assert "file:../lib" in Path(two, "package.json").read_text()
    try:
        linkpack.unlink(["lib"], two, box.options())
    except LinkConflict as err:
        pytest.fail(err.message)
    assert box.tree(two) == before


@pytest.mark.parametrize(
    ("target", "theirs", "code"),
    [
        ("main/node_modules", {"name": "app"}, ""),
        ("main/node_modules", {"name": "other"}, "ELINKOUT"),
        ("main/node_modules", {}, "ELINKOUT"),
        ("cache/node_modules", None, ""),
        ("main/.ssh", {"name": "app"}, "ELINKOUT"),
    ],
)
def test_a_node_modules_that_is_a_link_may_lead_to_another_of_the_project(
    box: LinkBox, target: str, theirs: dict[str, str] | None, code: str
) -> None:
    """It may not lead to a folder of another name, nor to another project's: a clone could say anything."""
    lib, app = box.package("lib", "lib"), box.package("app", "app")
    folder = box.work / target
    folder.mkdir(parents=True)
    if theirs is not None:
        (folder.parent / "package.json").write_text(json.dumps(theirs))
    Path(app, "node_modules").symlink_to(f"../{target}")
    plan = linkpack.plan_link([lib], app, box.options())
    assert {problem.code for problem in plan.conflicts} == ({code} if code else set())
    if code:
        with pytest.raises(LinkConflict):
            linkpack.link([lib], app, box.options())
        assert list(folder.iterdir()) == []
    else:
        linkpack.link([lib], app, box.options())
        assert os.path.realpath(folder / "lib") == lib


def test_links_in_workspaces_are_one_project(box: LinkBox) -> None:
    """`unlink --all` and `ls` in the root are about the members' own node_modules too."""
    mono = box.package("mono", "mono", workspaces=["packages/*"])
    members = [box.package(f"mono/packages/{name}", name) for name in ("a", "b")]
    for member in members:
        box.installed(member, "lib")
    before = box.tree(mono)
    lib = box.package("lib", "lib")
    for member in members:
        linkpack.link([lib], member, box.options())
    found = linkpack.links(mono, box.options())
    assert [link.path for link in found] == [f"{member}/node_modules/lib" for member in members]
    linkpack.unlink((), mono, box.options(), every=True)
    assert box.tree(mono) == before


# --- projects that move


def move(box: LinkBox, old: str, new: str) -> str:
    """Move the folder work/*old* to work/*new*; the new path."""
    target = box.work / new
    target.parent.mkdir(parents=True, exist_ok=True)
    (box.work / old).rename(target)
    return str(target)


@pytest.mark.parametrize("where", ["moved", "deep/er/moved"])
@pytest.mark.parametrize("save", [False, True])
def test_a_project_that_is_moved_keeps_its_links(box: LinkBox, where: str, *, save: bool) -> None:
    """Links, displaced packages and what was saved are found in the new place, and nothing is left of the old."""
    app = box.package("app", "app", dependencies={"alpha": "^1.0.0"})
    box.installed(app, "alpha")
    before = box.tree(app)
    lib = box.command("lib", "alpha")
    linkpack.link([lib], app, box.options(save=save))
    moved = move(box, "app", where)
    (link,) = linkpack.links(moved, box.options())
    assert (link.path, link.target, link.ours) == (f"{moved}/node_modules/alpha", lib, True)
    assert link.state == ("linked" if where == "moved" else "dropped")
    linkpack.relink((), moved, box.options())
    assert box.leads(moved, "alpha") == lib
    linkpack.unlink(["alpha"], moved, box.options())
    assert box.tree(moved) == before
    linkpack.unlink((), lib, box.options())
    assert [path.name for path in (box.home / "state/linkpack/links").iterdir()] == []


def test_a_link_follows_a_package_that_is_moved_along(box: LinkBox) -> None:
    app = box.package("both/app", "app")
    before = box.tree(app)
    linkpack.link([box.package("both/lib", "alpha")], app, box.options())
    moved = move(box, "both", "there")
    (link,) = linkpack.links(f"{moved}/app", box.options())
    assert (link.state, link.target) == ("linked", f"{moved}/lib")
    linkpack.unlink(["../lib"], f"{moved}/app", box.options())
    assert box.tree(f"{moved}/app") == before


def test_a_copy_is_not_a_move(box: LinkBox) -> None:
    """The record stays with the project while that is where it was."""
    app = box.package("app", "app")
    linkpack.link([box.package("lib", "alpha")], app, box.options())
    copy = shutil.copytree(app, box.work / "copy", symlinks=True)
    (link,) = linkpack.links(str(copy), box.options())
    assert not link.ours
    (link,) = linkpack.links(app, box.options())
    assert link.ours


def test_a_folder_that_got_an_old_number_has_no_links(box: LinkBox) -> None:
    """The number of a folder that is gone is used again: where none of its links is, there is no record of it."""
    app = box.package("app", "app")
    linkpack.link([box.package("lib", "alpha")], app, box.options())
    number = Path(app).stat().st_ino
    shutil.rmtree(app)
    for attempt in range(200):
        other = Path(box.package(f"other{attempt}", "other"))
        if other.stat().st_ino == number:
            assert linkpack.links(str(other), box.options()) == ()
            break
    linkpack.link([str(box.work / "lib")], box.package("app", "app"), box.options())


def test_a_lost_record_is_a_warning_about_the_manifest(box: LinkBox) -> None:
    """The saved link goes, as on another machine, and the warning names the manifest that still has it."""
    app = box.package("app", "app", dependencies={"alpha": "^1.0.0"})
    box.installed(app, "alpha")
    linkpack.link([box.command("lib", "alpha")], app, box.options(save=True))
    shutil.rmtree(box.home / "state")
    journal = linkpack.unlink(["alpha"], app, box.options())
    assert "package.json asks for file:../lib" in warned(journal, "WUNSAVED")
    assert Path(app, "node_modules/alpha/run.js").exists()


# --- folders, not names


def rename(folder: str, name: str, **members: object) -> None:
    """Give the package in *folder* another name."""
    path = Path(folder, "package.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "name": name, **members}))


@pytest.mark.parametrize("since", ["nothing", "renamed", "deleted", "broken"])
@pytest.mark.parametrize("spec", ["../lib", "./node_modules/old", "file:../lib", "LIB"])
def test_a_folder_is_unlinked_whatever_it_is_called(box: LinkBox, since: str, spec: str) -> None:
    """The link to the folder goes, also after the package was renamed, or is gone."""
    lib, app = box.command("lib", "old"), box.package("app", "app")
    before = box.tree(app)
    linkpack.link([lib], app, box.options())
    if since == "renamed":
        rename(lib, "new")
    elif since == "deleted":
        shutil.rmtree(lib)
    elif since == "broken":
        Path(lib, "package.json").write_text("{")
    linkpack.unlink([spec.replace("LIB", lib)], app, box.options())
    assert box.tree(app) == before


def test_a_folder_is_relinked_whatever_it_is_called(box: LinkBox) -> None:
    """A folder without a link is a warning."""
    lib, app = box.command("lib", "old"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    linkpack.link([box.package("other", "other")], app, box.options())
    rename(lib, "new")
    for name in ("old", "other"):
        Path(app, "node_modules", name).unlink()
    linkpack.relink(["../lib"], app, box.options())
    assert (box.leads(app, "old"), box.leads(app, "other")) == (lib, "")
    assert codes(linkpack.relink(["../none"], app, box.options())) == {"WNOTLINKED"}


def test_a_folder_that_is_not_linked_is_an_error(box: LinkBox) -> None:
    """Nor is a link of the same name taken away that leads to another folder."""
    app = box.package("app", "app")
    lib, fork = box.package("lib", "lib"), box.package("fork", "lib")
    linkpack.link([lib], app, box.options())
    for folder in (fork, str(box.work / "none")):
        with pytest.raises(LinkMissing, match="is not linked into") as caught:
            linkpack.unlink([folder], app, box.options())
        assert caught.value.code == "ENOTLINKED"
    assert box.leads(app, "lib") == lib
    with pytest.raises(LinkMissing, match="is not linked globally"):
        linkpack.unlink([app], lib, box.options(), shared=True)


@pytest.mark.parametrize("by", ["npm", "an install"])
def test_a_folder_that_others_linked_is_unlinked_too(box: LinkBox, by: str) -> None:
    """A link that is in no record goes by its folder too, unless an install made it."""
    app = box.package("app", "app")
    box.package("lib", "lib")
    if by == "an install":
        rename(app, "app", dependencies={"lib": "file:../lib"})
    Path(app, "node_modules").mkdir()
    Path(app, "node_modules/lib").symlink_to("../../lib")
    if by == "npm":
        linkpack.unlink(["../lib"], app, box.options())
        assert not os.path.lexists(f"{app}/node_modules/lib")
    else:
        with pytest.raises(LinkConflict, match=r"installed in .*: .*package\.json asks for file:\.\./lib"):
            linkpack.unlink(["../lib"], app, box.options())


def test_a_package_that_was_renamed_is_registered_under_its_new_name(box: LinkBox) -> None:
    """The old global link is replaced, its commands are the new one's, and that is told."""
    lib = box.command("lib", "old", bin={"tool": "cli.js", "gone": "cli.js"})
    before = box.tree()
    linkpack.link(project=lib, options=box.options())
    rename(lib, "new", bin={"tool": "cli.js"})
    journal = linkpack.link(project=lib, options=box.options())
    assert warned(journal, "WRENAMED") == "old is called new now, so its global link is replaced"
    assert ([item.name for item in journal.plan.removed], [item.name for item in journal.plan.added]) == (
        ["old"],
        ["new"],
    )
    assert sorted(path.name for path in box.modules.iterdir()) == ["new"]
    assert [path.name for path in (box.prefix / "bin").iterdir()] == ["tool"]
    linkpack.unlink(project=lib, options=box.options())
    rename(lib, "old", bin={"tool": "cli.js", "gone": "cli.js"})
    assert {path: what for path, what in box.tree().items() if "package.json" not in path} == {
        path: what for path, what in before.items() if "package.json" not in path
    }


def test_a_package_that_was_renamed_is_linked_under_both_names(box: LinkBox) -> None:
    """A project may still need the old name: that link stays, and is told of."""
    lib, app = box.package("lib", "old"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    rename(lib, "new")
    journal = linkpack.link([lib], app, box.options())
    assert codes(journal) == {"WRENAMED"}
    assert (box.leads(app, "old"), box.leads(app, "new")) == (lib, lib)
    assert sorted(path.name for path in box.modules.iterdir()) == ["new"]


def test_linking_an_old_name_is_refused_with_the_new_one(box: LinkBox) -> None:
    lib, app = box.package("lib", "old"), box.package("app", "app")
    linkpack.link(project=lib, options=box.options())
    rename(lib, "new")
    with pytest.raises(LinkMissing, match="which is called new now") as caught:
        linkpack.link(["old"], app, box.options())
    assert "linkpack link new" in caught.value.hint
    assert not Path(app, "node_modules").exists()


def test_unlinking_in_one_checkout_leaves_the_others_global_link(box: LinkBox) -> None:
    """What leads to another folder is that one's; by name it goes all the same."""
    one, two = box.package("one", "lib"), box.package("two", "lib")
    for folder in (one, two):
        linkpack.link(project=folder, options=box.options())
    with pytest.raises(LinkConflict, match=f"the global lib leads to {two}, not to {one}") as caught:
        linkpack.unlink(project=one, options=box.options())
    assert (caught.value.code, "unlink -g lib" in caught.value.hint) == ("ENOTLINKED", True)
    assert os.path.realpath(box.modules / "lib") == two
    linkpack.unlink(["lib"], one, box.options(), shared=True)
    assert not box.modules.exists()


def test_the_root_of_its_workspace_is_linked_into_an_example(box: LinkBox) -> None:
    """`link ..` means the package that the example shows, and puts it into the example itself."""
    lib = box.command("lib", "lib", workspaces=["example"])
    example = box.package("lib/example", "example")
    before = box.tree(lib)
    linkpack.link([".."], example, box.options())
    assert box.leads(example, "lib") == lib
    assert sorted(path.name for path in box.modules.iterdir()) == ["lib"]
    assert not Path(lib, "node_modules").exists()
    linkpack.unlink([".."], example, box.options())
    assert box.tree(lib) == before
