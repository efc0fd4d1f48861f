"""JSON that a command printed, held against its schema in docs/schemas."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
# Commands that print what another one prints.
_SAME = {"unlink": "link", "relink": "link", "undo": "link"}


def schema_errors(command: str, value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """Return where *value* is not as the schema of *command* says."""
    schema = json.loads((SCHEMAS / f"{_SAME.get(command, command)}.json").read_text(encoding="utf-8"))
    checker: Any = import_module("jsonschema").Draft202012Validator
    checker.check_schema(schema)
    return [f"{error.json_path}: {error.message[:200]}" for error in checker(schema).iter_errors(value)]
