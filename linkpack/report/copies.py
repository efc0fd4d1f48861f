"""Write what `sync` does to copies, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from linkpack.report.problems import problem_values
from linkpack.report.text import JSON_SCHEMA, count, escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.copying.sync_command import Synced

_FUTURE = ("write", "remove", "change the mode of")
_PAST = ("wrote", "removed", "changed the mode of")


def sync_text(copies: Sequence[Synced], *, done: bool) -> str:
    """Return a line for each copy, and one for each of its files that changes.

    With *done* the changes have been made.
    """
    if not copies:
        return "no copies"
    return "\n".join(line for copy in copies for line in _copy_lines(copy, _PAST if done else _FUTURE))


def _copy_lines(copy: Synced, verbs: tuple[str, str, str]) -> Iterator[str]:
    changed = len(copy.written) + len(copy.removed) + len(copy.modes)
    facts = f"{count(changed, 'file')}, {copy.unchanged} unchanged" if copy.is_stale else "up to date"
    yield f"{escape(copy.name)}: {facts}"
    for verb, names in zip(verbs, (copy.written, copy.removed, copy.modes), strict=True):
        yield from (f"  {verb} {escape(name)}" for name in names)


def sync_json(copies: Sequence[Synced]) -> str:
    """Return the copies with the files that change, as a JSON object."""
    fields = [copy._asdict() for copy in copies]
    for copy in fields:
        copy["warnings"] = [problem_values(problem) for problem in copy["warnings"]]
    is_stale = any(copy.is_stale for copy in copies)
    return json.dumps({"schema": JSON_SCHEMA, "stale": is_stale, "copies": fields}, indent=2)
