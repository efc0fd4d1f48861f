"""The global prefix and the settings: which source wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkpack.errors import ConfigError
from linkpack.npm.config import load_config, resolve_path
from linkpack.npm.programs import find_real_program

if TYPE_CHECKING:
    from pathlib import Path

# A program that answers as Node at its own path does, and a shim that sets a variable for what it starts.
NODE = """#!/bin/sh
printf '{{"execPath":"{root}/node/bin/node","version":"v1","platform":"p","arch":"a","variables":{{}}}}'
"""
ASDF = NODE.replace('"variables":{{}}', '"variables":{{"npm_config_prefix":"/asdf"}}')

CASES: list[tuple[str, dict[str, str], dict[str, str | bool], dict[str, str], str]] = [
    # what it shows, environment, flags, files, the prefix
    ("the place of node", {}, {}, {}, "{root}/node"),
    ("DESTDIR before the place of node", {"DESTDIR": "/D"}, {}, {}, "/D{root}/node"),
    ("PREFIX wins over both", {"PREFIX": "/P", "DESTDIR": "/D"}, {}, {}, "/P"),
    ("npm's own npmrc wins over PREFIX", {"PREFIX": "/P"}, {}, {"npm/npmrc": "prefix=/own"}, "/own"),
    (
        "the global npmrc of PREFIX",
        {"PREFIX": "{root}/P"},
        {},
        {"P/etc/npmrc": "prefix=/from-global"},
        "/from-global",
    ),
    ("user npmrc", {}, {}, {"home/.npmrc": "prefix=~/mine"}, "{root}/home/mine"),
    (
        "user npmrc over global",
        {},
        {},
        {"home/.npmrc": "prefix=/u\nglobalconfig={root}/g", "g": "prefix=/g"},
        "/u",
    ),
    ("globalconfig in the user npmrc", {}, {}, {"home/.npmrc": "globalconfig={root}/g", "g": "prefix=/g"}, "/g"),
    ("userconfig variable", {"NPM_CONFIG_USERCONFIG": "{root}/u"}, {}, {"u": "prefix=/u"}, "/u"),
    ("userconfig flag", {}, {"userconfig": "{root}/u"}, {"u": "prefix=/u"}, "/u"),
    (
        "a project does not choose the user's npmrc",
        {},
        {},
        {"app/.npmrc": "userconfig={root}/u", "u": "prefix=/u", "home/.npmrc": "prefix=/mine"},
        "/mine",
    ),
    (
        "nor the global one",
        {},
        {},
        {"app/.npmrc": "globalconfig={root}/g", "g": "prefix=/g"},
        "{root}/node",
    ),
    (
        "nor by a variable in the key",
        {"X": "prefix"},
        {},
        {"app/.npmrc": "${{X}}=/project", "home/.npmrc": ""},
        "{root}/node",
    ),
    (
        "a variable that a shim sets applies like one of ours",
        {},
        {},
        {"node/bin/node": ASDF, "home/.npmrc": "prefix=/u"},
        "/asdf",
    ),
    ("a shim that sets PREFIX", {}, {}, {"node/bin/node": ASDF.replace("npm_config_prefix", "PREFIX")}, "/asdf"),
    ("a flag over what a shim sets", {}, {"prefix": "/f"}, {"node/bin/node": ASDF}, "/f"),
    ("the variable over files", {"Npm_Config_Prefix": "/v"}, {}, {"home/.npmrc": "prefix=/u"}, "/v"),
    ("an empty variable does not count", {"npm_config_prefix": ""}, {}, {"home/.npmrc": "prefix=/u"}, "/u"),
    ("a flag over the variable", {"npm_config_prefix": "/v"}, {"prefix": "rel"}, {}, "{root}/app/rel"),
    ("relative and empty values start at the cwd", {}, {}, {"home/.npmrc": "prefix="}, "{root}/app"),
    ("an unset variable stays", {}, {}, {"home/.npmrc": "prefix=${{NO}}/x"}, "{root}/app/${{NO}}/x"),
    ("a project cannot choose", {}, {}, {"app/.npmrc": "prefix=/project"}, "{root}/node"),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_the_highest_source_with_a_prefix_decides(
    case: tuple[str, dict[str, str], dict[str, str | bool], dict[str, str], str], tmp_path: Path
) -> None:
    _, env, flags, files, wanted = case
    for name in ("node/bin", "npm/bin", "home", "app"):
        (tmp_path / name).mkdir(parents=True)
    for name, text in {"node/bin/node": NODE, "npm/bin/npm": "", **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text.format(root=tmp_path))
    for path in ("node/bin/node", "npm/bin/npm"):
        (tmp_path / path).chmod(0o755)
    around = {
        "HOME": f"{tmp_path}/home",
        "PATH": f"{tmp_path}/none:{tmp_path}/node/bin:{tmp_path}/npm/bin",
        **{key: value.format(root=tmp_path) for key, value in env.items()},
    }
    given = {key: value.format(root=tmp_path) if isinstance(value, str) else value for key, value in flags.items()}
    config = load_config(around, f"{tmp_path}/app", given, f"{tmp_path}/app")
    assert config.prefix == wanted.format(root=tmp_path)
    assert config.modules == f"{config.prefix}/lib/node_modules"
    assert [problem.code for problem in config.warnings] == ["WPROJECTNPMRC"] * ("app/.npmrc" in files)


def test_each_setting_names_its_source(tmp_path: Path) -> None:
    """Each setting says who made it; flags are understood however they are written."""
    (tmp_path / ".npmrc").write_text("save-exact=true\nbin-links=false\npackage-lock=no\nforce[]=x\n")
    env = {
        "HOME": str(tmp_path),
        "npm_config_prefix": "/v",
        "npm_config_save_dev": "true",
        "npm_config_dry_run": "false",
    }
    config = load_config(env, "/", {"workspace": ("a", "b")}, None)
    assert config.settings["save-exact"].source == f"user npmrc {tmp_path}/.npmrc"
    assert config.settings["workspace"].value == ["a", "b"]
    flags = {
        key: config.flag(key, default=False)
        for key in ("save-exact", "bin-links", "save-dev", "dry-run", "force", "x")
    }
    assert flags == {
        "save-exact": True,
        "bin-links": False,
        "save-dev": True,
        "dry-run": False,
        "force": True,
        "x": False,
    }
    assert not config.flag("package-lock", default=True)


def test_an_npmrc_that_expands_to_too_much_is_left_out(tmp_path: Path) -> None:
    """Many values of one file may not fill the memory together either; a variable or flag is an error."""
    env = {"HOME": str(tmp_path), "npm_config_prefix": "/v", "BIG": "x" * 1_000_000}
    (tmp_path / ".npmrc").write_text("".join(f"k{number}=${{BIG}}\n" for number in range(100)) + "save=true\n")
    config = load_config(env, "/", {}, None)
    assert [problem.code for problem in config.warnings] == ["WNPMRC"]
    assert set(config.settings) == {"prefix"}
    for more, flags in (({"npm_config_x": "${BIG}" * 5}, {}), ({}, {"x": "${BIG}" * 5})):
        with pytest.raises(ConfigError) as caught:
            load_config({**env, **more}, "/", flags, None)
        assert caught.value.code == "ENPMRC"


def test_a_variable_for_one_registry_keeps_its_spelling(tmp_path: Path) -> None:
    env = {"npm_config_//host/:_authToken": "x", "NPM_CONFIG_Save_Dev": "true"}
    settings = load_config(env, str(tmp_path), {}, needs_prefix=False).settings
    assert {"//host/:_authToken", "save-dev"} <= settings.keys()


def test_a_project_cannot_set_force(tmp_path: Path) -> None:
    """A clone cannot have its commands put in the place of the user's own; the user can."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/.npmrc").write_text("force=true\nsave-exact=true\n")
    env = {"HOME": str(tmp_path), "npm_config_prefix": "/v"}
    config = load_config(env, "/", {}, str(tmp_path / "app"))
    assert [problem.code for problem in config.warnings] == ["WPROJECTNPMRC"]
    assert "app/.npmrc sets force, which is ignored" in config.warnings[0].message
    assert not config.flag("force", default=False)
    assert config.flag("save-exact", default=False)
    assert load_config(env, "/", {"force": True}, str(tmp_path / "app")).flag("force", default=False)


