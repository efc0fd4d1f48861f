"""Our shims beside npm's: each side reads what the other writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkpack.linking.shims import make_shims, parse_shebang, read_shim
from tests.support.npm import run_node

if TYPE_CHECKING:
    from pathlib import Path

HEADS = [
    "#!/usr/bin/env node\n",
    "#!/usr/bin/env -S A=1 node --x\n",
    "#!/bin/sh -e\n",
    "plain\n",
    "#!/usr/bin/env A=$B node\r\n",
]
WRITE = """
return use('cmd-shim')(request[0], request[1]) && null;
"""


@pytest.mark.differential
@pytest.mark.parametrize("head", HEADS)
def test_npm_reads_ours_and_we_read_npms(tmp_path: Path, head: str) -> None:
    """The reader of either side finds the script in the three files of the other."""
    script = tmp_path / "lib" / "cli.js"
    script.parent.mkdir()
    script.write_text(head)
    (tmp_path / "npm").mkdir()
    run_node(WRITE, [[str(script), str(tmp_path / "npm" / "tool")]])
    (tmp_path / "ours").mkdir()
    texts = make_shims("../lib/cli.js", parse_shebang(head.encode()))
    for ending, text in texts.items():
        assert read_shim(ending, (tmp_path / "npm" / f"tool{ending}").read_bytes()) == "../lib/cli.js"
        (tmp_path / "ours" / f"tool{ending}").write_bytes(text)
    paths = [str(tmp_path / "ours" / f"tool{ending}") for ending in texts]
    found = run_node("return use('read-cmd-shim').sync(request)", list(paths))
    assert [str(path).replace("\\", "/") for path in found] == ["../lib/cli.js"] * 3
