"""Read which files of one package ship, which do not, and why.

The rules are npm's, measured on npm 11.19.1 and 12.2.0. Every deliberate difference is a row of
docs/differences-from-npm.md. `walk` goes through the folders, `precedence` decides about the paths, and
`linkpack.explaining.rule` finds the rule that decided about one of them.
"""

from __future__ import annotations

from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING

from linkpack import limits
from linkpack.errors import LinkpackError, Problem
from linkpack.packlist.builder import Omission, PackedFile
from linkpack.packlist.editions import NPM_RULES
from linkpack.packlist.npm_rules import NEWEST_ONLY, Edition, Kind, ManifestView, read_selection
from linkpack.packlist.outer_ignores import (
    OuterIgnores,
    find_anchored_warnings,
    find_encoding_warnings,
    find_packer_warnings,
)
from linkpack.packlist.outputs import NO_OUTPUTS, Outputs
from linkpack.packlist.walk import Walk
from linkpack.packlist.warnings import (
    find_built_in_warnings,
    find_claim_warnings,
    find_edition_warnings,
    find_opened_warnings,
    find_output_warnings,
    names_any,
)
from linkpack.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from linkpack.packlist.builder import PacklistBuilder
    from linkpack.packlist.npm_rules import Selection

_NO_IGNORES = OuterIgnores()

__all__ = [
    "Edition",
    "Kind",
    "ManifestView",
    "Omission",
    "Outputs",
    "PackageFolder",
    "PackedFile",
    "Packlist",
    "read_packlist",
]


class PackageFolder(Record):
    """A package in a directory, and what decides which of its files ship.

    - *root*: the directory, as a path without links.
    - *kind*: of a "root" package and a "linked" one ships what packing it ships, of an "installed" one what was
      published. The root `node_modules` of the latter two is never entered.
    - *edition*: "11" or "12", for the rules of npm 11 or npm 12.
    - *outer_ignores*: the ignore files between a workspace root and this member of it.
    - *members*: of the workspace that this package is the root of, as (folder, paths below it that may ship).
    - *outputs*: what linkpack writes, or may have written, into the package, which does not ship.
    - *add*: called after each walk, to add what ships besides.
    """

    root: str
    manifest: ManifestView
    kind: Kind
    edition: Edition
    outer_ignores: OuterIgnores = _NO_IGNORES
    members: tuple[tuple[str, frozenset[str]], ...] = ()
    outputs: Outputs = NO_OUTPUTS
    add: Callable[[PacklistBuilder], None] | None = None

    def read_selection(self) -> Selection:
        """Read the rules that apply to the package."""
        return read_selection(self.root, self.manifest, self.kind, self.edition, self.outer_ignores.texts)


class Packlist(Record):
    """The files of one package, what does not ship, and why.

    All are sorted by path. With *problems* the package cannot be packed.
    *own*: the files come from a source directory, not from an installed package.
    """

    files: tuple[PackedFile, ...]
    omissions: tuple[Omission, ...]
    warnings: tuple[Problem, ...]
    problems: tuple[Problem, ...]
    own: bool = False


def read_packlist(package: PackageFolder, *, compare: bool = False) -> Packlist:
    """Read which files of *package* ship.

    With *compare* there is a warning if the rules of the other edition give other files. Nothing is raised: what
    cannot be packed is among the problems.
    """
    twin = None
    if compare and package.kind != "installed":
        twin = package._replace(edition="11" if package.edition == "12" else "12")
    try:
        with limits.within():
            walk = _walk(package, twin)
            warnings = _find_warnings(package, walk)
        if twin is not None and walk.differs:
            warnings = _add_edition_warnings(warnings, twin, walk)
        elif compare and package.kind == "installed":
            # In an installed package the editions differ only by the names that npm 12 alone leaves out.
            lost = [omission.path for omission in walk.builder.omissions if f"/{omission.path}" in NEWEST_ONLY]
            warnings += find_edition_warnings(package.root, NPM_RULES[0], (), lost)
    except LinkpackError as err:
        problems = [problem._replace(path=problem.path or package.root) for problem in err.problems]
        return Packlist(files=(), omissions=(), warnings=(), problems=tuple(problems))
    return Packlist(
        files=tuple(sorted(walk.builder.files, key=itemgetter(0))),  # by path
        omissions=tuple(sorted(walk.builder.omissions)),
        warnings=tuple(sorted(warnings)),
        problems=tuple(sorted(walk.builder.problems)),
        own=package.kind != "installed",
    )


