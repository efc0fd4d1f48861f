"""What link, unlink, relink, links and undo do, on real directories."""

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

from linkpack.errors import (
    ConfigError,
    LinkConflict,
    LinkError,
    LinkMissing,
    LinkpackError,
    ManifestInvalid,
    StalePlan,
)
from linkpack.linking import api as linkapi
from linkpack.linking.api import LinkOptions
from linkpack.linking.builder import PlanBuilder
from linkpack.linking.place_script import make_runnable
from linkpack.system import links as fslinks
from tests.support.linkbox import LinkBox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.linking.journal import Journal

SHIMS = {"linux": ("",), "win32": ("", ".cmd", ".ps1")}  # the endings of a command's files


@pytest.fixture
def box(tmp_path: Path) -> LinkBox:
    """A private machine."""
    return LinkBox(tmp_path)


def names(folder: Path | str) -> list[str]:
    """The names in *folder*, sorted."""
    return sorted(path.name for path in Path(folder).iterdir())


def codes(journal: Journal) -> set[str]:
    """The codes of the warnings."""
    return {problem.code for problem in journal.plan.warnings}


def test_register_and_link(box: LinkBox) -> None:
    """A package is linked globally by a relative link, and from there into a project, straight to its folder."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    linkapi.link(project=lib, options=box.options())
    linkapi.link(["alpha"], app, box.options())
    assert str((box.modules / "alpha").readlink()) == "../../../work/lib"
    assert str(Path(f"{app}/node_modules/alpha").readlink()) == "../../lib"
    assert str((box.prefix / "bin/alpha").readlink()) == "../lib/node_modules/alpha/cli.js"
    assert str(Path(f"{app}/node_modules/.bin/alpha").readlink()) == "../alpha/cli.js"


def test_again_changes_nothing(box: LinkBox) -> None:
    """What is linked already is left as it is, and the last command can still be undone."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    linkapi.link([lib], app, box.options())
    before = box.tree()
    again = linkapi.link([lib], app, box.options())
    assert again.run == ""
    assert not again.plan.added
    assert box.tree() == before
    linkapi.undo(None, app, box.options())
    assert not box.leads(app, "alpha")


@pytest.mark.parametrize("way", ["undo", "unlink"])
@pytest.mark.parametrize("there", ["nothing", "package", "link", "file", "dangling"])
def test_taking_back_is_the_identity(box: LinkBox, way: str, there: str) -> None:
    """Whatever a link displaced, undo and unlink leave the disk as it was before."""
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
    journal = linkapi.link([lib], app, box.options())
    assert box.leads(app, "@s/alpha") == lib
    if way == "undo":
        linkapi.undo(journal, app, box.options())
    else:
        linkapi.unlink(["@s/alpha"], app, box.options())
        linkapi.unlink(project=lib, options=box.options())
    assert box.tree() == before


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_links_are_independent(box: LinkBox, order: tuple[str, str]) -> None:
    """Links come and go one by one; the folders made for them go with the last."""
    app = box.package("app", "app")
    before = box.tree()
    libs = {name: box.command(name, name) for name in order}
    packages = box.tree(box.work)
    for name in ("one", "two"):
        linkapi.link([libs[name]], app, box.options())
    linkapi.unlink([order[0]], app, box.options())
    assert box.leads(app, order[1]) == libs[order[1]]
    assert (Path(app) / "node_modules/.bin" / order[1]).exists()
    linkapi.unlink([order[1]], app, box.options())
    assert box.tree(box.work) == packages
    for name in order:
        linkapi.unlink([name], app, box.options(), shared=True)
    for name in order:
        shutil.rmtree(libs[name])
    assert box.tree() == before


def test_two_links_over_one_package(box: LinkBox) -> None:
    """A link over a link gives way to what the first one displaced."""
    app = box.package("app", "app")
    old = box.installed(app, "alpha")
    before = box.tree(app)
    for folder in ("a", "b"):
        linkapi.link([box.command(folder, "alpha", bin={folder: "cli.js"})], app, box.options())
    assert names(Path(app, "node_modules/.bin")) == ["b"]
    linkapi.unlink(["alpha"], app, box.options())
    assert old.is_dir()
    assert box.tree(app) == before


@pytest.mark.parametrize("theirs", ["nothing", "file", "link"])
@pytest.mark.parametrize("runs", ["xy", "xy x", "xy y", "xy xy", "xy yx", "z xzy", "xyz yxz"])
def test_commands_of_one_name(box: LinkBox, runs: str, theirs: str) -> None:
    """When linked packages have one command, taking any away leaves another's, and in the end what was there."""
    app = box.package("app", "app")
    tool = Path(app, "node_modules/.bin/tool")
    if theirs != "nothing":
        tool.parent.mkdir(parents=True)
        tool.write_text("theirs") if theirs == "file" else tool.symlink_to("../nowhere")
    before = box.tree(app)
    libs = {name: box.command(name, name, bin={"tool": "cli.js"}) for name in sorted({*runs} - {" "})}
    for order in itertools.permutations(libs):
        for run in runs.split():
            journal = linkapi.link([libs[name] for name in run], app, box.options(force=True))
            assert codes(journal) == set()
        for number, name in enumerate(order):
            assert str(tool.readlink()) in {f"../{left}/cli.js" for left in order[number:]}
            assert codes(linkapi.unlink([name], app, box.options())) == set()
        assert box.tree(app) == before


