"""Lifecycle scripts: what is checked first, where output goes, interrupts, linked packages, the library."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from linkpack.errors import ScriptFailed, SnapshotError
from linkpack.lifecycle.environment import build_environment, read_script_context
from linkpack.project.project import find_project
from linkpack.system.processes import Script, run_script
from tests.support.packed import read_packed

if TYPE_CHECKING:
    from pathlib import Path

ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
# A program started in the background by a shell ignores these; here they are to count.
HEEDFUL = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from linkpack.cli.main import main
main()
"""
BARE = {"PATH": "/bin", "HOME": "/nonexistent"}


def write(folder: Path, **fields: object) -> Path:
    """A package in *folder*, named and numbered by default."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"name": folder.name, "version": "1.0.0", **fields}
    (folder / "package.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`linkpack pack` in *cwd*."""
    command = [sys.executable, "-m", "linkpack", "pack", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def names(folder: Path) -> list[str]:
    """What is in *folder*."""
    return sorted(path.name for path in folder.iterdir())


def test_stdout_carries_data_only(tmp_path: Path) -> None:
    """What scripts print goes to stderr, after a line that says which; stdout holds the result alone."""
    demo = write(
        tmp_path / "demo", scripts={"prepack": "echo from the script", "postpack": "echo done\necho really"}
    )
    done = run(demo)
    assert done.stdout == "demo-1.0.0.tgz\n"
    assert "> demo@1.0.0 prepack\n> echo from the script\n\nfrom the script\n" in done.stderr
    assert "> demo@1.0.0 postpack\n> echo done\n> echo really\n\ndone\nreally\n" in done.stderr
    done = run(demo, "--json", "--silent")
    assert json.loads(done.stdout)[0]["name"] == "demo"
    assert done.stderr == "from the script\ndone\nreally\n"


def test_the_project_is_read_after_them(tmp_path: Path) -> None:
    """Files and manifest are those that prepack and prepare left; prepare is the one that prepack wrote."""
    late = {"name": "demo", "version": "2.0.0", "scripts": {"prepare": "echo late > late", "postpack": "false"}}
    (tmp_path / "next.json").write_text(json.dumps(late))
    demo = write(
        tmp_path / "demo",
        scripts={
            "prepack": "cp ../next.json package.json",
            "prepare": "false",
            "postpack": "echo $npm_package_version > ../v",
        },
    )
    done = run(demo)
    assert (done.returncode, done.stdout) == (0, "demo-2.0.0.tgz\n")
    assert {"late", "package.json"} == set(read_packed(demo / "demo-2.0.0.tgz").files)
    assert (tmp_path / "v").read_text() == "1.0.0\n"


@pytest.mark.parametrize(
    ("fields", "arguments", "code"),
    [
        ({"version": "x"}, (), "EVERSION"),
        ({"files": 1}, (), "EMANIFEST"),
        ({}, ("--out", ".."), "EOUTPATTERN"),
        ({}, ("--pack-destination", "package.json"), "EWRITE"),
        ({}, ("--pack-destination", "package.json/x"), "EWRITE"),
        ({}, ("--out", "taken"), "EWRITE"),
        ({}, ("--out", "link.tgz"), "EWRITE"),
        ({}, (".", "."), "EOUTSAME"),
        ({}, ("--pack-destination", "package.json", "-j", "1", "."), "EWRITE"),
    ],
)
def test_what_can_be_checked_is_checked_first(
    fields: dict[str, object], arguments: tuple[str, ...], code: str, tmp_path: Path
) -> None:
    """No script runs when the manifest, the tarball's name or its destination cannot do."""
    demo = write(tmp_path / "demo", scripts={"prepack": "touch ran"}, **fields)
    (demo / "taken").mkdir()
    (demo / "link.tgz").symlink_to("/dev/null")
    done = run(demo, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error {code}:" in done.stderr
    assert names(demo) == ["link.tgz", "package.json", "taken"]


@pytest.mark.parametrize("event", ["prepack", "prepare", "postpack"])
def test_a_failure_leaves_nothing(event: str, tmp_path: Path) -> None:
    """The script's exit status is ours; the destination is as it was, and not made when it was not there."""
    demo = write(tmp_path / "demo", scripts={event: "exit 7"})
    done = run(demo, "--pack-destination", "../new/out")
    assert (done.returncode, done.stdout) == (7, "")
    assert (
        f"error ESCRIPT: the {event} script of demo@1.0.0 failed with status 7\n  it is: exit 7\n" in done.stderr
    )
    assert names(tmp_path) == ["demo"]
    assert names(demo) == ["package.json"]
    done = run(demo, "--json", "--dry-run")
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (7, "ESCRIPT")


def test_postpack_may_move_the_tarball(tmp_path: Path) -> None:
    """The tarball is there for postpack, which may take it elsewhere, and an older one is gone then."""
    demo = write(tmp_path / "demo", scripts={"postpack": "mv demo-1.0.0.tgz ../moved.tgz"})
    (demo / "demo-1.0.0.tgz").write_text("older")
    assert run(demo).returncode == 0
    assert names(demo) == ["package.json"]
    assert read_packed(tmp_path / "moved.tgz").members


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("event", ["prepack", "postpack"])
def test_a_signal_ends_the_script_and_its_children(
    number: signal.Signals, status: int, event: str, tmp_path: Path
) -> None:
    """The whole process group of the script is ended, stubborn children too, and nothing is left behind."""
    for name in ("came", "never"):
        os.mkfifo(tmp_path / name)
    stubborn = "(trap '' INT TERM HUP; echo up; : < ../never) > ../came & wait"
    demo = write(tmp_path / "demo", scripts={event: stubborn})
    arguments = ["pack", "--pack-destination", "out", "--quiet"]
    process = subprocess.Popen([sys.executable, "-c", HEEDFUL, *arguments], cwd=demo)
    with (tmp_path / "came").open() as came:
        assert came.readline() == "up\n"
        process.send_signal(number)
        assert process.wait() == status
        assert came.read() == ""  # the last process that held the pipe is gone
    assert names(demo) == ["package.json"]


def linked(tmp_path: Path) -> Path:
    """A project that bundles linked packages which need each other; each logs its scripts."""
    log = "echo $npm_lifecycle_event $npm_package_name ${PWD##*/} >> $INIT_CWD/../log"
    scripts = dict.fromkeys(("prepack", "prepare", "postpack"), log)
    app = write(
        tmp_path / "app", scripts=scripts, dependencies={"a": "*", "z": "*"}, bundleDependencies=["a", "z"]
    )
    write(tmp_path / "a", scripts=scripts, dependencies={"b": "*", "i": "*"})
    write(tmp_path / "b", scripts={**scripts, "prepack": "touch built"}, dependencies={"c": "*"})
    write(tmp_path / "c", scripts=scripts, dependencies={"a": "*"})
    write(tmp_path / "z", name=None, version=None)
    write(tmp_path / "a" / "node_modules" / "i", scripts=scripts)
    for user, name in (("app", "a"), ("app", "z"), ("a", "b"), ("b", "c"), ("c", "a")):
        link = tmp_path / user / "node_modules" / name
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(tmp_path / name)
    return app


def test_scripts_of_linked_packages_run_first(tmp_path: Path) -> None:
    """Dependencies come before their dependents, the project is last, and installed packages never run any."""
    app = linked(tmp_path)
    (app.parent / "z" / "package.json").write_text("{}")
    done = run(app, "--run-linked-scripts")
    assert done.returncode == 0, done.stderr
    events = (tmp_path / "log").read_text().splitlines()
    assert events == [
        "prepack c c", "prepare c c", "prepare b b", "prepack a a", "prepare a a",
        "prepack app app", "prepare app app", "postpack app app",
    ]  # fmt: skip
    packed = read_packed(app / "app-1.0.0.tgz").files
    assert any(name.endswith("/b/built") for name in packed)
    (tmp_path / "log").unlink()
    assert run(app, "--run-linked-scripts", "--ignore-scripts").returncode == 0
    assert not (tmp_path / "log").exists()


def test_the_library_runs_them_when_asked(tmp_path: Path) -> None:
    """`pack` runs scripts with ignore_scripts=False alone, with the environment that it is given."""
    demo = write(tmp_path / "demo", scripts={"prepack": "echo $MINE > mine"})
    linkpack.pack(demo, destination=tmp_path)
    assert not (demo / "mine").exists()
    linkpack.pack(demo, destination=tmp_path, ignore_scripts=False, env={**ENV, "MINE": "yes"})
    assert (demo / "mine").read_text() == "yes\n"
    write(demo, scripts={"prepack": "exit 3"})
    with pytest.raises(ScriptFailed, match=r"prepack script of demo@1\.0\.0 failed with status 3") as caught:
        linkpack.pack(demo, destination=tmp_path, ignore_scripts=False)
    assert (caught.value.event, caught.value.status) == ("prepack", 3)


def test_a_destination_that_vanishes_is_an_error(tmp_path: Path) -> None:
    """A script that puts a file where the destination was to be made is an error, not a traceback."""
    demo = write(tmp_path / "demo", scripts={"prepack": "touch ../out"})
    with pytest.raises(SnapshotError) as caught:
        linkpack.pack(demo, destination=tmp_path / "out", ignore_scripts=False, env=ENV)
    assert caught.value.code == "EWRITE"


def test_a_shell_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A shell that cannot be started is an error that names it."""
    done = run(write(tmp_path / "demo", scripts={"prepack": "x"}), "--script-shell", "/no/shell")
    assert done.returncode == 1
    message = "error ESCRIPT: the prepack script of demo@1.0.0 cannot be started with /no/shell: No such file"
    assert message in done.stderr
    with pytest.raises(ScriptFailed, match="null byte"):
        run_script(Script("prepack", "a\0b", "demo", str(tmp_path)), ENV, "sh")


def test_without_node_and_npm_their_variables_are_not_set(tmp_path: Path) -> None:
    """Without node and npm their variables are not there, and the user agent is our own."""
    (tmp_path / "package.json").write_text("{}")
    found = read_script_context({"PATH": str(tmp_path)}, str(tmp_path))
    assert found.shell == "sh"
    assert set(found.env) == {
        "PATH",
        "EDITOR",
        "INIT_CWD",
        "npm_command",
        "npm_config_local_prefix",
        "npm_config_user_agent",
    }
    assert re.fullmatch(r"linkpack/\S+ workspaces/false", found.env["npm_config_user_agent"])
    env = {"PATH": str(tmp_path), "npm_config_user_agent": "pnpm/9", "npm_config_ignore_scripts": "true"}
    assert (
        read_script_context(env, str(tmp_path), flags={"script-shell": "zsh"}).env["npm_config_user_agent"]
        == "pnpm/9"
    )


def test_a_broken_node_or_npm_is_as_if_absent(tmp_path: Path) -> None:
    for name, text in (("bin/npm-cli.js", ""), ("bin/node", "#!/bin/sh\nexit 1\n")):
        path = tmp_path / "npm" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    (tmp_path / "npm" / "bin" / "npm").symlink_to("npm-cli.js")
    (tmp_path / "package.json").write_text("{}")
    for manifest in (None, '{"version": 1}', "{"):
        if manifest is not None:
            (tmp_path / "npm" / "package.json").write_text(manifest)
        found = read_script_context({**BARE, "PATH": f"{tmp_path}/npm/bin:/bin"}, str(tmp_path))
        assert found.env["npm_config_user_agent"].startswith("linkpack/")
        assert found.env["npm_execpath"] == str(tmp_path / "npm" / "bin" / "npm-cli.js")
        assert found.gyp == ""


def test_values_that_no_environment_holds_are_left_out(tmp_path: Path) -> None:
    """A NUL, which no environment holds, leaves its variable out; numbers too large are Infinity."""
    demo = write(tmp_path / "demo", scripts={"prepack": "x"})
    text = (demo / "package.json").read_text()
    odd = r'"config": {"nul": "a\u0000b", "k\u0000": 1, "big": 1e999, "small": -1e999, "ok": "1"}, '
    (demo / "package.json").write_text(text[0] + odd + text[1:])
    project = find_project(str(demo))
    around = read_script_context(BARE, str(demo))
    env = build_environment(around, str(demo), project.manifest, "prepack", {})
    config = {key: value for key, value in env.items() if key.startswith("npm_package_config")}
    assert config == {
        "npm_package_config_big": "Infinity",
        "npm_package_config_small": "-Infinity",
        "npm_package_config_ok": "1",
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_script_starts_ends_it(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that arrives before the script is known to have started ends it all the same."""
    real = subprocess.Popen
    started = []

    def slow(*args: Any, **given: Any) -> Any:  # noqa: ANN401 - as the class
        started.append(real(*args, **given))
        signal.raise_signal(number)
        return started[0]

    def leave(number: int, _: object) -> None:
        raise SystemExit(number)

    monkeypatch.setattr(subprocess, "Popen", slow)
    before = signal.signal(number, leave)
    try:
        with pytest.raises(SystemExit):
            run_script(
                Script("prepack", f"mkfifo {tmp_path}/f; : < {tmp_path}/f", "demo", str(tmp_path)), ENV, "sh"
            )
    finally:
        signal.signal(number, before)
    assert started[0].returncode < 0


def test_scripts_run_where_signals_do_not_interrupt(tmp_path: Path) -> None:
    work = Thread(target=run_script, args=(Script("prepack", "touch ran", "demo", str(tmp_path)), ENV, "sh"))
    work.start()
    work.join()
    assert (tmp_path / "ran").exists()
