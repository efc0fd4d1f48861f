"""What docs/security.md says of faults and bad inputs is what the tests try."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.faultscenes import SCENES
from tests.support.faultstage import Stage
from tests.support.faulty import faulty
from tests.tools.fault_table import INPUTS, PAGE, collected, rows, trials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.faulty import Faulty

TABLE = rows(PAGE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def server() -> Iterator[Faulty]:
    """A server for the tests of this module."""
    with faulty() as found:
        yield found


def test_rows() -> None:
    """The page has every command, none lost a file, each survived all its faults, and the sum is right."""
    commands = {name: TABLE[name] for name in SCENES}
    assert all(survived == tried and lost == 0 for tried, survived, lost in commands.values())
    assert TABLE["all"] == [sum(row[at] for row in commands.values()) for at in range(3)]


@pytest.mark.parametrize("name", SCENES)
def test_faults_tried(name: str, server: Faulty) -> None:
    """The number of faults is that of today, give or take a third: Pythons and paths differ in calls."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(server, SCENES[name](Path(folder).resolve() / "scene"))
        now = sum(map(len, trials(stage).values()))
    assert 0.67 * now <= TABLE[name][0] <= 1.5 * now


def test_inputs_tried() -> None:
    """There are as many bad inputs as the page says, or more."""
    now = collected()
    assert {what: min(now[what], TABLE[what][0]) for what in INPUTS} == {what: TABLE[what][0] for what in INPUTS}
    assert all(TABLE[what][0] > 20 for what in INPUTS)
