"""Link commands change nothing outside: not through links, not by what records and journals say, nor in a race."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import linkpack
from linkpack.errors import ConfigError, LinkConflict, LinkError, LinkpackError
from linkpack.linking import states as linkstate
from linkpack.linking.journal import apply, lock_places
from linkpack.linking.record import Store, find_store
from linkpack.linking.undo_command import plan_last_undo
from tests.support.linkbox import LinkBox

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
STATE = "state/linkpack"


def outside(box: LinkBox) -> Path:
    """A folder that no link command has anything to do with, with something precious in it."""
    folder = box.root / "outside"
    (folder / "lib").mkdir(parents=True)
    (folder / "lib/precious").write_text("x")
    return folder


# --- links that lead out


@pytest.mark.parametrize(
    "link", ["node_modules", "node_modules/@s", "node_modules/.bin", "node_modules/.linkpack"]
)
@pytest.mark.parametrize("command", ["link", "unlink", "unlink --all"])
def test_nothing_is_changed_through_a_link_that_leads_out(box: LinkBox, link: str, command: str) -> None:
    """A folder of the project that is a link out of it is refused, when linking and when unlinking."""
    lib, app = box.command("lib", "@s/lib"), box.package("app", "app")
    far = outside(box)
    (far / "@s+lib").mkdir()
    (far / "lib2").symlink_to(lib)
    path = Path(app, link)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(far)
    if link == "node_modules/.linkpack":
        box.installed(app, "@s/lib") if command == "link" else None
    if command != "link" and link == "node_modules/.linkpack":
        Path(app, "node_modules/@s").mkdir()
        Path(app, "node_modules/@s/lib").symlink_to("../../nowhere")
    before = box.tree()
    options = box.options(force=True)
    if command == "link":
        with pytest.raises(LinkpackError) as caught:
            linkpack.link([lib], app, options)
        assert caught.value.code == "ELINKOUT"
        assert f"{app}/{link} leads to {far}, which is" in caught.value.message
    elif link == "node_modules/.linkpack":
        with pytest.raises(LinkConflict) as conflict:
            linkpack.unlink(["@s/lib"] if command == "unlink" else (), app, options, every=command != "unlink")
        assert conflict.value.code == "ELINKOUT"
    assert box.tree() == before


@pytest.mark.parametrize("link", ["lib/node_modules", "bin", "share/man/man1", "lib"])
def test_nothing_is_changed_through_a_link_out_of_the_prefix(box: LinkBox, link: str) -> None:
    lib = box.command("lib", "lib", bin={"tool": "cli.js"}, man="lib.1")
    Path(lib, "lib.1").write_text("page")
    path = box.prefix / link
    path.parent.mkdir(parents=True)
    path.symlink_to(outside(box))
    before = box.tree()
    with pytest.raises(LinkpackError) as caught:
        linkpack.link(project=lib, options=box.options())
    assert caught.value.code == "ELINKOUT"
    assert f"{path} leads to {box.root}/outside, which is" in caught.value.message
    assert box.tree() == before


@pytest.mark.parametrize("swapped", ["node_modules", "node_modules/@s", "node_modules/.bin", "prefix/bin"])
def test_a_folder_that_becomes_a_link_after_planning_is_not_followed(box: LinkBox, swapped: str) -> None:
    """The plan is refused, and all begun changes are taken back."""
    lib, app = box.command("lib", "@s/lib"), box.package("app", "app")
    for folder in (f"{app}/node_modules/@s", f"{app}/node_modules/.bin", str(box.prefix / "bin")):
        Path(folder).mkdir(parents=True)
    far = outside(box)
    places = [app, f"{app}/node_modules", str(box.modules)]
    store = find_store(box.env)
    plan = linkpack.plan_link([lib], app, box.options())
    path = box.root / swapped if swapped.startswith("prefix") else Path(app, swapped)
    path.rename(box.root / "aside")
    path.symlink_to(far)
    before = box.tree()
    with pytest.raises(LinkError) as caught, lock_places(store, places):
        apply(plan, store, places, app)
    assert caught.value.code == "ESTALE"
    path.unlink()
    (box.root / "aside").rename(path)
    # What could not be taken back through the link is, by the next command.
    linkpack.relink((), app, box.options())
    path.rename(box.root / "aside")
    path.symlink_to(far)
    assert box.tree() == before


_SWAP = """
import ctypes, sys, time
libc = ctypes.CDLL(None)
a, b = (each.encode() for each in sys.argv[1:])
while True:
    libc.renameat2(-100, a, -100, b, 2)
    time.sleep(0.001)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="swaps with renameat2")
