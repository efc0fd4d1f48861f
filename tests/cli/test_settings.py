"""npm's flags and settings on the command line: which count, who wins, and what is said of the others."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.program import Done, forget_npm, run_program

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a script that leaves a file, the current directory; no setting of npm counts yet."""
    folder = tmp_path / "p"
    folder.mkdir()
    about = {"name": "p", "version": "1.0.0", "files": ["index.js"], "scripts": {"postpack": "touch ran"}}
    (folder / "package.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "index.js").write_text("1\n", encoding="utf-8")
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(folder)
    forget_npm(monkeypatch, tmp_path / "home")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the command line in this process."""
    return partial(run_program, capsys)


SOURCES = ("environment", "project", "user", "global")


def put(source: str, key: str, value: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have *source* say that the setting *key* is *value*."""
    if source == "environment":
        monkeypatch.setenv(f"npm_config_{key.replace('-', '_')}", value)
        return
    home = folder.parent / "home"
    file = {"project": folder / ".npmrc", "user": home / ".npmrc", "global": home / "globalrc"}[source]
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    file.write_text(f"{before}{key}={value}\n", encoding="utf-8")


def happened(folder: Path, done: Done) -> dict[str, bool]:
    """What a run of pack did, by the setting that could have made it so."""
    return {
        "dry-run": not [*folder.rglob("*.tgz")],
        "json": done.out[:1] == "[",
        "pack-destination": (folder / "there").exists(),
        "ignore-scripts": not (folder / "ran").exists(),
        "loglevel": done.err == "",
    }


VALUES = {
    "dry-run": "true",
    "json": "true",
    "pack-destination": "there",
    "ignore-scripts": "true",
    "loglevel": "silent",
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("key", VALUES)
def test_a_setting_counts_from_everywhere(
    key: str, source: str, project: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each setting that concerns packing does the same from the environment and every npmrc; no other does."""
    put(source, key, VALUES[key], project, monkeypatch)
    for other in ("tag", "offline", "save-dev", "registry"):
        put(source, other, "true", project, monkeypatch)
    done = run("pack")
    assert done.status == 0
    found = happened(project, done)
    assert {name for name, so in found.items() if so} == {key}
    if not found["loglevel"] and not found["json"]:
        where = {
            "environment": "npm_config_*",
            "project": "project npmrc",
            "user": "user npmrc",
            "global": "global npmrc",
        }
        [line] = [line for line in done.err.splitlines() if "npm settings" in line]
        assert line.split("npm settings  ")[1].startswith(f"{key}: ")
        assert where[source] in line


@pytest.mark.parametrize(
    ("key", "flag"),
    [
        ("dry-run", "--no-dry-run"),
        ("json", "--json=false"),
        ("pack-destination", "--pack-destination=."),
        ("ignore-scripts", "--no-ignore-scripts"),
        ("loglevel", "--loglevel=notice"),
    ],
)
def test_the_command_line_wins(
    key: str, flag: str, project: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flag says the opposite of a setting, and counts."""
    put("environment", key, VALUES[key], project, monkeypatch)
    assert not any(happened(project, run("pack", flag)).values())


def test_the_nearer_source_wins(project: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment before project, project before user, user before global."""
    for number, source in enumerate(reversed(SOURCES)):
        put(source, "pack-destination", f"d{number}", project, monkeypatch)
        assert run("pack", "-q").status == 0
        assert (project / f"d{number}" / "p-1.0.0.tgz").exists(), source


def test_members_heed_the_roots_npmrc(
    project: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a member of a workspace the project's npmrc is the root's, and a folder's own is not read, as by npm."""
    for folder in ("a", "b"):
        (project / folder).mkdir()
        about = {"name": folder, "version": "1.0.0"}
        (project / folder / "package.json").write_text(json.dumps(about), encoding="utf-8")
        (project / folder / ".npmrc").write_text("pack-destination=wrong\n", encoding="utf-8")
    root: dict[str, object] = {"name": "p", "version": "1.0.0", "workspaces": ["a"]}
    (project / "package.json").write_text(json.dumps(root), encoding="utf-8")
    (project / ".npmrc").write_text(f"pack-destination={project}/right\n", encoding="utf-8")
    assert run("pack", "-s", "b").out == "b-1.0.0.tgz\n"
    monkeypatch.chdir(project / "a")
    assert run("pack", "-s").out == "a-1.0.0.tgz\n"
    assert sorted(path.name for path in (project / "right").iterdir()) == ["a-1.0.0.tgz", "b-1.0.0.tgz"]


def test_off_is_off(project: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that says no is as if it were not there."""
    for key in ("dry-run", "json", "ignore-scripts", "workspaces"):
        put("project", key, "false", project, monkeypatch)
    put("environment", "dry-run", "", project, monkeypatch)
    done = run("pack")
    assert not any(happened(project, done).values())
    assert "npm settings" not in done.err


@pytest.mark.parametrize(("key", "value"), [("loglevel", "loud"), ("pack-destination", "")])
def test_a_setting_that_cannot_be_used(key: str, value: str, project: Path, run: Callable[..., Done]) -> None:
    """It is left out with a warning that names it and its file; npm 11 fails over a key without a value."""
    (project / ".npmrc").write_text(f"{key}={value}\n" if value else f"{key}\n", encoding="utf-8")
    done = run("pack")
    assert done.status == 0
    assert done.err.startswith(f"linkpack: warning WSETTING: npm's setting {key} is left out")
    assert str(project / ".npmrc") in done.err
    assert (project / "p-1.0.0.tgz").exists()


def test_home_is_expanded(project: Path, run: Callable[..., Done]) -> None:
    """`~/` is the home directory where no shell has replaced it: in an npmrc, and behind a `=`."""
    (project / ".npmrc").write_text("pack-destination=~/one\n", encoding="utf-8")
    home = project.parent / "home"
    assert run("pack", "-s").status == 0
    assert run("pack", "-s", "--pack-destination=~/two").status == 0
    assert [(home / name / "p-1.0.0.tgz").exists() for name in ("one", "two")] == [True, True]
    assert not (project / "~").exists()


def test_settings_count_without_node(
    project: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where node is not on PATH there is no global prefix, and the other settings count all the same."""
    monkeypatch.setenv("PATH", str(project / "nothing"))
    put("user", "ignore-scripts", "true", project, monkeypatch)
    put("project", "pack-destination", "there", project, monkeypatch)
    done = run("pack", "-q")
    assert (done.status, done.err) == (0, "")
    found = happened(project, done)
    assert (found["ignore-scripts"], found["pack-destination"]) == (True, True)


def test_settings_of_other_files(project: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    """--userconfig, --globalconfig and --prefix name the files that count, as for npm."""
    other = project.parent / "other"
    (other / "etc").mkdir(parents=True)
    (other / "etc" / "npmrc").write_text("pack-destination=three\n", encoding="utf-8")
    (other / "rc").write_text("pack-destination=two\n", encoding="utf-8")
    monkeypatch.delenv("npm_config_globalconfig")
    for flag, name in (("--userconfig", "two"), ("--globalconfig", "two")):
        assert run("pack", "-q", flag, str(other / "rc")).status == 0
        (project / name / "p-1.0.0.tgz").unlink()
    assert run("pack", "-q", "--prefix", "../other").status == 0
    assert (project / "three" / "p-1.0.0.tgz").exists()


def test_settings_of_the_other_commands(
    project: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands on links heed json as well; those that look at a package heed nothing."""
    assert run("pack", "-s").status == 0
    monkeypatch.setenv("npm_config_prefix", str(project.parent / "prefix"))
    monkeypatch.setenv("XDG_STATE_HOME", str(project.parent / "state"))
    put("project", "json", "true", project, monkeypatch)
    for command in (["ls"], ["config"], ["link", "--dry-run"]):
        assert run(*command).out[:1] in {"{", "["}, command
    for command in (["verify", "p-1.0.0.tgz"], ["why", "index.js"], ["diff", ".", "."], ["unpack", "p-1.0.0.tgz"]):
        assert run(*command).out[:1] not in {"{", "["}, command


IDLE = "--registry=http://127.0.0.1:9/ --tag next --no-color --offline --no-progress --cache c --access public"


def test_flags_without_effect_are_taken(project: Path, run: Callable[..., Done]) -> None:
    """Other flags of npm change nothing; with -v they are named, without their values."""
    (project / "ran").touch()
    first = run("pack", "--json", "--dry-run").json
    done = run(
        "pack", "--json", "--dry-run", *IDLE.split(), "--//r/:_authToken=secret", "--otp", "123456", "-f", "-y"
    )
    assert done.json == first
    assert "no effect" not in done.err
    told = run("pack", "-v", *IDLE.split(), "--//r/:_authToken=secret", "-f").err.splitlines()[0]
    names = "--registry, --tag, --offline, --cache, --access, --//r/:_authToken, --force"
    assert told == f"linkpack: no effect on what is packed: {names}"


SPELT = """
--silent; -s; -q; -d; --loglevel=error; --userconfig rc; --foreground-scripts=false; --no-color; --dry-run=false
--json=false; --ignore-scripts=true; --workspaces=false; -C .; --color=always; --unicode=false; --no-workspaces
--no-ignore-scripts; --prefix .; -f; --scope @s; -json=false; --@s:registry=http://127.0.0.1:9/; --json false
"""


@pytest.mark.parametrize("flags", SPELT.strip().replace("\n", "; ").split("; "))
def test_spellings_of_npm(flags: str, project: Path, run: Callable[..., Done]) -> None:
    """Command lines as tools and scripts write them for npm pack."""
    assert project.is_dir()
    assert run("pack", *flags.split()).out == "p-1.0.0.tgz\n"


@pytest.mark.parametrize(
    "flags", ["--tagg x", "--pack-dest x", "--loglevel loud", "--no-workspaces -w x", "--dry-run=1"]
)
def test_wrong_command_lines(flags: str, project: Path, run: Callable[..., Done]) -> None:
    """What npm does not have either is refused, and nothing is written."""
    done = run("pack", *flags.split())
    assert (done.status, done.out) == (2, "")
    assert sorted(path.name for path in project.iterdir()) == ["index.js", "package.json"]


def test_help_and_version(project: Path, run: Callable[..., Done]) -> None:
    """The flags of npm for help and version give ours."""
    assert project.is_dir()
    for flag in ("--usage", "-?", "-H", "-h", "--help"):
        assert run("pack", flag).out.startswith("Usage: linkpack pack"), flag
    assert run("pack", "--version").out == run("--version").out


def test_scripts_see_the_flags(project: Path, run: Callable[..., Done]) -> None:
    """Lifecycle scripts get npm's flags in their environment, as from npm."""
    script = 'echo "$npm_config_tag,$npm_config_offline,$npm_config_pack_destination,$npm_config_json" > seen'
    about = {"name": "p", "version": "1.0.0", "scripts": {"prepack": script}}
    (project / "package.json").write_text(json.dumps(about), encoding="utf-8")
    assert run("pack", "--tag=next", "--offline", "--pack-destination", "d", "--json").status == 0
    assert (project / "seen").read_text(encoding="utf-8") == "next,true,d,true\n"


def test_working_elsewhere(project: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    """With -C everything is as if started there; the paths that are told are absolute, so that they hold here."""
    monkeypatch.chdir(project.parent)
    (project / ".npmrc").write_text("pack-destination=d\n", encoding="utf-8")
    assert run("pack", "-q", "-C", "p").out == "p-1.0.0.tgz\n"
    assert (project / "d" / "p-1.0.0.tgz").exists()
    printed = run("pack", "-q", "-C", "p", "--out", "e/%s.tgz").out
    assert printed == f"{project}/d/e/p.tgz\n"
    assert Path(printed.strip()).exists()
    assert run("pack", "-C", "p", "--json", "--dry-run").json[0]["linkpack"]["path"] == f"{project}/d/p-1.0.0.tgz"
    assert Path.cwd() == project.parent
    done = run("pack", "-C", "gone")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("linkpack: error ENOFOLDER: gone cannot be worked in: No such file or directory")
    assert run("pack", "-C", "gone", "--json").json["error"]["code"] == "ENOFOLDER"


def test_a_deleted_directory(project: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the environment and the user count where the current directory is no more."""
    gone = project.parent / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv("npm_config_ignore_scripts", "true")
    done = run("pack", str(project), "--pack-destination", str(project.parent / "out"))
    assert (done.status, done.out) == (0, "p-1.0.0.tgz\n")
    assert not (project / "ran").exists()
    os.chdir(project)
