"""docs/tutorial.md is run as it is printed, with the installed node and npm, and shows what comes out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.npm import node, npm

PAGE = Path(__file__).parents[1] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "--- end of block ---"


def blocks() -> list[tuple[str, list[str]]]:
    """Return each block of commands, and the lines of output that the page shows below it."""
    steps: list[tuple[str, list[str]]] = []
    for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "sh":
            steps.append((text, []))
        else:
            steps[-1][1].extend(text.splitlines())
    return steps


@pytest.mark.installs
def test_the_tutorial_runs_and_shows_what_it_prints(tmp_path: Path) -> None:
    node()
    npm()
    home = tmp_path / "home"
    home.mkdir()
    env = {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LANG": "C.UTF-8",  # for the lines that npm draws
        "npm_config_prefix": str(tmp_path / "prefix"),
        "npm_config_offline": "true",
        "npm_config_update_notifier": "false",
    }
    script = "".join(f"{commands}echo '{MARK}'\n" for commands, _ in blocks())
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        stdin=subprocess.DEVNULL,
        cwd=home,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    outputs = done.stdout.replace(str(home), "/home/me").split(f"{MARK}\n")
    for (commands, shown), output in zip(blocks(), outputs, strict=False):
        printed = iter(output.splitlines())
        missing = [line for line in shown if line not in printed]  # `in` goes on from the last line that was found
        assert not missing, (commands, output)


def test_the_tutorial_shows_the_output_of_most_blocks() -> None:
    assert sum(bool(shown) for _, shown in blocks()) > 5
