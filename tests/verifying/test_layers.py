"""The gate is built in rows, too: imports go down, and only two of its modules touch the world."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

GATE = Path(__file__).parents[2] / "linkpack" / "gate"
ROWS = (
    {"findings"},
    {"committed", "disk", "paths", "unzip", "opening"},
    {"reader"},
    {"manifests", "bundle", "entrypoints"},
    {"sides", "unpack"},
    {"against", "diffing"},
    {"api"},
    {"report"},
    {"cli"},
)
MODULES = {path.stem: path for path in GATE.glob("*.py") if path.stem != "__init__"}


def imported(path: Path) -> set[str]:
    """The modules of the gate that the one at *path* imports, for types or for use."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "linkpack.gate":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("linkpack.gate."):
            found.add(node.module.rpartition(".")[2])
    return found


def row(name: str) -> int:
    """The row of the module *name*."""
    return next(i for i, names in enumerate(ROWS) if name in names)


def test_every_module_has_a_row() -> None:
    """The rows name exactly the modules that exist."""
    assert set().union(*ROWS) == set(MODULES)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_down(name: str) -> None:
    """A module imports only modules of lower rows; `opening` alone has a neighbour, whose errors it words."""
    up = {other for other in imported(MODULES[name]) if row(other) >= row(name)}
    assert up == ({"disk"} if name == "opening" else set())


@pytest.mark.parametrize("name", sorted(MODULES))
def test_only_the_command_line_imports_click(name: str) -> None:
    """The library is quick to import, and prints nothing."""
    text = MODULES[name].read_text(encoding="utf-8")
    assert name == "cli" or "import click" not in text


def test_nothing_else_imports_the_gate() -> None:
    """Packing does without the gate; what names it (the command line, the package) imports it when it is asked."""
    others = [path for path in GATE.parent.glob("*.py") if "linkpack.gate" in path.read_text(encoding="utf-8")]
    assert {path.name for path in others} == {"__init__.py", "cli.py"}
