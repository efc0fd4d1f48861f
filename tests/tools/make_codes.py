"""Write docs/codes.md from the register: python -m tests.tools.make_codes."""

from __future__ import annotations

from pathlib import Path

from linkpack.codes import CODES, GENERAL
from linkpack.errors import severity_of

PAGE = Path(__file__).parents[2] / "docs" / "codes.md"
_HEAD = """\
# Codes

Every error and warning has a code, which stays when its message changes. `linkpack explain CODE` prints an entry
of this page, `--json` as values. The letter says the severity: E is an error, and the command fails. W is a
warning. `verify` and `unpack` print an error as a warning, under its own code, when `--allow` names it.

Where the system refuses something, the code is the system's name for it (`ENOSPC`); names that are not listed here
are explained in the system's words.

This page is made from `linkpack/codes.py` by `python -m tests.tools.make_codes`.
"""
_GENERAL = """\
## Classes

Codes of whole classes of errors in the library; each error that linkpack raises has a more precise one.
"""


def page() -> str:
    """Return the text of docs/codes.md."""
    precise = [code for code in CODES if code not in GENERAL]
    errors = [code for code in precise if severity_of(code) == "error"]
    warnings = [code for code in precise if severity_of(code) == "warning"]
    parts = [_HEAD, f"## Errors\n\n{_table(errors)}", f"## Warnings\n\n{_table(warnings)}"]
    return "\n".join([*parts, f"{_GENERAL}\n{_table(sorted(GENERAL))}"])


def _table(codes: list[str]) -> str:
    rows = [f"| `{code}` | {CODES[code].meaning} | {CODES[code].advice} |\n" for code in codes]
    return "".join(["| code | meaning | what to do |\n| --- | --- | --- |\n", *rows])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
