"""Write the report of `pack` for a person."""

from __future__ import annotations

import posixpath
from collections import deque
from typing import TYPE_CHECKING

from linkpack.npm.sorting import listing_key
from linkpack.report.text import amount, count, escape, shorten, table, them

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from linkpack.archive.writer import Tarball, TarballFile
    from linkpack.bundle.consumer_specs import SpecChange
    from linkpack.packing.plan import Bundled, PackPlan

_MOST_FILES = 40  # lines on own files without --verbose: of more files, folders are shown
_MOST_BUNDLED = 10  # bundled packages that are listed without --verbose, the largest
_MOST_PRIVATE = 10  # private workspaces, likewise
_NOT_INSTALLED = "devDependencies"  # the section that no consumer installs


def package_report(
    plan: PackPlan,
    tarball: Tarball,
    *,
    verbose: bool = False,
    dry_run: bool = False,
    settings: Mapping[str, str] | None = None,
) -> str:
    """Return the report on one package.

    It has files, bundled packages, rewritten specs, digests and checks.
    *settings* are npm's that took effect, each with its source.
    """
    # Not npm's lines: npm lists every file, and of the bundle names alone (npm 12.2, lib/utils/tar.js, logTar).
    return "\n".join(_report(plan, tarball, verbose=verbose, dry_run=dry_run, settings=settings or {}))


def _report(
    plan: PackPlan, tarball: Tarball, *, verbose: bool, dry_run: bool, settings: Mapping[str, str]
) -> Iterator[str]:
    yield f"{escape(plan.manifest.name)}@{escape(plan.manifest.version)} (npm {plan.rules} rules)"
    files = sorted(tarball.files, key=lambda file: listing_key(file.path))
    if not verbose:
        files = _own_files(plan, files)
    yield from table("files", _file_rows(files) if verbose else _folded_rows(files))
    yield from table("snapshots", [_snapshot_row(plan, package) for package in plan.bundled if package.linked])
    installed = [package for package in plan.bundled if not package.linked]
    yield from table("bundled", _installed_rows(installed, most=0 if verbose else _MOST_BUNDLED))
    yield from _spec_lines(plan.changes, verbose=verbose)
    if verbose:
        rows = [(escape(omission.reason), escape(omission.path)) for omission in plan.omissions]
        yield from table("left out", rows)
    yield ""
    yield from table("", list(_totals(plan, tarball, settings, dry_run=dry_run)))
    yield checks_line(plan)


def _snapshot_row(plan: PackPlan, package: Bundled) -> tuple[str, ...]:
    source = f"of {escape(posixpath.relpath(package.source, plan.root))}"
    return (_label(package), _volume(package), source, _slots(package))


def _installed_row(package: Bundled) -> tuple[str, ...]:
    return (_label(package), _volume(package), _slots(package))


def _label(package: Bundled) -> str:
    return escape(f"{package.name}@{package.version}" if package.version else package.name)


def _volume(package: Bundled) -> str:
    return f"{count(package.files, 'file')}, {amount(package.size)}"


def _slots(package: Bundled) -> str:
    more = f" and {len(package.slots) - 1} more" if len(package.slots) > 1 else ""
    return f"in {escape(package.slots[0])}{more}"


def _own_files(plan: PackPlan, files: Iterable[TarballFile]) -> list[TarballFile]:
    """Return those of *files* that no bundled package brings."""
    # npm 12.2 tells them apart by node_modules too (lib/utils/tar.js, logTar).
    bundle = "node_modules/" if plan.layout == "bundle" else "vendor/"
    return [file for file in files if not file.path.startswith(bundle)]


def _file_rows(files: Iterable[TarballFile]) -> list[tuple[str, ...]]:
    return [(amount(file.size), escape(file.path)) for file in files]


