"""Docstrings begin with one short sentence; ruff (D401) checks that those of functions begin with a verb."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "linkpack").rglob("*.py"))
LONGEST = 72  # characters of a first line
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_first_lines_are_short_and_say_one_thing(path: Path) -> None:
    faults = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        text = ast.get_docstring(node) if isinstance(node, Documented) else None
        first = text.split("\n", 1)[0] if text else ""
        if len(first) > LONGEST or ";" in first:
            faults.append(f"{getattr(node, 'lineno', 1)}: {first}")
    assert faults == []


def test_there_are_modules_to_check() -> None:
    assert len(MODULES) > 1
