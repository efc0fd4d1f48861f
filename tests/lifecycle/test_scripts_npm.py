"""Lifecycle scripts compared with those of the npm on PATH: order, environment, exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.npm import npm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.differential

OWN = {"npm_config_allow_scripts"}  # which npm works out for itself, and only npm's newest have
DUMP = "env -0 > ../env.$npm_lifecycle_event; echo $npm_lifecycle_event $npm_package_name >> ../log"
SCRIPTS = dict.fromkeys(("prepack", "prepare", "postpack", "preprepack", "postprepare", "prepublishOnly"), DUMP)


def environment(home: Path) -> dict[str, str]:
    """A plain environment: no npm around us, and no settings."""
    (home / "home").mkdir(parents=True, exist_ok=True)
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "TERM") if key in os.environ}
    return {**kept, "HOME": str(home / "home"), "npm_config_update_notifier": "false"}


def write(folder: Path, **fields: object) -> Path:
    """A package in *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"name": folder.name, "version": "1.0.0", "scripts": SCRIPTS, **fields}
    (folder / "package.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "cli.js").write_text("#!/usr/bin/env node\n", encoding="utf-8")
    return folder


def seen(top: Path) -> tuple[list[str], dict[str, dict[str, str]]]:
    """The log of events below *top*, and each event's variables, those removed that only one side has."""
    found = {}
    for path in sorted(top.rglob("env.*")):
        pairs = (pair.partition("=") for pair in path.read_text(encoding="utf-8").split("\0") if pair)
        wanted = {key: value for key, _, value in pairs if counts(key, value)}
        found[f"{path.parent.relative_to(top)} {path.suffix}"] = wanted
        path.unlink()
    lines = []
    for log in sorted(top.rglob("log")):
        lines += log.read_text(encoding="utf-8").splitlines()
        log.unlink()
    return lines, found


def counts(key: str, value: str) -> bool:
    """Whether a variable is compared."""
    if key in OWN or value == "null":  # npm passes the digest that it does not have
        return False
    return key.startswith("npm_") or key in {"INIT_CWD", "NODE", "PATH", "HOME", "EDITOR", "NODE_OPTIONS"}


def both(cwd: Path, top: Path, *arguments: str, env: Mapping[str, str] | None = None) -> list[Any]:
    """What `npm pack` and `linkpack pack` ran in *cwd* leave: exit status, events, variables."""
    results = []
    around = {**environment(top), **(env or {})}
    for command in ([npm()], [sys.executable, "-m", "linkpack"]):
        done = subprocess.run(
            [*command, "pack", *arguments], cwd=cwd, env=around, capture_output=True, check=False
        )
        results.append((done.returncode, *seen(top)))
    return results


def unlike(results: list[Any]) -> list[str]:
    """The variables in which the two differ, but for the digest of a tarball that holds other things."""
    (_, _, theirs), (_, _, ours) = results
    assert theirs.keys() == ours.keys()
    return [
        f"{event} {key}: {theirs[event].get(key)!r} {ours[event].get(key)!r}"
        for event in theirs
        for key in sorted(theirs[event].keys() | ours[event].keys())
        if theirs[event].get(key) != ours[event].get(key) and key != "npm_package_integrity"
    ]


FIELDS: list[dict[str, object]] = [
    {},
    {"name": "@scope/demo", "bin": "./cli.js"},
    {"bin": {"one": "cli.js", "two_2": "./cli.js"}, "engines": {"node": ">=18", "npm": "*"}},
    {"directories": {"bin": "."}},
    {"config": {"port": 8080, "deep": {"a": [1, 2.5, True, False, None, {"b": "c"}], "e": {}}}},
    {"config": {"n": [1e21, 1e20, 123456789012345680000, 1e-6, 1e-7, -0.0, 1.5e300, -12.75, 0.1]}},
    {"config": {"a=b": "c", "": "empty", "é": "ü", "lone": "\ud800"}},
    {"config": "text", "engines": ["node 1", "npm 2"]},
    {"bin": {"x": "./cli.js"}, "config": {"bin": {"x": 1}}},
]


@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_scripts_and_variables_are_those_of_npm(fields: dict[str, object], tmp_path: Path) -> None:
    """The same scripts run in the same order, with the same npm variables and PATH."""
    results = both(write(tmp_path / "top" / "demo", **fields), tmp_path)
    assert results[0][:2] == results[1][:2]
    assert results[1][0] == 0
    assert len(results[1][1]) == 3
    assert unlike(results) == []


@pytest.mark.parametrize("arguments", [("--dry-run",), ("--ignore-scripts",), ("../other", ".")], ids=str)
def test_options_run_the_same_scripts_as_in_npm(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """A dry run runs them too, --ignore-scripts none, and directories one after the other."""
    demo, _ = (write(tmp_path / "top" / name) for name in ("demo", "other"))
    results = both(demo, tmp_path, *arguments)
    assert results[0][:2] == results[1][:2]
    assert unlike(results) == []


@pytest.mark.parametrize(
    "arguments",
    [("-ws",), ("-w", "b", "-w", "a"), ("-w", "pk"), ("-ws", "-iwr"), ("-w", "pk/a", "-iwr"), (".", "-w", "z")],
)
def test_workspaces_run_their_scripts_in_npms_order(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Workspaces run theirs in npm's order, with the root's folder as the local prefix."""
    root = tmp_path / "top" / "root"
    for name in ("z", "pk/b", "pk/a", "pk/no"):
        folder = root / name
        write(folder, scripts={"prepack": DUMP.replace("../log", "$INIT_CWD/log")} if name != "pk/no" else {})
    scripts = dict.fromkeys(("prepack", "postpack"), DUMP.replace("../log", "$INIT_CWD/log"))
    write(root, workspaces=["z", "pk/*"], scripts=scripts)
    results = both(root, tmp_path, *arguments)
    assert results[0][:2] == results[1][:2]
    assert unlike(results) == []


@pytest.mark.parametrize("event", ["prepack", "prepare", "postpack"])
@pytest.mark.parametrize("end", ["exit 7", "kill -9 $$", "no-such-command"])
def test_a_failing_script_ends_the_pack(event: str, end: str, tmp_path: Path) -> None:
    """The pack ends with the script's status, no later script runs, and nothing is written."""
    demo = write(tmp_path / "top" / "demo", scripts={**SCRIPTS, event: f"{DUMP}; {end}"})
    demo.joinpath("demo-1.0.0.tgz").write_text("older")
    shell = f'"$@"; echo $? > {tmp_path}/status'
    results = []
    for command in ([sys.executable, "-m", "linkpack"], [npm()]):
        subprocess.run(
            ["/bin/sh", "-c", shell, "sh", *command, "pack"],
            cwd=demo,
            env=environment(tmp_path),
            capture_output=True,
            check=False,
        )
        results.append(((tmp_path / "status").read_text(), seen(tmp_path)[0]))
        if command[0] == sys.executable:
            assert demo.joinpath("demo-1.0.0.tgz").read_text() == "older"
            assert sorted(path.name for path in demo.iterdir()) == ["cli.js", "demo-1.0.0.tgz", "package.json"]
    assert results[0] == results[1]


def test_the_script_shell_of_settings_runs_the_scripts(tmp_path: Path) -> None:
    """A script-shell in the project's npmrc runs the scripts, as does one in the environment."""
    demo = write(tmp_path / "top" / "demo")
    shell = tmp_path / "shell"
    shell.write_text('#!/bin/sh\necho "$1" >> "$PWD/../used"\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    (demo / ".npmrc").write_text(f"script-shell={shell}\n")
    results = both(demo, tmp_path)
    assert results[0][:2] == results[1][:2]
    assert (demo.parent / "used").read_text() == "-c\n" * 6


@pytest.mark.parametrize(("setting", "ran"), [("true", 0), ("false", 3)])
def test_settings_can_forbid_scripts(setting: str, ran: int, tmp_path: Path) -> None:
    """What npm's settings forbid is not run."""
    results = both(write(tmp_path / "top" / "demo"), tmp_path, env={"npm_config_ignore_scripts": setting})
    assert results[0][:2] == results[1][:2]
    assert len(results[1][1]) == ran


NPMRC = """
registry=http://127.0.0.1:9/
//127.0.0.1:9/:_authToken=secret
@scope:registry=http://127.0.0.1:8/
script-shell=/bin/sh
my-own=bar
fetch-retries=3
strict-ssl=false
engine-strict=true
cafile=./ca.pem
cache=~/other
omit[]=dev
omit[]=optional
min-release-age=3
tag=next
"""
LINES: list[tuple[tuple[str, ...], dict[str, str]]] = [
    ((), {}),
    (("--dry-run", "--json"), {}),
    (("--pack-destination", ".."), {"npm_config_save_exact": "true", "npm_config_tag": "beta"}),
    ((), {"EDITOR": "ed", "NO_PROXY": "a,b", "npm_config_node_options": "--no-warnings"}),
    ((), {"VISUAL": "sam", "npm_config_userconfig": "/dev/null"}),
]


@pytest.mark.parametrize(("arguments", "env"), LINES, ids=str)
def test_settings_reach_scripts_as_npm_passes_them_on(
    arguments: tuple[str, ...], env: dict[str, str], tmp_path: Path
) -> None:
    """Settings of npmrc files and flags reach scripts as npm passes them on: no login, no scope, paths whole."""
    demo = write(tmp_path / "top" / "demo")
    (demo / ".npmrc").write_text(NPMRC, encoding="utf-8")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".npmrc").write_text("fund=false\nsign-git-tag=true\n", encoding="utf-8")
    results = both(demo, tmp_path, *arguments, env=env)
    assert results[0][:2] == results[1][:2]
    assert unlike(results) == []
    assert not any("secret" in value for found in results[1][2].values() for value in found.values())