@pytest.mark.parametrize("platform", SHIMS)
@pytest.mark.parametrize("runs", ["x y", "x y x", "x y r", "x y x r"])
def test_global_commands_of_one_name(box: LinkBox, platform: str, runs: str) -> None:
    """When global packages have one command, what is taken away in any order leaves the prefix as it was."""
    box.env["LINKPACK_PLATFORM"] = platform
    tool = box.prefix / ("tool" if platform == "win32" else "bin/tool")
    tool.parent.mkdir(parents=True)
    tool.write_text("theirs")
    before = box.tree()
    libs = {name: box.command(name, name, bin={"tool": "cli.js"}) for name in "xy"}
    for order in itertools.permutations(libs):
        for run in runs.split():
            if run == "r":
                linkapi.relink((), libs["x"], box.options(), shared=True)
            else:
                linkapi.link((), libs[run], box.options(force=True))
        linkapi.unlink([order[0]], libs["x"], box.options(), shared=True)
        assert tool.exists()
        linkapi.unlink([order[1]], libs["x"], box.options(), shared=True)
        assert {path: box.tree()[path] for path in before} == before
        assert names(box.prefix) == [tool.relative_to(box.prefix).parts[0]]


@pytest.mark.parametrize("platform", SHIMS)
def test_a_command_that_a_package_no_longer_has(box: LinkBox, platform: str) -> None:
    """A command that a package gave up, where another displaced it, does not come back with that one's end."""
    box.env["LINKPACK_PLATFORM"] = platform
    app = box.package("app", "app")
    before = box.tree(app)
    libs = [box.command(name, name, bin={"tool": "cli.js"}) for name in "xyx"]
    for lib in libs:
        linkapi.link([lib], app, box.options(force=True))
    box.package("y", "y", bin={})
    linkapi.link([libs[1]], app, box.options())
    linkapi.unlink(["x"], app, box.options())
    assert not os.path.lexists(f"{app}/node_modules/.bin/tool")
    linkapi.unlink(["y"], app, box.options())
    assert box.tree(app) == before


@pytest.mark.parametrize("platform", SHIMS)
def test_commands_linked_after_all(box: LinkBox, platform: str) -> None:
    """Commands of a package that was displaced without them come back with it."""
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
    linkapi.link([lib], app, box.options(bin_links=False))
    linkapi.link([lib], app, box.options())
    linkapi.unlink(["alpha"], app, box.options())
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
def test_command_that_goes_over(box: LinkBox, *, already: bool, there: bool) -> None:
    """A command that one package gives up and the next one has is the latter's; then there is what was there."""
    app = box.package("app", "app")
    libs = [box.command(name, name, bin={"tool": "cli.js"}) for name in "xy"]
    tool = Path(app, "node_modules/.bin/tool")
    if there:
        tool.parent.mkdir(parents=True)
        tool.write_text("mine")
    before = box.tree(app)
    for lib in libs[::-1] if already else libs[:1]:
        linkapi.link([lib], app, box.options(force=True))
    box.package("x", "x", bin={})
    linkapi.link(libs, app, box.options(force=True))
    assert str(tool.readlink()) == "../y/cli.js"
    linkapi.unlink(["y"], app, box.options())
    assert (tool.read_text() == "mine") if there else not os.path.lexists(tool)
    linkapi.unlink(["x"], app, box.options())
    assert box.tree(app) == before


def test_command_that_is_there_is_left(box: LinkBox) -> None:
    """A command that one link would take and the next one of the same run take back is not touched."""
    app = box.package("app", "app")
    libs = [box.command(name, name, bin={"tool": "cli.js"}) for name in "xy"]
    linkapi.link([libs[1]], app, box.options(force=True))
    tool = Path(app, "node_modules/.bin/tool")
    before = tool.lstat()
    linkapi.link(libs, app, box.options(force=True))
    assert str(tool.readlink()) == "../y/cli.js"
    after = tool.lstat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


