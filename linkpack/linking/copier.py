"""Say what fills the copies of a link plan.

A plan knows where a copy goes and what it is of. Its files are those of a tarball, which is the subject of
`packing`, a layer above. So the commands are given something that knows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from linkpack.linking.states import LinkPlan


class Copier(Protocol):
    """Something that fills the copies of a plan."""

    def read(self, plan: LinkPlan, project: str) -> LinkPlan:
        """Read what the copies of *plan* will hold, and return it with that.

        *project* is the root of the project.
        """
        ...

    def write(self, plan: LinkPlan) -> AbstractContextManager[LinkPlan]:
        """Write the copies of *plan* beside their places while a block runs.

        Gives the plan that moves them into place. What was not moved is removed at the end.
        """
        ...
