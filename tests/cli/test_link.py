"""The link commands on the command line."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from linkpack.cli import main as cli
from linkpack.errors import LinkError, LinkpackError, ScriptFailed
from linkpack.limits import Limits, within
from linkpack.linking.package import read_source
from tests.support.linkbox import CLI, LinkBox, invoke

pytestmark = pytest.mark.usefixtures("box_environment")

COMMANDS = ("link", "unlink", "relink", "ls", "undo", "prefix", "root", "bin_", "config")


def command_of(name: str) -> click.Command:
    """The command of that name; a context is what click asks for, and the group does without."""
    command = cli.linkpack.get_command(click.Context(cli.linkpack), name.rstrip("_"))
    assert isinstance(command, click.Command)
    return command


def run(name: str, *args: str) -> Result:
    """The result of one command; what it raises is for the test, as it is for cli.py."""
    return invoke(name.rstrip("_"), *args)


@pytest.mark.parametrize("name", COMMANDS)
def test_documented(name: str) -> None:
    """Every option of every command has a help text and stands in docs/link.md."""
    page = (Path(__file__).parents[2] / "docs/link.md").read_text(encoding="utf-8")
    command = command_of(name)
    assert f"linkpack {name.rstrip('_')}" in page
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help
            assert any(f"`{form}" in page for form in option.opts), option.opts


def test_saving_a_link_that_stands_is_told(box: LinkBox) -> None:
    """Where only files change, they are named: "up to date" would hide what was written."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    run("link", lib, "-C", app)
    saved = "package.json and package-lock.json\n"
    assert run("link", lib, "--save", "--dry-run", "-C", app).output == f"change {saved}"
    assert run("link", lib, "--save", "-C", app).output == f"changed {saved}"
    assert run("link", lib, "--save", "-C", app).output == "up to date\n"
    assert run("undo", "-C", app).output == "changed package-lock.json and package.json\n"


def test_a_link_that_is_only_recorded_is_told(box: LinkBox) -> None:
    """A link that somebody made by hand stays as it is; that it counts as linked from now on is told."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    Path(app, "node_modules").mkdir()
    Path(app, "node_modules/alpha").symlink_to(lib)
    assert run("link", lib, "--no-global", "--dry-run", "-C", app).output == "change the record of links alone\n"
    assert run("link", lib, "--no-global", "-C", app).output == "changed the record of links alone\n"
    assert run("undo", "-C", app).output == "changed the record of links alone\n"
    assert run("ls", "-C", app).output == f"linked    alpha 1.0.0 -> {lib} (not made by linkpack)\n"


def test_the_story(box: LinkBox) -> None:
    """Link, see, lose, bring back, undo and unlink: what is said is what npm says, and more."""
    lib, app = box.command("lib", "alpha", version="9.0.0"), box.package("app", "app")
    command = f"{box.prefix}/bin/alpha -> ../lib/node_modules/alpha/cli.js\n"
    assert (
        run("link", "-C", lib, "--dry-run").output == f"add alpha 9.0.0\noutside of the project:\n  add {command}"
    )
    assert run("link", "-C", lib).output.startswith("added 1 package\n")
    assert run("link", "-C", lib).output == "up to date\n"
    assert run("link", "-C", lib, "--dry-run").output == ""
    assert run("link", "alpha", "-C", app, "--silent").output == ""
    assert run("ls", "-C", app).output == f"linked    alpha 9.0.0 -> {lib}\n          commands: alpha\n"
    assert json.loads(run("ls", "-g", "--json", "-C", app).output)["links"][0]["target"] == lib
    Path(app, "node_modules/alpha").unlink()
    checked = run("ls", "--check", "-C", app)
    assert checked.return_value == 1
    assert "relink" in checked.output
    assert run("relink", "-C", app, "--dry-run").output == "add alpha 9.0.0\n"
    assert run("relink", "-C", app).return_value == 0
    removed = json.loads(run("unlink", "alpha", "-C", app, "--json").stdout)
    assert removed["remove"] == [{"name": "alpha", "version": "9.0.0", "path": f"{app}/node_modules/alpha"}]
    assert run("undo", "-C", app, "--dry-run").output == "add alpha 9.0.0\n"
    run("undo", "-C", app)
    assert box.leads(app, "alpha") == lib
    assert run("unlink", "-C", app, "--all", "--dry-run").stdout == "remove alpha 9.0.0\n"
    shutil.rmtree(lib)
    Path(app, "node_modules/alpha").unlink()
    assert run("relink", "-C", app).return_value == 1
    run("unlink", "-C", app, "--all")
    assert run("ls", "-C", app).output == f"no links in {app}\n"


def test_refusals(box: LinkBox) -> None:
    """What cannot be done is raised for cli.py to tell; a dry run is refused like the run itself."""
    lib = box.command("lib", "alpha")
    (box.prefix / "bin").mkdir(parents=True)
    (box.prefix / "bin/alpha").write_text("theirs")
    for flags in ([], ["--dry-run"]):
        with pytest.raises(LinkpackError) as caught:
            run("link", "-C", lib, *flags)
        assert caught.value.code == "EEXIST"
    with pytest.raises(LinkError):
        run("link", "-g", "-C", lib)
    with pytest.raises(click.UsageError):
        run("link", "--nosuch")


def test_npms_flags_are_taken(box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags of npm without meaning here are fine; settings count as flags do."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app")
    run(
        "link",
        lib,
        "-C",
        app,
        "--no-audit",
        "--no-fund",
        "--omit",
        "dev",
        "--omit=peer",
        "--ignore-scripts",
        "--dry-run",
    )
    monkeypatch.setenv("npm_config_dry_run", "true")
    monkeypatch.setenv("npm_config_json", "true")
    assert json.loads(run("link", lib, "-C", app).output)["added"] == 1
    assert not box.leads(app, "alpha")


def test_workspace_flags(box: LinkBox) -> None:
    """Workspaces are chosen by npm's flags."""
    mono = box.package("mono", "mono", workspaces=["packages/*"])
    for name in ("wa", "wb"):
        box.package(f"mono/packages/{name}", name)
    assert run("link", "-C", mono, "-w", "wa", "--dry-run").output == "add wa 1.0.0\n"
    assert run("link", "-C", mono, "-ws", "--dry-run").output == "add wa 1.0.0\nadd wb 1.0.0\n"
    assert (
        run("link", "-C", mono, "-w", "wa", "-w", "wb", "-iwr", "--dry-run").output
        == "add wa 1.0.0\nadd wb 1.0.0\n"
    )


