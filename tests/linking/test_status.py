"""What `ls` says of links and their commands, and what `--check` makes of that."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from linkpack.linking.link_search import lost_links
from linkpack.linking.record import find_store
from tests.support.linkbox import CLI, LinkBox, invoke

if TYPE_CHECKING:
    from click.testing import Result


pytestmark = pytest.mark.usefixtures("box_environment")


def ls(folder: str, *words: str) -> Result:
    """The result of `ls` in *folder*."""
    return invoke("ls", "-C", folder, *words)


def listed(folder: str, *words: str) -> dict[str, Any]:
    """What `ls --json` prints."""
    found: dict[str, Any] = json.loads(ls(folder, "--json", *words).stdout)
    return found


def breaks(state: str, script: Path, command: Path) -> None:
    """Have the command be in *state*."""
    if state == "unbuilt":
        script.unlink()
    elif state == "not executable":
        script.chmod(0o644)
    else:
        command.unlink()
    if state == "taken":
        command.write_text("theirs")


@pytest.mark.parametrize("state", ["missing", "unbuilt", "not executable", "taken"])
@pytest.mark.parametrize("shared", [False, True])
def test_check_finds_broken_commands(state: str, box: LinkBox, *, shared: bool) -> None:
    """Each is listed with its reason, and `relink` repairs it."""
    lib, app = box.command("lib", "lib"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    flags = ["-g"] if shared else []
    command = (box.prefix / "bin" if shared else Path(app, "node_modules/.bin")) / "lib"
    assert ls(app, "--check", *flags).return_value == 0
    breaks(state, Path(lib, "cli.js"), command)
    (link,) = listed(app, *flags)["links"]
    assert [(each["name"], each["state"]) for each in link["commands"]] == [("lib", state)]
    assert f"lib ({state}: cli.js)" in ls(app, *flags).stdout
    assert ls(app, "--check", *flags).return_value == int(state != "taken")
    Path(lib, "cli.js").write_text(CLI)
    if state != "taken":
        linkpack.relink((), app, box.options(), shared=shared)
        assert ls(app, "--check", *flags).return_value == 0


def test_a_carriage_return_keeps_a_script_from_running(box: LinkBox) -> None:
    """It is after the first line, and the mode does not matter."""
    lib, app = box.command("lib", "lib"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    Path(lib, "cli.js").write_text("#!/usr/bin/env node\r\n", newline="")
    assert ls(app, "--check").return_value == 1
    linkpack.relink((), app, box.options())
    assert ls(app, "--check").return_value == 0


def test_links_without_commands_have_none_to_check(box: LinkBox) -> None:
    """They were made with --no-bin-links, or not by linkpack."""
    lib, app = box.command("lib", "lib"), box.package("app", "app")
    linkpack.link([lib], app, box.options(bin_links=False))
    Path(app, "node_modules/other").symlink_to(box.command("other", "other"))
    assert [link["commands"] for link in listed(app)["links"]] == [[], []]
    assert ls(app, "--check").return_value == 0


def test_names_choose_what_is_listed(box: LinkBox) -> None:
    """One that is not linked ends in exit status 1."""
    app = box.package("app", "app")
    linkpack.link([box.package("a", "a"), box.package("b", "@s/b")], app, box.options())
    assert [link["name"] for link in listed(app, "@s/b")["links"]] == ["@s/b"]
    assert ls(app, "a").return_value == 0
    result = ls(app, "a", "nosuch", "--json")
    assert result.return_value == 1
    found = json.loads(result.stdout)
    assert [link["name"] for link in found["links"]] == ["a"]
    assert [problem["code"] for problem in found["warnings"]] == ["WNOTLINKED"]
    Path(app, "node_modules/a").unlink()
    assert ls(app, "@s/b", "--check").return_value == 0
    assert ls(app, "a", "--check").return_value == 1


def test_ls_lists_all_that_is_known_of_a_link(box: LinkBox) -> None:
    """That is its commands, where it is saved, what it displaced, and that the global link leads elsewhere."""
    lib, app = box.command("lib", "lib"), box.package("app", "app")
    box.installed(app, "lib")
    linkpack.link([lib], app, box.options(save=True, package_lock=False))
    other = box.package("other", "lib")
    linkpack.link((), other, box.options())
    (link,) = listed(app)["links"]
    assert link["saved"] == [f"{app}/package.json"]
    assert link["displaced"] == [f"{app}/node_modules/.linkpack/lib"]
    assert link["elsewhere"] == other
    text = ls(app).stdout
    for line in (
        "commands: lib",
        f"saved in {app}/package.json",
        f"what it displaced is in {app}/node_modules/.linkpack/lib",
        f"the global lib leads elsewhere: {other}",
    ):
        assert f"          {line}\n" in text
    assert listed(app, "-g")["links"][0]["elsewhere"] == ""


def test_links_of_members_are_listed(box: LinkBox) -> None:
    """They are in a member's own node_modules. Those of an install to other members are left out."""
    root = box.package("root", "root", workspaces=["w/*"])
    member, lib = box.package("root/w/a", "a"), box.package("lib", "lib")
    box.package("root/w/b", "b")
    for folder, target in (("lib", lib), ("b", "../../b")):
        path = Path(member, "node_modules", folder)
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(target)
    (link,) = listed(root)["links"]
    assert (link["path"], link["ours"]) == (f"{member}/node_modules/lib", False)


