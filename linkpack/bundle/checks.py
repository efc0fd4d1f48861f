"""Run the checks of a planned tarball, and count what they left open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.bundle.loadable import check_commands
from linkpack.bundle.phantoms import check_sources
from linkpack.bundle.platforms import check_platforms
from linkpack.record import Record

if TYPE_CHECKING:
    from linkpack.bundle.graph import BundleGraph
    from linkpack.bundle.layout_check import LayoutCheck
    from linkpack.bundle.loadable import Loading
    from linkpack.bundle.planned import Planned
    from linkpack.errors import Problem


class Checks(Record):
    """How much was compared with the disk, and how much of it differs.

    *packages* is the number of copies in the tarball, and *edges* that of their declared dependencies. *nowhere*
    of these lead to nothing, and *elsewhere* to another copy than on disk. *lacking* entry points are not in the
    tarball. *sources* were read for what they load, and *unread* were too large or no valid scripts. *strays* is
    the number of warnings that sources load what the tarball does not bring.
    """

    packages: int = 0
    edges: int = 0
    nowhere: int = 0
    elsewhere: int = 0
    lacking: int = 0
    sources: int = 0
    unread: int = 0
    strays: int = 0

    @property
    def verified(self) -> bool:
        """Return True if nothing was left open."""
        return not (self.nowhere or self.elsewhere or self.lacking or self.unread or self.strays)


class ContentCheck(Record):
    """The *checks* that were made, what to refuse, and what to warn of."""

    checks: Checks
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check_contents(graph: BundleGraph, planned: Planned, layout: LayoutCheck, loading: Loading) -> ContentCheck:
    """Check what the files of *planned* load, and add up all checks.

    *layout* and *loading* are the results of the checks before. Raises `OSError` when a file cannot be read, and
    `SourceChanged` when it is not what was planned.
    """
    sources = check_sources(graph, planned)
    checks = Checks(
        packages=layout.packages,
        edges=layout.edges,
        nowhere=layout.nowhere,
        elsewhere=len(layout.warnings),
        lacking=loading.lacking,
        sources=sources.read,
        unread=sources.unread,
        strays=len(sources.warnings),
    )
    # Programs for one system and line ends concern the author's choice, not the graph: they leave nothing open.
    more = (*check_commands(graph, planned), *check_platforms(graph, planned))
    warnings = (*layout.warnings, *loading.warnings, *sources.warnings, *more)
    return ContentCheck(checks, sources.problems, warnings)
