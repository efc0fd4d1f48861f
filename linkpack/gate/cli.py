"""`linkpack verify`, `linkpack diff` and `linkpack unpack`."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from linkpack.errors import LinkpackError
from linkpack.gate import api, report
from linkpack.gate.findings import ALLOWABLE, Limits
from linkpack.report import failure_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    _Command = TypeVar("_Command", bound=Callable[..., object])

_SIZE = re.compile(r"([0-9]{1,15})\s*([kmg]i?|)b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "ki": 1 << 10, "m": 10**6, "mi": 1 << 20, "g": 10**9, "gi": 1 << 30}
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")


def _bytes(value: str) -> int:
    """The bytes that *value* means: 5000, 20kB, 10MB, 2GiB."""
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise click.BadParameter(f"{value!a} is no size; try 5000, 20kB, 10MB or 2GiB")
    return int(match[1]) * _UNITS[match[2].lower()]


_DEFAULTS = Limits()
_LIMITS = (
    ("--max-entries", click.IntRange(1), _DEFAULTS.entries, "Refuse more files and folders than this."),
    ("--max-file", _bytes, _DEFAULTS.file, "Refuse a larger file in the tarball."),
    ("--max-unpacked", _bytes, _DEFAULTS.unpacked, "Refuse a tarball that unpacks to more."),
    ("--max-ratio", click.IntRange(1), _DEFAULTS.ratio, "Refuse a tarball that unpacks to more times its size."),
    ("--max-path", click.IntRange(1), _DEFAULTS.path, "Refuse a path of more bytes."),
)


def _limited(command: _Command) -> _Command:
    """The options for the limits, added to *command*."""
    for name, kind, default, text in reversed(_LIMITS):
        command = click.option(name, type=kind, default=str(default), metavar="N", show_default=True, help=text)(
            command
        )
    return command


def _limits(options: dict[str, int]) -> Limits:
    return Limits(**{name.removeprefix("max_"): value for name, value in options.items()})


_ALLOW = click.option(
    "--allow",
    metavar="CODE",
    multiple=True,
    type=click.Choice(sorted(ALLOWABLE)),
    help="Take errors with this code for warnings; can be given again.",
)


@contextmanager
def _json_failure(*, wanted: bool) -> Iterator[None]:
    """Print an error on stdout too when JSON is *wanted*, and go on with it."""
    try:
        yield
    except LinkpackError as err:
        if wanted:
            click.echo(failure_json(err))
        raise


@click.command()
@click.argument("tarballs", metavar="TARBALL...", nargs=-1, required=True)
@_JSON
@click.option(
    "--against",
    metavar="SOURCE",
    default="",
    help="A folder, a tarball, git or git:DIR: TARBALL must be what that packs to, byte for byte.",
)
@click.option("--max-size", type=_bytes, default="0", metavar="SIZE", help="Refuse a larger tarball.")
@click.option("--strict", is_flag=True, help="Exit 1 for warnings, too.")
@click.option("--quiet", "-q", is_flag=True, help="Print only findings.")
@_ALLOW
@_limited
def verify(
    tarballs: tuple[str, ...],
    *,
    as_json: bool,
    against: str,
    max_size: int,
    strict: bool,
    quiet: bool,
    allow: tuple[str, ...],
    **limits: int,
) -> int:
    """Check each TARBALL before it is published: shape, manifest, bundle, secrets, entry points, license.

    Exit status 1 when there are errors. Reads only.
    """
    verdicts = []
    with _json_failure(wanted=as_json):
        for path in tarballs:
            verdict = api.verify(path, against=against, max_size=max_size, allow=allow, limits=_limits(limits))
            verdicts.append(verdict)
            if verdict.findings and not as_json:
                click.echo(report.findings(verdict.findings), err=True)
            if not as_json and not quiet:
                click.echo(report.verdict(verdict))
    if as_json:
        found = [json.loads(report.verdict_json(each)) for each in verdicts]
        click.echo(json.dumps(found if len(found) > 1 else found[0], indent=2))
    return int(any(not each.ok or (strict and each.findings) for each in verdicts))


@click.command()
@click.argument("old")
@click.argument("new")
@_JSON
@click.option("--stat", is_flag=True, help="Sizes only, no lines.")
@click.option("--name-only", is_flag=True, help="Print a line a changed file: A, D, M or T (mode), and its path.")
@click.option("--exit-code", is_flag=True, help="Exit 1 when there are differences.")
@_limited
def diff(old: str, new: str, *, as_json: bool, stat: bool, name_only: bool, exit_code: bool, **limits: int) -> int:
    """Compare two packages, each a tarball or a folder as it would be packed.

    Files, modes, keys of package.json, bundled packages by version, bytes.
    """
    with _json_failure(wanted=as_json):
        found = api.diff(old, new, text=not (stat or name_only), limits=_limits(limits))
    text = report.names(found) if name_only else report.difference(found, stat=stat)
    text = report.difference_json(found) if as_json else text
    if text:
        click.echo(text)
    return int(exit_code and not found.is_same_file)


@click.command()
@click.argument("tarball")
@click.option(
    "--directory", "-C", metavar="DIR", default=".", help="Make the folder package in DIR.  [default: here]"
)
@click.option("--quiet", "-q", is_flag=True, help="Print only warnings and errors.")
@_ALLOW
@_limited
def unpack(tarball: str, *, directory: str, quiet: bool, allow: tuple[str, ...], **limits: int) -> None:
    """Unpack TARBALL into DIR/package, after checking all of it: whole, or not at all."""
    done = api.unpack(tarball, directory, allow=allow, limits=_limits(limits))
    if done.findings:
        click.echo(report.findings(done.findings), err=True)
    if not quiet:
        click.echo(report.unpacked(done))
