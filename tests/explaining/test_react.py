"""The two Reacts: an application, a component library with a React of its own, and the doctor's cure.

React comes from the npm registry: .ci/test puts it into build/react.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.npm import node

if TYPE_CHECKING:
    from tests.support.linkbox import LinkBox

pytestmark = pytest.mark.installs

ROOT = Path(__file__).parents[2]
REACT = Path(os.environ.get("LINKPACK_REACT") or ROOT / "build" / "react") / "node_modules"

LIBRARY = """
const React = require('react')
exports.Counter = () => {
  const [count] = React.useState(41)
  return React.createElement('b', null, count + 1)
}
"""
APPLICATION = """
const React = require('react')
const { renderToString } = require('react-dom/server')
const { Counter } = require('counter')
console.log(renderToString(React.createElement(Counter)))
const paths = Object.keys(require.cache).filter((path) => /node_modules.react.index\\.js$/.test(path))
console.log(paths.length)
"""


@pytest.fixture(autouse=True)
def _application_and_library(box: LinkBox) -> None:
    """An application and a library, both with React installed."""
    if not REACT.is_dir():
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing("react is not in build/react")
    wanted = {"react": "^18.0.0", "react-dom": "^18.0.0"}
    box.package("app", "app", {"index.js": APPLICATION}, dependencies=wanted)
    box.package(
        "counter", "counter", {"index.js": LIBRARY}, peerDependencies={"react": ">=17"}, devDependencies=wanted
    )
    for folder in ("app", "counter"):
        shutil.copytree(REACT, box.work / folder / "node_modules")


def linkpack(box: LinkBox, *words: str) -> subprocess.CompletedProcess[str]:
    """The result of a linkpack command in the application."""
    return subprocess.run(
        [sys.executable, "-m", "linkpack", *words],
        cwd=box.work / "app",
        env={**box.env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def rendered(box: LinkBox) -> subprocess.CompletedProcess[str]:
    """The result of running the application."""
    return subprocess.run([node(), "index.js"], cwd=box.work / "app", capture_output=True, text=True, check=False)


@pytest.mark.parametrize("how", ["--fix", "by hand"])
def test_the_doctor_cures_the_two_reacts(how: str, box: LinkBox) -> None:
    """The library's hook fails with two Reacts; the doctor names them, and after its cure there is one."""
    assert "WPEERTWICE" in linkpack(box, "link", "../counter").stderr
    broken = rendered(box)
    assert broken.returncode != 0
    assert "useState" in broken.stderr  # of null: each React has a dispatcher of its own

    examined = linkpack(box, "doctor", "--json")
    assert examined.returncode == 1
    (problem,) = (each for each in json.loads(examined.stdout)["findings"] if each["severity"] == "error")
    assert problem["code"] == "EPEERTWICE"
    for folder in ("app", "counter"):
        assert f"{box.work}/{folder}/node_modules/react" in problem["message"]
    if how == "--fix":
        cured = linkpack(box, "doctor", "--fix")
    else:
        assert problem["fix"].startswith("run linkpack ")
        cured = linkpack(box, *shlex.split(problem["fix"])[2:])
    assert cured.returncode == 0, cured.stdout + cured.stderr

    done = rendered(box)
    assert done.stdout.split() == ["<b>42</b>", "1"], done.stderr
    assert linkpack(box, "doctor").returncode == 0
    linkpack(box, "unlink", "-C", "../counter", "react")
    assert rendered(box).returncode != 0


def test_a_copy_has_one_react_where_a_link_has_two(box: LinkBox) -> None:
    """Its peer is the application's React, though the library has one of its own for its tests."""
    linkpack(box, "link", "--no-global", "../counter")
    assert "useState" in rendered(box).stderr
    copied = linkpack(box, "link", "--copy", "../counter")
    assert "    react: one copy" in copied.stdout.splitlines(), copied.stderr
    done = rendered(box)
    assert done.stdout.split() == ["<b>42</b>", "1"], done.stderr
    (box.work / "counter/index.js").write_text(LIBRARY.replace("41", "42"), encoding="utf-8")
    assert linkpack(box, "sync").stdout.splitlines()[1:] == ["  wrote index.js"]
    assert rendered(box).stdout.split() == ["<b>43</b>", "1"]
