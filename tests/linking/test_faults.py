"""A run that is killed at any moment leaves the old or the new state, and the next run cleans up."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.errors import ConfigError, LinkError
from linkpack.linking.record import Store
from linkpack.system import dir_entries
from tests.support.linkbox import LinkBox

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def run(
    box: LinkBox, do: str, args: list[object], project: str, flags: dict[str, bool], *, kill: int, exchange: bool
) -> bool:
    """Run one function of the library in a process that is killed before its *kill*-th step; whether it was."""
    request = {
        "do": do,
        "args": args,
        "project": project,
        "flags": flags,
        "env": box.env,
        "kill": kill,
        "exchange": exchange,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.killed", json.dumps(request)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


def names(folder: Path) -> list[str]:
    """The names in *folder*, sorted."""
    return sorted(path.name for path in folder.iterdir())


def scene(box: LinkBox) -> tuple[str, str]:
    """A package, and a project that has another version installed."""
    lib, app = box.command("lib", "alpha"), box.package("app", "app", dependencies={"alpha": "^1.0.0"})
    box.installed(app, "alpha")
    return lib, app


@pytest.mark.parametrize(
    ("do", "exchange"), [("link", True), ("link", False), ("unlink", True), ("unlink", False), ("undo", True)]
)
def test_a_run_killed_before_any_step_loses_nothing(tmp_path: Path, do: str, *, exchange: bool) -> None:
    """The next command takes it back, and ends as if it had not been."""
    (tmp_path / "0").mkdir()
    box = LinkBox(tmp_path / "0")
    lib, app = scene(box)
    old = box.tree()
    kill = 0
    while True:
        kill += 1
        if do != "link":
            linkpack.link([lib], app, box.options(save=True))
        args: dict[str, list[object]] = {"link": [[lib]], "unlink": [["alpha"]], "undo": [None]}
        hit = run(box, do, args[do], app, {"save": True}, kill=kill, exchange=exchange)
        modules = Path(app, "node_modules")
        whole = (modules / "alpha/run.js").exists() or box.leads(app, "alpha") == lib
        # Without an exchange of the file system's, the displaced package may be on its way, and is then kept.
        assert whole or (not exchange and (modules / ".linkpack/alpha/run.js").exists()), kill
        assert json.loads(Path(app, "package.json").read_text())["name"] == "app"
        linkpack.link([lib], app, box.options(save=True))
        assert box.leads(app, "alpha") == lib
        assert not names(box.home / "state/linkpack/journals")
        linkpack.unlink(["alpha"], app, box.options())
        linkpack.unlink((), lib, box.options())
        assert box.tree() == old, kill
        if not hit:
            break
    assert kill > 20


@pytest.mark.parametrize("step", ["make_link", "move", "exchange", "write_new", "make_dir"])
def test_failures_are_taken_back(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    box = LinkBox(tmp_path)
    lib, app = scene(box)
    old = box.tree()
    real: Callable[..., object] = getattr(dir_entries, step)
    count = 0
    while True:
        count += 1
        left = count

        def failing(*args: object, **more: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                raise OSError(28, "No space left on device", str(args[0]))
            return real(*args, **more)

        with monkeypatch.context() as patch:
            patch.setattr(dir_entries, step, failing)
            with contextlib.suppress(LinkError, ConfigError, OSError):
                linkpack.link([lib], app, box.options(save=True))
        if left > 0:
            break
        assert box.tree() == old, count
    linkpack.undo(None, app, box.options())
    assert box.tree() == old


def test_a_damaged_record_is_an_error_and_a_half_written_journal_is_not(tmp_path: Path) -> None:
    """The error names the record. A run that was cut off while it wrote its journal had changed nothing."""
    box = LinkBox(tmp_path)
    lib, app = scene(box)
    linkpack.link([lib], app, box.options())
    journals = box.home / "state/linkpack/journals"
    for name in ("999999999-x.json", "strange.json", f"{os.getpid()}-x.json", "1-x.json"):
        (journals / name).write_text('{"run"')
    for number, text in enumerate(
        ("5", '{"changes": [[1, 2, 3]]}', '{"changes": [["a", [], []]]}', "[" * 100_000)
    ):
        (journals / f"strange{number}.json").write_text(text)
    linkpack.unlink(["alpha"], app, box.options())
    assert names(journals) == sorted(["1-x.json", f"{os.getpid()}-x.json"])
    odd = journals / "2-x.json"
    for kind in ("folder", "link"):
        odd.mkdir() if kind == "folder" else odd.symlink_to("nowhere")
        with pytest.raises(LinkError) as caught:
            linkpack.link([lib], app, box.options())
        assert (caught.value.code, caught.value.path) == ("ERECOVER", str(odd))
        odd.rmdir() if kind == "folder" else odd.unlink()
    linkpack.link([lib], app, box.options())
    Path(Store(str(box.home / "state/linkpack")).file("links", f"{app}/node_modules")).write_text("{bad")
    with pytest.raises(LinkError) as caught:
        linkpack.links(app, box.options())
    assert caught.value.code == "ERECORD"
    assert app in caught.value.message


def test_a_run_of_another_project_is_left_to_a_command_there(tmp_path: Path) -> None:
    """It may still be at work."""
    box = LinkBox(tmp_path)
    lib, app = scene(box)
    other = box.package("other", "other")
    for project in (app, other):
        linkpack.link([lib], project, box.options())
    kill = 1
    while run(box, "unlink", [["alpha"]], app, {}, kill=kill, exchange=True) and box.leads(app, "alpha"):
        kill += 1
    before = box.tree(app)
    journal = linkpack.unlink(["alpha"], other, box.options())
    assert journal.plan.warnings == ()
    assert box.tree(app) == before
    journal = linkpack.relink((), app, box.options())
    assert [problem.code for problem in journal.plan.warnings] == ["WRECOVERED"]
    assert box.leads(app, "alpha") == lib


def test_eight_processes_at_once_lose_no_link(tmp_path: Path) -> None:
    """They link and save into one project and prefix, and then eight others unlink."""
    box = LinkBox(tmp_path)
    app = box.package("app", "app")
    libs = [box.command(f"lib{i}", f"p{i}") for i in range(8)]
    old = box.tree()
    script = (
        "import json, sys, linkpack; a = json.loads(sys.argv[1]);"
        "getattr(linkpack, a[0])(a[1], a[2], linkpack.LinkOptions(flags=a[3], env=a[4]))"
    )

    def everywhere(do: str, names: list[str], flags: dict[str, bool]) -> list[str]:
        running = [
            subprocess.Popen(
                [sys.executable, "-c", script, json.dumps([do, [name], app, flags, box.env])],
                cwd=ROOT, stderr=subprocess.PIPE, text=True,
            )
            for name in names
        ]  # fmt: skip
        return [process.communicate()[1] for process in running]

    assert everywhere("link", libs, {"save": True}) == [""] * 8
    assert [box.leads(app, f"p{i}") for i in range(8)] == libs
    assert len(json.loads(Path(app, "package.json").read_text())["dependencies"]) == 8
    assert len(linkpack.links(app, box.options())) == 8
    assert everywhere("unlink", [f"p{i}" for i in range(8)], {}) == [""] * 8
    linkpack.unlink((), app, box.options(), shared=True, every=True)
    assert box.tree() == old


def test_a_journal_that_cannot_be_taken_back_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names it. It is taken back when the system allows it again."""
    box = LinkBox(tmp_path)
    lib, app = scene(box)
    old = box.tree()
    kill = 1
    while run(box, "link", [[lib]], app, {}, kill=kill, exchange=True) and not box.leads(app, "alpha"):
        kill += 1
    journals = box.home / "state/linkpack/journals"
    assert names(journals)

    def refuse(*paths: str) -> bool:
        raise PermissionError(1, "Operation not permitted", paths[0])

    with monkeypatch.context() as patch:
        patch.setattr(dir_entries, "exchange", refuse)
        with pytest.raises(LinkError) as caught:
            linkpack.unlink(["alpha"], app, box.options())
        assert caught.value.code == "ERECOVER"
        assert names(journals)
    journal = linkpack.unlink(["alpha"], app, box.options(), shared=True)
    assert [problem.code for problem in journal.plan.warnings] == ["WRECOVERED", "WNOTLINKED"]
    assert box.tree() == old
