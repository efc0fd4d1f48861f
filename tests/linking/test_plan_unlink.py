"""Unlink and undo where another process or the user has changed something since."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import StalePlan
from linkpack.linking.journal import apply, lock_places
from linkpack.linking.record import find_store
from linkpack.linking.undo_command import plan_last_undo

if TYPE_CHECKING:
    from linkpack.linking.states import LinkPlan
    from tests.support.linkbox import LinkBox


def there(app: str, kind: str) -> Path:
    """What stands at the place of the link to alpha before it is made."""
    path = Path(app, "node_modules/alpha")
    path.parent.mkdir()
    if kind == "package":
        path.mkdir()
        (path / "precious").write_text("x")
    elif kind == "file":
        path.write_text("mine")
    elif kind != "nothing":
        path.symlink_to("nowhere" if kind == "dangling" else "..")
    return path


@pytest.mark.parametrize("kind", ["nothing", "package", "file", "link", "dangling"])
@pytest.mark.parametrize("since", ["removed", "absolute", "absolute, linked again"])
def test_a_changed_link_gives_way_to_what_it_displaced(box: LinkBox, kind: str, since: str) -> None:
    """It was removed by hand, or made again with another text."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    path = there(app, kind)
    before = box.tree(app)
    linkpack.link([lib], app, box.options())
    command = path.parent / ".bin/alpha"
    for each, target in ((path, lib), (command, path / "cli.js")):
        each.unlink()
        if since != "removed":
            each.symlink_to(target)
    if since.endswith("again"):
        linkpack.link([lib], app, box.options())
    linkpack.unlink(["alpha"], app, box.options())
    assert box.tree(app) == before


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("kind", ["package", "file"])
def test_what_took_the_links_place_stays(box: LinkBox, kind: str, *, same: bool) -> None:
    """What the link had displaced is kept, unless it is the same."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    path = there(app, kind)
    before = box.tree(app)
    linkpack.link([lib], app, box.options())
    path.unlink()
    file = path / "precious" if kind == "package" else path
    file.parent.mkdir(exist_ok=True)
    file.write_text(("x" if kind == "package" else "mine") if same else "other")
    journal = linkpack.unlink(["alpha"], app, box.options())
    if same:
        assert journal.plan.warnings == ()
        assert box.tree(app) == before
    else:
        (warning,) = journal.plan.warnings
        assert warning.code == "WSUPERSEDED"
        assert file.read_text() == "other"
        kept = Path(warning.path)
        assert (kept / "precious").read_text() == "x" if kind == "package" else kept.read_text() == "mine"


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("first", ["nothing", "older", "file"])
def test_a_package_in_the_links_place_keeps_its_commands(box: LinkBox, first: str, *, again: bool) -> None:
    """An installer put it there. Commands of another package do not stay."""
    lib, app = box.command("lib", "alpha", bin={"run": "cli.js", "alpha": "cli.js"}), box.package("app", "app")
    modules = Path(app, "node_modules")
    commands = modules / ".bin"
    if first == "older":
        old = box.installed(app, "alpha")
        (old / "package.json").write_text('{"name": "alpha", "version": "0.9.0", "bin": {"old": "run.js"}}')
        (commands / "old").symlink_to("../alpha/run.js")
    elif first == "file":
        modules.mkdir()
        (modules / "alpha").write_text("mine")
    linkpack.link([lib], app, box.options())
    (modules / "alpha").unlink()
    for command in commands.iterdir():
        command.unlink()
    shutil.copytree(lib, modules / "alpha")
    for name in ("run", "alpha"):
        (commands / name).symlink_to("../alpha/cli.js")
    if again:
        linkpack.relink((), app, box.options())
    linkpack.unlink(["alpha"], app, box.options())
    assert sorted(path.name for path in commands.iterdir()) == ["alpha", "run"]
    assert not (modules / "alpha").is_symlink()
    assert (commands / "run").exists()


def test_a_package_without_commands_in_the_links_place_gets_none(box: LinkBox) -> None:
    """The version that the link displaced had one."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    box.installed(app, "alpha")
    linkpack.link([lib], app, box.options())
    modules = Path(app, "node_modules")
    (modules / "alpha").unlink()
    (modules / ".bin/alpha").unlink()
    (modules / "alpha").mkdir()
    (modules / "alpha/package.json").write_text('{"name": "alpha", "version": "2.0.0"}')
    linkpack.link([lib], app, box.options())
    linkpack.unlink(["alpha"], app, box.options())
    assert "2.0.0" in (modules / "alpha/package.json").read_text()
    assert not os.path.lexists(modules / ".bin/alpha")


