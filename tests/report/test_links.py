"""What the link commands say, and to whom."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import linkpack
from linkpack.errors import ConfigError, Problem
from linkpack.linking.command import LinkOptions, read_settings
from linkpack.linking.states import Item, LinkPlan
from linkpack.report import links as linkreport
from linkpack.report.config import mask_secrets, settings_json, settings_text
from linkpack.report.problems import warning_text
from tests.support.linkbox import CLI, LinkBox


def test_hostile_names_are_escaped() -> None:
    """No name can send a command to the terminal."""
    plan = LinkPlan(added=(Item("a\x1b[2J", "1\u202e", "/x\n"),), removed=(Item("b", "", "/b"),))
    for text in (linkreport.planned_text(plan), linkreport.done_text(plan)):
        assert all(line.isprintable() for line in text.splitlines())
    assert linkreport.done_text(plan).startswith("added 1 package, removed 1 package")
    text = warning_text([Problem("WX", "", "m\x07", "h"), Problem("WY", "", "n")])
    assert text == "linkpack: warning WX: m\\x07\n  h\nlinkpack: warning WY: n"


def test_changes_are_told() -> None:
    """A package that takes another's place is a change, from and to."""
    plan = LinkPlan(changed=((Item("a", "", "/a"), Item("a", "2.0.0", "/a")),))
    assert linkreport.planned_text(plan) == "change a (no version) => 2.0.0"
    assert json.loads(linkreport.plan_json(plan))["change"][0]["to"]["version"] == "2.0.0"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://user:s3cret@proxy.example:8080", "http://user:***@proxy.example:8080"),
        ("https://s3cret@host/x", "https://***@host/x"),
        ("https://u:s3@cret@host/x", "https://u:***@host/x"),
        ("https://u:s3/cret@host/x", "https://u:***@host/x"),
        ("user:s3cret@proxy:8080", "user:***@proxy:8080"),
        ("a http://u:s3cret@h b", "a http://u:***@h b"),
        ("https://h/?a=1&access_token=s3cret&b=2", "https://h/?a=1&access_token=***&b=2"),
        ("npm_" + "s" * 36, "***"),
        ("s3cret" * 2000, "***"),
        ("https://host:8080/@scope/x", "https://host:8080/@scope/x"),
        ("https://host/@scope", "https://host/@scope"),
        ("/home/u@x/y", "/home/u@x/y"),
        ("me@example.com", "me@example.com"),
    ],
)
def test_secrets_in_settings_are_masked(value: str, shown: str) -> None:
    """An output that is pasted into a bug report gives nothing away; what is no secret stays readable."""
    assert mask_secrets(value) == shown
    assert mask_secrets([value, True]) == [shown, True]


def test_settings_that_are_secrets_are_left_out(tmp_path: Path) -> None:
    """Logins, keys and one-time passwords are left out by their names, whoever set them."""
    box = LinkBox(tmp_path)
    (box.home / ".npmrc").write_text(
        "//r/:_authToken=s3cret\n_auth=s3cret\nkey=s3cret\ncert=s3cret\notp=s3cret\nproxy=http://u:s3cret@p\n"
        "my-token=s3cret\nca[]=s1\nauth-type=web\ninit-author-name=Me\nkeyfile=/k\n"
    )
    config = read_settings(str(box.work), LinkOptions(env={**box.env, "npm_config_password": "s3cret"}))
    for text in (settings_text(config), settings_json(config)):
        assert "s3cret" not in text
        assert all(key in text for key in ("proxy", "ca", "auth-type", "init-author-name", "keyfile"))


def test_listed_commands_and_pages(tmp_path: Path) -> None:
    """Folders of commands and pages are listed, without what is in node_modules, hidden or a link to a folder."""
    box = LinkBox(tmp_path)
    files = {"b/one": CLI, "b/sub/two": CLI, "b/node_modules/three": CLI, "m/x.1": "", "m/deep/y.7": ""}
    lib = box.package("lib", "alpha", files, directories={"bin": "b", "man": "m"})
    Path(lib, "b/more").symlink_to("sub")
    linkpack.link((), lib, box.options())
    assert sorted(path.name for path in (box.prefix / "bin").iterdir()) == ["one", "two"]
    assert (box.prefix / "share/man/man7/y.7").is_symlink()
    linkpack.link((), box.package("bare", "beta", directories={"bin": "none", "man": "none"}), box.options())
    assert (box.modules / "beta").is_symlink()


def test_state_folder_that_cannot_be(tmp_path: Path) -> None:
    """A state folder that cannot be made is told, and a relative one does not count."""
    box = LinkBox(tmp_path)
    lib = box.package("lib", "alpha")
    (box.home / "file").write_text("")
    with pytest.raises(ConfigError) as caught:
        linkpack.link((), lib, LinkOptions(env={**box.env, "XDG_STATE_HOME": f"{box.home}/file/x"}))
    assert caught.value.code == "ESTATE"
    linkpack.link((), lib, LinkOptions(env={**box.env, "XDG_STATE_HOME": "relative"}))
    assert (box.home / ".local/state/linkpack/links").is_dir()


def test_a_very_long_path(tmp_path: Path) -> None:
    """A project whose path is too long for a file name is recorded all the same."""
    box = LinkBox(tmp_path)
    lib, app = box.package("lib", "alpha"), box.package("/".join(["long" * 20] * 4), "app")
    linkpack.link([lib], app, box.options())
    assert [link.state for link in linkpack.links(app, box.options())] == ["linked"]
    linkpack.unlink(["alpha"], app, box.options())
    assert not box.leads(app, "alpha")
