"""The settings of npm as variables: which ones, and how each is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkpack.lifecycle.settings import format_value, list_setting_variables
from linkpack.npm.config import load_config

if TYPE_CHECKING:
    from pathlib import Path


def variables(home: Path, npmrc: str, npm_root: str = "", **env: str) -> dict[str, str]:
    """What the text of a user's npmrc makes of the variables."""
    (home / ".npmrc").write_text(npmrc, encoding="utf-8")
    around = {"HOME": str(home), "npm_config_prefix": str(home / "prefix"), **env}
    return list_setting_variables(
        load_config(around, str(home), {"dry-run": True}), "/project", npm_root, "11.0.0"
    )


def test_npms_places_are_always_passed_on(tmp_path: Path) -> None:
    """Npm's places are passed on though nobody set them; those of its own folder when it is found."""
    found = variables(tmp_path, "")
    assert found == {
        "npm_config_cache": f"{tmp_path}/.npm",
        "npm_config_dry_run": "true",
        "npm_config_globalconfig": f"{tmp_path}/prefix/etc/npmrc",
        "npm_config_init_module": f"{tmp_path}/.npm-init.js",
        "npm_config_noproxy": "",
        "npm_config_userconfig": f"{tmp_path}/.npmrc",
    }
    more = variables(tmp_path, "", "/npm")
    assert more.items() - found.items() == {
        ("npm_config_node_gyp", "/npm/node_modules/node-gyp/bin/node-gyp.js"),
        ("npm_config_npm_version", "11.0.0"),
    }


@pytest.mark.parametrize(
    ("line", "variable", "value"),
    [
        ("tag=next", "npm_config_tag", "next"),
        ("strict-ssl=false", "npm_config_strict_ssl", ""),
        ("engine-strict", "npm_config_engine_strict", "true"),
        ("Own-Key=1", "npm_config_own_key", "1"),
        ("omit[]=dev\nomit[]=optional", "npm_config_omit", "dev\n\noptional"),
        ("cafile=./ca.pem", "npm_config_cafile", "/project/ca.pem"),
        ("cafile=~/ca.pem", "npm_config_cafile", "HOME/ca.pem"),
        ("cafile=", "npm_config_cafile", ""),
        ("cache=/c", "npm_config_cache", "/c"),
        ("node-options=--no-warnings", "NODE_OPTIONS", "--no-warnings"),
        ("//host/:_authToken=secret", "npm_config_//host/:_authtoken", None),
        ("@scope:registry=https://host/", "npm_config_@scope:registry", None),
        ("_auth=c2VjcmV0", "npm_config__auth", None),
        ("only=prod", "npm_config_only", None),
        ("init.license=MIT", "npm_config_init.license", None),
        ("workspaces=true", "npm_config_workspaces", None),
    ],
)
def test_each_setting_is_written_as_npm_writes_it(
    line: str, variable: str, value: str | None, tmp_path: Path
) -> None:
    """Each is written as npm writes it; logins, scopes and deprecated ones are not passed on."""
    found = variables(tmp_path, f"{line}\n")
    assert found.get(variable) == (value and value.replace("HOME", str(tmp_path)))
    assert not any("secret" in text for text in found.values())


def test_variables_of_the_environment_are_not_repeated(tmp_path: Path) -> None:
    """What the environment has set is there already, and is not said once more."""
    found = variables(tmp_path, "tag=next\n", npm_config_tag="beta", npm_config_cache="/c")
    assert not {"npm_config_tag", "npm_config_cache", "npm_config_prefix"} & found.keys()


def test_a_value_with_a_nul_is_left_out(tmp_path: Path) -> None:
    assert "npm_config_tag" not in variables(tmp_path, "tag=a\0b\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (False, ""), (True, "true"), (3, "3"), (0.5, "0.5"), (-0.0, "0"), (1e21, "1e+21"),
        (1e20, "1" + "0" * 20), (1.5e-7, "1.5e-7"), (-12.75, "-12.75"), (1e-6, "0.000001"),
        (float("inf"), "Infinity"), (float("-inf"), "-Infinity"), ("x", "x"),
    ],
)  # fmt: skip
def test_scalars_are_written_as_javascript_writes_them(value: object, text: str) -> None:
    assert format_value(value) == text
