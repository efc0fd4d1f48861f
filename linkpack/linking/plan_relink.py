"""Plan `relink`: bring back recorded links that an install took away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError
from linkpack.linking.health import warn_of_state_after
from linkpack.linking.package import read_source
from linkpack.linking.place import place_link
from linkpack.linking.record import read_record
from linkpack.linking.status import link_state, standing_links
from linkpack.system import links as fslinks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.linking.places import Spec
    from linkpack.linking.states import LinkPlan, RecordedLink


def plan_relink(context: LinkContext, wanted: Sequence[Spec] = (), *, shared: bool = False) -> LinkPlan:
    """Plan to restore the recorded links, or those that *wanted* names, where they were dropped.

    What stays undone is a warning: WSOURCEGONE for a package that is gone, WNOTLINKED for a name that was never
    linked, WUNINSTALLED for a package that left package.json since (unless it is named), WNOLINKS if there is
    no link at all.
    """
    builder = context.builder() if shared else context.builder(context.every_package)
    linked = [each for each in context.recorded(shared=shared) if shared or context.is_own(each[2])]
    where = context.shared_place if shared else context.project.root
    for spec in wanted:
        if not any(_is_meant(spec, entry) for _, _, entry in linked):
            name = spec.folder or spec.name
            message = f"{name} is not among the links of {where}"
            builder.warn("WNOTLINKED", where, message, f"run linkpack link {name}")
    if not linked and not wanted:
        builder.warn("WNOLINKS", where, f"no links are recorded for {where}", "make them with linkpack link")
    for place, key, entry in linked:
        if not wanted and link_state(entry) == "uninstalled":
            message = f"{entry.name} left package.json since it was linked, so that its link is not brought back"
            hint = (
                f"to forget the link: linkpack unlink {entry.name}; to have it back: linkpack relink {entry.name}"
            )
            builder.warn("WUNINSTALLED", entry.path, message, hint)
        elif not wanted or any(_is_meant(spec, entry) for spec in wanted):
            _relink(builder, context, entry, key, read_record(context.store, place))
    warn_of_state_after(builder, context, standing_links(context, shared=shared), shared=shared)
    return builder.plan()


def _is_meant(spec: Spec, entry: RecordedLink) -> bool:
    return entry.target == fslinks.canonical(spec.folder) if spec.folder else entry.name == spec.name


def _relink(
    builder: PlanBuilder,
    context: LinkContext,
    entry: RecordedLink,
    key: str,
    record: Mapping[str, RecordedLink],
) -> None:
    modules = entry.path.removesuffix(f"/{entry.name}")
    location = (
        context.local_location(modules, entry.name) if entry.project else context.shared_location(entry.name)
    )
    location = location._replace(key=key, project=entry.project)
    rules = context.rules._replace(bin_links=entry.bin_links, absolute=entry.literal.startswith("/"), gentle=True)
    try:
        source = read_source(entry.target)
    except LinkpackError as err:
        message = f"{entry.name} cannot be linked again: {err.message}"
        hint = f"bring {entry.target} back, or run linkpack unlink {entry.name}"
        builder.warn("WSOURCEGONE", entry.target, message, hint)
        return
    place_link(builder, location, source, rules, record)
