"""Run `linkpack explain`, which says what a code means."""

from __future__ import annotations

import json
from difflib import get_close_matches

import click

from linkpack.cli.failures import json_failures
from linkpack.cli.terminal import print_result
from linkpack.codes import CODES, code_entry
from linkpack.errors import LinkpackError, severity_of
from linkpack.report.text import JSON_SCHEMA


@click.command()
@click.argument("code")
@click.option("--json", "as_json", is_flag=True, help="Print code, severity, meaning and advice as JSON.")
def explain(code: str, *, as_json: bool) -> None:
    """Say what the CODE of an error or a warning means, and what to do."""
    name = code.upper()
    entry = code_entry(name)
    if entry is None:
        near = get_close_matches(name, CODES)
        with json_failures(wanted=as_json):
            raise LinkpackError(
                f"{code} is no code of linkpack",
                code="ENOCODE",
                hint=f"did you mean {' or '.join(near)}?" if near else "docs/codes.md lists all codes",
            )
    if as_json:
        value = {
            "schema": JSON_SCHEMA,
            "code": name,
            "severity": severity_of(name),
            "meaning": entry.meaning,
            "advice": entry.advice,
        }
        print_result(json.dumps(value, indent=2))
    else:
        print_result(f"{name} ({severity_of(name)}): {entry.meaning}\n  {entry.advice}")
