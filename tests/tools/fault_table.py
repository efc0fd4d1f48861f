"""Makes the tables of docs/security.md: every fault at every call of every command, each with what became of it.

`python -m tests.tools.fault_table` takes some ten minutes. tests/security/test_faulttable.py compares.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.support.faultscenes import SCENES
from tests.support.faultstage import Stage, faults
from tests.support.faulty import ROOT, faulty
from tests.support.syscalls import Fault

PAGE = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- made by tests/tools/fault_table.py -->\n", "<!-- end -->\n"
LINES = "SIGINT between two lines"
_LINES = 500  # interruptions between lines of Python, evenly spread, but not one for less than
_STEP = 23  # lines
# The tests whose cases are the bad inputs, by row.
INPUTS = {
    "hostile tarballs": ("tests/verifying/test_bad_tarballs.py",),
    "hostile trees": (
        *(
            f"tests/bundle/test_entries.py::test_{name}"
            for name in ("faults", "files_that_are", "names_that_some")
        ),
        *(
            f"tests/packlist/test_packlist.py::test_{name}"
            for name in ("a_link_to_nothing", "links_and_pipes", "special")
        ),
        *(
            f"tests/packlist/test_packlist.py::test_{name}"
            for name in ("names_that_no", "an_ignore_file_that_cannot", "depth")
        ),
        *(
            "tests/bundle/test_graph.py::test_faults",
            "tests/project/test_project.py::test_unreadable",
            "tests/system/test_tree.py",
        ),
        *("tests/security/test_trees", "tests/security/test_faults.py::test_what_cannot_be_read"),
    ),
    "hostile manifests": (
        *("tests/npm/test_json_text.py::test_parse_refuses", "tests/npm/test_json_text.py::test_duplicate_keys"),
        *("tests/npm/test_manifest.py::test_what_is_no_json", "tests/npm/test_manifest.py::test_wrong_types"),
        *("tests/npm/test_manifest.py::test_empty_values", "tests/npm/test_json_text.py::test_other_text"),
        *(
            "tests/npm/test_manifest.py::test_bundled_names_are",
            "tests/npm/test_manifest.py::test_dependency_names_are",
        ),
    ),
    "hostile patterns": (
        *(
            "tests/glob/test_braces.py::test_a_pattern_of_too_many",
            "tests/security/test_work.py::test_hostile_patterns",
        ),
        *(
            "tests/security/test_work.py::test_braces",
            "tests/packlist/test_packlist.py::test_an_entry_of_files_that_cannot_be_used",
        ),
    ),
}


class Row(NamedTuple):
    """A line of the table: faults *tried* on a *command*, those *survived*, and *lost*: files gone or torn."""

    command: str
    tried: int
    survived: int
    lost: int

    def line(self) -> str:
        """The row as the page has it."""
        return f"| {self.command} | {self.tried:,} | {self.survived:,} | {self.lost:,} |\n"


def trials(stage: Stage) -> dict[str, list[Fault]]:
    """Every fault for the command of *stage*, by kind."""
    found = faults(stage.calls())
    stage.scene.reset()
    lines = stage.play(lines=True).counts["line"]
    found[LINES] = [Fault(("line",), at, "SIGINT") for at in range(60, lines, max(_STEP, lines // _LINES))]
    return found


def measure(name: str) -> tuple[Row, list[str]]:
    """The row of the command *name*, and what went wrong."""
    with tempfile.TemporaryDirectory() as folder, faulty() as server:
        stage = Stage(server, SCENES[name](Path(folder).resolve() / "scene"))
        every = [fault for found in trials(stage).values() for fault in found]
        found = {fault: stage.suffer(fault) for fault in every}
    struck = {fault: what for fault, what in found.items() if what is not None}
    wrong = {fault: what for fault, what in struck.items() if what}
    lost = sum(what.startswith(("torn", "the source", "the next run")) for what in wrong.values())
    told = [f"{name} {fault}: {what}" for fault, what in wrong.items()]
    return Row(name, len(struck), len(struck) - len(wrong), lost), told


def collected() -> dict[str, int]:
    """How many bad inputs of each kind the tests try."""
    every = sorted({path.partition("::")[0] for paths in INPUTS.values() for path in paths})
    every = [path for path in every if (ROOT / path).exists()]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *every]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    tests = [line for line in done.stdout.splitlines() if "::" in line]
    return {what: sum(line.startswith(paths) for line in tests) for what, paths in INPUTS.items()}


def table(rows: list[Row]) -> str:
    """The block for the page."""
    total = Row("all", *(sum(row[at] for row in rows) for at in (1, 2, 3)))  # type: ignore[misc]
    head = "| command | faults tried | survived | files lost |\n| --- | --- | --- | --- |\n"
    inputs = "".join(f"| {what} | {count:,} |\n" for what, count in collected().items())
    more = f"\n| bad inputs | tried in the tests |\n| --- | --- |\n{inputs}"
    return head + "".join(row.line() for row in (*rows, total)) + more


def rows(text: str) -> dict[str, list[int]]:
    """The numbers in the block of *text*, by the first cell of their line."""
    found = {}
    for line in text.partition(BEGIN)[2].partition(END)[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] and cells[-1].replace(",", "").isdecimal():
            found[cells[0]] = [int(cell.replace(",", "")) for cell in cells[1:]]
    return found


def main() -> None:
    """Measure the commands named on the command line, or all, and write the block; say what went wrong."""
    with ThreadPoolExecutor(2) as pool:
        measured = list(pool.map(measure, sys.argv[1:] or SCENES))
    for _, told in measured:
        for each in told:
            print(each)  # noqa: T201 - a script
    text = PAGE.read_text(encoding="utf-8")
    found = {name: Row(name, *numbers) for name, numbers in rows(text).items() if name in SCENES}
    found.update({row.command: row for row, _ in measured})
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    block = table([found[name] for name in SCENES if name in found])
    PAGE.write_text(before + BEGIN + block + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
