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

_SHOWN = 20  # bundled packages that are listed without --verbose
_SHOWN_WARNINGS = 10  # of one code, likewise
_SHOWN_NAMES = 5  # of packages that have the same problem, likewise
_SHOWN_PRIVATE = 10  # workspaces that are left out, likewise
_NOT_INSTALLED = "devDependencies"  # the section that no consumer installs

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
    return failures(error.problems)


def failures(problems: Iterable[Problem]) -> str:
    """Return the same lines for *problems*."""
    return "\n".join(_told("error", (("", problem) for problem in problems), most=0))


def failure_json(error: LinkpackError) -> str:
    """The JSON that npm prints for a failure with --json: in summary a line a problem, in detail their hints."""
    return json.dumps(_error(error.problems), indent=2)


def _error(problems: Sequence[Problem]) -> dict[str, object]:
    summary = "\n".join(safe(problem.message) for problem in problems)
    detail = "\n".join(dict.fromkeys(safe(problem.hint) for problem in problems if problem.hint))
    return {"error": {"code": problems[0].code, "summary": summary, "detail": detail}}


def warnings(problems: Iterable[Problem], *, verbose: bool = False) -> str:
    """Return the lines for warnings about one package: each hint once, and of one code no more than some."""
    found = (("", problem) for problem in problems)
    return "\n".join(_told("warning", found, most=0 if verbose else _SHOWN_WARNINGS))


def warnings_by_package(found: Iterable[tuple[str, Iterable[Problem]]], *, verbose: bool = False) -> str:
    """Return the lines for warnings about many packages, each told once with the names of its packages.

    *found* are the packages by name, with their warnings.
    """
    named = _by_package(found, verbose=verbose)
    return "\n".join(_told("warning", named, most=0 if verbose else _SHOWN_WARNINGS))


def failures_by_package(found: Iterable[tuple[str, Iterable[Problem]]], *, verbose: bool = False) -> str:
    """Return the same lines for errors, all of them."""
    return "\n".join(_told("error", _by_package(found, verbose=verbose), most=0))


def _by_package(found: Iterable[tuple[str, Iterable[Problem]]], *, verbose: bool) -> Iterator[tuple[str, Problem]]:
    """Each problem once, with the names of the packages that have it."""
    names: dict[Problem, list[str]] = {}
    for name, problems in found:
        for problem in dict.fromkeys(each._replace(path="") for each in problems):
            names.setdefault(problem, []).append(name)
    for problem, who in names.items():
        yield _some(who, _SHOWN_NAMES, verbose=verbose), problem


def _told(kind: str, found: Iterable[tuple[str, Problem]], *, most: int) -> Iterator[str]:
    """The lines for problems, each with whom it is about: a hint once, and *most* of one code unless that is 0."""
    number: dict[str, int] = {}
    hints: set[str] = set()
    for who, problem in found:
        number[problem.code] = number.get(problem.code, 0) + 1
        if most and number[problem.code] > most:
            continue
        named = problem._replace(message=f"{who}: {problem.message}") if who else problem
        yield _problem(kind, named if named.hint not in hints else named._replace(hint=""))
        hints.add(problem.hint)
    for code, many in number.items():
        if most and many > most:
            yield f"linkpack: {kind} {code}: and {many - most} more (-v lists them)"


def _some(names: Sequence[str], most: int, *, verbose: bool) -> str:
    """The first *most* of *names*, and how many more there are."""
    if verbose or len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def _problem(kind: str, problem: Problem) -> str:
    line = f"linkpack: {kind} {problem.code}: {safe(problem.message)}"
    return f"{line}\n  {safe(problem.hint)}" if problem.hint else line


