"""Moving what cannot be renamed: copies, comparisons and removals, and what mount points do to them."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkpack.linking import steps as linkstep
from linkpack.linking.states import ABSENT, Change, Displaced, File, Link, State
from linkpack.system import dir_entries, relocate
from tests.support.cutoff import CHANGING, cut_off
from tests.support.mounts import in_namespace

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

SIX = 1_600_000_000_123_456_789  # nanoseconds


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than `tmp_path`; it must not be renamed there."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    with tempfile.TemporaryDirectory(dir=memory) as name:
        yield Path(name).resolve()


def lay(root: Path) -> Path:
    """A package with files, modes, links, a folder that may not be written to, and times of long ago."""
    (root / "lib/deep").mkdir(parents=True)
    (root / "package.json").write_text('{"name": "lib"}')
    (root / "lib/run.js").write_bytes(b"x" * 300_000)
    (root / "lib/run.js").chmod(0o755)
    (root / "lib/deep/empty").write_text("")
    (root / "link").symlink_to("lib/run.js")
    (root / "dangling").symlink_to("nowhere")
    (root / "lib/deep").chmod(0o555)
    for path in (root / "lib/run.js", root / "link", root / "lib"):
        os.utime(path, ns=(SIX, SIX), follow_symlinks=False)
    return root


def facts(root: Path) -> dict[str, tuple[int, int, object]]:
    """Mode, time and content of all below *root*; the root's own among them."""
    found: dict[str, tuple[int, int, object]] = {}
    for path in (root, *sorted(root.rglob("*"))):
        status = path.lstat()
        content: object = None
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(root))] = status.st_mode, status.st_mtime_ns, content
    return found


def test_a_folder_moves_to_another_file_system(tmp_path: Path, other: Path) -> None:
    """What cannot be renamed is there afterwards as it was, with modes and times, and here no more."""
    old, new = lay(tmp_path / "old"), other / "new"
    before = facts(old)
    relocate.relocate(str(old), str(new), str(other / "scratch"))
    assert facts(new) == before
    assert not old.exists()
    assert [path.name for path in other.iterdir()] == ["new"]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_or_link_moves_to_another_file_system(tmp_path: Path, other: Path, kind: str) -> None:
    """Single files and links move as folders do."""
    old, new = tmp_path / "old", other / "new"
    if kind == "file":
        old.write_text("text")
        old.chmod(0o640)
    else:
        old.symlink_to("nowhere")
    relocate.relocate(str(old), str(new), str(other / "scratch"))
    assert not os.path.lexists(old)
    if kind == "link":
        assert str(new.readlink()) == "nowhere"
    else:
        assert stat.S_IMODE(new.stat().st_mode) == 0o640


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="no extended attributes on this system")
def test_extended_attributes_move_along(tmp_path: Path, other: Path) -> None:
    """Where both file systems have them."""
    old, new = tmp_path / "old", other / "new"
    old.write_text("")
    try:
        for path in (old, other):
            os.setxattr(path, "user.linkpack", b"1")
    except OSError:
        pytest.skip("no extended attributes on these file systems")
    relocate.relocate(str(old), str(new), str(other / "scratch"))
    assert os.getxattr(new, "user.linkpack") == b"1"


@pytest.mark.parametrize("special", ["pipe", "socket"])
def test_what_cannot_be_copied_stays(tmp_path: Path, other: Path, special: str) -> None:
    """A pipe or socket in the folder is an error, before anything is removed."""
    old = lay(tmp_path / "old")
    if special == "pipe":
        os.mkfifo(old / "special")
    else:
        with contextlib.chdir(old) if hasattr(contextlib, "chdir") else contextlib.nullcontext():
            where = "special" if hasattr(contextlib, "chdir") else str(old / "special")
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(where)
    before = facts(tmp_path / "old" / "lib")
    with pytest.raises(OSError, match="cannot be copied") as caught:
        relocate.relocate(str(old), str(other / "new"), str(other / "scratch"))
    assert caught.value.errno == errno.EINVAL
    assert facts(old / "lib") == before
    assert not (other / "new").exists()


