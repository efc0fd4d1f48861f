"""Values to text and to JSON; nothing here prints.

Every name goes through `safe`: file names are data, and a terminal takes some data for commands.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from linkpack.api import Bundled, PackPlan
    from linkpack.bundle.specs import SpecChange
    from linkpack.errors import LinkpackError, Problem
    from linkpack.tarballs.tarball import Tarball

_SHOWN = 20  # bundled packages and omissions that are listed without --verbose

_BUNDLED = r"node_modules/((?:@[^/]+/)?[^/]+)"


def safe(text: str) -> str:
    r"""*text* with everything that is not a printable character escaped: `\x1b`, `\u202e`, `\udc80`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def amount(size: int) -> str:
    """*size* bytes as npm writes it: decimal units, one decimal."""
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if size >= 10**power:
            return f"{size / 10**power:.1f} {unit}"
    return f"{size} B"


def failure(error: LinkpackError) -> str:
    """The lines that say what went wrong, where, and what to do, one pair for each problem."""
    return "\n".join(_problem("error", problem) for problem in error.problems)


def failure_json(error: LinkpackError) -> str:
    """The JSON that npm prints for a failure with --json: in summary a line a problem, in detail their hints."""
    return json.dumps(_error(error.problems), indent=2)


def _error(problems: Sequence[Problem]) -> dict[str, object]:
    summary = "\n".join(safe(problem.message) for problem in problems)
    detail = "\n".join(dict.fromkeys(safe(problem.hint) for problem in problems if problem.hint))
    return {"error": {"code": problems[0].code, "summary": summary, "detail": detail}}


def warnings(found: PackPlan | Tarball) -> str:
    """The warnings of a plan or a tarball, one or two lines each."""
    return "\n".join(_problem("warning", problem) for problem in found.warnings)


def _problem(kind: str, problem: Problem) -> str:
    line = f"linkpack: {kind} {problem.code}: {safe(problem.message)}"
    return f"{line}\n  {safe(problem.hint)}" if problem.hint else line


def packed(plan: PackPlan, tarball: Tarball, *, verbose: bool = False, dry_run: bool = False) -> str:
    """What was packed, for a person: files, snapshots, bundled packages, rewritten specs, digests, proof."""
    return "\n".join(_lines(plan, tarball, verbose=verbose, dry_run=dry_run))


def _lines(plan: PackPlan, tarball: Tarball, *, verbose: bool, dry_run: bool) -> Iterator[str]:
    yield f"{safe(plan.manifest.name)}@{safe(plan.manifest.version)} (npm {plan.rules} rules)"
    inside = "node_modules/" if plan.layout == "bundle" else "vendor/"
    own = [file for file in tarball.files if verbose or not file.path.startswith(inside)]
    yield from _table("files", [(amount(file.size), safe(file.path)) for file in own])
    yield from _table("snapshots", [_snapshot(plan, each) for each in plan.bundled if each.linked])
    installed = [_installed(each) for each in plan.bundled if not each.linked]
    yield from _table("bundled", _first(installed, verbose=verbose))
    yield from _table("rewritten specs", [_change(change) for change in plan.changes])
    if verbose:
        yield from _table("left out", [(safe(each.reason), safe(each.path)) for each in plan.omissions])
    yield ""
    yield from _table("", [*_totals(tarball, dry_run=dry_run), *_shipped(plan)])
    yield checked(plan)


