"""The register of codes has every code that the package can print, and no other."""

from __future__ import annotations

import ast
import errno
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from linkpack import errors
from linkpack.cli.main import linkpack
from linkpack.codes import CODES, GENERAL, code_entry
from linkpack.errors import LinkpackError, Problem
from tests.tools import make_codes

PACKAGE = Path(__file__).parents[1] / "linkpack"
CODE = re.compile(r"[EW][A-Z]{3,}")
NO_CODES = {"EDITOR"}  # a variable of the environment
# Codes that are put together from parts, by the module that does it.
MADE = {
    "npm/manifest.py": {"ENAME", "EVERSION"},
    "linking/health.py": {"EPEER", "EPEERHIDDEN", "EPEERTWICE"},
    "explaining/doctor.py": {"EPEER", "EPEERHIDDEN", "EPEERTWICE"},
}


def sources() -> dict[str, ast.Module]:
    """Every module but the register, by its path in the package."""
    paths = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
    return {name: ast.parse(path.read_text("utf-8")) for name, path in paths.items() if name != "codes.py"}


def codes_in(tree: ast.Module) -> set[str]:
    """The codes that are written out in a module."""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {text for text in texts if isinstance(text, str) and CODE.fullmatch(text)} - NO_CODES


def makes_codes(tree: ast.Module) -> bool:
    """True if a text in a module is put together with the letter of a code in front."""
    return any(
        isinstance(node.values[0], ast.Constant) and node.values[0].value in {"E", "W"}
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) and node.values
    )


def test_every_code_in_the_package_is_registered() -> None:
    unknown = {name: codes_in(tree) - CODES.keys() for name, tree in sources().items()}
    assert {name: codes for name, codes in unknown.items() if codes} == {}


def test_every_registered_code_is_in_the_package() -> None:
    written = {code for tree in sources().values() for code in codes_in(tree)}
    made = {code for codes in MADE.values() for code in codes}
    assert CODES.keys() - written - made - set(errno.errorcode.values()) == set()


def test_codes_are_put_together_only_where_the_table_says() -> None:
    assert {name for name, tree in sources().items() if makes_codes(tree)} == MADE.keys()
    assert {code for codes in MADE.values() for code in codes} <= CODES.keys()


def test_general_codes_are_those_of_error_classes_alone() -> None:
    defaults = {
        value.default_code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, LinkpackError)
    }
    elsewhere = {code for name, tree in sources().items() if name != "errors.py" for code in codes_in(tree)}
    assert defaults >= GENERAL
    assert GENERAL & elsewhere == set()


@pytest.mark.parametrize("code", CODES)
def test_an_entry_is_one_sentence_and_an_advice(code: str) -> None:
    meaning, advice = CODES[code]
    assert re.fullmatch(r"[A-Z`a-z].*[^.]\.", meaning)
    assert not re.search(r"\. [A-Z]", meaning)
    assert advice.endswith(".")
    assert "|" not in meaning + advice


def test_the_register_is_in_order_and_no_meaning_is_given_twice() -> None:
    assert list(CODES) == sorted(CODES)
    assert len({entry.meaning for entry in CODES.values()}) == len(CODES)


def test_the_page_is_made_from_the_register() -> None:
    assert make_codes.PAGE.read_text(encoding="utf-8") == make_codes.page()


def test_a_code_of_the_system_that_is_not_registered_has_the_systems_words() -> None:
    assert "ENFILE" not in CODES
    entry = code_entry("ENFILE")
    assert entry is not None
    assert "open files" in entry.meaning


def test_the_letter_is_the_severity() -> None:
    assert [Problem(code, "", "").severity for code in ("ELINK", "WLINK", "ENOSPC")] == [
        "error",
        "warning",
        "error",
    ]


def test_explain_prints_an_entry() -> None:
    done = CliRunner().invoke(linkpack, ["explain", "wlink"])
    meaning, advice = CODES["WLINK"]
    assert done.output == f"WLINK (warning): {meaning}\n  {advice}\n"


def test_explain_prints_an_entry_as_json() -> None:
    done = CliRunner().invoke(linkpack, ["explain", "ENOSPC", "--json"])
    entry = CODES["ENOSPC"]
    assert json.loads(done.output) == {"schema": 1, "code": "ENOSPC", "severity": "error", **entry._asdict()}


@pytest.mark.parametrize(
    ("code", "hint"), [("EBUNDLEMISING", "did you mean EBUNDLEMISSING"), ("zzz", "docs/codes.md")]
)
def test_explain_suggests_codes_for_an_unknown_one(code: str, hint: str) -> None:
    done = CliRunner().invoke(linkpack, ["explain", code, "--json"])
    assert isinstance(done.exception, LinkpackError)
    assert done.exception.code == "ENOCODE"
    assert hint in done.exception.hint
    assert json.loads(done.output)["error"]["code"] == "ENOCODE"