def test_two_of_one_name(box: LinkBox) -> None:
    """Of two packages of one name the last is linked, and of the first there is nothing, before and after."""
    app, mono = box.package("app", "app"), box.package("mono", "mono", workspaces=["packages/*"])
    libs = [box.command(f"mono/packages/{name}", "alpha", bin={name: "cli.js"}) for name in ("wa", "wb")]
    before = box.tree()
    journal = linkapi.link(libs, app, box.options())
    assert (len(journal.plan.added), journal.plan.changed) == (1, ())
    assert box.leads(app, "alpha") == libs[1]
    assert names(Path(app, "node_modules/.bin")) == names(box.prefix / "bin") == ["wb"]
    linkapi.unlink(["alpha"], app, box.options())
    linkapi.unlink(["alpha"], app, box.options(), shared=True)
    assert box.tree() == before
    journal = linkapi.link((), mono, box.options(workspaces=True))
    assert (len(journal.plan.added), journal.plan.changed) == (1, ())
    linkapi.unlink(["alpha"], app, box.options(), shared=True)
    assert box.tree() == before


@pytest.mark.parametrize("folder", ["lib", "lib2"])
@pytest.mark.parametrize("platform", SHIMS)
def test_renamed_command_leaves_nothing(box: LinkBox, platform: str, folder: str) -> None:
    """Commands follow the manifest when the package is linked again; what others put there stays."""
    box.env["LINKPACK_PLATFORM"] = platform
    lib = box.command("lib", "alpha", bin={"old": "cli.js", "taken": "cli.js"})
    linkapi.link(project=lib, options=box.options())
    bins = Path(linkapi.shared_folder("bin", lib, box.options()))
    (bins / "taken").unlink()
    (bins / "taken").write_text("theirs")
    linkapi.link(project=box.command(folder, "alpha", bin={"new": "cli.js"}), options=box.options())
    commands = [f"new{ending}" for ending in SHIMS[platform]]
    assert names(bins) == sorted(["taken", *commands, *(["node_modules"] if platform == "win32" else [])])
    linkapi.unlink(["alpha"], lib, box.options(), shared=True)
    assert names(bins) == ["taken"]
    assert (bins / "taken").read_text() == "theirs"


@pytest.mark.parametrize("platform", SHIMS)
@pytest.mark.parametrize("command", ["alpha", "beta"])
def test_other_package_at_the_links_place(box: LinkBox, platform: str, command: str) -> None:
    """The commands of what a link displaces go with it, and come back, whoever made them."""
    box.env["LINKPACK_PLATFORM"] = platform
    lib = box.command("lib", "alpha")
    other = box.command("other", "alpha", bin={command: "cli.js"})
    linkapi.link(project=lib, options=box.options())
    shutil.rmtree(box.home / "state")
    before = box.tree()
    linkapi.link(project=other, options=box.options())
    bins = Path(linkapi.shared_folder("bin", lib, box.options()))
    commands = [f"{command}{ending}" for ending in SHIMS[platform]]
    assert [name for name in names(bins) if name not in {"lib", "node_modules"}] == commands
    linkapi.unlink(project=other, options=box.options())
    assert box.tree() == before


@pytest.mark.parametrize("platform", SHIMS)
def test_commands_of_the_same_link_are_not_kept(box: LinkBox, platform: str) -> None:
    """What npm had made for the same link, to an older script, is replaced; unlinking leaves none of it."""
    box.env["LINKPACK_PLATFORM"] = platform
    lib = box.command("lib", "alpha", bin="old.js")
    Path(lib, "old.js").write_text("x")
    linkapi.link(project=lib, options=box.options())
    shutil.rmtree(box.home / "state")
    linkapi.link(project=box.command("lib", "alpha"), options=box.options())
    assert "cli.js" in box.tree(linkapi.shared_folder("bin", lib, box.options()))["alpha"]
    linkapi.unlink(project=lib, options=box.options())
    assert not [path for path in box.tree(box.prefix) if "alpha" in path]


@pytest.mark.parametrize("kind", ["bin", "man"])
def test_foreign_files_are_refused(box: LinkBox, kind: str) -> None:
    """A foreign command or page is refused before a write; by force it is displaced, and comes back."""
    lib = box.command("lib", "alpha", man="a.1")
    Path(lib, "a.1").write_text("page")
    taken = box.prefix / ("bin/alpha" if kind == "bin" else "share/man/man1/a.1")
    taken.parent.mkdir(parents=True)
    taken.write_text("theirs")
    before = box.tree()
    with pytest.raises(LinkConflict, match=str(taken)) as caught:
        linkapi.link(project=lib, options=box.options())
    assert caught.value.code == "EEXIST"
    assert box.tree() == before
    linkapi.link(project=lib, options=box.options(force=True))
    assert taken.is_symlink()
    linkapi.unlink(project=lib, options=box.options())
    assert box.tree() == before


def test_only_what_is_ours_is_removed(box: LinkBox) -> None:
    """A file that took our command's place stays when the link goes."""
    lib = box.command("lib", "alpha")
    linkapi.link(project=lib, options=box.options())
    command = box.prefix / "bin/alpha"
    command.unlink()
    command.write_text("theirs")
    linkapi.unlink(project=lib, options=box.options())
    assert command.read_text() == "theirs"
    assert not (box.modules / "alpha").is_symlink()