def checked(plan: PackPlan) -> str:
    """Return the line that says what was checked, and what of it was left open.

    runtime graph: entry points: 3 packages, all inside; declared dependencies: 2 edges, as on disk
    """
    found = plan.checks
    inside = f"{_count(found.lacking, 'path')} not inside" if found.lacking else "all inside"
    ways = [f"{found.nowhere} to nothing"] if found.nowhere else []
    ways += [f"{found.elsewhere} not as on disk"] if found.elsewhere else []
    parts = [
        f"entry points: {_count(found.packages, 'package')}, {inside}",
        f"declared dependencies: {_count(found.edges, 'edge')}, {', '.join(ways) or 'as on disk'}",
    ]
    if found.sources:
        strays = f"{found.strays} not brought along" if found.strays else "all brought along"
        parts.append(f"imports: {_count(found.sources, 'source')}, {strays}")
    if found.unread:
        parts.append(f"not read: {_count(found.unread, 'source')}, too large or no valid script")
    return f"runtime graph: {'; '.join(parts)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _table(title: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """A title and rows in columns, the last one ragged; nothing when there are no rows."""
    if not rows:
        return
    if title:
        yield title
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(cells).rstrip()}"


def _first(rows: list[tuple[str, ...]], *, verbose: bool) -> list[tuple[str, ...]]:
    if verbose or len(rows) <= _SHOWN:
        return rows
    return [*rows[:_SHOWN], (f"and {len(rows) - _SHOWN} more (-v lists them)", "", "")]


def _snapshot(plan: PackPlan, each: Bundled) -> tuple[str, ...]:
    source = f"of {safe(posixpath.relpath(each.source, plan.root))}"
    return (_label(each), f"{each.files} files, {amount(each.size)}", source, _places(each))


def _installed(each: Bundled) -> tuple[str, ...]:
    return (_label(each), f"{each.files} files, {amount(each.size)}", _places(each))


def _label(each: Bundled) -> str:
    return safe(f"{each.name}@{each.version}" if each.version else each.name)


def _places(each: Bundled) -> str:
    more = f" and {len(each.slots) - 1} more" if len(each.slots) > 1 else ""
    return f"in {safe(each.slots[0])}{more}"


def _change(change: SpecChange) -> tuple[str, ...]:
    new = f"-> {change.new}" if change.new else "dropped"
    return tuple(
        safe(each) for each in (change.label, f"{change.section}.{change.key}", change.old, new, change.reason)
    )


def _totals(tarball: Tarball, *, dry_run: bool) -> Iterator[tuple[str, str]]:
    yield "tarball", safe(tarball.path) + (" (dry run: not written)" if dry_run else "")
    yield "size", f"{amount(tarball.size)} packed, {amount(tarball.unpacked_size)} unpacked"
    yield "files", f"{len(tarball.files)}"
    yield "shasum", tarball.shasum
    yield "integrity", tarball.integrity


def _shipped(plan: PackPlan) -> Iterator[tuple[str, str]]:
    if plan.bundled:
        yield "layout", f"{plan.layout}: installs with {', '.join(plan.installers)}"
    if plan.publish_fields:
        how = f"applied ({plan.publish_config})" if plan.publish_config else "not applied, as by npm"
        yield "publishConfig", safe(f"{', '.join(plan.publish_fields)}: {how}")


def packed_json(results: Iterable[tuple[PackPlan, Tarball]], *, npm12: bool = False) -> str:
    """The JSON that `npm pack --json` prints, with our own keys under `linkpack`.

    npm 11's array, or with *npm12* that version's object by package name. All characters are ASCII.
    """
    return document((result(plan, tarball) for plan, tarball in results), npm12=npm12)


def document(found: Iterable[Mapping[str, object]], *, npm12: bool = False) -> str:
    """The JSON of `result` and `failed_result` values, in their order: an array, or an object by package name."""
    whole: object = {str(each["name"]): each for each in found} if npm12 else list(found)
    return json.dumps(whole, indent=2)


def failed_result(name: str, problems: Sequence[Problem]) -> dict[str, object]:
    """What stands in the JSON for the package *name*, one of many, that could not be packed."""
    return {"name": name, **_error(problems)}


def result(plan: PackPlan, tarball: Tarball) -> dict[str, object]:
    """What `npm pack --json` says of one package, as values, and our own keys under `linkpack`."""
    from linkpack.npm.order import listing_key  # noqa: PLC0415 - the link commands print without it

    manifest = plan.manifest
    files = sorted(tarball.files, key=lambda file: listing_key(file.path))
    tops = (re.match(_BUNDLED, file.path) for file in tarball.files)
    return {
        "id": f"{manifest.name}@{manifest.version}",
        "name": manifest.name,
        "version": manifest.version,
        "size": tarball.size,
        "unpackedSize": tarball.unpacked_size,
        "shasum": tarball.shasum,
        "integrity": tarball.integrity,
        "filename": tarball.filename,
        "files": [file._asdict() for file in files],
        "entryCount": len(tarball.files),
        "bundled": list(dict.fromkeys(top[1] for top in tops if top)),
        "linkpack": _own(plan, tarball),
    }


def _own(plan: PackPlan, tarball: Tarball) -> dict[str, object]:
    return {
        "path": tarball.path,
        "npmRules": plan.rules,
        "compressor": tarball.compressor,
        "layout": plan.layout,
        "installers": list(plan.installers),
        "publishConfig": {"fields": list(plan.publish_fields), "applied": plan.publish_config},
        "snapshots": [_package(plan, each) for each in plan.bundled if each.linked],
        "bundled": [_package(plan, each) for each in plan.bundled if not each.linked],
        "rewrittenSpecs": [change._asdict() for change in plan.changes],
        "omitted": [each._asdict() for each in plan.omissions],
        "warnings": [problem._asdict() for problem in (*plan.warnings, *tarball.warnings)],
        "runtimeGraph": graph_json(plan),
        "checks": plan.checks._asdict(),
    }


def graph_json(plan: PackPlan) -> dict[str, object]:
    """Return what was checked of the runtime graph, as values; *verified* when nothing at all was left open."""
    return {"packages": plan.packages, "edges": plan.edges, "verified": plan.checks.verified}


def _package(plan: PackPlan, each: Bundled) -> dict[str, object]:
    return {
        "name": each.name,
        "version": each.version,
        "slots": list(each.slots),
        "source": posixpath.relpath(each.source, plan.root),
        "files": each.files,
        "size": each.size,
    }
