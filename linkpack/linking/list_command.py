"""List links and their state: the public `links`, and `ls`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.linking.command import DEFAULTS, LinkOptions, guard_command, open_context
from linkpack.linking.health import find_problems, is_strict
from linkpack.linking.link_search import find_links_to
from linkpack.linking.package_tree import PackageTree
from linkpack.linking.status import Status, list_links, list_placed_links
from linkpack.project.package_json import read_loose
from linkpack.read_cache import remembering
from linkpack.record import Record

if TYPE_CHECKING:
    from linkpack.errors import Problem
    from linkpack.npm.config import Config


@guard_command
def links(project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False) -> tuple[Status, ...]:
    """Return the links of *project*, or with *shared* the global ones."""
    return survey(project, options, shared=shared).links


class Survey(Record):
    """The *links* of *place*, with all that `ls` prints.

    *linked_at* are the paths of links in any project that lead to the package in the project's own folder.
    *warnings* are those of `link`. *strict* is true if faults of peers are errors. *config* has all settings.
    """

    place: str
    links: tuple[Status, ...]
    linked_at: tuple[str, ...]
    warnings: tuple[Problem, ...]
    strict: bool
    config: Config


@guard_command
def survey(project: str = ".", options: LinkOptions = DEFAULTS, *, shared: bool = False) -> Survey:
    """Read the links of *project*, or with *shared* the global ones."""
    context = open_context(project, options, picking=False, needs_prefix=shared)
    with remembering({}):
        listed_links = list_links(context, shared=shared)
        placed = list_placed_links(context, shared=shared)
        problems = find_problems(PackageTree(), context, placed, shared=shared)
    manifest = read_loose(context.project.start)
    name = manifest.name if manifest is not None else ""
    return Survey(
        place=context.config.modules if shared else context.project.root,
        links=listed_links,
        linked_at=find_links_to(context.store, context.project.start, name, context.config.modules),
        warnings=(*context.config.warnings, *problems),
        strict=is_strict(context),
        config=context.config,
    )