def test_users_folder_comes_back(box: LinkBox) -> None:
    """A folder of the user's at the global link's place is displaced, never deleted."""
    lib = box.package("lib", "alpha")
    mine = box.modules / "alpha"
    mine.mkdir(parents=True)
    (mine / "precious").write_text("x")
    before = box.tree()
    linkapi.link(project=lib, options=box.options())
    linkapi.unlink(project=lib, options=box.options())
    assert box.tree() == before


def test_outside_files_are_left_alone(box: LinkBox) -> None:
    """A command that leads out of the package is neither linked nor made executable."""
    secret = box.work / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    lib = box.package("lib", "alpha", bin={"leak": "cli.js", "up": "../secret"})
    Path(lib, "cli.js").symlink_to("../secret")
    journal = linkapi.link(project=lib, options=box.options())
    assert "WOUTSIDE" in codes(journal)
    assert secret.stat().st_mode & 0o777 == 0o600
    assert not (box.prefix / "bin").exists()


def test_page_without_a_section(box: LinkBox) -> None:
    """A man page whose name has no section is refused as by npm, and nothing is linked."""
    lib = box.package("lib", "alpha", {"a.1": "page", "readme.txt": "text"}, man=["a.1", "readme.txt"])
    before = box.tree()
    with pytest.raises(LinkConflict, match="readme") as caught:
        linkapi.link(project=lib, options=box.options())
    assert caught.value.code == "EBADMAN"
    assert box.tree() == before


def test_scripts_are_made_runnable(box: LinkBox) -> None:
    """Scripts get their mode, and the carriage return goes from the first line only."""
    lib = box.package(
        "lib", "alpha", {"a.js": "#!/usr/bin/env node\r\n1\r\n", "b.js": "x"}, bin={"a": "a.js", "b": "b.js"}
    )
    for name in ("a.js", "b.js"):
        Path(lib, name).chmod(0o600)
    linkapi.link(project=lib, options=box.options())
    assert Path(lib, "a.js").read_bytes() == b"#!/usr/bin/env node\n1\r\n"
    wanted = 0o777 & ~int(fslinks.current_umask())
    assert {Path(lib, name).stat().st_mode & 0o777 for name in ("a.js", "b.js")} == {wanted}


def test_command_that_is_a_folder(box: LinkBox) -> None:
    """A command may lead to a folder, as for npm; its mode stays."""
    lib = box.package("lib", "alpha", {"tool/x.js": "x"}, bin={"tool": "tool"})
    Path(lib, "tool").chmod(0o700)
    linkapi.link(project=lib, options=box.options())
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
def test_scripts_of_somebody_else(script: str, umask: int, told: list[str]) -> None:
    """A script that is not ours to change is left as it is, and told when it cannot be run."""
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
def test_specs_that_cannot_be_linked(box: LinkBox, spec: str, error: type[LinkpackError], code: str) -> None:
    """What cannot be linked is refused with a reason and a remedy, and nothing is written."""
    app = box.package("app", "app")
    box.package("unnamed", None)
    for name in ("alpha", "gone"):
        linkapi.link(project=box.package(name, name), options=box.options())
    shutil.rmtree(box.work / "gone")
    before = box.tree()
    with pytest.raises(error) as caught:
        linkapi.link([spec], app, box.options())
    assert caught.value.code == code
    assert caught.value.hint
    assert box.tree() == before


@pytest.mark.parametrize(
    ("name", "hint"), [("beta", "../beta,"), ("@s/beta", "../beta (which is called @s/beta),")]
)
def test_folder_that_was_meant(box: LinkBox, name: str, hint: str) -> None:
    """For a name that is not linked the hint names the folder beside the project, and what that is called."""
    box.package("beta", name)
    with pytest.raises(LinkMissing) as caught:
        linkapi.link(["beta"], box.package("app", "app"), box.options())
    assert f"linkpack link {hint}" in caught.value.hint


def test_range_that_is_met(box: LinkBox) -> None:
    """A range or tag after the name is fine when the global package meets it."""
    linkapi.link(project=box.package("lib", "alpha", version="2.1.0"), options=box.options())
    app = box.package("app", "app")
    for spec in ("alpha@^2.0.0", "alpha@latest", "alpha"):
        linkapi.link([spec], app, box.options())
    assert box.leads(app, "alpha") == str(box.work / "lib")


def test_global_is_refused(box: LinkBox) -> None:
    """Link -g is refused as npm refuses it."""
    with pytest.raises(LinkError) as caught:
        linkapi.link(project=box.package("lib", "alpha"), options=box.options(**{"global": True}))
    assert caught.value.code == "ELINKGLOBAL"


