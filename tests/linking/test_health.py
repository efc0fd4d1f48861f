"""Warnings about links: what Node will find, compared with what Node finds."""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linkpack
from linkpack.errors import LinkpackError
from tests.support.linkbox import CLI, LinkBox, invoke
from tests.support.npm import node

if TYPE_CHECKING:
    from linkpack.errors import Problem


def copy(folder: str | Path, name: str, version: str = "1.0.0", **members: Any) -> str:  # noqa: ANN401 - as a manifest has them
    """A package *name* in the node_modules of *folder*, as an installer puts it there; its path."""
    path = Path(folder, "node_modules", name)
    path.mkdir(parents=True, exist_ok=True)
    manifest = {"name": name, "version": version, "main": "index.js", **members}
    (path / "package.json").write_text(json.dumps(manifest))
    (path / "index.js").write_text("exports.filename = __filename\n")
    return str(path)


def warnings(box: LinkBox, app: str, *specs: str, **flags: object) -> list[Problem]:
    """The warnings of linking *specs* into *app*."""
    return list(linkpack.link(specs, app, box.options(**flags)).plan.warnings)


def codes(found: list[Problem]) -> list[str]:
    """The codes of *found*, sorted."""
    return sorted(problem.code for problem in found)


def follow(problem: Problem, box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the linkpack command that a hint names."""
    words = shlex.split(problem.hint.partition(", or ")[0].removeprefix("run linkpack "))
    for name, value in box.env.items():
        monkeypatch.setenv(name, value)
    invoke(*words)


def resolved(at: str, *chain: str, flags: tuple[str, ...] = ()) -> str:
    """What Node, started in the folder *at*, finds for the last name of *chain*, from package to package."""
    script = """
    const { createRequire } = require('node:module')
    let at = process.argv[1] + '/index.js'
    for (const name of process.argv.slice(2)) at = createRequire(at).resolve(name)
    console.log(at)
    """
    command = [node(), *flags, "-e", script, at, *chain]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


# --- peers


def test_a_doubled_peer_is_cured_by_the_hint(box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The linked package's own copy is named. After the hint's command Node finds one, and nothing warns."""
    kit = box.package("my kit", "kit", {"index.js": ""}, main="index.js", peerDependencies={"ui": "^1.0.0"})
    app = box.package("app", "app")
    ours, theirs = copy(app, "ui"), copy(kit, "ui", "1.2.0")
    (problem,) = warnings(box, app, kit)
    assert problem.code == "WPEERTWICE"
    assert ours in problem.message
    assert theirs in problem.message
    assert "--preserve-symlinks" not in problem.hint
    assert resolved(app, "ui") != resolved(app, "kit", "ui")
    follow(problem, box, monkeypatch)
    assert resolved(app, "ui") == resolved(app, "kit", "ui")
    assert warnings(box, app, kit) == []
    linkpack.unlink(["ui"], kit, box.options())
    assert resolved(app, "kit", "ui") == f"{theirs}/index.js"


def test_a_hidden_peer_is_cured_by_either_half_of_the_hint(box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = box.package("kit", "kit", {"index.js": ""}, main="index.js", peerDependencies={"ui": "^1.0.0"})
    app = box.package("app", "app")
    copy(app, "ui")
    (problem,) = warnings(box, app, kit)
    assert problem.code == "WPEERHIDDEN"
    assert problem.hint.endswith(", or start node with --preserve-symlinks")
    assert resolved(app, "kit", "ui") == ""
    assert resolved(app, "kit", "ui", flags=("--preserve-symlinks",)) == resolved(app, "ui")
    follow(problem, box, monkeypatch)
    assert resolved(app, "kit", "ui") == resolved(app, "ui")


def test_preserve_symlinks_is_no_cure_above_a_workspace(box: LinkBox) -> None:
    """Node passes over the copy there, but over all else there too."""
    box.package("mono", "mono", private=True, workspaces=["kit"])
    kit = box.package("mono/kit", "kit", {"index.js": ""}, main="index.js", peerDependencies={"ui": "^1.0.0"})
    app = box.package("app", "app")
    copy(app, "ui")
    copy(box.work / "mono", "ui")
    (problem,) = warnings(box, app, kit)
    assert "--preserve-symlinks" in problem.hint
    assert resolved(app, "kit", "ui", flags=("--preserve-symlinks",)) == resolved(app, "ui")
    box.package("mono/kit", "kit", main="index.js", peerDependencies={"ui": "^1.0.0"}, dependencies={"dep": "1"})
    copy(box.work / "mono", "dep")
    (problem,) = warnings(box, app, kit)
    assert "--preserve-symlinks" not in problem.hint


@pytest.mark.parametrize("depends", [False, True])
def test_a_linked_peer_is_no_fault_where_node_finds_one_copy(box: LinkBox, *, depends: bool) -> None:
    """It is linked by the same command, or was before."""
    ui = box.package("ui", "ui", {"index.js": ""}, main="index.js")
    kit = box.package("kit", "kit", {"index.js": ""}, main="index.js", peerDependencies={"ui": "^1.0.0"})
    Path(kit, "node_modules").mkdir()
    Path(kit, "node_modules/ui").symlink_to("../../ui")
    app = box.package("app", "app", **({"dependencies": {"ui": "^1.0.0"}} if depends else {}))
    if depends:
        copy(app, "ui")
    assert warnings(box, app, kit, ui) == []
    linkpack.unlink(["kit"], app, box.options())
    assert warnings(box, app, kit) == []
    assert resolved(app, "kit", "ui") == resolved(app, "ui")


def test_a_peer_that_only_the_package_has_is_no_fault(box: LinkBox) -> None:
    """Node finds one copy. Once published, the package would have it from the installer."""
    kit = box.package("kit", "kit", peerDependencies={"ui": "^1.0.0"})
    copy(kit, "ui")
    assert warnings(box, box.package("app", "app"), kit) == []


def test_a_later_link_doubles_the_peer_of_an_earlier_one(box: LinkBox) -> None:
    """The peer itself is linked, and the package linked before has its own copy."""
    kit = box.package("kit", "kit", peerDependencies={"ui": "^1.0.0"})
    ui, app = box.package("ui", "ui"), box.package("app", "app")
    copy(kit, "ui")
    assert warnings(box, app, kit) == []
    assert codes(warnings(box, app, ui)) == ["WPEERTWICE"]


def test_an_installed_package_may_have_its_own_copy_of_a_linked_peer(box: LinkBox) -> None:
    """The copy is nested, or in a store."""
    app = box.package("app", "app", dependencies={"kit": "1", "ui": "1"})
    kit = copy(app, "kit", peerDependencies={"ui": "^1.0.0"})
    copy(app, "ui")
    nested = copy(kit, "ui")
    (problem,) = warnings(box, app, box.package("ui", "ui"))
    assert (problem.code, problem.path) == ("WPEERTWICE", nested)


def test_no_hint_asks_to_change_a_store(box: LinkBox) -> None:
    app = box.package("app", "app", dependencies={"kit": "1", "ui": "1"})
    store = Path(app, "node_modules/.pnpm/kit@1.0.0_ui@1.0.0")
    copy(store, "kit", peerDependencies={"ui": "^1.0.0"})
    copy(store, "ui")
    for name in ("kit", "ui"):
        Path(app, "node_modules", name).symlink_to(f".pnpm/kit@1.0.0_ui@1.0.0/node_modules/{name}")
    (problem,) = warnings(box, app, box.package("ui", "ui"))
    assert problem.code == "WPEERTWICE"
    assert "linkpack" not in problem.hint
    assert "bundler" in problem.hint


def test_a_copy_for_tests_doubles_the_peer_of_a_dependency(box: LinkBox) -> None:
    """What a linked package has for its tests its dependencies find too. Once installed, it would not be there."""
    kit = box.package("kit", "kit", dependencies={"styled": "1"}, devDependencies={"ui": "1"})
    copy(kit, "styled", peerDependencies={"ui": "^1.0.0"})
    copy(kit, "ui")
    app = box.package("app", "app", dependencies={"ui": "1"})
    copy(app, "ui")
    (problem,) = warnings(box, app, kit)
    assert problem.code == "WPEERTWICE"
    assert "by styled from" in problem.message
    box.package("kit", "kit", dependencies={"styled": "1", "ui": "1"})
    Path(app, "node_modules/ui/package.json").write_text('{"name": "ui", "version": "2.0.0"}')
    box.package("app", "app", dependencies={"ui": "2"})  # a copy that the kit could not share
    assert warnings(box, app, kit) == []


@pytest.mark.parametrize(
    ("wanted", "peer", "told"),
    [("^1.0.0", True, ["WPEERTWICE"]), ("^2.0.0", True, []), ("^1.0.0", False, [])],
)
def test_a_dependency_that_others_have_as_a_peer_is_one_too(
    box: LinkBox, wanted: str, told: list[str], *, peer: bool
) -> None:
    """A library that depends on React instead of asking for it: an installer would share the copy, if it fits."""
    kit = box.package("kit", "kit", dependencies={"ui": wanted})
    copy(kit, "ui")
    app = box.package("app", "app", dependencies={"ui": "1", "ui-dom": "1"})
    copy(app, "ui")
    copy(app, "ui-dom", peerDependencies={"ui": "*"} if peer else {})
    assert codes(warnings(box, app, kit)) == told


def test_one_cause_is_one_warning(box: LinkBox) -> None:
    """Several packages find the same wrong copy."""
    kit = box.package("kit", "kit", dependencies={"a": "1", "b": "1"}, peerDependencies={"ui": "1"})
    for name in ("a", "b"):
        copy(kit, name, peerDependencies={"ui": "1"})
    copy(kit, "ui")
    app = box.package("app", "app")
    copy(app, "ui")
    (problem,) = warnings(box, app, kit)
    assert "by kit, a, b from" in problem.message


def test_members_of_a_workspace_are_looked_at(box: LinkBox) -> None:
    """A member with its own copy sees another peer than the package that is linked into the root."""
    kit = box.package("kit", "kit", peerDependencies={"ui": "^1.0.0"})
    root = box.package("root", "root", workspaces=["w/*"])
    member = box.package("root/w/a", "a", dependencies={"kit": "1", "ui": "1"})
    other = box.package("root/w/b", "b", dependencies={"ui": "1"})
    copy(root, "ui")
    Path(kit, "node_modules").mkdir()
    Path(kit, "node_modules/ui").symlink_to(f"{root}/node_modules/ui")
    assert warnings(box, root, kit) == []
    copy(other, "ui")  # which does not load kit
    assert warnings(box, root, kit) == []
    copy(member, "ui")
    (problem,) = warnings(box, root, kit)
    assert f"by {member} from {member}/node_modules/ui" in problem.message


@pytest.mark.parametrize("installer", ["npm", "pnpm", "yarn", "bun"])
def test_a_missing_peer_is_added_with_the_projects_package_manager(installer: str, box: LinkBox) -> None:
    kit = box.package(
        "kit",
        "kit",
        peerDependencies={"ui": "^1.0.0", "other": "*"},
        peerDependenciesMeta={"other": {"optional": True}},
    )
    app = box.package("app", "app")
    files = {"npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock", "bun": "bun.lock"}
    Path(app, files[installer]).write_text("{}")
    (problem,) = warnings(box, app, kit)
    add = "npm install" if installer == "npm" else f"{installer} add"
    assert (problem.code, problem.hint) == ("WPEER", f"run {add} 'ui@^1.0.0' in {app}, then linkpack relink")


def test_strict_peer_deps_makes_errors_of_peer_faults(box: LinkBox) -> None:
    """Nothing is linked then, as npm documents it. With legacy-peer-deps they stay warnings."""
    kit = box.package("kit", "kit", peerDependencies={"ui": "^1.0.0", "gone": "1"})
    app = box.package("app", "app")
    copy(app, "ui")
    copy(kit, "ui")
    before = box.tree()
    with pytest.raises(LinkpackError) as caught:
        linkpack.link([kit], app, box.options(strict_peer_deps=True))
    assert {problem.code for problem in caught.value.problems} == {"EPEER", "EPEERTWICE"}
    assert not any("relink" in problem.hint for problem in caught.value.problems)
    assert box.tree() == before
    flags = {"strict_peer_deps": True, "legacy_peer_deps": True}
    assert codes(warnings(box, app, kit, **flags)) == ["WPEER", "WPEERTWICE"]


PLACES = ("app", "mono", "mono/kit", "mono/kit/node_modules/dep", "app/node_modules/beside")


@pytest.mark.property
@pytest.mark.differential
@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    copies=st.sets(st.sampled_from(PLACES)),
    peers=st.sets(st.sampled_from(("kit", "dep", "beside"))),
    also=st.booleans(),
)
def test_warnings_name_just_the_packages_with_another_copy_in_node(
    copies: set[str], peers: set[str], *, also: bool
) -> None:
    """That holds for any places of a peer."""
    with tempfile.TemporaryDirectory() as folder:
        box = LinkBox(Path(folder))

        def needs(name: str) -> dict[str, Any]:
            return {"peerDependencies": {"ui": "*"}} if name in peers else {}

        box.package("mono", "mono", private=True)
        kit = box.package(
            "mono/kit", "kit", {"index.js": ""}, main="index.js", dependencies={"dep": "*"}, **needs("kit")
        )
        app = box.package("app", "app", dependencies={"beside": "*", "ui": "*"})
        copy(kit, "dep", **needs("dep"))
        copy(app, "beside", **needs("beside"))
        for place in copies:
            copy(box.work / place, "ui")
        specs = [kit]
        if also:
            specs.append(box.package("ui", "ui", {"index.js": ""}, main="index.js"))
        told = {problem.code: problem.message for problem in warnings(box, app, *specs)}
        ours = resolved(app, "ui")
        chains = {"kit": ("kit",), "dep": ("kit", "dep"), "beside": ("beside",)}
        found = {name: resolved(app, *chains[name], "ui") for name in peers}
        of_links = {name for name in peers if name != "beside" or also}
        assert ("WPEERTWICE" in told) == any(found[each] and ours and found[each] != ours for each in of_links)
        assert ("WPEERHIDDEN" in told) == any(ours and not found[each] for each in of_links)
        assert ("WPEER" in told) == any(not ours and not found[each] for each in of_links & {"kit"})


# --- ranges


def test_ranges_of_all_that_load_the_link_are_checked(box: LinkBox) -> None:
    """These are the project, a member, a package beside the link and a linked one. Pre-releases meet a range."""
    lib = box.package("lib", "lib", version="2.1.0-dev.1")
    other = box.package("other", "other", dependencies={"lib": "^1.0.0"})
    Path(other, "node_modules").mkdir()
    Path(other, "node_modules/lib").symlink_to("../../lib")
    root = box.package("root", "root", workspaces=["w/*"], dependencies={"lib": "^2.0.0", "beside": "1"})
    box.package("root/w/a", "a", devDependencies={"lib": "~1.4.0"})
    copy(root, "beside", dependencies={"lib": "^1.0.0"})
    found = warnings(box, root, lib, other)
    assert codes(found) == ["WRANGE"] * 3
    assert sorted(problem.message.partition(" wants")[0] for problem in found) == [
        f"{root}/w/a", "beside", "other",
    ]  # fmt: skip


def test_a_saved_link_meets_its_own_spec(box: LinkBox) -> None:
    """The manifest is looked at as it will be."""
    lib = box.package("lib", "lib", version="2.0.0")
    app = box.package("app", "app", dependencies={"lib": "^1.0.0"})
    assert codes(warnings(box, app, lib, save=True, package_lock=False)) == []


def test_the_range_of_a_spec_is_met_as_that_of_a_manifest(box: LinkBox) -> None:
    """`link lib@^2.0.0` takes the pre-release that `link lib` does not warn of."""
    lib = box.package("lib", "lib", version="2.1.0-dev.0")
    app = box.package("app", "app", dependencies={"lib": "^2.0.0"})
    linkpack.link((), lib, box.options())
    assert warnings(box, app, "lib@^2.0.0") == []
    with pytest.raises(LinkpackError) as caught:
        linkpack.link(["lib@^3.0.0"], app, box.options())
    assert caught.value.code == "ERANGE"


# --- the package by itself


@pytest.mark.parametrize("installer", ["npm", "pnpm", "yarn", "bun"])
def test_the_hint_installs_dependencies_where_they_belong(installer: str, box: LinkBox) -> None:
    """It names the package manager of the linked package, and the root of its workspace."""
    box.package("mono", "mono", private=True, packageManager=f"{installer}@1.2.3")
    lib = box.package("mono/lib", "lib", dependencies={"dep": "1"})
    for found in (
        warnings(box, box.package("app", "app"), lib),
        list(linkpack.link((), lib, box.options()).plan.warnings),
    ):
        (problem,) = found
        assert (problem.code, problem.hint) == ("WDEPENDENCIES", f"run {installer} install in {box.work}/mono")


def test_dependencies_of_a_package_with_plug_and_play_are_not_found(box: LinkBox) -> None:
    """They are installed, but not where Node looks for them."""
    lib = box.package("lib", "lib", {".pnp.cjs": ""}, dependencies={"dep": "1"})
    (problem,) = warnings(box, box.package("app", "app"), lib)
    assert problem.code == "WDEPENDENCIES"
    assert "nodeLinker: node-modules" in problem.hint


def test_a_command_that_is_not_built_yet_is_a_warning(box: LinkBox) -> None:
    """The command and its script are named, and the hint makes it, locally and globally."""
    lib = box.package("lib", "lib", bin={"tool": "dist/cli.js", "other": "other.js"})
    Path(lib, "other.js").write_text(CLI)
    app = box.package("app", "app")
    (problem,) = linkpack.link((), lib, box.options()).plan.warnings
    assert problem.code == "WBIN"
    assert "tool (dist/cli.js)" in problem.message
    assert problem.hint == "build lib, then run linkpack relink -g"
    (problem,) = warnings(box, app, lib)
    assert problem.hint == "build lib, then run linkpack relink and linkpack relink -g"
    (problem,) = warnings(box, app, lib, link_global=False)
    Path(lib, "dist").mkdir()
    Path(lib, "dist/cli.js").write_text(CLI)
    assert linkpack.relink((), app, box.options()).plan.warnings == ()
    assert linkpack.relink((), app, box.options(), shared=True).plan.warnings == ()
    assert Path(app, "node_modules/.bin/tool").exists()
    assert (box.prefix / "bin/tool").exists()
    assert warnings(box, box.package("plain", "plain"), lib, bin_links=False) == []


def test_a_rewritten_script_is_a_warning(box: LinkBox) -> None:
    """A carriage return after the first line goes, which the plan says too."""
    lib = box.package("lib", "lib", {"cli.js": "#!/usr/bin/env node\r\n1\r\n"}, bin="cli.js")
    app = box.package("app", "app")
    plan = linkpack.plan_link([lib], app, box.options())
    assert codes(list(plan.warnings)) == ["WCRLF"]
    assert f"{lib}/cli.js" in plan.warnings[0].message
    assert codes(warnings(box, app, lib)) == ["WCRLF"]
    assert codes(warnings(box, app, lib)) == []


def test_a_folder_of_commands_outside_of_the_package_is_not_read(box: LinkBox) -> None:
    """A warning says that the package has no commands."""
    box.package("other", "other", {"tool": CLI})
    lib = box.package("lib", "lib", directories={"bin": "d"})
    Path(lib, "d").symlink_to("../other")
    assert codes(warnings(box, box.package("app", "app"), lib)) == ["WOUTSIDE"]


# --- the project


@pytest.mark.parametrize("file", [".pnp.cjs", ".pnp.js"])
def test_links_in_a_project_with_plug_and_play_have_no_effect(file: str, box: LinkBox) -> None:
    """That is the only warning. A file of Plug'n'Play above the project is enough."""
    kit = box.package("kit", "kit", peerDependencies={"ui": "1"})
    root = box.package("root", "root", {file: ""})
    inner = box.package("root/inner", "inner")
    for app in (root, inner):
        (problem,) = warnings(box, app, kit)
        assert problem.code == "WPNP"
        assert f"yarn link {kit}" in problem.hint


def test_a_fault_is_a_warning_as_long_as_it_is_there(box: LinkBox) -> None:
    """`relink` and a second `link` repeat it."""
    kit, other = box.package("kit", "kit", peerDependencies={"ui": "1"}), box.package("other", "other")
    app = box.package("app", "app")
    assert codes(warnings(box, app, kit)) == ["WPEER"]
    assert codes(warnings(box, app, other)) == ["WPEER"]
    assert codes(list(linkpack.relink((), app, box.options()).plan.warnings)) == ["WPEER"]
    Path(app, "node_modules/kit").unlink()  # dropped by an install: not a link any more
    assert codes(warnings(box, app, other)) == []
