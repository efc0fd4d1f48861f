"""Say what a link plan changes outside of the project: global links, commands, and scripts of linked packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.errors import Problem
from linkpack.linking.states import Absent, CreatedDirectory, Displaced, File, Link, Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.linking.states import Change, LinkPlan, RecordedLink


class Outside(NamedTuple):
    """A change of a path outside of the project.

    *action* is `add`, `change`, `remove`, `replace` (something that is no link makes way), `restore` (it comes
    back), `mode` or `rewrite`. *before* and *after* are what a link leads to, or permission bits in octal;
    empty for none. *kept* is where what made way is kept until `unlink`, or was.
    """

    action: str
    path: str
    before: str
    after: str
    kept: str


def outside_changes(plan: LinkPlan, roots: Sequence[str]) -> tuple[Outside, ...]:
    """Return what *plan* changes that lies below none of *roots*, by path; folders that it makes are left out."""
    found = []
    for change in plan.changes:
        inside = any(change.path.startswith(f"{root.rstrip('/')}/") for root in roots)
        if (
            not inside
            and not isinstance(change.before, CreatedDirectory)
            and not isinstance(change.after, CreatedDirectory)
        ):
            found.append(_described(change))
    return tuple(sorted(found, key=lambda each: each.path))


def _described(change: Change) -> Outside:
    before, after = change.before, change.after
    kept = next((state.stash for state in (before, after) if isinstance(state, Displaced)), "")
    return Outside(_action(change), change.path, _text(before), _text(after), kept)


def _action(change: Change) -> str:
    before, after = change.before, change.after
    if isinstance(after, Mode):
        return "mode"
    if isinstance(before, File) and isinstance(after, File):
        return "rewrite"
    if isinstance(before, Displaced):
        return "replace"
    if isinstance(after, Displaced):
        return "restore"
    if isinstance(before, Absent):
        return "add"
    return "remove" if isinstance(after, Absent) else "change"


def _text(state: object) -> str:
    if isinstance(state, Link):
        return state.target
    if isinstance(state, (Mode, File)):
        return f"{state.mode:o}"
    return ""


def staying_links(plan: LinkPlan, links: Sequence[RecordedLink]) -> tuple[Problem, ...]:
    """Return a warning for each of *links*, global ones, whose local twin *plan* removes, and that shows outside.

    `link ../tool` makes both links, and `unlink tool` takes the project's away. The global one stays, as other
    projects may use it; it is told if it has commands, or stands in the place of an installed tool.
    """
    gone = {(edit.before.name, edit.before.target) for edit in plan.edits if edit.before and not edit.after}
    found = []
    for entry in links:
        commands = [
            each for each in entry.owned if isinstance(each.after, (Link, File)) and each.path != entry.path
        ]
        kept = any(isinstance(change.before, Displaced) for change in entry.owned)
        if (entry.name, entry.target) in gone and (commands or kept):
            instead = ", in the place of the one installed there" if kept else ""
            message = f"the global {entry.name} stays linked to {entry.target}{instead}"
            found.append(
                Problem("WGLOBALSTAYS", entry.path, message, f"to remove it: linkpack unlink -g {entry.name}")
            )
    return tuple(found)