def test_a_project_in_the_home_folder_has_the_users_npmrc(tmp_path: Path) -> None:
    """The same file by another path is the user's, not a project's."""
    (tmp_path / "real").mkdir()
    (tmp_path / "home").symlink_to("real")
    (tmp_path / "real/.npmrc").write_text("prefix=/mine\n")
    config = load_config({"HOME": str(tmp_path / "home"), "PATH": ""}, "/", {}, str(tmp_path / "real"))
    assert (config.prefix, config.warnings) == ("/mine", ())


def test_on_windows_everything_is_in_the_prefix_itself(tmp_path: Path) -> None:
    """On Windows packages and commands lie in the prefix itself, which is the folder of node.exe."""
    (tmp_path / "node.exe").write_text("")
    (tmp_path / "node.exe").chmod(0o755)
    env = {"HOME": "/h", "PATH": str(tmp_path), "LINKPACK_PLATFORM": "win32"}
    config = load_config(env, "/", {}, None)
    assert (config.prefix, config.modules, config.bins, config.mans) == (
        str(tmp_path), f"{tmp_path}/node_modules", str(tmp_path), "",
    )  # fmt: skip
    assert load_config({**env, "npm_config_prefix": "~\\x"}, "/", {}, None).prefix == "/h/x"


def test_a_missing_prefix_is_an_error_and_an_unreadable_npmrc_a_warning(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"HOME": str(tmp_path), "PATH": ""}, str(tmp_path), {}, None)
    assert caught.value.code == "ENOPREFIX"
    (tmp_path / ".npmrc").mkdir()
    config = load_config({"HOME": str(tmp_path), "PREFIX": "/p"}, "/", {}, str(tmp_path))
    assert [problem.code for problem in config.warnings] == ["WNPMRC"]
    assert find_real_program("nosuch", {"PATH": "/bin"}) == ""
    assert resolve_path("/a", "//b/../c") == "/c"
