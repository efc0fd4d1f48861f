"""What the doctor finds on a machine and in a project, with a cure for each, and what it mends."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from linkpack.errors import LinkpackError
from linkpack.explaining.doctor import Diagnosis, examine
from tests.support.linkbox import CLI, LinkBox, invoke

if TYPE_CHECKING:
    from click.testing import Result


def program(path: Path, text: str) -> None:
    """A script at *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


class Machine(LinkBox):
    """A private machine with a node and an npm of its own, both in order."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.tools = self.root / "node/bin"
        answer = {
            "execPath": f"{self.tools}/node",
            "version": "v20.0.0",
            "platform": "x",
            "arch": "y",
            "variables": {},
        }
        program(self.tools / "node", f"printf '%s' '{json.dumps(answer)}'")
        program(self.tools / "npm", f"echo {self.prefix}")
        self.env["PATH"] = f"{self.tools}:{self.prefix}/bin"
        (self.prefix / "bin").mkdir(parents=True)

    def found(self, folder: str, *severities: str, **flags: object) -> list[Diagnosis]:
        """What the doctor finds in *folder*, by default all but what is in order."""
        wanted = severities or ("warning", "error")
        return [each for each in examine(folder, self.options(**flags)) if each.severity in wanted]

    def codes(self, folder: str, **flags: object) -> list[str]:
        """The codes of what is not in order."""
        return [each.code for each in self.found(folder, **flags)]


pytestmark = pytest.mark.usefixtures("box_environment")


@pytest.fixture
def box(tmp_path: Path) -> Machine:
    """A private machine with tools, in the place of the usual one."""
    return Machine(tmp_path)


def doctor(folder: str, *words: str) -> Result:
    """The result of the command."""
    return invoke("doctor", "-C", folder, *words)


def package(folder: str | Path, name: str, **members: object) -> str:
    """An installed package; its path."""
    path = Path(folder, "node_modules", name)
    path.mkdir(parents=True)
    (path / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0", **members}))
    return str(path)


# --- the command


def test_a_machine_in_order_has_no_errors(box: Machine) -> None:
    """All is well, and the last line says so; what was looked at is listed."""
    lib, app = box.command("lib", "lib"), box.package("app", "app", bundleDependencies=["dep"])
    package(app, "dep")
    linkpack.link([lib], app, box.options())
    result = doctor(app)
    assert result.return_value == 0
    lines = result.stdout.splitlines()
    assert lines[-1] == "no problem found"
    for line in (
        "environment",
        f"  ok       node v20.0.0 is {box.tools}/node",
        f"links of {app}",
        "  ok       1 link in order",
        "  ok       1 bundled dependencies are installed",
    ):
        assert line in lines
    found = json.loads(doctor(app, "--json").stdout)
    assert {each["severity"] for each in found["findings"]} == {"ok"}
    assert (found["errors"], found["warnings"], found["fixed"]) == (0, 0, [])


def test_what_is_wrong_is_counted_and_mended(box: Machine) -> None:
    """Errors give exit status 1 and a last line with their number; --fix runs what can be undone, and says so."""
    lib, gone, app = box.command("lib", "lib"), box.package("gone", "gone"), box.package("app", "app")
    linkpack.link([lib, gone], app, box.options(link_global=False))
    Path(app, "node_modules/lib").unlink()
    shutil.rmtree(gone)
    result = doctor(app)
    assert result.return_value == 1
    assert result.stdout.endswith("\n2 errors; linkpack doctor --fix runs 1 command for them\n")
    found = json.loads(doctor(app, "--json").stdout)
    assert [each["command"] for each in found["findings"] if each["code"] == "EDROPPED"] == [
        f"linkpack relink -C {app} lib"
    ]
    result = doctor(app, "--fix")
    assert result.return_value == 1
    assert result.stdout.startswith(f"fixed: linkpack relink -C {app} lib\n")
    assert result.stdout.endswith("\n1 error\n")
    assert box.leads(app, "lib") == lib


def test_a_fix_that_fails_is_an_error(box: Machine) -> None:
    """It is told with its reason; nothing else is kept from being mended."""
    lib, app = box.command("lib", "lib"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    (box.prefix / "bin/lib").unlink()
    (box.prefix / "bin/lib").mkdir()
    Path(app, "node_modules/lib").unlink()
    (box.modules / "lib").unlink()
    found = json.loads(doctor(app, "--fix", "--json").stdout)
    assert found["fixed"] == [f"linkpack relink -C {app} lib"]
    (failure,) = (each for each in found["findings"] if each["group"] == "fixes")
    assert failure["message"].startswith(f"linkpack relink -g -C {app} lib failed: ")
    assert box.leads(app, "lib") == lib


def test_a_folder_that_does_not_exist_is_an_error(box: Machine) -> None:
    """There is nothing to examine."""
    with pytest.raises(LinkpackError) as caught:
        box.found(f"{box.work}/nosuch")
    assert caught.value.code == "ENOENT"


# --- the environment


def test_node_has_to_answer_and_npm_to_agree(box: Machine) -> None:
    """A node that does not answer is an error; without node or npm there is a warning, and npm must agree."""
    app = box.package("app", "app")
    program(box.tools / "npm", "echo warning; echo /elsewhere")
    (problem,) = box.found(app)
    assert (problem.severity, problem.code) == ("error", "EPREFIX")
    assert "/elsewhere" in problem.message
    program(box.tools / "npm", "exit 3")
    assert box.codes(app) == ["WNPM"]
    (box.tools / "npm").unlink()
    assert box.codes(app) == ["WNONPM"]
    program(box.tools / "node", "echo no version is set >&2; exit 1")
    assert box.codes(app) == ["ENODE", "WNONPM"]
    (box.tools / "node").unlink()
    box.env["PATH"] = str(box.tools)
    assert box.codes(app) == ["WNONODE", "WNONPM"]
    del box.env["npm_config_prefix"]
    assert box.codes(app) == ["WNONODE", "WNOPREFIX"]


def test_a_shim_is_told(box: Machine) -> None:
    """Node's own place is shown, and who starts it."""
    shim = box.root / "shims/node"
    program(shim, f'exec {box.tools}/node "$@"')
    box.env["PATH"] = f"{shim.parent}:{box.env['PATH']}"
    first = box.found(box.package("app", "app"), "ok")[0]
    assert first.message == f"node v20.0.0 is {box.tools}/node, started by {shim}"


