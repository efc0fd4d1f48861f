"""Turn what the doctor found into text and into JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from linkpack.linking.package_manager import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from linkpack.explaining.doctor import Diagnosis, Fix


def diagnosis_text(found: Sequence[Diagnosis], done: Sequence[Fix], shown: Callable[[str], str]) -> str:
    """Return what was *found* and *done* for a person: group by group, and a last line that says how it stands.

    *shown* makes a text fit for a terminal.
    """
    lines = [f"fixed: {shown(command_line(fix))}" for fix in done]
    for group in dict.fromkeys(each.group for each in found):
        lines.append(shown(group))
        for each in (each for each in found if each.group == group):
            label = f"{each.code}: " if each.code else ""
            lines.append(f"  {each.severity:8} {label}{shown(each.message)}")
            if each.hint:
                lines.append(f"           {shown(each.hint)}")
    return "\n".join([*lines, "", _summary(found)])


def _summary(found: Sequence[Diagnosis]) -> str:
    errors, warnings = count(found, "error"), count(found, "warning")
    if not errors and not warnings:
        return "no problem found"
    parts = [
        f"{number} {word}{'s' * (number > 1)}"
        for number, word in ((errors, "error"), (warnings, "warning"))
        if number
    ]
    fixable = len({each.fix for each in found if each.fix is not None})
    more = f"; linkpack doctor --fix runs {fixable} command{'s' * (fixable > 1)} for them" if fixable else ""
    return f"{' and '.join(parts)}{more}"


def count(found: Sequence[Diagnosis], severity: str) -> int:
    """Return how many of *found* have that severity."""
    return sum(each.severity == severity for each in found)


def command_line(fix: Fix) -> str:
    """Return the command line of *fix*."""
    return f"linkpack {' '.join(map(quoted, fix.words))}"


def diagnosis_json(found: Sequence[Diagnosis], done: Sequence[Fix]) -> str:
    """Return what was *found* and *done* as JSON: `{"findings", "fixed", "errors", "warnings"}`."""
    value = {
        "findings": [{**each._asdict(), "fix": command_line(each.fix) if each.fix else None} for each in found],
        "fixed": [command_line(fix) for fix in done],
        "errors": count(found, "error"),
        "warnings": count(found, "warning"),
    }
    return json.dumps(value, indent=2)