def test_nothing_lands_in_a_folder_that_is_swapped_all_the_time(box: LinkBox) -> None:
    """node_modules is a link to another folder every other moment."""
    lib, app = box.command("lib", "lib"), box.package("app", "app")
    Path(app, "node_modules").mkdir()
    victim = box.work / "victim"
    victim.mkdir()
    Path(app, "other").symlink_to("../victim")
    command = [sys.executable, "-c", _SWAP, f"{app}/node_modules", f"{app}/other"]
    acts = (partial(linkpack.link, [lib]), partial(linkpack.unlink, ["lib"])) * 60
    done = 0
    with subprocess.Popen(command) as swapper:
        try:
            for act in acts:
                with contextlib.suppress(LinkpackError):
                    act(app, box.options())
                    done += 1
                assert list(victim.iterdir()) == []
        finally:
            swapper.kill()
    assert done > 0


# --- the state folder


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
def test_the_state_folder_is_its_owners_alone(tmp_path: Path, umask: int) -> None:
    """The umask does not matter."""
    box = LinkBox(tmp_path)
    lib, app = box.package("lib", "lib"), box.package("app", "app")
    before = os.umask(umask)
    try:
        linkpack.link([lib], app, box.options())
    finally:
        os.umask(before)
    made = [box.home / "state", *(box.home / "state").rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_file()} == {0o600}


COMMANDS: dict[str, Callable[[LinkBox, str], object]] = {
    "link": lambda box, app: linkpack.link(["../lib"], app, box.options()),
    "unlink": lambda box, app: linkpack.unlink(["lib"], app, box.options()),
    "relink": lambda box, app: linkpack.relink((), app, box.options()),
    "ls": lambda box, app: linkpack.links(app, box.options()),
    "undo": lambda box, app: linkpack.undo(None, app, box.options()),
    "undo --dry-run": lambda box, app: plan_last_undo(app, box.options()),
}
# Commands that only read look into the folders that they need.
OPEN = [
    (command, folder)
    for command in COMMANDS
    for folder in ("", "/links", "/journals", "/last")
    if command not in {"ls", "undo --dry-run"} or folder in {"", {"ls": "/links"}.get(command, "/last")}
]