def _folded_rows(files: Sequence[TarballFile]) -> list[tuple[str, ...]]:
    """Return a row for each of *files*, or for folders if they are many.

    As many folders are unfolded as fit, from the top
    (tests/report/test_pack.py, test_a_package_in_one_folder_is_unfolded_as_far_as_lines_reach).
    """
    if len(files) <= _MOST_FILES:
        return _file_rows(files)
    rows: dict[str, list[TarballFile]] = {}
    for file in files:
        rows.setdefault(_inner(file.path, ""), []).append(file)
    waiting = deque(name for name in rows if name.endswith("/"))
    while waiting:
        folder = waiting.popleft()
        inside: dict[str, list[TarballFile]] = {}
        for file in rows[folder]:
            inside.setdefault(_inner(file.path, folder), []).append(file)
        if len(rows) - 1 + len(inside) <= _MOST_FILES:
            # In the place of the folder, which keeps the order of the files.
            rows = {
                name: found
                for row in rows
                for name, found in (inside if row == folder else {row: rows[row]}).items()
            }
            waiting += [name for name in inside if name.endswith("/")]
    return [(amount(sum(file.size for file in found)), _row_label(name, found)) for name, found in rows.items()]


def _inner(path: str, folder: str) -> str:
    """Return the entry of *folder* that *path* is or is in.

    A folder ends with a slash (`lib/`).
    """
    name, slash, _ = path[len(folder) :].partition("/")
    return f"{folder}{name}{slash}"


def _row_label(name: str, files: Sequence[TarballFile]) -> str:
    return f"{escape(name)}  {count(len(files), 'file')}" if name.endswith("/") else escape(name)


def _installed_rows(packages: Sequence[Bundled], most: int) -> list[tuple[str, ...]]:
    """Return a row for each of *packages*, the largest first.

    There are at most *most* unless that is 0, and then one for the others.
    """
    ordered = sorted(packages, key=lambda package: (-package.size, package.name, package.version))
    shown = ordered[:most] if most else ordered
    rows = [_installed_row(package) for package in shown]
    rest = ordered[len(shown) :]
    if rest:
        files, size = sum(package.files for package in rest), sum(package.size for package in rest)
        rows.append(
            (f"and {len(rest)} more", f"{count(files, 'file')}, {amount(size)}", f"-v lists {them(len(rest))}")
        )
    return rows


def _spec_lines(changes: Sequence[SpecChange], *, verbose: bool) -> Iterator[str]:
    """Yield the lines on rewritten specs.

    Unless *verbose*, each reason is given once, and specs of devDependencies are only counted.
    """
    listed = [change for change in changes if verbose or change.section != _NOT_INSTALLED]
    counted = len(changes) - len(listed)
    if counted and not listed:
        yield "rewritten specs"
    # Many specs have the same reason, which is printed beside the first (test_specs_are_told_shortly).
    reasons: set[str] = set()
    rows = []
    for change in listed:
        reason = "" if change.reason in reasons and not verbose else change.reason
        reasons.add(change.reason)
        new = f"-> {change.new}" if change.new else "dropped"
        cells = (change.label, f"{change.section}.{change.key}", change.old, new, reason)
        rows.append(tuple(map(escape, cells)))
    yield from table("rewritten specs", rows)
    if counted:
        yield f"  {'and ' if listed else ''}{counted} in {_NOT_INSTALLED} (-v lists {them(counted)})"


def _totals(
    plan: PackPlan, tarball: Tarball, settings: Mapping[str, str], *, dry_run: bool
) -> Iterator[tuple[str, str]]:
    yield "tarball", escape(tarball.path) + (" (dry run: not written)" if dry_run else "")
    yield "size", f"{amount(tarball.size)} packed, {amount(tarball.unpacked_size)} unpacked"
    yield "files", _file_counts(plan, tarball)
    yield "shasum", tarball.shasum
    yield "integrity", tarball.integrity
    if plan.bundled:
        yield "layout", f"{plan.layout}: installs with {', '.join(plan.installers)}"
    if plan.publish_fields:
        how = f"applied ({plan.publish_config})" if plan.publish_config else "not applied, as by npm"
        yield "publishConfig", escape(f"{', '.join(plan.publish_fields)}: {how}")
    if settings:
        yield "npm settings", settings_text(settings)


