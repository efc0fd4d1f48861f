"""Reading below a directory: links are never followed, not even those that appear meanwhile."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from linkpack.system.tree import Tree, open_plain, read_beneath

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A real folder `p` with `a/b/file`, and one like it, `outside`, with a secret instead."""
    top = tmp_path.resolve()
    for name, text in (("p", "mine"), ("outside", "secret")):
        (top / name / "a" / "b").mkdir(parents=True)
        (top / name / "a" / "b" / "file").write_text(text, encoding="utf-8")
    return top / "p"


def numbers(tree: Tree, path: str, number: int) -> dict[str, int]:
    """The names in the directory *path*, and their inodes."""
    with tree.listed(path, number) as entries:
        return {entry.name: entry.inode() for entry in entries}


def handles() -> int:
    """How many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_listing_gives_every_descriptor_back(root: Path) -> None:
    """Each directory is listed through its parent's number, and gives every descriptor back."""
    before = handles()
    tree = Tree(str(root))
    a = numbers(tree, "", 0)
    assert numbers(tree, "", 0) == a
    b = numbers(tree, "a", a["a"])
    with tree.listed("a/b", b["b"]) as entries:
        assert [(entry.name, entry.stat(follow_symlinks=False).st_size) for entry in entries] == [("file", 4)]
    tree.close()
    assert handles() == before


def test_a_number_that_does_not_fit(root: Path) -> None:
    """Where listings number otherwise, as at a mount, each portion is opened by itself."""
    tree = Tree(str(root))
    assert list(numbers(tree, "a/b", 1)) == ["file"]
    tree.close()


def outside(root: Path, path: str) -> str:
    """The same *path* outside the package."""
    return str(root.parent / "outside" / path)


SWAPS: dict[str, Callable[[Path], None]] = {
    "the folder": lambda root: (root / "a/b").symlink_to(outside(root, "a/b")),
    "the folder around it": lambda root: (root / "a").symlink_to(outside(root, "a")),
    "a pipe": lambda root: os.mkfifo(root / "a/b"),
}


@pytest.mark.parametrize("swap", SWAPS)
def test_swapped_folders(root: Path, swap: str) -> None:
    """A folder that became a link after it was listed is not entered, nor one below such a link."""
    before = handles()
    tree = Tree(str(root))
    number = numbers(tree, "a", numbers(tree, "", 0)["a"])["b"]
    moved = "a" if swap == "the folder around it" else "a/b"
    (root / moved).rename(root / "was")
    SWAPS[swap](root)
    with pytest.raises(NotADirectoryError), tree.listed("a/b", number):
        pass
    tree.close()
    assert handles() == before


def test_the_status_is_that_of_the_path_itself(root: Path) -> None:
    """The status is that of the path itself, and an error when a link is on the way."""
    (root / "link").symlink_to("a")
    (root / "a/c").symlink_to("b/file")
    tree = Tree(str(root))
    assert tree.status("a/b/file").st_size == 4
    assert tree.status("a/c").st_size == len("b/file")
    with pytest.raises(NotADirectoryError):
        tree.status("link/b/file")
    tree.close()


def refuse(path: str) -> str:
    """What a system without /proc answers."""
    raise FileNotFoundError(errno.ENOENT, "no such file", path)


@pytest.mark.parametrize("proc", [True, False], ids=["proc", "no proc"])
def test_a_path_with_a_link_in_it_is_not_opened(root: Path, monkeypatch: pytest.MonkeyPatch, proc: bool) -> None:  # noqa: FBT001 - a parameter
    """A path with a link anywhere in it is refused, whether or not the system tells what it opened."""
    if not proc:
        monkeypatch.setattr(os, "readlink", refuse)
    (root / "link").symlink_to("a")
    (root / "a/c").symlink_to("b/file")
    for path in ("/", str(root), f"{root}/a/b/file"):
        handle = open_plain(path, os.O_RDONLY)
        assert os.fstat(handle).st_ino == Path(path).stat().st_ino
        os.close(handle)
    before = handles()
    for path, number in (("a/c", errno.ELOOP), ("link/b/file", errno.ENOTDIR), ("none", errno.ENOENT)):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number says it
            open_plain(f"{root}/{path}", os.O_RDONLY)
        assert caught.value.errno == number
    assert handles() == before


def test_a_link_that_leads_out_is_not_read(root: Path) -> None:
    """A file is read whole, also through a link that stays inside; one that leads out is not."""
    (root / "in").symlink_to("a/b/file")
    (root / "out").symlink_to("../outside/a/b/file")
    (root / "loop").symlink_to("loop")
    assert read_beneath(str(root), "a/b/file", 4) == b"mine"
    assert read_beneath(str(root), "in", 4) == b"mine"
    for name, number in (
        ("out", errno.EXDEV),
        ("loop", errno.ELOOP),
        ("none", errno.ENOENT),
        ("a", errno.EISDIR),
    ):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number says it
            read_beneath(str(root), name, 4)
        assert caught.value.errno == number
    with pytest.raises(OSError, match="more than 3 bytes"):
        read_beneath(str(root), "in", 3)
