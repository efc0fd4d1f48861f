"""Describe the planned tarball as its checks see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from linkpack.packlist.packlist import Packlist


class Planned(Record):
    """A planned tarball.

    *slots* maps each folder that holds a package, "" for the root, to the package's id. *packlists* are by id,
    and *paths* are all paths below the root. *moved* maps paths in node_modules that the root's manifest names to
    where the layout has these files. In a *flat* layout a package finds only what it declares.
    """

    slots: Mapping[str, str]
    packlists: Mapping[str, Packlist]
    paths: Collection[str] = ()
    moved: Mapping[str, str] = {}
    flat: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the packages in it, each once, in the order of their slots."""
        return tuple(dict.fromkeys(self.slots.values()))
