"""Check that a tarball is what its source packs to, byte for byte."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from linkpack.archive.findings import Finding
from linkpack.errors import LinkpackError
from linkpack.packing.options import PackOptions
from linkpack.packing.pack import measure_plan
from linkpack.record import Record
from linkpack.system import read as fs
from linkpack.verifying.committed_tree import lay_out
from linkpack.verifying.sides import SideFile, list_files, plan_side, read_tarball_side

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from linkpack.archive.reader import Archive
    from linkpack.bundle.layouts import LayoutName
    from linkpack.limits import Limits
    from linkpack.npm.manifest import Manifest
    from linkpack.packing.plan import PackPlan
    from linkpack.verifying.committed_tree import CommittedTree
    from linkpack.verifying.sides import Side

_BUILD = "the build in the work tree"
_VENDORED = "file:./vendor/"  # how the layouts vendor and thin write specs
_FIX = "pack the source again, or find out who changed the tarball"


class CheckedTarball(Record):
    """The tarball to compare, as far as it was read.

    *manifest* is the root's, None when it cannot be read.
    """

    path: str
    archive: Archive
    manifest: Manifest | None


class Reference(Record):
    """The source that a tarball is compared with.

    *source* is a directory, a tarball, `git` or `git:DIR`, or "" for none. *options* are those of packing it.
    *built* are patterns for files that are not committed and come from the work tree. Without any, all files that
    git ignores come from there. *limits* are for reading a tarball or a commit.
    """

    source: str
    built: Collection[str]
    options: PackOptions
    limits: Limits


class ProjectSource(Record):
    """A project to pack and compare with.

    *folder* is its folder, and *label* its name in findings, "" for the folder. *prepare* gets each plan before
    the files are read. *built* are the paths in the tarball of files from the work tree. *undecided* maps paths
    that only a filter of git could compare to the filter's name.
    """

    folder: str
    label: str = ""
    prepare: Callable[[PackPlan], None] | None = None
    built: Collection[str] = ()
    undecided: Mapping[str, str] = {}


def check_against(tarball: CheckedTarball, reference: Reference) -> Iterator[Finding]:
    """Yield a finding for each file that *reference* packs otherwise.

    Raises what packing the reference raises, and `LinkpackError` (EGIT) for a commit that cannot be read.
    """
    # The tarball may lie in the project: with its folder as the destination it is not packed itself.
    options = reference.options._replace(destination=posixpath.dirname(tarball.path) or ".")
    kind, _, folder = reference.source.partition(":")
    # A folder comes first, as it may be called `git`.
    if fs.is_dir(reference.source):
        yield from _check_project(tarball, ProjectSource(reference.source), options)
    elif kind == "git":
        yield from _check_commit(tarball, folder or ".", reference._replace(options=options))
    else:
        yield from _compare(tarball.archive, read_tarball_side(reference.source, reference.limits))


def _check_commit(tarball: CheckedTarball, folder: str, reference: Reference) -> Iterator[Finding]:
    """Compare *tarball* with HEAD of the repository around *folder*."""
    with lay_out(folder, reference.built, tarball.path, reference.limits) as tree:
        label = f"the committed tree of {folder}"
        source = ProjectSource(tree.project, label, tree.fill, tree.built, tree.undecided)
        for finding in _check_project(tarball, source, reference.options):
            # Only the filter knows if such a file is committed, and linkpack runs no program of a repository.
            filter_ = tree.undecided.get(finding.place)
            yield finding._replace(fix=f"{filter_} would have to be run to compare it") if filter_ else finding
        yield from _note_uncommitted(tree, reference.built)


def _check_project(tarball: CheckedTarball, source: ProjectSource, options: PackOptions) -> tuple[Finding, ...]:
    """Compare *tarball* with what *source* packs to, in the same layout.

    Its specs do not tell the layouts vendor and thin apart: both are tried, and the one with fewer findings is
    taken. Raises what planning raises, if it does so for each layout.
    """
    manifest = tarball.manifest
    vendored = manifest is not None and any(spec.startswith(_VENDORED) for spec in manifest.dependencies.values())
    layouts: tuple[LayoutName, ...] = ("vendor", "thin") if vendored else ("bundle",)
    best: tuple[Finding, ...] | None = None
    for number, layout in enumerate(layouts, 1):
        try:
            side = plan_side(source.folder, options._replace(layout=layout), source.prepare)
        except LinkpackError:  # one of the two layouts may be impossible for this project
            if number == len(layouts) and best is None:
                raise
            continue
        side = side._replace(label=source.label or side.label)
        findings = tuple(_compare(tarball.archive, side, source.built))
        best = findings if best is None or len(findings) < len(best) else best
    return best or ()


def _compare(archive: Archive, source: Side, built: Collection[str] = ()) -> Iterator[Finding]:
    """Yield a finding for each file that is not the same in both.

    *source* is what *archive* has to be. *built* are the paths of files that *source* has from the work tree.
    """
    if archive.integrity == source.integrity:  # the same bytes: nothing can differ
        return
    files = list_files(archive)
    is_same = True
    for path in sorted(files.keys() | source.files.keys()):
        difference = _describe_difference(files.get(path), source.files.get(path))
        if difference:
            is_same = False
            label = _BUILD if path in built else source.label
            yield Finding("EAGAINST", path, f"{path} {difference} {label}", _FIX)
    # Which level was asked for is not in the tarball, and *source* was packed at the default one.
    if is_same and not _is_best_compression(archive, source):
        why = f"all files are those of {source.label}, but the tarball's bytes are not: another tool packed it"
        yield Finding("EAGAINST", "", why, "pack it with linkpack pack, or pass --allow EAGAINST")


def _describe_difference(file: SideFile | None, other: SideFile | None) -> str:
    """Return how *file* differs from the source's *other*, "" if not.

    The words go between the file's path and the source's label.
    """
    if file is None:
        return "is missing: it is in"
    if other is None:
        return "is not in"
    if file.digest != other.digest:
        return f"has other contents ({file.size} bytes, not {other.size}) than in"
    return f"has the mode {file.mode:o}, not {other.mode:o} as in" if file.mode != other.mode else ""


def _is_best_compression(archive: Archive, source: Side) -> bool:
    """Return True if *archive* is *source* packed with --gzip-level max."""
    if source.plan is None:  # a tarball, which cannot be packed again
        return False
    return archive.integrity == measure_plan(source.plan, PackOptions(gzip_level="max")).integrity


def _note_uncommitted(tree: CommittedTree, patterns: Collection[str]) -> Iterator[Finding]:
    """Yield a warning for what was not compared with the commit.

    What *patterns* name may come from the work tree.
    """
    for name, why in tree.outside.items():
        message = f"{name} is linked from outside of the repository, and compared with what lies there: {why}"
        yield Finding("WUNCOMMITTED", name, message, "commit it there, and pack again", "warning")
    if tree.built and not patterns:
        first = min(tree.built)
        more = f" and {len(tree.built) - 1} more files" if len(tree.built) > 1 else ""
        message = f"{first}{more}: not committed, and compared with the build in the work tree"
        yield Finding("WBUILT", first, message, "name what is built, as in --built dist", "warning")
    if patterns and not tree.built:
        message = f"--built {' '.join(patterns)} names no file that ships and is ignored by git"
        yield Finding("WBUILT", "", message, "leave it out, or name what is built", "warning")
