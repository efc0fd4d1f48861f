"""Whatever type a value has, in whatever file: an answer, or an error that names the file. Never a traceback.

    python -m tests.property.test_types

tries every value of every document and prints how many there were; the tests try a part of them.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import linkpack
from linkpack.errors import LinkpackError
from linkpack.jobs.changesets import read_publish_plan
from linkpack.verifying import verdict as gate
from linkpack.verifying.difference import diff
from tests.support.badtar import END, gz, member, write_raw
from tests.support.typefuzz import retyped

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

MANIFEST: dict[str, Any] = {
    "name": "evil", "version": "1.0.0", "description": "d", "main": "index.js", "module": "m.js",
    "browser": {"./a": "./b"}, "types": "i.d.ts", "typings": "i.d.ts", "typesVersions": {"*": {"*": ["x"]}},
    "exports": {".": {"types": "./i.d.ts", "import": ["./a.js", None], "default": "./b.js"}, "./*": "./lib/*.js"},
    "bin": {"x": "cli.js"}, "man": ["x.1"], "directories": {"bin": "b", "man": "m"}, "files": ["index.js"],
    "scripts": {"install": "x", "prepack": "true"}, "dependencies": {"a": "^1.0.0", "v": "file:./vendor/v"},
    "devDependencies": {"d": "1"}, "optionalDependencies": {"o": "1"}, "peerDependencies": {"p": "1"},
    "peerDependenciesMeta": {"p": {"optional": True}}, "bundleDependencies": ["a"], "bundledDependencies": ["a"],
    "license": "MIT", "licenses": [{"type": "MIT"}], "engines": {"node": ">1"}, "os": ["linux"], "cpu": ["x64"],
    "libc": ["musl"], "private": False, "publishConfig": {"main": "x.js", "directory": "d", "access": "public"},
    "workspaces": {"packages": ["p/*"], "catalog": {"a": "1"}, "catalogs": {"c": {"a": "1"}}},
    "catalog": {"a": "1"},
    "catalogs": {"c": {"a": "1"}}, "packageManager": "npm@11.0.0", "linkpack": {"npmRules": "11"},
    "devEngines": {"packageManager": {"name": "npm"}}, "patchedDependencies": {"a": "p"}, "overrides": {"a": "1"},
    "author": {"name": "n"}, "repository": {"type": "git", "url": "u"}, "funding": ["x"],
    "keywords": ["k"], "gypfile": True,
}  # fmt: skip
BUNDLED = {**MANIFEST, "name": "a", "dependencies": {"b": "1"}}
_ASKING = {"dependencies", "bundleDependencies", "bundledDependencies"}
INSTALLED = {key: value for key, value in BUNDLED.items() if key not in _ASKING}
LINKED = {**INSTALLED, "name": "l"}
PROJECT = {**MANIFEST, "bundleDependencies": ["a", "l"], "dependencies": {"a": "^1.0.0", "l": "file:./lib"}}
MEMBER = {"name": "m", "version": "1.0.0", "dependencies": {"n": "workspace:^", "x": "catalog:", "y": "catalog:c"}}
WORKSPACE = {
    "name": "w",
    "workspaces": {"packages": ["p/*"], "catalog": {"x": "1"}, "catalogs": {"c": {"y": "1"}}},
}
PNPM = {"packages": ["p/*", "!q"], "catalog": {"x": "1"}, "catalogs": {"c": {"y": "1"}}}
YARNRC = {"catalog": {"x": "1"}, "catalogs": {"c": {"y": "1"}}, "nodeLinker": "node-modules"}
PLAN = {"version": 1, "plan": [[{"kind": "publish", "name": "m", "version": "1.0.0", "access": "public"}]]}


class Reader(NamedTuple):
    """Something that reads a *document*, and *read*: what a command does with it in a new folder."""

    document: Any
    read: Callable[[Path, Any], object]


def _verified(
    folder: Path, root: object = MANIFEST, bundled: object = BUNDLED, vendored: object = INSTALLED
) -> None:
    named = (("", root), ("node_modules/a/", bundled), ("vendor/v/", vendored))
    entries = [member(f"package/{place}package.json", json.dumps(manifest)) for place, manifest in named]
    path = write_raw(folder, gz(b"".join(entries) + member("package/index.js") + END))
    gate.verify(path)
    diff(path, path)


def _lay(folder: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return folder


def _packed(folder: Path, root: object = PROJECT, installed: object = INSTALLED, linked: object = LINKED) -> None:
    inner = {"node_modules/a/package.json": installed, "lib/package.json": linked}
    _lay(folder, {"package.json": root, "index.js": b"", **inner})
    (folder / "node_modules" / "l").symlink_to("../lib")
    linkpack.plan_pack(folder, allow_missing=True)
    linkpack.plan_pack(folder, allow_missing=True, layout="vendor")


def _member(folder: Path, files: dict[str, Any]) -> None:
    other = {"name": "n", "version": "1.0.0"}
    _lay(folder, {"package.json": {"name": "w"}, "p/m/package.json": MEMBER, "p/n/package.json": other, **files})
    linkpack.plan_pack(folder / "p" / "m")


def _planned(folder: Path, plan: object) -> None:
    _lay(folder, {"package.json": WORKSPACE, "p/m/package.json": MEMBER, "plan.json": plan})
    read_publish_plan(str(folder / "plan.json"), str(folder))


READERS: dict[str, Reader] = {
    "package.json of a tarball": Reader(MANIFEST, lambda at, value: _verified(at, root=value)),
    "package.json bundled in a tarball": Reader(BUNDLED, lambda at, value: _verified(at, bundled=value)),
    "package.json vendored in a tarball": Reader(INSTALLED, lambda at, value: _verified(at, vendored=value)),
    "package.json of a project": Reader(PROJECT, lambda at, value: _packed(at, root=value)),
    "package.json of an installed package": Reader(INSTALLED, lambda at, value: _packed(at, installed=value)),
    "package.json of a linked package": Reader(LINKED, lambda at, value: _packed(at, linked=value)),
    "package.json of a workspace": Reader(WORKSPACE, lambda at, value: _member(at, {"package.json": value})),
    "pnpm-workspace.yaml": Reader(PNPM, lambda at, value: _member(at, {"pnpm-workspace.yaml": value})),
    ".yarnrc.yml": Reader(
        YARNRC, lambda at, value: _member(at, {"package.json": WORKSPACE, ".yarnrc.yml": value})
    ),
    "publish plan": Reader(PLAN, _planned),
}


def attempt(reader: Reader, value: object) -> tuple[str, str]:
    """Read *value*; return the code of the error that it is answered with, and what is wrong with that answer."""
    with tempfile.TemporaryDirectory() as name:
        try:
            reader.read(Path(name).resolve(), value)
        except LinkpackError as err:
            names = err.path or name in err.message
            return err.code, "" if err.message and names else f"it names nothing: {err.code} {err.message}"
        except Exception as err:  # noqa: BLE001 - a traceback for whoever called
            return "", repr(err)
    return "", ""


@pytest.mark.property
@pytest.mark.parametrize("name", READERS)
def test_values_of_other_types(name: str) -> None:
    """A hundred and more documents in which one value has another type: answered, or refused by name."""
    reader = READERS[name]
    documents = list(retyped(copy.deepcopy(reader.document)))
    step = max(1, len(documents) // 120)
    for what, value in documents[len(name) % step :: step]:
        assert (what, attempt(reader, value)[1]) == (what, "")


def main() -> int:
    """Try every value of every reader, and print the figures."""
    worst = 0
    for name, reader in READERS.items():
        answers = [(what, *attempt(reader, value)) for what, value in retyped(copy.deepcopy(reader.document))]
        wrong = [f"  {what}: {fault}\n" for what, _, fault in answers if fault]
        refused = sum(code != "" for _, code, _ in answers)
        sys.stdout.write(f"| {name} | {len(answers):,} | {refused:,} | {len(wrong)} |\n{''.join(wrong[:5])}")
        worst += len(wrong)
    return int(worst > 0)


if __name__ == "__main__":
    sys.exit(main())
