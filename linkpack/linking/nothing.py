"""Say so where an `unlink` had nothing to do: "up to date" would hide a wrong name, folder or prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.linking.link_search import places_called
from linkpack.linking.package_choice import shortened
from linkpack.linking.status import list_links

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkpack.linking.context import LinkContext
    from linkpack.linking.states import LinkPlan


def nothing_unlinked(
    context: LinkContext, plan: LinkPlan, names: Sequence[str], *, shared: bool, every: bool
) -> tuple[Problem, ...]:
    """Return a warning for each of *names* that *plan*, of `unlink`, does not take away.

    With *every* no names were given, and there is one warning if there was no link at all.
    """
    if plan.conflicts:
        return ()
    gone = {item.name for item in plan.removed}
    gone |= {edit.before.name for edit in plan.edits if edit.before is not None and edit.after is None}
    gone |= {save.key.rpartition("node_modules/")[2] for save in plan.saves if not save.after}
    where = context.config.modules if shared else context.project.root
    if every and not names:
        none = Problem("WNOLINKS", where, f"there are no links in {where}, so that none is taken away", "")
        return () if gone else (none,)
    return tuple(_not_linked(context, name, where, shared=shared) for name in names if name not in gone)


def _not_linked(context: LinkContext, name: str, where: str, *, shared: bool) -> Problem:
    kind = "globally" if shared else "there"
    message = f"{name} is not linked in {where}, so that nothing is taken away {kind}"
    return Problem("WNOTLINKED", where, message, _elsewhere(context, name, shared=shared))


def _elsewhere(context: LinkContext, name: str, *, shared: bool) -> str:
    """Return a hint: where the package is linked, or what is linked here."""
    if shared:
        local = [link.name for link in list_links(context) if link.state != "uninstalled"]
        if local:
            shown = shortened(local)
            return f"the project's links stay ({shown}): linkpack unlink NAME takes one away, --all every one"
    elif context.config.fault is None and any(link.name == name for link in list_links(context, shared=True)):
        return f"it is linked globally: linkpack unlink -g {name} takes that away"
    places = places_called(context.store, name)
    return f"it is linked at {shortened(places)}" if places else "linkpack ls lists what is linked"
