"""Which files of one package ship, which do not, and why: npm's rules, with npm's faults mended.

Measured on npm 11.19.1 and 12.2.0; what differs on purpose is in docs/differences-from-npm.md.
"""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

from linkpack import limits
from linkpack.errors import LinkpackError, Problem
from linkpack.select.account import Omission, PackedFile
from linkpack.select.outputs import NO_OUTPUTS, Outputs
from linkpack.select.selection import Edition, Kind, ManifestView, read_selection
from linkpack.select.walk import Walk

__all__ = ["Edition", "Kind", "ManifestView", "Omission", "Outputs", "PackedFile", "Packlist", "read_packlist"]


class Packlist(NamedTuple):
    """The files of one package by path, what was left out, and what to know about it or to mend first.

    *own*: they come from a source directory, not from an installed package.
    """

    files: tuple[PackedFile, ...]
    omissions: tuple[Omission, ...]
    warnings: tuple[Problem, ...]
    problems: tuple[Problem, ...]
    own: bool = False


def read_packlist(
    root: str,
    manifest: ManifestView,
    kind: Kind,
    *,
    edition: Edition,
    outer_ignores: tuple[tuple[str, str], ...] = (),
    members: tuple[tuple[str, frozenset[str]], ...] = (),
    outputs: Outputs = NO_OUTPUTS,
) -> Packlist:
    """The packlist of the package in the directory *root*, a path without links, whose manifest is *manifest*.

    A *root* package and a *linked* one give what packing them ships, an *installed* one what was published; the
    root `node_modules` of the latter two is never entered. *edition* says whose rules: npm 11's or npm 12's.
    *outer_ignores* are (path, text) of the ignore files between a workspace root and this member of it. *members*
    are the (folder, paths below it that may ship) of the workspace that this package is the root of.
    *outputs* say what linkpack writes, or may have written, into the package: that does not ship.

    Nothing is raised: what cannot be packed is among the problems.
    """
    try:
        with limits.within():
            selection = read_selection(root, manifest, kind, edition, outer_ignores)
            walk = Walk(root, selection, kind, dict(members), outputs)
            walk.run()
    except LinkpackError as err:
        return Packlist((), (), (), tuple([each._replace(path=each.path or root) for each in err.problems]))
    return Packlist(
        tuple(sorted(walk.account.files, key=itemgetter(0))),  # by path
        tuple(sorted(walk.account.omissions)),
        tuple(sorted(walk.account.warnings)),
        tuple(sorted(walk.account.problems)),
        kind != "installed",
    )
