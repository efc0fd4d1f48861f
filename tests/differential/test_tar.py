"""Headers compared with those of node's `tar`, the package that npm itself packs with."""

from __future__ import annotations

import base64
import itertools

import pytest

from linkpack.archive.tar_header import entry_header
from tests.support.npm import run_node

# What tar's WriteEntry does with pacote's options: a header, after a pax header when it asks for one.
SCRIPT = """
const { Header, Pax } = use('tar');
const mtime = new Date(499162500 * 1000);
const { path, size, mode } = request;
const header = new Header({ path, mode, size, mtime, type: 'File', uid: undefined, gid: undefined });
let before = Buffer.alloc(0);
if (header.encode()) {
  before = new Pax({ mtime, path, size, mode, uid: undefined, gid: undefined }).encode();
}
return Buffer.concat([before, header.block]).toString('base64');
"""
PARTS = ("a", "é", "日", "😀", "e\u0301", "\u202e", "\n", " ", "%", "\\", "\ufffd")


def paths() -> list[str]:
    """Names of 1 to 300 units in ASCII and not, in one folder and many, with whole pairs at every cut."""
    found = ["package/" + part * count for part in PARTS for count in (1, 2, 30, 60, 91, 92, 150, 292)]
    found += ["package/" + "a" * length for length in range(80, 165)]
    found += ["package/" + "a" * length + "/b" for length in range(85, 260)]
    found += [
        "package/" + "d" * n + "/" + "f" * m for n, m in itertools.product((80, 99, 146, 147, 148), range(85, 110))
    ]
    found += ["package/" + "a" * length + "😀é" + "b" * 20 for length in range(75, 105)]
    found += ["package/" + "é" * length + "/" + "日" * (100 - length) for length in range(10, 90)]
    found += ["package/" + "ab/" * count + "c" for count in range(20, 100)]
    return found


@pytest.mark.differential
def test_headers_are_those_of_node_tar() -> None:
    """For every path, size and mode of the table, the header blocks are byte for byte those of node's tar."""
    sizes = (0, 1, 511, 512, 0o7777777777, 0o10000000000, (8 << 30) - 1, 8 << 30, 9 << 30, 1 << 40)
    table = [(path, 5, 0o644) for path in paths()]
    table += [(path, size, 0o644) for path in ("package/a", "package/é") for size in sizes]
    table += [("package/a", 0, mode) for mode in (0, 0o600, 0o711, 0o755, 0o4755, 0o7777)]
    requests = [{"path": path, "size": size, "mode": mode} for path, size, mode in table]
    answers = run_node(SCRIPT, requests)
    wanted = [base64.b64decode(str(answer)) for answer in answers]
    assert [row for row, want in zip(table, wanted, strict=True) if entry_header(*row) != want] == []