def _walk(package: PackageFolder, twin: PackageFolder | None = None) -> Walk:
    """Walk *package*, and compare its rules with those of *twin* on the way."""
    twin_selection = None
    if twin is not None:
        # What the other edition refuses does not matter here, and its work is not counted.
        with suppress(LinkpackError), limits.within(limits.current()):
            twin_selection = twin.read_selection()
    walk = Walk(
        package.root,
        package.read_selection(),
        members=package.members,
        outputs=package.outputs,
        twin=twin_selection,
    )
    walk.run()
    if package.add is not None:
        package.add(walk.builder)
    return walk


def _find_warnings(package: PackageFolder, walk: Walk) -> list[Problem]:
    """Return all warnings about what *walk* found."""
    root, outer = package.root, package.outer_ignores
    builder, selection = walk.builder, walk.selection
    warnings = list(builder.warnings)
    if package.kind == "installed":
        return warnings
    # What ships or not for reasons that are easily overlooked.
    shipped = [file.path for file in builder.files]
    warnings += find_opened_warnings(root, walk.opened, shipped, selection.forced)
    warnings += find_built_in_warnings(root, walk.named_alike)
    warnings += find_output_warnings(root, walk.old_outputs, walk.tarballs)
    # Entries of `files` that ship nothing, unless a file that was added is what they name.
    if selection.claims:
        # Such as the license of a pnpm workspace's root.
        added = [file.path for file in builder.files if not file.source.startswith(f"{root}/")]
        claims = [claim for claim in selection.claims if not names_any(claim, added)]
        reported = {problem.path[len(root) + 1 :] for problem in (*warnings, *builder.problems)}
        warnings += find_claim_warnings(root, claims, shipped, sorted(builder.omissions), reported)
    # The ignore files around a workspace member.
    warnings += find_encoding_warnings(root, outer)
    if outer.files and package.manifest.files is None:  # the entries of `files` beat all outer ignore files
        warnings += find_anchored_warnings(root, outer, walk.outer_omissions, shipped, package.manifest.raw)
        if outer.applied != outer.by_npm:
            other = _walk(package._replace(outer_ignores=outer.other_packer()))
            theirs = [file.path for file in other.builder.files]
            omitted = [*walk.outer_omissions, *other.outer_omissions]
            warnings += find_packer_warnings(root, outer, shipped, theirs, omitted)
    return warnings


def _add_edition_warnings(warnings: list[Problem], twin: PackageFolder, walk: Walk) -> list[Problem]:
    """Return *warnings*, and one if *twin* ships other files.

    *twin* is the package by the rules of the other edition. A warning that an entry of `files` ships nothing,
    although it does by the other edition, has the same cause and is left out.
    """
    try:
        # What the other edition costs is not counted, and what it refuses is no reason to warn.
        with limits.within(limits.current()):
            theirs = {file.path for file in _walk(twin).builder.files}
    except LinkpackError:
        return warnings
    ours = {file.path for file in walk.builder.files}
    edition = find_edition_warnings(twin.root, twin.edition, ours - theirs, theirs - ours)
    lost = {f"{twin.root}/{path}" for path in theirs - ours}
    return [*edition, *[warning for warning in warnings if warning.code != "WFILES" or warning.path not in lost]]
