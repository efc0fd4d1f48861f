"""Report what a link plan changes outside of the project.

These are global links, commands, and scripts of linked packages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.linking.states import Absent, CreatedDirectory, Displaced, File, Link, Mode
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.linking.states import Change, LinkPlan, RecordedLink, State


class Outside(Record):
    """A change of a path outside of the project.

    *action* is `add`, `change`, `remove`, `replace` (something that is no link makes way), `restore` (it comes
    back), `mode` or `rewrite`. *before* and *after* are what a link leads to, or permission bits in octal;
    empty for none. *kept* is where `unlink` finds what made way; empty for none.
    """

    action: str
    path: str
    before: str
    after: str
    kept: str


def outside_changes(plan: LinkPlan, roots: Sequence[str]) -> tuple[Outside, ...]:
    """Return what *plan* changes that is below none of *roots*, by path.

    Folders that it makes or removes are left out.
    """
    outside = [
        _describe(change)
        for change in plan.changes
        if CreatedDirectory() not in (change.before, change.after)
        and not any(change.path.startswith(f"{root.rstrip('/')}/") for root in roots)
    ]
    return tuple(sorted(outside, key=lambda change: change.path))


def _describe(change: Change) -> Outside:
    states = (change.before, change.after)
    return Outside(
        action=_action(change),
        path=change.path,
        before=_state_text(change.before),
        after=_state_text(change.after),
        kept=next((state.stash for state in states if isinstance(state, Displaced)), ""),
    )


def _action(change: Change) -> str:
    match change.before, change.after:
        case _, Mode():
            action = "mode"
        case File(), File():
            action = "rewrite"
        case Displaced(), _:
            action = "replace"
        case _, Displaced():
            action = "restore"
        case Absent(), _:
            action = "add"
        case _, Absent():
            action = "remove"
        case _:
            action = "change"
    return action


def _state_text(state: State) -> str:
    match state:
        case Link(target):
            return target
        case Mode(mode) | File(_, mode):
            return f"{mode:o}"
    return ""


def staying_links(plan: LinkPlan, links: Sequence[RecordedLink]) -> tuple[Problem, ...]:
    """Return a warning for each global link in *links* that *plan* leaves.

    `link ../tool` makes a global link and one in the project, and `unlink tool` takes only the project's away, as
    other projects may use the other. It is worth a warning if it has commands, or replaces an installed tool.
    """
    gone = {(edit.before.name, edit.before.target) for edit in plan.edits if edit.before and not edit.after}
    warnings = []
    for link in links:
        has_commands = any(
            isinstance(change.after, (Link, File)) and change.path != link.path for change in link.owned
        )
        replaces = any(isinstance(change.before, Displaced) for change in link.owned)
        if (link.name, link.target) in gone and (has_commands or replaces):
            instead = ", in the place of the one installed there" if replaces else ""
            message = f"the global {link.name} stays linked to {link.target}{instead}"
            hint = f"to remove it: linkpack unlink -g {link.name}"
            warnings.append(Problem("WGLOBALSTAYS", link.path, message, hint))
    return tuple(warnings)
