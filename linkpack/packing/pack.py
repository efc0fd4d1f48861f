"""Pack a project: run its scripts, plan it, and write the tarball.

An interrupt ends a script's whole process group (`linkpack.system.processes`). It leaves the older tarball or none
(`linkpack.archive.writer`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from linkpack.archive.gzip import GzipLevel
from linkpack.archive.writer import Tarball, measure_tarball, write_tarball
from linkpack.arguments import StrPath, check_path, check_texts
from linkpack.bundle.consumer_specs import Mode
from linkpack.bundle.layouts import LayoutName
from linkpack.errors import SnapshotError
from linkpack.limits import Limits, within
from linkpack.packing.options import PackOptions, check_options
from linkpack.packing.plan import PackPlan, make_plan
from linkpack.packing.preflight import check_before_scripts
from linkpack.system import write as fswrite


def pack(
    path: StrPath = ".",
    *,
    destination: StrPath = ".",
    ignore_scripts: bool = True,
    walk_up: bool = False,
    npm_rules: str | None = None,
    specs: Mode = "resolve",
    allow_missing: bool = False,
    out: str = "",
    bundle: Iterable[str] | None = None,
    layout: LayoutName | None = None,
    publish_config: bool | None = None,
    link_state: str = "",
    threads: int = 0,
    gzip_level: GzipLevel = "default",
    limits: Limits | None = None,
    env: Mapping[str, str] | None = None,
) -> Tarball:
    """Pack the project in *path* into a verified tarball.

    The tarball is written into the directory *destination*, which is made when missing. Its warnings include those
    of the plan. Unless *ignore_scripts*, prepack and prepare run before the project is read and postpack at the
    end, with the environment *env* and what npm adds to it. *threads* compress at a time (0: one for each
    processor, at most eight), and the bytes do not depend on their number. *gzip_level* `"max"` makes a smaller
    file. The other arguments are those of `plan_pack`.

    Raises what `plan_pack` raises, `ScriptFailed`, and `SnapshotError` when a file changes meanwhile or the
    tarball cannot be written. No new tarball is left behind then, and an earlier one is as it was.
    """
    given = PackOptions(
        specs=specs,
        allow_missing=allow_missing,
        bundle=None if bundle is None else check_texts(bundle, "bundle"),
        layout=layout,
        publish_config=publish_config,
        link_state=check_path(link_state),
        out=out,
        destination=check_path(destination),
        gzip_level=gzip_level,
        threads=threads,
        limits=limits,
    )
    options = check_options(given, npm_rules)

    # Check what no script can change, then run prepack and prepare. They may change what is read next.
    lifecycle = None
    if not ignore_scripts:
        from linkpack.lifecycle.scripts import Hooks, start_lifecycle  # noqa: PLC0415 - 7 ms, with subprocess

        with within(limits):
            project, _ = check_before_scripts(check_path(path), options, walk_up=walk_up)
        lifecycle = start_lifecycle(project, Hooks(env or {}))

    # Find the project, read its bundle and packlists, place the packages, plan the entries and check them.
    plan = make_plan(path, options, walk_up=walk_up)

    # `plan_pack`, the dry run, stops here. Write a temporary file, read it back, and rename it into place.
    if lifecycle is None:
        tarball = write_plan(plan, options)
    else:
        # Run postpack as well. If that fails, an earlier tarball is put back.
        with lifecycle.restore_on_failure(options.destination, plan.filename):
            tarball = write_plan(plan, options)
            lifecycle.finish(tarball)

    return _add_warnings(tarball, plan)


def write_pack(
    plan: PackPlan, destination: StrPath = ".", *, threads: int = 0, gzip_level: GzipLevel = "default"
) -> Tarball:
    """Write the verified tarball of *plan* into the directory *destination*.

    *destination* is made when missing. The other arguments are those of `pack`, and so are the errors.
    """
    given = PackOptions(destination=check_path(destination), threads=threads, gzip_level=gzip_level)
    return _add_warnings(write_plan(plan, check_options(given)), plan)


def write_plan(plan: PackPlan, options: PackOptions) -> Tarball:
    """Write the tarball of *plan* as *options* say.

    Its warnings are only those about the contents of files, without those of the plan.
    """
    target = options.target(plan.filename)
    try:
        with fswrite.make_folders(posixpath.dirname(target) or "."):
            return write_tarball(plan.entries, target, threads=options.threads, gzip_level=options.gzip_level)
    # Only making the folder raises OSError: `write_tarball` has errors of its own.
    except OSError as err:
        raise SnapshotError(
            f"{options.destination} cannot be made a folder: {err.strerror}",
            code="EWRITE",
            path=options.destination,
            hint="choose another --pack-destination",
        ) from err


def measure_plan(plan: PackPlan, options: PackOptions) -> Tarball:
    """Return the tarball that `write_plan` would write, without writing it.

    Raises `SourceChanged` as `pack` does.
    """
    # Every file is read and compressed: npm prints the size and the digests of a dry run too.
    target = options.target(plan.filename)
    return measure_tarball(plan.entries, target, threads=options.threads, gzip_level=options.gzip_level)


def _add_warnings(tarball: Tarball, plan: PackPlan) -> Tarball:
    """Return *tarball* with the warnings of *plan* before its own."""
    return tarball._replace(warnings=(*plan.warnings, *tarball.warnings))