def test_renaming_is_tried_first(tmp_path: Path) -> None:
    """Where the system renames, it is the same folder in the new place."""
    old = lay(tmp_path / "old")
    number = old.stat().st_ino
    relocate.relocate(str(old), str(tmp_path / "new"), str(tmp_path / "scratch"))
    assert (tmp_path / "new").stat().st_ino == number


def test_other_errors_are_the_systems(tmp_path: Path) -> None:
    """Nothing but the refusal to rename across file systems leads to a copy."""
    with pytest.raises(FileNotFoundError):
        relocate.relocate(str(tmp_path / "none"), str(tmp_path / "new"), str(tmp_path / "scratch"))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from(["same", "name", "bytes", "size", "mode", "link", "kind", "less", "folder"]))
def test_trees_are_the_same_when_all_is(kind: str) -> None:
    """Names, kinds, links, modes of files and bytes are compared; what lacks something is a part of the whole."""
    with tempfile.TemporaryDirectory() as folder:
        roots = [Path(folder).resolve() / name for name in "ab"]
        for root in roots:
            (root / "d").mkdir(parents=True)
            (root / "d/f").write_text("one")
            (root / "l").symlink_to("d")
        one = roots[1]
        if kind == "name":
            (one / "more").write_text("")
        elif kind in {"bytes", "size"}:
            (one / "d/f").write_text("two" if kind == "bytes" else "three")
        elif kind == "mode":
            (one / "d/f").chmod(0o600)
        elif kind in {"link", "kind"}:
            (one / "l").unlink()
            (one / "l").symlink_to("e") if kind == "link" else (one / "l").mkdir()
        elif kind in {"less", "folder"}:
            (one / "d/f").unlink()
            if kind == "folder":
                (one / "d").rmdir()
        left, right = map(str, roots)
        assert relocate.are_alike(left, right) == (kind == "same")
        assert relocate.is_part_of(right, left) == (kind in {"same", "less", "folder"})
        assert relocate.is_part_of(left, right) == (kind in {"same", "name"})


@pytest.mark.parametrize(("part", "whole"), [("none", "f"), ("f", "none"), ("f", "d"), ("d", "f"), ("l", "f")])
def test_kinds_are_no_part_of_each_other(tmp_path: Path, part: str, whole: str) -> None:
    """A file is no part of a folder, nor is what does not exist a part of anything."""
    (tmp_path / "f").write_text("")
    (tmp_path / "d").mkdir()
    (tmp_path / "l").symlink_to("f")
    assert not relocate.is_part_of(str(tmp_path / part), str(tmp_path / whole))


@pytest.mark.parametrize("what", ["folder", "file", "link", "nothing"])
def test_folders_go_with_all_that_is_in_them(tmp_path: Path, what: str) -> None:
    """Folders go with all that is in them, also what their owner made unwritable; links are not followed."""
    path, kept = tmp_path / "p", lay(tmp_path / "kept")
    if what == "folder":
        lay(path)
        (path / "out").symlink_to("../kept")
    elif what == "file":
        path.write_text("")
    elif what == "link":
        path.symlink_to("kept")
    before = facts(kept)
    relocate.remove_tree(str(path))
    assert not os.path.lexists(path)
    assert facts(kept) == before


@pytest.mark.parametrize("line", [rb"1 2 0:1 / %s rw - x y z", rb"1 2 0:1 / %s/in\040side rw - x y z"])
def test_mount_points_are_known_by_their_paths(line: bytes) -> None:
    """The list of the system is read as it is written: with escapes, and folders apart from their neighbours."""
    found = relocate.mount_points(b"\n".join([line % b"/a/b", line % b"/a/bc", b"short"]), "/a/b")
    assert found == ["/a/b/in side" if b"040" in line else "/a/b"]


# --- a change whose stash is on another file system, stopped anywhere


CASES: dict[str, tuple[State, State]] = {
    "displacing": (Displaced("", 0), Link("new")),
    "displacing, for nothing": (Displaced("", 0), ABSENT),
    "displacing, for a file": (Displaced("", 0), File(b"new", 0o755)),
    "putting back": (Link("new"), Displaced("", 0)),
    "putting back, over nothing": (ABSENT, Displaced("", 0)),
    "putting back, over a file": (File(b"new", 0o755), Displaced("", 0)),
}


