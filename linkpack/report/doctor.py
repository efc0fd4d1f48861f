"""Write what `doctor` found, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from linkpack.linking.package_manager import quote_word
from linkpack.report.text import JSON_SCHEMA, count, escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.explaining.doctor import Diagnosis, Fix


def diagnosis_text(diagnoses: Sequence[Diagnosis], fixes: Sequence[Fix]) -> str:
    """Return the report for a person.

    The *fixes* that were run come first, then the *diagnoses* by group, then a summary.
    """
    lines = [f"fixed: {escape(_command_line(fix))}" for fix in fixes]
    for group in dict.fromkeys(diagnosis.group for diagnosis in diagnoses):
        lines.append(escape(group))
        for diagnosis in diagnoses:
            if diagnosis.group != group:
                continue
            label = f"{diagnosis.code}: " if diagnosis.code else ""
            lines.append(f"  {diagnosis.severity:8} {label}{escape(diagnosis.message)}")
            if diagnosis.hint:
                lines.append(f"           {escape(diagnosis.hint)}")
    return "\n".join([*lines, "", _summary(diagnoses)])


def _summary(diagnoses: Sequence[Diagnosis]) -> str:
    errors, warnings = count_severity(diagnoses, "error"), count_severity(diagnoses, "warning")
    if not errors and not warnings:
        return "no problem found"
    parts = [count(number, noun) for number, noun in ((errors, "error"), (warnings, "warning")) if number]
    # One command may be the fix of several, and runs once.
    fixable = len({diagnosis.fix for diagnosis in diagnoses if diagnosis.fix is not None})
    more = f"; linkpack doctor --fix runs {count(fixable, 'command')} for them" if fixable else ""
    return f"{' and '.join(parts)}{more}"


def count_severity(diagnoses: Sequence[Diagnosis], severity: str) -> int:
    """Return how many of *diagnoses* have that *severity*."""
    return sum(diagnosis.severity == severity for diagnosis in diagnoses)


def _command_line(fix: Fix) -> str:
    return f"linkpack {' '.join(map(quote_word, fix.words))}"


def diagnosis_json(diagnoses: Sequence[Diagnosis], fixes: Sequence[Fix]) -> str:
    """Return the report as JSON, with the keys of docs/json.md."""
    findings = [
        {
            "code": diagnosis.code,
            "severity": diagnosis.severity,
            "group": diagnosis.group,
            "path": diagnosis.path,
            "message": diagnosis.message,
            "fix": diagnosis.hint,
            "command": _command_line(diagnosis.fix) if diagnosis.fix else None,
        }
        for diagnosis in diagnoses
    ]
    value = {
        "schema": JSON_SCHEMA,
        "findings": findings,
        "fixed": [_command_line(fix) for fix in fixes],
        "errors": count_severity(diagnoses, "error"),
        "warnings": count_severity(diagnoses, "warning"),
    }
    return json.dumps(value, indent=2)
