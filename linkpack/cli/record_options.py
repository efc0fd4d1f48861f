"""The options of `linkpack pack` that record where a tarball comes from, and what they do before and after it."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from linkpack.errors import LinkpackError, PlanRejected, SnapshotError
from linkpack.npm.package_names import format_out
from linkpack.system import write as fswrite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from linkpack.archive.writer import Tarball
    from linkpack.packing.plan import PackPlan
    from linkpack.provenance.sbom import SbomKind
    from linkpack.provenance.sources import Origin

SUFFIXES: dict[SbomKind, str] = {"cyclonedx": ".cdx.json", "spdx": ".spdx.json"}


_OPTIONS = (
    click.option(
        "--snapshot-manifest",
        metavar="FILE",
        default="",
        help="Record there what the tarball was made from. %s is the package's name, %v its version.",
    ),
    click.option(
        "--format",
        "record_format",
        type=click.Choice(["json", "intoto"]),
        default="json",
        show_default=True,
        help="The form of the --snapshot-manifest: plain JSON, or an in-toto statement with SLSA provenance.",
    ),
    click.option(
        "--sbom",
        type=click.Choice(list(SUFFIXES)),
        default=None,
        help="Write a bill of materials beside the tarball: CycloneDX 1.6 or SPDX 2.3, as JSON.",
    ),
    click.option(
        "--sbom-file",
        metavar="FILE",
        default="",
        help="Write it there instead. %s is the package's name, %v its version.",
    ),
    click.option(
        "--require-clean",
        is_flag=True,
        help="Refuse when the project or a linked package has uncommitted changes, and name them.",
    ),
)


class TraceOptions(NamedTuple):
    """What to record: the values of the options; empty or false: nothing."""

    snapshot_manifest: str = ""
    record_format: str = "json"
    sbom: SbomKind | None = None
    sbom_file: str = ""
    require_clean: bool = False


def trace_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """*command* with the options, which it gets in one keyword argument, `trace`."""

    @wraps(command)
    def call(*args: object, **given: Any) -> Any:  # noqa: ANN401 - as the command is
        own = {name: given.pop(name) for name in TraceOptions._fields}
        options = TraceOptions(**own)
        if options.sbom_file and options.sbom is None:
            raise click.UsageError("--sbom-file needs --sbom")
        return command(*args, **given, trace=options)

    for option in reversed(_OPTIONS):
        call = option(call)
    return call


def outputs(plan: PackPlan, destination: str, options: TraceOptions) -> tuple[str, ...]:
    """The paths that recording writes for *plan*, whose tarball goes to *destination*.

    `LinkpackError` with code EOUTPATTERN when an option names no file.
    """
    name, version = plan.manifest.name, plan.manifest.version
    found = []
    if options.snapshot_manifest:
        found.append(format_out(options.snapshot_manifest, name, version))
    if options.sbom is not None:
        beside = posixpath.join(destination, plan.filename.removesuffix(".tgz") + SUFFIXES[options.sbom])
        found.append(format_out(options.sbom_file, name, version) if options.sbom_file else beside)
    return tuple(found)


def before_pack(
    plans: Sequence[PackPlan], destination: str, options: TraceOptions
) -> tuple[tuple[Origin, ...], ...]:
    """Return the origins of what each of *plans* packs, for `after_pack`; empty when nothing is recorded.

    To be called before the first tarball is written, as git would list it as a new file. Raises `PlanRejected`
    (EDIRTY) with --require-clean, naming everything that is not committed, `LinkpackError` (EOUTSAME) when two
    files would be written to one path, and `SnapshotError` (EWRITE) when a path is a link or something else that
    is not replaced.
    """
    records = [path for plan in plans for path in outputs(plan, destination, options)]
    tarballs = [posixpath.join(destination, plan.filename) for plan in plans]
    written = [*tarballs, *records]
    _distinct(written)
    for path in records:
        with _may_fail(path, "name another file; nothing was packed"):
            fswrite.check_output(path)
    if not records and not options.require_clean:
        return tuple(() for _ in plans)
    from linkpack.provenance.sources import read_origins, unclean  # noqa: PLC0415 - a plain pack need not load subprocess

    origins = tuple(read_origins(plan, written) for plan in plans)
    problems = [problem for each in origins for problem in unclean(each)] if options.require_clean else []
    if problems:
        raise PlanRejected(list(dict.fromkeys(problems)))
    return origins


def after_pack(
    plan: PackPlan, tarball: Tarball, origins: tuple[Origin, ...], destination: str, options: TraceOptions
) -> tuple[str, ...]:
    """Write the record and the bill of materials of *tarball*, as asked for, and return their paths.

    Each file appears whole or not at all. Raises `SourceChanged` when the tarball is no longer what was written,
    `SnapshotError` (EWRITE) when a file cannot be written; the tarball stays.
    """
    paths = outputs(plan, destination, options)
    if not paths:
        return ()
    from linkpack.provenance.contents import read_shipped  # noqa: PLC0415
    from linkpack.provenance.record import make_record, snapshot_manifest, statement  # noqa: PLC0415 - as above
    from linkpack.provenance.sbom import bill  # noqa: PLC0415

    record = make_record(plan, tarball, read_shipped(tarball), origins)
    texts = []
    if options.snapshot_manifest:
        texts.append(snapshot_manifest(record) if options.record_format == "json" else statement(record))
    if options.sbom is not None:
        texts.append(bill(record, options.sbom))
    for path, text in zip(paths, texts, strict=True):
        with _may_fail(path, "the tarball is written; name another file"):
            fswrite.write_output(path, text.encode())
    return paths


@contextmanager
def _may_fail(path: str, hint: str) -> Iterator[None]:
    """Raise `SnapshotError` (EWRITE) with *hint* when the block fails to write *path*."""
    try:
        yield
    except OSError as err:
        why = f"{path} cannot be written: {err.strerror or err}"
        raise SnapshotError(why, code="EWRITE", path=path, hint=hint) from err


def with_warnings(tarball: Tarball, origins: Sequence[Origin]) -> Tarball:
    """Return *tarball* with warnings of what its record cannot tell, as *origins* say."""
    if not origins:
        return tarball
    from linkpack.provenance.sources import undecided  # noqa: PLC0415 - as above

    return tarball._replace(warnings=(*tarball.warnings, *undecided(origins)))


def _distinct(paths: Sequence[str]) -> None:
    """Refuse two files at one path."""
    seen: set[str] = set()
    for path in map(posixpath.normpath, paths):
        if path in seen:
            raise LinkpackError(
                f"two files would be written to {path}",
                code="EOUTSAME",
                path=path,
                hint="use %s and %v in the file's name, or pack one package at a time",
            )
        seen.add(path)