@pytest.mark.parametrize("save", [False, True])
def test_package_in_its_own_way(box: LinkBox, *, save: bool) -> None:
    """A package is not linked over itself: that would displace it."""
    app = box.package("app", "app")
    old = box.installed(app, "alpha")
    with pytest.raises(LinkError) as caught:
        linkapi.link([str(old)], app, box.options(save=save))
    assert caught.value.code == "ESELF"
    assert old.is_dir()


@pytest.mark.parametrize("clean", [False, True])
def test_relink_after_an_install(box: LinkBox, *, clean: bool) -> None:
    """Dropped links are told, come back, and what the installer put there is what unlinking restores."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    box.installed(app, "alpha")
    before = box.tree(app)
    linkapi.link([lib], app, box.options())
    if clean:
        shutil.rmtree(Path(app, "node_modules"))
    else:
        Path(app, "node_modules/alpha").unlink()
        shutil.rmtree(Path(app, "node_modules/.bin"))
    box.installed(app, "alpha")
    assert [link.state for link in linkapi.links(app, box.options())] == ["dropped"]
    assert linkapi.plan_relink((), app, box.options()).changes
    linkapi.relink((), app, box.options())
    assert [link.state for link in linkapi.links(app, box.options())] == ["linked"]
    linkapi.unlink(["alpha"], app, box.options())
    assert box.tree(app) == before


def test_older_displaced_content_stays(box: LinkBox) -> None:
    """When two different things were displaced in turn, the newer one comes back and the older one is kept."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    edited = box.installed(app, "alpha")
    (edited / "precious").write_text("edited by hand")
    linkapi.link([lib], app, box.options())
    Path(app, "node_modules/alpha").unlink()
    shutil.rmtree(Path(app, "node_modules/.bin"))
    box.installed(app, "alpha", "2.0.0")
    assert "WOLDER" in codes(linkapi.relink((), app, box.options()))
    linkapi.unlink(["alpha"], app, box.options())
    assert json.loads((edited / "package.json").read_text())["version"] == "2.0.0"
    assert [path.read_text() for path in Path(app).rglob("precious")] == ["edited by hand"]


def test_unlink_of_a_dropped_link(box: LinkBox) -> None:
    """An install that replaced the link is left alone; what is the same as the displaced content is not kept."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    box.installed(app, "alpha")
    before = box.tree(app)
    linkapi.link([lib], app, box.options())
    Path(app, "node_modules/alpha").unlink()
    shutil.rmtree(Path(app, "node_modules/.bin"))
    box.installed(app, "alpha")
    linkapi.unlink(["alpha"], app, box.options())
    assert box.tree(app) == before


@pytest.mark.parametrize("wiped", [".linkpack", "alpha", ""])
def test_wiped_folders(box: LinkBox, wiped: str) -> None:
    """After a clean install, unlink and relink work with what is left."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    box.installed(app, "alpha")
    linkapi.link([lib], app, box.options())
    path = Path(app, "node_modules", wiped)
    path.unlink() if path.is_symlink() else shutil.rmtree(path)
    linkapi.relink((), app, box.options())
    assert box.leads(app, "alpha") == lib
    told = codes(linkapi.unlink(["alpha"], app, box.options()))
    assert told == ({"WDISPLACED"} if wiped == ".linkpack" else set())
    assert Path(app, "node_modules/alpha").is_dir() == (wiped == "alpha")


def test_source_gone(box: LinkBox) -> None:
    """A link whose package is gone is dangling; relink says so and restores the others."""
    one, two, app = box.package("one", "one"), box.package("two", "two"), box.package("app", "app")
    linkapi.link([one, two], app, box.options())
    for name in ("one", "two"):
        Path(app, "node_modules", name).unlink()
    shutil.rmtree(one)
    assert [link.state for link in linkapi.links(app, box.options())] == ["dangling", "dropped"]
    journal = linkapi.relink(["one", "two", "three"], app, box.options())
    assert codes(journal) >= {"WSOURCEGONE", "WNOTLINKED"}
    assert box.leads(app, "two") == two
    assert {link.state for link in linkapi.links(app, box.options(), shared=True)} == {"linked", "dangling"}
    linkapi.unlink(["one"], app, box.options(), shared=True)
    assert not (box.modules / "one").is_symlink()


def test_relink_of_some(box: LinkBox) -> None:
    """Only the links that are named are brought back."""
    app = box.package("app", "app")
    linkapi.link([box.package(name, name) for name in ("one", "two")], app, box.options())
    for name in ("one", "two"):
        Path(app, "node_modules", name).unlink()
    linkapi.relink(["one"], app, box.options())
    assert [link.state for link in linkapi.links(app, box.options())] == ["linked", "dropped"]


