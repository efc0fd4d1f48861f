"""`link` and the commands that take it back, on real directories."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import (
    ConfigError,
    LinkConflict,
    LinkError,
    LinkMissing,
    LinkpackError,
    ManifestInvalid,
    ProjectError,
    StalePlan,
)
from linkpack.linking.builder import PlanBuilder
from linkpack.linking.command import LinkOptions, local_folder, read_settings, shared_folder
from linkpack.linking.command_scripts import make_runnable
from linkpack.linking.undo_command import plan_last_undo
from linkpack.system import own_process
from tests.support.linkbox import LinkBox, codes

if TYPE_CHECKING:
    from collections.abc import Iterator


SHIMS = {"linux": ("",), "win32": ("", ".cmd", ".ps1")}  # the endings of a command's files


def names(folder: Path | str) -> list[str]:
    """The names in *folder*, sorted."""
    return sorted(path.name for path in Path(folder).iterdir())


def test_a_package_is_linked_globally_and_then_by_name(box: LinkBox) -> None:
    """The links are relative, and lead straight to the package's folder."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    linkpack.link(project=lib, options=box.options())
    linkpack.link(["alpha"], app, box.options())
    assert str((box.modules / "alpha").readlink()) == "../../../work/lib"
    assert str(Path(f"{app}/node_modules/alpha").readlink()) == "../../lib"
    assert str((box.prefix / "bin/alpha").readlink()) == "../lib/node_modules/alpha/cli.js"
    assert str(Path(f"{app}/node_modules/.bin/alpha").readlink()) == "../alpha/cli.js"


def test_linking_again_changes_nothing(box: LinkBox) -> None:
    """The last command that changed something can still be undone."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    before = box.tree()
    again = linkpack.link([lib], app, box.options())
    assert again.run == ""
    assert not again.plan.added
    assert box.tree() == before
    linkpack.undo(None, app, box.options())
    assert not box.leads(app, "alpha")


@pytest.mark.parametrize("way", ["undo", "unlink"])
@pytest.mark.parametrize("there", ["nothing", "package", "link", "file", "dangling"])
def test_undo_and_unlink_restore_what_a_link_displaced(box: LinkBox, way: str, there: str) -> None:
    """The disk is as it was before, byte for byte."""
    lib, app = box.command("lib", "@s/alpha", man="a.1"), box.package("app", "app")
    Path(lib, "a.1").write_text("page")
    modules = Path(app, "node_modules", "@s")
    if there == "package":
        box.installed(app, "@s/alpha")
    elif there != "nothing":
        modules.mkdir(parents=True)
        if there == "file":
            (modules / "alpha").write_text("mine")
        else:
            (modules / "alpha").symlink_to("nowhere" if there == "dangling" else "..")
    before = box.tree()
    journal = linkpack.link([lib], app, box.options())
    assert box.leads(app, "@s/alpha") == lib
    if way == "undo":
        linkpack.undo(journal, app, box.options())
    else:
        linkpack.unlink(["@s/alpha"], app, box.options())
        linkpack.unlink(project=lib, options=box.options())
    assert box.tree() == before


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_links_can_be_removed_in_any_order(box: LinkBox, order: tuple[str, str]) -> None:
    """The folders that were made for links are removed with the last of them."""
    app = box.package("app", "app")
    before = box.tree()
    libs = {name: box.command(name, name) for name in order}
    packages = box.tree(box.work)
    for name in ("one", "two"):
        linkpack.link([libs[name]], app, box.options())
    linkpack.unlink([order[0]], app, box.options())
    assert box.leads(app, order[1]) == libs[order[1]]
    assert (Path(app) / "node_modules/.bin" / order[1]).exists()
    linkpack.unlink([order[1]], app, box.options())
    assert box.tree(box.work) == packages
    for name in order:
        linkpack.unlink([name], app, box.options(), shared=True)
    for name in order:
        shutil.rmtree(libs[name])
    assert box.tree() == before


def test_the_second_link_over_a_package_gives_way_to_it(box: LinkBox) -> None:
    """Unlinking it restores what the first link displaced."""
    app = box.package("app", "app")
    old = box.installed(app, "alpha")
    before = box.tree(app)
    for folder in ("a", "b"):
        linkpack.link([box.command(folder, "alpha", bin={folder: "cli.js"})], app, box.options())
    assert names(Path(app, "node_modules/.bin")) == ["b"]
    linkpack.unlink(["alpha"], app, box.options())
    assert old.is_dir()
    assert box.tree(app) == before


@pytest.mark.parametrize("theirs", ["nothing", "file", "link"])
@pytest.mark.parametrize("runs", ["xy", "xy x", "xy y", "xy xy", "xy yx", "z xzy", "xyz yxz"])
def test_packages_with_one_command_share_its_path(box: LinkBox, runs: str, theirs: str) -> None:
    """Unlinking any of them leaves another's command, and the last restores what was there."""
    app = box.package("app", "app")
    tool = Path(app, "node_modules/.bin/tool")
    if theirs != "nothing":
        tool.parent.mkdir(parents=True)
        tool.write_text("theirs") if theirs == "file" else tool.symlink_to("../nowhere")
    before = box.tree(app)
    libs = {name: box.command(name, name, bin={"tool": "cli.js"}) for name in sorted({*runs} - {" "})}
    for order in itertools.permutations(libs):
        for run in runs.split():
            journal = linkpack.link([libs[name] for name in run], app, box.options(force=True))
            assert codes(journal) == set()
        for number, name in enumerate(order):
            assert str(tool.readlink()) in {f"../{left}/cli.js" for left in order[number:]}
            assert codes(linkpack.unlink([name], app, box.options())) == set()
        assert box.tree(app) == before


