"""Take links away: the public `unlink`, and its plan.

The command locks, plans, refuses conflicts and applies, as `link_command.link` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from linkpack.arguments import check_texts
from linkpack.linking.command import (
    DEFAULTS,
    LinkOptions,
    guard_command,
    load_settings,
    make_context,
    open_context,
    reject_conflicts,
    with_warnings,
)
from linkpack.linking.context import LinkContext
from linkpack.linking.journal import Journal, apply, lock_places
from linkpack.linking.outside_project import staying_links
from linkpack.linking.plan_unlink import plan_global_unlink
from linkpack.linking.plan_unlink import plan_unlink as plan_project_unlink
from linkpack.linking.request import parse_specs, read_workspace_choice
from linkpack.linking.states import LinkPlan
from linkpack.project.local import find_local_project
from linkpack.read_cache import remembering
from linkpack.record import Record
from linkpack.system import read as fs

if TYPE_CHECKING:
    from linkpack.errors import Problem
    from linkpack.linking.request import LinkSpec


@guard_command
def unlink(
    names: Sequence[str] = (),
    project: str = ".",
    options: LinkOptions = DEFAULTS,
    *,
    shared: bool = False,
    every: bool = False,
) -> Journal:
    """Take links away, and put back what they displaced.

    *names* are links of *project*, and *every* means all of them. With *shared*, or with no names at all, it is
    about global links instead. Raises `LinkConflict` or `PlanRejected`; nothing was changed then.
    """
    request = _read_request(names, project, options, shared=shared, every=every)
    context = request.context
    places = (
        *((context.shared_place,) if request.shared else ()),
        *context.owners(context.every_package),
    )
    with lock_places(context.store, places) as recovered:
        with remembering({}):
            plan = _make_plan(request)
        plan = with_warnings(plan, (*recovered, *context.config.warnings))
        reject_conflicts(plan)
        return apply(plan, context.store, places, context.project.root)


@guard_command
def plan_unlink(
    names: Sequence[str] = (),
    project: str = ".",
    options: LinkOptions = DEFAULTS,
    *,
    shared: bool = False,
    every: bool = False,
) -> LinkPlan:
    """Return the plan of `unlink`, and change nothing."""
    request = _read_request(names, project, options, shared=shared, every=every)
    return with_warnings(_make_plan(request), request.context.config.warnings)


class UnlinkRequest(Record):
    """The arguments of one `unlink`: *specs*, or *every* link.

    *shared* means global links.
    """

    context: LinkContext
    specs: tuple[LinkSpec, ...]
    shared: bool
    every: bool


def _read_request(
    names: Sequence[str], project: str, options: LinkOptions, *, shared: bool, every: bool
) -> UnlinkRequest:
    """Read the settings and arguments of `unlink`, and find its project.

    Raises as `open_context`. A prefix is needed for global links only.
    """
    local = find_local_project(project)
    texts = check_texts(names, "names")
    # Taking a project's links away works without a prefix (tests/linking/test_without_prefix.py).
    config = load_settings(project, options, local, needs_prefix=shared or not (texts or every))
    specs = parse_specs(texts, local, fs.canonical_path(project), config.user_home)
    context = make_context(project, options, local, config, read_workspace_choice(config))
    return UnlinkRequest(
        context=context,
        specs=specs,
        shared=shared or not (specs or every),  # `unlink .` is `unlink`
        every=every,
    )


def _make_plan(request: UnlinkRequest) -> LinkPlan:
    plan = plan_global_unlink if request.shared else plan_project_unlink
    return plan(request.context, request.specs, every=request.every)


@guard_command
def staying_global_links(
    plan: LinkPlan, project: str = ".", options: LinkOptions = DEFAULTS
) -> tuple[Problem, ...]:
    """Return a warning for each global link that *plan*, of `unlink`, leaves."""
    context = open_context(project, options, picking=False, needs_prefix=False)
    if context.config.fault is not None or not plan.removed:
        return ()
    return staying_links(plan, [entry for _, _, entry in context.recorded(shared=True)])
