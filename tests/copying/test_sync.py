"""`sync`: copies follow their sources, file by file."""

from __future__ import annotations

import contextlib
import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import linkpack
from linkpack.copying.digests import stamp_of
from linkpack.copying.snapshot import Snapshot
from linkpack.copying.stale_files import compare_copy
from linkpack.errors import LinkError, LinkMissing, LinkpackError
from linkpack.system import dir_entries
from tests.copying.test_copies import copy, copying, files, module, unpacked
from tests.support.linkbox import LinkBox, invoke

if TYPE_CHECKING:
    from linkpack.copying.sync_command import Synced

NAMES = ("a.js", "b.js", "lib/a.js", "lib/deep/b.js", "lib/deep", "bin/cli.js", "README.md", "dist/x.map")


@pytest.fixture
def box(tmp_path: Path) -> LinkBox:
    """A private machine."""
    return LinkBox(tmp_path)


def sync(box: LinkBox, app: str, *names: str) -> Synced:
    """Bring the one copy of *app* up to date."""
    (synced,) = linkpack.sync(names, app, box.options())
    return synced


def pair(box: LinkBox) -> tuple[Path, str, Path]:
    """A package with three files, a project, and its copy there."""
    lib = box.package("lib", "alpha", {"a.js": "1", "b.js": "2", "lib/c.js": "3"})
    app = box.package("app", "app")
    copy(box, lib, app)
    return Path(lib), app, Path(app, "node_modules/alpha")


def numbers(root: Path) -> dict[str, int]:
    """The inodes of the files below *root*, by path."""
    return {str(path.relative_to(root)): path.stat().st_ino for path in root.rglob("*") if path.is_file()}


def test_a_file_that_changes_after_it_was_compared_keeps_its_old_stamp(box: LinkBox) -> None:
    """The next run reads it again, and finds what another process wrote."""
    lib, _, there = pair(box)
    snapshot = Snapshot(entries=linkpack.plan_pack(lib).entries, nested=(), peers=(), warnings=())
    state = compare_copy(str(there), snapshot, {})
    (there / "b.js").write_text("other")
    stamps = {name: digest.stamp for name, digest in state.digests().items()}
    assert stamps["b.js"] != stamp_of((there / "b.js").lstat())
    assert stamps["a.js"] == stamp_of((there / "a.js").lstat())


def test_only_what_changed_is_written(box: LinkBox) -> None:
    """The other files are the very same."""
    lib, app, there = pair(box)
    before = numbers(there)
    (lib / "a.js").write_text("new")
    (lib / "new.js").write_text("new")
    (lib / "lib/c.js").unlink()
    (lib / "b.js").chmod(0o644)
    synced = sync(box, app)
    assert (synced.written, synced.removed, synced.modes) == (("a.js", "new.js"), ("lib/c.js",), ("b.js",))
    after = numbers(there)
    assert [name for name in ("a.js", "b.js", "package.json") if before[name] == after[name]] == [
        "b.js",
        "package.json",
    ]
    assert not (there / "lib").exists()
    assert not sync(box, app).is_stale


def test_contents_decide_and_times_do_not(box: LinkBox) -> None:
    """A file of the same size and time is written; one that is only touched is not."""
    lib, app, there = pair(box)
    status = (lib / "a.js").stat()
    (lib / "a.js").write_text("9")
    os.utime(lib / "a.js", ns=(status.st_atime_ns, status.st_mtime_ns))
    os.utime(lib / "b.js", (1, 1))
    assert sync(box, app).written == ("a.js",)
    assert (there / "a.js").read_text() == "9"


def test_what_others_changed_in_a_copy_is_put_right(box: LinkBox) -> None:
    """Links too, which are not followed."""
    _, app, there = pair(box)
    (there / "a.js").write_text("x")
    (there / "b.js").unlink()
    (there / "b.js").symlink_to("../../package.json")
    (there / "more").mkdir()
    (there / "more/x").write_text("x")
    synced = sync(box, app)
    assert synced.written == ("a.js", "b.js")
    assert synced.removed == ("more/x",)
    assert (there / "b.js").read_text() == "2"
    assert json.loads(Path(app, "package.json").read_text())["name"] == "app"


def test_without_the_record_of_digests_files_are_read(box: LinkBox) -> None:
    """Nothing is written for that."""
    lib, app, there = pair(box)
    before = numbers(there)
    for file in (box.home / "state/linkpack/copies").iterdir():
        file.write_text("broken")
    (lib / "a.js").write_text("new")
    assert sync(box, app).written == ("a.js",)
    assert {name for name, number in numbers(there).items() if before[name] != number} == {"a.js"}


