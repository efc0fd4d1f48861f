"""What users rely on stays until a commit says that it changes: signatures, JSON keys, exit statuses, codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.golden.contract import CONTRACT, json_keys, json_outputs, outcome, signatures
from tests.support.schemas import schema_errors
from tests.support.trees import Tree, trees

if TYPE_CHECKING:
    from pathlib import Path

TREES = [*trees("pack"), *trees("layouts")]
KEPT: dict[str, Any] = json.loads(CONTRACT.read_text(encoding="utf-8"))


def test_the_library_keeps_its_names_and_signatures() -> None:
    """Names, parameters, defaults and annotations are those of the file."""
    assert signatures() == KEPT["library"]


def test_every_json_output_keeps_its_keys(tmp_path: Path) -> None:
    """Each command prints the keys of the file, and ends with the same status."""
    assert json_keys(tmp_path) == KEPT["json"]


def test_every_json_output_fits_its_schema(tmp_path: Path) -> None:
    """The pages in docs/schemas say of each key what it holds, and no key is missing there."""
    wrong = {name: schema_errors(name.split()[0], value) for name, value in json_outputs(tmp_path).items()}
    assert not {name: errors for name, errors in wrong.items() if errors}


def test_a_schema_refuses_unknown_keys_and_other_numbers() -> None:
    """What fits is not whatever is printed."""
    good = {"schema": 1, "code": "EBUNDLE", "severity": "error", "meaning": "", "advice": ""}
    assert not schema_errors("explain", good)
    assert schema_errors("explain", {**good, "schema": 2})
    assert schema_errors("explain", {**good, "left_out": []})


@pytest.mark.parametrize("tree", TREES, ids=[tree.name for tree in TREES])
def test_each_fixture_keeps_its_exit_status_and_codes(tree: Tree, tmp_path: Path) -> None:
    """Packing the tree ends and warns as the file says."""
    assert outcome(tree, tmp_path) == KEPT["fixtures"][tree.name]


def test_the_file_names_each_fixture() -> None:
    """No tree is left out of it, and none is gone."""
    assert sorted(KEPT["fixtures"]) == sorted(tree.name for tree in TREES)
