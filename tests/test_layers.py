"""The table of docs/architecture.md holds: imports go down, and never round in a circle."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "linkpack"
TABLE = re.compile(r"^\| (\d+) \| `(\w+)` \|", re.MULTILINE)


def dotted(path: Path) -> str:
    """The module's name below `linkpack`: `bundle.graph`; `bundle` for the `__init__` of that folder."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


FACADE = "__init__"  # the package itself, which offers the library's names and may import all of it
MODULES = {dotted(path): path for path in sorted(SOURCE.rglob("*.py"))}


def rows() -> dict[str, int]:
    """The row of each package and lone module, from the page that says so."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return {package: int(row) for row, package in TABLE.findall(page)}


def package(module: str) -> str:
    """The package of a module; a lone module is one by itself."""
    return module.split(".", maxsplit=1)[0]


@cache
def imported(module: str) -> frozenset[str]:
    """The modules of linkpack that *module* imports, for types or for use.

    A name that is no module is the package's own: `from linkpack import pack` imports the facade.
    """
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "linkpack":
            below = node.module.split(".")[1:]
            for alias in node.names:
                inner = ".".join([*below, alias.name])
                found.add(inner if inner in MODULES else ".".join(below) or FACADE)
        elif isinstance(node, ast.Import):
            found |= {FACADE for alias in node.names if alias.name.split(".")[0] == "linkpack"}
    return frozenset(found)


def test_every_package_has_a_row() -> None:
    """The table names exactly the packages and lone modules that exist."""
    assert set(rows()) == {package(module) for module in MODULES} - {FACADE, "__main__"}


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    """A module imports from lower rows and from its own package only, in types as well."""
    highest = max(rows().values()) + 1
    table = {**rows(), FACADE: highest, "__main__": highest}
    mine = package(module)
    up = {other for other in imported(module) if package(other) != mine and table[package(other)] >= table[mine]}
    assert not up


def test_no_import_goes_round_in_a_circle() -> None:
    """The modules can be put in an order in which each imports only those before it."""
    assert list(TopologicalSorter({module: imported(module) for module in MODULES}).static_order())


@pytest.mark.parametrize("module", [module for module in MODULES if "cli" not in module])
def test_only_the_command_line_prints(module: str) -> None:
    """The library neither prints nor imports click."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert "print" not in names
    assert "click" not in modules
