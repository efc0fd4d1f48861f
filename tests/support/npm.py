"""Node and npm as installed here, for tests that compare with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

# The script is the body of `answer(request)`; requests and answers travel as one JSON array each.
_HARNESS = """
const root = process.argv[1];
const use = (name) => require(require.resolve(name, { paths: [root] }));
const answer = (request) => {
%s
};
const input = require('node:fs').readFileSync(0, 'utf8');
process.stdout.write(JSON.stringify(JSON.parse(input).map((request) => answer(request) ?? null)));
"""


def _which(program: str) -> str:
    """The path of *program*; without it the test is skipped, in CI failed."""
    path = shutil.which(program)
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not on PATH")
    return path or pytest.skip(f"{program} is not on PATH")


def node() -> str:
    """The path of node."""
    return _which("node")


def npm() -> str:
    """The path of npm."""
    return _which("npm")


def npm_root() -> Path:
    """The folder of npm's own package; its node_modules hold semver, minimatch, npm-packlist and so on."""
    return Path(npm()).resolve().parent.parent


def npm12_root() -> Path:
    """The folder of npm 12's package, which the pipeline tests install; its modules run on any node."""
    root = Path(os.environ.get("LINKPACK_PEERS") or Path(__file__).parents[2] / "build" / "peers")
    root = root / "node_modules" / "npm"
    if not root.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{root} is not there: sh .ci/test installs it")
        pytest.skip(f"{root} is not there: sh .ci/test installs it")
    return root


def npm_of(edition: str) -> Path:
    """Find the npm that goes by the rules of *edition*: the one on PATH, or that of the pipeline tests."""
    if edition == "12":
        return npm12_root()
    root = npm_root()
    version = json.loads((root / "package.json").read_text(encoding="utf-8"))["version"]
    if version.partition(".")[0] != edition:
        if os.environ.get("CI") == "true":
            pytest.fail(f"npm {version} is on PATH, not npm {edition}")
        pytest.skip(f"npm {version} is on PATH, not npm {edition}")
    return root


def searches_the_disk(files: Sequence[str] | None) -> bool:
    """True if an entry of *files* begins with two slashes: npm 12 searches the whole disk for it (row F12)."""
    return any(entry.lstrip("!").startswith(("//", ".//")) for entry in files or ())


def packlists(root: Path, requests: Sequence[dict[str, object]]) -> list[list[str] | str]:
    """List what the npm whose package is *root* packs for each of *requests*, or the text of its error.

    The requests are those of npm_packlist.cjs. npm puts `./` before a leading `@`: here it is taken off.
    """
    done = subprocess.run(
        [node(), str(Path(__file__).with_name("npm_packlist.cjs")), str(root)],
        input=json.dumps(requests),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    answers: list[list[str] | str] = json.loads(done.stdout)
    return [one if isinstance(one, str) else sorted(path.removeprefix("./") for path in one) for one in answers]


def run_node(script: str, requests: Sequence[object]) -> list[object]:
    """What *script* returns for each of *requests*, asked in one node process.

    *script* is the body of a function of `request`; `use(name)` loads a package of npm's node_modules.
    Requests and answers are JSON; `undefined` comes back as None.
    """
    done = subprocess.run(
        [node(), "-e", _HARNESS.replace("%s", script), str(npm_root())],
        input=json.dumps(requests),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[object] = json.loads(done.stdout)
    return answers
