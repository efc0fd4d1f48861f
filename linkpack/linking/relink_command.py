"""Bring dropped links and copies back: from the names to the applied plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from linkpack.arguments import check_texts
from linkpack.linking.command import (
    LinkOptions,
    guard_command,
    open_context,
    reject_conflicts,
    with_warnings,
)
from linkpack.linking.journal import Journal, apply, lock_places
from linkpack.linking.plan_relink import plan_relink as plan_restoring
from linkpack.linking.request import parse_specs
from linkpack.linking.states import LinkPlan
from linkpack.read_cache import remembering
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.linking.context import LinkContext
    from linkpack.linking.copier import Copier
    from linkpack.linking.request import LinkSpec


@guard_command
def restore_links(
    names: Sequence[str], project: str, options: LinkOptions, copier: Copier, *, shared: bool = False
) -> Journal:
    """Bring dropped links of *project* back, or with *shared* global ones.

    *copier* fills copies. The rest is as for the public `relink`.
    """
    context = open_context(project, options, picking=False, needs_prefix=shared)
    wanted = _read_names(names, context, project)
    places = (*((context.shared_place,) if shared else ()), *context.owners(context.every_package))
    with lock_places(context.store, places) as recovered:
        with remembering({}):
            plan = copier.read(plan_restoring(context, wanted, shared=shared), context.project.root)
        plan = with_warnings(plan, (*recovered, *context.config.warnings))
        reject_conflicts(plan)
        with copier.write(plan) as plan:
            return apply(plan, context.store, places, context.project.root)


@guard_command
def plan_restored_links(
    names: Sequence[str], project: str, options: LinkOptions, copier: Copier, *, shared: bool = False
) -> LinkPlan:
    """Return the plan of `restore_links`, and change nothing."""
    context = open_context(project, options, picking=False, needs_prefix=shared)
    plan = plan_restoring(context, _read_names(names, context, project), shared=shared)
    return copier.read(plan, context.project.root)


def _read_names(names: Sequence[str], context: LinkContext, project: str) -> tuple[LinkSpec, ...]:
    return parse_specs(
        check_texts(names, "names"), context.project, fs.canonical_path(project), context.config.user_home
    )