def test_folders_and_settings(box: LinkBox) -> None:
    """The folders are printed alone on a line; settings say who made them, and secrets are not shown."""
    app = box.package("app", "app")
    (box.home / ".npmrc").write_text("//r/:_authToken=secret\n_auth=secret\nsave-exact=true\n")
    assert run("prefix", "-C", app).output == f"{app}\n"
    assert run("prefix", "-g", "-C", app, "--prefix", "/x").output == "/x\n"
    assert run("root", "-g", "-C", app).output == f"{box.modules}\n"
    assert run("bin_", "-C", app).output == f"{app}/node_modules/.bin\n"
    text = run("config", "-C", app).output
    assert "user npmrc" in text
    assert "secret" not in text
    assert json.loads(run("config", "--json", "-C", app).output)["settings"]["save-exact"]["value"] is True
    Path(app, ".npmrc").write_text("prefix=/theirs\n")
    text = run("config", "-C", app).output
    assert "linkpack: warning WPROJECTNPMRC: " in text
    assert f"global modules: {box.modules}\n" in text


def test_scripts_of_what_is_linked_alone_run(box: LinkBox) -> None:
    """What is left out of many has no scripts run, and a folder that is no package stops all of them."""
    for name in ("a", "b"):
        box.package(f"p/{name}", name, scripts={"prepare": "touch made"})
    (box.work / "p/docs").mkdir()
    app = box.package("app", "app", dependencies={"b": "1"})
    words = ("link", "../p/a", "../p/b", "../p/docs", "-C", app, "--run-scripts")
    with pytest.raises(LinkpackError):
        run(*words)
    assert not list(box.work.rglob("made"))
    run(*words, "--skip-others", "--only-dependencies")
    assert [path.parent.name for path in box.work.rglob("made")] == ["b"]


