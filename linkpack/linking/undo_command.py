"""Take link commands back: the public `undo`, and its plan.

Each command leaves a journal of its changes with the state before and after. `linkpack.linking.journal` turns the
last one of a project round, and applies that.
"""

from __future__ import annotations

from linkpack.linking.command import DEFAULTS, LinkOptions, guard_command, open_context
from linkpack.linking.journal import Journal, last_journal, plan_undo, undo_journal
from linkpack.linking.states import LinkPlan


@guard_command
def undo(journal: Journal | None = None, project: str = ".", options: LinkOptions = DEFAULTS) -> Journal:
    """Take *journal* back, by default the last link command of *project*.

    Returns the journal of that. Raises `LinkMissing` if there is nothing to take back, and `StalePlan` when the
    disk or the record has changed since; nothing was changed then.
    """
    context = open_context(project, options, picking=False, needs_prefix=False)
    places = (*context.shared_places, *context.owners(context.every_package))
    return undo_journal(context.store, context.project.root, places, journal)


@guard_command
def plan_last_undo(project: str = ".", options: LinkOptions = DEFAULTS) -> LinkPlan:
    """Return the plan of `undo`, and change nothing.

    Raises `LinkMissing` if there is nothing to take back.
    """
    context = open_context(project, options, picking=False, needs_prefix=False)
    return plan_undo(last_journal(context.store, context.project.root), context.store)