@pytest.mark.parametrize("platform", SHIMS)
@pytest.mark.parametrize("runs", ["x y", "x y x", "x y r", "x y x r"])
def test_global_packages_with_one_command_share_its_path(box: LinkBox, platform: str, runs: str) -> None:
    """Removed in any order, they leave the prefix as it was."""
    box.env["LINKPACK_PLATFORM"] = platform
    tool = box.prefix / ("tool" if platform == "win32" else "bin/tool")
    tool.parent.mkdir(parents=True)
    tool.write_text("theirs")
    before = box.tree()
    libs = {name: box.command(name, name, bin={"tool": "cli.js"}) for name in "xy"}
    for order in itertools.permutations(libs):
        for run in runs.split():
            if run == "r":
                linkpack.relink((), libs["x"], box.options(), shared=True)
            else:
                linkpack.link((), libs[run], box.options(force=True))
        linkpack.unlink([order[0]], libs["x"], box.options(), shared=True)
        assert tool.exists()
        linkpack.unlink([order[1]], libs["x"], box.options(), shared=True)
        assert {path: box.tree()[path] for path in before} == before
        assert names(box.prefix) == [tool.relative_to(box.prefix).parts[0]]


@pytest.mark.parametrize("platform", SHIMS)
def test_a_command_that_was_given_up_does_not_come_back(box: LinkBox, platform: str) -> None:
    """Another package displaced it, and is unlinked."""
    box.env["LINKPACK_PLATFORM"] = platform
    app = box.package("app", "app")
    before = box.tree(app)
    libs = [box.command(name, name, bin={"tool": "cli.js"}) for name in "xyx"]
    for lib in libs:
        linkpack.link([lib], app, box.options(force=True))
    box.package("y", "y", bin={})
    linkpack.link([libs[1]], app, box.options())
    linkpack.unlink(["x"], app, box.options())
    assert not os.path.lexists(f"{app}/node_modules/.bin/tool")
    linkpack.unlink(["y"], app, box.options())
    assert box.tree(app) == before


@pytest.mark.parametrize("platform", SHIMS)
def test_commands_of_a_displaced_package_come_back_with_it(box: LinkBox, platform: str) -> None:
    """The package was linked without commands first."""
    box.env["LINKPACK_PLATFORM"] = platform
    app = box.package("app", "app")
    lib = box.command("alpha", "alpha")
    (Path(app) / "node_modules/.bin").mkdir(parents=True)
    shutil.copytree(lib, f"{app}/node_modules/alpha")
    if platform == "win32":
        put_shims(app, "alpha", "theirs")
    else:
        Path(app, "node_modules/.bin/alpha").symlink_to("../alpha/cli.js")
    before = box.tree(app)
    linkpack.link([lib], app, box.options(bin_links=False))
    linkpack.link([lib], app, box.options())
    linkpack.unlink(["alpha"], app, box.options())
    assert box.tree(app) == before


def put_shims(app: str, name: str, note: str) -> None:
    """The three files of the command *name*, as somebody else writes them."""
    for ending, text in {
        "": f'"$basedir/../{name}/cli.js" "$@"',
        ".cmd": f'"%dp0%\\..\\{name}\\cli.js" %*',
    }.items():
        Path(app, f"node_modules/.bin/{name}{ending}").write_text(f"{text} # {note}\n")
    Path(app, f"node_modules/.bin/{name}.ps1").write_text(f'"$basedir/../{name}/cli.js" $args # {note}\n')


