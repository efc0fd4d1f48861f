"""Verdicts and differences as text and as JSON; every name goes through `safe`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from linkpack.report.pack import amount, safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkpack.archive.findings import Finding
    from linkpack.verifying.difference import Difference, FileChange
    from linkpack.verifying.unpack import Unpacked
    from linkpack.verifying.verdict import Verdict

_MARKS = {"added": "A", "removed": "D", "changed": "M", "mode": "T"}


def findings(found: tuple[Finding, ...], tarball: str = "") -> str:
    """Write the lines that say what was found, where, and what to do.

    *tarball* begins each finding where there are several.
    """
    return "\n".join(line for each in found for line in _finding(each, tarball))


def _finding(each: Finding, tarball: str) -> Iterator[str]:
    whose = f"{safe(tarball)}: " if tarball else ""
    yield f"linkpack: {whose}{each.severity} {each.code}: {safe(each.message)}"
    if each.fix:
        yield f"  {safe(each.fix)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def verdict(each: Verdict, *, strict: bool = False) -> str:
    """Say what the tarball is, and the verdict in the last line; *strict* refuses it for warnings, too."""
    lines = []
    if each.name:
        lines.append(f"{safe(each.name)}@{safe(each.version)}")
    size = f"{amount(each.size)} packed, {amount(each.unpacked)} unpacked"
    lines.append(f"  {size}, {_count(each.entries, 'file')}")
    if each.integrity:
        lines.append(f"  {each.integrity}")
    if each.serves:
        lines.append(f"  runtime graph: {_count(each.packages, 'package')}, {_count(each.edges, 'edge')}")
        lines.append(f"  installs with: {', '.join(each.serves)}")
    wrong = sum(finding.severity == "error" for finding in each.findings)
    counts = f"{_count(wrong, 'error')}, {_count(len(each.findings) - wrong, 'warning')}"
    why = ": --strict allows no warning" if each.ok and not each.passes(strict=strict) else ""
    lines.append(f"{safe(each.path)}: {'ok' if each.passes(strict=strict) else 'refused'} ({counts}{why})")
    return "\n".join(lines)


def verdict_json(each: Verdict, *, strict: bool = False) -> str:
    """Write the verdict as JSON, ASCII only; with *strict* `ok` is false for warnings, too."""
    document = {
        "path": each.path,
        "ok": each.passes(strict=strict),
        "name": each.name,
        "version": each.version,
        "size": each.size,
        "unpackedSize": each.unpacked,
        "entryCount": each.entries,
        "integrity": each.integrity,
        "runtimeGraph": {"packages": each.packages, "edges": each.edges},
        "serves": list(each.serves),
        "findings": [finding._asdict() for finding in each.findings],
    }
    return json.dumps(document, indent=2)


def unpacked(each: Unpacked) -> str:
    """Where the files are, and how many."""
    return f"{each.files} files, {amount(each.size)}, in {safe(each.folder)}"


def unpacked_json(each: Unpacked) -> str:
    """What was unpacked as JSON, ASCII only."""
    document = {
        "folder": each.folder,
        "fileCount": each.files,
        "unpackedSize": each.size,
        "findings": [finding._asdict() for finding in each.findings],
    }
    return json.dumps(document, indent=2)


def names(each: Difference) -> str:
    """A line a changed file: A, D, M or T (only the mode), and its path."""
    return "\n".join(f"{_MARKS[change.kind]} {safe(change.path)}" for change in each.files)


def difference(each: Difference, *, stat: bool = False) -> str:
    """The whole difference for a person; with *stat* sizes instead of lines."""
    return "\n".join(_difference(each, stat=stat))


def _difference(each: Difference, *, stat: bool) -> Iterator[str]:
    if each.is_same_file:
        yield "the same, byte for byte"
        return
    for title, rows in (("package.json", each.manifest), ("bundled packages", each.packages)):
        if rows:
            yield title
            yield from (
                f"  {safe(name)}: {safe(old) or '(none)'} -> {safe(new) or '(none)'}" for name, old, new in rows
            )
    if each.files:
        yield "files"
        yield from (f"  {_file(change)}" for change in each.files)
    else:
        yield "all files are the same; the bytes of the tarballs are not"
    (packed, now_packed), (unpacked_size, now_unpacked) = each.packed, each.unpacked
    yield f"packed {amount(packed)} -> {amount(now_packed)} ({now_packed - packed:+} bytes)"
    yield f"unpacked {amount(unpacked_size)} -> {amount(now_unpacked)} ({now_unpacked - unpacked_size:+} bytes)"
    for change in () if stat else each.files:
        if change.text:
            yield ""
            yield from _text(change)


def _file(change: FileChange) -> str:
    """One file: its mark and path, and what became of its size and mode."""
    old, new = change.old, change.new
    line = f"{_MARKS[change.kind]} {safe(change.path)}"
    if old is None or new is None:
        file = new or old
        return f"{line}  {file.size if file else 0} bytes"
    sizes = f"  {old.size} -> {new.size} bytes" if old.digest != new.digest else ""
    return line + sizes + (f"  mode {old.mode:o} -> {new.mode:o}" if old.mode != new.mode else "")


def _text(change: FileChange) -> Iterator[str]:
    if "\n" not in change.text:
        yield f"{safe(change.path)}: {change.text}"
        return
    for line in change.text.removesuffix("\n").split("\n"):
        yield safe(line.replace("\t", "    "))


def difference_json(each: Difference) -> str:
    """The difference as JSON, ASCII only."""
    document = {
        "old": each.old,
        "new": each.new,
        "same": each.is_same,
        "sameFile": each.is_same_file,
        "files": [
            {
                "path": change.path,
                "change": change.kind,
                "old": change.old._asdict() if change.old else None,
                "new": change.new._asdict() if change.new else None,
                "diff": change.text,
            }
            for change in each.files
        ],
        "manifest": [change._asdict() for change in each.manifest],
        "packages": [change._asdict() for change in each.packages],
        "packed": list(each.packed),
        "unpacked": list(each.unpacked),
    }
    return json.dumps(document, indent=2)
