"""One `pack` opens each package.json once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.trees import write_package as write

HOOK = """
import os, sys
def hook(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)) and os.fsdecode(args[0]).endswith("package.json"):
        with open(os.environ["OPENED"], "a") as log:
            log.write(os.fsdecode(args[0]) + "\\n")
sys.addaudithook(hook)
"""


@pytest.mark.parametrize("where", ["packages/a", "."])
def test_a_pack_opens_each_manifest_once(where: str, tmp_path: Path) -> None:
    """In a workspace too, whose root is asked about members, catalogs, ignore files and rules."""
    root = write(tmp_path / "ws", files=["lib"], workspaces=["packages/*"])
    write(root / "packages/a", dependencies={"b": "workspace:*"}, bundleDependencies=["b"])
    write(root / "packages/b")
    (root / "node_modules").mkdir()
    (root / "node_modules/b").symlink_to("../packages/b")
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook/sitecustomize.py").write_text(HOOK)
    log = tmp_path / "opened"
    repository = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-m", "linkpack", "pack", "--dry-run", "--json", "--ignore-scripts"],
        cwd=root / where,
        env={**os.environ, "OPENED": str(log), "PYTHONPATH": f"{tmp_path / 'hook'}:{repository}"},
        capture_output=True,
        text=True,
        check=True,
    )
    opened = Counter(log.read_text().splitlines())
    assert json.loads(done.stdout)[0]["version"] == "1.0.0"
    assert str(root.resolve() / where / "package.json") in {os.path.normpath(path) for path in opened}
    assert [path for path, count in opened.items() if count > 1] == []