def test_scripts_and_npm_only_when_asked(box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts run with --run-scripts only, and npm with --install only, for what is missing."""
    lib = box.package("lib", "alpha", scripts={"prepare": "echo $npm_lifecycle_event $npm_command > made"})
    run("link", "-C", lib)
    assert not Path(lib, "made").exists()
    run("link", "-C", lib, "--run-scripts")
    assert Path(lib, "made").read_text() == "prepare link\n"
    box.package("bad", "bad", scripts={"install": "exit 3"})
    app = box.package("app", "app")
    with pytest.raises(ScriptFailed, match="status 3"):
        run("link", "../bad", "-C", app, "--run-scripts")
    assert not box.leads(app, "bad")
    npm = box.root / "tools/npm"
    npm.parent.mkdir()
    npm.write_text(
        '#!/bin/sh\necho "$@" > called\nmkdir -p $4/lib/node_modules/gamma\n'
        'echo \'{"name":"gamma"}\' > $4/lib/node_modules/gamma/package.json\n'
    )
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    run("link", "alpha", "gamma", "-C", app, "--install")
    assert Path(app, "called").read_text() == f"install --global --prefix {box.prefix} -- gamma\n"
    assert box.leads(app, "gamma") == str(box.modules / "gamma")
    Path(app, "called").unlink()
    run("link", "alpha", "../lib", "-C", app, "--install")
    assert not Path(app, "called").exists()
    for text, message in (
        ("#!/bin/sh\nexit 3\n", "status 3"),
        ("#!/no/shell\n", "cannot be started: No such file"),
    ):
        npm.write_text(text)
        with pytest.raises(LinkError, match=f"npm install -g delta@1.x .*{message}") as failed:
            run("link", "delta@1.x", "../lib", "-C", app, "--install")
        assert failed.value.code == "ENPM"
        assert failed.value.hint
    npm.unlink()
    monkeypatch.setenv("PATH", str(npm.parent))
    with pytest.raises(LinkError) as caught:
        run("link", "delta", "-C", app, "--install")
    assert caught.value.code == "ENONPM"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("link", "nosuch"), "ENOTLINKED"),
        (("link",), "ENOENT"),
        (("unlink",), "ENONAME"),
        (("undo",), "ENOUNDO"),
        (("relink", "-C", "nosuch"), "ENOENT"),
        (("ls", "-C", "nosuch"), "ENOENT"),
        (("config", "-C", "nosuch"), "ENOENT"),
        (("prefix", "-C", "nosuch", "-g"), "ENOENT"),
    ],
)
@pytest.mark.parametrize("how", ["flag", "variable", "npmrc"])
def test_a_failure_is_json_too(
    line: tuple[str, ...], code: str, how: str, box: LinkBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where JSON is asked for, standard output is npm's error object; the error goes on to cli.py."""
    (box.work / "empty").mkdir()
    monkeypatch.chdir(box.work / "empty")
    name, *words = line
    if how == "flag" and name != "prefix":
        words.append("--json")
    elif how == "npmrc" and "nosuch" not in words[1:]:
        (box.home / ".npmrc").write_text("json=true\n")
    else:
        monkeypatch.setenv("npm_config_json", "true")
    result = CliRunner().invoke(command_of(name), words, standalone_mode=False)
    assert isinstance(result.exception, LinkpackError)
    assert result.exception.code == code
    found = json.loads(result.stdout)
    assert set(found["error"]) == {"code", "summary", "detail"}
    assert found["error"]["code"] == code


def test_without_json_a_failure_prints_nothing_on_stdout(box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data only: the message is for standard error."""
    (box.work / "empty").mkdir()
    monkeypatch.chdir(box.work / "empty")
    assert CliRunner().invoke(command_of("link"), ["nosuch"], standalone_mode=False).stdout == ""


def test_a_silent_npm_is_silent_here(box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """`npm run --silent` sets the variable for what it starts."""
    lib = box.command("lib", "alpha")
    monkeypatch.setenv("npm_config_loglevel", "silent")
    assert run("link", "-C", lib).output == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_work_on_workspace_patterns_is_bounded(name: str, box: LinkBox) -> None:
    """A workspace file above the project can neither hang a command nor fill the memory."""
    box.package("mono", None)
    (box.work / "mono/pnpm-workspace.yaml").write_text(
        "packages:\n" + "".join(f"- '{each}x{'{a,b}' * 13}'\n" for each in range(50))
    )
    member = box.package("mono/p", "p")
    with pytest.raises(LinkpackError) as caught:
        run(name, "-C", member)
    assert caught.value.code == "ELIMIT"


def test_a_bound_can_be_raised(box: LinkBox) -> None:
    """What the hint says works: a workspace of many folders needs more steps than a small limit allows."""
    mono = box.package("mono", "mono", workspaces=["packages/*"])
    for number in range(20):
        box.package(f"mono/packages/p{number}", f"p{number}")
    with pytest.raises(LinkpackError) as caught:
        run("link", "-C", mono, "-ws", "--dry-run", "--max-steps", "100")
    assert (caught.value.code, "raise --max-steps" in caught.value.hint) == ("ELIMIT", True)
    assert run("link", "-C", mono, "-ws", "--dry-run", "--max-steps", "10000").output.count("add ") == 20


def test_deep_and_many_folders_of_commands(box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders without end below `directories.bin` are walked without recursion, and counted."""
    lib = box.package("lib", "alpha", directories={"bin": "d"})
    monkeypatch.chdir(lib)
    for name in ("d", *["a"] * 1200):
        Path(name).mkdir()
        monkeypatch.chdir(name)
    Path("tool").write_text(CLI)
    monkeypatch.chdir("/")
    try:
        run("link", "-C", lib)
        assert (box.prefix / "bin/tool").is_symlink()
        with within(Limits(entries=1000)), pytest.raises(LinkpackError) as caught:
            read_source(lib)
        assert caught.value.code == "ELIMIT"
    finally:  # what removes temporary folders is recursive
        subprocess.run(["rm", "-r", f"{lib}/d"], check=True)


def test_folders_of_commands_outside_of_the_package_are_not_read(box: LinkBox) -> None:
    """A `directories.bin` that is a link to another place gives no commands."""
    box.package("other", "other", {"tool": CLI})
    lib = box.package("lib", "alpha", directories={"bin": "d"})
    Path(lib, "d").symlink_to("../other")
    assert read_source(lib).commands == {}
    everything = box.package("all", "all", {"tool": CLI}, directories={"bin": "."})
    assert "tool" in read_source(everything).commands
