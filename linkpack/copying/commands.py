"""Link packages or copy them, and bring both back: the public functions.

A program does what the command does:

plan = linkpack.plan_link(["../redis"], project="app")  # reads only
journal = linkpack.link(["../redis"], project="app")
linkpack.undo(journal)
"""

from __future__ import annotations

from collections.abc import Sequence

from linkpack.copying.staging import SnapshotCopier
from linkpack.linking.command import DEFAULTS, LinkOptions
from linkpack.linking.journal import Journal
from linkpack.linking.link_command import link_packages, plan_packages
from linkpack.linking.relink_command import plan_restored_links, restore_links
from linkpack.linking.states import LinkPlan


def link(specs: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS) -> Journal:
    """Link the packages of *specs* into *project*, or *project* globally.

    *project* is the folder in which the command would be started. With `options.copy` the packages are copied. The
    `plan` of the journal says what was linked, and has the warnings. Raises `LinkConflict`, or `PlanRejected` for
    several conflicts, or other errors for what cannot be planned; nothing was changed then. If a change fails, all
    are taken back (`journal.apply`).
    """
    return link_packages(specs, project, options, SnapshotCopier(options))


def plan_link(specs: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS) -> LinkPlan:
    """Return what `link` would do, from reading the disk alone.

    The plan's `conflicts` are what is in the way. What cannot be planned at all raises a `LinkpackError`.
    """
    return plan_packages(specs, project, options, SnapshotCopier(options))


def relink(
    names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False
) -> Journal:
    """Bring dropped links and copies of *project* back.

    With *shared* they are the global links. *names* are those to bring back, by default all. A package that
    does not exist any more is a warning (WSOURCEGONE).
    """
    return restore_links(names, project, options, SnapshotCopier(options), shared=shared)


def plan_relink(
    names: Sequence[str] = (), project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False
) -> LinkPlan:
    """Return what `relink` would do, from reading the disk alone."""
    return plan_restored_links(names, project, options, SnapshotCopier(options), shared=shared)
