"""Record where the files of a tarball come from: before it is written, and after."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from typing import TYPE_CHECKING

from linkpack.errors import LinkpackError, PlanRejected, SnapshotError
from linkpack.provenance.contents import read_shipped
from linkpack.provenance.record import make_record, make_statement, snapshot_manifest
from linkpack.provenance.record_options import record_paths
from linkpack.provenance.sbom import make_bill
from linkpack.provenance.sources import find_unclean, read_origins, warn_of_undecided
from linkpack.system import write as fswrite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.archive.writer import Tarball
    from linkpack.packing.plan import PackPlan
    from linkpack.provenance.record import SourceRecord
    from linkpack.provenance.record_options import RecordOptions
    from linkpack.provenance.sources import Origin


class Recorder:
    """Records the sources of the tarballs of one run, as *options* ask for, beside tarballs in *destination*."""

    def __init__(self, options: RecordOptions, destination: str) -> None:
        self._options = options
        self._destination = destination

    def read_sources(self, plans: Sequence[PackPlan]) -> tuple[tuple[Origin, ...], ...]:
        """Return the origins of what each of *plans* packs, for `write`.

        To be called before the first tarball is written, as git would list it as a new file. Raises `PlanRejected`
        (EDIRTY) with --require-clean, naming everything that is not committed, `LinkpackError` (EOUTSAME) when two
        files would be written to one path, and `SnapshotError` (EWRITE) when a path is a link or something else
        that is not replaced.
        """
        records = [path for plan in plans for path in record_paths(plan, self._destination, self._options)]
        outputs = [*(posixpath.join(self._destination, plan.filename) for plan in plans), *records]
        _check_distinct(outputs)
        for path in records:
            with _write_errors(path, "name another file; nothing was packed"):
                fswrite.check_output(path)
        origins = tuple(read_origins(plan, outputs) for plan in plans)
        if self._options.require_clean:
            problems = [problem for sources in origins for problem in find_unclean(sources)]
            if problems:
                raise PlanRejected(list(dict.fromkeys(problems)))
        return origins

    def write(self, plan: PackPlan, tarball: Tarball, origins: tuple[Origin, ...]) -> Tarball:
        """Write the record and the bill of materials of *tarball*, as asked for.

        Returns *tarball* with a warning of each origin that its record cannot decide. Each file appears whole or
        not at all. Raises `SourceChanged` when the tarball is no longer what was written, `SnapshotError` (EWRITE)
        when a file cannot be written; the tarball stays.
        """
        paths = record_paths(plan, self._destination, self._options)
        if paths:
            record = make_record(plan, tarball, read_shipped(tarball), origins)
            for path, text in zip(paths, self._texts(record), strict=True):
                with _write_errors(path, "the tarball is written; name another file"):
                    fswrite.write_output(path, text.encode())
        return tarball._replace(warnings=(*tarball.warnings, *warn_of_undecided(origins)))

    def _texts(self, record: SourceRecord) -> list[str]:
        """Return the texts to write, in the order of `record_paths`."""
        options, texts = self._options, []
        if options.snapshot_manifest:
            texts.append(snapshot_manifest(record) if options.record_format == "json" else make_statement(record))
        if options.sbom is not None:
            texts.append(make_bill(record, options.sbom))
        return texts


def _check_distinct(paths: Sequence[str]) -> None:
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


@contextmanager
def _write_errors(path: str, hint: str) -> Iterator[None]:
    """Raise `SnapshotError` (EWRITE) with *hint* when the block fails to write *path*."""
    try:
        yield
    except OSError as err:
        why = f"{path} cannot be written: {err.strerror or err}"
        raise SnapshotError(why, code="EWRITE", path=path, hint=hint) from err