def _file_counts(plan: PackPlan, tarball: Tarball) -> str:
    if not plan.bundled:
        return f"{len(tarball.files)}"
    own = len(_own_files(plan, tarball.files))
    packages = count(len(plan.bundled), "bundled package")
    return f"{len(tarball.files)}: {own} own, {len(tarball.files) - own} of {packages}"


def settings_text(settings: Mapping[str, str]) -> str:
    """Return the settings of npm that took effect, each with its source."""
    return escape("; ".join(f"{key}: {source}" for key, source in settings.items()))


def checks_line(plan: PackPlan) -> str:
    """Return the line on what was checked, and what is left open.

    runtime graph: entry points: 3 packages, all inside; declared dependencies: 2 edges, as on disk
    """
    checks = plan.checks
    inside = f"{count(checks.lacking, 'path')} not inside" if checks.lacking else "all inside"
    strays = [f"{checks.elsewhere} not as on disk"] if checks.elsewhere else []
    strays += [f"{checks.nowhere} more to nothing"] if checks.nowhere else []
    parts = [
        f"entry points: {count(checks.packages, 'package')}, {inside}",
        f"declared dependencies: {count(checks.edges, 'edge')}, {', '.join(strays) or 'as on disk'}",
    ]
    if checks.sources:
        brought = f"{checks.strays} not brought along" if checks.strays else "all brought along"
        parts.append(f"imports: {count(checks.sources, 'source')}, {brought}")
    if checks.unread:
        parts.append(f"not read: {count(checks.unread, 'source')}, too large or no valid script")
    return f"runtime graph: {'; '.join(parts)}"


def package_line(plan: PackPlan, tarball: Tarball) -> str:
    """Return the one line about a package that was packed with others."""
    snapshots = sum(package.linked for package in plan.bundled)
    rewritten = sum(change.section != _NOT_INSTALLED for change in plan.changes)
    bundled = len(plan.bundled) - snapshots
    parts = [count(len(tarball.files), "file"), amount(tarball.size)]
    if snapshots:
        parts.append(count(snapshots, "snapshot"))
    if bundled:
        parts.append(f"{bundled} bundled")
    if rewritten:
        parts.append(f"{count(rewritten, 'spec')} rewritten")
    label = escape(f"{plan.manifest.name}@{plan.manifest.version}")
    return f"{label}  {', '.join(parts)}  {escape(posixpath.normpath(tarball.path))}"


def private_line(names: Sequence[str], *, verbose: bool = False) -> str:
    """Return the line about private workspaces that are not packed."""
    shown = shorten(list(map(escape, names)), _MOST_PRIVATE, verbose=verbose)
    return f"left out as private: {shown} (--private packs {them(len(names))})"


def summary_line(
    results: Sequence[tuple[PackPlan, Tarball]], *, private: int, failed: int, seconds: float, dry_run: bool
) -> str:
    """Return the line that closes a run over many packages."""
    tarballs = [tarball for _, tarball in results]
    warnings = sum(len(plan.warnings) + len(tarball.warnings) for plan, tarball in results)
    packages = [f"{len(results)} packed" + (" (dry run: not written)" if dry_run else "")]
    if private:
        packages.append(f"{private} private left out")
    if failed:
        packages.append(f"{failed} failed")
    size = sum(tarball.size for tarball in tarballs)
    unpacked_size = sum(tarball.unpacked_size for tarball in tarballs)
    amounts = [
        count(sum(len(tarball.files) for tarball in tarballs), "file"),
        f"{amount(size)} packed, {amount(unpacked_size)} unpacked",
        count(warnings, "warning"),
        f"{seconds:.1f} s",
    ]
    return f"{', '.join(packages)}: {', '.join(amounts)}"
