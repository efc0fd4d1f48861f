"""Commands to which faults happen: what each starts from, what it may change, and what it must not."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import stat
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import linkpack
from tests.support import badtar
from tests.support.linkbox import LinkBox
from tests.support.trees import FIXTURES, parse_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

ERROR = re.compile(r"^linkpack: error E[A-Z]{2,}: \S", re.MULTILINE)
TEMPORARY = re.compile(r"(^|/)\.linkpack-[^/]*\.tmp(/|$)")
_NUMBER = re.compile(rb"\b[0-9]{3,}\b")

State = dict[str, str]


def state(*folders: Path, skip: Iterable[str] = ()) -> State:
    """All that is below *folders*, links and modes included, by path; the contents as digests."""
    found: State = {}
    left = [folder for folder in folders if os.path.lexists(folder)]
    while left:
        path = left.pop()
        mode = path.lstat().st_mode
        if path.name in skip:
            continue
        if stat.S_ISLNK(mode):
            found[str(path)] = f"-> {path.readlink()}"
        elif stat.S_ISDIR(mode):
            found[str(path)] = f"folder {mode & 0o7777:o}"
            left += path.iterdir()
        else:
            # The link commands' records hold inode numbers.
            text = _NUMBER.sub(b"N", path.read_bytes()) if path.parent.name == "links" else path.read_bytes()
            found[str(path)] = f"file {mode & 0o7777:o} {hashlib.sha256(text).hexdigest()}"
    return found


class Scene(NamedTuple):
    """A command line, *argv* in *cwd*, and what it is about.

    *build* makes everything below *root* anew; *sources* are never to be changed, *targets* only as a whole, or
    file by file when they are *apart*. With *threads* it does not make the same calls each time.
    """

    root: Path
    argv: tuple[str, ...]
    cwd: Path
    build: Callable[[], object]
    sources: tuple[Path, ...]
    targets: tuple[Path, ...]
    env: Mapping[str, str] = MappingProxyType({})
    skip: tuple[str, ...] = ()
    apart: bool = False
    threads: bool = False

    def reset(self) -> None:
        """Start over."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        self.build()

    def source(self) -> State:
        """What must stay as it is."""
        return state(*self.sources)

    def target(self) -> State:
        """What is old or new."""
        return state(*self.targets, skip=self.skip)


def pack_scene(root: Path) -> Scene:
    """`pack` over an older tarball of that name; the project has a linked package, which has an installed one."""
    tree = parse_tree((FIXTURES / "trees/pack/linked.txt").read_text(encoding="utf-8"))

    def build() -> None:
        tree.write_to(root / "in")
        (root / "out").mkdir()
        (root / "out/blog-1.0.0.tgz").write_bytes(b"an older tarball")

    argv = ("pack", "--pack-destination", str(root / "out"))
    return Scene(root, argv, root / "in/blog", build, (root / "in",), (root / "out",))


def large_scene(root: Path) -> Scene:
    """`pack` of so many bytes that several threads compress, and one reads the tarball back meanwhile."""
    made = pack_scene(root)

    def build() -> None:
        made.build()
        (root / "in/blog/large.bin").write_bytes(random.Random(1).randbytes(1_300_000))  # noqa: S311 - no secret

    return made._replace(build=build, threads=True)


_WORKSPACE = """
-- in/pnpm-workspace.yaml --
packages: ["packages/*"]
-- in/package.json --
{"name": "mono", "version": "1.0.0", "private": true}
-- in/.gitignore --
*.secret
-- in/packages/app/package.json --
{"name": "app", "version": "1.0.0", "dependencies": {"lib": "workspace:*"}, "bundleDependencies": ["lib"]}
-- in/packages/app/index.js --
-- in/packages/app/.npmignore --
/private
*.key
-- in/packages/app/private/notes.md --
-- in/packages/app/my.key --
-- in/packages/app/sub/.npmignore --
!my.key
hidden.js
-- in/packages/app/sub/hidden.js --
-- in/packages/app/node_modules/lib -> ../../lib --
-- in/packages/lib/package.json --
{"name": "lib", "version": "1.0.0"}
-- in/packages/lib/.gitignore --
token
-- in/packages/lib/token --
-- in/packages/lib/index.js --
"""