def test_what_a_lost_command_displaced_is_a_warning(box: LinkBox) -> None:
    """Something else took the command's place, and the package has no such command now."""
    lib, app = box.command("lib", "alpha", bin={"run": "cli.js"}), box.package("app", "app")
    command = Path(app, "node_modules/.bin/run")
    command.parent.mkdir(parents=True)
    command.write_text("first")
    linkpack.link([lib], app, box.options())
    command.unlink()
    command.write_text("second")
    box.package("lib", "alpha")
    (warning,) = linkpack.link([lib], app, box.options()).plan.warnings
    assert warning.code == "WOLDER"
    assert Path(warning.path).read_text() == "first"
    assert command.read_text() == "second"


def test_commands_that_npm_linked_over_ours_go_with_it(box: LinkBox) -> None:
    """What comes back in the link's place does not have them."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    path = there(app, "file")
    before = box.tree(app)
    linkpack.link([lib], app, box.options())
    path.unlink()
    path.symlink_to(box.command("other", "alpha"))
    linkpack.unlink((), app, box.options(), every=True)
    after = box.tree(app)
    assert {name: after[name] for name in before} == before
    assert not [text for text in after.values() if text.startswith("->")]


@pytest.mark.parametrize("names", [("alpha", "beta"), ("beta", "alpha")])
@pytest.mark.parametrize("at_once", [False, True])
def test_a_displaced_command_of_a_link_that_goes_does_not_come_back(
    box: LinkBox, names: tuple[str, str], *, at_once: bool
) -> None:
    """The link of npm to alpha had it, and beta displaced it."""
    alpha, app = box.command("alpha", "alpha", bin={"tool": "cli.js"}), box.package("app", "app")
    commands = Path(app, "node_modules/.bin")
    commands.mkdir(parents=True)
    Path(app, "node_modules/alpha").symlink_to(alpha)
    (commands / "tool").symlink_to("../alpha/cli.js")
    linkpack.link([box.command("beta", "beta", bin={"tool": "cli.js"})], app, box.options())
    for some in [names] if at_once else [[name] for name in names]:
        linkpack.unlink(some, app, box.options())
    assert list(commands.iterdir()) == []


def test_of_two_displaced_commands_one_comes_back(box: LinkBox) -> None:
    """The place of the other one is a warning."""
    app = box.package("app", "app")
    tool = Path(app, "node_modules/.bin/tool")
    tool.parent.mkdir(parents=True)
    for name in ("one", "two"):
        tool.write_text(name)
        linkpack.link([box.command(name, name, bin={"tool": "cli.js"})], app, box.options(force=True))
        tool.unlink()
    (warning,) = linkpack.unlink((), app, box.options(), every=True).plan.warnings
    assert warning.code == "WSUPERSEDED"
    assert {tool.read_text(), Path(warning.path).read_text()} == {"one", "two"}


@pytest.mark.parametrize("shared", [False, True])
def test_shims_go_with_a_link_that_is_in_no_record(box: LinkBox, *, shared: bool) -> None:
    """Other files in the folder of commands stay."""
    box.env["LINKPACK_PLATFORM"] = "win32"
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    linkpack.link([lib, box.command("lib2", "beta")], app, box.options())
    shutil.rmtree(box.home / "state")
    bins = box.prefix if shared else Path(app, "node_modules/.bin")
    (bins / "program.exe").write_bytes(bytes(2 << 20))
    (bins / "text.cmd").write_text("alpha")
    linkpack.unlink(["alpha"], app, box.options(), shared=shared)
    files = {path.name for path in bins.iterdir() if path.is_file()}
    assert files == {"beta", "beta.cmd", "beta.ps1", "program.exe", "text.cmd"}


# --- undo


def test_an_unlink_is_not_undone_by_halves(box: LinkBox) -> None:
    """The same link was made again since, of another version."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    box.package("lib", "alpha", version="2.0.0")
    linkpack.link((), lib, box.options())
    before = box.tree()
    (conflict,) = plan_last_undo(app, box.options()).conflicts
    assert conflict.message == f"alpha in {box.modules} was linked or unlinked again since"
    with pytest.raises(StalePlan, match="linked again since"):
        linkpack.undo(None, app, box.options())
    assert box.tree() == before