def contents(folder: Path) -> dict[str, tuple[int, object]]:
    """Mode and content of all in *folder*; times are those of what was moved, and not of what is made again."""
    return {path: (mode, content) for path, (mode, _, content) in facts(folder).items() if path != "."}


def change_of(case: str, path: Path, stash: Path) -> Change:
    """The change of *case*, with what it starts from on the disk."""
    before, after = CASES[case]
    if isinstance(before, Displaced):
        return Change(str(path), Displaced(str(stash), lay(path).stat().st_ino), after)
    if isinstance(before, Link):
        path.symlink_to(before.target)
    elif isinstance(before, File):
        path.write_bytes(before.content)
        path.chmod(before.mode)
    return Change(str(path), before, Displaced(str(stash), lay(stash).stat().st_ino))


@pytest.mark.parametrize("case", CASES)
def test_a_change_across_file_systems_can_be_taken_back_from_anywhere(
    tmp_path: Path, other: Path, case: str
) -> None:
    """Killed before any call that changes the disk: what was there is there again, whole, and nothing else is.

    Every fifth call is tried, or with `LINKPACK_FAULTS=all` each.
    """
    number, step = 1, 1 if os.environ.get("LINKPACK_FAULTS") == "all" else 5
    killed = True
    while killed:
        here, there = tmp_path / f"{number}", other / f"{number}"
        for folder in (here, there):
            folder.mkdir()
        change = change_of(case, here / "p", there / "stash")
        before = contents(here), contents(there)
        temp = str(here / ".linkpack-1-0.tmp")
        killed = cut_off(partial(linkstep.perform, change, temp), CHANGING, number)
        # Taking it back is cut off, too, and then done once more.
        cut_off(partial(linkstep.take_back, change, temp), CHANGING, 1 + number % 7)
        linkstep.take_back(change, temp)
        assert (contents(here), contents(there)) == before, number
        number += step
    assert number > 10


@pytest.mark.parametrize("case", CASES)
def test_a_change_across_file_systems_does_what_it_says(tmp_path: Path, other: Path, case: str) -> None:
    """Displaced content is whole in its stash, and so is what is put back, whose stash goes with the plan."""
    change = change_of(case, tmp_path / "p", other / "stash")
    linkstep.perform(change, str(tmp_path / ".linkpack-1-0.tmp"))
    whole = other / "stash"
    if isinstance(change.after, Displaced):
        assert linkstep.find_left_over(change) == str(other / "stash")
        whole = tmp_path / "p"
    else:
        assert linkstep.matches(change.path, change.after)
        assert linkstep.find_left_over(change) == ""
    lay(tmp_path / "like")
    assert relocate.are_alike(str(whole), str(tmp_path / "like"))


def test_what_somebody_changed_meanwhile_stays(tmp_path: Path, other: Path) -> None:
    """When neither the original nor the copy is part of the other, both are left alone."""
    change = change_of("displacing", tmp_path / "p", other / "stash")
    relocate.duplicate(change.path, str(other / "stash"), str(other / "scratch"))
    (tmp_path / "p/mine").write_text("")
    (other / "stash/theirs").write_text("")
    linkstep.take_back(change, str(tmp_path / "temp"))
    assert (tmp_path / "p/mine").exists()
    assert (other / "stash/theirs").exists()


# --- mount points


