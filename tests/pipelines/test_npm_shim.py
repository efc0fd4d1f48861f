"""The npm of docs/pipelines.md, whose pack is linkpack's, called as release tools call npm.

The arguments are those in the sources of @semantic-release/npm 12.0.2 (lib/prepare.js, publish.js),
@changesets/cli 3.0.3, np 12.0.0 (source/npm/util.js, publish.js), release-it 21.0.1 (lib/plugin/npm/npm.js) and
lerna 10.0.1, which starts npm for its version alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.installers import environment
from tests.support.npm import npm
from tests.support.releases import examples

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.differential

PACKS = [
    "pack DIR --userconfig FILE",  # @semantic-release/npm
    "pack DIR --pack-destination OUT --json",  # changesets
    "pack --dry-run --json --silent --ignore-scripts --foreground-scripts=false",  # np
    "pack --dry-run --json --silent --foreground-scripts=false",  # np until 10
    "pack --silent",  # scripts that want the name of the file
    "--silent pack",
    "pack --json --dry-run .",
    "pack --loglevel=error --registry=http://127.0.0.1:9/ --no-color",
    "pack . --pack-destination=OUT --ignore-scripts=true",
]
OTHERS = [
    "version 1.2.3 --userconfig FILE --no-git-tag-version --allow-same-version",
    "whoami --userconfig FILE --registry http://127.0.0.1:9/",
    "publish DIR --userconfig FILE --tag latest --registry http://127.0.0.1:9/",
    "dist-tag add p@1.0.0 next --userconfig FILE --registry http://127.0.0.1:9/",
    "publish --tag next --otp 123456 --access public --provenance",  # np
    "version 1.2.3 --no-git-tag-version --workspaces=false",  # release-it
    "publish . --tag latest --otp 1 --dry-run --registry http://127.0.0.1:9/",
    "show p@latest version --registry http://127.0.0.1:9/",
    "--version",  # lerna
    "run pack",
    "stage publish . --tag next",
    "",
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A package, the shim, and a linkpack that it finds."""
    (tmp_path / "bins").mkdir()
    shim, own = tmp_path / "bins" / "npm", tmp_path / "bins" / "linkpack"
    shim.write_text(examples("An npm that packs by linkpack", "sh")[0], encoding="utf-8")
    own.write_text(f'#!/bin/sh\nexec {sys.executable} -m linkpack "$@"\n', encoding="utf-8")
    for program in (shim, own):
        program.chmod(0o755)
    folder = tmp_path / "with space"
    (folder / "lib").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "rc").write_text("tag=beta\n", encoding="utf-8")
    scripts = {"prepack": "echo PREPACK", "pack": "echo"}
    about = {"name": "@s/p", "version": "1.0.0", "files": ["lib"], "scripts": scripts}
    (folder / "package.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "lib" / "a.js").write_text("1\n", encoding="utf-8")
    return folder


def start(place: Path, program: str, line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """What *program* makes of the arguments in *line*."""
    home = place.parent
    names = {"DIR": str(place), "FILE": str(home / "rc"), "OUT": str(home / "out")}
    words = [word for text in line.split() for word in [text]]
    for name, path in names.items():
        words = [word.replace(name, path) if word.endswith(name) else word for word in words]
    around = environment(home / "home")
    around = {**around, "PATH": f"{home / 'bins'}:{around['PATH']}", "NPM": npm(), **env}
    return subprocess.run([program, *words], cwd=place, env=around, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("line", PACKS)
def test_pack_is_ours_and_prints_what_npm_prints(line: str, place: Path) -> None:
    """What a tool reads on stdout is what npm prints there, but for digests and what scripts print."""
    shim = str(place.parent / "bins" / "npm")
    ours = start(place, shim, line)
    made = [path.relative_to(place.parent) for path in place.parent.rglob("*.tgz")]
    for path in made:
        (place.parent / path).unlink()
    theirs = start(place, npm(), line)
    assert (ours.returncode, theirs.returncode) == (0, 0), ours.stderr
    assert [path.relative_to(place.parent) for path in place.parent.rglob("*.tgz")] == made
    if "--json" in line:
        [mine], [other] = json.loads(ours.stdout), json.loads(theirs.stdout[theirs.stdout.index("[") :])
        assert "linkpack" in mine
        digests = ("size", "shasum", "integrity", "linkpack")
        assert {**mine, **dict.fromkeys(digests)} == {**other, **dict.fromkeys(digests)}
    else:
        assert ours.stdout == "s-p-1.0.0.tgz\n"
        assert theirs.stdout.splitlines()[-1] == "s-p-1.0.0.tgz"


@pytest.mark.parametrize("line", OTHERS)
def test_all_else_is_npms(line: str, place: Path) -> None:
    """Every other command reaches npm with its arguments as they are, spaces and empty ones included."""
    spy = place.parent / "spy"
    spy.write_text('#!/bin/sh\nprintf "[%s]" "$@"\n', encoding="utf-8")
    spy.chmod(0o755)
    direct = start(place, str(spy), line).stdout
    assert start(place, str(place.parent / "bins" / "npm"), line, NPM=str(spy)).stdout == direct


def test_words_stay_whole(place: Path) -> None:
    """An argument with a space or nothing in it is one argument on either way."""
    shim = place.parent / "bins" / "npm"
    spy = place.parent / "bins" / "linkpack"
    spy.write_text('#!/bin/sh\nprintf "[%s]" "$@"\n', encoding="utf-8")
    around = {**environment(place.parent / "home"), "NPM": str(spy)}
    around["PATH"] = f"{place.parent / 'bins'}:{around['PATH']}"
    for words, told in (
        (["-s", "pack", "a b", "", "pack"], "[pack][-s][a b][][pack]"),
        (["run", "pack", ""], "[run][pack][]"),
    ):
        done = subprocess.run([shim, *words], env=around, capture_output=True, text=True, check=True)
        assert done.stdout == told