def test_foreign_links(box: LinkBox) -> None:
    """Links made by others are listed and can be undone; stores and workspaces are installs, not links."""
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
    assert [(link.name, link.ours) for link in linkapi.links(app, box.options())] == [("alpha", False)]
    for name, picks in (("x", ()), ("member", ()), ("y", ("member",))):
        with pytest.raises(LinkConflict) as caught:
            linkapi.unlink([name], app, box.options(workspace=picks))
        assert caught.value.code == "ENOTLINK"
    linkapi.unlink((), app, box.options(), every=True)
    assert not os.path.lexists(modules / "alpha")
    assert names(modules / ".bin") == []
    assert lib


def test_unlink_of_what_is_not_linked(box: LinkBox) -> None:
    """An installed package is refused, an absent one is fine, and without a name there has to be a package."""
    app = box.package("app", "app")
    box.installed(app, "alpha")
    with pytest.raises(LinkConflict):
        linkapi.unlink(["alpha"], app, box.options())
    assert linkapi.unlink(["nosuch"], app, box.options()).run == ""
    assert linkapi.unlink(["nosuch"], app, box.options(), shared=True).run == ""
    assert linkapi.unlink((), app, box.options()).run == ""
    with pytest.raises(LinkMissing):
        linkapi.unlink((), str(box.work), box.options())


def test_lost_record(box: LinkBox) -> None:
    """Without the record, unlink still puts back what was displaced."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    old = box.installed(app, "alpha")
    linkapi.link([lib], app, box.options())
    shutil.rmtree(box.home / "state")
    linkapi.unlink(["alpha"], app, box.options())
    assert (old / "run.js").is_file()
    assert not old.is_symlink()


def test_undo_is_once_and_careful(box: LinkBox) -> None:
    """Only the last command is undone, once, and not when the disk has changed since."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    with pytest.raises(LinkMissing):
        linkapi.undo(None, app, box.options())
    journal = linkapi.link([lib], app, box.options())
    Path(app, "node_modules/alpha").unlink()
    before = box.tree()
    with pytest.raises(StalePlan):
        linkapi.undo(journal, app, box.options())
    assert linkapi.plan_last_undo(app, box.options()).conflicts
    assert box.tree() == before
    linkapi.relink((), app, box.options())
    linkapi.undo(None, app, box.options())
    with pytest.raises(LinkMissing):
        linkapi.undo(None, app, box.options())


def test_undo_of_unlink(box: LinkBox) -> None:
    """Undoing an unlink brings link and record back."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    box.installed(app, "alpha")
    linkapi.link([lib], app, box.options())
    before = box.tree()
    linkapi.unlink(["alpha"], app, box.options())
    linkapi.undo(None, app, box.options())
    assert box.tree() == before
    linkapi.unlink(["alpha"], app, box.options())
    assert not box.leads(app, "alpha")


@pytest.mark.parametrize("flags", [{}, {"save": True}, {"save_dev": True}])
def test_planning_touches_nothing(box: LinkBox, flags: dict[str, bool]) -> None:
    """A plan is made without writing, not even times."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    box.installed(app, "alpha")

    def times() -> dict[str, tuple[int, int]]:
        return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in box.root.rglob("*")}

    before = times()
    plan = linkapi.plan_link([lib], app, box.options(**flags))
    assert [new.name for _, new in plan.changed] == ["alpha"]
    assert times() == before


def test_warnings(box: LinkBox) -> None:
    """The range, a doubled peer and missing dependencies are told, each with a remedy."""
    lib = box.package(
        "lib", "alpha", peerDependencies={"react": "^18.0.0", "vue": "*"}, dependencies={"beta": "1"}
    )
    app = box.package("app", "app", dependencies={"alpha": "^5.0.0"})
    for folder in (lib, app):
        box.installed(folder, "react", "17.0.0")
    journal = linkapi.link([lib], app, box.options())
    assert codes(journal) == {"WRANGE", "WPEERTWICE", "WPEER", "WDEPENDENCIES"}
    assert all(problem.hint for problem in journal.plan.warnings)
    shutil.rmtree(Path(lib, "node_modules"))
    Path(app, "node_modules/alpha").unlink()
    assert {"WPEERHIDDEN", "WPEER"} <= codes(linkapi.link([lib], app, box.options()))


@pytest.mark.parametrize(
    ("peers", "told"),
    [
        ({"react": "^18.0.0"}, set()),
        ({"react": "^18.0.0", "vue": "*"}, set()),
        ({"react": "^17.0.0"}, {"WPEER"}),
        ({"react": "^18.0.0", "svelte": "*"}, {"WPEER"}),
    ],
)
def test_peers_of_what_lies_in_the_project(box: LinkBox, peers: dict[str, str], told: set[str]) -> None:
    """A package inside the project finds the project's peers; told are wrong ones, and needed ones that miss."""
    app = box.package("app", "app")
    box.installed(app, "react", "18.2.0")
    lib = box.package("app/lib", "alpha", peerDependencies=peers, peerDependenciesMeta={"vue": {"optional": True}})
    assert codes(linkapi.link([lib], app, box.options())) == told


