"""Changes outside of the project are reported, before and after they are made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import linkpack
from linkpack.linking.outside_project import outside_changes
from linkpack.linking.unlink_command import staying_global_links
from linkpack.report import links as linkreport

if TYPE_CHECKING:
    from linkpack.linking.journal import Journal
    from tests.support.linkbox import LinkBox


def actions(journal: Journal, app: str, box: LinkBox) -> dict[str, str]:
    """What was done outside of *app*, by path from the machine's root."""
    found = outside_changes(journal.plan, [app])
    return {str(Path(each.path).relative_to(box.root)): each.action for each in found}


def test_global_links_and_commands_are_reported(box: LinkBox) -> None:
    """A global link is made, moved and removed, with its commands."""
    app = box.package("app", "app")
    one, two = (
        box.command(name, "alpha", version=version) for name, version in (("one", "1.0.0"), ("two", "2.0.0"))
    )
    link, command = "prefix/lib/node_modules/alpha", "prefix/bin/alpha"
    journal = linkpack.link([one], app, box.options())
    assert actions(journal, app, box) == {link: "add", command: "add"}
    journal = linkpack.link([two], app, box.options())
    assert actions(journal, app, box) == {link: "change"}
    (change,) = outside_changes(journal.plan, [app])
    assert (change.before, change.after) == ("../../../work/one", "../../../work/two")
    text = linkreport.done_text(journal.plan, [app])
    assert f"  changed {box.root}/{link} -> ../../../work/two (was -> ../../../work/one)\n" in f"{text}\n"
    assert actions(linkpack.undo(None, app, box.options()), app, box) == {link: "change"}
    journal = linkpack.unlink(["alpha"], app, box.options(), shared=True)
    assert actions(journal, app, box) == {link: "remove", command: "remove"}


def test_a_displaced_global_tool_is_reported(box: LinkBox) -> None:
    """The text and the JSON say that an installed tool makes way, and where it is kept."""
    app, dev = box.package("app", "app"), box.command("dev", "tool", version="2.0.0")
    installed = box.modules / "tool"
    installed.mkdir(parents=True)
    (installed / "package.json").write_text('{"name": "tool", "version": "1.0.0"}')
    kept = f"{box.modules}/.linkpack/tool"
    plan = linkpack.plan_link([dev], app, box.options())
    line = f"  replace {installed} -> ../../../work/dev (what was installed there is kept in {kept})"
    assert line in linkreport.planned_text(plan, [app]).splitlines()
    (told,) = (
        each for each in json.loads(linkreport.plan_json(plan, [app]))["outside"] if each["path"] == str(installed)
    )
    assert (told["action"], told["kept"]) == ("replace", kept)
    linkpack.link([dev], app, box.options())
    plan = linkpack.unlink(["tool"], app, box.options()).plan
    (warning,) = staying_global_links(plan, app, box.options())
    assert "in the place of the one installed there" in warning.message
    assert warning.hint == "to remove it: linkpack unlink -g tool"
    journal = linkpack.unlink(["tool"], app, box.options(), shared=True)
    assert actions(journal, app, box)["prefix/lib/node_modules/tool"] == "restore"


def test_a_global_link_without_commands_stays_without_a_warning(box: LinkBox) -> None:
    """Only those who link by its name see it."""
    app, lib = box.package("app", "app"), box.package("lib", "lib")
    linkpack.link([lib], app, box.options())
    plan = linkpack.unlink(["lib"], app, box.options()).plan
    assert staying_global_links(plan, app, box.options()) == ()


def test_changed_scripts_of_the_linked_package_are_reported(box: LinkBox) -> None:
    """They are in another repository, and get another mode or first line."""
    app = box.package("app", "app")
    lib = box.package(
        "lib", "lib", {"a.js": "#!/usr/bin/env node\r\n", "b.js": "#!/bin/sh\n"}, bin={"a": "a.js", "b": "b.js"}
    )
    Path(lib, "b.js").chmod(0o600)
    plan = linkpack.plan_link([lib], app, box.options())
    lines = linkreport.planned_text(plan, [app]).splitlines()
    assert f"  rewrite {lib}/a.js: its first line ended in CRLF" in lines
    assert f"  change the mode of {lib}/b.js: 600 to 755" in lines


def test_a_project_that_holds_everything_has_no_outside(box: LinkBox) -> None:
    """What is below the project is the project's own."""
    lib, app = box.command("app/lib", "alpha"), box.package("app", "app")
    journal = linkpack.link([lib], app, box.options(link_global=False))
    assert outside_changes(journal.plan, [app]) == ()
    assert "outside" not in linkreport.done_text(journal.plan, [app])