def workspace_scene(root: Path) -> Scene:
    """`pack` of a workspace with ignore files that keep secrets out, and a bill of materials beside it."""
    tree = parse_tree(_WORKSPACE)

    def build() -> None:
        tree.write_to(root)
        (root / "out").mkdir()
        (root / "out/app-1.0.0.tgz").write_bytes(b"an older tarball")

    argv = ("pack", "--pack-destination", str(root / "out"), "--sbom", "cyclonedx")
    return Scene(root, argv, root / "in/packages/app", build, (root / "in",), (root / "out",), apart=True)


def _tarball(root: Path) -> None:
    (root / "in").mkdir()
    files = badtar.member("package/lib/a.js", "a" * 3000) + badtar.member("package/run", "#!/bin/sh\n", mode=0o755)
    badtar.write(root / "in", badtar.BODY + files)
    (root / "out").mkdir()
    (root / "out/other").write_text("stays")


def unpack_scene(root: Path) -> Scene:
    """`unpack` into a folder that holds something else."""
    argv = ("unpack", str(root / "in/evil-1.0.0.tgz"), "-C", str(root / "out"))
    return Scene(root, argv, root, lambda: _tarball(root), (root / "in",), (root / "out",))


def verify_scene(root: Path) -> Scene:
    """`verify`, which changes nothing."""
    argv = ("verify", str(root / "in/evil-1.0.0.tgz"))
    return Scene(root, argv, root, lambda: _tarball(root), (root / "in", root / "out"), ())


def lay_links(box_root: Path, *, linked: bool) -> None:
    """A package, and a project that has another version installed, or the link to the package when *linked*."""
    box_root.mkdir()
    box = LinkBox(box_root)
    lib, app = box.command("lib", "alpha"), box.package("app", "app", dependencies={"alpha": "^1.0.0"})
    box.installed(app, "alpha")
    # The state folder and the lock files stay, whatever a command does.
    linkpack.link([lib], app, box.options(save=True))
    linkpack.undo(None, app, box.options())
    if linked:
        linkpack.link([lib], app, box.options(save=True))


def link_scene_of(root: Path, box_root: Path, argv: Sequence[str], build: Callable[[], object]) -> Scene:
    """The command line *argv* in the project below *box_root*, which *build* lays as `lay_links` does."""
    env = {
        "HOME": str(box_root / "home"),
        "XDG_STATE_HOME": str(box_root / "home/state"),
        "PATH": str(box_root / "nothing"),
        "npm_config_prefix": str(box_root / "prefix"),
    }
    targets = (box_root / "work/app", box_root / "prefix", box_root / "home")
    skip = ("last", "inodes")  # names of files are inode numbers there
    return Scene(root, tuple(argv), box_root / "work/app", build, (box_root / "work/lib",), targets, env, skip)


def _link_scene(root: Path, argv: Sequence[str], *, linked: bool) -> Scene:
    box_root = root / "box"
    return link_scene_of(root, box_root, argv, lambda: lay_links(box_root, linked=linked))


def link_scene(root: Path) -> Scene:
    """`link --save` of a package of which another version is installed."""
    return _link_scene(root, ["link", "../lib", "--save"], linked=False)


def unlink_scene(root: Path) -> Scene:
    """`unlink`, which puts back what was installed."""
    return _link_scene(root, ["unlink", "alpha"], linked=True)


def undo_scene(root: Path) -> Scene:
    """`undo` of such a link."""
    return _link_scene(root, ["undo"], linked=True)


SCENES = {
    "pack": pack_scene,
    "pack, large": large_scene,
    "pack --sbom": workspace_scene,
    "unpack": unpack_scene,
    "verify": verify_scene,
    "link": link_scene,
    "unlink": unlink_scene,
    "undo": undo_scene,
}