@pytest.mark.parametrize(("place", "told"), [("", set()), ("node_modules", {"WDEPENDENCIES"})])
def test_dependencies_beside_a_global_package(box: LinkBox, place: str, told: set[str]) -> None:
    """Dependencies are looked for where node looks: beside an installed package, not in a node_modules there."""
    app = box.package("app", "app")
    for folder, name in (("", "alpha"), (place, "beta")):
        path = box.modules / folder / name
        path.mkdir(parents=True)
        (path / "package.json").write_text(json.dumps({"name": name, "dependencies": {"beta": "1"}}))
    assert codes(linkapi.link(["alpha"], app, box.options())) == told


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
def test_workspaces_are_registered(box: LinkBox, picks: dict[str, object], linked: set[str]) -> None:
    """Workspaces are chosen by name, path or parent folder; the root is not among them, as for npm."""
    mono = box.package("mono", "mono", workspaces=["packages/*"])
    for name in ("wa", "wb"):
        box.package(f"mono/packages/{name}", name)
    linkapi.link((), mono, box.options(**picks))
    assert set(names(box.modules)) == linked
    for wrong in ("nosuch", "../app"):
        with pytest.raises(LinkError) as caught:
            linkapi.link((), mono, box.options(workspace=(wrong,)))
        assert caught.value.code == "EWORKSPACE"


def test_links_into_workspaces(box: LinkBox) -> None:
    """A link goes where the workspace has its own copy, and else to the root; its folder counts as selected."""
    mono = box.package("mono", "mono", workspaces=["packages/*"])
    wa, wb = (box.package(f"mono/packages/{name}", name) for name in ("wa", "wb"))
    box.installed(wb, "alpha")
    lib = box.package("lib", "alpha")
    linkapi.link([lib], wa, box.options(save=True))
    assert box.leads(mono, "alpha") == lib
    linkapi.link([lib], wb, box.options())
    assert box.leads(wb, "alpha") == lib
    saved = json.loads(Path(wa, "package.json").read_text())
    assert saved["dependencies"] == {"alpha": "file:../../../lib"}
    linkapi.unlink(["alpha"], wb, box.options())
    assert Path(wb, "node_modules/alpha/run.js").exists()
    assert box.leads(mono, "alpha") == lib
    linkapi.unlink(["alpha"], wa, box.options())
    assert not box.leads(mono, "alpha")
    assert "dependencies" not in json.loads(Path(wa, "package.json").read_text())
    with pytest.raises(LinkError, match="has no workspaces"):
        linkapi.link([lib], lib.replace("lib", "lib"), box.options(workspaces=True))


def test_node_modules_that_is_a_link(box: LinkBox) -> None:
    """A node_modules that is a symbolic link stays one, and links in it lead to the right place."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    (box.work / "far/node_modules").mkdir(parents=True)
    Path(app, "node_modules").symlink_to("../far/node_modules")
    linkapi.link([lib], app, box.options())
    assert box.leads(app, "alpha") == lib
    assert Path(app, "node_modules/.bin/alpha").exists()


@pytest.mark.parametrize("platform", SHIMS)
def test_folders_that_are_links_inside(box: LinkBox, platform: str) -> None:
    """Where folders of the prefix or the project are links to others of it, a link of ours is known as ours."""
    box.env["LINKPACK_PLATFORM"] = platform
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    modules = Path(linkapi.shared_folder("root", app, box.options()))
    for link, folder in ((modules, box.prefix / "a/b"), (Path(app, "node_modules/.bin"), Path(app, "c/d"))):
        folder.mkdir(parents=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)
    before = box.tree()
    linkapi.link([lib], app, box.options())
    assert linkapi.link([lib], app, box.options()).run == ""
    other = box.command("other", "alpha", bin={"beta": "cli.js"})
    linkapi.link([other], app, box.options())
    assert names(Path(app, "c/d")) == [f"beta{ending}" for ending in SHIMS[platform]]
    linkapi.unlink(["alpha"], app, box.options())
    linkapi.unlink(["alpha"], app, box.options(), shared=True)
    shutil.rmtree(other)
    assert box.tree() == before


def test_displaced_on_another_file_system(box: LinkBox) -> None:
    """What makes way stays on its file system, and comes back."""
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
        linkapi.link([lib], str(app), box.options(force=True))
        assert (app / "bin/alpha").resolve() == Path(lib, "cli.js")
        linkapi.unlink(["alpha"], str(app), box.options(), shared=True)
        assert names(app / "bin") == ["alpha"]
        assert (app / "bin/alpha").read_text() == "theirs"


def test_absolute(box: LinkBox) -> None:
    """Links are absolute when asked for, and stay so when they are made again."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    linkapi.link([lib], app, box.options())
    linkapi.link([lib], app, box.options()._replace(absolute=True))
    assert str(Path(f"{app}/node_modules/alpha").readlink()) == lib
    Path(app, "node_modules/alpha").unlink()
    linkapi.relink((), app, box.options())
    assert str(Path(f"{app}/node_modules/alpha").readlink()) == lib