def count(number: int, noun: str) -> str:
    """Return *number* with its *noun*: `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def packed_line(plan: PackPlan, tarball: Tarball) -> str:
    """Return the one line about a package that was packed with others."""
    snapshots = sum(each.linked for each in plan.bundled)
    rewritten = sum(change.section != _NOT_INSTALLED for change in plan.changes)
    bundled = len(plan.bundled) - snapshots
    parts = [
        count(len(tarball.files), "file"),
        amount(tarball.size),
        *([count(snapshots, "snapshot")] if snapshots else ()),
        *([f"{bundled} bundled"] if bundled else ()),
        *([f"{count(rewritten, 'spec')} rewritten"] if rewritten else ()),
    ]
    label = safe(f"{plan.manifest.name}@{plan.manifest.version}")
    return f"{label}  {', '.join(parts)}  {safe(posixpath.normpath(tarball.path))}"


def left_private(names: Sequence[str], *, verbose: bool = False) -> str:
    """Return the line about private workspaces that are not packed."""
    shown = _some(list(map(safe, names)), _SHOWN_PRIVATE, verbose=verbose)
    return f"left out as private: {shown} (--private packs them)"


def summary(
    packed: Sequence[tuple[PackPlan, Tarball]], *, private: int, failed: int, seconds: float, dry_run: bool
) -> str:
    """Return the line that closes a run over many packages."""
    tarballs = [tarball for _, tarball in packed]
    warned = sum(len(plan.warnings) + len(tarball.warnings) for plan, tarball in packed)
    ended = [
        f"{len(packed)} packed" + (" (dry run: not written)" if dry_run else ""),
        *([f"{private} private left out"] if private else ()),
        *([f"{failed} failed"] if failed else ()),
    ]
    packed_size, size = sum(each.size for each in tarballs), sum(each.unpacked_size for each in tarballs)
    amounts = [
        count(sum(len(each.files) for each in tarballs), "file"),
        f"{amount(packed_size)} packed, {amount(size)} unpacked",
        count(warned, "warning"),
        f"{seconds:.1f} s",
    ]
    return f"{', '.join(ended)}: {', '.join(amounts)}"


def packed(
    plan: PackPlan,
    tarball: Tarball,
    *,
    verbose: bool = False,
    dry_run: bool = False,
    settings: Mapping[str, str] | None = None,
) -> str:
    """Report what was packed: files, snapshots, bundled packages, rewritten specs, digests, proof.

    *settings* are npm's that counted, each with who made it.
    """
    return "\n".join(_lines(plan, tarball, verbose=verbose, dry_run=dry_run, settings=settings or {}))


def _lines(
    plan: PackPlan, tarball: Tarball, *, verbose: bool, dry_run: bool, settings: Mapping[str, str]
) -> Iterator[str]:
    from linkpack.npm.order import listing_key  # noqa: PLC0415 - the link commands print without it

    yield f"{safe(plan.manifest.name)}@{safe(plan.manifest.version)} (npm {plan.rules} rules)"
    inside = "node_modules/" if plan.layout == "bundle" else "vendor/"
    own = [file for file in tarball.files if verbose or not file.path.startswith(inside)]
    own.sort(key=lambda file: listing_key(file.path))
    yield from _table("files", [(amount(file.size), safe(file.path)) for file in own])
    yield from _table("snapshots", [_snapshot(plan, each) for each in plan.bundled if each.linked])
    installed = [_installed(each) for each in plan.bundled if not each.linked]
    yield from _table("bundled", _first(installed, verbose=verbose))
    yield from _changes(plan.changes, verbose=verbose)
    if verbose:
        yield from _table("left out", [(safe(each.reason), safe(each.path)) for each in plan.omissions])
    yield ""
    yield from _table("", [*_totals(tarball, dry_run=dry_run), *_shipped(plan), *_counted(settings)])
    yield checked(plan)


def checked(plan: PackPlan) -> str:
    """Return the line that says what was checked, and what of it was left open.

    runtime graph: entry points: 3 packages, all inside; declared dependencies: 2 edges, as on disk
    """
    found = plan.checks
    inside = f"{count(found.lacking, 'path')} not inside" if found.lacking else "all inside"
    ways = [f"{found.elsewhere} not as on disk"] if found.elsewhere else []
    ways += [f"{found.nowhere} more to nothing"] if found.nowhere else []
    parts = [
        f"entry points: {count(found.packages, 'package')}, {inside}",
        f"declared dependencies: {count(found.edges, 'edge')}, {', '.join(ways) or 'as on disk'}",
    ]
    if found.sources:
        strays = f"{found.strays} not brought along" if found.strays else "all brought along"
        parts.append(f"imports: {count(found.sources, 'source')}, {strays}")
    if found.unread:
        parts.append(f"not read: {count(found.unread, 'source')}, too large or no valid script")
    return f"runtime graph: {'; '.join(parts)}"


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
    return (_label(each), _volume(each), source, _places(each))


def _installed(each: Bundled) -> tuple[str, ...]:
    return (_label(each), _volume(each), _places(each))


def _volume(each: Bundled) -> str:
    return f"{count(each.files, 'file')}, {amount(each.size)}"


def _label(each: Bundled) -> str:
    return safe(f"{each.name}@{each.version}" if each.version else each.name)


def _places(each: Bundled) -> str:
    more = f" and {len(each.slots) - 1} more" if len(each.slots) > 1 else ""
    return f"in {safe(each.slots[0])}{more}"


def _changes(changes: Sequence[SpecChange], *, verbose: bool) -> Iterator[str]:
    """The lines on rewritten specs, each reason told once, those of devDependencies counted, unless *verbose*."""
    shown = [change for change in changes if verbose or change.section != _NOT_INSTALLED]
    folded = len(changes) - len(shown)
    if folded and not shown:
        yield "rewritten specs"
    reasons: set[str] = set()
    rows = []
    for change in shown:
        reason = "" if change.reason in reasons and not verbose else change.reason
        reasons.add(change.reason)
        new = f"-> {change.new}" if change.new else "dropped"
        cells = (change.label, f"{change.section}.{change.key}", change.old, new, reason)
        rows.append(tuple(map(safe, cells)))
    yield from _table("rewritten specs", rows)
    if folded:
        yield f"  {'and ' if shown else ''}{folded} in {_NOT_INSTALLED} (-v lists them)"


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


def _counted(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if settings:
        yield "npm settings", settings_text(settings)


def settings_text(settings: Mapping[str, str]) -> str:
    """Return npm's settings that counted, each with who made it."""
    return safe("; ".join(f"{key}: {source}" for key, source in settings.items()))


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
