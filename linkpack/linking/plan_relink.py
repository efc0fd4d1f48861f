"""Plan `relink`: bring back recorded links that an install took away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError
from linkpack.linking.health import warn_of_state_after
from linkpack.linking.package import read_source
from linkpack.linking.record import read_record
from linkpack.linking.single_link import place_link
from linkpack.linking.status import find_state, list_placed_links
from linkpack.system import read as fs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linkpack.linking.builder import PlanBuilder
    from linkpack.linking.context import LinkContext
    from linkpack.linking.request import LinkSpec
    from linkpack.linking.states import LinkPlan, RecordedLink


def plan_relink(context: LinkContext, wanted: Sequence[LinkSpec] = (), *, shared: bool = False) -> LinkPlan:
    """Plan to restore recorded links that were dropped.

    These are all links of the project, or with *shared* the global ones, or those that *wanted* names. A link that
    is not restored is a warning: WSOURCEGONE for a package that is gone, WNOTLINKED for a name that was never
    linked, WUNINSTALLED for a package that left package.json since, unless it is named, and WNOLINKS if there is
    no link.
    """
    builder = context.builder() if shared else context.builder(context.every_package)
    # Each checkout that shares a node_modules brings back its own links only.
    recorded = [entry for entry in context.recorded(shared=shared) if shared or context.is_own(entry[2])]
    where = context.shared_place if shared else context.project.root
    for spec in wanted:
        if not any(_is_meant(spec, link) for _, _, link in recorded):
            name = spec.folder or spec.name
            message = f"{name} is not among the links of {where}"
            builder.warn("WNOTLINKED", where, message, f"run linkpack link {name}")
    if not recorded and not wanted:
        builder.warn("WNOLINKS", where, f"no links are recorded for {where}", "make them with linkpack link")
    for place, key, link in recorded:
        if not wanted and find_state(link) == "uninstalled":
            message = f"{link.name} left package.json since it was linked, so that its link is not brought back"
            hint = f"to forget the link: linkpack unlink {link.name}; to have it back: linkpack relink {link.name}"
            builder.warn("WUNINSTALLED", link.path, message, hint)
        elif not wanted or any(_is_meant(spec, link) for spec in wanted):
            _restore_link(builder, context, link, key, read_record(context.store, place))
    warn_of_state_after(builder, context, list_placed_links(context, shared=shared), shared=shared)
    return builder.plan()


def _is_meant(spec: LinkSpec, link: RecordedLink) -> bool:
    return link.target == fs.canonical_path(spec.folder) if spec.folder else link.name == spec.name


def _restore_link(
    builder: PlanBuilder, context: LinkContext, link: RecordedLink, key: str, record: Mapping[str, RecordedLink]
) -> None:
    """Plan to make a link again as it was.

    *key* is its key in *record*.
    """
    modules = link.path.removesuffix(f"/{link.name}")
    location = context.local_location(modules, link.name) if link.project else context.shared_location(link.name)
    location = location._replace(key=key, project=link.project)
    # As it was: with commands or without, and with an absolute text or a relative one. A command that two packages
    # have stays where it is: else each `relink` would give it to the other one.
    rules = context.rules._replace(
        bin_links=link.bin_links,
        absolute=link.literal.startswith("/"),
        keep_taken=True,
        copy=link.copied is not None,
    )
    try:
        source = read_source(link.target)
    except LinkpackError as err:
        message = f"{link.name} cannot be linked again: {err.message}"
        hint = f"bring {link.target} back, or run linkpack unlink {link.name}"
        builder.warn("WSOURCEGONE", link.target, message, hint)
        return
    place_link(builder, location, source, rules, record)
