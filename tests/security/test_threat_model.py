"""docs/security.md names tests that exist, one at least for each promise."""

from __future__ import annotations

import re

import pytest

from tests.support.faulty import ROOT
from tests.tools.fault_table import PAGE

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ROWS = [
    line
    for section in PAGE.read_text(encoding="utf-8").split("\n### ")[1:]
    for line in section.partition("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| promise"))
]


def test_promises() -> None:
    """The page makes promises against each of those who could do harm."""
    assert len(ROWS) > 25


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_each_promise_is_held_by_tests(row: str) -> None:
    """Each promise names one test or more, and each of them exists."""
    found = NAMED.findall(row)
    assert found
    for path, name in found:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert f"\ndef {name}(" in text if name else "\ndef test_" in text, (path, name)