@pytest.mark.parametrize("seed", range(12))
def test_after_any_edits_the_copy_is_the_unpacked_tarball(box: LinkBox, tmp_path: Path, seed: int) -> None:
    """Files become folders and folders files; unlink brings back what was there first."""
    dice = random.Random(seed)  # noqa: S311 - the same edits each time
    lib, app = Path(box.package("lib", "alpha")), box.package("app", "app")
    box.installed(app, "alpha")
    before = box.tree(app)
    copy(box, str(lib), app)
    for number in range(6):
        for _ in range(dice.randrange(4)):
            edit(lib / dice.choice(NAMES), dice)
            edit(Path(app, "node_modules/alpha") / dice.choice(NAMES), dice)
        sync(box, app)
        expected = files(unpacked(lib, tmp_path / str(number)))
        assert files(Path(app, "node_modules/alpha")) == expected
    linkpack.unlink(["alpha"], app, box.options())
    assert box.tree(app) == before


def edit(path: Path, dice: random.Random) -> None:
    """Write, remove or change the mode of the file *path*, whatever is in its way."""
    for above in [path, *path.parents]:
        if above.is_file():
            above.unlink()
    if path.is_dir():
        for inner in sorted(path.rglob("*"), reverse=True):
            inner.rmdir() if inner.is_dir() else inner.unlink()
        path.rmdir()
    if dice.random() < 0.7:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dice.choice(["1", "2", "other"]))
        path.chmod(dice.choice([0o644, 0o755]))


@pytest.mark.parametrize("call", ["write_new", "move", "remove", "set_mode"])
@pytest.mark.parametrize("number", range(3))
def test_a_sync_that_fails_leaves_each_file_old_or_new(
    box: LinkBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """The next one does the rest."""
    lib, app, there = pair(box)
    old = files(there)
    for name in ("a.js", "b.js", "n.js"):
        (lib / name).write_text(f"new {name}")
    (lib / "lib/c.js").unlink()
    (lib / "package.json").chmod(0o755)
    new = files(unpacked(lib, tmp_path / "new"))
    real = getattr(dir_entries, call)
    calls = []

    def failing(path: str, *more: object) -> None:
        if str(there) in path:
            calls.append(path)
            if len(calls) == number + 1:
                raise OSError(28, "No space left on device", path)
        real(path, *more)

    monkeypatch.setattr(dir_entries, call, failing)
    with contextlib.suppress(LinkpackError):  # the last calls of a kind are not made at all
        linkpack.sync((), app, box.options())
    monkeypatch.undo()
    assert all(value in {old.get(name), new.get(name)} for name, value in files(there).items())
    sync(box, app)
    assert files(there) == new


def test_a_name_without_a_copy_is_an_error(box: LinkBox) -> None:
    """A link is no copy."""
    lib, app = box.package("lib", "alpha"), box.package("app", "app")
    linkpack.link([lib], app, box.options())
    with pytest.raises(LinkMissing) as failure:
        linkpack.sync(["alpha"], app, box.options())
    assert failure.value.code == "ENOTLINKED"
    assert linkpack.sync((), app, box.options()) == ()


def test_a_source_that_is_gone_is_an_error(box: LinkBox) -> None:
    """The copy stays."""
    lib, app, there = pair(box)
    lib.rename(f"{lib}-elsewhere")
    with pytest.raises(LinkError) as failure:
        linkpack.sync((), app, box.options())
    assert failure.value.code == "ESOURCEGONE"
    assert (there / "a.js").exists()


def test_dependencies_are_brought_up_to_date_too(box: LinkBox) -> None:
    """What the project has by now is not nested any more."""
    lib, app = box.package("lib", "alpha", dependencies={"ms": "^2.0.0"}), box.package("app", "app")
    module(lib, "ms", "2.0.0")
    copy(box, lib, app)
    module(app, "ms", "2.0.1")
    assert sync(box, app).removed == ("node_modules/ms/index.js", "node_modules/ms/package.json")
    assert not Path(app, "node_modules/alpha/node_modules").exists()


def test_a_folder_names_the_copies_of_its_package(box: LinkBox) -> None:
    """As for unlink."""
    lib, app, _ = pair(box)
    beta = box.package("beta", "beta", {"x.js": "1"})
    linkpack.link([beta], app, copying(box))
    (Path(beta) / "x.js").write_text("2")
    (lib / "a.js").write_text("2")
    assert sync(box, app, beta).name == "beta"
    assert sync(box, app, "alpha").written == ("a.js",)


def test_the_command_prints_what_changed(box: LinkBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """--check changes nothing and fails."""
    lib, app, there = pair(box)
    for key, value in box.env.items():
        monkeypatch.setenv(key, value)
    (lib / "a.js").write_text("new")
    checked = invoke("sync", "-C", app, "--check")
    assert (checked.return_value, checked.stdout) == (1, "alpha: 1 file, 3 unchanged\n  write a.js\n")
    assert invoke("sync", "-C", app, "--dry-run").return_value == 0
    assert (there / "a.js").read_text() == "1"
    assert invoke("sync", "-C", app).stdout == "alpha: 1 file, 3 unchanged\n  wrote a.js\n"
    assert invoke("sync", "-C", app, "--check").stdout == "alpha: up to date\n"
    assert json.loads(invoke("sync", "-C", app, "--json").stdout)["stale"] is False