def test_settings_that_a_project_may_not_make(box: Machine) -> None:
    """Warnings of the settings are shown."""
    app = box.package("app", "app", {".npmrc": "prefix=/x\n"})
    assert box.codes(app) == ["WPROJECTNPMRC"]


@pytest.mark.parametrize("name", ["NODE_PATH", "NODE_PRESERVE_SYMLINKS"])
def test_variables_that_change_where_node_looks(name: str, box: Machine) -> None:
    """Answers about what Node finds hold without them."""
    box.env[name] = "1"
    (problem,) = box.found(box.package("app", "app"))
    assert (problem.code, problem.hint) == ("WNODEENV", f"unset {name}")


def test_a_prefix_that_may_not_be_written_to(box: Machine) -> None:
    """It is a warning, as links into projects work all the same."""
    if not Path("/proc/sys").is_dir():
        pytest.skip("no /proc/sys")
    shutil.rmtree(box.prefix)
    box.prefix.symlink_to("/proc/sys")
    assert box.codes(box.package("app", "app")) == ["WPREFIX"]


def test_a_state_folder_that_others_may_write_to(box: Machine) -> None:
    """Whoever can write there decides what linkpack believes."""
    lib, app = box.package("lib", "lib"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    (box.home / "state/linkpack").chmod(0o777)
    (problem,) = box.found(app)
    assert problem.code == "ESTATE"
    assert f"chmod -R go= {box.home}/state/linkpack" in problem.hint


def test_a_damaged_record_does_not_hide_the_rest(box: Machine) -> None:
    lib, app = box.package("lib", "lib"), box.package("app", "app", bundleDependencies=["gone"])
    linkpack.link([lib], app, box.options())
    for record in (box.home / "state/linkpack/links").iterdir():
        record.write_text("{")
    assert {"ERECORD", "EBUNDLEMISSING"} <= set(box.codes(app))


def test_commands_on_path(box: Machine) -> None:
    """A prefix that PATH lacks is told if it has commands, and so is another program before it."""
    lib, app = box.command("lib", "lib"), box.package("app", "app")
    box.env["PATH"] = str(box.tools)
    assert box.codes(app) == []
    linkpack.link((), lib, box.options())
    (problem,) = box.found(app)
    assert (problem.code, f'PATH="{box.prefix}/bin:$PATH"' in problem.hint) == ("WPATH", True)
    program(box.root / "mine/lib", "true")
    box.env["PATH"] = f"{box.root}/mine:{box.tools}:{box.prefix}/bin"
    (problem,) = box.found(app)
    assert (problem.code, problem.path) == ("WSHADOWED", f"{box.root}/mine/lib")


def test_plug_and_play_is_a_warning(box: Machine) -> None:
    """Links have no effect there, so that nothing else is looked for in node_modules."""
    app = box.package("app", "app", {".pnp.cjs": ""})
    linkpack.link([box.package("kit", "kit", peerDependencies={"ui": "1"})], app, box.options())
    assert box.codes(app) == ["WPNP"]


# --- links


def test_each_link_that_is_out_of_order_has_a_cure(box: Machine) -> None:
    """Dropped, replaced, dangling and uninstalled links, and a command that cannot be run, each with a cure."""
    app = box.package("app", "app", dependencies={"removed": "1"})
    folders = {name: box.command(name, name) for name in ("dropped", "replaced", "dangling", "removed", "broken")}
    linkpack.link(list(folders.values()), app, box.options(link_global=False))
    for name in ("dropped", "replaced", "removed"):
        Path(app, "node_modules", name).unlink()
    package(app, "replaced")
    shutil.rmtree(folders["dangling"])
    box.package("app", "app")
    Path(folders["broken"], "cli.js").chmod(0o644)
    found = {name: each for each in box.found(app) for name in folders if f"/{name}" in each.path}
    codes = {name: each.code for name, each in found.items()}
    assert codes == {
        "dropped": "EDROPPED",
        "replaced": "EDROPPED",
        "dangling": "EDANGLING",
        "removed": "WUNINSTALLED",
        "broken": "ECOMMAND",
    }
    assert "something else was installed there" in found["replaced"].message
    assert {name for name, each in found.items() if each.fix} == {"dropped", "replaced", "broken"}
    assert all(each.hint for each in found.values())


def test_global_links(box: Machine) -> None:
    """They are examined as the project's are, with commands of their own."""
    lib, app = box.command("lib", "lib"), box.package("app", "app")
    linkpack.link((), lib, box.options())
    (box.prefix / "bin/lib").unlink()
    (box.modules / "lib").unlink()
    (problem,) = box.found(app)
    assert (problem.code, problem.hint) == ("EDROPPED", "linkpack relink -g lib")
    doctor(app, "--fix")
    assert box.codes(app) == []


def test_warnings_of_links_are_warnings(box: Machine) -> None:
    """What `ls` warns of is shown with its hint."""
    lib = box.package("lib", "lib", dependencies={"dep": "1"}, bin={"tool": "dist/cli.js"})
    app = box.package("app", "app", dependencies={"lib": "^2.0.0"})
    linkpack.link([lib], app, box.options(link_global=False))
    assert sorted(box.codes(app)) == ["WBIN", "WDEPENDENCIES", "WRANGE"]


# --- peers


def twice(box: Machine, **peers: str) -> tuple[str, str]:
    """A project and a linked kit, both with a copy of `ui` of their own."""
    kit = box.package("kit", "kit", peerDependencies=peers or {"ui": "^1.0.0"})
    app = box.package("app", "app", dependencies={"ui": "1"})
    for folder in (kit, app):
        package(folder, "ui")
    linkpack.link([kit], app, box.options(link_global=False))
    return app, kit


def test_a_doubled_peer_is_mended(box: Machine) -> None:
    """The fix links the project's copy into the linked package, and unlink puts back what was there."""
    app, kit = twice(box)
    (problem,) = box.found(app)
    assert (problem.severity, problem.code) == ("error", "EPEERTWICE")
    assert problem.fix is not None
    assert problem.fix.words == ("link", "--no-global", "-C", kit, f"{app}/node_modules/ui")
    doctor(app, "--fix")
    assert box.codes(app) == []
    assert os.path.realpath(f"{kit}/node_modules/ui") == f"{app}/node_modules/ui"
    linkpack.unlink(["ui"], kit, box.options())
    assert box.codes(app) == ["EPEERTWICE"]


def test_a_copy_that_does_not_fit_is_for_a_person_to_choose(box: Machine) -> None:
    """Where the project's copy is not what the package asks for, nothing is mended by itself."""
    app, _ = twice(box, ui="^2.0.0")
    (problem,) = box.found(app)
    assert (problem.code, problem.fix) == ("EPEERTWICE", None)


def test_the_whole_tree_is_looked_at(box: Machine) -> None:
    """Far below the project, without a link, a doubled peer is a warning: an installer put it there."""
    app = box.package("app", "app", dependencies={"a": "1", "ui": "1"})
    package(app, "ui")
    inner = package(package(app, "a", dependencies={"b": "1"}), "b", dependencies={"c": "1"})
    package(package(inner, "c", peerDependencies={"ui": "1"}), "ui")
    (problem,) = box.found(app)
    assert (problem.severity, problem.code) == ("warning", "WPEERTWICE")
    assert problem.fix is None


def test_members_are_looked_at(box: Machine) -> None:
    """Every member of a workspace is a place in which Node starts."""
    root = box.package("root", "root", workspaces=["w/*"])
    member = box.package("root/w/a", "a", dependencies={"kit": "1", "ui": "1"})
    package(root, "kit", peerDependencies={"ui": "1"})
    package(root, "ui")
    assert box.codes(root) == []
    package(member, "ui")
    assert box.codes(root) == ["WPEERTWICE"]


def test_with_strict_peer_deps_all_faults_of_links_are_errors(box: Machine) -> None:
    app = box.package("app", "app")
    linkpack.link([box.package("kit", "kit", peerDependencies={"ui": "1"})], app, box.options(link_global=False))
    assert box.codes(app) == ["WPEER"]
    assert box.codes(app, strict_peer_deps=True) == ["EPEER"]


# --- the bundle, and what is left over


def test_the_bundle(box: Machine) -> None:
    """Entries that are not installed, and a link among them that an install replaced."""
    app = box.package("app", "app", bundleDependencies=["a", "b", "maybe"], optionalDependencies={"maybe": "1"})
    linkpack.link([box.package("b", "b")], app, box.options(link_global=False))
    Path(app, "node_modules/b").unlink()
    package(app, "b")
    found = {each.code: each for each in box.found(app)}
    assert set(found) == {"EDROPPED", "EBUNDLEMISSING", "EREPLACED"}
    assert found["EBUNDLEMISSING"].message.endswith(": a")
    assert found["EBUNDLEMISSING"].hint == f"run npm install in {app}"
    package(app, "a")
    doctor(app, "--fix")
    assert box.codes(app) == []


def test_content_that_no_record_knows(box: Machine) -> None:
    """What a link displaced stays when the record is lost; it is the user's, and never removed by --fix."""
    lib, app = box.package("lib", "lib"), box.package("app", "app")
    box.installed(app, "lib")
    linkpack.link([lib], app, box.options())
    assert box.codes(app) == []
    shutil.rmtree(box.home / "state")
    stash = Path(app, "node_modules/.linkpack/lib")
    (problem,) = box.found(app)
    assert (problem.code, problem.path) == ("WSTASH", str(stash))
    doctor(app, "--fix")
    assert stash.is_dir()


@pytest.mark.parametrize("damaged", [False, True])
def test_a_run_that_was_cut_off(box: Machine, *, damaged: bool) -> None:
    """A journal of a dead run is told, and taken back by --fix; a damaged one says nothing."""
    lib, app, other = box.package("lib", "lib"), box.package("app", "app"), box.package("other", "other")
    linkpack.link([lib], other, box.options(link_global=False))
    (last,) = (box.home / "state/linkpack/last").iterdir()
    text = last.read_text()
    run = json.loads(text)["run"]
    dead = f"999999999-{run.partition('-')[2]}"
    journal = box.home / f"state/linkpack/journals/{dead}.json"
    journal.write_text(text[:-9] if damaged else text.replace(run, dead))
    assert box.codes(app) == ([] if damaged else ["ECUTOFF"])
    doctor(app, "--fix")
    assert box.codes(app) == []
    assert damaged or not journal.exists()


def test_the_scripts_of_a_machine_are_not_run(box: Machine) -> None:
    """Nothing of the project is started: neither a node of its own nor a command of a link."""
    lib, app = box.package("lib", "lib", {"cli.js": CLI}, bin="cli.js"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    marker = box.root / "ran"
    program(Path(app, "node_modules/.bin/node"), f"touch {marker}")
    program(Path(lib, "cli.js"), f"touch {marker}")
    box.env["PATH"] = f"{app}/node_modules/.bin:{box.env['PATH']}"
    box.found(app)
    assert not marker.exists()


def test_the_json_has_the_fields_that_the_page_names(box: Machine) -> None:
    """Programs rely on them."""
    finding: dict[str, Any] = json.loads(doctor(box.package("app", "app"), "--json").stdout)["findings"][0]
    page = (Path(__file__).parents[2] / "docs/link.md").read_text(encoding="utf-8")
    assert f"`{{findings: [{{{', '.join(finding)}}}], fixed, errors, warnings}}`" in page
