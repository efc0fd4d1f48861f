"""docs/architecture.md, and the tables in the folders, name what there is."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "linkpack"
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
FOLDERS = sorted(path.parent for path in SOURCE.glob("*/__init__.py"))
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = "|".join(folder.name for folder in FOLDERS)
NAMED = sorted(set(re.findall(rf"(?<![\w-])(?:{ROOMS})\.\w+(?:\.\w+)*", ARCHITECTURE)))


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_folder_says_which_question_each_of_its_modules_answers(folder: Path) -> None:
    rows = [line for line in docstring(folder / "__init__.py").splitlines() if line.startswith("| ")]
    named = set(re.findall(r"`(\w+)`", "\n".join(rows)))
    assert sorted({path.stem for path in folder.glob("*.py")} - named - {"__init__"}) == []


@pytest.mark.parametrize("name", NAMED)
def test_each_name_in_the_pictures_exists(name: str) -> None:
    folder, module, *attributes = name.split(".")
    thing: object = import_module(f"linkpack.{folder}.{module}")
    for attribute in attributes:
        thing = getattr(thing, attribute)


def test_the_pictures_name_something() -> None:
    assert len(NAMED) > 50


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_test_that_a_page_names_exists(page: Path) -> None:
    missing = []
    for path, name in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", page.read_text(encoding="utf-8")):
        text = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else ""
        if f"\ndef {name}(" not in text and (name or not text):
            missing.append((path, name))
    assert missing == []
