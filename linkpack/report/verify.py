"""Write what `verify`, `diff` and `unpack` found, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from linkpack.errors import Problem
from linkpack.report.annotations import annotation
from linkpack.report.problems import problem_lines, problem_values
from linkpack.report.text import JSON_SCHEMA, amount, count, escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkpack.archive.findings import Finding
    from linkpack.verifying.difference import Difference, FileChange
    from linkpack.verifying.unpack import Unpacked
    from linkpack.verifying.verdict import Verdict

# The letters of `git diff --name-status`, which has T for a change of a file's type.
_MARKS = {"added": "A", "removed": "D", "changed": "M", "mode": "T"}


def findings_text(findings: Sequence[Finding], tarball: str = "") -> str:
    """Return the lines about *findings*.

    *tarball* goes in front of each where there are several tarballs.
    """
    return "\n".join(
        problem_lines(_as_problem(finding), severity=finding.severity, subject=tarball) for finding in findings
    )


def _as_problem(finding: Finding) -> Problem:
    return Problem(finding.code, finding.place, finding.message, finding.fix)


def finding_values(finding: Finding) -> dict[str, str]:
    """Return *finding* as the JSON has it, with its path in the tarball."""
    return problem_values(_as_problem(finding), finding.severity)


def finding_annotation(finding: Finding, tarball: str, root: str) -> str:
    """Return the annotation about *finding* in *tarball*.

    *root* is the folder that the run has checked out.
    """
    return annotation(_as_problem(finding), root, finding.severity, tarball)


def verdict_text(verdict: Verdict, *, strict: bool = False) -> str:
    """Return what the tarball is, and in the last line whether it passes.

    With *strict* it does not pass with warnings.
    """
    lines = []
    if verdict.name:
        lines.append(f"{escape(verdict.name)}@{escape(verdict.version)}")
    size = f"{amount(verdict.size)} packed, {amount(verdict.unpacked)} unpacked"
    lines.append(f"  {size}, {count(verdict.entries, 'file')}")
    if verdict.integrity:
        lines.append(f"  {verdict.integrity}")
    if verdict.serves:
        lines.append(f"  runtime graph: {count(verdict.packages, 'package')}, {count(verdict.edges, 'edge')}")
        lines.append(f"  installs with: {', '.join(verdict.serves)}")
    errors = sum(finding.severity == "error" for finding in verdict.findings)
    counts = f"{count(errors, 'error')}, {count(len(verdict.findings) - errors, 'warning')}"
    passes = verdict.passes(strict=strict)
    why = ": --strict allows no warning" if verdict.ok and not passes else ""
    lines.append(f"{escape(verdict.path)}: {'ok' if passes else 'refused'} ({counts}{why})")
    return "\n".join(lines)


def verdict_values(verdict: Verdict, *, strict: bool = False) -> dict[str, object]:
    """Return the verdict as values for JSON.

    With *strict*, `ok` is false for warnings too.
    """
    return {
        "schema": JSON_SCHEMA,
        "path": verdict.path,
        "ok": verdict.passes(strict=strict),
        "name": verdict.name,
        "version": verdict.version,
        "size": verdict.size,
        "unpackedSize": verdict.unpacked,
        "entryCount": verdict.entries,
        "integrity": verdict.integrity,
        "runtimeGraph": {"packages": verdict.packages, "edges": verdict.edges},
        "serves": list(verdict.serves),
        "findings": [finding_values(finding) for finding in verdict.findings],
    }


def unpacked_text(unpacked: Unpacked) -> str:
    """Return where the files are, and how many."""
    return f"{count(unpacked.files, 'file')}, {amount(unpacked.size)}, in {escape(unpacked.folder)}"


def unpacked_json(unpacked: Unpacked) -> str:
    """Return what was unpacked as JSON, in ASCII."""
    value = {
        "schema": JSON_SCHEMA,
        "folder": unpacked.folder,
        "fileCount": unpacked.files,
        "unpackedSize": unpacked.size,
        "findings": [finding_values(finding) for finding in unpacked.findings],
    }
    return json.dumps(value, indent=2)


def names_text(difference: Difference) -> str:
    """Return a line for each changed file: A, D, M or T (mode), and path."""
    return "\n".join(f"{_MARKS[change.kind]} {escape(change.path)}" for change in difference.files)


def difference_text(difference: Difference, *, stat: bool = False) -> str:
    """Return the difference for a person.

    With *stat* the changed lines of files are left out.
    """
    return "\n".join(_difference_lines(difference, stat=stat))


def _difference_lines(difference: Difference, *, stat: bool) -> Iterator[str]:
    if difference.is_same_file:
        yield "the same, byte for byte"
        return
    for title, rows in (("package.json", difference.manifest), ("bundled packages", difference.packages)):
        if rows:
            yield title
            for name, old, new in rows:
                yield f"  {escape(name)}: {escape(old) or '(none)'} -> {escape(new) or '(none)'}"
    if difference.files:
        yield "files"
        yield from (f"  {_file_line(change)}" for change in difference.files)
    else:
        yield "all files are the same; the bytes of the tarballs are not"
    for label, (old_size, new_size) in (("packed", difference.packed), ("unpacked", difference.unpacked)):
        more = new_size - old_size
        noun = "byte" if abs(more) == 1 else "bytes"
        yield f"{label} {amount(old_size)} -> {amount(new_size)} ({more:+} {noun})"
    if stat:
        return
    for change in difference.files:
        if change.text:
            yield ""
            yield from _changed_lines(change)


def _file_line(change: FileChange) -> str:
    """Return a file's mark and path, and how its size and mode changed."""
    old, new = change.old, change.new
    line = f"{_MARKS[change.kind]} {escape(change.path)}"
    if old is None or new is None:
        file = new or old
        return f"{line}  {count(file.size if file else 0, 'byte')}"
    sizes = f"  {old.size} -> {count(new.size, 'byte')}" if old.digest != new.digest else ""
    return line + sizes + (f"  mode {old.mode:o} -> {new.mode:o}" if old.mode != new.mode else "")


def _changed_lines(change: FileChange) -> Iterator[str]:
    # A text of one line is no diff, but says why there is none: binary files, or too many lines.
    if "\n" not in change.text:
        yield f"{escape(change.path)}: {change.text}"
        return
    for line in change.text.removesuffix("\n").split("\n"):
        # A tab is not printable: `escape` would write it as `\t`.
        yield escape(line.replace("\t", "    "))


def difference_json(difference: Difference) -> str:
    """Return the difference as JSON, in ASCII."""
    value = {
        "schema": JSON_SCHEMA,
        "old": difference.old,
        "new": difference.new,
        "same": difference.is_same,
        "sameFile": difference.is_same_file,
        "files": [
            {
                "path": change.path,
                "change": change.kind,
                "old": change.old._asdict() if change.old else None,
                "new": change.new._asdict() if change.new else None,
                "diff": change.text,
            }
            for change in difference.files
        ],
        "manifest": [change._asdict() for change in difference.manifest],
        "packages": [change._asdict() for change in difference.packages],
        "packed": list(difference.packed),
        "unpacked": list(difference.unpacked),
    }
    return json.dumps(value, indent=2)