def test_windows_layout(box: LinkBox) -> None:
    """On Windows links are absolute and commands three files each; only foreign ones are refused."""
    box.env["LINKPACK_PLATFORM"] = "win32"
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    before = box.tree()
    linkapi.link([lib], app, box.options())
    assert str((box.prefix / "node_modules/alpha").readlink()) == lib
    three = {"alpha", "alpha.cmd", "alpha.ps1"}
    assert three <= set(names(box.prefix))
    assert set(names(f"{app}/node_modules/.bin")) == three
    (box.prefix / "alpha.cmd").write_text('"%dp0%\\node_modules\\alpha\\old.js" %*')
    linkapi.link((), lib, box.options())
    linkapi.unlink(["alpha"], app, box.options())
    linkapi.unlink((), lib, box.options())
    assert box.tree() == before
    box.prefix.mkdir()
    (box.prefix / "alpha.ps1").write_text("foreign")
    with pytest.raises(LinkConflict):
        linkapi.link((), lib, box.options())


@pytest.mark.parametrize(
    ("path", "to", "code"),
    [
        ("work/app/node_modules", None, "ENOTDIR"),
        ("work/app/node_modules", "nowhere", "ENOTDIR"),
        ("prefix/lib", None, "ENOTDIR"),
        ("prefix", None, "ENOTDIR"),
    ],
)
def test_folders_that_are_none(box: LinkBox, path: str, to: str | None, code: str) -> None:
    """A folder that is none is told before anything is begun."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    at = box.root / path
    at.parent.mkdir(exist_ok=True)
    at.symlink_to(to) if to else at.write_text("")
    before = box.tree()
    plan = linkapi.plan_link([lib], app, box.options())
    assert {problem.code for problem in plan.conflicts} == {code}
    assert (to if code == "EACCES" else str(at)) in {problem.path for problem in plan.conflicts}
    with pytest.raises(LinkpackError) as caught:
        linkapi.link([lib], app, box.options())
    assert caught.value.code == code
    assert caught.value.hint
    assert box.tree() == before


def test_project_that_is_broken_or_missing(box: LinkBox) -> None:
    """A folder without a manifest is a project; one with a broken manifest is refused."""
    lib = box.package("lib", "alpha")
    bare = box.work / "bare"
    bare.mkdir()
    linkapi.link([lib], str(bare), box.options())
    assert box.leads(str(bare), "alpha") == lib
    (bare / "package.json").write_text("{bad")
    with pytest.raises(ManifestInvalid):
        linkapi.link([lib], str(bare), box.options())
    os.truncate(bare / "package.json", (16 << 20) + 1)
    with pytest.raises(ManifestInvalid, match="more than 16777216 bytes") as caught:
        linkapi.link([lib], str(bare), box.options())
    assert caught.value.code == "EUNREADABLE"
    with pytest.raises(LinkError):
        linkapi.links(str(box.work / "nosuch"), box.options())


def test_settings_and_folders(box: LinkBox) -> None:
    """The folders of the project and of the prefix are told, and who set the prefix."""
    app = box.package("app", "app")
    assert linkapi.local_folder("bin", f"{app}") == f"{app}/node_modules/.bin"
    assert linkapi.shared_folder("root", app, box.options()) == str(box.modules)
    assert linkapi.read_settings(app, box.options()).settings["prefix"].source == "environment npm_config_*"


def test_one_name_is_not_a_sequence_of_letters(box: LinkBox) -> None:
    """A text where a list of names is meant is refused, before anything is done."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    calls = (
        linkapi.plan_link,
        linkapi.link,
        linkapi.plan_unlink,
        linkapi.unlink,
        linkapi.plan_relink,
        linkapi.relink,
    )
    for call in calls:
        with pytest.raises(TypeError, match="takes a list of texts"):
            call(lib, app, box.options())


def test_without_home(box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without HOME the user database says where the state folder is, and without that there is an error."""
    app, options = box.package("app", "app"), LinkOptions(env={"npm_config_prefix": str(box.prefix)})
    user = pwd.getpwuid(os.geteuid())
    fields = list(user)
    fields[5] = str(box.home)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: pwd.struct_passwd(fields))
    linkapi.link([box.package("lib", "lib")], app, options)
    assert (box.home / ".local/state/linkpack").is_dir()
    fields[5] = ""
    with pytest.raises(ConfigError) as caught:
        linkapi.links(app, options)
    assert caught.value.code == "ENOHOME"
