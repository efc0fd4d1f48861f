"""Which files of one package ship, which do not, and why: npm's rules, with npm's faults mended.

Measured on npm 11.19.1 and 12.2.0; what differs on purpose is in docs/differences-from-npm.md.
"""

from __future__ import annotations

from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from linkpack import limits
from linkpack.errors import LinkpackError, Problem
from linkpack.packlist.builder import Omission, PackedFile
from linkpack.packlist.editions import NPM_RULES
from linkpack.packlist.npm_rules import NEWEST_ONLY, Edition, Kind, ManifestView, read_selection
from linkpack.packlist.outer_ignores import OuterIgnores, anchored_warnings, encoding_warnings, packers_warnings
from linkpack.packlist.outputs import NO_OUTPUTS, Outputs
from linkpack.packlist.walk import Walk
from linkpack.packlist.warnings import (
    built_in_warnings,
    claim_warnings,
    edition_warnings,
    names_any,
    opened_warnings,
    output_warnings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from linkpack.packlist.builder import Account
    from linkpack.packlist.npm_rules import Selection

_NO_IGNORES = OuterIgnores()

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
    outer_ignores: OuterIgnores = _NO_IGNORES,
    members: tuple[tuple[str, frozenset[str]], ...] = (),
    outputs: Outputs = NO_OUTPUTS,
    compare: bool = False,
    add: Callable[[Account], None] | None = None,
) -> Packlist:
    """Read which files of the package in the directory *root*, a path without links, ship.

    A *root* package and a *linked* one give what packing them ships, an *installed* one what was published; the
    root `node_modules` of the latter two is never entered. *edition* says whose rules: npm 11's or npm 12's.
    *outer_ignores* are the ignore files between a workspace root and this member of it. *members* are the (folder,
    paths below it that may ship) of the workspace that this package is the root of. *outputs* say what linkpack
    writes, or may have written, into the package: that does not ship. To *compare* is to warn where the rules of
    the other edition give other files. *add* puts into the account of a walk what ships besides.

    Nothing is raised: what cannot be packed is among the problems.
    """
    packing = _Packing(root, manifest, kind, edition, dict(members), outputs, add)
    twin = packing.twin() if compare and kind != "installed" else None
    try:
        with limits.within():
            walk = packing.walked(outer_ignores.texts, twin)
            warnings = packing.warnings(walk, outer_ignores)
        if twin is not None and walk.differs:
            warnings = twin.edition_warnings(walk, outer_ignores, warnings)
        elif compare and kind == "installed":
            lost = [each.path for each in walk.account.omissions if f"/{each.path}" in NEWEST_ONLY]
            warnings += edition_warnings(root, NPM_RULES[0], (), lost)
    except LinkpackError as err:
        return Packlist((), (), (), tuple([each._replace(path=each.path or root) for each in err.problems]))
    return Packlist(
        tuple(sorted(walk.account.files, key=itemgetter(0))),  # by path
        tuple(sorted(walk.account.omissions)),
        tuple(sorted(warnings)),
        tuple(sorted(walk.account.problems)),
        kind != "installed",
    )


class _Packing(NamedTuple):
    """What is packed, and how; see `read_packlist`."""

    root: str
    manifest: ManifestView
    kind: Kind
    edition: Edition
    members: dict[str, frozenset[str]]
    outputs: Outputs
    add: Callable[[Account], None] | None

    def twin(self) -> _Packing:
        """Return the same by the rules of the other edition."""
        return self._replace(edition="11" if self.edition == "12" else "12")

    def selection(self, outer: tuple[tuple[str, str], ...]) -> Selection:
        """Read the rules, with the ignore files *outer* around the package applied."""
        return read_selection(self.root, self.manifest, self.kind, self.edition, outer)

    def walked(self, outer: tuple[tuple[str, str], ...], twin: _Packing | None = None) -> Walk:
        """Walk the package, with the ignore files *outer* around it applied, and compare it with *twin*."""
        other = None
        if twin is not None:
            # What the other edition refuses is no matter here, and its work does not count.
            with suppress(LinkpackError), limits.within(limits.current()):
                other = twin.selection(outer)
        walk = Walk(self.root, self.selection(outer), self.kind, self.members, self.outputs, other)
        walk.run()
        if self.add is not None:
            self.add(walk.account)
        return walk

    def edition_warnings(self, walk: Walk, outer: OuterIgnores, warnings: list[Problem]) -> list[Problem]:
        """Return *warnings* about *walk* and the one that this edition gives other files, if it does.

        A warning about a file that ships from the other edition alone has the same cause, and is left out.
        """
        try:
            with limits.within(limits.current()):
                theirs = {file.path for file in self.walked(outer.texts).account.files}
        except LinkpackError:
            return warnings
        ours = {file.path for file in walk.account.files}
        found = edition_warnings(self.root, self.edition, ours - theirs, theirs - ours)
        lost = {f"{self.root}/{path}" for path in theirs - ours}
        return [*found, *[each for each in warnings if each.code != "WFILES" or each.path not in lost]]

    def warnings(self, walk: Walk, outer: OuterIgnores) -> list[Problem]:
        """Return the walk's own warnings, and what else the user may not expect of what it found."""
        warnings = list(walk.account.warnings)
        if self.kind == "installed":
            return warnings
        root = self.root
        shipped = [file.path for file in walk.account.files]
        warnings += opened_warnings(root, walk.opened, shipped, walk.selection.forced)
        warnings += built_in_warnings(root, walk.named_alike)
        warnings += output_warnings(root, walk.old_outputs, walk.tarballs)
        if walk.selection.claims:
            added = [file.path for file in walk.account.files if not file.source.startswith(f"{root}/")]
            told = {problem.path[len(root) + 1 :] for problem in (*warnings, *walk.account.problems)}
            claims = [claim for claim in walk.selection.claims if not names_any(claim, added)]
            warnings += claim_warnings(root, claims, shipped, sorted(walk.account.omissions), told)
        warnings += encoding_warnings(root, outer)
        if outer.files and self.manifest.files is None:  # whose entries beat all of them
            warnings += anchored_warnings(root, outer, walk.outer_omissions, shipped, self.manifest.raw)
            warnings += self._packers_warning(walk, outer, shipped)
        return warnings

    def _packers_warning(self, walk: Walk, outer: OuterIgnores, shipped: Sequence[str]) -> list[Problem]:
        """Compare with what the packer ships that takes the ignore files around the package otherwise."""
        if outer.applied == outer.by_npm:
            return []
        other = self.walked(outer.other_packer().texts)
        omitted = [*walk.outer_omissions, *other.outer_omissions]
        return packers_warnings(self.root, outer, shipped, [file.path for file in other.account.files], omitted)
