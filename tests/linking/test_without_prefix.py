"""Links into a project alone: where the global folder may not be changed, is not wanted, or is not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import ConfigError, LinkpackError
from linkpack.linking.command import LinkOptions, read_settings, shared_folder

if TYPE_CHECKING:
    from linkpack.linking.journal import Journal
    from tests.support.linkbox import LinkBox


@pytest.fixture
def bare(box: LinkBox) -> LinkOptions:
    """Options for a machine without node and without a prefix, as an image with nothing but bun."""
    return LinkOptions(env={**{key: value for key, value in box.env.items() if "prefix" not in key}, "PATH": ""})


def codes(journal: Journal) -> list[str]:
    """The codes of a journal's warnings."""
    return [problem.code for problem in journal.plan.warnings]


def denied(box: LinkBox) -> str:
    """A prefix in which not even root may write."""
    if not Path("/proc/sys").is_dir():
        pytest.skip("no /proc/sys")
    box.prefix.symlink_to("/proc/sys")
    return str(box.prefix)


def test_without_rights_on_the_prefix_the_local_link_is_made(box: LinkBox) -> None:
    """It leads straight to the folder. A warning says that the global link is left out."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    denied(box)
    journal = linkpack.link([lib], app, box.options())
    assert codes(journal) == ["WNOGLOBAL"]
    assert box.leads(app, "alpha") == lib
    assert Path(app, "node_modules/.bin/alpha").exists()
    assert [link.state for link in linkpack.links(app, box.options())] == ["linked"]
    linkpack.unlink(["alpha"], app, box.options())
    assert not Path(app, "node_modules").exists()


def test_a_global_link_that_is_there_already_needs_no_rights(box: LinkBox) -> None:
    """Nothing has to be changed in the prefix, so nothing is left out."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    linkpack.link((), lib, box.options())
    unprivileged = os.geteuid() != 0
    if unprivileged:
        box.modules.chmod(0o555)
    assert codes(linkpack.link([lib], app, box.options())) == []
    if unprivileged:
        box.modules.chmod(0o755)


def test_a_global_link_alone_still_needs_rights(box: LinkBox) -> None:
    """`link` without a name is about the prefix alone."""
    lib = box.package("lib", "alpha")
    denied(box)
    plan = linkpack.plan_link((), lib, box.options())
    assert {problem.code for problem in plan.conflicts} == {"EACCES"}
    with pytest.raises(LinkpackError) as caught:
        linkpack.link((), lib, box.options())
    assert caught.value.code == "EACCES"


@pytest.mark.parametrize("how", ["flag", "user npmrc", "project npmrc"])
def test_no_global_touches_nothing_outside_of_the_project(how: str, box: LinkBox) -> None:
    """A name is still looked up in the global folder."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    options = box.options(link_global=False) if how == "flag" else box.options()
    if how != "flag":
        folder = box.home if how == "user npmrc" else Path(app)
        (folder / ".npmrc").write_text("link-global=false\n")
    journal = linkpack.link([lib], app, options)
    assert (codes(journal), box.prefix.exists()) == ([], False)
    linkpack.undo(journal, app, options)
    with pytest.raises(LinkpackError, match="alpha is not linked"):
        linkpack.link(["alpha"], app, options)
    other = box.package("other", "other")
    linkpack.link([lib], other, box.options(link_global=False))
    with pytest.raises(LinkpackError) as caught:
        linkpack.link(["alpha"], app, options)
    assert caught.value.hint.startswith(f"it is linked at {other}/node_modules/alpha; ")


def test_no_global_without_a_name_has_nothing_to_do(box: LinkBox) -> None:
    """`link` without a name makes a global link only. As a setting the flag does not forbid that."""
    lib = box.package("lib", "alpha")
    with pytest.raises(LinkpackError) as caught:
        linkpack.link((), lib, box.options(link_global=False))
    assert caught.value.code == "ELINKGLOBAL"
    (box.home / ".npmrc").write_text("link-global=false\n")
    assert len(linkpack.link((), lib, box.options()).plan.added) == 1


def test_a_foreign_command_in_the_prefix_need_not_be_in_the_way(box: LinkBox) -> None:
    """The refusal says how to do without the global link, and that works."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    (box.prefix / "bin").mkdir(parents=True)
    (box.prefix / "bin/alpha").write_text("theirs")
    with pytest.raises(LinkpackError) as caught:
        linkpack.link([lib], app, box.options())
    assert caught.value.hint.endswith("or pass --no-global")
    linkpack.link([lib], app, box.options(link_global=False))
    assert (box.prefix / "bin/alpha").read_text() == "theirs"


def test_without_node_local_commands_work(box: LinkBox, bare: LinkOptions) -> None:
    """Nothing names a prefix there."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    assert codes(linkpack.link([lib], app, bare)) == ["WNOGLOBAL"]
    assert [link.state for link in linkpack.links(app, bare)] == ["linked"]
    Path(app, "node_modules/alpha").unlink()
    linkpack.relink((), app, bare)
    linkpack.undo(None, app, bare)
    linkpack.relink((), app, bare)
    linkpack.unlink((), app, bare, every=True)
    assert linkpack.links(app, bare) == ()
    assert read_settings(app, bare).fault is not None


def test_without_node_global_commands_say_what_is_missing(box: LinkBox, bare: LinkOptions) -> None:
    """They need a prefix, and do not take the file system's root for one."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    for call in (
        lambda: linkpack.link((), lib, bare),
        lambda: linkpack.link(["alpha"], app, bare),
        lambda: linkpack.unlink((), lib, bare),
        lambda: linkpack.unlink(["alpha"], app, bare, shared=True),
        lambda: linkpack.relink((), app, bare, shared=True),
        lambda: linkpack.links(app, bare, shared=True),
        lambda: shared_folder("root", app, bare),
    ):
        with pytest.raises(ConfigError) as caught:
            call()
        assert caught.value.code == "ENOPREFIX"
