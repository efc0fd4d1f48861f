"""Pack a project: plan it, write the tarball, run its scripts around both."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import partial

from linkpack.archive.gzip import GzipLevel
from linkpack.archive.writer import Tarball, measure_tarball, write_tarball
from linkpack.arguments import StrPath, path_text
from linkpack.bundle.consumer_specs import Mode
from linkpack.bundle.layouts import LayoutName
from linkpack.errors import SnapshotError
from linkpack.limits import Limits, within
from linkpack.packing.options import PackOptions, given_options
from linkpack.packing.plan import PackPlan, make_plan
from linkpack.packing.preflight import check_before
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
    layout: LayoutName = "bundle",
    publish_config: bool | None = None,
    link_state: str = "",
    threads: int = 0,
    gzip_level: GzipLevel = "default",
    limits: Limits | None = None,
    env: Mapping[str, str] | None = None,
) -> Tarball:
    """Pack the project in *path* into a verified tarball in the directory *destination*.

    *destination* is made when missing. The tarball's warnings include those of the plan. Unless *ignore_scripts*,
    prepack and prepare are run before the project is read and postpack at the end, with the environment *env* and
    what npm adds to it. *threads* compress at a time (0: one a processor, at most eight); the bytes do not depend
    on it. *gzip_level* `"max"` makes a smaller file. The other arguments are those of `plan_pack`.

    Raises what `plan_pack` raises, `SnapshotError` when a file changes meanwhile or the tarball cannot be written,
    and `ScriptFailed`. Nothing is left behind then.
    """
    given = PackOptions(
        specs=specs,
        allow_missing=allow_missing,
        layout=layout,
        publish_config=publish_config,
        link_state=path_text(link_state),
        out=out,
        destination=path_text(destination),
        gzip_level=gzip_level,
        threads=threads,
        limits=limits,
    )
    options = given_options(given, npm_rules)
    plan = partial(make_plan, path, options, walk_up=walk_up)
    write = partial(write_plan, options=options)
    if ignore_scripts:
        return _with_warnings(made := plan(), write(made))
    from linkpack.lifecycle.scripts import Hooks, pack_through  # noqa: PLC0415 - loads subprocess

    with within(limits):
        project, _ = check_before(path_text(path), options.destination, walk_up=walk_up, out=out)
    return _with_warnings(*pack_through(project, Hooks(env or {}), plan, write, options.destination))


def _with_warnings(plan: PackPlan, tarball: Tarball) -> Tarball:
    """Return *tarball* with the warnings of its *plan* before its own."""
    return tarball._replace(warnings=(*plan.warnings, *tarball.warnings))


def write_pack(
    plan: PackPlan, destination: StrPath = ".", *, threads: int = 0, gzip_level: GzipLevel = "default"
) -> Tarball:
    """Write the verified tarball of *plan* into the directory *destination*, which is made when missing.

    Raises `SnapshotError` as `pack` does.
    """
    given = PackOptions(destination=path_text(destination), threads=threads, gzip_level=gzip_level)
    return _with_warnings(plan, write_plan(plan, given_options(given)))


def write_plan(plan: PackPlan, options: PackOptions) -> Tarball:
    """Write the tarball of *plan* where and how *options* say; its warnings are those of contents alone."""
    target = posixpath.join(options.destination, plan.filename)
    try:
        with fswrite.made_dirs(posixpath.dirname(target) or "."):
            return write_tarball(plan.entries, target, threads=options.threads, gzip_level=options.gzip_level)
    except OSError as err:
        raise SnapshotError(
            f"{options.destination} cannot be made a folder: {err.strerror}",
            code="EWRITE",
            path=options.destination,
            hint="choose another --pack-destination",
        ) from err


def measure_plan(plan: PackPlan, options: PackOptions) -> Tarball:
    """Work out the tarball that `write_plan` would write, sizes and digests included, without writing it.

    Reads every file once. Raises `SourceChanged` as `pack` does.
    """
    target = posixpath.join(options.destination, plan.filename)
    return measure_tarball(plan.entries, target, threads=options.threads, gzip_level=options.gzip_level)
