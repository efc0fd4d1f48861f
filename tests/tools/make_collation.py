"""Makes linkpack/npm/collation.dat from what collation_table.mjs measures in node.

python -m tests.tools.make_collation [facts.json]

Without a file it runs the measurement itself (about four minutes). The table is JSON, compressed with zlib,
after one line of text that says which node, ICU and Unicode it was measured on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
TARGET = HERE.parent.parent / "linkpack" / "npm" / "collation.dat"
CAPITAL = 100  # the shape of a capital ASCII letter in the table, the same for every letter
SURROGATES = (0xD800, 0x800)


def measure() -> dict[str, Any]:
    """The facts that the measuring script prints, from the node on PATH."""
    script = ["node", "--max-old-space-size=4096", str(HERE / "collation_table.mjs")]
    facts: dict[str, Any] = json.loads(subprocess.run(script, check=True, capture_output=True).stdout)
    return facts


def level_capitals(units: dict[str, list[int]]) -> None:
    """Shift shapes in place so that every capital ASCII letter has the shape CAPITAL.

    Shapes only order the units of one rank, so a gap in their numbers changes nothing.
    """
    capital = {units[letter][0]: units[letter][2] for letter in map(chr, range(ord("A"), ord("Z") + 1))}
    for elements in units.values():
        for at in range(0, len(elements), 4):
            rank, accent, shape = elements[at : at + 3]
            if accent == 0 and shape >= capital.get(rank, 1 << 20):
                elements[at + 2] = shape - capital[rank] + CAPITAL


def columns(runs: Iterable[list[int]], leaders: int) -> list[list[int]]:
    """The runs by code point as three columns of steps: gap since the last run, length, rank minus expected rank.

    Lone surrogates, which npm never sees, stand above everything else.
    """
    code = rank = 0
    result: list[list[int]] = [[], [], []]
    for first, count, first_rank in sorted([*runs, [*SURROGATES, leaders + 1]]):
        for column, step in zip(result, (first - code, count, first_rank - rank), strict=True):
            column.append(step)
        code, rank = first + count, first_rank + count
    return result


def pack(facts: dict[str, Any]) -> bytes:
    """The bytes of collation.dat."""
    versions = facts["versions"]
    level_capitals(facts["units"])
    table = {
        "runs": columns(facts["runs"], facts["leaders"]),
        "units": facts["units"],
        "ignorable": facts["ignorable"],
        "decompositions": facts["decompositions"],
        "classes": facts["classes"],
        "number": facts["number"],
        "zeros": "".join(map(chr, facts["zeros"])),
        "lower": facts["lower"],
        "raised": facts["raised"],
        "cased": [edge for first, last in facts["cased"] for edge in (first, last + 1)],
        "case_ignorable": [edge for first, last in facts["caseIgnorable"] for edge in (first, last + 1)],
    }
    head = (
        f"Root collation measured by tests/tools/make_collation.py on node {versions['node']}, "
        f"ICU {versions['icu']}, CLDR {versions['cldr']}, Unicode {versions['unicode']}\n"
    )
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"))
    return head.encode() + zlib.compress(text.encode(), 9)


def main() -> None:
    """Write the table; refuse when a weight could not be found."""
    facts = json.loads(Path(sys.argv[1]).read_bytes()) if len(sys.argv) > 1 else measure()
    if facts["notes"]:
        raise SystemExit("\n".join(facts["notes"]))
    TARGET.write_bytes(pack(facts))


if __name__ == "__main__":
    main()
