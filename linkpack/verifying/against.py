"""Whether a tarball is what a source packs to, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from linkpack.archive.findings import Finding
from linkpack.errors import LinkpackError
from linkpack.packing.options import PackOptions
from linkpack.packing.pack import measure_plan
from linkpack.verifying.committed import lay_out
from linkpack.verifying.sides import SideFile, archived, plan_side

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from linkpack.archive.reader import Archive
    from linkpack.bundle.layouts import LayoutName
    from linkpack.limits import Limits
    from linkpack.npm.manifest import Manifest
    from linkpack.packing.plan import PackPlan
    from linkpack.verifying.committed import CommittedTree
    from linkpack.verifying.sides import Side

_BUILD = "the build in the work tree"
_VENDORED = "file:./vendor/"  # what the layouts vendor and thin write
_FIX = "pack the source again, or find out who changed the tarball"


class Commit(NamedTuple):
    """Which commit to compare with: HEAD of the repository around *folder*.

    *built* are patterns for files that are not committed and come from the work tree; without any, all that git
    ignores do. *limits* bound what is laid out.
    """

    folder: str
    built: Collection[str]
    limits: Limits


class Source(NamedTuple):
    """Where a project is to be packed from: its *folder*, and what it is called in findings.

    *prepare* gets each plan before the files are read. *built* are paths in the tarball that are called
    otherwise, and *undecided* those that only a filter could compare, with its name.
    """

    folder: str
    label: str = ""
    prepare: Callable[[PackPlan], None] | None = None
    built: Collection[str] = ()
    undecided: Mapping[str, str] = {}


def check_against(archive: Archive, source: Side, built: Collection[str] = ()) -> Iterator[Finding]:
    """Yield a finding for each file of *archive* that is not the one of *source*, or that only one of them has.

    *built* are the paths of files that *source* has from the work tree.
    """
    if archive.integrity == source.integrity:
        return
    files = archived(archive)
    same = True
    for path in sorted(files.keys() | source.files.keys()):
        how = _difference(files.get(path), source.files.get(path))
        if how:
            same = False
            label = _BUILD if path in built else source.label
            yield Finding("EAGAINST", path, f"{path} {how} {label}", _FIX)
    if same and not _compressed_more(archive, source):
        why = f"all files are those of {source.label}, but the tarball's bytes are not: another tool packed it"
        yield Finding("EAGAINST", "", why, "pack it with linkpack pack, or pass --allow EAGAINST")


def check_project(archive: Archive, own: Manifest | None, source: Source, how: PackOptions) -> tuple[Finding, ...]:
    """Return a finding for each file of *archive* that is not the one that *source* packs to, as *how* says.

    The layout is told by the specs of *own*, the manifest in the archive: of those that it may be, the one that
    comes nearest counts. Raises what planning raises, when it does for each of them.
    """
    vendored = own is not None and any(spec.startswith(_VENDORED) for spec in own.dependencies.values())
    layouts: tuple[LayoutName, ...] = ("vendor", "thin") if vendored else ("bundle",)
    best: tuple[Finding, ...] | None = None
    for number, layout in enumerate(layouts, 1):
        try:
            side = plan_side(source.folder, how._replace(layout=layout), source.prepare)
        except LinkpackError:
            if number == len(layouts) and best is None:
                raise
            continue
        found = tuple(check_against(archive, side._replace(label=source.label or side.label), source.built))
        best = found if best is None or len(found) < len(best) else best
    return best or ()


def check_commit(
    archive: Archive, own: Manifest | None, tarball: str, asked: Commit, how: PackOptions
) -> Iterator[Finding]:
    """Yield a finding for each file of *archive*, at *tarball*, that is not the one that a commit packs to.

    Raises `LinkpackError` (EGIT), and as `check_project`.
    """
    with lay_out(asked.folder, asked.built, tarball, asked.limits) as tree:
        label = f"the committed tree of {asked.folder}"
        source = Source(tree.project, label, tree.fill, tree.built, tree.undecided)
        for found in check_project(archive, own, source, how):
            filtered = tree.undecided.get(found.place)
            yield found._replace(fix=f"{filtered} would have to be run to compare it") if filtered else found
        yield from _notes(tree, asked.built)


def _notes(tree: CommittedTree, patterns: Collection[str]) -> Iterator[Finding]:
    """Yield a warning for what is compared with something else than a commit, unless *patterns* name it."""
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


def _compressed_more(archive: Archive, source: Side) -> bool:
    """Whether *archive* is what the project *source* packs to with --gzip-level max."""
    if source.plan is None:
        return False
    return archive.integrity == measure_plan(source.plan, PackOptions(gzip_level="max")).integrity


def _difference(file: SideFile | None, other: SideFile | None) -> str:
    """How *file* of the tarball differs from the source's, to be read between its path and the source's name."""
    if file is None:
        return "is missing: it is in"
    if other is None:
        return "is not in"
    if file.digest != other.digest:
        return f"has other contents ({file.size} bytes, not {other.size}) than in"
    return f"has the mode {file.mode:o}, not {other.mode:o} as in" if file.mode != other.mode else ""
