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

    *action* is `add`, `change`, `remove`, `replace` (a file or folder makes way), `restore` (it comes back),
    `mode` or `rewrite`. *before* and *after* are the text of a link, or permission bits in octal, or empty. *kept*
    is the stash of a file or folder that makes way, or empty.
    """

    action: str
    path: str
    before: str
    after: str
    kept: str


def outside_changes(plan: LinkPlan, roots: Sequence[str]) -> tuple[Outside, ...]:
    """Return the changes of *plan* below none of *roots*, sorted by path.

    Folders that are made or removed are left out.
    """
    outside = [
        _describe_change(change)
        for change in plan.changes
        if CreatedDirectory() not in (change.before, change.after)
        and not any(change.path.startswith(f"{root.rstrip('/')}/") for root in roots)
    ]
    return tuple(sorted(outside, key=lambda change: change.path))


def _describe_change(change: Change) -> Outside:
    states = (change.before, change.after)
    return Outside(
        action=_name_action(change),
        path=change.path,
        before=_describe_state(change.before),
        after=_describe_state(change.after),
        kept=next((state.stash for state in states if isinstance(state, Displaced)), ""),
    )


def _name_action(change: Change) -> str:
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


def _describe_state(state: State) -> str:
    match state:
        case Link(target):
            return target
        case Mode(mode) | File(_, mode):
            return f"{mode:o}"
    return ""


def staying_links(plan: LinkPlan, links: Sequence[RecordedLink]) -> tuple[Problem, ...]:
    """Return a warning for each global link in *links* that *plan* leaves.

    A global link is worth a warning if it has commands, or replaces an installed tool.
    """
    # `link ../tool` makes a global link and one in the project. `unlink tool` takes only the project's away, as
    # other projects may use the global one.
    gone = {(edit.before.name, edit.before.target) for edit in plan.edits if edit.before and not edit.after}
    warnings = []
    for link in links:
        has_commands = any(
            isinstance(change.after, (Link, File)) and change.path != link.path for change in link.owned
        )
        replaces = any(isinstance(change.before, Displaced) for change in link.owned)
        # A global link without commands is seen only by those who link its name.
        if (link.name, link.target) in gone and (has_commands or replaces):
            instead = ", in the place of the one installed there" if replaces else ""
            message = f"the global {link.name} stays linked to {link.target}{instead}"
            hint = f"to remove it: linkpack unlink -g {link.name}"
            warnings.append(Problem("WGLOBALSTAYS", link.path, message, hint))
    return tuple(warnings)