@pytest.mark.parametrize(("command", "folder"), OPEN)
@pytest.mark.parametrize("mode", [0o755, 0o777, 0o710])
def test_a_state_folder_that_is_open_is_not_obeyed(box: LinkBox, folder: str, mode: int, command: str) -> None:
    """Others could have put something there. A folder that came with a clone is open too."""
    lib, app = box.package("lib", "lib"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    (box.home / f"{STATE}{folder}").chmod(mode)
    before = box.tree()
    with pytest.raises(ConfigError) as caught:
        COMMANDS[command](box, app)
    assert caught.value.code == "ESTATE"
    assert f"{mode:o}" in caught.value.message
    assert caught.value.hint
    assert box.tree() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("what", ["", "links", "a record", "a journal"])
def test_what_belongs_to_another_user_is_not_obeyed(box: LinkBox, what: str) -> None:
    """A state folder, a folder in it or a file of another user ends the command."""
    lib, app = box.package("lib", "lib"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    store = Store(str(box.home / STATE))
    path = Path(store.root, what)
    if what == "a record":
        path = Path(store.file("links", f"{app}/node_modules"))
    elif what == "a journal":
        path = Path(store.root, "journals/1-a.json")
        path.write_text("{}")
    os.chown(path, 65534, 65534)
    before = box.tree()
    with pytest.raises((ConfigError, LinkError)) as caught:
        linkpack.unlink(["lib"], app, box.options())
    assert caught.value.code in {"ESTATE", "ERECORD", "ERECOVER"}
    assert "another user" in caught.value.message
    assert box.tree() == before


# --- journals and records


def planted(box: LinkBox, app: str, **more: Any) -> Path:  # noqa: ANN401 - JSON
    """A journal that another run could have left, but for *more*."""
    linkpack.link([box.package("lib", "lib")], app, box.options())
    value = {
        "run": "1-a", "scope": app, "places": [app], "last": True, "roots": [app], "changes": [],
        "bookkeeping": [], "edits": [], "saves": [], "discard": [], "added": [], "changed": [], "removed": [],
    }  # fmt: skip
    path = box.home / STATE / "journals/1-a.json"
    path.write_text(json.dumps({**value, **more}))
    return path


def states(box: LinkBox) -> dict[str, Callable[[str], list[object]]]:
    """Changes that would do harm outside, each for a path there."""
    mode = stat.S_IMODE((box.root / "outside/lib/precious").stat().st_mode)
    return {
        "writes": lambda far: [f"{far}/new", ["file", "planted", 420], ["absent"]],
        "removes": lambda far: [f"{far}/lib/precious", ["absent"], ["file", "x", mode]],
        "replaces": lambda far: [f"{far}/lib/precious", ["file", "planted", 420], ["file", "x", mode]],
        "links": lambda far: [f"{far}/new", ["link", "planted"], ["absent"]],
        "moves": lambda far: [f"{far}/new", ["displaced", f"{far}/lib", 1], ["absent"]],
        "moves in": lambda far: [f"{box.work}/app/new", ["displaced", f"{far}/lib", 1], ["absent"]],
        "makes a folder": lambda far: [f"{far}/new", ["folder"], ["absent"]],
        "removes a folder": lambda far: [f"{far}/empty", ["absent"], ["folder"]],
    }


HARMS = ("writes", "removes", "replaces", "links", "moves", "moves in", "makes a folder", "removes a folder")


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("roots", ["its own", "theirs"])
@pytest.mark.parametrize("kind", ["changes", "bookkeeping"])
def test_a_journal_is_obeyed_for_its_own_places_only(box: LinkBox, harm: str, roots: str, kind: str) -> None:
    """A journal that names paths outside of the places that it locked is not linkpack's, and is left alone."""
    app = box.package("app", "app")
    far = outside(box)
    (far / "empty").mkdir()
    change = states(box)[harm](str(far))
    path = planted(box, app, **{kind: [change]}, roots=[app] if roots == "its own" else [str(far)])
    before = box.tree()
    with pytest.raises(LinkError) as caught:
        linkpack.unlink(["lib"], app, box.options())
    assert (caught.value.code, caught.value.path) == ("ERECOVER", str(path))
    assert box.tree() == before


def test_a_journal_that_is_done_removes_only_what_is_its_own(box: LinkBox) -> None:
    app = box.package("app", "app")
    far = outside(box)
    path = planted(box, app, discard=[str(far / "lib")])
    path.rename(path.with_suffix(".done"))
    before = box.tree()
    with pytest.raises(LinkError) as caught:
        linkpack.unlink(["lib"], app, box.options())
    assert caught.value.code == "ERECOVER"
    assert box.tree() == before


def test_scripts_of_linked_packages_are_taken_back(box: LinkBox) -> None:
    """Their modes and first line ends are the only changes outside that a journal may hold."""
    app = box.package("app", "app")
    far = outside(box)
    script = far / "lib/precious"
    script.chmod(0o755)
    script.write_bytes(b"#!/usr/bin/env node\nx")
    old = "#!/usr/bin/env node\r\nx"
    planted(
        box,
        app,
        changes=[
            [str(script), ["file", old, 0o644], ["file", "#!/usr/bin/env node\nx", 0o755]],
        ],
    )
    linkpack.unlink(["lib"], app, box.options())
    assert (script.read_bytes(), stat.S_IMODE(script.stat().st_mode)) == (old.encode(), 0o644)


def test_a_record_is_obeyed_for_its_own_place_only(box: LinkBox) -> None:
    """Links elsewhere make it a damaged one. To restore or remove anything elsewhere is refused."""
    lib, app = box.package("lib", "lib"), box.package("app", "app")
    far = outside(box)
    linkpack.link([lib], app, box.options())
    path = Path(Store(str(box.home / STATE)).file("links", f"{app}/node_modules"))
    record = json.loads(path.read_text())
    (entry,) = record["links"].values()
    fake = dict(entry)
    for changes, code in (
        ({"path": str(far / "lib")}, "ERECORD"),
        ({"owned": [[str(far / "lib/precious"), ["absent"], ["link", "x"]]]}, ""),
        ({"owned": [*entry["owned"], [f"{app}/new", ["displaced", str(far / "lib"), 1], ["absent"]]]}, "ELINKOUT"),
        ({"owned": [*entry["owned"], [str(far / "new"), ["link", "planted"], ["absent"]]]}, "ELINKOUT"),
        ({"owned": [*entry["owned"], [str(far / "lib"), ["absent"], ["folder"]]]}, "ELINKOUT"),
    ):
        fake = {**entry, **changes}
        path.write_text(json.dumps({**record, "links": dict.fromkeys(record["links"], fake)}))
        before = {name: what for name, what in box.tree().items() if name.startswith("outside")}
        try:
            linkpack.unlink(["lib"], app, box.options())
        except LinkError as err:
            assert err.code == code  # noqa: PT017 - not each of them fails
        else:
            assert code == ""
        assert {name: what for name, what in box.tree().items() if name.startswith("outside")} == before
        undo_by_hand(path, record, app, lib)


def undo_by_hand(path: Path, record: object, app: str, lib: str) -> None:
    """Have the link and its record as they were."""
    path.write_text(json.dumps(record))
    link = Path(app, "node_modules/lib")
    link.parent.mkdir(exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(os.path.relpath(lib, link.parent))


def test_a_plan_from_elsewhere_is_refused(box: LinkBox) -> None:
    """A program can apply a plan only in the places that it locked."""
    lib, app = box.package("lib", "lib"), box.package("app", "app")
    far = outside(box)
    plan = linkpack.plan_link([lib], app, box.options())
    stray = linkstate.Change(str(far / "new"), linkstate.ABSENT, linkstate.Link("x"))
    store = find_store(box.env)
    places = [app, f"{app}/node_modules", str(box.modules)]
    with pytest.raises(LinkConflict) as caught, lock_places(store, places):
        apply(plan._replace(changes=(*plan.changes, stray)), store, places, app)
    assert caught.value.code == "ELINKOUT"
    assert not (far / "new").exists()
    assert not Path(app, "node_modules").exists()