@pytest.mark.parametrize("where", ["old", "old/lib"])
def test_a_mount_point_is_named(where: str) -> None:
    """What is mounted can be neither moved nor removed, and what it is mounted in is not copied."""
    in_namespace(
        f"""
        import errno, os, subprocess, tempfile
        from pathlib import Path
        from linkpack.system import relocate
        top = Path(tempfile.mkdtemp()).resolve()
        for name in ("old/lib", "disk", "work", "other"):
            (top / name).mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", str(top / "other")], check=True)
        subprocess.run(["mount", "--bind", str(top / "disk"), str(top / {where!r})], check=True)
        (top / "disk/precious").write_text("x")
        for act in (
            lambda: relocate.relocate(str(top / "old"), str(top / "other/new"), str(top / "other/scratch")),
            lambda: relocate.remove_tree(str(top / {where!r})),
        ):
            try:
                act()
            except relocate.MountPoint as err:
                assert (err.errno, err.filename) == (errno.EBUSY, str(top / {where!r})), err
            else:
                raise AssertionError("moved")
            (top / "disk/precious").write_text("x")
        """
    )


def test_a_file_that_is_mounted_is_written_over() -> None:
    """A manifest that is mounted by itself cannot be replaced: it is written over, and taken back all the same."""
    in_namespace(
        """
        import subprocess, tempfile
        from pathlib import Path
        from linkpack.linking import steps as linkstep
        from linkpack.linking.states import Change, File
        from tests.support.cutoff import CHANGING, cut_off
        top = Path(tempfile.mkdtemp()).resolve()
        for old, new in ((b"old text", b"new"), (b"old", b"a new text"), (b"", b"x"), (b"a size", b"abcdef")):
            for mode in (0o644, 0o600):
                number, killed = 0, True
                while killed:
                    number += 1
                    for name in ("real", "path"):
                        (top / name).write_bytes(old)
                        (top / name).chmod(0o644)
                    subprocess.run(["mount", "--bind", str(top / "real"), str(top / "path")], check=True)
                    change = Change(str(top / "path"), File(old, 0o644), File(new, mode))
                    killed = cut_off(lambda: linkstep.perform(change, str(top / "temp")), CHANGING, number)
                    assert killed or (top / "real").read_bytes() == new
                    linkstep.take_back(change, str(top / "temp"))
                    assert (top / "real").read_bytes() == old, (old, new, number)
                    assert not (top / "temp").exists()
                    subprocess.run(["umount", str(top / "path")], check=True)
                assert number > 3
        """
    )


def test_writing_over_leaves_the_beginning_of_the_new_and_the_rest_of_the_old(tmp_path: Path) -> None:
    """A file that another process wrote is not taken for one that was cut off."""
    path = tmp_path / "f"
    change = Change(str(path), File(b"old text", 0o644), File(b"new", 0o644))
    for content, ours in ((b"ned text", True), (b"new text", True), (b"n", False), (b"other", False)):
        path.write_bytes(content)
        path.chmod(0o644)
        linkstep.take_back(change, str(tmp_path / "temp"))
        assert path.read_bytes() == (b"old text" if ours else content)
    path.write_bytes(b"new text")
    path.chmod(0o755)
    linkstep.take_back(change, str(tmp_path / "temp"))
    assert path.read_bytes() == b"new text"


def test_a_link_on_the_way_is_not_followed(tmp_path: Path) -> None:
    """Every change is refused where a folder of its path became a link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "way").symlink_to("real")
    (tmp_path / "real/file").write_text("x")
    path = str(tmp_path / "way/new")
    for act in (
        lambda: dir_entries.make_link("x", path),
        lambda: dir_entries.make_dir(path),
        lambda: dir_entries.write_new(path, b"", 0o644),
        lambda: dir_entries.move(str(tmp_path / "real/file"), path),
        lambda: dir_entries.move(str(tmp_path / "way/file"), str(tmp_path / "file")),
        lambda: dir_entries.remove(str(tmp_path / "way/file")),
        lambda: dir_entries.set_mode(str(tmp_path / "way/file"), 0o600),
        lambda: dir_entries.overwrite(str(tmp_path / "way/file"), b"", 0o600),
        lambda: dir_entries.exchange(str(tmp_path / "way/file"), str(tmp_path / "real")),
        lambda: relocate.remove_tree(str(tmp_path / "way/file")),
        lambda: dir_entries.status_at(path),
    ):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - either of two errors, below
            act()
        assert caught.value.errno in {errno.ELOOP, errno.ENOTDIR}
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["file"]
    assert stat.S_IMODE((tmp_path / "real/file").stat().st_mode) != 0o600
