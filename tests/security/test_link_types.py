"""Whatever type a value has in a file that link commands read, the answer is a result or an error with a code."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import linkpack
from linkpack.errors import LinkpackError, ManifestInvalid
from linkpack.linking.journal import lock_places
from linkpack.linking.record import find_store
from tests.support.linkbox import LinkBox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow

VALUES: tuple[Any, ...] = (
    None,
    True,
    5,
    -1,
    -1.5,
    10**30,
    1e400,
    "",
    "text",
    "\0",
    "a/../\0b",
    "\ud800",
    [],
    [None],
    ["a", 1],
    ["\0"],
    {},
    {"a": {"b": 1}},
    {"a": "\0", "\0": "a"},
)
EVERY = os.environ.get("LINKPACK_FAULTS") == "all"
MOST = 90  # changed files for one reader, unless all are asked for


def places(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value in *value*, itself first."""
    yield at
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*at, key))


def changed(value: object, at: tuple[str | int, ...], new: object) -> object:
    """A copy of *value* with *new* at the path *at*."""
    if not at:
        return new
    whole: Any = copy.deepcopy(value)
    inner = whole
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = new
    return whole


def variants(value: object) -> list[object]:
    """*value* with each of its values replaced by each of another type; evenly chosen when there are too many."""
    found = [changed(value, at, new) for at in places(value) for new in VALUES]
    return found if EVERY else found[:: -(-len(found) // MOST)]


class Reader(NamedTuple):
    """A file that is read: *lay* prepares a machine and says where it is, *command* reads it."""

    lay: Callable[[LinkBox], Path]
    command: Callable[[LinkBox], object]


LOCK = {
    "name": "app",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "requires": True,
    "packages": {
        "": {"name": "app", "version": "1.0.0", "dependencies": {"alpha": "^1.0.0", "beta": "1"}},
        "node_modules/alpha": {"version": "1.0.0", "resolved": "https://x.org/a.tgz", "integrity": "sha512-a"},
        "node_modules/beta": {"version": "1.0.0", "dependencies": {"alpha": "^1.0.0"}, "peer": True},
        "node_modules/gamma": {"resolved": "gamma", "link": True},
    },
    "dependencies": {"alpha": {"version": "1.0.0", "requires": {"beta": "1"}}},
}
MANIFEST = {
    "name": "app",
    "version": "1.0.0",
    "dependencies": {"alpha": "^1.0.0"},
    "devDependencies": {"alpha": "1"},
    "peerDependencies": {"alpha": "1"},
    "peerDependenciesMeta": {"alpha": {"optional": True}},
    "bundleDependencies": ["beta"],
    "workspaces": ["packages/*"],
    "overrides": {"beta": "1", "gamma": {".": "2", "delta": "3"}},
    "resolutions": {"beta": "1"},
    "pnpm": {"overrides": {"beta": "1"}},
}
SOURCE = {
    "name": "alpha",
    "version": "1.0.0",
    "bin": {"alpha": "cli.js"},
    "man": ["a.1"],
    "directories": {"bin": "bin", "man": "man"},
    "scripts": {"install": "true"},
    "engines": {"node": ">=10"},
    "os": ["linux"],
    "license": {"type": "MIT"},
    "funding": [{"url": "https://x.org"}],
    "dependencies": {"beta": "1"},
    "devDependencies": {"gamma": "1"},
    "optionalDependencies": {"delta": "1"},
    "peerDependencies": {"epsilon": "1"},
    "peerDependenciesMeta": {"epsilon": {"optional": True}},
    "acceptDependencies": {"beta": "2"},
    "bundleDependencies": ["beta"],
    "workspaces": ["a"],
}


def project(box: LinkBox, **files: object) -> str:
    """The project app with *files*, JSON by name, and the package lib beside it and another in it."""
    app = box.package("app", "app")
    box.command("lib", "alpha")
    box.command("app/inner", "alpha")
    for name, value in files.items():
        path = Path(app, name.replace("__", "/").replace("_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    return app


def in_project(name: str, value: object, *, also: str = "") -> Callable[[LinkBox], Path]:
    """A file of the project; *also* is another that has to be there, empty."""

    def lay(box: LinkBox) -> Path:
        app = project(box)
        path = Path(app, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
        if also:
            Path(app, also).write_text("")
        return path

    return lay


def source(box: LinkBox, *, without: tuple[str, ...] = (), linked: bool = False) -> Path:
    """Write the manifest of the package to link, which may be *linked* by then, and return its path."""
    app = project(box, package__lock_json=LOCK)
    path = box.work / "lib/package.json"
    path.write_text(json.dumps({key: value for key, value in SOURCE.items() if key not in without}))
    if linked:
        linkpack.link(["../lib"], app, box.options())
    return path


def kept(kind: str, *, commands: int = 1) -> Callable[[LinkBox], Path]:
    """A file of the state folder, as linking leaves it."""

    def lay(box: LinkBox) -> Path:
        app = project(box, package__lock_json=LOCK)
        box.installed(app, "alpha")
        linkpack.link(["../lib"], app, box.options(save=True))
        if commands > 1:
            Path(app).rename(box.work / "moved")
        (path,) = (
            path
            for path in (box.home / "state/linkpack" / kind).iterdir()
            if kind != "links" or "app" in path.name
        )
        return path

    return lay


def journal(box: LinkBox, *, done: bool) -> Path:
    """A journal of a run that was cut off, or that had something left to remove."""
    last = kept("last")(box)
    path = last.parent.parent / f"journals/999999999-a.{'done' if done else 'json'}"
    last.rename(path)
    return path


def in_app(
    function: Callable[..., object], *first: object, folder: str = "app", **flags: bool
) -> Callable[[LinkBox], object]:
    """A call of *function* in the project."""
    return lambda box: function(*first, str(box.work / folder), box.options(**flags))


def undo_all(box: LinkBox) -> object:
    """Every link of the project taken away."""
    return linkpack.unlink((), str(box.work / "app"), box.options(), every=True)


def recover(box: LinkBox) -> None:
    """The locks taken, and what was cut off taken back."""
    store = find_store(box.env)
    with lock_places(store, [str(box.work / "app")]):
        pass


SAVE = in_app(linkpack.link, ["../lib"], save=True, save_bundle=True)
READERS = {
    "package.json": Reader(in_project("package.json", MANIFEST), SAVE),
    "package.json, a member": Reader(
        in_project("package.json", MANIFEST), in_app(linkpack.link, ["../../lib"], folder="app/inner")
    ),
    "package.json, of yarn": Reader(in_project("package.json", MANIFEST, also="yarn.lock"), SAVE),
    "package-lock.json": Reader(in_project("package-lock.json", LOCK), SAVE),
    "package-lock.json, of a package inside": Reader(
        in_project("package-lock.json", LOCK), in_app(linkpack.link, ["./inner"], save=True)
    ),
    "node_modules/.package-lock.json": Reader(in_project("node_modules/.package-lock.json", LOCK), SAVE),
    "the package's package.json": Reader(source, SAVE),
    "the package's package.json, linked without saving": Reader(source, in_app(linkpack.link, ["../lib"])),
    "the package's package.json, with folders of commands and pages": Reader(
        lambda box: source(box, without=("bin", "man")), in_app(linkpack.link, ["../lib"])
    ),
    "the package's package.json, linked again": Reader(
        lambda box: source(box, linked=True), in_app(linkpack.relink, ())
    ),
    "the package's package.json, listed": Reader(lambda box: source(box, linked=True), in_app(linkpack.links)),
    "the record of links": Reader(kept("links"), undo_all),
    "the record of links, listed": Reader(kept("links"), in_app(linkpack.links)),
    "the record of what is saved": Reader(kept("saved"), undo_all),
    "the note of a folder that moved": Reader(kept("inodes", commands=2), in_app(linkpack.links, folder="moved")),
    "the last journal": Reader(kept("last"), in_app(linkpack.undo, None)),
    "a journal": Reader(lambda box: journal(box, done=False), recover),
    "a journal that is done": Reader(lambda box: journal(box, done=True), recover),
    "what pnpm notes": Reader(
        in_project("node_modules/.modules.yaml", {"virtualStoreDir": ".pnpm", "storeDir": "/store"}), undo_all
    ),
    "what a workspace of pnpm says": Reader(
        in_project(
            "pnpm-workspace.yaml", {"packages": ["a"], "overrides": {"beta": "link:../lib"}}, also="pnpm-lock.yaml"
        ),
        SAVE,
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_values_of_other_types_are_errors_with_a_code(tmp_path: Path, name: str) -> None:
    """Each value is replaced by values of all other types."""
    reader = READERS[name]
    laid = tmp_path / "laid"
    laid.mkdir()
    box = LinkBox(laid)
    path = reader.lay(box)
    for other in variants(json.loads(path.read_text())):
        shutil.rmtree(laid)
        laid.mkdir()
        box = LinkBox(laid)
        path = reader.lay(box)
        path.write_text(json.dumps(other).replace("-Infinity", "-1e400").replace("Infinity", "1e400"))
        with contextlib.suppress(LinkpackError):
            reader.command(box)
        for manifest in ("package.json", "package-lock.json"):
            file = box.work / "app" / manifest
            # A record that is another one's may say that the file was empty.
            if file.exists() and not path.is_relative_to(box.home):
                json.loads(file.read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "wrong", [{"bin": "\0"}, {"bin": {"a\0": "cli.js"}}, {"bin": ["cli.js\0"]}, {"man": "a.1\0"}], ids=str
)
def test_a_command_or_page_that_no_file_can_be_is_refused_by_name(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    box = LinkBox(tmp_path)
    app = project(box)
    path = box.work / "lib/package.json"
    path.write_text(json.dumps({"name": "alpha", "version": "1.0.0", **wrong}))
    with pytest.raises(ManifestInvalid) as caught:
        linkpack.link(["../lib"], app, box.options())
    assert (caught.value.code, caught.value.path) == ("EBADBIN", str(path))
    assert not (box.home / "prefix").exists()
    assert not Path(app, "node_modules").exists()


def test_every_reader_reads(tmp_path: Path) -> None:
    """Without a replaced value no file is refused: the test above replaces values of real files."""
    for number, reader in enumerate(READERS.values()):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        box = LinkBox(folder)
        reader.lay(box)
        reader.command(box)