def test_a_package_knows_where_it_is_linked(box: LinkBox) -> None:
    """In its own folder, all places are listed that lead to it now, whoever made the global link."""
    lib, app, other = box.package("lib", "lib"), box.package("app", "app"), box.package("other", "other")
    assert listed(lib)["linkedAt"] == []
    linkpack.link([lib], app, box.options())
    linkpack.link([lib], other, box.options())
    here = [f"{box.modules}/lib", f"{app}/node_modules/lib", f"{other}/node_modules/lib"]
    assert listed(lib)["linkedAt"] == here
    assert "this package is linked at:\n" + "".join(f"  {path}\n" for path in here) in ls(lib).stdout
    Path(app, "node_modules/lib").unlink()
    Path(app, "node_modules/lib").mkdir()
    shutil.rmtree(box.home / "state")
    assert listed(lib)["linkedAt"] == here[:1]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"links": 1}', '{"links": {"x": 1}}', '{"links": {"x": {}}}', "[" * 9999]
)
def test_a_damaged_record_of_another_project_is_passed_over(text: str, box: LinkBox) -> None:
    lib, app = box.package("lib", "lib"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    (box.home / "state/linkpack/links/other.json").write_text(text)
    assert len(listed(lib)["linkedAt"]) == 2


def test_lost_links_are_those_replaced_or_gone(box: LinkBox) -> None:
    lib, other, app = box.package("lib", "lib"), box.package("other", "other"), box.package("app", "app")
    linkpack.link([lib, other, box.package("good", "good")], app, box.options())
    store = find_store(box.env)
    assert list(lost_links(store, app, [f"{app}/node_modules"])) == []
    for name in ("lib", "other"):
        Path(app, "node_modules", name).unlink()
    Path(app, "node_modules/lib").mkdir()
    lost = dict(lost_links(store, app, [f"{app}/node_modules"]))
    assert sorted(entry.name for entry in lost.values()) == ["lib", "other"]
    assert lost[f"{app}/node_modules/lib"].target == lib


def test_lost_links_are_named_by_the_projects_path(box: LinkBox) -> None:
    """node_modules is a link there. The path is the one that Node's lookup has."""
    lib, app = box.package("lib", "lib"), box.package("app", "app")
    Path(app, "shared").mkdir()
    Path(app, "node_modules").symlink_to("shared")
    linkpack.link([lib], app, box.options())
    Path(app, "shared/lib").unlink()
    store = find_store(box.env)
    assert list(dict(lost_links(store, app, [f"{app}/node_modules"]))) == [f"{app}/node_modules/lib"]
    assert list(lost_links(store, f"{app}2", [f"{app}/node_modules"])) == []


def test_ls_prints_warnings(box: LinkBox) -> None:
    """A fault of a peer is a warning. With --strict-peer-deps, --check fails on it."""
    app = box.package("app", "app")
    linkpack.link([box.package("kit", "kit", peerDependencies={"ui": "1"})], app, box.options())
    assert [problem["code"] for problem in listed(app)["warnings"]] == ["WPEER"]
    assert "WPEER" in ls(app).stderr
    assert ls(app, "--check").return_value == 0
    assert ls(app, "--check", "--strict-peer-deps").return_value == 1
    assert ls(app, "--strict-peer-deps").return_value == 0