def test_an_unlink_is_undone_where_the_folder_is_there_again(box: LinkBox) -> None:
    """A file in the folder's place is in the way."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    modules = Path(app, "node_modules")
    linkpack.link([lib], app, box.options())
    linkpack.unlink(["alpha"], app, box.options())
    modules.write_text("")
    with pytest.raises(StalePlan, match="node_modules has changed since"):
        linkpack.undo(None, app, box.options())
    modules.unlink()
    (modules / "other").mkdir(parents=True)
    linkpack.undo(None, app, box.options())
    assert box.leads(app, "alpha") == lib
    linkpack.unlink(["alpha"], app, box.options())
    assert [path.name for path in modules.iterdir()] == ["other"]


def carry_out(box: LinkBox, plan: LinkPlan, app: str) -> None:
    """Do a plan that was made before something happened."""
    store = find_store(box.env)
    places = [app, str(box.modules)]
    with lock_places(store, places):
        apply(plan, store, places, app)


def test_folders_may_come_and_go_between_plan_and_act(box: LinkBox) -> None:
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    commands = Path(app, "node_modules/.bin")
    plan = linkpack.plan_link([lib], app, box.options())
    commands.mkdir(parents=True)
    carry_out(box, plan, app)
    assert os.path.realpath(commands / "alpha") == f"{lib}/cli.js"
    (commands / "alpha").unlink()
    plan = linkpack.plan_unlink(["alpha"], app, box.options())
    commands.rmdir()
    carry_out(box, plan, app)
    assert not Path(app, "node_modules").exists()


@pytest.mark.parametrize("which", ["link", "unlink"])
def test_a_file_that_took_a_folders_place_ends_the_plan(box: LinkBox, which: str) -> None:
    """It belongs to another process or the user."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    commands = Path(app, "node_modules/.bin")
    if which == "unlink":
        linkpack.link([lib], app, box.options())
        (commands / "alpha").unlink()
        plan = linkpack.plan_unlink(["alpha"], app, box.options())
        commands.rmdir()
    else:
        plan = linkpack.plan_link([lib], app, box.options())
        commands.parent.mkdir()
    commands.write_text("theirs")
    before = box.tree()
    with pytest.raises(StalePlan, match=r"\.bin changed while"):
        carry_out(box, plan, app)
    assert box.tree() == before


def test_unlink_of_a_dot_takes_the_packages_global_link_away(box: LinkBox) -> None:
    """As `unlink` does: the project itself is not among what it links."""
    lib = box.package("lib", "lib")
    linkpack.link((), lib, box.options())
    assert [problem.code for problem in linkpack.plan_unlink(["."], lib, box.options()).conflicts] == []
    assert [item.name for item in linkpack.unlink(["."], lib, box.options()).plan.removed] == ["lib"]
    assert not (box.modules / "lib").is_symlink()


def test_unlink_all_keeps_the_link_of_an_installer_that_was_linked_again(box: LinkBox) -> None:
    """A saved link in between made the manifest ask for another folder."""
    lib, other = box.package("lib", "lib"), box.package("dev/lib", "lib")
    app = box.package("app", "app", dependencies={"lib": "link:../lib"})
    manifest = Path(app, "package.json").read_bytes()
    Path(app, "node_modules").mkdir()
    Path(app, "node_modules/lib").symlink_to("../../lib")
    linkpack.link([other], app, box.options(save=True))
    linkpack.link([lib], app, box.options())
    linkpack.unlink((), app, box.options(), every=True)
    assert Path(app, "node_modules/lib").readlink() == Path("../../lib")
    assert Path(app, "package.json").read_bytes() == manifest