@pytest.mark.parametrize("already", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_a_command_moves_from_one_package_to_the_next(box: LinkBox, *, already: bool, there: bool) -> None:
    """Unlinking both restores what was there before."""
    app = box.package("app", "app")
    libs = [box.command(name, name, bin={"tool": "cli.js"}) for name in "xy"]
    tool = Path(app, "node_modules/.bin/tool")
    if there:
        tool.parent.mkdir(parents=True)
        tool.write_text("mine")
    before = box.tree(app)
    for lib in libs[::-1] if already else libs[:1]:
        linkpack.link([lib], app, box.options(force=True))
    box.package("x", "x", bin={})
    linkpack.link(libs, app, box.options(force=True))
    assert str(tool.readlink()) == "../y/cli.js"
    linkpack.unlink(["y"], app, box.options())
    assert (tool.read_text() == "mine") if there else not os.path.lexists(tool)
    linkpack.unlink(["x"], app, box.options())
    assert box.tree(app) == before


def test_a_command_that_is_in_place_is_not_touched(box: LinkBox) -> None:
    """One link of the run would take it, and the next take it back."""
    app = box.package("app", "app")
    libs = [box.command(name, name, bin={"tool": "cli.js"}) for name in "xy"]
    linkpack.link([libs[1]], app, box.options(force=True))
    tool = Path(app, "node_modules/.bin/tool")
    before = tool.lstat()
    linkpack.link(libs, app, box.options(force=True))
    assert str(tool.readlink()) == "../y/cli.js"
    after = tool.lstat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


def test_of_two_packages_of_one_name_the_last_is_linked(box: LinkBox) -> None:
    """Nothing of the first is left, nor is any after unlinking."""
    app, mono = box.package("app", "app"), box.package("mono", "mono", workspaces=["packages/*"])
    libs = [box.command(f"mono/packages/{name}", "alpha", bin={name: "cli.js"}) for name in ("wa", "wb")]
    before = box.tree()
    journal = linkpack.link(libs, app, box.options())
    assert (len(journal.plan.added), journal.plan.changed) == (1, ())
    assert box.leads(app, "alpha") == libs[1]
    assert names(Path(app, "node_modules/.bin")) == names(box.prefix / "bin") == ["wb"]
    linkpack.unlink(["alpha"], app, box.options())
    linkpack.unlink(["alpha"], app, box.options(), shared=True)
    assert box.tree() == before
    journal = linkpack.link((), mono, box.options(workspaces=True))
    assert (len(journal.plan.added), journal.plan.changed) == (1, ())
    linkpack.unlink(["alpha"], app, box.options(), shared=True)
    assert box.tree() == before


@pytest.mark.parametrize("folder", ["lib", "lib2"])
@pytest.mark.parametrize("platform", SHIMS)
def test_linking_again_follows_the_commands_of_the_manifest(box: LinkBox, platform: str, folder: str) -> None:
    """What others put at the old command's path stays."""
    box.env["LINKPACK_PLATFORM"] = platform
    lib = box.command("lib", "alpha", bin={"old": "cli.js", "taken": "cli.js"})
    linkpack.link(project=lib, options=box.options())
    bins = Path(shared_folder("bin", lib, box.options()))
    (bins / "taken").unlink()
    (bins / "taken").write_text("theirs")
    linkpack.link(project=box.command(folder, "alpha", bin={"new": "cli.js"}), options=box.options())
    commands = [f"new{ending}" for ending in SHIMS[platform]]
    assert names(bins) == sorted(["taken", *commands, *(["node_modules"] if platform == "win32" else [])])
    linkpack.unlink(["alpha"], lib, box.options(), shared=True)
    assert names(bins) == ["taken"]
    assert (bins / "taken").read_text() == "theirs"


@pytest.mark.parametrize("platform", SHIMS)
@pytest.mark.parametrize("command", ["alpha", "beta"])
def test_commands_of_a_displaced_package_are_displaced_with_it(box: LinkBox, platform: str, command: str) -> None:
    """They come back, whoever made them."""
    box.env["LINKPACK_PLATFORM"] = platform
    lib = box.command("lib", "alpha")
    other = box.command("other", "alpha", bin={command: "cli.js"})
    linkpack.link(project=lib, options=box.options())
    shutil.rmtree(box.home / "state")
    before = box.tree()
    linkpack.link(project=other, options=box.options())
    bins = Path(shared_folder("bin", lib, box.options()))
    commands = [f"{command}{ending}" for ending in SHIMS[platform]]
    assert [name for name in names(bins) if name not in {"lib", "node_modules"}] == commands
    linkpack.unlink(project=other, options=box.options())
    assert box.tree() == before


@pytest.mark.parametrize("platform", SHIMS)
def test_commands_that_npm_made_for_the_same_link_are_replaced(box: LinkBox, platform: str) -> None:
    """Here they lead to an older script. Unlinking leaves none of them."""
    box.env["LINKPACK_PLATFORM"] = platform
    lib = box.command("lib", "alpha", bin="old.js")
    Path(lib, "old.js").write_text("x")
    linkpack.link(project=lib, options=box.options())
    shutil.rmtree(box.home / "state")
    linkpack.link(project=box.command("lib", "alpha"), options=box.options())
    assert "cli.js" in box.tree(shared_folder("bin", lib, box.options()))["alpha"]
    linkpack.unlink(project=lib, options=box.options())
    assert not [path for path in box.tree(box.prefix) if "alpha" in path]


@pytest.mark.parametrize("kind", ["bin", "man"])
def test_foreign_commands_and_pages_are_displaced_by_force_only(box: LinkBox, kind: str) -> None:
    """They are refused before anything is written. Those displaced come back."""
    lib = box.command("lib", "alpha", man="a.1")
    Path(lib, "a.1").write_text("page")
    taken = box.prefix / ("bin/alpha" if kind == "bin" else "share/man/man1/a.1")
    taken.parent.mkdir(parents=True)
    taken.write_text("theirs")
    before = box.tree()
    with pytest.raises(LinkConflict, match=str(taken)) as caught:
        linkpack.link(project=lib, options=box.options())
    assert caught.value.code == "EEXIST"
    assert box.tree() == before
    linkpack.link(project=lib, options=box.options(force=True))
    assert taken.is_symlink()
    linkpack.unlink(project=lib, options=box.options())
    assert box.tree() == before


def test_a_file_in_the_place_of_our_command_stays(box: LinkBox) -> None:
    lib = box.command("lib", "alpha")
    linkpack.link(project=lib, options=box.options())
    command = box.prefix / "bin/alpha"
    command.unlink()
    command.write_text("theirs")
    linkpack.unlink(project=lib, options=box.options())
    assert command.read_text() == "theirs"
    assert not (box.modules / "alpha").is_symlink()


def test_a_folder_in_the_place_of_a_global_link_comes_back(box: LinkBox) -> None:
    """It is displaced, never deleted."""
    lib = box.package("lib", "alpha")
    mine = box.modules / "alpha"
    mine.mkdir(parents=True)
    (mine / "precious").write_text("x")
    before = box.tree()
    linkpack.link(project=lib, options=box.options())
    linkpack.unlink(project=lib, options=box.options())
    assert box.tree() == before


def test_a_command_out_of_the_package_is_left_alone(box: LinkBox) -> None:
    """It is neither linked nor made executable."""
    secret = box.work / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    lib = box.package("lib", "alpha", bin={"leak": "cli.js", "up": "../secret"})
    Path(lib, "cli.js").symlink_to("../secret")
    journal = linkpack.link(project=lib, options=box.options())
    assert "WOUTSIDE" in codes(journal)
    assert secret.stat().st_mode & 0o777 == 0o600
    assert not (box.prefix / "bin").exists()


def test_a_man_page_without_a_section_is_refused(box: LinkBox) -> None:
    """Nothing is linked then, as with npm."""
    lib = box.package("lib", "alpha", {"a.1": "page", "readme.txt": "text"}, man=["a.1", "readme.txt"])
    before = box.tree()
    with pytest.raises(LinkConflict, match="readme") as caught:
        linkpack.link(project=lib, options=box.options())
    assert caught.value.code == "EBADMAN"
    assert box.tree() == before


def test_scripts_are_made_runnable(box: LinkBox) -> None:
    """They get their mode, and lose the carriage return of their first line only."""
    lib = box.package(
        "lib", "alpha", {"a.js": "#!/usr/bin/env node\r\n1\r\n", "b.js": "x"}, bin={"a": "a.js", "b": "b.js"}
    )
    for name in ("a.js", "b.js"):
        Path(lib, name).chmod(0o600)
    linkpack.link(project=lib, options=box.options())
    assert Path(lib, "a.js").read_bytes() == b"#!/usr/bin/env node\n1\r\n"
    wanted = 0o777 & ~int(own_process.current_umask())
    assert {Path(lib, name).stat().st_mode & 0o777 for name in ("a.js", "b.js")} == {wanted}


def test_a_command_may_lead_to_a_folder(box: LinkBox) -> None:
    """As for npm; its mode stays."""
    lib = box.package("lib", "alpha", {"tool/x.js": "x"}, bin={"tool": "tool"})
    Path(lib, "tool").chmod(0o700)
    linkpack.link(project=lib, options=box.options())
    assert Path(lib, "tool").stat().st_mode & 0o777 == 0o700


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Root's rights laid down for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(("script", "umask", "told"), [("/etc/passwd", 0o022, ["WPERM"]), ("/bin/sh", 0o077, [])])
def test_a_script_of_another_user_is_left_as_it_is(script: str, umask: int, told: list[str]) -> None:
    """There is a warning if it cannot be run."""
    builder = PlanBuilder(())
    with ordinary_user():
        make_runnable(builder, os.path.realpath(script), umask)
    assert [problem.code for problem in builder.warnings] == told
    assert builder.changes == {}


@pytest.mark.parametrize(
    ("spec", "error", "code"),
    [
        ("nosuch", LinkMissing, "ENOTLINKED"),
        ("alpha@^2.0.0", LinkError, "ERANGE"),
        ("gone", LinkError, "ESOURCEGONE"),
        ("../nosuch", ManifestInvalid, "ENOENT"),
        ("../unnamed", ManifestInvalid, "ENAME"),
        ("lib/x", LinkError, "ELINKSPEC"),
        ("https://x.org/y", LinkError, "ELINKSPEC"),
    ],
)
def test_specs_that_cannot_be_linked_are_refused(
    box: LinkBox, spec: str, error: type[LinkpackError], code: str
) -> None:
    """There is a reason and a hint, and nothing is written."""
    app = box.package("app", "app")
    box.package("unnamed", None)
    for name in ("alpha", "gone"):
        linkpack.link(project=box.package(name, name), options=box.options())
    shutil.rmtree(box.work / "gone")
    before = box.tree()
    with pytest.raises(error) as caught:
        linkpack.link([spec], app, box.options())
    assert caught.value.code == code
    assert caught.value.hint
    assert box.tree() == before


@pytest.mark.parametrize(
    ("name", "hint"), [("beta", "../beta,"), ("@s/beta", "../beta (which is called @s/beta),")]
)
def test_the_hint_for_a_missing_name_is_the_folder_beside_the_project(box: LinkBox, name: str, hint: str) -> None:
    """It says what the package there is called."""
    box.package("beta", name)
    with pytest.raises(LinkMissing) as caught:
        linkpack.link(["beta"], box.package("app", "app"), box.options())
    assert f"linkpack link {hint}" in caught.value.hint


def test_a_range_or_tag_that_the_global_package_meets_is_linked(box: LinkBox) -> None:
    linkpack.link(project=box.package("lib", "alpha", version="2.1.0"), options=box.options())
    app = box.package("app", "app")
    for spec in ("alpha@^2.0.0", "alpha@latest", "alpha"):
        linkpack.link([spec], app, box.options())
    assert box.leads(app, "alpha") == str(box.work / "lib")


def test_link_refuses_global(box: LinkBox) -> None:
    """As npm does."""
    with pytest.raises(LinkError) as caught:
        linkpack.link(project=box.package("lib", "alpha"), options=box.options(**{"global": True}))
    assert caught.value.code == "ELINKGLOBAL"


@pytest.mark.parametrize("save", [False, True])
def test_a_package_is_not_linked_over_itself(box: LinkBox, *, save: bool) -> None:
    """That would displace it."""
    app = box.package("app", "app")
    old = box.installed(app, "alpha")
    with pytest.raises(LinkError) as caught:
        linkpack.link([str(old)], app, box.options(save=save))
    assert caught.value.code == "ESELF"
    assert old.is_dir()


@pytest.mark.parametrize("clean", [False, True])
def test_relink_brings_back_what_an_install_dropped(box: LinkBox, *, clean: bool) -> None:
    """Unlinking restores what the installer put there."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    box.installed(app, "alpha")
    before = box.tree(app)
    linkpack.link([lib], app, box.options())
    if clean:
        shutil.rmtree(Path(app, "node_modules"))
    else:
        Path(app, "node_modules/alpha").unlink()
        shutil.rmtree(Path(app, "node_modules/.bin"))
    box.installed(app, "alpha")
    assert [link.state for link in linkpack.links(app, box.options())] == ["dropped"]
    assert linkpack.plan_relink((), app, box.options()).changes
    linkpack.relink((), app, box.options())
    assert [link.state for link in linkpack.links(app, box.options())] == ["linked"]
    linkpack.unlink(["alpha"], app, box.options())
    assert box.tree(app) == before


def test_of_two_displaced_packages_the_newer_comes_back(box: LinkBox) -> None:
    """The older one is kept in its stash."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    edited = box.installed(app, "alpha")
    (edited / "precious").write_text("edited by hand")
    linkpack.link([lib], app, box.options())
    Path(app, "node_modules/alpha").unlink()
    shutil.rmtree(Path(app, "node_modules/.bin"))
    box.installed(app, "alpha", "2.0.0")
    assert "WOLDER" in codes(linkpack.relink((), app, box.options()))
    linkpack.unlink(["alpha"], app, box.options())
    assert json.loads((edited / "package.json").read_text())["version"] == "2.0.0"
    assert [path.read_text() for path in Path(app).rglob("precious")] == ["edited by hand"]


def test_unlink_leaves_an_install_that_replaced_the_link(box: LinkBox) -> None:
    """A displaced package that is the same as the installed one is not kept."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    box.installed(app, "alpha")
    before = box.tree(app)
    linkpack.link([lib], app, box.options())
    Path(app, "node_modules/alpha").unlink()
    shutil.rmtree(Path(app, "node_modules/.bin"))
    box.installed(app, "alpha")
    linkpack.unlink(["alpha"], app, box.options())
    assert box.tree(app) == before


@pytest.mark.parametrize("wiped", [".linkpack", "alpha", ""])
def test_unlink_and_relink_work_after_a_clean_install(box: LinkBox, wiped: str) -> None:
    """They work with what is left."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    box.installed(app, "alpha")
    linkpack.link([lib], app, box.options())
    path = Path(app, "node_modules", wiped)
    path.unlink() if path.is_symlink() else shutil.rmtree(path)
    linkpack.relink((), app, box.options())
    assert box.leads(app, "alpha") == lib
    told = codes(linkpack.unlink(["alpha"], app, box.options()))
    assert told == ({"WDISPLACED"} if wiped == ".linkpack" else set())
    assert Path(app, "node_modules/alpha").is_dir() == (wiped == "alpha")


def test_a_link_without_its_package_is_dangling(box: LinkBox) -> None:
    """Relink warns of it, and restores the others."""
    one, two, app = box.package("one", "one"), box.package("two", "two"), box.package("app", "app")
    linkpack.link([one, two], app, box.options())
    for name in ("one", "two"):
        Path(app, "node_modules", name).unlink()
    shutil.rmtree(one)
    assert [link.state for link in linkpack.links(app, box.options())] == ["dangling", "dropped"]
    journal = linkpack.relink(["one", "two", "three"], app, box.options())
    assert codes(journal) >= {"WSOURCEGONE", "WNOTLINKED"}
    assert box.leads(app, "two") == two
    assert {link.state for link in linkpack.links(app, box.options(), shared=True)} == {"linked", "dangling"}
    linkpack.unlink(["one"], app, box.options(), shared=True)
    assert not (box.modules / "one").is_symlink()


def test_relink_brings_back_only_the_links_that_are_named(box: LinkBox) -> None:
    app = box.package("app", "app")
    linkpack.link([box.package(name, name) for name in ("one", "two")], app, box.options())
    for name in ("one", "two"):
        Path(app, "node_modules", name).unlink()
    linkpack.relink(["one"], app, box.options())
    assert [link.state for link in linkpack.links(app, box.options())] == ["linked", "dropped"]


def test_links_made_by_others_are_listed_and_unlinked(box: LinkBox) -> None:
    """Links into stores and to workspaces are installs, and no links of ours."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app", workspaces=["packages/*"])
    inner = Path(box.package("app/packages/member", "member"), "node_modules")
    modules = Path(app, "node_modules")
    (modules / ".bin").mkdir(parents=True)
    (modules / "alpha").symlink_to("../../lib")
    (modules / ".bin/alpha").symlink_to("../alpha/cli.js")
    (modules / ".pnpm/x/node_modules/x").mkdir(parents=True)
    (modules / "x").symlink_to(".pnpm/x/node_modules/x")
    inner.mkdir()
    (inner / "y").symlink_to("../../../node_modules/.pnpm/x/node_modules/x")
    (modules / "member").symlink_to("../packages/member")
    assert [(link.name, link.ours) for link in linkpack.links(app, box.options())] == [("alpha", False)]
    for name, picks in (("x", ()), ("member", ()), ("y", ("member",))):
        with pytest.raises(LinkConflict) as caught:
            linkpack.unlink([name], app, box.options(workspace=picks))
        assert caught.value.code == "ENOTLINK"
    linkpack.unlink((), app, box.options(), every=True)
    assert not os.path.lexists(modules / "alpha")
    assert names(modules / ".bin") == []
    assert lib


def test_unlink_refuses_an_installed_package(box: LinkBox) -> None:
    """A package that is absent is fine. Without a name there has to be a package."""
    app = box.package("app", "app")
    box.installed(app, "alpha")
    with pytest.raises(LinkConflict):
        linkpack.unlink(["alpha"], app, box.options())
    assert linkpack.unlink(["nosuch"], app, box.options()).run == ""
    assert linkpack.unlink(["nosuch"], app, box.options(), shared=True).run == ""
    assert linkpack.unlink((), app, box.options()).run == ""
    with pytest.raises(LinkMissing):
        linkpack.unlink((), str(box.work), box.options())


def test_unlink_without_the_record_restores_what_was_displaced(box: LinkBox) -> None:
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    old = box.installed(app, "alpha")
    linkpack.link([lib], app, box.options())
    shutil.rmtree(box.home / "state")
    linkpack.unlink(["alpha"], app, box.options())
    assert (old / "run.js").is_file()
    assert not old.is_symlink()


def test_only_the_last_command_is_undone_and_once(box: LinkBox) -> None:
    """It is refused if the disk has changed since."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    with pytest.raises(LinkMissing):
        linkpack.undo(None, app, box.options())
    journal = linkpack.link([lib], app, box.options())
    Path(app, "node_modules/alpha").unlink()
    before = box.tree()
    with pytest.raises(StalePlan):
        linkpack.undo(journal, app, box.options())
    assert plan_last_undo(app, box.options()).conflicts
    assert box.tree() == before
    linkpack.relink((), app, box.options())
    linkpack.undo(None, app, box.options())
    with pytest.raises(LinkMissing):
        linkpack.undo(None, app, box.options())


def test_undoing_an_unlink_restores_link_and_record(box: LinkBox) -> None:
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    box.installed(app, "alpha")
    linkpack.link([lib], app, box.options())
    before = box.tree()
    linkpack.unlink(["alpha"], app, box.options())
    linkpack.undo(None, app, box.options())
    assert box.tree() == before
    linkpack.unlink(["alpha"], app, box.options())
    assert not box.leads(app, "alpha")


@pytest.mark.parametrize("flags", [{}, {"save": True}, {"save_dev": True}])
def test_planning_touches_nothing(box: LinkBox, flags: dict[str, bool]) -> None:
    """Not even times of files."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    box.installed(app, "alpha")

    def times() -> dict[str, tuple[int, int]]:
        return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in box.root.rglob("*")}

    before = times()
    plan = linkpack.plan_link([lib], app, box.options(**flags))
    assert [new.name for _, new in plan.changed] == ["alpha"]
    assert times() == before


def test_link_warns_of_ranges_peers_and_dependencies(box: LinkBox) -> None:
    """Each warning has a hint."""
    lib = box.package(
        "lib", "alpha", peerDependencies={"react": "^18.0.0", "vue": "*"}, dependencies={"beta": "1"}
    )
    app = box.package("app", "app", dependencies={"alpha": "^5.0.0"})
    for folder in (lib, app):
        box.installed(folder, "react", "17.0.0")
    journal = linkpack.link([lib], app, box.options())
    assert codes(journal) == {"WRANGE", "WPEERTWICE", "WPEER", "WDEPENDENCIES"}
    assert [problem.code for problem in journal.plan.warnings if not problem.hint] == []
    shutil.rmtree(Path(lib, "node_modules"))
    Path(app, "node_modules/alpha").unlink()
    assert {"WPEERHIDDEN", "WPEER"} <= codes(linkpack.link([lib], app, box.options()))


@pytest.mark.parametrize(
    ("peers", "told"),
    [
        ({"react": "^18.0.0"}, set()),
        ({"react": "^18.0.0", "vue": "*"}, set()),
        ({"react": "^17.0.0"}, {"WPEER"}),
        ({"react": "^18.0.0", "svelte": "*"}, {"WPEER"}),
    ],
)
def test_a_package_inside_the_project_finds_its_peers(box: LinkBox, peers: dict[str, str], told: set[str]) -> None:
    """Wrong peers, and needed ones that are missing, are warnings."""
    app = box.package("app", "app")
    box.installed(app, "react", "18.2.0")
    lib = box.package("app/lib", "alpha", peerDependencies=peers, peerDependenciesMeta={"vue": {"optional": True}})
    assert codes(linkpack.link([lib], app, box.options())) == told


@pytest.mark.parametrize(("place", "told"), [("", set()), ("node_modules", {"WDEPENDENCIES"})])
def test_dependencies_of_a_global_package_are_looked_for_beside_it(
    box: LinkBox, place: str, told: set[str]
) -> None:
    """Node does not look in a node_modules inside of the global one."""
    app = box.package("app", "app")
    for folder, name in (("", "alpha"), (place, "beta")):
        path = box.modules / folder / name
        path.mkdir(parents=True)
        (path / "package.json").write_text(json.dumps({"name": name, "dependencies": {"beta": "1"}}))
    assert codes(linkpack.link(["alpha"], app, box.options())) == told


@pytest.mark.parametrize(
    ("picks", "linked"),
    [
        ({"workspace": ("wa",)}, {"wa"}),
        ({"workspace": ("packages/wb",)}, {"wb"}),
        ({"workspace": ("packages",)}, {"wa", "wb"}),
        ({"workspaces": True}, {"wa", "wb"}),
        ({"workspaces": True, "include_workspace_root": True}, {"wa", "wb"}),
        ({}, {"mono"}),
    ],
)
def test_workspaces_are_linked_globally(box: LinkBox, picks: dict[str, object], linked: set[str]) -> None:
    """They are chosen by name, path or parent folder. The root is not among them, as for npm."""
    mono = box.package("mono", "mono", workspaces=["packages/*"])
    for name in ("wa", "wb"):
        box.package(f"mono/packages/{name}", name)
    linkpack.link((), mono, box.options(**picks))
    assert set(names(box.modules)) == linked
    for wrong in ("nosuch", "../app"):
        with pytest.raises(ProjectError) as caught:
            linkpack.link((), mono, box.options(workspace=(wrong,)))
        assert caught.value.code == "EWORKSPACE"


def test_a_link_goes_into_a_workspace_with_its_own_copy(box: LinkBox) -> None:
    """Else it goes into the root. A command that is started in a workspace chooses it."""
    mono = box.package("mono", "mono", workspaces=["packages/*"])
    wa, wb = (box.package(f"mono/packages/{name}", name) for name in ("wa", "wb"))
    box.installed(wb, "alpha")
    lib = box.package("lib", "alpha")
    linkpack.link([lib], wa, box.options(save=True))
    assert box.leads(mono, "alpha") == lib
    linkpack.link([lib], wb, box.options())
    assert box.leads(wb, "alpha") == lib
    saved = json.loads(Path(wa, "package.json").read_text())
    assert saved["dependencies"] == {"alpha": "file:../../../lib"}
    linkpack.unlink(["alpha"], wb, box.options())
    assert Path(wb, "node_modules/alpha/run.js").exists()
    assert box.leads(mono, "alpha") == lib
    linkpack.unlink(["alpha"], wa, box.options())
    assert not box.leads(mono, "alpha")
    assert "dependencies" not in json.loads(Path(wa, "package.json").read_text())
    with pytest.raises(ProjectError, match="has no workspaces"):
        linkpack.link([lib], lib.replace("lib", "lib"), box.options(workspaces=True))


def test_a_node_modules_that_is_a_link_stays_one(box: LinkBox) -> None:
    """Links in it lead to the right place."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    (box.work / "far/node_modules").mkdir(parents=True)
    Path(app, "node_modules").symlink_to("../far/node_modules")
    linkpack.link([lib], app, box.options())
    assert box.leads(app, "alpha") == lib
    assert Path(app, "node_modules/.bin/alpha").exists()


@pytest.mark.parametrize("platform", SHIMS)
def test_our_links_are_known_through_folders_that_are_links(box: LinkBox, platform: str) -> None:
    """These are folders of the prefix or the project that lead to others of it."""
    box.env["LINKPACK_PLATFORM"] = platform
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    modules = Path(shared_folder("root", app, box.options()))
    for link, folder in ((modules, box.prefix / "a/b"), (Path(app, "node_modules/.bin"), Path(app, "c/d"))):
        folder.mkdir(parents=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)
    before = box.tree()
    linkpack.link([lib], app, box.options())
    assert linkpack.link([lib], app, box.options()).run == ""
    other = box.command("other", "alpha", bin={"beta": "cli.js"})
    linkpack.link([other], app, box.options())
    assert names(Path(app, "c/d")) == [f"beta{ending}" for ending in SHIMS[platform]]
    linkpack.unlink(["alpha"], app, box.options())
    linkpack.unlink(["alpha"], app, box.options(), shared=True)
    shutil.rmtree(other)
    assert box.tree() == before


def test_displaced_content_stays_on_its_file_system(box: LinkBox) -> None:
    """It comes back."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    if not memory.is_dir() or memory.stat().st_dev == box.root.stat().st_dev:
        pytest.skip("no second file system")
    lib = box.command("lib", "alpha")
    with tempfile.TemporaryDirectory(dir=memory) as other:
        app = Path(other).resolve()
        (app / "package.json").write_text('{"name": "app"}')
        (app / "bin").mkdir()
        (app / "bin/alpha").write_text("theirs")
        box.prefix.mkdir()
        (box.prefix / "bin").symlink_to(app / "bin")
        linkpack.link([lib], str(app), box.options(force=True))
        assert (app / "bin/alpha").resolve() == Path(lib, "cli.js")
        linkpack.unlink(["alpha"], str(app), box.options(), shared=True)
        assert names(app / "bin") == ["alpha"]
        assert (app / "bin/alpha").read_text() == "theirs"


def test_absolute_links_stay_absolute(box: LinkBox) -> None:
    """Also when they are made again."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    linkpack.link([lib], app, box.options()._replace(absolute=True))
    assert str(Path(f"{app}/node_modules/alpha").readlink()) == lib
    Path(app, "node_modules/alpha").unlink()
    linkpack.relink((), app, box.options())
    assert str(Path(f"{app}/node_modules/alpha").readlink()) == lib


def test_on_windows_a_command_is_three_files(box: LinkBox) -> None:
    """Links are absolute there. Only foreign files are refused."""
    box.env["LINKPACK_PLATFORM"] = "win32"
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    before = box.tree()
    linkpack.link([lib], app, box.options())
    assert str((box.prefix / "node_modules/alpha").readlink()) == lib
    three = {"alpha", "alpha.cmd", "alpha.ps1"}
    assert three <= set(names(box.prefix))
    assert set(names(f"{app}/node_modules/.bin")) == three
    (box.prefix / "alpha.cmd").write_text('"%dp0%\\node_modules\\alpha\\old.js" %*')
    linkpack.link((), lib, box.options())
    linkpack.unlink(["alpha"], app, box.options())
    linkpack.unlink((), lib, box.options())
    assert box.tree() == before
    box.prefix.mkdir()
    (box.prefix / "alpha.ps1").write_text("foreign")
    with pytest.raises(LinkConflict):
        linkpack.link((), lib, box.options())


@pytest.mark.parametrize(
    ("path", "to", "code"),
    [
        ("work/app/node_modules", None, "ENOTDIR"),
        ("work/app/node_modules", "nowhere", "ENOTDIR"),
        ("prefix/lib", None, "ENOTDIR"),
        ("prefix", None, "ENOTDIR"),
    ],
)
def test_files_in_the_place_of_folders_are_conflicts(box: LinkBox, path: str, to: str | None, code: str) -> None:
    """Nothing is changed then."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    at = box.root / path
    at.parent.mkdir(exist_ok=True)
    at.symlink_to(to) if to else at.write_text("")
    before = box.tree()
    plan = linkpack.plan_link([lib], app, box.options())
    assert {problem.code for problem in plan.conflicts} == {code}
    assert (to if code == "EACCES" else str(at)) in {problem.path for problem in plan.conflicts}
    with pytest.raises(LinkpackError) as caught:
        linkpack.link([lib], app, box.options())
    assert caught.value.code == code
    assert caught.value.hint
    assert box.tree() == before


def test_a_broken_manifest_is_refused_and_a_missing_one_is_fine(box: LinkBox) -> None:
    lib = box.package("lib", "alpha")
    bare = box.work / "bare"
    bare.mkdir()
    linkpack.link([lib], str(bare), box.options())
    assert box.leads(str(bare), "alpha") == lib
    (bare / "package.json").write_text("{bad")
    with pytest.raises(ManifestInvalid):
        linkpack.link([lib], str(bare), box.options())
    os.truncate(bare / "package.json", (16 << 20) + 1)
    with pytest.raises(ManifestInvalid, match="more than 16777216 bytes") as caught:
        linkpack.link([lib], str(bare), box.options())
    assert caught.value.code == "EUNREADABLE"
    with pytest.raises(LinkError):
        linkpack.links(str(box.work / "nosuch"), box.options())


def test_folders_and_settings_are_reported(box: LinkBox) -> None:
    """The settings with who made them."""
    app = box.package("app", "app")
    assert local_folder("bin", f"{app}") == f"{app}/node_modules/.bin"
    assert shared_folder("root", app, box.options()) == str(box.modules)
    assert read_settings(app, box.options()).settings["prefix"].source == "environment npm_config_*"


def test_a_text_in_the_place_of_a_list_is_refused(box: LinkBox) -> None:
    """It is one name, and no list of letters."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    calls = (
        linkpack.plan_link,
        linkpack.link,
        linkpack.plan_unlink,
        linkpack.unlink,
        linkpack.plan_relink,
        linkpack.relink,
    )
    for call in calls:
        with pytest.raises(TypeError, match="takes a list of texts"):
            call(lib, app, box.options())


def test_without_home_the_user_database_is_asked(box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an entry there, it is an error."""
    app, options = box.package("app", "app"), LinkOptions(env={"npm_config_prefix": str(box.prefix)})
    user = pwd.getpwuid(os.geteuid())
    fields = list(user)
    fields[5] = str(box.home)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: pwd.struct_passwd(fields))
    linkpack.link([box.package("lib", "lib")], app, options)
    assert (box.home / ".local/state/linkpack").is_dir()
    fields[5] = ""
    with pytest.raises(ConfigError) as caught:
        linkpack.links(app, options)
    assert caught.value.code == "ENOHOME"
