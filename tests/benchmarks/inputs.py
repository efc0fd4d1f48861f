"""What is packed: projects that the benchmark makes itself, the same on every machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.benchmarks.trees import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DONE = ".made"  # stands beside the project when it is complete, with the number of its files


class Input(NamedTuple):
    """A project at *folder*, made already.

    A right tarball of it has *files* entries, all its tarballs together when it has *many* packages; 0: not known.
    *heavy* ones take so long that few runs are made.
    """

    name: str
    folder: Path
    files: int
    many: bool = False
    heavy: bool = False


class _Kind(NamedTuple):
    about: str
    make: Callable[[Path], int]
    many: bool = False
    heavy: bool = False


def npm_folder() -> Path | None:
    """The folder of the npm package whose program is on PATH."""
    program = shutil.which("npm")
    return Path(program).resolve().parents[1] if program else None


def _tiny(folder: Path) -> int:
    writer = Writer(1)
    writer.manifest(folder, "tiny")
    for name in ("README.md", "LICENSE", "index.js", "index.d.ts", "util.js"):
        writer.file(folder / name, 900)
    return writer.files


def _npm_self(folder: Path) -> int:
    source = npm_folder()
    if source is not None:
        shutil.copytree(source, folder, symlinks=True)
    return 0


def _big(folder: Path) -> int:
    """1,000 packages, 40 of them named by the root, and a second version of one below every tenth."""
    writer = Writer(2)
    names = [f"dep-{number:03}" for number in range(1000)]
    top = dict.fromkeys(names[:40], "^1.0.0")
    writer.manifest(folder, "big", dependencies=top, bundleDependencies=list(top))
    for number, name in enumerate(names):
        needs = [*names[40 + 24 * number : 64 + 24 * number], *writer.random.sample(names[number:], k=1)]
        wants = {each: "^1.0.0" for each in needs if each != name}
        at = folder / "node_modules" / name
        if number % 10 == 5:
            wants["shared"] = "^2.0.0"
            writer.package(at / "node_modules/shared", "shared", 8, 4000, version="2.0.0")
        else:
            wants["shared"] = "^1.0.0"
        writer.package(at, name, 39, 10_900, wants)
    writer.package(folder / "node_modules/shared", "shared", 8, 4000)
    return writer.files


def make_wide(folder: Path, count: int = 100_000, entries: tuple[str, ...] = ()) -> int:
    """Make *count* small files, a hundred a folder, and return how many there are.

    With *entries* as its `files` the package has them all in `dist`.
    """
    writer = Writer(3)
    writer.manifest(folder, "wide", **({"files": entries} if entries else {}))
    for number in range(count - 1):
        at = folder / ("dist" if entries else "") / f"d{number // 100:04}"
        if number % 100 == 0:
            at.mkdir(parents=True)
        writer.file(at / f"f{number % 100:02}.js", 200 + number * 7 % 400)
    return writer.files


def make_huge(folder: Path, size: int = 1 << 30) -> int:
    """A single file of *size* bytes beside the manifest; how many files there are."""
    writer = Writer(4)
    writer.manifest(folder, "huge")
    with (folder / "data.txt").open("wb") as out:
        for _ in range(size >> 20):
            out.write(writer.text(1 << 20))
    return writer.files + 1


def _monorepo(folder: Path) -> int:
    """300 members over 60 shared packages: a third of them bundle three, and a tenth another member."""
    writer = Writer(5)
    writer.manifest(folder, "monorepo", private=True, workspaces=["packages/*"])
    (folder / "pnpm-workspace.yaml").write_text("packages:\n  - packages/*\n", encoding="utf-8")
    (folder / "yarn.lock").touch()
    modules = folder / "node_modules"
    for number in range(60):
        writer.package(modules / f"dep-{number:02}", f"dep-{number:02}", 20, 5000)
    own = 10
    files = 300 * own
    for number in range(300):
        name = f"member-{number:03}"
        needs = {f"dep-{(number + step) % 60:02}": "^1.0.0" for step in (0, 7, 21)}
        bundle = list(needs) if number % 3 == 0 else []
        files += len(bundle) * 20
        if number % 10 == 1:
            other = f"member-{number + 1:03}"  # whose own dependencies are others than these
            needs[other] = "^1.0.0"
            bundle.append(other)
            files += own + 60
        writer.package(folder / "packages" / name, name, own, 4000, needs, bundleDependencies=bundle)
        (modules / name).symlink_to(f"../packages/{name}")
    return files


def _linked(folder: Path) -> int:
    """A project that bundles five packages by links, each with dependencies of its own."""
    writer = Writer(6)
    libraries = {f"lib-{number}": "^1.0.0" for number in range(5)}
    writer.package(folder / "app", "app", 20, 5000, libraries, bundleDependencies=list(libraries))
    (folder / "app/node_modules").mkdir()
    for library in libraries:
        needs = {f"{library}-dep-{number}": "^1.0.0" for number in range(10)}
        writer.package(folder / library, library, 40, 5000, needs)
        for name in needs:
            writer.package(folder / library / "node_modules" / name, name, 30, 6000)
        (folder / "app/node_modules" / library).symlink_to(f"../../{library}")
    return writer.files


KINDS: Mapping[str, _Kind] = {
    "tiny": _Kind("6 files", _tiny),
    "npm-self": _Kind("npm's own folder", _npm_self),
    "linked": _Kind("five linked packages with dependencies of their own, 1,720 files", _linked),
    "monorepo": _Kind("300 workspaces", _monorepo, many=True, heavy=True),
    "big": _Kind("1,000 bundled packages, 40,000 files, 430 MB", _big, heavy=True),
    "wide": _Kind("100,000 small files", make_wide, heavy=True),
    "huge": _Kind("one file of 1 GiB", make_huge, heavy=True),
}


def make_input(name: str, scratch: Path) -> Input:
    """The input *name* in *scratch*, made unless it is there already."""
    kind = KINDS[name]
    base = scratch / "inputs" / name
    folder = base / "project"
    done = base / _DONE
    if not done.is_file():
        shutil.rmtree(base, ignore_errors=True)
        folder.parent.mkdir(parents=True)
        done.write_text(str(kind.make(folder)), encoding="utf-8")
    start = folder / "app" if name == "linked" else folder
    return Input(name, start, int(done.read_text(encoding="utf-8")), kind.many, kind.heavy)
